//! Contracts that are followed no more, and that are again.

use crate::{
    rebuild::{rebuild, register},
    rig::{Rig, facts},
    sources::{add, factory, grown, made, rows, talk, transfer, with_factory},
    speaker, token,
};
use alloy_primitives::Address;
use db::{
    Db, checkpoints,
    digest::TableDigest,
    index_removals,
    index_sources::{self, SourceRow},
};
use indexer::{RemoveError, Removed};
use projections::{Source, Standard};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::Value;
use std::time::Duration;
use testkit::eventually_within;
use vocab::topic;

const PATIENCE: Duration = Duration::from_secs(60);

pub async fn row(rig: &Rig, db: &Db, contract: Address) -> Option<SourceRow> {
    let mut connection = db.acquire().await.unwrap();
    index_sources::find(&mut connection, rig.node.chain_id, contract).await.unwrap()
}

pub async fn remove(rig: &Rig, db: &Db, contract: Address) -> Result<Removed, RemoveError> {
    indexer::remove(db, rig.node.chain_id, contract, &[]).await
}

/// What `stoa index add` does of one that was removed.
pub async fn add_again(rig: &Rig, db: &Db, contract: Address) {
    let chain = rig.node.chain_id;
    let mut tx = db::begin(db).await.unwrap();
    let at = checkpoints::raise_epoch(&mut tx, chain).await.unwrap().unwrap().block;
    let found = index_sources::find(&mut tx, chain, contract).await.unwrap().unwrap();
    assert!(found.last_block.is_some());
    indexer::record_followed_again(&mut tx, chain, at, &[found]).await.unwrap();
    tx.commit().await.unwrap();
}

/// The digest of an index made from nothing that has `source` up to block `last`.
async fn ended(rig: &Rig, source: &Source, last: u64) -> Vec<TableDigest> {
    let fresh = testkit::database().await;
    let chain = rig.node.chain_id;
    let mut connection = fresh.db.acquire().await.unwrap();
    index_sources::record(&mut connection, chain, &[source.row(false)]).await.unwrap();
    index_removals::record_removed(&mut connection, chain, source.address, last).await.unwrap();
    drop(connection);
    let running = rig.start(&fresh.db);
    rig.indexed(&fresh.db).await;
    running.kill().await;
    rig.digest(&fresh.db).await
}

/// What the removed contract has in the new branch, in its first and its last block.
fn spoken_again(contract: Address, depth: u64) -> Vec<(Value, u64)> {
    let said = |n: u64| speaker::call(contract, &[transfer(n), transfer(n + 1)]);
    vec![(said(depth), 0), (said(1), depth - 1)]
}

/// Blocks, in which it speaks, above and below the one of the removal are given up, as long as that
/// is inside the window; then it is settled, and at last the contract comes back.
#[tokio::test]
async fn a_removed_contract_stays_as_it_was_and_comes_back_whole() {
    let mut rng = StdRng::seed_from_u64(21);
    let (mut rig, speakers) = grown(40, &mut rng).await;
    let source = rig.sources.remove(0);
    let test = testkit::database().await;
    let mut running = rig.start(&test.db);
    rig.indexed(&test.db).await;
    add(&rig, &test.db, &source).await;
    for _ in 0..6 {
        talk(&rig, speakers, &mut rng).await;
    }
    rig.joined(&test.db).await;
    register(&rig, &test.db).await;
    let head = rig.indexed(&test.db).await.number;
    let removed = remove(&rig, &test.db, source.address).await.unwrap();
    assert_eq!(removed, Removed::At(head));
    for depth in [0, 14, 3, 45, 12] {
        if depth > 0 {
            rig.reorg(depth, &spoken_again(source.address, depth)).await;
        }
        for _ in 0..5 {
            talk(&rig, speakers, &mut rng).await;
            speaker::say(&rig, source.address, &[transfer(depth)]).await;
        }
        rig.indexed(&test.db).await;
        let fresh = ended(&rig, &source, head).await;
        assert_eq!(rig.digest(&test.db).await, fresh, "depth {depth}");
        if depth == 3 {
            running.kill().await;
            running = rig.start(&test.db);
        }
    }
    let known = rows(&test.db, source.address).await;
    assert!(known.len() > 3 && known.iter().all(|log| log.0 <= head), "{known:?}");
    rig.node.mine(70).await;
    speaker::say(&rig, source.address, &[transfer(3)]).await;
    rig.indexed(&test.db).await;
    let settled = rig.digest(&test.db).await;
    assert_eq!(settled, ended(&rig, &source, head).await, "it is settled");
    rebuild(&test.db, "all").await.unwrap();
    assert_eq!(rig.digest(&test.db).await, settled, "its rows are made anew, too");
    let again = remove(&rig, &test.db, source.address).await.unwrap();
    assert_eq!(again, Removed::Before(head));

    add_again(&rig, &test.db, source.address).await;
    talk(&rig, speakers, &mut rng).await;
    rig.sources.insert(0, source.clone());
    rig.joined(&test.db).await;
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
    assert!(rows(&test.db, source.address).await.len() > known.len(), "what came meanwhile");
    let told = facts(&test.db, topic::CHAIN).await;
    let count = |kind: &str| told.iter().filter(|fact| fact.kind == kind).count();
    assert_eq!((count("source_removed"), count("source_added"), count("source_joined")), (1, 2, 2));
    let fact = told.iter().find(|fact| fact.kind == "source_removed").unwrap();
    assert_eq!(fact.data["last_block"], head.to_string());
}

/// While its earlier logs are still read: what is there by then stays, and the rest comes when it is
/// added again. One of which nothing is there yet leaves no trace.
#[tokio::test]
async fn a_contract_is_removed_while_its_earlier_logs_are_read() {
    let mut rng = StdRng::seed_from_u64(22);
    let (mut rig, speakers) = grown(120, &mut rng).await;
    rig.options.range_max = 3;
    rig.options.ranges_in_flight = 1;
    let source = rig.sources.remove(2);
    let proxy = crate::proxy::Proxy::before(&rig.node.endpoint).await;
    // What is nearer than two windows to the head is read block by block.
    let half = rig.head().await.number - 2 * rig.options.window - 15;
    proxy.lie(move |method, params, truth| {
        let first = params[0]["fromBlock"].as_str().map(|text| text.trim_start_matches("0x"));
        let first = first.and_then(|text| u64::from_str_radix(text, 16).ok());
        let cut = method == "eth_getLogs" && first.is_some_and(|first| first > half);
        if cut { Value::Null } else { truth }
    });
    let test = testkit::database().await;
    let first = rig.start(&test.db);
    rig.indexed(&test.db).await;
    first.kill().await;

    // Nobody reads it.
    add(&rig, &test.db, &source).await;
    assert_eq!(remove(&rig, &test.db, source.address).await.unwrap(), Removed::Unread);
    assert!(row(&rig, &test.db, source.address).await.is_none());
    let gone = remove(&rig, &test.db, source.address).await;
    assert!(matches!(gone, Err(RemoveError::NotIndexed)), "{gone:?}");

    // As far as the endpoint lets it.
    add(&rig, &test.db, &source).await;
    let _running = rig.start_at(&test.db, rig.chain_at(vec![proxy.endpoint.clone()]));
    eventually_within(PATIENCE, "a part is read", || async {
        let at = row(&rig, &test.db, source.address).await.unwrap().beside.unwrap();
        (at.height + 3 > half).then_some(())
    })
    .await;
    let Removed::At(last) = remove(&rig, &test.db, source.address).await.unwrap() else {
        panic!("a part of it is there")
    };
    assert!((half - 3..half + 3).contains(&last), "{last} of {half}");
    proxy.be_honest();
    for depth in [2, 30] {
        rig.reorg(depth, &[]).await;
        talk(&rig, speakers, &mut rng).await;
        rig.indexed(&test.db).await;
        let fresh = ended(&rig, &source, last).await;
        assert_eq!(rig.digest(&test.db).await, fresh, "depth {depth}");
    }
    add_again(&rig, &test.db, source.address).await;
    rig.sources.push(source);
    rig.joined(&test.db).await;
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
}

/// By a command, again and again, while blocks are given up and writers are cut off.
#[tokio::test]
async fn a_contract_comes_and_goes_under_reorgs_and_changes_of_writer() {
    for seed in 1..=3 {
        println!("seed {seed}");
        let mut rng = StdRng::seed_from_u64(seed);
        let (mut rig, speakers) = grown(40, &mut rng).await;
        rig.options.range_max = 5;
        let late = rig.sources.split_off(1);
        let test = testkit::database().await;
        let mut running = rig.start(&test.db);
        rig.indexed(&test.db).await;
        for source in &late {
            add(&rig, &test.db, source).await;
        }
        for round in 0..16 {
            let source = &late[rng.random_range(0..2)];
            match row(&rig, &test.db, source.address).await {
                None => add(&rig, &test.db, source).await,
                Some(found) if found.last_block.is_some() => {
                    add_again(&rig, &test.db, source.address).await;
                }
                Some(_) => {
                    remove(&rig, &test.db, source.address).await.unwrap();
                }
            }
            talk(&rig, speakers, &mut rng).await;
            let depth = rng.random_range(1..30);
            rig.reorg(depth, &spoken_again(source.address, depth)).await;
            if round % 3 == 0 {
                running.kill().await;
                running = rig.start(&test.db);
            }
            if rng.random() {
                rig.indexed(&test.db).await;
            }
        }
        for source in &late {
            match row(&rig, &test.db, source.address).await {
                None => add(&rig, &test.db, source).await,
                Some(found) if found.last_block.is_some() => {
                    add_again(&rig, &test.db, source.address).await;
                }
                Some(_) => {}
            }
        }
        rig.sources.extend(late);
        rig.joined(&test.db).await;
        assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
        rig.reorg(50, &[]).await;
        rig.indexed(&test.db).await;
        assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await, "blocks of the window");
    }
}

/// The configuration says what there is: one that it names no more is followed no more, and one that
/// it names again goes on where it was.
#[tokio::test]
async fn a_contract_leaves_the_configuration_and_comes_back() {
    let mut rng = StdRng::seed_from_u64(24);
    let (mut rig, speakers) = grown(30, &mut rng).await;
    let test = testkit::database().await;
    let running = rig.start(&test.db);
    let head = rig.indexed(&test.db).await.number;
    let source = rig.sources[1].clone();
    let refused = remove(&rig, &test.db, source.address).await;
    assert!(matches!(refused, Err(RemoveError::Configured)), "{refused:?}");
    rig.indexed(&test.db).await;
    running.kill().await;

    rig.sources.remove(1);
    let running = rig.start(&test.db);
    for _ in 0..6 {
        talk(&rig, speakers, &mut rng).await;
    }
    rig.indexed(&test.db).await;
    assert_eq!(rig.digest(&test.db).await, ended(&rig, &source, head).await);
    let found = row(&rig, &test.db, source.address).await.unwrap();
    assert_eq!((found.last_block, found.configured), (Some(head), false));
    running.kill().await;

    rig.sources.insert(1, source.clone());
    let _running = rig.start(&test.db);
    talk(&rig, speakers, &mut rng).await;
    rig.joined(&test.db).await;
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
    let found = row(&rig, &test.db, source.address).await.unwrap();
    assert_eq!((found.last_block, found.configured), (None, true));
}

/// With a factory goes what it made, and what it makes later is none; both come back together.
#[tokio::test]
async fn a_factory_is_removed_with_what_it_made() {
    let (mut rig, factory_at, children) = with_factory(3).await;
    let own = Source::new(token::deploy(&rig).await, Standard::Erc20, 1);
    rig.options.range_max = 9;
    rig.sources = vec![own];
    let test = testkit::database().await;
    let _running = rig.start(&test.db);
    rig.indexed(&test.db).await;
    add(&rig, &test.db, &factory(factory_at)).await;
    rig.joined(&test.db).await;
    let refused = remove(&rig, &test.db, children[2]).await;
    assert!(matches!(refused, Err(RemoveError::MadeBy(by)) if by == factory_at), "{refused:?}");
    let head = rig.indexed(&test.db).await.number;
    assert_eq!(remove(&rig, &test.db, factory_at).await.unwrap(), Removed::At(head));
    for depth in [1, 14, 6] {
        for child in &children {
            speaker::say(&rig, *child, &[transfer(depth)]).await;
        }
        speaker::say(&rig, factory_at, &[made(children[5])]).await;
        rig.reorg(depth, &spoken_again(children[1], depth)).await;
        rig.indexed(&test.db).await;
        let fresh = ended(&rig, &factory(factory_at), head).await;
        assert_eq!(rig.digest(&test.db).await, fresh, "depth {depth}");
    }
    rig.node.mine(70).await;
    for child in [children[5], children[0]] {
        speaker::say(&rig, factory_at, &[made(child)]).await;
        speaker::say(&rig, child, &[transfer(2)]).await;
    }
    rig.indexed(&test.db).await;
    assert!(rows(&test.db, children[5]).await.is_empty(), "it is not followed");
    add_again(&rig, &test.db, factory_at).await;
    rig.sources.push(factory(factory_at));
    rig.joined(&test.db).await;
    assert_eq!(rows(&test.db, children[5]).await.len(), 1);
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
}
