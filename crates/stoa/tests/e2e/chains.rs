//! Several chains in one configuration: `stoa index`, as an operator uses it. Their contracts are at
//! the same addresses, and their items have the same ids.

use db::{checkpoints, digest, registry};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use prove::storms::{Again, Site, fresh};
use rand::{SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};
use testkit::{Fault, FaultProxy, Rule, TestDatabase, eventually_within};
use vocab::{B256, BlockRef, ChainId};

const PATIENCE: Duration = Duration::from_secs(60);
const IDS: [u64; 3] = [31_337, 31_338, 31_339];

/// Chains with logs, nodes that can fail, a database, and a file that names all of them.
struct Place {
    sites: Vec<Site>,
    nodes: Vec<FaultProxy>,
    test: TestDatabase,
    directory: tempfile::TempDir,
    random: StdRng,
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
}

impl Place {
    async fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let test = testkit::database().await;
        let (mut sites, mut nodes) = (Vec::new(), Vec::new());
        for id in IDS {
            let mut site = Site::of(ChainId(id)).await.unwrap();
            site.grow(15, 60, &mut random).await.unwrap();
            let factory = registry::Deployment {
                name: contracts::COLLECTION_FACTORY.name.to_owned(),
                version: 1,
                address: site.factory(),
                deploy_block: 1,
                code_hash: B256::ZERO,
            };
            let mut connection = test.db.acquire().await.unwrap();
            registry::record(&mut connection, site.node.chain_id, &factory).await.unwrap();
            nodes.push(FaultProxy::start(&site.node.anvil.http_url()).await);
            sites.push(site);
        }
        let directory = tempfile::tempdir().unwrap();
        Self { sites, nodes, test, directory, random }
    }

    /// A file of these chains, by their places, each with its id.
    fn config(&self, chains: &[(usize, u64)]) -> PathBuf {
        let file = self.directory.path().join("stoa.toml");
        let mut text =
            "[chain]\nblock_time_ms = 200\n[indexer]\nback_off_ms_max = 500\n".to_owned();
        for (place, id) in chains {
            text.push_str(&format!(
                "[[chains]]\nid = {id}\nname = \"number {place}\"\n\
                 [[chains.endpoints]]\nurl = \"{}/key\"\ntimeout_ms = 1_000\n\
                 [[chains.sources]]\naddress = \"{}\"\nstandard = \"erc20\"\nstart_block = 1\n",
                self.nodes[*place].http_url(),
                self.sites[*place].token(),
            ));
        }
        std::fs::write(&file, text).unwrap();
        file
    }

    fn all(&self) -> PathBuf {
        self.config(&[(0, IDS[0]), (1, IDS[1]), (2, IDS[2])])
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stoa"));
        command.arg("index").args(words).args(["--database-url", &self.test.url]);
        command.stdin(Stdio::null()).env_remove("STOA_FAILPOINT");
        command
    }

    fn start(&self) -> Running {
        let mut command = self.command(&["run", "--config", &self.all().display().to_string()]);
        let log = std::fs::File::options().create(true).append(true).open(self.log()).unwrap();
        Running(command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap())
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    async fn run(&self, words: &[&str]) -> Result<String, String> {
        let mut command = self.command(words);
        let Output { status, stdout, stderr } =
            tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if status.success() { Ok(text(&stdout)) } else { Err(text(&stderr)) }
    }

    async fn refused(&self, words: &[&str], why: &str) {
        let said = self.run(words).await.unwrap_err();
        assert!(said.contains(why), "{why}: {said}");
        assert!(!said.contains("/key"), "the path of an address is secret: {said}");
    }

    async fn status(&self) -> Vec<Value> {
        let text = self.run(&["status", "--json"]).await.unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    async fn block(&self, place: usize) -> Option<BlockRef> {
        let mut connection = self.test.db.acquire().await.unwrap();
        let found = checkpoints::load(&mut connection, ChainId(IDS[place])).await.unwrap();
        found.map(|checkpoint| checkpoint.block)
    }

    async fn height(&self, place: usize) -> Option<u64> {
        self.block(place).await.map(|block| block.number)
    }

    async fn stands_at_head(&self, place: usize) {
        let head = self.sites[place].head().await.unwrap();
        let what = format!("chain {} stands at {}", IDS[place], head.number);
        eventually_within(PATIENCE, &what, || async {
            (self.block(place).await == Some(head)).then_some(())
        })
        .await;
    }

    async fn grow(&mut self, place: usize) {
        self.sites[place].grow(2, 2, &mut self.random).await.unwrap();
    }

    /// Each chain's index is what it would be in a database of its own.
    async fn assert_each_as_if_alone(&self) {
        for (place, site) in self.sites.iter().enumerate() {
            self.stands_at_head(place).await;
            let mut connection = self.test.db.acquire().await.unwrap();
            let found = digest::load(&mut connection, site.node.chain_id).await.unwrap();
            let head = site.head().await.unwrap();
            assert_eq!(found, fresh(site, head).await.unwrap(), "chain {}", IDS[place]);
        }
    }
}

/// The chains that have this contract, as `stoa index status` says.
fn with_source(status: &[Value], contract: &str) -> Vec<u64> {
    let has = |index: &&Value| {
        let sources = index["sources"].as_array().unwrap();
        sources.iter().any(|source| source["contract"] == contract)
    };
    status.iter().filter(has).map(|index| index["chain_id"].as_u64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_indexes_all_chains_of_a_file_and_commands_name_the_chain() {
    let place = Place::new(41).await;
    let config = place.all().display().to_string();
    place.refused(&["run", "--config", &config, "--rpc", "http://127.0.0.1:9"], "[[chains]]").await;
    let wrong = place.config(&[(0, IDS[0]), (1, 5)]).display().to_string();
    let why = "is of chain 31338, the configuration names it for chain 5 (number 1)";
    place.refused(&["run", "--config", &wrong], why).await;
    assert!(place.status().await.is_empty(), "nothing was begun");
    let config = place.all().display().to_string();
    place.run(&["run", "--until-head", "--config", &config]).await.unwrap();
    place.assert_each_as_if_alone().await;

    let ids = |status: &[Value]| -> Vec<u64> {
        status.iter().map(|index| index["chain_id"].as_u64().unwrap()).collect()
    };
    assert_eq!(ids(&place.status().await), IDS);
    let one = place.run(&["status", "--chain", "31338"]).await.unwrap();
    assert!(one.contains("chain 31338: ") && !one.contains("chain 31337: "), "{one}");
    place.refused(&["status", "--chain", "5"], "only of 31337, 31338, 31339").await;
    let added = place.sites[1].factory().to_string();
    let add = ["add", added.as_str(), "--standard", "erc721"];
    let several = "several chains are indexed (31337, 31338, 31339): name one, --chain ID";
    for words in [&add[..], &["remove", &added], &["rewind", "70"], &["pause"], &["resume"]] {
        place.refused(words, several).await;
    }
    place.refused(&["pause", "--chain", "5"], "nothing of chain 5 is indexed").await;
    assert!(place.run(&["pause", "31339"]).await.unwrap().contains("chain 31339 is paused"));
    let states: Vec<Value> =
        place.status().await.into_iter().map(|index| index["state"].clone()).collect();
    assert_eq!(states, [json!("live"), json!("live"), json!("paused")]);
    place.run(&["resume", "--chain", "31339"]).await.unwrap();

    place.run(&[&add[..], &["--chain", "31338"]].concat()).await.unwrap();
    assert_eq!(with_source(&place.status().await, &added), [31_338]);
    let running = place.start();
    eventually_within(PATIENCE, "the contract goes with its chain", || async {
        let status = place.run(&["status", "--chain", "31338"]).await.unwrap();
        status.contains(&format!("{added} erc721 from 1: live")).then_some(())
    })
    .await;
    let token = place.sites[0].token().to_string();
    place.refused(&["remove", &token, "--chain", "31338"], "the configuration names").await;
    place.refused(&["remove", &added, "--chain", "31337"], "not in the index of chain 31337").await;
    place.run(&["remove", &added, "--chain", "31338"]).await.unwrap();
    let back = (place.height(0).await.unwrap() - 20).to_string();
    let said = place.run(&["rewind", &back, "--chain", "31337"]).await.unwrap();
    assert!(said.contains(&format!("chain 31337 stands at block {back}")), "{said}");
    place.stands_at_head(0).await;

    // Of all chains at once, while they go on.
    let said = place.run(&["rebuild", "all"]).await.unwrap();
    assert!(IDS.iter().all(|id| said.contains(&format!("of chain {id}"))), "{said}");
    let said = place.run(&["verify", "collections", "--config", &config]).await.unwrap();
    assert!(IDS.iter().all(|id| said.contains(&format!("chain {id}, block"))), "{said}");
    assert!(said.contains("0 are not so") && !said.contains("differ"), "{said}");
    // A row of one chain that is wrong is found there.
    let spoil = "update items set owner = decode(repeat('ee', 20), 'hex')
                  where ctid = (select min(ctid) from items where chain_id = 31338)";
    db::raw::execute(&mut place.test.db.acquire().await.unwrap(), spoil).await.unwrap();
    let verdict = place.run(&["verify", "collections", "--json"]).await.unwrap_err();
    assert!(verdict.contains("not what their logs say"), "{verdict}");
    place.run(&["rebuild", "all"]).await.unwrap();
    place.run(&["verify"]).await.unwrap();
    drop(running);
    place.run(&["run", "--until-head", "--config", &config]).await.unwrap();
    place.assert_each_as_if_alone().await;
}

/// Neither a node that is away from the start, nor one that falls silent, nor a reorg.
#[tokio::test(flavor = "multi_thread")]
async fn trouble_of_one_chain_holds_up_no_other() {
    let mut place = Place::new(42).await;
    place.nodes[1].add(Rule::new(Fault::Swallow));
    let started = Instant::now();
    let _running = place.start();
    place.stands_at_head(0).await;
    place.stands_at_head(2).await;
    println!("the others stood at their heads after {:?}", started.elapsed());
    assert_eq!(place.height(1).await, None);
    let log = std::fs::read_to_string(place.log()).unwrap();
    assert!(log.contains("an endpoint does not answer") && log.contains("31338"), "{log}");
    for _ in 0..3 {
        place.grow(0).await;
        let since = Instant::now();
        place.stands_at_head(0).await;
        assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
    }
    place.nodes[1].heal();
    place.assert_each_as_if_alone().await;

    place.nodes[2].add(Rule::new(Fault::Swallow));
    place.grow(2).await;
    for depth in [3, 17] {
        let random = &mut place.random;
        place.sites[0].reorg(depth, Again::Shuffled, random).await.unwrap();
        place.grow(1).await;
        place.stands_at_head(0).await;
        place.stands_at_head(1).await;
    }
    place.nodes[2].heal();
    place.assert_each_as_if_alone().await;
    // The node comes back as one of another chain: that is not indexed.
    let stood = place.height(1).await;
    place.nodes[1].add(Rule::new(Fault::ChainId(31_337)).on("eth_chainId"));
    place.nodes[1].add(Rule::new(Fault::Drop).times(40));
    place.grow(0).await;
    place.grow(1).await;
    place.stands_at_head(0).await;
    let log = std::fs::read_to_string(place.log()).unwrap();
    assert!(!log.contains("/key"), "the path of an address is secret");
    assert!(place.height(1).await >= stood);
    place.nodes[1].heal();
    place.assert_each_as_if_alone().await;
}

/// Killed at any time all chains go on where they were; one that stands by takes them over, all, or
/// the one whose lock is free.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_takes_over_each_chain() {
    let mut place = Place::new(43).await;
    for floor in [1, 40, 70] {
        let running = place.start();
        eventually_within(PATIENCE, "all are at work", || async {
            let heights = (place.height(0).await, place.height(1).await, place.height(2).await);
            let some = [heights.0, heights.1, heights.2];
            some.iter().all(|height| *height >= Some(floor)).then_some(())
        })
        .await;
        running.signal(Signal::SIGKILL);
    }
    let first = place.start();
    place.assert_each_as_if_alone().await;
    let epochs = || async {
        let mut connection = place.test.db.acquire().await.unwrap();
        let mut found = Vec::new();
        for id in IDS {
            let at = checkpoints::load(&mut connection, ChainId(id)).await.unwrap();
            found.push(at.unwrap().epoch);
        }
        found
    };
    let second = place.start();
    let before = epochs().await;
    // The first one loses one chain. Whoever is quicker has it then; the other two stay.
    let cut = "select pg_terminate_backend(l.pid) from pg_locks l
                 join pg_database d on d.oid = l.database
                where l.locktype = 'advisory' and d.datname = current_database()
                  and (l.classid::int8 << 32 | l.objid::int8) = hashtextextended('indexer:31338', 0)";
    db::raw::execute(&mut place.test.db.acquire().await.unwrap(), cut).await.unwrap();
    eventually_within(PATIENCE, "the chain is taken over", || async {
        (epochs().await[1] > before[1]).then_some(())
    })
    .await;
    let now = epochs().await;
    assert_eq!((now[0], now[2]), (before[0], before[2]), "the others keep their writer");
    for chain in 0..3 {
        place.grow(chain).await;
    }
    for chain in 0..3 {
        place.stands_at_head(chain).await;
    }

    first.signal(Signal::SIGKILL);
    let died = Instant::now();
    for chain in 0..3 {
        place.grow(chain).await;
    }
    for chain in 0..3 {
        place.stands_at_head(chain).await;
    }
    let took = died.elapsed();
    assert!(took < Duration::from_secs(8), "{took:?}");
    println!("all three taken over within {took:?}");
    place.assert_each_as_if_alone().await;
    second.signal(Signal::SIGINT);
}
