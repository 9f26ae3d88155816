//! `docs/operate/transactions.md`: the trouble of each section is made, and its commands are run as
//! they are written there. The chain says whether they helped.

use crate::server::{Home, Options, Server, descendants, fresh_address};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use std::{
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};
use testkit::{Fault, FaultProxy, NodeOptions, Rule, TestNode};
use tokio::task::JoinHandle;
use vocab::U256;

const PATIENCE: Duration = Duration::from_secs(90);
const ETHER: &str = "0xde0b6b3a7640000";
/// Contract code that refuses everything, and code that takes everything.
const REFUSES: &str = "0x60006000fd";
const TAKES: &str = "0x00";

/// Handed over at least.
const OUT: &[&str] = &["submitted", "tentative", "auditable", "final"];

/// How blocks are made.
const NONE: u8 = 0;
const CHEAP: u8 = 1;
/// With a base fee of 200 gwei.
const DEAR: u8 = 2;

/// One server for all runbooks, on a node whose blocks the test makes; the second endpoint is the
/// same node behind a proxy.
struct Site {
    server: Server,
    node: Arc<TestNode>,
    blocks: Arc<AtomicU8>,
    spare: FaultProxy,
    maker: JoinHandle<()>,
    text: String,
    place: tempfile::TempDir,
    _home: Home,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.maker.abort();
    }
}

/// Ten blocks a second.
async fn make_blocks(node: Arc<TestNode>, blocks: Arc<AtomicU8>) {
    let mut next = tokio::time::interval(Duration::from_millis(100));
    next.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        next.tick().await;
        let how = blocks.load(Ordering::SeqCst);
        if how == DEAR {
            node.call("anvil_setNextBlockBaseFeePerGas", json!(["0x2e90edd000"])).await;
        }
        if how != NONE {
            node.mine(1).await;
        }
    }
}

impl Site {
    async fn new() -> Self {
        let node = Arc::new(testkit::anvil(NodeOptions::default()).await);
        node.call("evm_setAutomine", json!([false])).await;
        let blocks = Arc::new(AtomicU8::new(CHEAP));
        let maker = tokio::spawn(make_blocks(node.clone(), blocks.clone()));
        let spare = FaultProxy::start(&node.anvil.http_url()).await;
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("endpoints.toml");
        let urls = [node.anvil.http_url(), spare.http_url()];
        let endpoints = urls.map(|url| format!("[[endpoints]]\nurl = \"{url}\"\n")).concat();
        std::fs::write(&file, endpoints).unwrap();
        let binary = Path::new(env!("CARGO_BIN_EXE_stoa"));
        std::os::unix::fs::symlink(binary, place.path().join("stoa")).unwrap();
        let home = Home::new();
        let server = home.start(&Options { endpoints: Some(&file), ..Options::default() }).await;
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        let text = std::fs::read_to_string(docs.join("operate/transactions.md")).unwrap();
        Self { server, node, blocks, spare, maker, text, place, _home: home }
    }

    fn blocks(&self, how: u8) {
        self.blocks.store(how, Ordering::SeqCst);
    }

    /// The blocks of commands of a section.
    fn commands(&self, section: &str) -> Vec<&str> {
        let start = self.text.find(&format!("\n## {section}\n")).expect(section);
        let text = &self.text[start + 4..];
        let text = text.split("\n## ").next().unwrap();
        let blocks = text.split("```sh\n").skip(1);
        blocks.map(|rest| rest.split("```").next().unwrap()).collect()
    }

    /// Run commands as an operator would; what they print.
    async fn run(&self, commands: &str, given: &[(&str, &str)]) -> String {
        let mut command = Command::new("bash");
        let path = std::env::var("PATH").unwrap();
        command
            .args(["-euo", "pipefail", "-c", commands])
            .current_dir(self.place.path())
            .env("PATH", format!("{}:{path}", self.place.path().display()))
            .env("STOA_SERVER", self.server.text("http"))
            .env("STOA_API_KEY", self.server.text("operator_api_key"))
            .envs(given.iter().copied());
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{commands}\n{said}{complained}");
        said
    }

    /// Run all commands of a section.
    async fn follow(&self, section: &str, given: &[(&str, &str)]) -> String {
        let commands = self.commands(section);
        assert!(!commands.is_empty(), "{section}");
        self.run(&commands.concat(), given).await
    }

    async fn wallets(&self) -> Vec<Value> {
        let (_, list) = self.server.get("/wallets?role=operator").await;
        list["items"].as_array().unwrap().clone()
    }

    /// Another wallet with one ether, and served.
    async fn wallet(&self) -> String {
        let (_, made) = self.server.post("/wallets", None, &json!({ "role": "operator" })).await;
        let address = made["address"].as_str().unwrap().to_owned();
        self.node.call("anvil_setBalance", json!([address, ETHER])).await;
        testkit::eventually_within(PATIENCE, "the wallet is served", || async {
            let all = self.wallets().await;
            all.iter().any(|w| w["address"] == *address && w["lane"].is_object()).then_some(())
        })
        .await;
        address
    }

    /// Ask for one wei to `to`; the transaction's id.
    async fn pay(&self, to: &str, more: Value) -> String {
        let mut body = json!({ "to": to, "value": "1" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (status, asked) = self.server.post("/transactions", None, &body).await;
        assert_eq!(status, 202, "{asked}");
        asked["id"].as_str().unwrap().to_owned()
    }

    async fn transaction(&self, id: &str) -> Value {
        self.server.get(&format!("/transactions/{id}")).await.1
    }

    async fn reaches(&self, id: &str, states: &[&str]) -> Value {
        testkit::eventually_within(PATIENCE, &format!("{id} becomes {states:?}"), || async {
            let shown = self.transaction(id).await;
            states.iter().any(|state| shown["status"] == *state).then_some(shown)
        })
        .await
    }

    /// Make blocks again when the node has the void of this one.
    async fn go_on_with_void(&self, id: &str) {
        testkit::eventually_within(PATIENCE, "its void is sent", || async {
            let shown = self.transaction(id).await;
            let attempts = shown["attempts"].as_array().unwrap();
            attempts.iter().any(|a| a["void"] == true && a["sent"] == "accepted").then_some(())
        })
        .await;
        self.blocks(CHEAP);
    }

    async fn balance(&self, address: &str) -> U256 {
        self.node.endpoint.balance(address.parse().unwrap()).await.unwrap()
    }

    async fn metric(&self, line: impl Fn(&str) -> bool) {
        let url = format!("{}/metrics", self.server.text("http"));
        testkit::eventually_within(PATIENCE, "the metric tells", || async {
            let text = self.server.http.get(&url).send().await.unwrap().text().await.unwrap();
            text.lines().any(&line).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_runbook_does_what_it_says() {
    let site = Site::new().await;
    let first = site.wallets().await[0]["address"].as_str().unwrap().to_owned();
    let shown = site.follow("Is anything stuck?", &[]).await;
    assert!(shown.contains(&first) && shown.contains("state=\"good\""), "{shown}");
    not_mined(&site).await;
    cancelled(&site).await;
    replaced(&site).await;
    empty(&site, &first).await;
    rotated(&site, &first).await;
    drained(&site).await;
    driven_again(&site).await;
    used_elsewhere(&site).await;
    signer_silent(&site).await;
    endpoint_away(&site).await;
    let sections = site.text.matches("\n## ").count();
    assert_eq!(sections, 11, "a section without its run");
}

async fn not_mined(site: &Site) {
    let (wallet, to) = (site.wallet().await, fresh_address());
    site.blocks(NONE);
    let cap = json!({ "wallet": wallet, "fee_cap": "5000000000" });
    let low = site.pay(&to, cap).await;
    site.reaches(&low, &["submitted"]).await;
    let above = site.pay(&to, json!({ "wallet": wallet })).await;
    site.reaches(&above, &["submitted"]).await;
    site.blocks(DEAR);
    let shown = site.follow("A transaction is not mined", &[("WALLET", &wallet)]).await;
    assert!(shown.contains(&low), "the lowest is found: {shown}");
    let attempts = site.transaction(&low).await["attempts"].as_array().unwrap().len();
    assert!(attempts > 1, "it was the new offer that was mined");
    site.blocks(CHEAP);
    site.reaches(&above, &["tentative", "auditable", "final"]).await;
    assert_eq!(site.balance(&to).await, U256::from(2));
}

async fn cancelled(site: &Site) {
    let (wallet, to) = (site.wallet().await, fresh_address());
    site.blocks(NONE);
    let id = site.pay(&to, json!({ "wallet": wallet })).await;
    site.reaches(&id, &["submitted"]).await;
    let given = [("ID", id.as_str())];
    let followed = site.follow("It must not happen any more", &given);
    let (shown, ()) = tokio::join!(followed, site.go_on_with_void(&id));
    assert!(shown.contains("cancelled"), "{shown}");
    assert_eq!(site.balance(&to).await, U256::ZERO);
}

async fn replaced(site: &Site) {
    let (wallet, old, new) = (site.wallet().await, fresh_address(), fresh_address());
    site.blocks(NONE);
    let id = site.pay(&old, json!({ "wallet": wallet })).await;
    site.reaches(&id, &["submitted"]).await;
    let given = [("ID", id.as_str()), ("TO", &new)];
    let followed = site.follow("Something else instead", &given);
    tokio::join!(followed, site.go_on_with_void(&id));
    assert_eq!(site.transaction(&id).await["status"], "cancelled");
    assert_eq!(site.balance(&old).await, U256::ZERO);
    assert_eq!(site.balance(&new).await, U256::from(2));
}

async fn empty(site: &Site, rich: &str) {
    let (wallet, to) = (site.wallet().await, fresh_address());
    site.node.call("anvil_setBalance", json!([wallet, "0x0"])).await;
    let id = site.pay(&to, json!({ "wallet": wallet })).await;
    site.metric(|line| {
        line.starts_with("transactor_wallet_paused")
            && line.contains(&wallet)
            && line.ends_with(" 1")
    })
    .await;
    let given = [("ID", id.as_str()), ("WALLET", &wallet), ("RICH", rich)];
    let shown = site.follow("A wallet is empty", &given).await;
    assert!(shown.contains("out_of_funds"), "{shown}");
    assert_eq!(site.balance(&to).await, U256::ONE);
}

async fn rotated(site: &Site, rich: &str) {
    let (wallet, to) = (site.wallet().await, fresh_address());
    let id = site.pay(&to, json!({ "wallet": wallet })).await;
    site.reaches(&id, OUT).await;
    let known = site.wallets().await;
    site.follow("A wallet is rotated", &[("WALLET", &wallet), ("RICH", rich)]).await;
    let all = site.wallets().await;
    let new = all.iter().find(|w| known.iter().all(|k| k["address"] != w["address"])).unwrap();
    let new = new["address"].as_str().unwrap();
    assert_eq!(site.balance(&to).await, U256::ONE, "the old one finished what it had");
    let ether = U256::from(1_000_000_000_000_000_000u64);
    assert!(site.balance(new).await > ether * U256::from(19) / U256::from(10));
    let next = site.pay(&to, json!({ "wallet": new })).await;
    site.reaches(&next, &["tentative", "auditable", "final"]).await;
}

async fn drained(site: &Site) {
    let (wallet, to, heir) = (site.wallet().await, fresh_address(), fresh_address());
    let id = site.pay(&to, json!({ "wallet": wallet })).await;
    site.reaches(&id, OUT).await;
    site.follow("A wallet is drained", &[("WALLET", &wallet), ("TO", &heir)]).await;
    assert_eq!(site.balance(&to).await, U256::ONE);
    has_all(site, &wallet, &heir).await;
}

/// What the wallet had is the other's, but for the fee.
async fn has_all(site: &Site, wallet: &str, heir: &str) {
    let (left, given) = (site.balance(wallet).await, site.balance(heir).await);
    assert!(given > left * U256::from(1_000), "{given} given, {left} left");
}

async fn driven_again(site: &Site) {
    let to = fresh_address();
    site.node.call("anvil_setCode", json!([to, REFUSES])).await;
    for _ in 0..2 {
        let id = site.pay(&to, json!({})).await;
        site.reaches(&id, &["failed"]).await;
    }
    site.node.call("anvil_setCode", json!([to, TAKES])).await;
    site.follow("Failed ones are driven again", &[]).await;
    assert_eq!(site.balance(&to).await, U256::from(2));
}

async fn used_elsewhere(site: &Site) {
    let (wallet, to, heir) = (site.wallet().await, fresh_address(), fresh_address());
    let id = site.pay(&to, json!({ "wallet": wallet })).await;
    site.reaches(&id, &["tentative", "auditable", "final"]).await;
    site.node.call("anvil_impersonateAccount", json!([wallet])).await;
    let stolen = json!([{ "from": wallet, "to": fresh_address(), "value": "0x1" }]);
    site.node.call("eth_sendTransaction", stolen).await;
    site.metric(|line| line.starts_with("transactor_nonce_drift_total") && line.contains(&wallet))
        .await;
    let given = [("WALLET", wallet.as_str()), ("TO", &heir)];
    let shown = site.follow("A key is used elsewhere", &given).await;
    let drain = shown.lines().rev().find_map(|line| line.strip_prefix("id ")).unwrap().trim();
    site.reaches(drain, &["final"]).await;
    has_all(site, &wallet, &heir).await;
}

async fn signer_silent(site: &Site) {
    let signer = descendants(site.server.child.id()).into_iter().find(|pid| {
        std::fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|words| words.split(|byte| *byte == 0).any(|word| word == b"sign"))
    });
    let signer = Pid::from_raw(i32::try_from(signer.expect("the signer")).unwrap());
    kill(signer, Signal::SIGSTOP).unwrap();
    let to = fresh_address();
    let id = site.pay(&to, json!({})).await;
    site.reaches(&id, &["reserved"]).await;
    site.metric(|line| line.starts_with("transactor_lane_restarts_total")).await;
    let commands = site.commands("The signer does not answer");
    assert_eq!(commands.len(), 2);
    let shown = site.run(commands[0], &[]).await;
    assert!(shown.contains(&id), "{shown}");
    kill(signer, Signal::SIGCONT).unwrap();
    site.run(commands[1], &[("ID", &id)]).await;
    assert_eq!(site.balance(&to).await, U256::ONE);
}

async fn endpoint_away(site: &Site) {
    site.spare.add(Rule::new(Fault::Drop));
    let bad = |line: &str| {
        let sick = ["resting", "failing", "probing"].iter().any(|state| line.contains(state));
        line.starts_with("rpc_endpoint_state") && sick && line.ends_with(" 1")
    };
    site.metric(bad).await;
    let to = fresh_address();
    let shown = site.follow("An endpoint is away", &[("TO", &to)]).await;
    assert!(shown.lines().any(bad) && shown.contains("state=\"good\""), "{shown}");
    assert_eq!(site.balance(&to).await, U256::ONE);
    site.spare.heal();
}
