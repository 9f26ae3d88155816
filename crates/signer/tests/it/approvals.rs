//! Acts that need a second person.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
};

use alloy_primitives::{Address, B256, Bytes, U256};
use serde_json::json;
use signer::{
    Approval, Client, Refusal, SignOutcome, TxIntent, TxKind, TypedDomain, TypedIntent, approve,
    transaction_act,
};
use tempfile::TempDir;

use crate::rig::{CHAIN, NOON_MS, POLICY, Rig, fee, is_conflict, send, void};

const NOON_S: u64 = NOON_MS / 1000;
const HOUR_S: u64 = 3600;

/// An operator at a desk of their own, with a key file.
struct Operator {
    dir: TempDir,
    address: Address,
}

impl Operator {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (password, name) = ("secret", Some("key.json"));
        let mut key = [0; 32];
        rand_core::RngCore::fill_bytes(&mut rand_core::OsRng, &mut key);
        eth_keystore::encrypt_key(dir.path(), &mut rand_core::OsRng, key, password, name).unwrap();
        fs::write(dir.path().join("password"), password).unwrap();
        let (address, _) = approve_with(dir.path().join("key.json"), dir.path(), B256::ZERO, 0);
        Self { dir, address }
    }

    fn approve(&self, act: B256, expires: u64) -> Approval {
        approve_with(self.dir.path().join("key.json"), self.dir.path(), act, expires).1
    }
}

fn approve_with(key: PathBuf, dir: &Path, act: B256, expires: u64) -> (Address, Approval) {
    approve(act, expires, &key, &dir.join("password")).unwrap()
}

/// Up to 100 wei freely; up to 1000 with the consent of `count` of these operators.
fn policy(operators: &[Address], count: u32) -> String {
    let from: Vec<_> = operators.iter().map(|address| format!("\"{address}\"")).collect();
    let approvals = format!(
        "approvals = {{ from = [{}], count = {count}, expires_max_s = 3600 }}",
        from.join(",")
    );
    let rules = format!(
        r#"
[[roles.minter.calls]]
to = "any"
transfer = true
value_wei_max = "100"
[[roles.minter.calls]]
to = "any"
transfer = true
{approvals}
[[roles.minter.messages]]
type = "Release(uint256 id)"
domain = {{ name = "Stoa", chains = [31337] }}
identity = ["id"]
{approvals}
"#
    );
    POLICY.replace("\ntransfer = true", "") + &rules
}

fn act_of(intent: &TxIntent) -> B256 {
    transaction_act(intent.key, intent.chain_id, &intent.kind)
}

async fn ask(client: &Client, intent: &TxIntent, approvals: &[Approval]) -> SignOutcome {
    client.sign_approved(std::slice::from_ref(intent), approvals).await.unwrap().remove(0)
}

/// Asserts that it is refused for want of approvals, and that the reason is among them.
fn assert_refused(what: &str, outcome: SignOutcome, reason: Option<&str>) {
    let Err(Refusal::ApprovalRequired { valid, refused, .. }) = outcome else {
        panic!("{what}: {outcome:?}");
    };
    assert_eq!(valid, 0, "{what}");
    match reason {
        Some(part) => assert!(refused.iter().any(|r| r.contains(part)), "{what}: {refused:?}"),
        None => assert!(refused.is_empty(), "{what}: {refused:?}"),
    }
}

#[tokio::test]
async fn a_listed_act_is_signed_with_consent_and_only_once() {
    let operator = Operator::new();
    let rig = Rig::with_policy(&policy(&[operator.address], 1));
    let server = rig.start();
    let client = rig.client();
    let key = client.ensure_key("minter", 0).await.unwrap();
    assert!(ask(&client, &send(key, 0, 1, 100), &[]).await.is_ok(), "below the bound nobody asks");
    let big = send(key, 1, 1, 101);
    let refusal = ask(&client, &big, &[]).await.unwrap_err();
    let act = act_of(&big);
    assert!(!refusal.is_temporary());
    let wanted = Refusal::ApprovalRequired {
        act,
        needed: 1,
        valid: 0,
        expires_max_s: 3600,
        rule: Box::new(signer::ApprovedBy {
            operators: vec![operator.address],
            role: "minter".to_owned(),
            policy: client.health().await.unwrap().policy_digest,
        }),
        refused: vec![],
    };
    assert_eq!(refusal, wanted);

    let approval = operator.approve(act, NOON_S + HOUR_S);
    let approvals = [approval];
    let signed = ask(&client, &big, &approvals).await.unwrap();
    assert_eq!(ask(&client, &big, &approvals).await.unwrap(), signed, "asked again");
    let dearer = TxIntent { fee: fee(9), ..big.clone() };
    assert!(ask(&client, &dearer, &[]).await.is_ok(), "the act is out; its price may change");
    assert!(is_conflict(&ask(&client, &send(key, 1, 1, 102), &approvals).await));

    // The same act again, at another nonce, needs consent again, and so after a restart.
    assert_refused("replay", ask(&client, &send(key, 2, 1, 101), &approvals).await, Some("used"));
    server.stop().await;
    let server = rig.start();
    assert_refused("replay", ask(&client, &send(key, 2, 1, 101), &approvals).await, Some("used"));
    let again = [operator.approve(act, NOON_S + HOUR_S)];
    assert!(ask(&client, &send(key, 2, 1, 101), &again).await.is_ok());
    // In one request, one approval serves one intent.
    let both = [send(key, 3, 1, 101), send(key, 4, 1, 101)];
    let one = [operator.approve(act, NOON_S + HOUR_S)];
    let outcomes = client.sign_approved(&both, &one).await.unwrap();
    assert!(outcomes[0].is_ok());
    assert_refused("twice in a batch", outcomes[1].clone(), Some("used"));
    assert!(ask(&client, &void(key, 5), &[]).await.is_ok(), "a void needs none");
    server.stop().await;
}

#[tokio::test]
async fn forged_expired_and_foreign_approvals_do_not_count() {
    let (operator, stranger) = (Operator::new(), Operator::new());
    let rig = Rig::new();
    let server = rig.start();
    let key = rig.client().ensure_key("minter", 0).await.unwrap();
    server.stop().await;
    // The wallet itself is among the operators: an error of whoever wrote the policy.
    fs::write(rig.path("policy.toml"), policy(&[operator.address, key], 1)).unwrap();
    let server = rig.start();
    let client = rig.client();
    let intent = send(key, 0, 1, 500);
    let act = act_of(&intent);
    let good = operator.approve(act, NOON_S + HOUR_S);
    let (_, own) = approve_with(rig.path("keys/minter.0.json"), rig.dir.path(), act, NOON_S + 9);
    let edit = |edit: &dyn Fn(&mut Approval)| {
        let mut approval = good.clone();
        edit(&mut approval);
        approval
    };
    let other = |to, value| act_of(&send(key, 0, to, value));
    let elsewhere = transaction_act(key, 1, &intent.kind);
    let other_key = transaction_act(Address::repeat_byte(3), CHAIN, &intent.kind);
    let of_another = Some("no operator");
    let cases = [
        ("a stranger's", stranger.approve(act, NOON_S + HOUR_S), of_another),
        ("the wallet's own", own, Some("key of this signer")),
        ("expired", operator.approve(act, NOON_S), Some("expired")),
        ("too long", operator.approve(act, NOON_S + HOUR_S + 1), Some("lasts longer")),
        ("prolonged", edit(&|a| a.expires -= 1), of_another),
        ("other salt", edit(&|a| a.salt = B256::ZERO), of_another),
        ("no signature", edit(&|a| a.signature = Bytes::new()), Some("no signature")),
        ("cut", edit(&|a| a.signature = a.signature.slice(..64)), Some("no signature")),
        (
            "odd v",
            edit(&|a| a.signature = [&a.signature[..64], &[99]].concat().into()),
            Some("no signature"),
        ),
        ("other receiver", operator.approve(other(2, 500), NOON_S + HOUR_S), None),
        ("other value", operator.approve(other(1, 499), NOON_S + HOUR_S), None),
        ("other chain", operator.approve(elsewhere, NOON_S + HOUR_S), None),
        ("other wallet", operator.approve(other_key, NOON_S + HOUR_S), None),
        (
            "another act's, renamed",
            Approval { act, ..operator.approve(other(1, 499), NOON_S + HOUR_S) },
            of_another,
        ),
    ];
    for (what, approval, reason) in cases {
        assert_refused(what, ask(&client, &intent, &[approval]).await, reason);
    }
    server.stop().await;
}

#[tokio::test]
async fn an_approval_with_a_flipped_bit_or_an_old_one_does_not_count() {
    let operator = Operator::new();
    let rig = Rig::with_policy(&policy(&[operator.address], 1));
    let server = rig.start();
    let client = rig.client();
    let key = client.ensure_key("minter", 0).await.unwrap();
    let intent = send(key, 0, 1, 500);
    let act = act_of(&intent);
    let good = operator.approve(act, NOON_S + HOUR_S);
    let flip = |at: usize| {
        let mut bytes = good.signature.to_vec();
        bytes[at] ^= 1;
        Approval { signature: bytes.into(), ..good.clone() }
    };
    for at in [0, 31, 32, 63, 64] {
        let outcome = ask(&client, &intent, &[flip(at)]).await;
        assert!(matches!(outcome, Err(Refusal::ApprovalRequired { valid: 0, .. })), "byte {at}");
    }
    // It ends while the request is on its way.
    rig.now_ms.fetch_add(HOUR_S * 1000, Ordering::Relaxed);
    assert_refused(
        "late",
        ask(&client, &intent, std::slice::from_ref(&good)).await,
        Some("expired"),
    );
    rig.now_ms.fetch_sub(1000, Ordering::Relaxed);
    assert_refused("a clock set back", ask(&client, &intent, &[good]).await, Some("expired"));
    let fresh = operator.approve(act, NOON_S + HOUR_S + 1);
    assert!(ask(&client, &intent, &[fresh]).await.is_ok());
    server.stop().await;
}

#[tokio::test]
async fn two_must_be_two_persons() {
    let (one, two) = (Operator::new(), Operator::new());
    let rig = Rig::with_policy(&policy(&[one.address, two.address], 2));
    let server = rig.start();
    let client = rig.client();
    let key = client.ensure_key("minter", 0).await.unwrap();
    let intent = send(key, 0, 1, 500);
    let by = |operator: &Operator| operator.approve(act_of(&intent), NOON_S + HOUR_S);
    let same_twice = [by(&one), by(&one)];
    let Err(Refusal::ApprovalRequired { valid, needed, .. }) =
        ask(&client, &intent, &same_twice).await
    else {
        panic!("one person with two approvals is one person");
    };
    assert_eq!((valid, needed), (1, 2));
    assert!(ask(&client, &intent, &[by(&one), by(&two)]).await.is_ok());
    server.stop().await;
}

#[tokio::test]
async fn messages_need_consent_in_the_same_way() {
    let operator = Operator::new();
    let rig = Rig::with_policy(&policy(&[operator.address], 1));
    let server = rig.start();
    let client = rig.client();
    let key = client.ensure_key("minter", 0).await.unwrap();
    let domain = TypedDomain {
        name: Some("Stoa".to_owned()),
        chain_id: Some(CHAIN),
        ..TypedDomain::default()
    };
    let release = |id: u64| TypedIntent {
        key,
        domain: domain.clone(),
        primary_type: "Release".to_owned(),
        message: json!({ "id": id }),
    };
    let refusal = client.sign_typed(&release(1), &[]).await.unwrap().unwrap_err();
    let Refusal::ApprovalRequired { act, .. } = refusal else { panic!("{refusal}") };
    let approvals = [operator.approve(act, NOON_S + HOUR_S)];
    let outcome = client.sign_typed(&release(2), &approvals).await.unwrap();
    assert!(matches!(outcome, Err(Refusal::ApprovalRequired { valid: 0, .. })));
    let signed = client.sign_typed(&release(1), &approvals).await.unwrap().unwrap();
    assert_eq!(client.sign_typed(&release(1), &[]).await.unwrap().unwrap(), signed, "known");
    server.stop().await;
}

/// With an approval the other limits still hold.
#[tokio::test]
async fn consent_lifts_no_limit() {
    let operator = Operator::new();
    let rig = Rig::with_policy(&policy(&[operator.address], 1));
    let server = rig.start();
    let client = rig.client();
    let key = client.ensure_key("minter", 0).await.unwrap();
    let kind = |value: u64| TxKind::Call {
        to: Address::repeat_byte(1),
        value: U256::from(value),
        data: Bytes::new(),
    };
    let intent = TxIntent { kind: kind(1001), ..send(key, 0, 1, 1) };
    let approvals = [operator.approve(act_of(&intent), NOON_S + HOUR_S)];
    let refusal = ask(&client, &intent, &approvals).await.unwrap_err();
    assert_eq!(refusal.code(), "over_value_limit");
    server.stop().await;
}
