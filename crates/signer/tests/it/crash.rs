//! Killed in the middle of batches: never two payloads for one nonce.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use alloy_primitives::Address;
use signer::{Client, ClientError, SignOutcome, SignedTx, TxIntent, call_digest};

use crate::{
    backends::Hsm,
    pkcs11::with_token_key,
    rig::{CHAIN, Rig, is_away, is_conflict, send, wait_until},
};

const ROUNDS: usize = 10;
/// Short, so that a kill is noticed soon.
const PATIENCE: Duration = Duration::from_millis(300);
const BATCH: u64 = 16;
/// Two rivals ask for each nonce with payloads of their own.
const RIVALS: u8 = 2;

/// What was handed out: (nonce, rival) → signed.
type Seen = Arc<Mutex<HashMap<(u64, u8), SignedTx>>>;

/// One asker; all of them work until told that the signer was killed.
#[derive(Clone)]
struct Rival {
    number: u8,
    client: Client,
    key: Address,
    seen: Seen,
    answers: Arc<AtomicUsize>,
    killed: Arc<AtomicBool>,
}

impl Rival {
    async fn ask_from(self, first: u64) {
        let mut from = first;
        loop {
            let intents: Vec<TxIntent> =
                (from..from + BATCH).map(|nonce| send(self.key, nonce, self.number, 1)).collect();
            match self.client.sign_transactions(&intents).await {
                Ok(outcomes) => self.note(&intents, outcomes),
                Err(ClientError::Unavailable { .. }) if self.killed.load(Ordering::SeqCst) => {
                    return;
                }
                Err(ClientError::Unavailable { .. }) => continue,
                Err(other) => panic!("{other}"),
            }
            from += BATCH;
        }
    }

    fn note(&self, intents: &[TxIntent], outcomes: Vec<SignOutcome>) {
        let mut seen = self.seen.lock().unwrap();
        // A key that was away for all of them is no answer: there would be nothing to compare.
        let answered = outcomes.iter().any(Result::is_ok);
        for (intent, outcome) in intents.iter().zip(outcomes) {
            match outcome {
                Ok(signed) => {
                    seen.insert((intent.nonce, self.number), signed);
                }
                other => assert!(is_conflict(&other) || is_away(&other), "{other:?}"),
            }
        }
        self.answers.fetch_add(usize::from(answered), Ordering::SeqCst);
    }
}

#[test]
fn kill_nine_never_yields_two_payloads_for_one_nonce() {
    kill_and_check(&Rig::new());
}

/// The same with a key that never signs the same twice: what was given out once is given out
/// again, from the store, and a nonce that was claimed but not signed goes to its first asker.
#[test]
fn kill_nine_never_yields_two_payloads_nor_two_signatures_of_a_remote_key() {
    let rig = Rig::new();
    let hsm = Hsm::new(&rig);
    // One test is one process here, as nextest runs it; the signers are its children.
    kill_and_check(&with_token_key(rig, &hsm, "minter"));
}

fn kill_and_check(rig: &Rig) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let seen = Seen::default();
    let mut first = 0;
    for round in 0..ROUNDS {
        let process = rig.spawn();
        let key = runtime.block_on(rig.client().ensure_key("minter", 0)).unwrap();
        let answers = Arc::new(AtomicUsize::new(0));
        let killed = Arc::new(AtomicBool::new(false));
        let tasks: Vec<_> = (1..=RIVALS)
            .map(|number| {
                let client = Client::connect_with_timeout(rig.socket(), PATIENCE);
                let (seen, answers, killed) = (seen.clone(), answers.clone(), killed.clone());
                let rival = Rival { number, client, key, seen, answers, killed };
                runtime.spawn(rival.ask_from(first))
            })
            .collect();
        let enough = 3 + round * 2;
        wait_until("enough batches are signed", || answers.load(Ordering::SeqCst) >= enough);
        // Somewhere else in a batch each time: the moment of a kill, not a wait for anything.
        thread::park_timeout(Duration::from_millis(2 * round as u64));
        process.kill();
        killed.store(true, Ordering::SeqCst);
        for task in tasks {
            runtime.block_on(task).unwrap();
        }
        let last = seen.lock().unwrap().keys().map(|(nonce, _)| *nonce).max().unwrap();
        // The nonces right behind may be signed on disk without anybody having seen it.
        first = last + 1 + 2 * BATCH;
    }
    let process = rig.spawn();
    runtime.block_on(check_all(&rig.client(), first, &seen.lock().unwrap()));
    process.kill();
}

async fn check_all(client: &Client, nonces: u64, seen: &HashMap<(u64, u8), SignedTx>) {
    let key = client.ensure_key("minter", 0).await.unwrap();
    let mut before = Vec::new();
    for nonce in 0..nonces {
        before.push(client.signed(key, CHAIN, nonce).await.unwrap());
    }
    let asked: Vec<_> = (0..nonces)
        .flat_map(|nonce| (1..=RIVALS).map(move |rival| send(key, nonce, rival, 1)))
        .collect();
    let mut outcomes = client.sign_transactions(&asked).await.unwrap();
    while outcomes.iter().any(is_away) {
        outcomes = client.sign_transactions(&asked).await.unwrap();
    }
    let (mut unseen, mut acknowledged) = (0, 0);
    let per_nonce = outcomes.chunks(usize::from(RIVALS)).zip(asked.chunks(usize::from(RIVALS)));
    for (nonce, ((outcomes, intents), before)) in (0u64..).zip(per_nonce.zip(before)) {
        let winners: Vec<_> = (0..outcomes.len()).filter(|at| outcomes[*at].is_ok()).collect();
        assert_eq!(winners.len(), 1, "nonce {nonce}: {outcomes:?}");
        let (winner, signed) = (winners[0], outcomes[winners[0]].as_ref().unwrap());
        let mut known = 0;
        for rival in 0..outcomes.len() {
            let Some(was) = seen.get(&(nonce, rival as u8 + 1)) else { continue };
            known += 1;
            assert_eq!((rival, was), (winner, signed), "nonce {nonce} changed hands");
            assert!(before.is_some(), "nonce {nonce} was handed out and forgotten");
        }
        acknowledged += known;
        if let Some(before) = before {
            let digest = call_digest(key, &intents[winner].kind);
            assert_eq!(before.digest, digest, "nonce {nonce} changed hands unseen");
            // A claim has no variant yet; nothing was given out then.
            assert!(known == 0 || before.variants.len() == 1);
            assert!(before.variants.iter().all(|variant| variant.hash == signed.hash));
            unseen += usize::from(known == 0);
        }
    }
    println!("{acknowledged} signatures acknowledged, {unseen} on disk only, {nonces} nonces");
    assert_eq!(acknowledged, seen.len());
}
