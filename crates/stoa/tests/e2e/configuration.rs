//! `stoa dev --config FILE`: what it says holds, and what can't be is refused at the start.

use crate::server::{Home, Options, fresh_address};
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::{path::PathBuf, process::Command};
use testkit::{NodeOptions, eventually_within};

fn write(home: &Home, text: &str) -> PathBuf {
    std::fs::create_dir_all(home.path()).unwrap();
    let file = home.path().join("stoa.toml");
    std::fs::write(&file, text).unwrap();
    file
}

/// `stoa config …`: whether it ended well, and all that it printed.
fn config(arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stoa"));
    let output = command.arg("config").args(arguments).output().unwrap();
    let texts = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(texts).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_file_says_holds() {
    let node = testkit::anvil(NodeOptions { block_time: Some(0.2), extra: vec![] }).await;
    let home = Home::new();
    let file = write(
        &home,
        &format!(
            "[chain]\nauditable_blocks = 3\nfinal_blocks = 5\n\
             [transactor]\nqueue_depth_max = 2\n\
             [fees]\nurgency = \"high\"\n\
             [roles.operator]\nwallets = 1\nin_flight_max = 3\n\
             [[endpoints]]\nurl = \"{}/?key=secret\"\n",
            node.anvil.http_url()
        ),
    );
    let path = file.display().to_string();
    let (good, said) = config(&["check", &path]);
    assert!(good && said.contains("is good"), "{said}");
    let (good, said) = config(&["show", &path]);
    assert!(good && said.contains("in_flight_max = 3    # usual: 16"), "{said}");
    assert!(!said.contains("secret"), "{said}");

    let server = home.start(&Options { config: Some(&file), ..Options::default() }).await;
    let (_, wallets) = server.get("/wallets").await;
    let operators: Vec<_> =
        wallets["items"].as_array().unwrap().iter().filter(|w| w["role"] == "operator").collect();
    assert_eq!(operators.len(), 1, "{wallets}");
    assert_eq!(operators[0]["in_flight_max"], 3);

    // From here on blocks come when they are asked for.
    node.call("evm_setIntervalMining", json!([0])).await;
    let transfer = json!({ "to": fresh_address(), "value": "1" });
    let (_, sent) = server.post("/transactions", None, &transfer).await;
    assert_eq!(sent["urgency"], "high", "{sent}");
    let id = sent["id"].as_str().unwrap().to_owned();
    // Five blocks are enough here, not the usual 32.
    for (status, more) in [("submitted", 1), ("tentative", 5), ("final", 0)] {
        eventually_within(std::time::Duration::from_secs(60), status, || async {
            let (_, shown) = server.get(&format!("/transactions/{id}")).await;
            (shown["status"] == status).then_some(())
        })
        .await;
        node.mine(more).await;
    }

    // The queue holds two; a third is told when to come back, and nothing of it stays.
    let far = || json!({ "to": fresh_address(), "value": "1", "not_before": far_ahead() });
    for _ in 0..2 {
        let (status, body) = server.post("/transactions", None, &far()).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{body}");
    }
    let third = server
        .request(Method::POST, "/transactions")
        .header("Idempotency-Key", "third")
        .json(&far())
        .send()
        .await
        .unwrap();
    assert_eq!(third.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(third.headers().contains_key("retry-after"));
    let problem: serde_json::Value = third.json().await.unwrap();
    assert_eq!(problem["code"], "queue_full", "{problem}");
    assert_eq!(server.stop(), Some(0));
}

/// A kind that keeps failing is paused, other kinds are not, and it goes on when a probe succeeds.
#[tokio::test(flavor = "multi_thread")]
async fn a_failing_kind_is_paused_and_probed() {
    let home = Home::new();
    let file = write(&home, "[transactor]\nkind_failures_max = 2\n");
    let server = home.start(&Options { config: Some(&file), ..Options::default() }).await;
    let send = async |body: &serde_json::Value| {
        let (status, sent) = server.post("/transactions", None, body).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{sent}");
        sent["id"].as_str().unwrap().to_owned()
    };
    let reaches = async |id: &str, wanted: &[&str]| {
        let what = format!("{id} is {wanted:?}");
        eventually_within(std::time::Duration::from_secs(60), &what, || async {
            let (_, shown) = server.get(&format!("/transactions/{id}")).await;
            wanted.iter().any(|status| shown["status"] == *status).then_some(())
        })
        .await;
    };
    let told = async |kind: &str| {
        eventually_within(std::time::Duration::from_secs(60), kind, || async {
            let (_, page) = server.get("/facts?topic=transactions&limit=200").await;
            let facts = page["facts"].as_array().or(page["items"].as_array()).unwrap().clone();
            facts.into_iter().find(|fact| fact["type"] == kind || fact["kind"] == kind)
        })
        .await
    };
    let bad = json!({ "contract": "default_collection", "function": "pause", "args": [] });
    let good = json!({ "contract": "default_collection", "function": "setApprovalForAll",
                       "args": [fresh_address(), true] });
    for _ in 0..2 {
        reaches(&send(&bad).await, &["failed"]).await;
    }
    told("transaction_kind_paused").await;
    let call = send(&good).await;
    let transfer = send(&json!({ "to": fresh_address(), "value": "1" })).await;
    reaches(&transfer, &["tentative", "auditable", "final"]).await;
    reaches(&call, &["tentative", "auditable", "final"]).await;
    told("transaction_kind_resumed").await;
    assert_eq!(server.stop(), Some(0));
}

/// Soon enough to be accepted, too late for this test.
pub fn far_ahead() -> String {
    let at = time::OffsetDateTime::now_utc() + time::Duration::days(7);
    at.format(&time::format_description::well_known::Rfc3339).unwrap()
}

#[tokio::test]
async fn a_file_with_faults_starts_nothing() {
    let home = Home::new();
    let file = write(
        &home,
        "[transactor]\ntick_mss = 5\n[fees]\ncap_wei = 5\n[[endpoints]]\nurl = \"ftp://secret\"\n",
    );
    let expected = ["line 2: transactor.tick_mss", "line 4: fees.cap_wei", "line 5: endpoints[1]"];
    let (good, said) = config(&["check", &file.display().to_string()]);
    assert!(!good && expected.iter().all(|fault| said.contains(fault)), "{said}");
    let mut child = home.spawn(&Options { config: Some(&file), ..Options::default() });
    let ended = eventually_within(std::time::Duration::from_secs(60), "the server ends", || {
        let ended = child.try_wait().unwrap();
        async move { ended }
    })
    .await;
    let log = home.log();
    assert!(!ended.success() && expected.iter().all(|fault| log.contains(fault)), "{log}");
    assert!(!log.contains("secret") && !home.path().join("postgres").exists(), "{log}");
}

/// Files, the environment and the command line, through the command: what is said, and how it ends.
#[tokio::test]
async fn checking_and_showing_tell_origins_and_end_as_documented() {
    let home = Home::new();
    let file =
        write(&home, "[limits]\nip_units = 5\n[profile.prod.auth]\norigins = [\"https://a\"]\n");
    let run = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stoa"));
        command.arg("config").args(arguments).envs(variables.iter().copied());
        let output = command.output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code(), text)
    };
    let path = file.display().to_string();
    let variables =
        [("STOA_REDIS__URL", "redis://:hush-hush-hush@10.0.0.1"), ("STOA_LIMITS__KEY_UNITS", "7")];
    let (code, said) = run(&["check", &path], &variables);
    assert!(code == Some(0) && said.contains("is good (profile dev)"), "{said}");
    let (code, said) = run(&["check", &path, "--profile", "prod"], &variables);
    assert!(code == Some(0) && said.contains("is good (profile prod)"), "{said}");
    let bad = [("STOA_PROFILE", "prod"), ("STOA_LIMITS__KEY_UNITS", "0"), ("STOA_X__Y", "1")];
    let (code, said) = run(&["check", &path, "--set", "fees.urgency=soon"], &bad);
    let expect = [
        "has 3 faults:",
        "STOA_LIMITS__KEY_UNITS: limits.key_units: must not be 0 (profile prod)",
        "STOA_X__Y: x: there is no such table",
        "--set fees.urgency: fees.urgency: must be one of",
    ];
    assert!(code == Some(1) && expect.iter().all(|part| said.contains(part)), "{said}");
    let (code, said) = run(&["check", "/nowhere/stoa.toml"], &[]);
    assert!(code == Some(3) && said.contains("cannot read /nowhere/stoa.toml"), "{said}");

    let (code, said) = run(&["show", &path, "--set", "limits.ip_ms=5000"], &variables);
    let expect = [
        format!("ip_units = 5    # usual: 1200; from {path}:2"),
        "ip_ms = 5000    # usual: 60000; from --set limits.ip_ms".to_owned(),
        "key_units = 7    # usual: 600000; from STOA_LIMITS__KEY_UNITS".to_owned(),
        "url = \"redis://10.0.0.1/…\"    # usual: none; from STOA_REDIS__URL".to_owned(),
    ];
    assert!(code == Some(0) && expect.iter().all(|part| said.contains(part)), "{said}");
    assert!(!said.contains("hush"), "{said}");
    let (_, said) = run(&["show", &path, "--json"], &variables);
    let shown: serde_json::Value = serde_json::from_str(&said).unwrap();
    let option = &shown["options"]["limits.key_units"];
    let expect = json!({ "value": 7, "usual": 600_000,
                         "origin": { "kind": "variable", "name": "STOA_LIMITS__KEY_UNITS" } });
    assert_eq!(*option, expect);
    assert!(!said.contains("hush"), "{said}");
}

/// A development server makes its own secrets: it starts nothing where others rely on it.
#[tokio::test]
async fn a_development_server_is_not_for_production() {
    let home = Home::new();
    let file = write(
        &home,
        "[auth]\norigins = [\"https://a.example\"]\n[chain]\nid = 10\n\
         [[endpoints]]\nurl = \"http://127.0.0.1:9\"\n",
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_stoa"));
    command.args(["dev", "--profile", "prod", "--config"]).arg(&file);
    let output = command.arg("--data-dir").arg(home.path()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("not for the profile prod"), "{said}");
    assert!(!home.path().join("postgres").exists(), "{said}");
}

#[tokio::test]
async fn endpoints_are_named_in_one_place() {
    let home = Home::new();
    let file = write(&home, "[[endpoints]]\nurl = \"http://127.0.0.1:9\"\n");
    let options =
        Options { config: Some(&file), rpc: Some("http://127.0.0.1:9"), ..Options::default() };
    let mut child = home.spawn(&options);
    let ended = eventually_within(std::time::Duration::from_secs(60), "the server ends", || {
        let ended = child.try_wait().unwrap();
        async move { ended }
    })
    .await;
    assert!(!ended.success() && home.log().contains("leave out --rpc"), "{}", home.log());
}
