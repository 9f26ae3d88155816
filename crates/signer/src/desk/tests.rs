use std::path::Path;

use super::reconcile;
use crate::{
    error::ServeError,
    keys::{Keyring, ensure_password_file},
    store::Store,
};

fn open(dir: &Path) -> (Keyring, Store) {
    ensure_password_file(&dir.join("password")).unwrap();
    let ring = Keyring::open(&dir.join("keys"), &dir.join("password")).unwrap();
    (ring, Store::open(&dir.join("store.redb")).unwrap())
}

/// Killed between announcing a key and writing its file: the announcement is taken back.
#[test]
fn an_announced_key_without_a_file_never_was() {
    let dir = tempfile::tempdir().unwrap();
    let (mut ring, store) = open(dir.path());
    let died = ring.create("minter", 0, |key| {
        store.set_key(key, false).map_err(ServeError::Store)?;
        Err(ServeError::DeskEnded)
    });
    assert!(died.is_err());
    drop((ring, store));
    let (ring, store) = open(dir.path());
    assert_eq!(ring.list().count(), 0);
    reconcile(&ring, &store, false).unwrap();
    assert!(store.keys().unwrap().is_empty());
}

/// Killed between writing the file and confirming it: the file holds.
#[test]
fn an_announced_key_with_its_file_is_confirmed() {
    let dir = tempfile::tempdir().unwrap();
    let (mut ring, store) = open(dir.path());
    let key = ring
        .create("minter", 0, |key| store.set_key(key, false).map_err(ServeError::Store))
        .unwrap();
    drop((ring, store));
    let (ring, store) = open(dir.path());
    reconcile(&ring, &store, false).unwrap();
    assert_eq!(store.keys().unwrap(), [(key, true)]);
}

#[test]
fn a_key_shows_no_secret_in_debug() {
    let dir = tempfile::tempdir().unwrap();
    let (mut ring, _store) = open(dir.path());
    ring.create("minter", 0, |_| Ok(())).unwrap();
    let password = std::fs::read_to_string(dir.path().join("password")).unwrap();
    let secret =
        eth_keystore::decrypt_key(dir.path().join("keys/minter.0.json"), &password).unwrap();
    let shown = format!("{ring:?} {:?}", ring.get("minter", 0).unwrap());
    assert!(!shown.contains(&password));
    assert!(!shown.contains(&alloy_primitives::hex::encode(&secret)));
    assert!(!shown.contains(&format!("{:?}", &secret[..8])), "nor as a list of bytes");
}
