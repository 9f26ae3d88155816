//! What is sent, to whom, and what answers do.

use crate::{
    receiver::{Answer, Receiver},
    rig::{PATIENCE, Rig, all_taken, fact, options, principal, terms, verified},
};
use auth::{PrincipalKind, Scope};
use db::webhook_endpoints::EndpointTerms;
use serde_json::json;
use std::time::Duration;
use testkit::eventually_within;
use vocab::topic;
use webhooks::Options;

#[tokio::test]
async fn facts_come_signed_once_each_and_only_from_then_on() {
    let rig = Rig::new().await;
    let receiver = Receiver::willing().await;
    rig.tell("old", 0).await;
    rig.numbered(topic::ITEMS, 1).await;
    let endpoint = rig.endpoint(&receiver).await;
    let _role = rig.run(options());
    for n in 1..=20 {
        rig.tell(&format!("k{}", n % 3), n).await;
    }
    rig.settled(20).await;
    let sent = receiver.kept();
    assert_eq!(sent.len(), 20, "each once");
    for one in &sent {
        let event = verified(&endpoint, one).expect("the published library takes it");
        assert_eq!(event["type"], "told");
        let data = &event["data"];
        assert_eq!((&data["topic"], &data["type"]), (&json!("items"), &json!("delta")));
        assert_eq!(event["timestamp"], data["at"]);
        assert_eq!(one.headers["content-type"], "application/json");
        assert!(data["seq"].as_i64().unwrap() > 1, "what was there before is not told");
    }
    let mut forged = sent[0].clone();
    forged.bytes[10] ^= 1;
    assert!(verified(&endpoint, &forged).is_err());
    let other = rig.endpoint(&receiver).await;
    assert!(verified(&other, &sent[0]).is_err(), "by a secret of its own");
    let attempts = "select count(*) from webhook_attempts where outcome = 'delivered'";
    assert_eq!(rig.count(attempts).await, 20);
}

/// For a day deliveries carry both signatures.
#[tokio::test]
async fn both_secrets_sign_while_they_change() {
    let rig = Rig::new().await;
    let receiver = Receiver::willing().await;
    let before = rig.endpoint(&receiver).await;
    let mut connection = rig.db().acquire().await.unwrap();
    db::webhook_endpoints::record_rotation(&mut connection, before.id, &[3; 32], 86_400.0)
        .await
        .unwrap();
    let after = rig.row(before.id).await;
    let role = rig.run(options());
    rig.tell("a", 1).await;
    rig.settled(1).await;
    let sent = receiver.kept().remove(0);
    assert_eq!(sent.signature.split(' ').count(), 2);
    assert!(verified(&before, &sent).is_ok() && verified(&after, &sent).is_ok());
    role.kill().await;
    rig.execute("update webhook_endpoints set previous_until = now() - interval '1 s'").await;
    let _role = rig.run(options());
    rig.tell("a", 2).await;
    rig.settled(2).await;
    let sent = receiver.kept().remove(1);
    assert!(verified(&before, &sent).is_err() && verified(&after, &sent).is_ok());
}

/// Filters, and topics that are private: default is to tell nobody.
#[tokio::test]
async fn everybody_is_told_what_they_want_and_may() {
    let rig = Rig::new().await;
    let db = rig.db();
    let own = Receiver::willing().await;
    let (stranger, _) =
        principal(db, PrincipalKind::Machine, &[Scope::MintsRead, Scope::WebhooksWrite]).await;
    let (keyless, key) = principal(db, PrincipalKind::Machine, &[Scope::MintsRead]).await;
    let (operator, _) = principal(db, PrincipalKind::Operator, &[Scope::Admin]).await;
    let others = Receiver::willing().await;
    let all = topic::ALL;
    rig.endpoint_as(rig.principal, &terms(&own.url(), &all)).await;
    for who in [stranger, keyless] {
        rig.endpoint_as(who, &terms(&others.url(), &all)).await;
    }
    let admins = Receiver::willing().await;
    rig.endpoint_as(operator, &terms(&admins.url(), &all)).await;
    let choosy = Receiver::willing().await;
    let wanted = EndpointTerms {
        kinds: vec!["to*".to_owned()],
        chain_ids: vec![7],
        ..terms(&choosy.url(), &[topic::ITEMS])
    };
    rig.endpoint_as(rig.principal, &wanted).await;
    sqlx::query("update api_keys set revoked_at = now() where id = $1")
        .bind(key)
        .execute(db)
        .await
        .unwrap();

    let _role = rig.run(options());
    let mut mint = fact(topic::MINTS, "m", 1);
    mint.attributes["principal_id"] = json!(rig.principal.to_string());
    let mut of_seven = fact(topic::ITEMS, "i", 2);
    of_seven.attributes["chain_id"] = json!("7");
    let told = vec![mint, of_seven, fact(topic::ITEMS, "j", 3), fact(topic::TRANSACTIONS, "t", 4)];
    rig.record(told).await;
    // Own: mint and both items. Stranger: both items. Admin: all four. Choosy: one item.
    rig.settled(3 + 2 + 4 + 1).await;
    let topics = |receiver: &Receiver| {
        let mut all: Vec<String> = receiver
            .taken()
            .iter()
            .map(|sent| sent.body["data"]["topic"].as_str().unwrap().to_owned())
            .collect();
        all.sort();
        all
    };
    assert_eq!(topics(&own), ["items", "items", "mints"]);
    assert_eq!(topics(&others), ["items", "items"], "of the one whose key holds");
    assert_eq!(topics(&admins), ["items", "items", "mints", "transactions"]);
    assert_eq!(choosy.taken()[0].key(), "i");
    // Rows are only for what is told.
    assert_eq!(rig.count("select count(*) from webhook_deliveries").await, 10);
}

/// What somebody may not be told for now waits in the log, as it would for who reads it there.
#[tokio::test]
async fn rights_that_come_back_bring_what_was_missed() {
    let rig = Rig::new().await;
    let receiver = Receiver::willing().await;
    rig.endpoint_as(rig.principal, &terms(&receiver.url(), &[topic::MINTS])).await;
    let _role = rig.run(options());
    // Facts are numbered some time after they are recorded: here they are counted by who tells them.
    let told = std::cell::Cell::new(0);
    let tell_next = || async {
        told.set(told.get() + 1);
        let mut fact = fact(topic::MINTS, "m", told.get());
        fact.attributes["principal_id"] = json!(rig.principal.to_string());
        rig.record(vec![fact]).await;
    };
    tell_next().await;
    rig.settled(1).await;
    rig.execute("update api_keys set revoked_at = now()").await;
    let live = "select count(*) from webhook_positions where live";
    // Known to the role by now, or by the next fact; then it leaves the endpoint where it is.
    eventually_within(PATIENCE, "its place is kept", || async {
        tell_next().await;
        (rig.count(live).await == 0).then_some(())
    })
    .await;
    tell_next().await;
    rig.numbered(topic::MINTS, told.get() as i64).await;
    assert!(receiver.asked() < told.get(), "what was told without rights waits");
    rig.execute("update api_keys set revoked_at = null").await;
    eventually_within(PATIENCE, "all is told", || async {
        (receiver.taken().len() >= told.get() && rig.count(live).await == 1).then_some(())
    })
    .await;
    let taken: Vec<i64> = receiver.taken().iter().map(crate::receiver::Sent::seq).collect();
    let all: Vec<i64> = (1..=told.get() as i64).collect();
    assert_eq!(taken, all, "nothing is missing, doubled or out of order");
}

/// The answer decides: taken, again, or never again.
#[tokio::test]
async fn what_is_not_taken_is_sent_again_by_the_schedule() {
    let rig = Rig::new().await;
    let receiver = Receiver::answering(|_, place| match place {
        0 => Answer::status(500),
        1 => Answer { headers: vec![("location", "/hook".into())], ..Answer::status(302) },
        2 => Answer { body: vec![b'x'; 100_000], ..Answer::status(404) },
        _ => Answer { body: b"fine".to_vec(), ..Answer::status(204) },
    })
    .await;
    let endpoint = rig.endpoint(&receiver).await;
    let _role = rig.run(options());
    rig.tell("a", 1).await;
    rig.settled(1).await;
    let statuses: Vec<u16> = receiver.kept().iter().map(|sent| sent.status).collect();
    assert_eq!(statuses, [500, 302, 404, 204], "no redirect is followed");
    all_taken(&receiver, endpoint.id, "items", 1);
    let mut connection = rig.db().acquire().await.unwrap();
    let id = receiver.kept()[0].id.parse().unwrap();
    let log = db::webhook_deliveries::load_attempts(&mut connection, &[id]).await.unwrap();
    let outcomes: Vec<(&str, i32)> =
        log.iter().map(|one| (one.outcome.as_str(), one.attempt)).collect();
    assert_eq!(outcomes, [("status", 1), ("redirected", 2), ("status", 3), ("delivered", 4)]);
    assert_eq!(log[2].response, "x".repeat(1_024));
    assert_eq!(rig.row(endpoint.id).await.failing_since, None, "it is well again");
}

#[tokio::test]
async fn after_ten_attempts_it_has_failed_and_the_endpoint_lives() {
    let rig = Rig::new().await;
    let receiver = Receiver::answering(|_, _| Answer::status(503)).await;
    let endpoint = rig.endpoint(&receiver).await;
    // The longest pause is 86 ms.
    let _role = rig.run(Options { time_scale: 0.000_001, ..options() });
    rig.tell("a", 1).await;
    let failed = "select count(*) from webhook_deliveries where state = 'failed' and attempts = 10";
    rig.counts("the schedule is used up", failed, 1).await;
    assert_eq!(receiver.asked(), 10);
    let row = rig.row(endpoint.id).await;
    assert!(row.state == "active" && row.failing_since.is_some());
}

#[tokio::test]
async fn who_is_gone_is_asked_no_more_until_its_owner_says_so() {
    let rig = Rig::new().await;
    let receiver =
        Receiver::answering(|_, place| Answer::status(if place == 0 { 410 } else { 200 })).await;
    let endpoint = rig.endpoint(&receiver).await;
    let _role = rig.run(options());
    rig.tell("a", 1).await;
    let gone = "select count(*) from webhook_endpoints where state = 'disabled'
                   and reason = 'gone'";
    rig.counts("it is disabled", gone, 1).await;
    let told = "select count(*) from facts where kind = 'webhook_disabled'";
    rig.counts("that is told", told, 1).await;
    let kept = "select count(*) from webhook_positions where not live";
    // What comes meanwhile leaves no row: its place in the log is kept.
    let sent = std::cell::Cell::new(1);
    eventually_within(PATIENCE, "its place is kept", || async {
        sent.set(sent.get() + 1);
        rig.tell("b", 2).await;
        (rig.count(kept).await == 1).then_some(())
    })
    .await;
    rig.tell("c", 3).await;
    let head = sent.get() + 1;
    rig.numbered(topic::ITEMS, head).await;
    assert_eq!(receiver.asked(), 1);
    let mut connection = rig.db().acquire().await.unwrap();
    db::webhook_endpoints::record_state(&mut connection, endpoint.id, "active").await.unwrap();
    db::webhook_deliveries::record_resumed(&mut connection, endpoint.id).await.unwrap();
    rig.settled(head).await;
    all_taken(&receiver, endpoint.id, "items", head);
}

#[tokio::test]
async fn who_only_fails_is_disabled_when_patience_ends() {
    let rig = Rig::new().await;
    let receiver = Receiver::answering(|_, _| Answer::status(500)).await;
    let endpoint = rig.endpoint(&receiver).await;
    // Five days are some four seconds.
    let patience = Options::default().patience;
    let _role = rig.run(Options { time_scale: 0.000_01, patience, ..options() });
    let disabled = "select count(*) from webhook_endpoints where reason = 'failing'";
    let mut n = 0;
    let told = std::cell::RefCell::new(&mut n);
    eventually_within(PATIENCE, "it is disabled", || async {
        let number = {
            let mut n = told.borrow_mut();
            **n += 1;
            **n
        };
        rig.tell(&format!("k{number}"), number).await;
        (rig.count(disabled).await == 1).then_some(())
    })
    .await;
    let row = rig.row(endpoint.id).await;
    let failing = row.updated_at - row.failing_since.unwrap();
    assert!(failing >= time::Duration::milliseconds(4_320), "not before: {failing}");
}

/// An endpoint may ask for more patience than the schedule has.
#[tokio::test]
async fn retry_after_is_kept() {
    let rig = Rig::new().await;
    let receiver = Receiver::answering(|_, place| match place {
        0 => Answer { headers: vec![("retry-after", "3".into())], ..Answer::status(429) },
        _ => Answer::status(200),
    })
    .await;
    rig.endpoint(&receiver).await;
    let _role = rig.run(options());
    rig.tell("a", 1).await;
    let waits = "select count(*) from webhook_deliveries d join webhook_attempts a
                     on a.delivery_id = d.id and a.status = 429
                  where d.next_at > a.at + interval '2.5 s'";
    rig.counts("it waits", waits, 1).await;
    rig.settled(1).await;
    assert_eq!(receiver.asked(), 2);
}

/// The whole of an answer is never waited for.
#[tokio::test]
async fn who_hangs_is_left_and_asked_again() {
    let rig = Rig::new().await;
    let receiver = Receiver::answering(|_, place| match place {
        0 => Answer::hang(),
        _ => Answer::status(200),
    })
    .await;
    rig.endpoint(&receiver).await;
    let _role = rig.run(Options {
        attempt_time: Duration::from_millis(300),
        connect_time: Duration::from_millis(200),
        ..options()
    });
    rig.tell("a", 1).await;
    rig.settled(1).await;
    let timed_out = "select count(*) from webhook_attempts where outcome = 'timed_out'";
    assert_eq!(rig.count(timed_out).await, 1);
}
