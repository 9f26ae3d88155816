//! Processes that die while settled blocks are read.

use crate::{
    readings::Place,
    rig::{Rig, height},
    token,
};
use alloy_primitives::Address;
use projections::{Source, Standard};
use std::{
    os::unix::process::ExitStatusExt,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};
use testkit::{TestDatabase, eventually_within};

const ABORTED: i32 = 6;
const PATIENCE: Duration = Duration::from_secs(60);

/// The indexer in a process of its own: this test binary, told so by its environment. Without that
/// it has nothing to do.
#[tokio::test(flavor = "multi_thread")]
async fn process() {
    let Ok(url) = std::env::var("STOA_PROBE_DATABASE") else { return };
    let word = |name: &str| std::env::var(name).unwrap();
    let db = db::connect(&url, 8).await.unwrap();
    let endpoint = chain::Endpoint::new(&word("STOA_PROBE_RPC"), chain::EndpointOptions::default());
    let chain = chain::Chain {
        id: vocab::ChainId(31_337),
        endpoints: vec![endpoint.unwrap()].into(),
        ws_urls: Vec::new(),
        finality: vocab::Finality::default(),
        block_time: Duration::from_millis(200),
    };
    let address = |name: &str| word(name).parse::<Address>().unwrap();
    let projections = projections::Projections::new(vec![address("STOA_PROBE_FACTORY")]);
    let token = address("STOA_PROBE_TOKEN");
    let source = Source::new(token, Standard::Erc20, 1);
    let options = indexer::IndexerOptions {
        prove_settled: false,
        range_max: 12,
        stand_by: Duration::from_millis(50),
        ..indexer::IndexerOptions::default()
    };
    let mut sources = vec![source];
    if let Ok(added) = std::env::var("STOA_PROBE_ADDED") {
        sources.push(Source::new(added.parse().unwrap(), Standard::Erc20, 1));
    }
    if let Ok(read) = std::env::var("STOA_PROBE_READ") {
        sources.push(Source::new(read.parse().unwrap(), Standard::Erc20Fee, 1));
    }
    let projector = Arc::new(projections.recording(sources));
    indexer::run_to_head(db, chain, projector, options, std::future::pending()).await;
}

struct Probe(Child);

impl Drop for Probe {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(rig: &Rig, test: &TestDatabase, token: Address, failpoint: Option<&str>) -> Probe {
    Probe(command(rig, test, token, failpoint).spawn().unwrap())
}

fn command(rig: &Rig, test: &TestDatabase, token: Address, failpoint: Option<&str>) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["killed::process", "--exact", "--nocapture"])
        .env("STOA_PROBE_DATABASE", &test.url)
        .env("STOA_PROBE_RPC", rig.node.anvil.http_url())
        .env("STOA_PROBE_FACTORY", rig.factory.to_string())
        .env("STOA_PROBE_TOKEN", token.to_string())
        .env_remove("STOA_FAILPOINT")
        .env_remove("STOA_PROBE_ADDED")
        .env_remove("STOA_PROBE_READ")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some(name) = failpoint {
        command.env("STOA_FAILPOINT", name);
    }
    command
}

impl Probe {
    async fn ended(mut self) -> std::process::ExitStatus {
        let place = std::cell::RefCell::new(&mut self.0);
        eventually_within(PATIENCE, "the end of a process", || async {
            place.borrow_mut().try_wait().unwrap()
        })
        .await
    }
}

/// Dead at every place of its commits, at the first pass and at the third, it goes on without a
/// row lost or doubled.
#[tokio::test(flavor = "multi_thread")]
async fn dying_at_any_place_loses_and_doubles_nothing() {
    let mut rig = Rig::new().await;
    rig.options.prove_settled = false;
    let token = token::deploy(&rig).await;
    let mut collection = rig.create(1).await;
    for round in 0..30 {
        token::burst(&rig, token, round % 5).await;
        rig.node.mine(4).await;
        if round % 10 == 0 {
            rig.mint(&mut collection, 2).await;
        }
    }
    rig.node.mine(70).await;
    rig.sources = vec![Source::new(token, Standard::Erc20, 1)];
    let wanted = rig.rebuilt().await;
    // Logs, and the tables of our own contracts and of an ERC-20.
    assert!(wanted[..5].iter().all(|table| table.rows > 0), "{wanted:?}");
    let test = testkit::database().await;
    let of_settled = |name: &&&str| name.contains("range") || name.contains("index_build");
    for name in indexer::FAILPOINTS.names().iter().filter(of_settled) {
        let builds = name.ends_with("_index_build");
        for pass in if builds { 1..=1 } else { 1..=2 } {
            let armed = format!("{name}:{pass}");
            let status = start(&rig, &test, token, Some(&armed)).ended().await;
            assert_eq!(
                status.signal(),
                Some(ABORTED),
                "{armed}: {:?}",
                height(&test.db, &rig).await
            );
        }
    }
    let status = start(&rig, &test, token, None).ended().await;
    assert!(status.success(), "{status}");
    assert_eq!(rig.digest(&test.db).await, wanted);
    assert!(rig.options.window >= 64);
}

/// The same for single blocks and for the way back, at every place that the test above leaves out.
#[tokio::test(flavor = "multi_thread")]
async fn dying_in_blocks_or_on_the_way_back_loses_and_doubles_nothing() {
    let mut rig = Rig::new().await;
    let token = token::deploy(&rig).await;
    let mut collection = rig.create(1).await;
    rig.mint(&mut collection, 3).await;
    rig.node.mine(70).await;
    rig.sources = vec![Source::new(token, Standard::Erc20, 1)];
    let test = testkit::database().await;
    let others = ["range", "index_build", "beside", "join", "removal", "answers", "purge"];
    let rest = |name: &&&str| !others.iter().any(|other| name.contains(other));
    let points: Vec<&str> = indexer::FAILPOINTS.names().iter().filter(rest).copied().collect();
    assert_eq!(points.len(), 7);
    for (place, name) in points.into_iter().enumerate() {
        rig.mint(&mut collection, 2).await;
        rig.transfer(&collection, place as u64 + 1, testkit::ACCOUNTS[1]).await;
        token::burst(&rig, token, 3).await;
        if name.contains("unwind") {
            let status = start(&rig, &test, token, None).ended().await;
            assert!(status.success(), "{status}");
            rig.reorg(2 + u64::try_from(place).unwrap(), &[]).await;
        }
        let status = start(&rig, &test, token, Some(name)).ended().await;
        let reached = height(&test.db, &rig).await;
        assert_eq!(status.signal(), Some(ABORTED), "{name}: {reached:?}");
    }
    let status = start(&rig, &test, token, None).ended().await;
    assert!(status.success(), "{status}");
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
}

/// The same for a contract that is added: dead at every place of reading it beside the head and of
/// joining it, with reorgs between, it comes to what a fresh index has.
#[tokio::test(flavor = "multi_thread")]
async fn dying_while_a_contract_is_added_loses_and_doubles_nothing() {
    let mut rig = Rig::new().await;
    rig.options.prove_settled = false;
    let (token, added) = (token::deploy(&rig).await, token::deploy(&rig).await);
    for round in 0..30 {
        token::burst(&rig, [token, added][round % 2], 3).await;
        rig.node.mine(5).await;
    }
    rig.node.mine(70).await;
    token::burst(&rig, added, 4).await;
    let test = testkit::database().await;
    let status = start(&rig, &test, token, None).ended().await;
    assert!(status.success(), "{status}");
    rig.sources = vec![token, added].into_iter().map(of_asset).collect();
    let points = indexer::FAILPOINTS.names().iter().copied();
    let of_added = |name: &&str| name.contains("beside") || name.contains("join");
    let points: Vec<&str> = points.filter(of_added).collect();
    assert_eq!(points.len(), 8);
    let with_added = |failpoint: Option<&str>| {
        let mut command = command(&rig, &test, token, failpoint);
        Probe(command.env("STOA_PROBE_ADDED", added.to_string()).spawn().unwrap())
    };
    for (place, name) in points.into_iter().enumerate() {
        for pass in if name.contains("beside") { 1..=2 } else { 1..=1 } {
            let armed = format!("{name}:{pass}");
            let status = with_added(Some(&armed)).ended().await;
            assert_eq!(status.signal(), Some(ABORTED), "{armed}: {status}");
            token::burst(&rig, [added, token][place % 2], 2).await;
            rig.reorg(1 + place as u64, &[]).await;
            token::burst(&rig, added, 1 + place as u64).await;
        }
    }
    let status = with_added(None).ended().await;
    assert!(status.success(), "{status}");
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
    rig.reorg(20, &[]).await;
    let status = with_added(None).ended().await;
    assert!(status.success(), "{status}");
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await, "the join can be taken back");
}

/// The same while contracts are asked for what logs do not tell.
#[tokio::test(flavor = "multi_thread")]
async fn dying_while_balances_are_read_loses_and_doubles_nothing() {
    let mut place = Place::new(8).await;
    let token = token::deploy(&place.rig).await;
    place.live(20).await;
    place.rig.node.mine(70).await;
    let read = place.tokens[1];
    place.rig.sources = vec![of_asset(token), Source::new(read, Standard::Erc20Fee, 1)];
    let test = testkit::database().await;
    let start = |failpoint: Option<&str>| {
        let mut command = command(&place.rig, &test, token, failpoint);
        Probe(command.env("STOA_PROBE_READ", read.to_string()).spawn().unwrap())
    };
    let points = indexer::FAILPOINTS.names().iter().copied();
    let points: Vec<&str> = points.filter(|name| name.contains("answers")).collect();
    assert_eq!(points.len(), 3);
    for name in points {
        let status = start(Some(name)).ended().await;
        assert_eq!(status.signal(), Some(ABORTED), "{name}: {status}");
    }
    let status = start(None).ended().await;
    assert!(status.success(), "{status}");
    assert_eq!(place.rig.digest(&test.db).await, place.fresh().await);
    let rows = place.rows(&test.db).await;
    assert!(rows.len() > 3 && rows.iter().all(|row| !row.ends_with("none")), "{rows:?}");
}

/// The same for one that the configuration leaves out for a while, and names again.
#[tokio::test(flavor = "multi_thread")]
async fn dying_while_a_contract_comes_back_loses_and_doubles_nothing() {
    let mut rig = Rig::new().await;
    rig.options.prove_settled = false;
    let (token, added) = (token::deploy(&rig).await, token::deploy(&rig).await);
    for round in 0..10 {
        token::burst(&rig, [token, added][round % 2], 3).await;
        rig.node.mine(3).await;
    }
    let test = testkit::database().await;
    let with_added = |failpoint: Option<&str>| {
        let mut command = command(&rig, &test, token, failpoint);
        Probe(command.env("STOA_PROBE_ADDED", added.to_string()).spawn().unwrap())
    };
    let status = with_added(None).ended().await;
    assert!(status.success(), "{status}");
    for _ in 0..20 {
        token::burst(&rig, added, 2).await;
        rig.node.mine(9).await;
    }
    // It is removed by the commit that takes over, and not once more by the next ones.
    for failpoint in [Some("before_range_commit"), Some("range_projected:2"), None] {
        let status = start(&rig, &test, token, failpoint).ended().await;
        assert_eq!(status.success(), failpoint.is_none(), "{failpoint:?}: {status}");
    }
    let points = indexer::FAILPOINTS.names().iter().copied();
    let of_added = |name: &&str| name.contains("beside") || name.contains("join");
    for (place, name) in points.filter(of_added).enumerate() {
        let status = with_added(Some(name)).ended().await;
        assert_eq!(status.signal(), Some(ABORTED), "{name}: {status}");
        rig.reorg(1 + place as u64, &[]).await;
        token::burst(&rig, added, 1 + place as u64).await;
    }
    let status = with_added(None).ended().await;
    assert!(status.success(), "{status}");
    rig.sources = vec![token, added].into_iter().map(of_asset).collect();
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
}

fn of_asset(address: Address) -> Source {
    Source::new(address, Standard::Erc20, 1)
}
