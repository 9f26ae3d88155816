//! Keys in AWS KMS, as moto plays it: every request's proof is checked by botocore there.

use std::time::Instant;

use alloy_primitives::Address;
use signer::{Fee, Refusal, ServeError, SignedTx, TxIntent};

use crate::{
    backends::{Kms, declare, key, two_roles},
    rig::{CHAIN, Rig, fee, is_away, is_conflict, send, sign_one, signer_of, void},
    signatures::check,
    typed,
};

const ALIAS: &str = "alias/stoa-vault";

/// A rig whose role `vault` has one key, in KMS.
async fn rig() -> (Rig, Kms, Address) {
    rig_with(&two_roles(), "vault").await
}

async fn rig_with(policy: &str, role: &str) -> (Rig, Kms, Address) {
    let rig = Rig::with_policy(policy);
    let kms = Kms::start(&rig);
    declare(&rig, &[kms.section(&rig)]);
    let address = rig.operate(|safe| safe.generate("cloud", ALIAS).unwrap()).await;
    declare(&rig, &[kms.section(&rig), key(role, 0, "cloud", ALIAS)]);
    rig.adopt().await;
    (rig, kms, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn signs_by_its_key_and_answers_again_with_the_same_bytes() {
    let (rig, kms, address) = rig().await;
    let server = rig.start();
    let client = rig.client();
    assert_eq!(client.ensure_key("vault", 0).await.unwrap(), address);
    let intents: Vec<TxIntent> = (0..40)
        .flat_map(|nonce| {
            let one = send(address, nonce, 1, 1);
            let legacy = Fee::Legacy { gas_price: 7_000_000_000 };
            [TxIntent { fee: legacy, ..one.clone() }, one]
        })
        .collect();
    let outcomes = client.sign_transactions(&intents).await.unwrap();
    let signed: Vec<SignedTx> = outcomes.into_iter().map(Result::unwrap).collect();
    // Every s is as likely high as low when it comes from there: among 80 there are both.
    intents.iter().zip(&signed).for_each(|(intent, signed)| check(intent, signed));
    let made = kms.signatures_made();
    assert_eq!(made, intents.len());
    server.stop().await;

    // Asked again, also after a restart, and with KMS away: from the store.
    kms.is("away");
    let server = rig.start();
    let again = client.sign_transactions(&intents).await.unwrap();
    assert_eq!(again.into_iter().map(Result::unwrap).collect::<Vec<_>>(), signed);
    assert_eq!(kms.signatures_made(), made, "nothing was signed twice");
    let kept = client.signed(address, CHAIN, 3).await.unwrap().unwrap();
    assert_eq!(kept.variants.len(), 2);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_an_outcome_keeps_its_nonce_and_is_asked_again() {
    let (rig, kms, address) = rig().await;
    declare(&rig, &[kms.section_within(&rig, 8_000), key("vault", 0, "cloud", ALIAS)]);
    let server = rig.start();
    let client = rig.client();
    let troubles = ["away", "throttled", "signs_unheard", "slow", "another_key"];
    for (nonce, trouble) in (0..).zip(troubles) {
        kms.is(trouble);
        let mine = send(address, nonce, 1, 1);
        let outcome = sign_one(&client, &mine).await;
        assert!(is_away(&outcome), "{trouble}: {outcome:?}");
        let claimed = client.signed(address, CHAIN, nonce).await.unwrap().unwrap();
        assert!(claimed.variants.is_empty(), "{trouble}: claimed, and nothing given out");
        kms.is("well");
        // The uniqueness record stands: nobody else gets this nonce, whatever KMS did.
        let other = sign_one(&client, &send(address, nonce, 2, 1)).await;
        assert!(is_conflict(&other), "{trouble}: {other:?}");
        let signed = sign_one(&client, &mine).await.unwrap();
        check(&mine, &signed);
        assert!(sign_one(&client, &void(address, nonce)).await.is_ok(), "{trouble}");
        let dearer = TxIntent { fee: fee(3), ..mine };
        assert!(sign_one(&client, &dearer).await.is_ok(), "{trouble}");
    }
    server.stop().await;
}

/// As with nonces: the message's identity is claimed first, and one signature is given out.
#[tokio::test(flavor = "multi_thread")]
async fn typed_messages_are_claimed_signed_and_kept_too() {
    let (rig, kms, address) = rig_with(&typed::policy(), "minter").await;
    let server = rig.start();
    let client = rig.client();
    kms.is("signs_unheard");
    let mine = typed::voucher(address, 1, 10);
    let outcome = typed::sign(&client, &mine).await;
    assert!(matches!(outcome, Err(Refusal::KeyUnavailable { .. })), "{outcome:?}");
    kms.is("well");
    let other = typed::sign(&client, &typed::voucher(address, 1, 11)).await;
    assert!(matches!(other, Err(Refusal::MessageConflict { .. })), "{other:?}");
    let signed = typed::sign(&client, &mine).await.unwrap();
    assert_eq!(signer_of(signed.digest, &signed.signature), address);
    server.stop().await;
    kms.is("away");
    let server = rig.start();
    assert_eq!(typed::sign(&client, &mine).await.unwrap(), signed);
    server.stop().await;
    rig.operate(|safe| safe.retire("minter", 0, None).unwrap()).await;
    let server = rig.start();
    assert_eq!(typed::sign(&client, &mine).await.unwrap(), signed, "what it began");
    let fresh = typed::sign(&client, &typed::voucher(address, 2, 10)).await;
    assert_eq!(fresh, Err(Refusal::KeyRetired { key: address }));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_service_holds_no_other_key_up() {
    let (rig, kms, address) = rig().await;
    declare(&rig, &[kms.section_within(&rig, 2_000), key("vault", 0, "cloud", ALIAS)]);
    let server = rig.start();
    let client = rig.client();
    let local = client.ensure_key("minter", 0).await.unwrap();
    kms.is("slow");
    let asked: Vec<_> = (0..200).map(|nonce| send(address, nonce, 1, 1)).collect();
    let waiting = {
        let client = client.clone();
        tokio::spawn(async move { client.sign_transactions(&asked).await.unwrap() })
    };
    let start = Instant::now();
    let mut nonce = 0;
    while !waiting.is_finished() {
        assert!(sign_one(&client, &send(local, nonce, 1, 1)).await.is_ok());
        nonce += 1;
    }
    // 200 calls, 32 at a time, all within one time-out of two seconds, and not one after another.
    assert!(waiting.await.unwrap().iter().all(is_away));
    // Had the first waited for them, all would be over with it.
    assert!(nonce > 2, "only {nonce} signatures beside it in {:?}", start.elapsed());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn starts_without_the_service_once_its_key_is_known() {
    let (rig, kms, address) = rig().await;
    kms.is("away");
    let server = rig.start();
    let keys = rig.client().list_keys().await.unwrap();
    assert_eq!(keys.iter().map(|key| key.address).collect::<Vec<_>>(), [address]);
    server.stop().await;
    // A key that was never seen can't be taken on trust.
    declare(
        &rig,
        &[kms.section(&rig), key("vault", 0, "cloud", ALIAS), key("vault", 1, "cloud", "alias/x")],
    );
    assert!(matches!(rig.start_error().await, ServeError::Backend { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declaration_that_changed_or_lies_stops_the_start() {
    let (rig, kms, _) = rig().await;
    let other = rig.operate(|safe| safe.generate("cloud", "alias/other").unwrap()).await;
    let section = kms.section(&rig);
    // Another key under a known name, and a name that the store has never seen.
    declare(&rig, &[section.clone(), key("vault", 0, "cloud", "alias/other")]);
    let error = rig.start_error().await;
    assert!(error.to_string().contains(&other.to_string()), "{error}");
    declare(&rig, std::slice::from_ref(&section));
    assert!(matches!(rig.start_error().await, ServeError::Mismatch { .. }));
    let mine = key("vault", 0, "cloud", ALIAS);
    declare(&rig, &[section.clone(), mine.clone(), key("vault", 1, "cloud", "alias/other")]);
    assert!(matches!(rig.start_error().await, ServeError::Mismatch { .. }), "not adopted");
    let wrong = [
        (section.replace("http://127.0.0.1", "http://kms.example.com"), "https only"),
        (section.replace("eu-west-1", "eu/west"), "region"),
        (section.replace("timeout_ms = 15000", "timeout_ms = 99000"), "timeout_ms"),
        (section.replace("timeout_ms", "time"), "unknown field"),
        (format!("{section}{mine}{mine}"), "declared twice"),
        (format!("{section}{}", key("vault", 0, "elsewhere", ALIAS)), "no back end"),
        (format!("{section}{}", key("../vault", 0, "cloud", ALIAS)), "bad name"),
    ];
    for (text, expected) in wrong {
        declare(&rig, &[text]);
        let error = rig.start_error().await.to_string();
        assert!(error.contains(expected), "{error} should say {expected}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_makes_no_key_in_a_role_whose_keys_are_declared() {
    let (rig, _kms, _) = rig().await;
    let server = rig.start();
    let error = rig.client().ensure_key("vault", 1).await.unwrap_err();
    assert!(matches!(error, signer::ClientError::Refused(Refusal::TooManyKeys { .. })), "{error}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_or_open_credentials_are_refused() {
    let (rig, kms, _) = rig().await;
    let path = rig.path("aws-credentials");
    let good = std::fs::read_to_string(&path).unwrap();
    crate::backends::write_private(&path, &good.replace("test-secret", "wrong-secret"));
    declare(&rig, &[kms.section(&rig), key("vault", 0, "cloud", ALIAS)]);
    let error = rig.start_error().await.to_string();
    assert!(error.contains("InvalidSignature") && !error.contains("wrong-secret"), "{error}");
    crate::backends::write_private(&path, "[default]\naws_access_key_id = A\n");
    assert!(rig.start_error().await.to_string().contains("aws_secret_access_key"));
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    assert!(matches!(rig.start_error().await, ServeError::TooOpen { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn prints_how_fast_moto_signs_through_it() {
    let (rig, _kms, address) = rig().await;
    let server = rig.start();
    let start = Instant::now();
    let asked: Vec<_> = (0..200).map(|nonce| send(address, nonce, 1, 1)).collect();
    let outcomes = rig.client().sign_transactions(&asked).await.unwrap();
    let signed = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    println!("KMS by moto: {:.0} signatures/s", signed as f64 / start.elapsed().as_secs_f64());
    assert!(signed > 0);
    server.stop().await;
}
