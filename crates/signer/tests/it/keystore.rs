//! Key files, their password, their lock, and the store that belongs to them.

use std::{fs, os::unix::fs::PermissionsExt};

use signer::ServeError;

use crate::rig::{Rig, mode};

async fn rig_with_key() -> Rig {
    let rig = Rig::new();
    let server = rig.start();
    rig.client().ensure_key("minter", 0).await.unwrap();
    server.stop().await;
    rig
}

#[tokio::test]
async fn keys_are_private_files_that_hold_no_plain_key_and_others_can_read() {
    let rig = rig_with_key().await;
    let file = rig.path("keys/minter.0.json");
    assert_eq!((mode(&file), mode(&rig.path("keys"))), (0o600, 0o700));
    assert_eq!((mode(&rig.path("store.redb")), mode(&rig.path("password"))), (0o600, 0o600));
    let password = fs::read_to_string(rig.path("password")).unwrap();
    let secret = eth_keystore::decrypt_key(&file, &password).unwrap();
    for name in ["keys/minter.0.json", "store.redb"] {
        let bytes = fs::read(rig.path(name)).unwrap();
        let hex = alloy_primitives::hex::encode(&secret);
        assert!(!bytes.windows(32).any(|window| window == secret), "{name}");
        assert!(!bytes.windows(64).any(|window| window == hex.as_bytes()), "{name}");
    }
}

#[tokio::test]
async fn damaged_and_foreign_files_stop_the_start() {
    let good = rig_with_key().await;
    let text = fs::read_to_string(good.path("keys/minter.0.json")).unwrap();
    let cipher = text.split("\"ciphertext\":\"").nth(1).unwrap()[..64].to_owned();
    let flipped = if cipher.starts_with('0') { "1" } else { "0" }.to_owned() + &cipher[1..];
    let damage = [
        (text.replace(&cipher, &flipped), "wrong password"),
        (text.replace(&cipher, &cipher[2..]), "wrong lengths"),
        (text.replace("\"dklen\":32", "\"dklen\":8"), "unusual parameters"),
        (text.replace("\"n\":8192", "\"n\":2147483648"), "unusual parameters"),
        (text.replace("\"version\":3", "\"version\":4"), "unusual parameters"),
        (text[..text.len() / 2].to_owned(), "EOF"),
        (" ".repeat(20_000), "too large"),
    ];
    for (text, expected) in damage {
        fs::write(good.path("keys/minter.0.json"), text).unwrap();
        let error = good.start_error().await.to_string();
        assert!(error.contains(expected), "{error} should say {expected}");
    }
}

#[tokio::test]
async fn a_wrong_or_open_password_file_stops_the_start() {
    let rig = rig_with_key().await;
    let password = rig.path("password");
    fs::write(&password, "another").unwrap();
    assert!(matches!(rig.start_error().await, ServeError::WrongPassword { .. }));
    fs::write(&password, "\n").unwrap();
    assert!(matches!(rig.start_error().await, ServeError::Keystore { .. }));
    fs::set_permissions(&password, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(rig.start_error().await, ServeError::TooOpen { .. }));
    fs::remove_file(&password).unwrap();
    assert!(matches!(rig.start_error().await, ServeError::File { .. }));
}

#[tokio::test]
async fn open_directories_stop_the_start() {
    for dir in ["keys", "run"] {
        let rig = rig_with_key().await;
        fs::set_permissions(rig.path(dir), fs::Permissions::from_mode(0o750)).unwrap();
        assert!(matches!(rig.start_error().await, ServeError::TooOpen { .. }), "{dir}");
    }
}

#[tokio::test]
async fn a_keystore_without_its_store_is_taken_only_on_demand() {
    let rig = rig_with_key().await;
    fs::remove_file(rig.path("store.redb")).unwrap();
    assert!(matches!(rig.start_error().await, ServeError::Mismatch { .. }));
    let server = rig.start_with(signer::Config { adopt_keys: true, ..rig.config() });
    assert_eq!(rig.client().list_keys().await.unwrap().len(), 1);
    server.stop().await;
    let server = rig.start();
    assert_eq!(rig.client().list_keys().await.unwrap().len(), 1, "adopted for good");
    server.stop().await;

    fs::remove_file(rig.path("keys/minter.0.json")).unwrap();
    assert!(matches!(rig.start_error().await, ServeError::Mismatch { .. }));
}

#[tokio::test]
async fn a_keystore_has_one_signer() {
    let rig = Rig::new();
    let server = rig.start();
    rig.client().health().await.unwrap();
    assert!(matches!(rig.start_error().await, ServeError::Locked { .. }));
    let other = Rig::new();
    let config = signer::Config { socket: rig.socket(), ..other.config() };
    let error = signer::serve(config, std::future::pending()).await.unwrap_err();
    assert!(matches!(error, ServeError::SocketInUse { .. }), "{error}");
    assert!(rig.client().health().await.is_ok(), "the first goes on");
    server.stop().await;
}

#[tokio::test]
async fn a_policy_that_others_may_write_stops_the_start() {
    let rig = Rig::new();
    fs::set_permissions(rig.path("policy.toml"), fs::Permissions::from_mode(0o664)).unwrap();
    assert!(matches!(rig.start_error().await, ServeError::TooOpen { .. }));
}

#[tokio::test]
async fn an_unreadable_policy_stops_the_start() {
    let rig = Rig::with_policy("version = 1\nallow_everything = true\n");
    assert!(matches!(rig.start_error().await, ServeError::Policy(_)));
}
