//! Typed messages: only listed ones, for listed domains, once per identity.

use std::{
    fs,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    sync::atomic::Ordering,
};

use alloy_primitives::{Address, U256, b256, hex, keccak256};
use alloy_sol_types::{Eip712Domain, SolStruct, sol};
use serde_json::{Value, json};
use signer::{Client, Config, Refusal, TypedDomain, TypedIntent, TypedOutcome};

use crate::rig::{CHAIN, POLICY, Rig, signer_of};

const CONTRACT: Address = Address::repeat_byte(5);
const MESSAGES: &str = r#"
[[roles.minter.messages]]
type = "Voucher(uint256 id,address to,uint256 price)"
domain.name = "Stoa"
domain.version = "1"
domain.chains = [31337]
domain.verifying_contract = "0x0505050505050505050505050505050505050505"
fields.price.max = "100"
identity = ["id"]
[[roles.minter.messages]]
type = "Order(uint256 nonce,address maker)"
domain = { name = "Stoa", chains = [31337] }
fields.maker.equal = "self"
identity = ["self", "nonce"]
[[roles.minter.messages]]
type = "Note(string text)"
domain = { name = "Stoa", chains = [31337] }
[[roles.minter.messages]]
type = "Mail(Person from,Person to,string contents)Person(string name,address wallet)"
domain.name = "Ether Mail"
domain.version = "1"
domain.chains = [1]
domain.verifying_contract = "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC"
"#;

pub(crate) fn policy() -> String {
    format!("{POLICY}{MESSAGES}").replace("chains = [31337]\nkeys", "chains = [31337, 1]\nkeys")
}

fn domain() -> TypedDomain {
    TypedDomain {
        name: Some("Stoa".to_owned()),
        version: Some("1".to_owned()),
        chain_id: Some(CHAIN),
        verifying_contract: Some(CONTRACT),
        salt: None,
    }
}

pub(crate) fn voucher(key: Address, id: u64, price: u64) -> TypedIntent {
    let message = json!({ "id": id, "to": Address::repeat_byte(1), "price": price.to_string() });
    TypedIntent { key, domain: domain(), primary_type: "Voucher".to_owned(), message }
}

fn plain(key: Address, primary_type: &str, message: Value) -> TypedIntent {
    let domain = TypedDomain { version: None, verifying_contract: None, ..domain() };
    TypedIntent { key, domain, primary_type: primary_type.to_owned(), message }
}

pub(crate) async fn sign(client: &Client, intent: &TypedIntent) -> TypedOutcome {
    client.sign_typed(intent, &[]).await.unwrap()
}

sol! {
    struct Voucher { uint256 id; address to; uint256 price; }
}

#[tokio::test]
async fn a_listed_message_is_signed_as_contracts_check_it() {
    let rig = Rig::with_policy(&policy());
    let server = rig.start();
    let client = rig.client();
    let key = client.ensure_key("minter", 0).await.unwrap();
    let signed = sign(&client, &voucher(key, 7, 100)).await.unwrap();
    let typed = Voucher { id: U256::from(7), to: Address::repeat_byte(1), price: U256::from(100) };
    let domain = Eip712Domain {
        name: Some("Stoa".into()),
        version: Some("1".into()),
        chain_id: Some(U256::from(CHAIN)),
        verifying_contract: Some(CONTRACT),
        salt: None,
    };
    assert_eq!(signed.digest, typed.eip712_signing_hash(&domain));
    assert_eq!(signer_of(signed.digest, &signed.signature), key);
    server.stop().await;
}

/// The published example, signed by its published key: keccak256("cow").
#[tokio::test]
async fn the_example_of_the_eip_has_its_published_signature() {
    let rig = Rig::with_policy(&policy());
    fs::DirBuilder::new().mode(0o700).create(rig.path("keys")).unwrap();
    let password = fs::read_to_string(rig.path("password")).unwrap();
    let name = Some("minter.0.json");
    let mut rng = rand_core::OsRng;
    eth_keystore::encrypt_key(rig.path("keys"), &mut rng, keccak256("cow"), &password, name)
        .unwrap();
    fs::set_permissions(rig.path("keys/minter.0.json"), fs::Permissions::from_mode(0o600)).unwrap();
    let server = rig.start_with(Config { adopt_keys: true, ..rig.config() });
    let client = rig.client();
    let key = client.ensure_key("minter", 0).await.unwrap();
    let intent = TypedIntent {
        key,
        domain: TypedDomain {
            name: Some("Ether Mail".to_owned()),
            version: Some("1".to_owned()),
            chain_id: Some(1),
            verifying_contract: Some(Address::repeat_byte(0xcc)),
            salt: None,
        },
        primary_type: "Mail".to_owned(),
        message: json!({
            "from": { "name": "Cow", "wallet": key },
            "to": { "name": "Bob", "wallet": "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB" },
            "contents": "Hello, Bob!",
        }),
    };
    let signed = sign(&client, &intent).await.unwrap();
    let digest = b256!("be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2");
    assert_eq!(signed.digest, digest);
    let expected = hex!(
        "4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d"
        "07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b91562"
        "1c"
    );
    assert_eq!(signed.signature.as_ref(), expected);
    server.stop().await;
}

#[tokio::test]
async fn other_messages_domains_and_fields_are_refused() {
    let rig = Rig::with_policy(&policy());
    let server = rig.start();
    let client = rig.client();
    let key = client.ensure_key("minter", 0).await.unwrap();
    let base = voucher(key, 1, 1);
    let with = |edit: &dyn Fn(&mut TypedIntent)| {
        let mut intent = base.clone();
        edit(&mut intent);
        intent
    };
    let cases: Vec<(&str, TypedIntent, &str)> = vec![
        ("other key", with(&|i| i.key = CONTRACT), "unknown_key"),
        ("other type", with(&|i| i.primary_type = "Permit".to_owned()), "message_not_allowed"),
        ("type's case", with(&|i| i.primary_type = "voucher".to_owned()), "message_not_allowed"),
        ("inner type", with(&|i| i.primary_type = "Person".to_owned()), "message_not_allowed"),
        ("name", with(&|i| i.domain.name = Some("stoa".to_owned())), "domain_not_allowed"),
        ("no name", with(&|i| i.domain.name = None), "domain_not_allowed"),
        ("version", with(&|i| i.domain.version = Some("2".to_owned())), "domain_not_allowed"),
        ("chain", with(&|i| i.domain.chain_id = Some(1)), "domain_not_allowed"),
        ("no chain", with(&|i| i.domain.chain_id = None), "domain_not_allowed"),
        ("contract", with(&|i| i.domain.verifying_contract = Some(key)), "domain_not_allowed"),
        ("no contract", with(&|i| i.domain.verifying_contract = None), "domain_not_allowed"),
        ("salt", with(&|i| i.domain.salt = Some(keccak256("salt"))), "domain_not_allowed"),
        ("above the bound", voucher(key, 1, 101), "argument_not_allowed"),
        ("extra field", with(&|i| i.message["more"] = json!(1)), "malformed_message"),
        ("no object", with(&|i| i.message = json!("0x00")), "malformed_message"),
        ("too wide", with(&|i| i.message["id"] = json!("1".repeat(90))), "malformed_message"),
        (
            "another's order",
            plain(key, "Order", json!({ "nonce": 1, "maker": CONTRACT })),
            "argument_not_allowed",
        ),
    ];
    let intents: Vec<_> = cases.iter().map(|(_, intent, _)| intent.clone()).collect();
    let outcomes = client.sign_typed_many(&intents, &[]).await.unwrap();
    for ((what, _, expected), outcome) in cases.iter().zip(outcomes) {
        assert_eq!(outcome.as_ref().map_err(Refusal::code).err(), Some(*expected), "{what}");
    }
    assert!(sign(&client, &base).await.is_ok(), "the template itself is allowed");
    server.stop().await;
}

#[tokio::test]
async fn one_identity_has_one_message_for_ever() {
    let rig = Rig::with_policy(&policy());
    let server = rig.start();
    let client = rig.client();
    let key = client.ensure_key("minter", 0).await.unwrap();
    let other = client.ensure_key("minter", 1).await.unwrap();
    let first = sign(&client, &voucher(key, 1, 10)).await.unwrap();
    assert_eq!(sign(&client, &voucher(key, 1, 10)).await.unwrap(), first, "asked again");
    for rival in [voucher(key, 1, 11), voucher(other, 1, 11)] {
        let refusal = sign(&client, &rival).await.unwrap_err();
        let Refusal::MessageConflict { signed, asked } = refusal else { panic!("{refusal}") };
        assert_eq!(signed, first.digest);
        assert_ne!(asked, first.digest);
    }
    let second = sign(&client, &voucher(other, 1, 10)).await.unwrap();
    assert_eq!(second.digest, first.digest, "another key of the role may sign the same");
    // In one batch as between batches.
    let batch = [voucher(key, 2, 1), voucher(key, 2, 2), voucher(key, 3, 1)];
    let outcomes = client.sign_typed_many(&batch, &[]).await.unwrap();
    let ok: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(ok, [true, false, true]);
    // Where the key is part of the identity, each key has its own numbers.
    for maker in [key, other] {
        let order = plain(maker, "Order", json!({ "nonce": 1, "maker": maker }));
        assert!(sign(&client, &order).await.is_ok());
    }
    server.stop().await;
    let server = rig.start();
    assert!(sign(&client, &voucher(key, 1, 11)).await.is_err(), "a restart remembers");
    assert_eq!(sign(&client, &voucher(key, 1, 10)).await.unwrap(), first);
    server.stop().await;
}

#[tokio::test]
async fn messages_count_against_the_rate_and_known_ones_do_not() {
    let policy = policy().replace("signatures_per_minute = 1000000", "signatures_per_minute = 3");
    let rig = Rig::with_policy(&policy);
    let server = rig.start();
    let client = rig.client();
    let key = client.ensure_key("minter", 0).await.unwrap();
    let notes: Vec<_> =
        (0..5).map(|number| plain(key, "Note", json!({ "text": number.to_string() }))).collect();
    for _ in 0..2 {
        let outcomes = client.sign_typed_many(&notes, &[]).await.unwrap();
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 3);
        assert_eq!(outcomes[4], Err(Refusal::OverRate { limit: 3 }));
    }
    rig.now_ms.fetch_add(60_000, Ordering::Relaxed);
    assert!(sign(&client, &notes[4]).await.is_ok());

    let metrics = client.metrics().await.unwrap();
    for line in [
        r#"signer_intents_total{role="minter",kind="message",outcome="signed"} 4"#,
        r#"signer_intents_total{role="minter",kind="message",outcome="known"} 3"#,
        r#"signer_intents_total{role="minter",kind="message",outcome="over_rate"} 4"#,
        "signer_batch_intents_count 3",
        "signer_batch_intents_sum 11",
        r#"signer_batch_intents_bucket{le="4"} 1"#,
        "signer_request_seconds_count 3",
        "signer_keys 1",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    server.stop().await;
}
