//! Limits that last longer than one request.

use std::sync::atomic::Ordering;

use alloy_primitives::U256;
use signer::{Refusal, TxIntent};

use crate::rig::{POLICY, Rig, fee, send, sign_one, void};

const DAY_MS: u64 = 86_400_000;

#[tokio::test]
async fn concurrent_batches_never_sign_more_than_a_day_allows() {
    let policy = POLICY.replace(r#"value_wei_day_max = "1000000""#, r#"value_wei_day_max = "100""#);
    let rig = Rig::with_policy(&policy);
    let server = rig.start();
    let client = rig.client();
    let key = client.ensure_key("minter", 0).await.unwrap();
    let other = client.ensure_key("minter", 1).await.unwrap();
    let mut tasks = Vec::new();
    for part in 0..8u64 {
        let client = rig.client();
        let key = if part % 2 == 0 { key } else { other };
        let intents: Vec<_> = (0..32).map(|n| send(key, part * 32 + n, 1, 1)).collect();
        tasks.push(tokio::spawn(async move { client.sign_transactions(&intents).await.unwrap() }));
    }
    let mut signed = 0;
    for task in tasks {
        for outcome in task.await.unwrap() {
            match outcome {
                Ok(_) => signed += 1,
                Err(Refusal::OverDailyValue { asked, spent, limit }) => {
                    assert_eq!(asked, U256::ONE);
                    assert_eq!((spent, limit), (U256::from(100), U256::from(100)));
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
    assert_eq!(signed, 100, "the role's keys share its budget");

    // Neither a restart nor a clock set back gives anything back; the next day does.
    server.stop().await;
    let server = rig.start();
    let late = send(key, 1000, 1, 1);
    assert!(matches!(sign_one(&client, &late).await, Err(Refusal::OverDailyValue { .. })));
    assert!(sign_one(&client, &send(key, 1001, 1, 0)).await.is_ok(), "nothing spends nothing");
    rig.now_ms.fetch_add(DAY_MS, Ordering::Relaxed);
    assert!(sign_one(&client, &late).await.is_ok());
    assert!(matches!(
        sign_one(&client, &send(key, 1002, 1, 100)).await,
        Err(Refusal::OverDailyValue { .. })
    ));
    rig.now_ms.fetch_sub(DAY_MS, Ordering::Relaxed);
    assert!(sign_one(&client, &send(key, 1003, 1, 99)).await.is_ok());
    assert!(sign_one(&client, &send(key, 1004, 1, 1)).await.is_err());
    server.stop().await;
}

#[tokio::test]
async fn repricing_spends_its_value_once() {
    let policy = POLICY.replace(r#"value_wei_day_max = "1000000""#, r#"value_wei_day_max = "10""#);
    let rig = Rig::with_policy(&policy);
    let server = rig.start();
    let client = rig.client();
    let key = client.ensure_key("minter", 0).await.unwrap();
    for gwei in 1..=5 {
        let intent = TxIntent { fee: fee(gwei), ..send(key, 0, 1, 10) };
        sign_one(&client, &intent).await.unwrap();
    }
    assert!(sign_one(&client, &void(key, 0)).await.is_ok());
    assert!(matches!(
        sign_one(&client, &send(key, 1, 1, 1)).await,
        Err(Refusal::OverDailyValue { .. })
    ));
    server.stop().await;
}

#[tokio::test]
async fn signatures_per_minute_are_limited_and_known_ones_are_free() {
    let policy = POLICY.replace("signatures_per_minute = 1000000", "signatures_per_minute = 3");
    let rig = Rig::with_policy(&policy);
    let server = rig.start();
    let client = rig.client();
    let key = client.ensure_key("minter", 0).await.unwrap();
    let intents: Vec<_> = (0..5).map(|nonce| send(key, nonce, 1, 1)).collect();
    for _ in 0..2 {
        let outcomes = client.sign_transactions(&intents).await.unwrap();
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 3);
        assert_eq!(outcomes[4], Err(Refusal::OverRate { limit: 3 }));
    }
    server.stop().await;
    let server = rig.start();
    let refusal = sign_one(&client, &intents[4]).await.unwrap_err();
    assert_eq!((refusal.is_temporary(), refusal), (true, Refusal::OverRate { limit: 3 }));
    rig.now_ms.fetch_add(60_000, Ordering::Relaxed);
    assert!(sign_one(&client, &intents[4]).await.is_ok());
    server.stop().await;
}
