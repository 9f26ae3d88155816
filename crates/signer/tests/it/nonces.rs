//! One nonce, one call.

use alloy_primitives::{B256, Bytes, U256};
use signer::{Fee, Refusal, TxIntent, TxKind, call_digest};

use crate::rig::{Rig, fee, is_conflict, send, sign_one, void};

#[tokio::test]
async fn the_same_call_may_be_repriced_and_voided_but_not_replaced() {
    let rig = Rig::new();
    let server = rig.start();
    let client = rig.client();
    let key = client.ensure_key("minter", 0).await.unwrap();
    let first = send(key, 7, 1, 5);

    let original = sign_one(&client, &first).await.unwrap();
    assert_eq!(sign_one(&client, &first).await.unwrap(), original, "same intent, same bytes");
    let repriced = TxIntent { fee: fee(3), gas_limit: 30_000, ..first.clone() };
    let repriced = sign_one(&client, &repriced).await.unwrap();
    assert_ne!(repriced.hash, original.hash);
    let legacy = Fee::Legacy { gas_price: 4_000_000_000 };
    let legacy = sign_one(&client, &TxIntent { fee: legacy, ..first.clone() }).await.unwrap();
    let voided = sign_one(&client, &void(key, 7)).await.unwrap();
    let again = TxIntent { fee: fee(9), ..first.clone() };
    let again = sign_one(&client, &again).await.unwrap();

    let create = TxKind::Create { value: U256::ZERO, init_code: Bytes::from_static(&[1]) };
    assert!(matches!(
        sign_one(&client, &TxIntent { kind: create, gas_limit: 90_000, ..first.clone() }).await,
        Err(Refusal::CreateNotAllowed { .. })
    ));
    for other in [send(key, 7, 2, 5), send(key, 7, 1, 6)] {
        let asked = call_digest(key, &other.kind);
        let signed = call_digest(key, &first.kind);
        let refusal = sign_one(&client, &other).await.unwrap_err();
        assert_eq!(refusal, Refusal::NonceConflict { nonce: 7, signed, asked });
    }
    assert!(sign_one(&client, &send(key, 8, 2, 5)).await.is_ok(), "the next nonce is free");

    let record = client.signed(key, first.chain_id, 7).await.unwrap().unwrap();
    assert_eq!(record.digest, call_digest(key, &first.kind));
    let expected = [&original, &repriced, &legacy, &voided, &again];
    assert_eq!(record.variants.len(), expected.len());
    for (variant, signed) in record.variants.iter().zip(expected) {
        assert_eq!((variant.hash, variant.raw.as_ref()), (signed.hash, Some(&signed.raw)));
        assert_eq!(variant.void, signed == &voided);
    }
    assert_eq!(client.signed(key, first.chain_id, 9).await.unwrap(), None);
    server.stop().await;
}

#[tokio::test]
async fn a_voided_nonce_takes_no_call() {
    let rig = Rig::new();
    let server = rig.start();
    let client = rig.client();
    let key = client.ensure_key("minter", 0).await.unwrap();
    sign_one(&client, &void(key, 0)).await.unwrap();
    assert!(is_conflict(&sign_one(&client, &send(key, 0, 1, 1)).await));
    let dearer = TxIntent { fee: fee(50), ..void(key, 0) };
    assert!(sign_one(&client, &dearer).await.is_ok());
    server.stop().await;
}

#[tokio::test]
async fn one_batch_obeys_the_same_rules_in_order() {
    let rig = Rig::new();
    let server = rig.start();
    let client = rig.client();
    let key = client.ensure_key("minter", 0).await.unwrap();
    let batch = [send(key, 0, 1, 1), send(key, 0, 2, 1), send(key, 1, 1, 1), send(key, 0, 1, 1)];
    let outcomes = client.sign_transactions(&batch).await.unwrap();
    assert!(is_conflict(&outcomes[1]));
    assert!(outcomes[0].is_ok() && outcomes[2].is_ok());
    assert_eq!(outcomes[0], outcomes[3]);
    server.stop().await;
}

#[tokio::test]
async fn chains_and_keys_have_nonces_of_their_own() {
    let policy = crate::rig::POLICY.replace("[31337]", "[31337, 10]");
    let rig = Rig::with_policy(&policy);
    let server = rig.start();
    let client = rig.client();
    let (one, two) = (
        client.ensure_key("minter", 0).await.unwrap(),
        client.ensure_key("minter", 1).await.unwrap(),
    );
    let elsewhere = TxIntent { chain_id: 10, ..send(one, 0, 2, 1) };
    let batch = [send(one, 0, 1, 1), elsewhere, send(two, 0, 3, 1)];
    let outcomes = client.sign_transactions(&batch).await.unwrap();
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_restart_remembers() {
    let rig = Rig::new();
    let client = rig.client();
    let server = rig.start();
    let key = client.ensure_key("minter", 0).await.unwrap();
    let intent = send(key, 3, 1, 1);
    let signed = sign_one(&client, &intent).await.unwrap();
    let record = client.signed(key, intent.chain_id, 3).await.unwrap();
    server.stop().await;

    // The same client, whose connections have died with the first server.
    let server = rig.start();
    assert_eq!(client.ensure_key("minter", 0).await.unwrap(), key);
    assert_eq!(client.list_keys().await.unwrap().len(), 1);
    assert!(is_conflict(&sign_one(&client, &send(key, 3, 2, 1)).await));
    assert_eq!(sign_one(&client, &intent).await.unwrap(), signed);
    assert_eq!(client.signed(key, intent.chain_id, 3).await.unwrap(), record);
    server.stop().await;
}

#[tokio::test]
async fn variants_are_bounded_and_the_last_sixteen_keep_their_bytes() {
    let rig = Rig::new();
    let server = rig.start();
    let client = rig.client();
    let key = client.ensure_key("minter", 0).await.unwrap();
    let priced = |step: u128| TxIntent {
        fee: Fee::Legacy { gas_price: 1_000_000_000 + step },
        ..send(key, 0, 1, 1)
    };
    let intents: Vec<_> = (0..257).map(priced).collect();
    let outcomes = client.sign_transactions(&intents).await.unwrap();
    assert!(outcomes[..256].iter().all(Result::is_ok));
    assert_eq!(outcomes[256], Err(Refusal::TooManyVariants { limit: 256 }));
    let record = client.signed(key, intents[0].chain_id, 0).await.unwrap().unwrap();
    let hashes: Vec<B256> = record.variants.iter().map(|variant| variant.hash).collect();
    let signed: Vec<B256> =
        outcomes[..256].iter().map(|outcome| outcome.as_ref().unwrap().hash).collect();
    assert_eq!(hashes, signed);
    let kept = record.variants.iter().filter(|variant| variant.raw.is_some()).count();
    assert_eq!((kept, record.variants[255].raw.is_some()), (16, true));
    assert!(sign_one(&client, &intents[0]).await.is_ok(), "known bytes can always be had again");
    server.stop().await;
}
