//! Killed in the middle of batches: never two payloads for one nonce.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use alloy_primitives::Address;
use signer::{Client, ClientError, SignedTx, TxIntent, call_digest};

use crate::rig::{CHAIN, Rig, is_conflict, send, wait_until};

const ROUNDS: usize = 8;
const BATCH: u64 = 16;
/// Two rivals ask for each nonce with payloads of their own.
const RIVALS: u8 = 2;

/// What was handed out: (nonce, rival) → signed.
type Seen = Arc<Mutex<HashMap<(u64, u8), SignedTx>>>;

/// Asks for batch after batch until the signer is gone.
async fn ask_until_killed(
    client: Client,
    key: Address,
    first: u64,
    rival: u8,
    seen: Seen,
    answers: Arc<AtomicUsize>,
) {
    for batch in 0.. {
        let from = first + batch * BATCH;
        let intents: Vec<TxIntent> =
            (from..from + BATCH).map(|nonce| send(key, nonce, rival, 1)).collect();
        match client.sign_transactions(&intents).await {
            Ok(outcomes) => {
                let mut seen = seen.lock().unwrap();
                for (intent, outcome) in intents.iter().zip(outcomes) {
                    match outcome {
                        Ok(signed) => {
                            seen.insert((intent.nonce, rival), signed);
                        }
                        other => assert!(is_conflict(&other), "{other:?}"),
                    }
                }
            }
            Err(ClientError::Unavailable { .. }) => return,
            Err(other) => panic!("{other}"),
        }
        answers.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn kill_nine_never_yields_two_payloads_for_one_nonce() {
    let rig = Rig::new();
    let seen = Seen::default();
    let mut first = 0;
    for round in 0..ROUNDS {
        let process = rig.spawn();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let key = runtime.block_on(rig.client().ensure_key("minter", 0)).unwrap();
        let answers = Arc::new(AtomicUsize::new(0));
        // Short patience, so that the rivals notice the kill.
        let client = || Client::connect_with_timeout(rig.socket(), Duration::from_millis(1500));
        let tasks: Vec<_> = (1..=RIVALS)
            .map(|rival| {
                let (seen, answers) = (seen.clone(), answers.clone());
                runtime.spawn(ask_until_killed(client(), key, first, rival, seen, answers))
            })
            .collect();
        let enough = 5 + round * 7;
        wait_until("enough batches are signed", || answers.load(Ordering::Relaxed) >= enough);
        process.kill();
        for task in tasks {
            runtime.block_on(task).unwrap();
        }
        first = 1 + seen.lock().unwrap().keys().map(|(nonce, _)| *nonce).max().unwrap();
        // Some of these may be signed on disk without anybody having seen it.
        first += 4 * BATCH;
    }
    let process = rig.spawn();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(check_all(&rig.client(), first, &seen.lock().unwrap()));
    process.kill();
}

async fn check_all(client: &Client, nonces: u64, seen: &HashMap<(u64, u8), SignedTx>) {
    let key = client.ensure_key("minter", 0).await.unwrap();
    let (mut unseen, mut acknowledged) = (0, 0);
    for nonce in 0..nonces {
        let before = client.signed(key, CHAIN, nonce).await.unwrap();
        let intents: Vec<_> = (1..=RIVALS).map(|rival| send(key, nonce, rival, 1)).collect();
        let outcomes = client.sign_transactions(&intents).await.unwrap();
        let winners: Vec<_> = (1..=RIVALS).zip(&outcomes).filter(|(_, o)| o.is_ok()).collect();
        assert_eq!(winners.len(), 1, "nonce {nonce}: {outcomes:?}");
        let (winner, signed) = (winners[0].0, winners[0].1.as_ref().unwrap());
        for rival in 1..=RIVALS {
            let Some(known) = seen.get(&(nonce, rival)) else { continue };
            acknowledged += 1;
            assert_eq!((rival, known), (winner, signed), "nonce {nonce} changed hands");
            assert!(before.is_some(), "nonce {nonce} was handed out and forgotten");
        }
        if let Some(before) = before {
            let digest = call_digest(key, &intents[usize::from(winner) - 1].kind);
            assert_eq!((before.digest, before.variants[0].hash), (digest, signed.hash));
            unseen += usize::from(!seen.keys().any(|(known, _)| *known == nonce));
        }
    }
    println!("{acknowledged} signatures acknowledged, {unseen} on disk only, {nonces} nonces");
    assert_eq!(acknowledged, seen.len());
}
