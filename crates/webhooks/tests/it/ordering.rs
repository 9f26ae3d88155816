//! One after the other within a key, and all at once between keys.

use crate::{
    receiver::{Answer, Receiver},
    rig::{PATIENCE, Rig, all_taken, in_order, in_order_of, options},
};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use testkit::eventually_within;
use vocab::topic;

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_holds_back_its_own_key_only() {
    let rig = Rig::new().await;
    let stuck = Arc::new(AtomicBool::new(true));
    let refusing = stuck.clone();
    let receiver = Receiver::answering(move |body, _| {
        let bad = body["data"]["data"]["key"] == "bad" && refusing.load(Ordering::SeqCst);
        Answer::status(if bad { 500 } else { 200 })
    })
    .await;
    let endpoint = rig.endpoint(&receiver).await;
    let _role = rig.run(options());
    for n in 0..30 {
        for key in ["bad", "a", "b"] {
            rig.tell(key, n).await;
        }
    }
    eventually_within(PATIENCE, "the others are told", || async {
        (receiver.taken().len() == 60).then_some(())
    })
    .await;
    let tried: BTreeSet<i64> =
        receiver.kept().iter().filter(|sent| sent.key() == "bad").map(|sent| sent.seq()).collect();
    assert_eq!(tried.len(), 1, "its second is not tried before its first is taken");
    let held = rig.deliveries("held").await;
    assert_eq!(held, 29);
    stuck.store(false, Ordering::SeqCst);
    rig.settled(90).await;
    all_taken(&receiver, endpoint.id, "items", 90);
    in_order(&receiver);
}

/// Random refusals: order within a key holds all the same.
#[tokio::test(flavor = "multi_thread")]
async fn order_holds_however_often_it_fails() {
    let rig = Rig::new().await;
    let receiver =
        Receiver::answering(|_, place| Answer::status(if place % 3 == 1 { 500 } else { 200 }))
            .await;
    let endpoint = rig.endpoint(&receiver).await;
    let _role = rig.run(options());
    for n in 0..200 {
        rig.tell(&format!("k{}", n % 7), n).await;
    }
    rig.settled(200).await;
    all_taken(&receiver, endpoint.id, "items", 200);
    in_order(&receiver);
}

/// When all attempts at one failed, the next of its key goes on.
#[tokio::test]
async fn what_has_failed_for_good_holds_nothing_back() {
    let rig = Rig::new().await;
    let receiver = Receiver::answering(|body, _| {
        Answer::status(if body["data"]["seq"] == 1 { 500 } else { 200 })
    })
    .await;
    rig.endpoint(&receiver).await;
    let _role = rig.run(webhooks::Options { time_scale: 0.000_001, ..options() });
    rig.tell("a", 1).await;
    rig.tell("a", 2).await;
    eventually_within(PATIENCE, "the second is told", || async {
        (receiver.taken().len() == 1).then_some(())
    })
    .await;
    assert_eq!(receiver.taken()[0].seq(), 2);
    assert_eq!((rig.deliveries("failed").await, receiver.asked()), (1, 11));
}

/// What was delivered is sent again under the ids that it had, and what is sent meanwhile comes too.
#[tokio::test(flavor = "multi_thread")]
async fn a_replay_tells_everything_again_in_order() {
    let rig = Rig::new().await;
    let receiver = Receiver::willing().await;
    let endpoint = rig.endpoint(&receiver).await;
    let _role = rig.run(webhooks::Options { batch_max: 10, ..options() });
    for n in 0..60 {
        rig.tell(&format!("k{}", n % 4), n).await;
    }
    rig.settled(60).await;
    receiver.forget();
    let mut connection = rig.db().acquire().await.unwrap();
    let head =
        db::webhook_positions::record_replay(&mut connection, endpoint.id, topic::ITEMS, 20).await;
    assert_eq!(head.unwrap(), Some(60));
    for n in 60..70 {
        rig.tell(&format!("k{}", n % 4), n).await;
    }
    eventually_within(PATIENCE, "all is told again", || async {
        (receiver.taken().len() == 50).then_some(())
    })
    .await;
    rig.settled(70).await;
    let told: BTreeSet<i64> = receiver.taken().iter().map(|sent| sent.seq()).collect();
    assert_eq!(told, (21..=70).collect());
    assert_eq!(receiver.taken().len(), 50, "once more each, and no more than that");
    // What is told meanwhile need not wait for what is told again.
    in_order_of(&receiver, |seq| seq <= 60);
    in_order_of(&receiver, |seq| seq > 60);
    let over = "select count(*) from webhook_positions where live and replay_at is null";
    rig.counts("it is where the others are", over, 1).await;
}

/// A single one, by hand.
#[tokio::test]
async fn one_delivery_is_sent_again() {
    let rig = Rig::new().await;
    let receiver = Receiver::willing().await;
    let endpoint = rig.endpoint(&receiver).await;
    let _role = rig.run(options());
    rig.tell("a", 1).await;
    rig.settled(1).await;
    let first = receiver.kept().remove(0);
    let mut connection = rig.db().acquire().await.unwrap();
    let id = first.id.parse().unwrap();
    assert!(db::webhook_deliveries::record_retry(&mut connection, endpoint.id, id).await.unwrap());
    eventually_within(PATIENCE, "it comes again", || async {
        (receiver.kept().len() == 2).then_some(())
    })
    .await;
    let second = receiver.kept().remove(1);
    assert_eq!((&second.id, &second.bytes), (&first.id, &first.bytes));
    rig.counts("both are logged", "select count(*) from webhook_attempts", 2).await;
}
