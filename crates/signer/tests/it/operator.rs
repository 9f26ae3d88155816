//! What the operator does with keys while no signer runs: import, list, retire.

use alloy_primitives::{Address, U256, hex};
use signer::{KeyState, Refusal, ServeError, TxIntent, TxKind};
use zeroize::Zeroizing;

use crate::{
    backends::write_private,
    rig::{Rig, fee, send, sign_one, void},
};

/// A key that is in many documents, and its address.
const KNOWN: [u8; 32] = hex!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
const KNOWN_ADDRESS: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

fn known() -> Zeroizing<[u8; 32]> {
    Zeroizing::new(KNOWN)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_imported_key_signs_and_its_file_is_encrypted() {
    let rig = Rig::new();
    let key = rig.operate(|safe| safe.import("minter", 2, &known()).unwrap()).await;
    assert_eq!(key.address, KNOWN_ADDRESS.parse::<Address>().unwrap());
    let text = std::fs::read_to_string(rig.path("keys/minter.2.json")).unwrap();
    assert!(!text.contains(&hex::encode(KNOWN)));
    let server = rig.start();
    assert!(sign_one(&rig.client(), &send(key.address, 0, 1, 1)).await.is_ok());
    assert_eq!(rig.client().ensure_key("minter", 2).await.unwrap(), key.address);
    server.stop().await;
    // From a keystore file with a password of its own.
    let other = Rig::new();
    let (from, password) = (rig.path("keys/minter.2.json"), rig.path("password"));
    let again =
        other.operate(move |safe| safe.import_file("minter", 0, &from, &password).unwrap()).await;
    assert_eq!(again.address, key.address);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_imported_leaves_nothing() {
    let rig = Rig::new();
    rig.operate(|safe| {
        safe.import("minter", 0, &known()).unwrap();
        let zero = Zeroizing::new([0; 32]);
        let order = Zeroizing::new(hex!(
            "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
        ));
        let mut fresh = known();
        fresh[31] ^= 1;
        for (role, index, secret) in [
            ("minter", 1, &known()),
            ("minter", 1, &zero),
            ("minter", 1, &order),
            ("minter", 0, &fresh),
            ("../minter", 1, &fresh),
            ("", 1, &fresh),
        ] {
            assert!(safe.import(role, index, secret).is_err(), "{role}.{index}");
        }
        assert_eq!(safe.list().unwrap().len(), 1);
    })
    .await;
    let files = std::fs::read_dir(rig.path("keys")).unwrap().count();
    assert_eq!(files, 2, "one key, and the lock");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_done_beside_a_running_signer() {
    let rig = Rig::new();
    let server = rig.start();
    rig.client().health().await.unwrap();
    let error = rig.operate_with(rig.config(), |_| ()).await.unwrap_err();
    assert!(matches!(error, ServeError::Locked { .. }), "{error}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retired_key_finishes_what_it_began_and_drains_to_one_address() {
    // No transfers, no value: what the drain needs, the operator alone gives.
    let policy = crate::rig::POLICY
        .replace("transfer = true", "")
        .replace(r#"value_wei_max = "1000""#, r#"value_wei_max = "0""#)
        .replace(r#"value_wei_day_max = "1000000""#, r#"value_wei_day_max = "0""#);
    let rig = Rig::with_policy(&policy);
    let server = rig.start();
    let client = rig.client();
    let key = client.ensure_key("minter", 0).await.unwrap();
    let call = |nonce| {
        let data = [&hex!("a9059cbb")[..], &[0; 64]].concat().into();
        let kind = TxKind::Call { to: Address::repeat_byte(9), value: U256::ZERO, data };
        TxIntent { kind, gas_limit: 90_000, ..send(key, nonce, 1, 0) }
    };
    let begun = sign_one(&client, &call(0)).await.unwrap();
    let drained = |nonce, to, wei: u128| {
        let kind = TxKind::Call { to, value: U256::from(wei), data: Default::default() };
        TxIntent { kind, ..send(key, nonce, 1, 0) }
    };
    let (treasury, thief) = (Address::repeat_byte(0xaa), Address::repeat_byte(0xbb));
    let all = 7_000_000_000_000_000_000;
    assert!(sign_one(&client, &drained(1, treasury, all)).await.is_err(), "not yet retired");
    server.stop().await;

    rig.operate(move |safe| safe.retire("minter", 0, Some(treasury)).unwrap()).await;
    let listed = rig.operate(|safe| safe.list().unwrap()).await;
    assert_eq!(listed[0].state, KeyState::Retired { drain_to: Some(treasury) });
    let server = rig.start();
    let retired = Err(Refusal::KeyRetired { key });
    assert_eq!(sign_one(&client, &call(1)).await, retired, "nothing new");
    assert_eq!(sign_one(&client, &call(0)).await.unwrap(), begun, "the same again");
    let dearer = TxIntent { fee: fee(5), ..call(0) };
    assert!(sign_one(&client, &dearer).await.is_ok(), "another price of the same");
    assert!(sign_one(&client, &void(key, 0)).await.is_ok());
    assert!(sign_one(&client, &void(key, 1)).await.is_ok());
    assert!(sign_one(&client, &drained(2, treasury, all)).await.is_ok());
    // As the thief would try: to another address, with data, at too high a fee, at a used nonce.
    let with_data = TxKind::Call { to: treasury, value: U256::from(1), data: vec![1; 4].into() };
    let tries = [
        drained(3, thief, 1),
        TxIntent { kind: with_data, ..drained(3, treasury, 1) },
        TxIntent { fee: fee(501), ..drained(3, treasury, 1) },
        TxIntent { gas_limit: 21_001, ..drained(3, treasury, 1) },
        TxIntent { chain_id: 1, ..drained(3, treasury, 1) },
        drained(0, treasury, 1),
    ];
    for intent in tries {
        assert!(sign_one(&client, &intent).await.is_err(), "{intent:?}");
    }
    server.stop().await;

    rig.operate(|safe| safe.reinstate("minter", 0).unwrap()).await;
    let logged: String = std::fs::read_dir(rig.path("store.audit"))
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    assert!(logged.contains("key_retired") && logged.contains("key_reinstated"), "{logged}");
    let server = rig.start();
    assert!(sign_one(&client, &call(4)).await.is_ok());
    assert!(sign_one(&client, &drained(5, treasury, all)).await.is_err(), "no drain in service");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_retired_without_an_address_drains_nowhere() {
    let rig = Rig::new();
    let server = rig.start();
    let key = rig.client().ensure_key("minter", 0).await.unwrap();
    server.stop().await;
    rig.operate(|safe| {
        safe.retire("minter", 0, None).unwrap();
        assert!(safe.retire("minter", 1, None).is_err(), "there is no such key");
    })
    .await;
    let server = rig.start();
    let mut nowhere = send(key, 0, 0, 1);
    assert_eq!(sign_one(&rig.client(), &nowhere).await, Err(Refusal::KeyRetired { key }));
    nowhere.nonce = 1;
    nowhere.kind = TxKind::Void {};
    assert!(sign_one(&rig.client(), &nowhere).await.is_ok());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_to_import_must_be_closed_to_others() {
    let rig = Rig::new();
    write_private(&rig.path("its-password"), "x");
    let (file, password) = (rig.path("open.json"), rig.path("its-password"));
    std::fs::write(&file, "{}").unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let error =
        rig.operate(move |safe| safe.import_file("minter", 0, &file, &password).unwrap_err()).await;
    assert!(matches!(error, ServeError::TooOpen { .. }), "{error}");
}
