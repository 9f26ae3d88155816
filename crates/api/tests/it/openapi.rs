use crate::harness::{Setup, start, start_as};
use reqwest::Method;
use serde_json::Value;
use std::path::Path;

#[test]
fn the_committed_document_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi/stoa.json");
    let made = api::openapi_json();
    if std::env::var_os("STOA_UPDATE_OPENAPI").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &made).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == made, "openapi/stoa.json is stale: run with STOA_UPDATE_OPENAPI=1");
}

#[test]
fn every_code_is_documented_once() {
    let mut names: Vec<&str> = api::Code::ALL.iter().map(|code| code.as_str()).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    for code in api::Code::ALL {
        assert!((400..600).contains(&code.status()), "{}", code.as_str());
        assert!(!code.title().ends_with('.') && code.doc().ends_with('.'), "{}", code.as_str());
    }
}

#[tokio::test]
async fn every_documented_operation_is_there() {
    let api = start_as(Setup { stream: true, ..Setup::default() }).await;
    let document: Value = serde_json::from_str(&api::openapi_json()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut count = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let target = path.replace(['{', '}'], "");
            let response = api.request(method.clone(), &target).send().await.unwrap();
            let status = response.status().as_u16();
            assert!(status != 405, "{method} {path}");
            let text = response.text().await.unwrap();
            assert!(!text.contains("route_unknown"), "{method} {path}: {text}");
            assert!(operation["responses"].get("500").is_some());
            count += 1;
        }
    }
    // Two of them are the stream's.
    assert_eq!(count, 97);
}

#[tokio::test]
async fn pages_for_people_need_no_script() {
    let api = start().await;
    for path in ["/docs", "/docs/errors"] {
        let response = api.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("style-src 'sha256-"), "{policy}");
        let page = response.text().await.unwrap();
        assert!(!page.contains("<script") && !page.contains("http://"), "{path}");
    }
    let reference = api.request(Method::GET, "/docs").send().await.unwrap().text().await.unwrap();
    for id in reference.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(reference.contains(&format!("id=\"{id}\"")), "{id} leads nowhere");
    }
    let contents = reference.split("</nav>").next().unwrap();
    assert_eq!(contents.matches("<tr>").count(), 97, "each operation");
    let errors = api.request(Method::GET, "/docs/errors").send().await.unwrap();
    let errors = errors.text().await.unwrap();
    for code in api::Code::ALL {
        assert!(errors.contains(&format!("id=\"{}\"", code.as_str())), "{}", code.as_str());
    }
    let document = api.request(Method::GET, "/api/v1/openapi.json").send().await.unwrap();
    assert_eq!(document.text().await.unwrap(), api::openapi_json());
    let metrics = api.request(Method::GET, "/metrics").send().await.unwrap();
    assert_eq!(metrics.status(), 200);
}
