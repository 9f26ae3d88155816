//! Several chains in one database. Their contracts are at the same addresses and their items have
//! the same ids, so what forgets the chain mixes them up.

use db::{
    Db,
    checkpoints::{self, Checkpoint},
    digest::{self, TableDigest},
    facts::Fact,
};
use indexer::IndexerOptions;
use prove::storms::{Again, Site, fresh, projections};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::{future::pending, sync::Arc, time::Duration};
use testkit::eventually_within;
use tokio::task::JoinHandle;
use vocab::{BlockRef, ChainId, topic};

const PATIENCE: Duration = Duration::from_secs(60);
/// As many as a process reads of a topic at once here.
const FACTS: i64 = 100_000;

/// Cut off when it is dropped.
struct Indexing(JoinHandle<()>);

impl Drop for Indexing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn start(db: &Db, site: &Site) -> Indexing {
    let options = IndexerOptions {
        stand_by: Duration::from_millis(20),
        back_off_max: Duration::from_millis(200),
        ..IndexerOptions::default()
    };
    let projector = Arc::new(projections(site.factory(), site.token()));
    let task = indexer::run(db.clone(), site.chain(), projector, options, pending());
    Indexing(tokio::spawn(task))
}

/// Chains of one shape: who has which item differs.
async fn sites(random: &mut StdRng) -> Vec<Site> {
    let mut sites = Vec::new();
    for id in [31_337, 31_338, 31_339] {
        let mut site = Site::of(ChainId(id)).await.unwrap();
        site.grow(20, 60, random).await.unwrap();
        sites.push(site);
    }
    let places = |site: &Site| (site.factory(), site.token());
    assert!(sites.iter().all(|site| places(site) == places(&sites[0])));
    sites
}

async fn checkpoint(db: &Db, site: &Site) -> Option<Checkpoint> {
    let mut connection = db.acquire().await.unwrap();
    checkpoints::load(&mut connection, site.node.chain_id).await.unwrap()
}

async fn stands_at(db: &Db, site: &Site, head: BlockRef) {
    let what = format!("the index of chain {} stands at {}", site.node.chain_id, head.number);
    eventually_within(PATIENCE, &what, || async {
        checkpoint(db, site).await.filter(|found| found.block == head)
    })
    .await;
}

async fn of(db: &Db, site: &Site) -> Vec<TableDigest> {
    let mut connection = db.acquire().await.unwrap();
    digest::load(&mut connection, site.node.chain_id).await.unwrap()
}

/// Each is what it would be in a database of its own.
async fn assert_each_as_if_alone(db: &Db, sites: &[Site]) {
    let mut seen = Vec::new();
    for site in sites {
        let head = site.head().await.unwrap();
        stands_at(db, site, head).await;
        let digest = of(db, site).await;
        assert_eq!(digest, fresh(site, head).await.unwrap(), "chain {}", site.node.chain_id);
        seen.push(digest);
    }
    for (place, digest) in seen.iter().enumerate() {
        let items = |digest: &[TableDigest]| {
            digest.iter().find(|table| table.table == "items").unwrap().clone()
        };
        assert!(items(digest).rows > 5);
        assert!(seen[..place].iter().all(|other| items(other) != items(digest)));
    }
}

async fn facts(db: &Db, topic: &'static str) -> Vec<Fact> {
    let mut connection = db.acquire().await.unwrap();
    journal::load_after(&mut connection, topic, 0, None, FACTS).await.unwrap()
}

fn of_chain<'f>(facts: &'f [Fact], site: &Site) -> Vec<&'f Fact> {
    let id = site.node.chain_id.as_i64();
    facts.iter().filter(|fact| fact.chain_id == Some(id)).collect()
}

/// Waits until all is numbered that was told.
async fn all_numbered(db: &Db) {
    eventually_within(PATIENCE, "all facts are numbered", || async {
        let mut connection = db.acquire().await.unwrap();
        db::outbox::is_empty(&mut connection).await.unwrap().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chains_of_one_database_are_as_if_each_were_alone() {
    let mut random = StdRng::seed_from_u64(31);
    let mut sites = sites(&mut random).await;
    let test = testkit::database().await;
    let db = test.db.clone();
    let sequencer =
        journal::run_sequencer(db.clone(), journal::SequencerOptions::default(), pending());
    let _sequencer = Indexing(tokio::spawn(sequencer));
    let mut running: Vec<Indexing> = sites.iter().map(|site| start(&db, site)).collect();
    assert_each_as_if_alone(&db, &sites).await;

    // One gives up blocks, the others go on.
    for round in 0..3 {
        let depth = random.random_range(1..=40);
        sites[0].reorg(depth, Again::Shuffled, &mut random).await.unwrap();
        sites[1].grow(2, 2, &mut random).await.unwrap();
        if round == 1 {
            running[2] = start(&db, &sites[2]);
        }
        assert_each_as_if_alone(&db, &sites).await;
    }
    all_numbered(&db).await;
    for topic in [topic::ITEMS, topic::TRANSFERS, topic::CHAIN, topic::COLLECTIONS] {
        let told = facts(&db, topic).await;
        let seqs: Vec<i64> = told.iter().map(|fact| fact.seq).collect();
        assert!(seqs.windows(2).all(|two| two[1] == two[0] + 1), "{topic} has a gap");
        let reverting =
            |site: &Site| of_chain(&told, site).iter().filter(|fact| fact.reverting).count();
        assert_eq!([&sites[1], &sites[2]].map(reverting), [0, 0], "{topic}");
        if [topic::ITEMS, topic::TRANSFERS].contains(&topic) {
            assert!(reverting(&sites[0]) > 0, "{topic}");
            assert!(sites.iter().all(|site| !of_chain(&told, site).is_empty()), "{topic}");
        }
        let attribute = |fact: &Fact| fact.attributes["chain_id"].as_str().map(str::to_owned);
        for fact in &told {
            let id = fact.chain_id.map(|id| ChainId::from_i64(id).to_string());
            assert_eq!(attribute(fact), id, "{topic}: {fact:?}");
        }
    }
    let chain = facts(&db, topic::CHAIN).await;
    let reorgs = |site| of_chain(&chain, site).iter().filter(|fact| fact.kind == "reorg").count();
    assert!(reorgs(&sites[0]) >= 3);
    assert_eq!((reorgs(&sites[1]), reorgs(&sites[2])), (0, 0));
}

/// An operator takes one chain back, and has another one begin from nothing.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_to_one_chain_leaves_the_others() {
    let mut random = StdRng::seed_from_u64(32);
    let sites = sites(&mut random).await;
    let test = testkit::database().await;
    let db = test.db.clone();
    let running: Vec<Indexing> = sites.iter().map(|site| start(&db, site)).collect();
    assert_each_as_if_alone(&db, &sites).await;
    drop(running);
    let before = [of(&db, &sites[0]).await, of(&db, &sites[2]).await];
    let stood = [checkpoint(&db, &sites[0]).await, checkpoint(&db, &sites[2]).await];

    let site = &sites[1];
    let (chain, head) = (site.node.chain_id, site.head().await.unwrap());
    let projector = projections(site.factory(), site.token());
    let back = indexer::rewind(&db, chain, (&projector, &[]), head.number - 30).await.unwrap();
    assert_eq!(back.to.number, head.number - 30);
    let others = || async { [of(&db, &sites[0]).await, of(&db, &sites[2]).await] };
    let stand = || async { [checkpoint(&db, &sites[0]).await, checkpoint(&db, &sites[2]).await] };
    assert_eq!(others().await, before);
    assert_eq!(stand().await, stood, "nobody has taken them over");

    let mut connection = db.acquire().await.unwrap();
    let expected = checkpoint(&db, site).await.unwrap();
    assert!(
        checkpoints::record_too_deep(&mut connection, chain, &expected, "a test").await.unwrap()
    );
    indexer::begin_anew(&db, chain, (&projector, &[])).await.unwrap();
    assert!(checkpoint(&db, site).await.is_none());
    assert!(of(&db, site).await.iter().all(|table| table.rows == 0));
    assert_eq!(others().await, before);
    assert_eq!(stand().await, stood);
    let _running: Vec<Indexing> = sites.iter().map(|site| start(&db, site)).collect();
    assert_each_as_if_alone(&db, &sites).await;
}
