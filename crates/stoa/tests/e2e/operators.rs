//! `stoa tx` and `stoa wallet` against a running server.

use crate::server::{Home, Options, Server, fresh_address};
use serde_json::{Value, json};
use std::{
    process::{Command, Output},
    time::Duration,
};

/// On chain, however deep by now.
const MINED: &[&str] = &["tentative", "auditable", "final"];

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

    async fn reaches(&self, id: &str, states: &[&str]) -> Value {
        let what = format!("{id} is {states:?}");
        testkit::eventually_within(Duration::from_secs(90), &what, || async {
            let shown = self.json(&["tx", "show", id]).await;
            states.iter().any(|status| shown["status"] == *status).then_some(shown)
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

    desk.reaches(id, &["final"]).await;
    let facts = testkit::eventually("the facts are numbered", || async {
        let facts = desk.json(&["tx", "facts", id]).await["facts"].as_array().unwrap().clone();
        let last = facts.last().is_some_and(|fact| fact["data"]["status"] == "final");
        last.then_some(facts)
    })
    .await;
    let states: Vec<&str> =
        facts.iter().map(|fact| fact["data"]["status"].as_str().unwrap()).collect();
    // On a slow machine it may be deep below the head when it is first looked at, and an answer of
    // the node may come too late.
    let life = ["queued", "reserved", "unknown", "submitted", "tentative", "auditable", "final"];
    let places: Vec<_> = states.iter().map(|state| life.iter().position(|s| s == state)).collect();
    assert!(places.is_sorted_by(|a, b| a < b), "one life, in order: {states:?}");
    assert!(["queued", "reserved", "final"].iter().all(|s| states.contains(s)), "{states:?}");
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
    let later = crate::configuration::far_ahead();
    let later = ["tx", "send", &owner, "--value", "1", "--not-before", &later];
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
    assert!(key.contains("not sent over the API") && key.contains("signer key import"), "{key}");

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
    desk.reaches(drained["id"].as_str().unwrap(), MINED).await;
    let left = desk.server.endpoint().balance(old.parse().unwrap()).await.unwrap();
    let given = desk.server.endpoint().balance(heir.parse().unwrap()).await.unwrap();
    assert!(given > left * vocab::U256::from(1_000), "{given} given, {left} left");
    // Its next can't become final before it is asked.
    let node = desk.server.endpoint();
    let _: Value = node.call("evm_setIntervalMining", json!([0])).await.unwrap();
    desk.json(&["tx", "send", &to, "--value", "1", "--wallet", &new]).await;
    let busy = desk.fails(3, &["wallet", "drain", &new, "--to", &heir]).await;
    assert!(busy.contains("not final yet"), "{busy}");
    assert_eq!(desk.server.stop(), Some(0));
}

#[tokio::test]
async fn contracts_are_added_listed_and_shown() {
    let desk = Desk::new().await;
    let abi = json!([{ "type": "function", "name": "open", "inputs": [], "outputs": [],
                       "stateMutability": "nonpayable" }]);
    let file = |name: &str, value: &Value| {
        let path = desk.home.path().join(name);
        std::fs::write(&path, value.to_string()).unwrap();
        path.display().to_string()
    };
    let (bare, artifact) = (file("bare", &abi), file("artifact", &json!({ "abi": abi })));
    let (door, gate) = (fresh_address(), fresh_address());
    let add = ["abi", "add", "Door", &door, &bare, "--key", "door"];
    let added = desk.json(&add).await;
    assert_eq!(desk.json(&add).await, added, "the same key is the same upload");
    desk.says(&["abi", "add", "Gate", &gate, &artifact]).await;
    let list = desk.says(&["abi", "list"]).await;
    assert!(list.starts_with("NAME") && list.contains("Door") && list.contains("Gate"), "{list}");
    for named in ["Door", &door] {
        let shown = desk.says(&["abi", "show", named]).await;
        assert!(shown.contains("open()") && shown.contains("uploaded"), "{shown}");
    }
    let own = desk.says(&["abi", "show", "StoaCollectionFactory"]).await;
    assert!(own.contains("built_in") && own.contains("createCollection("), "{own}");
    let quote = desk.json(&["tx", "quote", "Door", "open"]).await;
    assert_eq!(quote["to"], door.as_str(), "it can be called by name");

    let taken = desk.fails(3, &["abi", "add", "Door", &fresh_address(), &bare]).await;
    assert!(taken.contains("abi_exists"), "{taken}");
    let none = file("none", &json!({ "bytecode": "0x" }));
    let neither = desk.fails(1, &["abi", "add", "X", &door, &none]).await;
    assert!(neither.contains("neither an ABI nor an artifact"), "{neither}");
    let unknown = desk.fails(1, &["abi", "show", "Window"]).await;
    assert!(unknown.contains("lists no contract Window"), "{unknown}");
    assert_eq!(desk.server.stop(), Some(0));
}

/// A paused wallet takes nothing new; what waits for it goes when it is resumed, once.
#[tokio::test]
async fn paused_wallets_take_nothing_until_they_are_resumed() {
    let desk = Desk::new().await;
    let list = desk.json(&["wallet", "list", "--role", "operator"]).await;
    let wallets: Vec<String> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|wallet| wallet["address"].as_str().unwrap().to_owned())
        .collect();
    let (first, second) = (&wallets[0], &wallets[1]);
    let to = fresh_address();
    let send = ["tx", "send", &to, "--value", "1"];
    let named = [&send[..], &["--wallet", first]].concat();

    assert_eq!(desk.json(&["wallet", "pause", first]).await["state"], "paused");
    let again = desk.fails(3, &["wallet", "pause", first]).await;
    assert!(again.contains("wallet_state") && again.contains("it is paused"), "{again}");
    let waiting = desk.json(&named).await;
    // Jobs for the role go by its other wallet, and pass the one that waits.
    for _ in 0..3 {
        let sent = desk.json(&[&send[..], &["--wait", "tentative"]].concat()).await;
        assert_eq!(sent["wallet"], second.as_str());
    }
    assert_eq!(desk.json(&["wallet", "pause", second]).await["state"], "paused");
    let stuck = desk.json(&send).await;
    // What other roles send goes on, and shows that time has passed for the two.
    let mint = desk.server.mint("while-paused", &fresh_address()).await;
    desk.server.mint_reaches(&mint, &["tentative", "auditable", "final"]).await;
    for job in [&waiting, &stuck] {
        let shown = desk.json(&["tx", "show", job["id"].as_str().unwrap()]).await;
        assert_eq!((&shown["status"], &shown["nonce"]), (&json!("queued"), &Value::Null));
    }
    for wallet in &wallets {
        assert_eq!(desk.json(&["wallet", "resume", wallet]).await["state"], "active");
    }
    let went = desk.reaches(waiting["id"].as_str().unwrap(), &["final"]).await;
    assert_eq!(went["wallet"], first.as_str());
    desk.reaches(stuck["id"].as_str().unwrap(), &["final"]).await;
    let balance = desk.server.endpoint().balance(to.parse().unwrap()).await.unwrap();
    assert_eq!(balance.to::<u64>(), 5, "each once");
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
    // The other commands of this guide name ids that only their answers tell.
    let text = std::fs::read_to_string(docs.join("guide/mint-an-item.md")).unwrap();
    let blocks: Vec<&str> = text.split("```sh\n").skip(1).collect();
    let batch = blocks.iter().find(|block| block.contains("/mints/batch")).unwrap();
    let script: String = [blocks[0], batch].map(|rest| rest.split("```").next().unwrap()).concat();
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", &script]).current_dir(&place);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let (said, complained) = texts(&output);
    let batch: Value = serde_json::from_str(&said).unwrap_or_default();
    let ids: Vec<&str> = batch["items"]
        .as_array()
        .unwrap_or_else(|| panic!("{said}{complained}"))
        .iter()
        .map(|item| item["mint"]["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 2);
    for id in ids {
        desk.server.mint_reaches(id, &["tentative", "auditable", "final"]).await;
    }
    assert_eq!(desk.server.stop(), Some(0));
}
