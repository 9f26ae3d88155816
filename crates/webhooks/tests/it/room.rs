//! An endpoint that takes nothing fills no database, and loses nothing.

use crate::{
    receiver::{Answer, Receiver},
    rig::{PATIENCE, Rig, all_taken, in_order, options},
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use testkit::eventually_within;
use webhooks::Options;

#[tokio::test(flavor = "multi_thread")]
async fn only_so_much_waits_in_rows_and_the_rest_in_the_log() {
    let rig = Rig::new().await;
    let dead = Arc::new(AtomicBool::new(true));
    let refusing = dead.clone();
    let receiver = Receiver::answering(move |_, _| {
        Answer::status(if refusing.load(Ordering::SeqCst) { 500 } else { 200 })
    })
    .await;
    let healthy = Receiver::willing().await;
    let endpoint = rig.endpoint(&receiver).await;
    let other = rig.endpoint(&healthy).await;
    let _role = rig.run(Options { pending_max: 20, batch_max: 15, ..options() });
    for n in 0..300 {
        rig.tell(&format!("k{}", n % 9), n).await;
        if n % 25 == 0 {
            rig.numbered("items", n as i64 + 1).await;
        }
    }
    let told = format!(
        "select count(*) from webhook_deliveries where endpoint_id = '{}' and state = 'delivered'",
        other.id
    );
    rig.counts("the other is told all", &told, 300).await;
    let waiting =
        format!("select count(*) from webhook_deliveries where endpoint_id = '{}'", endpoint.id);
    assert!(rig.count(&waiting).await <= 20, "{}", rig.count(&waiting).await);
    let behind = format!(
        "select count(*) from webhook_positions
          where endpoint_id = '{}' and not live and after_seq < 300",
        endpoint.id
    );
    assert_eq!(rig.count(&behind).await, 1);
    dead.store(false, Ordering::SeqCst);
    eventually_within(PATIENCE, "it catches up", || async {
        (receiver.taken().len() >= 300).then_some(())
    })
    .await;
    rig.settled(600).await;
    all_taken(&receiver, endpoint.id, "items", 300);
    all_taken(&healthy, other.id, "items", 300);
    in_order(&receiver);
    in_order(&healthy);
    rig.tell("k", 300).await;
    rig.settled(602).await;
    let live = "select count(*) from webhook_positions where live";
    rig.counts("both are where the log is", live, 2).await;
}

/// Facts that nobody wants leave no rows, and move a cursor only now and then.
#[tokio::test]
async fn what_nobody_wants_costs_nothing() {
    let rig = Rig::new().await;
    let receiver = Receiver::willing().await;
    let terms = db::webhook_endpoints::EndpointTerms {
        kinds: vec!["nothing".to_owned()],
        ..crate::rig::terms(&receiver.url(), &["items"])
    };
    rig.endpoint_as(rig.principal, &terms).await;
    let _role = rig.run(options());
    let live = "select count(*) from webhook_positions where live";
    rig.counts("it is looked at", live, 1).await;
    for n in 0..50 {
        rig.tell("a", n).await;
    }
    let seen = "select count(*) from webhook_cursors where topic = 'items' and seq = 50";
    rig.counts("they were looked at", seen, 1).await;
    assert_eq!(rig.count("select count(*) from webhook_deliveries").await, 0);
    assert_eq!(receiver.asked(), 0);
}

/// Paused and let again, deleted, and moved elsewhere.
#[tokio::test]
async fn an_owner_may_stop_it_and_go_on() {
    let rig = Rig::new().await;
    let receiver = Receiver::willing().await;
    let endpoint = rig.endpoint(&receiver).await;
    let _role = rig.run(options());
    rig.tell("a", 1).await;
    rig.settled(1).await;
    let set = async |state: &str| {
        let mut connection = rig.db().acquire().await.unwrap();
        db::webhook_endpoints::record_state(&mut connection, endpoint.id, state).await.unwrap();
    };
    set("paused").await;
    let kept = "select count(*) from webhook_positions where not live";
    eventually_within(PATIENCE, "its place is kept", || async {
        rig.tell("a", 2).await;
        (rig.count(kept).await == 1).then_some(())
    })
    .await;
    assert_eq!(receiver.asked(), 1, "who is paused is not asked");
    set("active").await;
    let head = || rig.count("select seq from topics where topic = 'items'");
    eventually_within(PATIENCE, "all is told", || async {
        (receiver.taken().len() as i64 == head().await && head().await > 1).then_some(())
    })
    .await;
    all_taken(&receiver, endpoint.id, "items", head().await);
    set("deleted").await;
    let before = receiver.asked();
    let left = Receiver::willing().await;
    let stays = rig.endpoint(&left).await;
    rig.tell("b", 1).await;
    let told = format!(
        "select count(*) from webhook_deliveries where endpoint_id = '{}' and state = 'delivered'",
        stays.id
    );
    rig.counts("the other is told", &told, 1).await;
    assert_eq!(receiver.asked(), before);
}
