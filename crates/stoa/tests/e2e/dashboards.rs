//! What is in `deploy/`: alerts by promtool, and a real Prometheus that asks a running server: every
//! panel of every dashboard has data, and every rule can be evaluated.

use crate::server::{Home, Options, Server, fresh_address};
use devstack::{Child, Signal, spawn_tied};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use testkit::eventually_within;

fn deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(name).canonicalize().unwrap()
}

fn promtool(arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new("promtool");
    let output = command.current_dir(deploy("prometheus")).args(arguments).output();
    let output = output.expect("promtool is installed by `make tools`");
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.success(), text)
}

#[test]
fn every_alert_is_good_and_tested_both_ways() {
    let (good, said) = promtool(&["check", "rules", "stoa.rules.yml"]);
    assert!(good, "{said}");
    let (good, said) = promtool(&["test", "rules", "stoa.rules.test.yml"]);
    assert!(good, "{said}");
    let rules = fs::read_to_string(deploy("prometheus/stoa.rules.yml")).unwrap();
    let tests = fs::read_to_string(deploy("prometheus/stoa.rules.test.yml")).unwrap();
    let after = |text: &str, word: &str| -> Vec<String> {
        text.lines()
            .filter_map(|line| Some(line.trim().strip_prefix(word)?.trim().into()))
            .collect()
    };
    let alerts = after(&rules, "- alert:");
    let tested = after(&tests, "alertname:");
    assert!(alerts.len() > 10, "{alerts:?}");
    for alert in &alerts {
        let count = tested.iter().filter(|name| *name == alert).count();
        assert_eq!(count, 2, "{alert} fires in one test, and not in the other");
    }
    // A test that expects what is not so fails: the tests are really run.
    let place = tempfile::tempdir().unwrap();
    fs::copy(deploy("prometheus/stoa.rules.yml"), place.path().join("stoa.rules.yml")).unwrap();
    let wrong = tests.replace("12+0x20", "2+0x20");
    let path = place.path().join("wrong.test.yml");
    fs::write(&path, wrong).unwrap();
    let (good, said) = promtool(&["test", "rules", path.to_str().unwrap()]);
    assert!(!good && said.contains("StoaIndexLags"), "{said}");
}

struct Prometheus {
    _child: Child,
    _place: tempfile::TempDir,
    origin: String,
    http: reqwest::Client,
}

impl Prometheus {
    fn start(target: &str) -> Self {
        let place = tempfile::Builder::new().prefix("stoa-e2e").tempdir().unwrap();
        let port = devstack::free_port().unwrap();
        let rules = deploy("prometheus/stoa.rules.yml");
        let file = place.path().join("prometheus.yml");
        let text = format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\n\
             rule_files: [{rules:?}]\n\
             scrape_configs:\n  - job_name: stoa\n    static_configs: [{{ targets: [{target:?}] }}]\n"
        );
        fs::write(&file, text).unwrap();
        let arguments = [
            format!("--config.file={}", file.display()),
            format!("--storage.tsdb.path={}", place.path().join("data").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
        ];
        let log = place.path().join("prometheus.log");
        let child = spawn_tied(Path::new("prometheus"), &arguments, None, Signal::SIGTERM, &log);
        let child = child.expect("prometheus is installed by `make tools`");
        let origin = format!("http://127.0.0.1:{port}");
        Self { _child: child, _place: place, origin, http: reqwest::Client::new() }
    }

    async fn get(&self, path: &str, query: &str) -> Option<Value> {
        let mut url = reqwest::Url::parse(&format!("{}{path}", self.origin)).unwrap();
        if !query.is_empty() {
            url.query_pairs_mut().append_pair("query", query);
        }
        let response = self.http.get(url).send().await.ok()?;
        let body: Value = response.json().await.ok()?;
        assert_eq!(body["status"], "success", "{query}: {body}");
        Some(body["data"].clone())
    }

    /// Is there a number?
    async fn has_data(&self, query: &str) -> bool {
        let Some(data) = self.get("/api/v1/query", query).await else { return false };
        let values = data["result"].as_array().unwrap().iter();
        let number = |value: &Value| value["value"][1].as_str().and_then(|n| n.parse::<f64>().ok());
        values.filter_map(number).any(f64::is_finite)
    }
}

/// Queries of a dashboard, with its panel's title, as Grafana would ask them for all chains.
fn queries(dashboard: &Value) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let query = target["expr"].as_str().unwrap().replace("$chain", ".*");
            assert!(!query.contains('$'), "a variable that nothing sets: {query}");
            all.push((panel["title"].as_str().unwrap().to_owned(), query));
        }
    }
    all
}

/// A little of everything that is counted.
async fn work(server: &Server, round: usize) {
    let id = server.mint(&format!("round-{round}"), &fresh_address()).await;
    let (_, shown) = server.get(&format!("/mints/{id}")).await;
    assert_eq!(shown["id"], id);
    server.post("/transactions", None, &json!({ "to": fresh_address(), "value": "1" })).await;
    for path in ["/api/v1/items", "/api/v1/items", "/nowhere"] {
        let url = format!("{}{path}", server.text("http"));
        server.http.get(url).send().await.unwrap();
    }
    server.mint_reaches(&id, &["tentative", "auditable", "final"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_panel_has_data_of_a_running_server() {
    let home = Home::new();
    fs::create_dir_all(home.path()).unwrap();
    let config = home.path().join("stoa.toml");
    // Few blocks to each level, and few requests for those without a key.
    fs::write(&config, "[chain]\nauditable_blocks = 2\nfinal_blocks = 4\n[limits]\nip_units = 4\n")
        .unwrap();
    let server = home.start(&Options { config: Some(&config), ..Options::default() }).await;
    let address = server.text("http").replace("http://", "");
    let prometheus = Prometheus::start(&address);
    // A picture goes the whole way, with a stream that watches it.
    let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/picture.jpg");
    let mut demo = Command::new(env!("CARGO_BIN_EXE_stoa"));
    demo.args(["demo", "--picture"]).arg(picture).arg("--data-dir").arg(home.path());
    let demo = demo.output().unwrap();
    assert!(demo.status.success(), "{}", String::from_utf8_lossy(&demo.stderr));
    server.signal(nix::sys::signal::Signal::SIGHUP);
    server.endpoint().call::<Value>("anvil_reorg", json!([2, []])).await.unwrap();

    let mut missing: BTreeSet<(String, String)> = BTreeSet::new();
    let mut seen = 0;
    for file in fs::read_dir(deploy("grafana")).unwrap().flatten() {
        let text = fs::read_to_string(file.path()).unwrap();
        let found = queries(&serde_json::from_str(&text).unwrap());
        seen += found.len();
        missing.extend(found);
    }
    assert!(seen > 60, "{seen} queries");
    for round in 0..60 {
        work(&server, round).await;
        let mut left = BTreeSet::new();
        for (panel, query) in missing {
            if !prometheus.has_data(&query).await {
                left.insert((panel, query));
            }
        }
        missing = left;
        if missing.is_empty() {
            break;
        }
    }
    assert!(missing.is_empty(), "panels without data: {missing:#?}\n{}", server.metrics().await);

    // Every rule was evaluated, and a server that is well wakes nobody.
    eventually_within(Duration::from_secs(60), "all rules are evaluated", || async {
        let data = prometheus.get("/api/v1/rules", "").await?;
        let groups = data["groups"].as_array().unwrap().iter();
        let rules: Vec<&Value> = groups.flat_map(|g| g["rules"].as_array().unwrap()).collect();
        let well = |rule: &&Value| rule["health"] == "ok" && rule["state"] != "firing";
        assert!(rules.len() > 10 && !rules.iter().any(|rule| rule["health"] == "err"), "{data}");
        rules.iter().all(well).then_some(())
    })
    .await;
}
