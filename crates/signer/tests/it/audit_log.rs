//! The audit log: complete, in order, and at one with the store after any death.

use std::{
    collections::HashSet,
    fs,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use alloy_primitives::B256;
use audit::{Summary, verify};
use serde_json::{Value, json};
use signer::{Client, ServeError, TypedDomain, TypedIntent};

use crate::rig::{CHAIN, POLICY, Rig, send, sign_one, wait_until};

const NOTES: &str = r#"
[[roles.minter.messages]]
type = "Note(string text)"
domain = { name = "Stoa", chains = [31337] }
"#;
const DAY_MS: u64 = 86_400_000;

fn dir(rig: &Rig) -> PathBuf {
    rig.path("store.audit")
}

fn checked(rig: &Rig) -> Summary {
    verify(&dir(rig)).unwrap().remove(0)
}

fn files(rig: &Rig) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(dir(rig)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn entries(rig: &Rig) -> Vec<Value> {
    let line = |line: &str| serde_json::from_str::<Value>(line).unwrap()["entry"].clone();
    let read = |path| fs::read_to_string(path).unwrap();
    files(rig)
        .into_iter()
        .flat_map(|path| read(path).lines().map(line).collect::<Vec<_>>())
        .collect()
}

async fn signed(rig: &Rig, client: &Client, count: u64) {
    let key = client.ensure_key("minter", 0).await.unwrap();
    let intents: Vec<_> = (0..count).map(|nonce| send(key, nonce, 1, 1)).collect();
    assert!(client.sign_transactions(&intents).await.unwrap().iter().all(Result::is_ok));
    let domain = TypedDomain {
        name: Some("Stoa".to_owned()),
        chain_id: Some(CHAIN),
        ..TypedDomain::default()
    };
    let message = json!({ "text": "secretive" });
    let note = TypedIntent { key, domain, primary_type: "Note".to_owned(), message };
    client.sign_typed(&note, &[]).await.unwrap().unwrap();
    rig.now_ms.fetch_add(1000, Ordering::Relaxed);
}

#[tokio::test]
async fn every_new_signature_has_one_line_that_names_its_policy() {
    let rig = Rig::with_policy(&format!("{POLICY}{NOTES}"));
    let server = rig.start();
    let client = rig.client();
    signed(&rig, &client, 3).await;
    signed(&rig, &client, 3).await;
    let key = client.ensure_key("minter", 0).await.unwrap();
    assert!(sign_one(&client, &send(key, 0, 2, 1)).await.is_err(), "refusals have no line");
    rig.now_ms.fetch_add(DAY_MS, Ordering::Relaxed);
    let last = sign_one(&client, &send(key, 9, 1, 1)).await.unwrap();
    let health = client.health().await.unwrap();
    server.stop().await;

    let found = checked(&rig);
    assert_eq!((found.files, found.lines, found.first_seq), (2, 7, 1));
    assert_eq!(
        (found.head.seq, B256::from(found.head.hash)),
        (health.audit_seq, health.audit_hash)
    );
    let entries = entries(&rig);
    let kind = |entry: &Value| entry.as_object().unwrap().keys().next().unwrap().clone();
    let kinds: Vec<_> = entries.iter().map(kind).collect();
    let tx = "transaction";
    assert_eq!(kinds, ["started", "key_created", tx, tx, tx, "message", tx]);
    let policy = json!(health.policy_digest);
    assert_eq!(entries[0]["started"]["policy"], policy);
    for entry in &entries[2..] {
        let line = &entry[kind(entry)];
        assert_eq!((&line["policy"], &line["key"]), (&policy, &json!(key)), "{line}");
    }
    assert_eq!(entries[6]["transaction"]["hash"], json!(last.hash));
    assert_eq!(entries[6]["transaction"]["nonce"], 9);

    let text: String = files(&rig).iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let raw = alloy_primitives::hex::encode(&last.raw);
    assert!(!text.contains(&raw[raw.len() - 60..]), "no signature is in the log");
    assert!(!text.contains("secretive"), "nor what a message says");
    for path in files(&rig) {
        assert_eq!(crate::rig::mode(&path), 0o600);
    }
    assert_eq!(crate::rig::mode(&dir(&rig)), 0o700);
}

/// The files are written after the store's commit and without a sync of their own: whatever a
/// crash leaves of them, the store has the rest.
#[tokio::test]
async fn a_log_cut_by_a_crash_is_completed_from_the_store() {
    let rig = Rig::with_policy(&format!("{POLICY}{NOTES}"));
    let server = rig.start();
    signed(&rig, &rig.client(), 5).await;
    server.stop().await;
    let path = files(&rig).remove(0);
    let (whole, store) = (fs::read(&path).unwrap(), fs::read(rig.path("store.redb")).unwrap());
    let cuts = [whole.len() - 1, whole.len() - 40, whole.len() / 2, 10, 0];
    for left in cuts.into_iter().map(Some).chain([None]) {
        fs::write(rig.path("store.redb"), &store).unwrap();
        match left {
            Some(left) => fs::write(&path, &whole[..left]).unwrap(),
            None => fs::remove_dir_all(dir(&rig)).unwrap(),
        }
        let server = rig.start();
        rig.client().health().await.unwrap();
        server.stop().await;
        assert!(fs::read(&path).unwrap().starts_with(&whole), "{left:?} bytes were left");
        assert_eq!(checked(&rig).first_seq, 1);
    }
    // At that start the files were synced; from then on a cut is no crash.
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let error = rig.start_error().await;
    assert!(matches!(error, ServeError::AuditMismatch { .. }), "{error}");
}

#[tokio::test]
async fn a_log_that_was_changed_and_a_store_that_is_old_stop_the_start() {
    let rig = Rig::with_policy(&format!("{POLICY}{NOTES}"));
    let server = rig.start();
    signed(&rig, &rig.client(), 2).await;
    server.stop().await;
    let old = fs::read(rig.path("store.redb")).unwrap();
    let path = files(&rig).remove(0);
    let good = fs::read_to_string(&path).unwrap();

    // The last line edited; no line follows that would show it, but the store does.
    let at = good.trim_end().rfind("Note").unwrap();
    fs::write(&path, format!("{}Nope{}", &good[..at], &good[at + 4..])).unwrap();
    let error = rig.start_error().await;
    assert!(matches!(error, ServeError::AuditMismatch { .. }), "{error}");
    fs::write(&path, &good).unwrap();

    let server = rig.start();
    let client = rig.client();
    let key = client.ensure_key("minter", 0).await.unwrap();
    sign_one(&client, &send(key, 7, 1, 1)).await.unwrap();
    server.stop().await;
    let new = fs::read(rig.path("store.redb")).unwrap();
    fs::write(rig.path("store.redb"), old).unwrap();
    let error = rig.start_error().await.to_string();
    assert!(error.contains("ahead of the store"), "an old store forgot nonce 7: {error}");
    fs::write(rig.path("store.redb"), new).unwrap();
    let server = rig.start();
    assert!(rig.client().health().await.is_ok());
    server.stop().await;
}

/// Old lines are forgotten by the store once their files are synced; then a lost log is a lost
/// log, and the operator must say so.
#[tokio::test]
async fn a_log_that_is_lost_beyond_the_store_stops_the_start() {
    let rig = Rig::new();
    let server = rig.start();
    let client = rig.client();
    let key = client.ensure_key("minter", 0).await.unwrap();
    for batch in 0..18u64 {
        let intents: Vec<_> =
            (0..256).map(|number| send(key, batch * 256 + number, 1, 0)).collect();
        assert!(client.sign_transactions(&intents).await.unwrap().iter().all(Result::is_ok));
    }
    server.stop().await;
    assert_eq!(checked(&rig).lines, 2 + 18 * 256);
    fs::remove_dir_all(dir(&rig)).unwrap();
    let error = rig.start_error().await.to_string();
    assert!(error.contains("missing or changed"), "{error}");
    let server = rig.start_with(signer::Config { adopt_keys: true, ..rig.config() });
    rig.client().health().await.unwrap();
    server.stop().await;
    assert_eq!(checked(&rig).first_seq, 2 + 18 * 256 + 1, "the gap stays to be seen");
}

#[test]
fn killed_at_random_times_the_log_has_what_was_handed_out() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let rig = Rig::new();
    let seen = Arc::new(Mutex::new(HashSet::new()));
    let mut first = 0;
    for round in 0..6u64 {
        let process = rig.spawn();
        let client = Client::connect_with_timeout(rig.socket(), Duration::from_secs(3));
        let key = runtime.block_on(rig.client().ensure_key("minter", 0)).unwrap();
        let killed = Arc::new(AtomicBool::new(false));
        let task = runtime.spawn({
            let (killed, seen) = (killed.clone(), seen.clone());
            async move {
                let mut nonce = first;
                while !killed.load(Ordering::SeqCst) {
                    let intents: Vec<_> = (nonce..nonce + 32).map(|n| send(key, n, 1, 0)).collect();
                    // On a slow machine it may be late: asked again, it gives the same.
                    let Ok(outcomes) = client.sign_transactions(&intents).await else { continue };
                    seen.lock().unwrap().extend(outcomes.into_iter().map(|o| o.unwrap().hash));
                    nonce += 32;
                }
                nonce
            }
        });
        let before = seen.lock().unwrap().len();
        wait_until("some are signed", || seen.lock().unwrap().len() >= before + 64);
        // The moment of the kill, not a wait for anything.
        thread::park_timeout(Duration::from_millis(3 * round));
        process.kill();
        killed.store(true, Ordering::SeqCst);
        first = runtime.block_on(task).unwrap() + 32;
    }
    let process = rig.spawn();
    runtime.block_on(rig.client().health()).unwrap();
    process.kill();
    checked(&rig);
    let entries = entries(&rig);
    let logged: Vec<&Value> = entries.iter().map(|e| &e["transaction"]["hash"]).collect();
    let logged: Vec<&str> = logged.into_iter().filter_map(Value::as_str).collect();
    let distinct: HashSet<&str> = logged.iter().copied().collect();
    assert_eq!(distinct.len(), logged.len(), "no signature has two lines");
    for hash in seen.lock().unwrap().iter() {
        assert!(distinct.contains(hash.to_string().as_str()), "{hash} was handed out unlogged");
    }
}
