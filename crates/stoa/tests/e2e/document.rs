//! The API against its own document: schemathesis makes requests of it, sound and unsound, and
//! judges the answers. A short run; `cargo xtask prove` has it go on for longer.
//!
//! `STOA_SCHEMA_EXAMPLES`: requests per operation in each fuzzing phase. `STOA_SCHEMA_SEED`: to
//! repeat a run.

use crate::server::{Home, Options, Server, answer};
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Callers of their own rate are what is tested elsewhere.
const UNLIMITED: &str = "[limits]\nip_units = 0\nwallet_units = 0\nkey_units = 0\n";
/// Wallet of the user, of anvil's own.
const USER: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const USER_KEY: &str = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";
/// Answers without end.
const ENDLESS: [&str; 2] = ["follow_events", "open_stream"];
/// They would end the key that asks; so they come last.
const OF_KEYS: [&str; 3] = ["change_api_key", "rotate_api_key", "revoke_api_key"];
/// What is asked for is right in shape only: an item that is not there, a deadline that has passed.
/// So that a request of the right shape was refused is no fault.
const NOT_JUDGED: &str = "positive_data_acceptance";
/// What refuses unsound requests; 413, 414 and 431 do so before anything is read of them. A block
/// that does not come in time is told by 503, so one is waited for that is there.
const JUDGES: &str = "[parameters]\n\"query.wait_for_block\" = 1\n[checks.negative_data_rejection]\n\
     expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 414, 415, 422, 428, 429, 431]\n";
const RUN_MAX: Duration = Duration::from_secs(3_000);

fn tool(name: &str) -> PathBuf {
    let venv = testkit::tools().join("../venv/bin");
    let tool = if name == "cast" { testkit::tools().join(name) } else { venv.join(name) };
    assert!(tool.exists(), "{} is missing: scripts/install-tools.sh", tool.display());
    tool
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// One run as one caller.
async fn judge(server: &Server, place: &Path, credential: Option<&str>, more: &[&str]) {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() % 1_000_000;
    let seed = number("STOA_SCHEMA_SEED", seed).to_string();
    let examples = number("STOA_SCHEMA_EXAMPLES", 3).to_string();
    let document = format!("{}/api/v1/openapi.json", server.text("http"));
    let mut run = Command::new(tool("schemathesis"));
    run.current_dir(place).args(["run", &document, "--continue-on-failure", "--no-color"]);
    run.args(["--exclude-checks", NOT_JUDGED, "--warnings", "off", "--workers", "2"]);
    run.args(["--max-examples", &examples, "--seed", &seed]).args(more);
    if let Some(credential) = credential {
        run.args(["--header", &format!("Authorization: Bearer {credential}")]);
    }
    let running = tokio::task::spawn_blocking(move || run.output().unwrap());
    let output = tokio::time::timeout(RUN_MAX, running).await.expect("it ends").unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "STOA_SCHEMA_SEED={seed}\n{told}");
}

async fn access_token(server: &Server) -> String {
    let post = |path: &str| server.request(Method::POST, &format!("/auth/{path}"));
    let asked = post("challenges").json(&json!({ "address": USER }));
    let (status, asked) = answer(asked).await.unwrap();
    assert_eq!(status, StatusCode::CREATED, "{asked}");
    let message = asked["message"].as_str().unwrap();
    let mut sign = Command::new(tool("cast"));
    let signed = sign.args(["wallet", "sign", "--private-key", USER_KEY, message]).output();
    let signature = String::from_utf8(signed.unwrap().stdout).unwrap();
    let signed = json!({ "message": message, "signature": signature.trim() });
    let (status, opened) = answer(post("sessions").json(&signed)).await.unwrap();
    assert_eq!(status, StatusCode::CREATED, "{opened}");
    opened["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_breaks_the_api_or_what_its_document_promises() {
    let home = Home::new();
    let place = tempfile::tempdir().unwrap();
    let config = place.path().join("stoa.toml");
    std::fs::write(&config, UNLIMITED).unwrap();
    std::fs::write(place.path().join("schemathesis.toml"), JUDGES).unwrap();
    let server = home.start(&Options { config: Some(&config), ..Options::default() }).await;
    let (key, user) = (server.text("operator_api_key"), access_token(&server).await);
    let without = |names: &[&'static str]| -> Vec<&'static str> {
        names.iter().flat_map(|name| ["--exclude-operation-id", name]).collect()
    };
    let all = [without(&ENDLESS), without(&OF_KEYS)].concat();
    let coverage = ["--phases", "examples,coverage,fuzzing"];
    judge(&server, place.path(), Some(&key), &[&coverage[..], &all].concat()).await;
    let fuzzing = ["--phases", "fuzzing"];
    judge(&server, place.path(), Some(&user), &[&fuzzing[..], &all].concat()).await;
    judge(&server, place.path(), None, &[&fuzzing[..], &all].concat()).await;
    let of_keys: Vec<&str> =
        OF_KEYS.iter().flat_map(|name| ["--include-operation-id", name]).collect();
    judge(&server, place.path(), Some(&key), &[&coverage[..], &of_keys].concat()).await;
}
