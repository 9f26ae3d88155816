//! Endpoints that hang delay nobody else.

use crate::{
    receiver::{Answer, Receiver},
    rig::{PATIENCE, Rig, options, terms},
};
use std::time::Duration;
use testkit::eventually_within;
use webhooks::Options;

const HEALTHY: usize = 180;
const HANGING: usize = 20;
const FACTS: usize = 10;

/// Of 200 endpoints 20 never answer: all others are done while not one of those has timed out, and
/// those who hang hold one attempt each and no more.
#[tokio::test(flavor = "multi_thread")]
async fn all_others_are_done_while_some_hang() {
    let rig = Rig::new().await;
    let healthy = Receiver::willing().await;
    let hanging = Receiver::answering(|_, _| Answer::hang()).await;
    for n in 0..HEALTHY + HANGING {
        let receiver = if n % 10 == 0 { &hanging } else { &healthy };
        rig.endpoint_as(rig.principal, &terms(&receiver.url(), &["items"])).await;
    }
    // Fewer places than there are endpoints, so that they have to be shared; and attempts that last
    // for longer than the test.
    let _role = rig.run(Options {
        attempt_time: Duration::from_secs(60),
        slow: Duration::from_millis(200),
        in_flight_max: 60,
        troubled_max: 30,
        ..options()
    });
    for n in 0..FACTS {
        // Each of its own key: nothing but places holds anything back.
        rig.tell(&format!("k{n}"), n).await;
    }
    eventually_within(PATIENCE, "the others are done", || async {
        (healthy.taken().len() == HEALTHY * FACTS).then_some(())
    })
    .await;
    let delivered = format!(
        "select count(*) - {} from webhook_deliveries where state = 'delivered'",
        HEALTHY * FACTS
    );
    rig.counts("it is recorded", &delivered, 0).await;
    let timed_out = rig.count("select count(*) from webhook_attempts where outcome <> 'delivered'");
    assert_eq!(timed_out.await, 0, "while those who hang still do");
    assert_eq!(hanging.asked(), HANGING, "each holds one place");
    assert_eq!(healthy.asked(), HEALTHY * FACTS);
    let waiting = rig.deliveries("ready").await + rig.deliveries("held").await;
    assert_eq!(waiting, (HANGING * FACTS) as i64, "nothing of theirs is lost");
}
