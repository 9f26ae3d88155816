//! `stoa tx` and `stoa wallet` against a running server.

use crate::server::{Home, Options, Server, fresh_address};
use serde_json::{Value, json};
use std::{
    process::{Command, Output},
    time::Duration,
};

/// A server, and the command line beside it.
struct Desk {
    home: Home,
    server: Server,
}

impl Desk {
    async fn new() -> Self {
        let home = Home::new();
        let server = home.start(&Options::default()).await;
        Self { home, server }
    }

    async fn output(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stoa"));
        command.args(arguments).arg("--data-dir").arg(self.home.path());
        command.env_remove("STOA_SERVER").env_remove("STOA_API_KEY");
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    /// What a command that succeeds prints.
    async fn says(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments).await;
        let (said, complained) = texts(&output);
        assert!(output.status.success(), "{arguments:?}: {said}{complained}");
        said
    }

    async fn json(&self, arguments: &[&str]) -> Value {
        let said = self.says(&[arguments, &["--json"]].concat()).await;
        serde_json::from_str(&said).unwrap()
    }

    /// What a command that fails with this code complains of.
    async fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.output(arguments).await;
        let (said, complained) = texts(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}{complained}");
        format!("{said}{complained}")
    }

    async fn reaches(&self, id: &str, status: &str) -> Value {
        let what = format!("{id} is {status}");
        testkit::eventually_within(Duration::from_secs(90), &what, || async {
            let shown = self.json(&["tx", "show", id]).await;
            (shown["status"] == status).then_some(shown)
        })
        .await
    }
}

#[tokio::test]
async fn operators_look_after_sponsors() {
    let desk = Desk::new().await;
    let collection = desk.server.dev["contracts"]["default_collection"].as_str().unwrap();
    let rule = format!("{collection}:setApprovalForAll(address,bool)");
    let create = ["sponsor", "create", "welcome", "--day-budget", "5000000000000000000"];
    let terms = ["--total-budget", "7000000000000000000", "--rule", &rule, "--key", "once"];
    let made = desk.json(&[&create[..], &terms].concat()).await;
    let id = made["id"].as_str().unwrap();
    let again = desk.json(&[&create[..], &terms].concat()).await;
    assert_eq!(again["id"], id, "the same key is the same sponsor");
    let shown = desk.says(&["sponsor", "show", id, "--user", &fresh_address()]).await;
    assert!(shown.contains("5 of 5 left") && shown.contains("setApprovalForAll"), "{shown}");
    let paused = desk.json(&["sponsor", "pause", id]).await;
    assert_eq!(paused["state"], "paused");
    let list = desk.says(&["sponsor", "list"]).await;
    assert!(list.starts_with("ID") && list.contains("paused"), "{list}");
    let resumed = desk.json(&["sponsor", "resume", id]).await;
    assert_eq!(resumed["state"], "active");
    let set = desk.json(&["sponsor", "set", id, "--day-budget", "1"]).await;
    assert_eq!((&set["limits"]["day"], &set["rules"]), (&json!("1"), &made["rules"]));
    let wrong = desk.fails(3, &["sponsor", "set", id, "--rule", "0x12:multicall(bytes[])"]).await;
    assert!(wrong.contains("sponsor_invalid") && wrong.contains("/rules/0/target"), "{wrong}");
    assert_eq!(desk.server.stop(), Some(0));
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn operators_send_and_follow_transactions() {
    let desk = Desk::new().await;
    let to = fresh_address();
    let sent = desk
        .json(&["tx", "send", &to, "--value", "7", "--key", "once", "--wait", "tentative"])
        .await;
    let id = sent["id"].as_str().unwrap();
    assert_eq!(desk.server.endpoint().balance(to.parse().unwrap()).await.unwrap().to::<u64>(), 7);
    let again = desk.json(&["tx", "send", &to, "--value", "7", "--key", "once"]).await;
    assert_eq!(again["id"], id, "the same key is the same transaction");

    let shown = desk.says(&["tx", "show", id]).await;
    assert!(shown.contains("transfer") && shown.contains("accepted"), "{shown}");
    let list = desk.says(&["tx", "list", "--kind", "transfer"]).await;
    assert!(list.starts_with("ID") && list.contains(id), "{list}");
    let all = desk.json(&["tx", "list"]).await;
    let kinds: Vec<&str> =
        all["items"].as_array().unwrap().iter().map(|t| t["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"deploy_contract"), "the engine's own are listed too: {kinds:?}");

    desk.reaches(id, "final").await;
    let facts = testkit::eventually("the facts are numbered", || async {
        let facts = desk.json(&["tx", "facts", id]).await["facts"].as_array().unwrap().clone();
        let last = facts.last().is_some_and(|fact| fact["data"]["status"] == "final");
        last.then_some(facts)
    })
    .await;
    let states: Vec<&str> =
        facts.iter().map(|fact| fact["data"]["status"].as_str().unwrap()).collect();
    assert_eq!(
        states,
        ["queued", "reserved", "submitted", "tentative", "auditable", "final"],
        "one life, in order"
    );
    let too_late = desk.fails(3, &["tx", "cancel", id]).await;
    assert!(too_late.contains("illegal_transition") && too_late.contains("final"), "{too_late}");
    assert_eq!(desk.server.stop(), Some(0));
}

#[tokio::test]
async fn calls_are_made_by_name_and_their_failure_is_explained() {
    let desk = Desk::new().await;
    let owner = fresh_address();
    let quote = desk.json(&["tx", "quote", "default_collection", "balanceOf", &owner]).await;
    assert_eq!((&quote["succeeds"], &quote["returns"]), (&json!(true), &json!(["0"])));
    let approve = ["default_collection", "setApprovalForAll", &owner, "true"];
    let sent = desk.json(&[&["tx", "send"], &approve[..], &["--wait", "tentative"]].concat()).await;
    let shown = desk.json(&["tx", "show", sent["id"].as_str().unwrap()]).await;
    assert_eq!(shown["call"]["args"], json!({ "operator": owner, "approved": true }));

    // The wallet has no right to pause: told before, and when it is tried all the same.
    let told = desk.fails(4, &["tx", "quote", "default_collection", "pause"]).await;
    assert!(told.contains("AccessControlUnauthorizedAccount"), "{told}");
    let tried = desk.output(&["tx", "send", "default_collection", "pause", "--wait", "tentative"]);
    assert_eq!(tried.await.status.code(), Some(4));
    let failed = desk.json(&["tx", "list", "--status", "failed"]).await;
    let id = failed["items"][0]["id"].as_str().unwrap();
    let shown = desk.json(&["tx", "show", id]).await;
    assert_eq!(shown["failure"]["code"], "AccessControlUnauthorizedAccount");
    assert!(shown["failure"]["args"]["account"].is_string(), "{shown}");
    assert_eq!(shown["attempts"], json!([]), "it cost no nonce");

    let bad = desk.fails(3, &["tx", "send", "default_collection", "burn", "x"]).await;
    assert!(bad.contains("arguments_invalid") && bad.contains("/args/0"), "{bad}");
    desk.fails(2, &["tx", "send"]).await;
    let later = ["tx", "send", &owner, "--value", "1", "--not-before", "2026-12-31T00:00:00Z"];
    let waiting = desk.json(&later).await;
    let queued = desk.json(&["tx", "list", "--status", "queued"]).await;
    assert_eq!(queued["items"][0]["id"], waiting["id"]);
    let cancelled = desk.json(&["tx", "cancel", waiting["id"].as_str().unwrap()]).await;
    assert_eq!(cancelled["status"], "cancelled");
    let nobody = ["tx", "list", "--server", "http://127.0.0.1:9", "--api-key", "sk_x"];
    let silent = desk.fails(5, &nobody).await;
    assert!(silent.contains("no answer"), "{silent}");
    let key = ["tx", "list", "--api-key", "sk_dev_x"];
    let refused = desk.fails(3, &key).await;
    assert!(refused.contains("key_invalid"), "{refused}");
    assert_eq!(desk.server.stop(), Some(0));
}

#[tokio::test]
async fn wallets_are_listed_made_rotated_and_drained() {
    let desk = Desk::new().await;
    let list = desk.json(&["wallet", "list", "--role", "operator"]).await;
    let wallets = list["items"].as_array().unwrap();
    assert_eq!(wallets.len(), 2, "{list}");
    let old = wallets[0]["address"].as_str().unwrap().to_owned();
    assert!(desk.says(&["wallet", "list"]).await.starts_with("ADDRESS"));
    assert_eq!(desk.says(&["wallet", "balance", &old]).await, "10000\n");
    let key = desk.fails(1, &["wallet", "import"]).await;
    assert!(key.contains("not sent over the API"), "{key}");

    let rotated = desk.json(&["wallet", "rotate", &old]).await;
    let new = rotated["new"]["address"].as_str().unwrap().to_owned();
    testkit::eventually("the new wallet has money and a lane", || async {
        let shown = desk.json(&["wallet", "list", "--role", "operator"]).await;
        let items = shown["items"].as_array().unwrap().clone();
        let found = items.into_iter().find(|wallet| wallet["address"] == new.as_str())?;
        (found["balance"] != "0" && found["lane"].is_object()).then_some(())
    })
    .await;
    let to = fresh_address();
    let sent = desk
        .json(&["tx", "send", &to, "--value", "1", "--wallet", &new, "--wait", "tentative"])
        .await;
    assert_eq!(sent["wallet"], new.as_str());

    let heir = fresh_address();
    let drained = desk.json(&["wallet", "drain", &old, "--to", &heir]).await;
    desk.reaches(drained["id"].as_str().unwrap(), "tentative").await;
    let left = desk.server.endpoint().balance(old.parse().unwrap()).await.unwrap();
    let given = desk.server.endpoint().balance(heir.parse().unwrap()).await.unwrap();
    assert!(given > left * vocab::U256::from(1_000), "{given} given, {left} left");
    let busy = desk.fails(3, &["wallet", "drain", &new, "--to", &heir]).await;
    assert!(busy.contains("not final yet"), "{busy}");
    assert_eq!(desk.server.stop(), Some(0));
}

/// The commands of the documents, as they are written there, one after the other.
#[tokio::test]
async fn the_documents_commands_run_as_written() {
    let desk = Desk::new().await;
    let home = desk.home.path();
    let place = home.parent().unwrap().to_owned();
    std::os::unix::fs::symlink(&home, place.join(".dev")).unwrap();
    std::fs::create_dir_all(place.join("target/debug")).unwrap();
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_stoa"));
    std::os::unix::fs::symlink(binary, place.join("target/debug/stoa")).unwrap();
    let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    for name in ["guide/send-transactions.md", "operate/wallets.md"] {
        let text = std::fs::read_to_string(docs.join(name)).unwrap();
        let blocks: Vec<&str> = text
            .split("```sh\n")
            .skip(1)
            .map(|rest| rest.split("```").next().unwrap_or_default())
            .collect();
        assert!(blocks.len() >= 4, "{name}");
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", "-c", &blocks.concat()]).current_dir(&place);
        command.env_remove("STOA_SERVER").env_remove("STOA_API_KEY");
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let (said, complained) = texts(&output);
        assert!(output.status.success(), "{name}: {said}{complained}");
        assert!(!said.contains("/docs/errors#"), "{name}: {said}{complained}");
    }
    assert_eq!(desk.server.stop(), Some(0));
}
