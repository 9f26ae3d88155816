//! Going back because an operator wants it.

use crate::{
    followed::{drawn, followed},
    rig::{Rig, add_job, checkpoint, facts},
    speaker,
};
use alloy_primitives::Address;
use db::{Db, checkpoints};
use indexer::RewindError;
use rand::{SeedableRng, rngs::StdRng};
use std::time::Duration;
use testkit::{eventually, eventually_within};
use vocab::topic;

async fn talk(rig: &Rig, speakers: [Address; 3], rng: &mut StdRng) {
    let (speaker, logs) = drawn(rng, speakers);
    speaker::say(rig, speaker, &logs).await;
}

async fn rewind(rig: &Rig, db: &Db, to: u64) -> Result<indexer::Rewound, RewindError> {
    indexer::rewind(db, rig.node.chain_id, (rig.projector().as_ref(), &[]), to).await
}

#[tokio::test]
async fn an_index_is_what_it_was_at_the_block_that_it_goes_back_to() {
    let mut rng = StdRng::seed_from_u64(21);
    let (rig, speakers) = followed().await;
    let mut collection = rig.create(1).await;
    for _ in 0..20 {
        talk(&rig, speakers, &mut rng).await;
    }
    rig.node.mine(70).await;
    let test = testkit::database().await;
    let _running = rig.start(&test.db);
    rig.mint(&mut collection, 2).await;
    let then = rig.indexed(&test.db).await;
    let was = rig.digest(&test.db).await;
    let job = add_job(&test, &rig, collection.address, 2).await;
    for _ in 0..15 {
        talk(&rig, speakers, &mut rng).await;
    }
    rig.mint(&mut collection, 3).await;
    rig.transfer(&collection, 1, testkit::ACCOUNTS[1]).await;
    let head = rig.indexed(&test.db).await;
    let told = facts(&test.db, topic::ITEMS).await.len();
    let mut connection = test.db.acquire().await.unwrap();
    let chain = rig.node.chain_id;
    checkpoints::record_paused(&mut connection, chain).await.unwrap().unwrap();

    let before = checkpoint(&test.db, &rig).await.unwrap();
    let rewound = rewind(&rig, &test.db, then.number).await.unwrap();
    assert_eq!((rewound.from, rewound.to), (head, then));
    let now = checkpoint(&test.db, &rig).await.unwrap();
    assert_eq!(now.levels, before.levels.up_to(then.number));
    assert!(now.block == then && now.paused, "{now:?}");
    assert_eq!(rig.digest(&test.db).await, was);
    let back = facts(&test.db, topic::ITEMS).await.split_off(told);
    assert!(back.iter().all(|fact| fact.reverting), "{back:?}");
    let own = collection.address.to_string();
    let own = back.iter().filter(|fact| fact.attributes["contract"] == own);
    assert_eq!(own.count(), 4, "three mints and a transfer");
    let mints = facts(&test.db, topic::MINTS).await;
    let last = mints.last().unwrap();
    assert_eq!((last.data["status"].as_str(), last.reverting), (Some("submitted"), true));
    assert_eq!(last.attributes["mint_id"], job.to_string());
    let told = facts(&test.db, topic::CHAIN).await;
    assert!(told.iter().any(|fact| fact.kind == "index_rewound"));
    assert!(!told.iter().any(|fact| fact.kind == "reorg"));

    let low = checkpoints::load(&mut connection, chain).await.unwrap().unwrap();
    let refused = rewind(&rig, &test.db, then.number).await.unwrap_err();
    assert!(matches!(refused, RewindError::NotBelow(at) if at == then.number), "{refused:?}");
    let refused = rewind(&rig, &test.db, 3).await.unwrap_err();
    assert!(matches!(refused, RewindError::BelowWindow(at) if at > 3), "{refused:?}");
    assert_eq!(checkpoints::load(&mut connection, chain).await.unwrap().unwrap(), low);

    checkpoints::record_unpaused(&mut connection, chain).await.unwrap().unwrap();
    rig.indexed(&test.db).await;
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
    // Under a writer that goes on: it is taken over from, and comes to the same again.
    for back in [1, 7, 30] {
        let height = checkpoint(&test.db, &rig).await.unwrap().block.number;
        rewind(&rig, &test.db, height - back).await.unwrap();
        talk(&rig, speakers, &mut rng).await;
        rig.indexed(&test.db).await;
        assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
    }
}

/// The chain itself has changed below the window: its index begins anew, and comes to what a fresh
/// one has. Mints that the new branch does not have are so no more.
#[tokio::test]
async fn a_chain_that_was_stopped_begins_anew() {
    let mut rng = StdRng::seed_from_u64(22);
    let (mut rig, speakers) = followed().await;
    rig.options.window = 32;
    let all = std::mem::take(&mut rig.sources);
    rig.sources = all[..2].to_vec();
    let mut collection = rig.create(1).await;
    rig.mint(&mut collection, 2).await;
    for _ in 0..20 {
        talk(&rig, speakers, &mut rng).await;
    }
    let test = testkit::database().await;
    let kept = add_job(&test, &rig, collection.address, 1).await;
    let _running = rig.start(&test.db);
    rig.indexed(&test.db).await;
    let mut tx = db::begin(&test.db).await.unwrap();
    let at = checkpoint(&test.db, &rig).await.unwrap().block;
    let projector = rig.projector();
    let added = (projector.as_ref() as &dyn indexer::Projector, vec![all[2].row(false)]);
    indexer::record_added(&mut tx, rig.node.chain_id, at, added).await.unwrap();
    tx.commit().await.unwrap();
    rig.mint(&mut collection, 2).await;
    rig.node.mine(40).await;
    rig.joined(&test.db).await;
    let chain = rig.node.chain_id;
    let refused =
        indexer::begin_anew(&test.db, chain, (projector.as_ref(), &[])).await.unwrap_err();
    assert!(matches!(refused, RewindError::NotStopped(_)), "{refused:?}");

    rig.reorg(45, &[]).await;
    eventually("a stopped chain", || async {
        checkpoint(&test.db, &rig).await.and_then(|found| found.stopped)
    })
    .await;
    talk(&rig, speakers, &mut rng).await;
    let refused = rewind(&rig, &test.db, at.number).await.unwrap_err();
    assert!(matches!(refused, RewindError::Stopped(_)), "{refused:?}");
    indexer::begin_anew(&test.db, chain, (projector.as_ref(), &[])).await.unwrap();
    rig.sources = all;
    eventually_within(Duration::from_secs(30), "the chain begins anew", || async {
        checkpoint(&test.db, &rig).await.map(drop)
    })
    .await;
    rig.joined(&test.db).await;
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
    let told = facts(&test.db, topic::CHAIN).await;
    assert!(told.iter().any(|fact| fact.kind == "index_begun_anew"));
    let mints = facts(&test.db, topic::MINTS).await;
    let back = mints.iter().position(|fact| fact.reverting).unwrap();
    assert_eq!(mints[back].attributes["mint_id"], kept.to_string());
    assert!(!mints.last().unwrap().reverting, "it is on the new branch, too: {mints:?}");
}
