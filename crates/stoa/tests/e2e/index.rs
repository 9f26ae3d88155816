//! `stoa index`, as an operator uses it: another process than any server.

use db::{checkpoints, raw_logs};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use prove::storms::Site;
use rand::{SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use std::{
    cell::RefCell,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};
use testkit::{TestDatabase, eventually_within};

const PATIENCE: Duration = Duration::from_secs(60);

/// A chain with logs of somebody else's contract, a database, and a configuration that names it.
struct Place {
    site: Site,
    test: TestDatabase,
    config: PathBuf,
    _directory: tempfile::TempDir,
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.0.id()).unwrap()), signal).unwrap();
    }

    async fn ended(&mut self) -> ExitStatus {
        let child = RefCell::new(&mut self.0);
        eventually_within(PATIENCE, "the process ends", || async {
            child.borrow_mut().try_wait().unwrap()
        })
        .await
    }
}

impl Place {
    async fn new() -> Self {
        let mut site = Site::new().await.unwrap();
        site.grow(20, 120, &mut StdRng::seed_from_u64(9)).await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("stoa.toml");
        let token = site.token();
        let text = format!(
            "[indexer]\nrange_blocks_max = 20\n\
             [[sources]]\naddress = \"{token}\"\nstandard = \"erc20\"\nstart_block = 1\n"
        );
        std::fs::write(&config, text).unwrap();
        Self { site, test: testkit::database().await, config, _directory: directory }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stoa"));
        command.arg("index").args(words).args(["--database-url", &self.test.url]);
        command.stdin(Stdio::null());
        command
    }

    fn indexing(&self) -> Command {
        let (url, config) = (self.site.node.anvil.http_url(), self.config.display().to_string());
        self.command(&["run", "--rpc", &url, "--config", &config])
    }

    fn start(&self) -> Running {
        let mut command = self.indexing();
        Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Run to the end; what it printed, and on which side it ended.
    async fn run(&self, words: &[&str]) -> Result<String, String> {
        said(self.command(words)).await
    }

    async fn status(&self) -> Value {
        let text = self.run(&["status", "--json"]).await.unwrap();
        serde_json::from_str(text.trim()).unwrap()
    }

    async fn stands_at_head(&self) {
        let head = self.site.head().await.unwrap();
        eventually_within(PATIENCE, "the index stands at the head", || async {
            (self.height().await == Some(head.number)).then_some(())
        })
        .await;
    }

    async fn height(&self) -> Option<u64> {
        let mut connection = self.test.db.acquire().await.unwrap();
        let checkpoint = checkpoints::load(&mut connection, self.site.node.chain_id).await;
        checkpoint.unwrap().map(|checkpoint| checkpoint.block.number)
    }

    /// All logs that the node has of the contract are there, once.
    async fn assert_whole(&self) {
        let filter = json!([{ "address": self.site.token(), "fromBlock": "0x0" }]);
        let truth = self.site.node.call("eth_getLogs", filter).await;
        let read = |log: &Value| {
            let number = |name: &str| {
                let text = log[name].as_str().unwrap().trim_start_matches("0x");
                u64::from_str_radix(text, 16).unwrap()
            };
            (log["blockHash"].as_str().unwrap().to_owned(), number("logIndex"))
        };
        let truth: Vec<_> = truth.as_array().unwrap().iter().map(read).collect();
        let mut connection = self.test.db.acquire().await.unwrap();
        let rows = raw_logs::load_of(&mut connection, self.site.token()).await.unwrap();
        let rows: Vec<_> =
            rows.iter().map(|row| (row.block_hash.to_string(), u64::from(row.log_index))).collect();
        assert!(rows.len() > 10);
        assert_eq!(rows, truth);
    }
}

async fn said(mut command: Command) -> Result<String, String> {
    let Output { status, stdout, stderr } =
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if status.success() { Ok(text(&stdout)) } else { Err(text(&stderr)) }
}

fn refused(outcome: Result<String, String>, why: &str) {
    let said = outcome.unwrap_err();
    assert!(said.contains(why), "{why}: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_is_indexed_looked_at_paused_and_resumed() {
    let mut place = Place::new().await;
    let mut random = StdRng::seed_from_u64(10);
    assert!(place.run(&["status"]).await.unwrap().contains("nothing is indexed yet"));
    refused(place.run(&["pause", "31337"]).await, "nothing of chain 31337 is indexed");
    refused(place.run(&["run"]).await, "name a node");
    let url = place.site.node.anvil.http_url();
    refused(place.run(&["run", "--rpc", &url]).await, "nothing is to be indexed");

    let mut indexing = place.indexing();
    indexing.arg("--until-head");
    said(indexing).await.unwrap();
    let (status, head) = (place.status().await, place.site.head().await.unwrap().number);
    assert_eq!((&status["block"], &status["state"]), (&json!(head), &json!("live")), "{status}");
    assert_eq!(status["settled"]["percent"], json!(100.0), "{status}");
    place.assert_whole().await;
    assert!(place.run(&["status"]).await.unwrap().contains(&format!("block {head}, live")));

    let mut running = place.start();
    place.site.grow(3, 5, &mut random).await.unwrap();
    place.stands_at_head().await;
    let at = place.height().await.unwrap();
    let answer = place.run(&["pause", "31337"]).await.unwrap();
    assert!(answer.contains(&format!("is paused at block {at}")), "{answer}");
    refused(place.run(&["pause", "31337"]).await, "is paused already");
    place.site.grow(3, 5, &mut random).await.unwrap();
    for _ in 0..5 {
        let status = place.status().await;
        assert_eq!((&status["block"], &status["state"]), (&json!(at), &json!("paused")));
    }
    let answer = place.run(&["resume", "31337"]).await.unwrap();
    assert!(answer.contains(&format!("goes on from block {at}")), "{answer}");
    refused(place.run(&["resume", "31337"]).await, "is not paused");
    place.stands_at_head().await;
    place.assert_whole().await;
    running.signal(Signal::SIGINT);
    assert_eq!(running.ended().await.code(), Some(0));
}

/// Killed at any time it goes on where it was; one that stands by takes over within five seconds.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_indexer_loses_nothing_and_a_second_one_takes_over() {
    let mut place = Place::new().await;
    let mut random = StdRng::seed_from_u64(11);
    for floor in [1, 30, 60] {
        let running = place.start();
        eventually_within(PATIENCE, "it is at work", || async {
            (place.height().await >= Some(floor)).then_some(())
        })
        .await;
        running.signal(Signal::SIGKILL);
    }
    let first = place.start();
    place.stands_at_head().await;
    let _second = place.start();
    for _ in 0..3 {
        place.site.grow(1, 2, &mut random).await.unwrap();
        place.stands_at_head().await;
    }
    first.signal(Signal::SIGKILL);
    let died = Instant::now();
    place.site.grow(1, 2, &mut random).await.unwrap();
    place.stands_at_head().await;
    let took = died.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    println!("taken over within {took:?}");
    place.assert_whole().await;
}

/// The process hangs and loses its session, so that another one is elected; when it wakes up it
/// still believes in its right, and has none.
#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_was_frozen_writes_nothing_any_more() {
    let mut place = Place::new().await;
    let mut random = StdRng::seed_from_u64(12);
    let first = place.start();
    place.stands_at_head().await;
    let _second = place.start();
    first.signal(Signal::SIGSTOP);
    let mut connection = place.test.db.acquire().await.unwrap();
    let cut = "select pg_terminate_backend(l.pid) from pg_locks l
                 join pg_database d on d.oid = l.database
                where l.locktype = 'advisory' and d.datname = current_database()";
    db::raw::execute(&mut connection, cut).await.unwrap();
    place.site.grow(2, 2, &mut random).await.unwrap();
    place.stands_at_head().await;
    let chain = place.site.node.chain_id;
    let elected = checkpoints::load(&mut connection, chain).await.unwrap().unwrap();
    assert_eq!(elected.epoch, 2);
    first.signal(Signal::SIGCONT);
    for _ in 0..5 {
        place.site.grow(1, 1, &mut random).await.unwrap();
        place.stands_at_head().await;
    }
    let now = checkpoints::load(&mut connection, chain).await.unwrap().unwrap();
    assert_eq!(now.epoch, elected.epoch, "it stands by");
    place.assert_whole().await;
}

/// What `stoa index status` says of a contract, and to which block it is indexed.
async fn state(place: &Place, contract: &str) -> (String, u64) {
    let status = place.status().await;
    let sources = status["sources"].as_array().unwrap();
    let found = sources.iter().find(|source| source["contract"] == contract).unwrap();
    (found["state"].as_str().unwrap().to_owned(), found["block"].as_u64().unwrap())
}

async fn goes_with_the_head(place: &Place, contract: &str) {
    eventually_within(PATIENCE, "the contract goes with the head", || async {
        (state(place, contract).await.0 == "live").then_some(())
    })
    .await;
}

/// `stoa index add` and `remove` beside a process that indexes, and `stoa index rewind` under it.
#[tokio::test(flavor = "multi_thread")]
async fn a_contract_comes_and_goes_and_the_index_is_taken_back_while_it_goes_on() {
    let mut place = Place::new().await;
    let added = place.site.factory().to_string();
    let words = ["add", added.as_str(), "--standard", "erc721"];
    refused(place.run(&words).await, "nothing is indexed yet");
    refused(place.run(&["rewind", "3"]).await, "nothing is indexed yet");
    let _running = place.start();
    place.stands_at_head().await;
    refused(place.run(&["add", "0x12", "--standard", "erc20"]).await, "address: must be 0x");
    refused(place.run(&["add", &added, "--standard", "erc777"]).await, "standard: must be");
    let elsewhere = [&words[..], &["--chain", "5"]].concat();
    refused(place.run(&elsewhere).await, "nothing of chain 5 is indexed");
    assert!(place.run(&words).await.unwrap().contains("is read from block 1 on"));
    eventually_within(PATIENCE, "the contract goes with the head", || async {
        let status = place.status().await;
        let sources = status["sources"].as_array().unwrap().clone();
        let of_added = sources.into_iter().find(|source| source["contract"] == added)?;
        assert_eq!(of_added["configured"], false);
        (of_added["state"] == "live").then_some(())
    })
    .await;
    assert!(
        place.run(&["status"]).await.unwrap().contains(&format!("{added} erc721 from 1: live"))
    );
    assert!(place.run(&words).await.unwrap().contains("already"));
    let other = [&words[..], &["--start-block", "9"]].concat();
    refused(place.run(&other).await, "can't be changed");

    // Killed before the commit nothing has changed; after it, all has.
    let token = place.site.token().to_string();
    refused(place.run(&["remove", &token]).await, "the configuration names");
    refused(place.run(&["remove", "0x12"]).await, "address: must be 0x");
    refused(place.run(&["remove", "*"]).await, "name the event");
    let stranger = "0x00000000000000000000000000000000000000aa";
    refused(place.run(&["remove", stranger]).await, "is not in the index of chain 31337");
    for (point, wanted) in [("before_removal_commit", "live"), ("after_removal_commit", "removed")]
    {
        let mut command = place.command(&["remove", &added]);
        command.env("STOA_FAILPOINT", point);
        said(command).await.unwrap_err();
        assert_eq!(state(&place, &added).await.0, wanted, "{point}");
    }
    let at = state(&place, &added).await.1;
    let said = place.run(&["remove", &added]).await.unwrap();
    assert!(said.contains(&format!("before, at block {at}")), "{said}");
    place.site.grow(3, 5, &mut StdRng::seed_from_u64(14)).await.unwrap();
    place.stands_at_head().await;
    assert_eq!(state(&place, &added).await.1, at);
    let text = place.run(&["status"]).await.unwrap();
    assert!(text.contains(&format!("{added} erc721 from 1: removed at block {at}")), "{text}");
    refused(place.run(&other).await, "can't be changed");
    let said = place.run(&words).await.unwrap();
    assert!(said.contains(&format!("is read from block {} on", at + 1)), "{said}");
    eventually_within(PATIENCE, "the contract is back", || async {
        (state(&place, &added).await.0 == "live").then_some(())
    })
    .await;

    let head = place.site.head().await.unwrap().number;
    let back = (head - 20).to_string();
    let said = place.run(&["rewind", &back]).await.unwrap();
    assert!(said.contains(&format!("stands at block {back}")), "{said}");
    place.stands_at_head().await;
    place.assert_whole().await;
    refused(place.run(&["rewind", "1"]).await, "are settled");
    refused(place.run(&["rewind", "999999"]).await, "it is indexed to block");
}

/// The chain gives up more than a window of blocks: nothing is guessed, and an operator has the index
/// begin from nothing, with all that is followed then.
#[tokio::test(flavor = "multi_thread")]
async fn an_index_below_whose_window_the_chain_changed_begins_anew() {
    let mut place = Place::new().await;
    let mut random = StdRng::seed_from_u64(15);
    let url = place.test.url.clone();
    let resume = |anew: bool| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stoa"));
        command.args(["chain", "resume", "31337", "--database-url", &url]);
        command.args(anew.then_some("--anew")).stdin(Stdio::null());
        said(command)
    };
    refused(resume(true).await, "nothing of chain 31337 is indexed");
    let _running = place.start();
    place.stands_at_head().await;
    let added = place.site.factory().to_string();
    place.run(&["add", &added, "--standard", "erc721"]).await.unwrap();
    let removed = alloy_primitives::Address::repeat_byte(0xaa).to_string();
    let removed = removed.as_str();
    place.run(&["add", removed, "--standard", "erc20"]).await.unwrap();
    for contract in [added.as_str(), removed] {
        eventually_within(PATIENCE, "the contract goes with the head", || async {
            (state(&place, contract).await.0 == "live").then_some(())
        })
        .await;
    }
    place.run(&["remove", removed]).await.unwrap();
    assert_eq!(state(&place, removed).await.0, "removed");
    refused(resume(true).await, "is not stopped");
    place.site.grow(10, 20, &mut random).await.unwrap();
    place.stands_at_head().await;

    // So that empty blocks are others, too.
    place.site.node.call("anvil_setCoinbase", json!([removed])).await;
    place.site.node.call("anvil_reorg", json!([90, []])).await;
    place.site.grow(4, 4, &mut random).await.unwrap();
    let stopped = || async {
        let status = place.status().await;
        (status["state"] == "reorg_too_deep").then_some(status)
    };
    let status = eventually_within(PATIENCE, "the chain is stopped", stopped).await;
    assert!(status["detail"].as_str().unwrap().contains("deeper than the window"), "{status}");
    // It is safe to try, and stops again.
    assert!(resume(false).await.unwrap().contains("31337"));
    eventually_within(PATIENCE, "the chain is stopped again", stopped).await;
    assert!(resume(true).await.unwrap().contains("is thrown away"));
    eventually_within(PATIENCE, "the index begins anew", || async {
        let text = place.run(&["status", "--json"]).await.unwrap();
        let status: Value = serde_json::from_str(text.trim()).ok()?;
        (status["state"] == "live").then_some(())
    })
    .await;
    place.stands_at_head().await;
    place.assert_whole().await;
    eventually_within(PATIENCE, "what a command has added is read again", || async {
        (state(&place, &added).await.0 == "live").then_some(())
    })
    .await;
    let status = place.status().await;
    assert_eq!(status["sources"].as_array().unwrap().len(), 2, "{status}");
    place.run(&["verify"]).await.unwrap();
}

/// What is left of a removed contract goes, whatever dies meanwhile, and nothing speaks of it then.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_a_removed_contract_is_deleted() {
    let mut place = Place::new().await;
    let mut random = StdRng::seed_from_u64(16);
    let _running = place.start();
    place.stands_at_head().await;
    let added = place.site.collection(0).to_string();
    let add = ["add", added.as_str(), "--standard", "erc721"];
    let purge = ["remove", added.as_str(), "--purge"];
    refused(place.run(&purge).await, "is not in the index of chain 31337");
    place.run(&add).await.unwrap();
    goes_with_the_head(&place, &added).await;
    refused(place.run(&purge).await, "remove it first");
    place.run(&["remove", &added]).await.unwrap();
    refused(place.run(&purge).await, "a reorg could still reach");
    place.site.grow(2, 80, &mut random).await.unwrap();
    place.stands_at_head().await;
    let db = place.test.db.clone();
    let items = || async {
        let count = "select count(*)::text from items";
        db::raw::texts(&mut db.acquire().await.unwrap(), count).await.unwrap()
    };
    assert_ne!(items().await, ["0"]);
    let points = ["purge_begun", "before_purge_piece", "after_purge_piece", "before_purge_end"];
    for point in points {
        let mut command = place.command(&purge);
        command.env("STOA_FAILPOINT", point);
        said(command).await.unwrap_err();
        assert_eq!(state(&place, &added).await.0, "purging", "{point}");
        refused(place.run(&add).await, "is being deleted");
        refused(place.run(&["remove", &added]).await, "is being deleted");
        refused(place.run(&["rebuild", "all"]).await, "is being deleted");
    }
    let answer = place.run(&purge).await.unwrap();
    assert!(answer.contains(&format!("{added} is gone from chain 31337")), "{answer}");
    let status = place.run(&["status"]).await.unwrap();
    assert!(!status.contains(&added), "{status}");
    assert_eq!(items().await, ["0"]);
    place.site.grow(2, 2, &mut random).await.unwrap();
    place.stands_at_head().await;
    place.assert_whole().await;

    let chain = place.site.node.chain_id;
    let digest = async |db: &db::Db| {
        db::digest::load(&mut db.acquire().await.unwrap(), chain).await.unwrap()
    };
    let fresh = testkit::database().await;
    let (url, config) = (place.site.node.anvil.http_url(), place.config.display().to_string());
    let mut command = Command::new(env!("CARGO_BIN_EXE_stoa"));
    command.args(["index", "run", "--until-head", "--rpc", &url, "--config", &config]);
    command.args(["--database-url", &fresh.url]).stdin(Stdio::null());
    said(command).await.unwrap();
    assert_eq!(digest(&place.test.db).await, digest(&fresh.db).await);
    assert!(place.run(&add).await.unwrap().contains("is read from block 1 on"));
    goes_with_the_head(&place, &added).await;
    assert_ne!(items().await, ["0"]);
}

/// What it measures is to be had beside no server.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_only_indexes_serves_its_metrics() {
    let place = Place::new().await;
    let log = place.config.with_file_name("log");
    let mut command = place.indexing();
    command.args(["--http", "127.0.0.1:0"]).stdout(Stdio::null());
    command.stderr(std::fs::File::create(&log).unwrap());
    let mut running = Running(command.spawn().unwrap());
    let url = eventually_within(PATIENCE, "it says where it listens", || async {
        let text = std::fs::read_to_string(&log).unwrap();
        let line = text.lines().find(|line| line.starts_with("metrics: "))?.to_owned();
        line.strip_prefix("metrics: ").map(str::to_owned)
    })
    .await;
    place.stands_at_head().await;
    let wanted = format!("indexer_last_block{{chain=\"31337\"}} {}", place.height().await.unwrap());
    eventually_within(PATIENCE, "the height is told", || async {
        let response = reqwest::get(&url).await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        let text = response.text().await.unwrap();
        text.lines().any(|line| line == wanted).then_some(())
    })
    .await;
    let other = url.replace("/metrics", "/api/v1/index");
    assert_eq!(reqwest::get(&other).await.unwrap().status(), 404, "nothing else is served");
    let mut second = place.indexing();
    second.args(["--http", url.trim_start_matches("http://").trim_end_matches("/metrics")]);
    refused(said(second).await, "cannot listen on");
    running.signal(Signal::SIGINT);
    assert_eq!(running.ended().await.code(), Some(0));
}
