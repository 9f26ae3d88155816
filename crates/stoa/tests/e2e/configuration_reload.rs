//! What of the configuration is changed while a server runs, holds; what is wrong changes nothing.

use crate::server::{Home, Options, Server};
use nix::sys::signal::Signal;
use serde_json::json;
use std::path::Path;
use testkit::eventually;

fn replace(file: &Path, text: &str) {
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let draft = file.with_extension("draft");
    std::fs::write(&draft, text).unwrap();
    std::fs::rename(&draft, file).unwrap();
}

/// What a caller without a key is told of its limit.
async fn policy(server: &Server) -> String {
    let url = format!("{}/api/v1/items", server.text("http"));
    let response = server.http.get(url).send().await.unwrap();
    response.headers()["ratelimit-policy"].to_str().unwrap().to_owned()
}

async fn policy_becomes(server: &Server, wanted: &str) {
    eventually(&format!("the limit is {wanted}"), || async {
        (policy(server).await == wanted).then_some(())
    })
    .await;
}

async fn logged(server: &Server, parts: &[&str]) -> String {
    eventually(&format!("{parts:?} is logged"), || async {
        let lines = server.log_lines();
        lines.into_iter().find(|line| parts.iter().all(|part| line.contains(part)))
    })
    .await
}

async fn metric(server: &Server, line: &str) {
    eventually(line, || async {
        server.metrics().await.lines().any(|found| found == line).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_and_the_log_are_reloaded_and_a_bad_file_changes_nothing() {
    let home = Home::new();
    let file = home.path().join("stoa.toml");
    replace(&file, "[limits]\nip_units = 500\n");
    let options = Options { config: Some(&file), own_log: true, ..Options::default() };
    let server = home.start(&options).await;
    assert_eq!(policy(&server).await, "\"ip\";q=500;w=60");

    // Seen by itself, and what was taken from the bucket stays taken.
    replace(&file, "[limits]\nip_units = 700\n");
    policy_becomes(&server, "\"ip\";q=700;w=60").await;
    logged(&server, &["the configuration was reloaded", "limits.ip_units"]).await;
    metric(&server, "configuration_reloads_total{outcome=\"taken\"} 1").await;

    // Who looks after it finds that in the audit trail.
    let records = eventually("the reload is recorded", || async {
        let (_, page) = server.get("/audit?action=change_configuration").await;
        (!page["items"].as_array()?.is_empty()).then_some(page)
    })
    .await;
    let record = &records["items"][0];
    assert_eq!((&record["via"], &record["act"]), (&json!("server"), &json!("reloaded")));
    assert_eq!(record["before"]["limits.ip_units"], "500");
    assert_eq!(record["after"]["limits.ip_units"], "700");

    // All that is wrong is told, and nothing of the file holds.
    replace(&file, "[limits]\nip_units = 900\nkey_unitz = 5\n[fees]\ncap_wei = 5\n");
    logged(&server, &["not reloaded", "line 3: limits.key_unitz", "did you mean key_units?"]).await;
    logged(&server, &["not reloaded", "line 5: fees.cap_wei"]).await;
    metric(&server, "configuration_reloads_total{outcome=\"refused\"} 1").await;
    metric(&server, "configuration_refused 1").await;
    assert_eq!(policy(&server).await, "\"ip\";q=700;w=60");

    // One that is away is as bad.
    std::fs::remove_file(&file).unwrap();
    logged(&server, &["not reloaded", "cannot read"]).await;
    assert_eq!(policy(&server).await, "\"ip\";q=700;w=60");

    let text = "[limits]\nip_units = 800\nip_ms = 30000\n[stream]\nring_facts = 99\n\
                [telemetry]\nlog = \"info,api=debug\"\n";
    assert!(!server.log_lines().iter().any(|line| line.contains("DEBUG")));
    replace(&file, text);
    server.signal(Signal::SIGHUP);
    policy_becomes(&server, "\"ip\";q=800;w=30").await;
    logged(&server, &["from the next start on", "stream.ring_facts"]).await;
    metric(&server, "configuration_refused 0").await;
    policy(&server).await;
    logged(&server, &["DEBUG", "answered"]).await;
    // The server is not ended by it.
    assert_eq!(server.stop(), Some(0));
}
