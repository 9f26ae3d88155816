//! Keys held elsewhere: the nonce is claimed on disk first, then the signature is fetched while
//! the desk goes on with others, and what came is on disk before it is given out.
//!
//! Such signatures differ from call to call, so the first one that reaches the disk is *the*
//! signature of its transaction. Killed in between, the next start finds the claim, fetches
//! another signature of the same transaction, and gives that out; the lost one nobody has.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, Signature};
use futures_util::future::join_all;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};

use super::Work;
use crate::{
    keys::{BackendError, RemoteKey},
    store::{Ledger, Nonce},
    tx,
    wire::{Outcome, Refusal, SignOutcome, TxIntent},
};

/// Requests that may wait for the courier.
pub(crate) const WAITING_MAX: usize = 64;
/// Signatures that may be under way.
const PARCELS_MAX: usize = 4_096;
/// After so long without a word a parcel is lost. Longer than any back end may take.
const PARCEL_MAX: Duration = Duration::from_secs(60);

/// One transaction on its way to its key and back.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(super) id: Nonce,
    pub(super) intent: TxIntent,
    pub(super) hash: B256,
    pub(super) digest: B256,
    pub(super) void: bool,
    pub(super) key: RemoteKey,
    pub(super) signature: Option<Result<Signature, BackendError>>,
}

#[derive(Debug)]
enum Slot {
    Done(SignOutcome),
    Remote(Box<Parcel>),
}

/// One request, some of whose signatures are made elsewhere.
#[derive(Debug)]
pub(crate) struct Errand {
    slots: Vec<Slot>,
    reply: oneshot::Sender<Outcome>,
}

impl Errand {
    pub(super) fn new(capacity: usize, reply: oneshot::Sender<Outcome>) -> Self {
        Self { slots: Vec::with_capacity(capacity), reply }
    }

    pub(super) fn note(&mut self, outcome: SignOutcome) {
        self.slots.push(Slot::Done(outcome));
    }

    pub(super) fn put(&mut self, parcel: Parcel) {
        self.slots.push(Slot::Remote(Box::new(parcel)));
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    fn parcels(&mut self) -> impl Iterator<Item = &mut Parcel> {
        self.slots.iter_mut().filter_map(|slot| match slot {
            Slot::Remote(parcel) => Some(parcel.as_mut()),
            Slot::Done(_) => None,
        })
    }

    fn is_done(&self) -> bool {
        self.slots.iter().all(|slot| matches!(slot, Slot::Done(_)))
    }

    /// Whatever has no signature yet is to be asked for again.
    fn answer(self) {
        let outcomes = self.slots.into_iter().map(|slot| match slot {
            Slot::Done(outcome) => outcome,
            Slot::Remote(parcel) => Err(Refusal::KeyUnavailable { key: parcel.intent.key }),
        });
        let _ = self.reply.send(Outcome::Transactions(outcomes.collect()));
    }
}

/// The desk's side: what is under way.
#[derive(Debug)]
pub(super) struct RemoteDesk {
    errands: mpsc::Sender<Errand>,
    under_way: HashMap<(Nonce, B256), Instant>,
}

impl RemoteDesk {
    pub(super) fn new(errands: mpsc::Sender<Errand>) -> Self {
        Self { errands, under_way: HashMap::new() }
    }

    /// Whether one more may go. The same transaction goes once at a time: who asks again while it
    /// is under way gets what comes back when asking later.
    pub(super) fn may_depart(&self, id: Nonce, hash: B256) -> bool {
        let lost = |since: &Instant| since.elapsed() > PARCEL_MAX;
        self.under_way.len() < PARCELS_MAX && self.under_way.get(&(id, hash)).is_none_or(lost)
    }

    pub(super) fn depart(&mut self, parcel: &Parcel) {
        self.under_way.insert((parcel.id, parcel.hash), Instant::now());
    }

    /// Writes down what came back.
    pub(super) fn settle(
        &mut self,
        ledger: &mut Ledger<'_>,
        errand: &mut Errand,
    ) -> Result<(), redb::Error> {
        for slot in &mut errand.slots {
            let Slot::Remote(parcel) = slot else { continue };
            self.under_way.remove(&(parcel.id, parcel.hash));
            *slot = Slot::Done(settle_one(ledger, parcel)?);
        }
        Ok(())
    }

    /// After the commit: answers what is complete, and sends for the rest.
    pub(super) fn dispatch(&mut self, errand: Errand) {
        if errand.is_done() {
            errand.answer();
            return;
        }
        self.under_way.retain(|_, since| since.elapsed() <= PARCEL_MAX);
        if let Err(error) = self.errands.try_send(errand) {
            let (mpsc::error::TrySendError::Full(mut errand)
            | mpsc::error::TrySendError::Closed(mut errand)) = error;
            for parcel in errand.parcels() {
                self.under_way.remove(&(parcel.id, parcel.hash));
            }
            errand.answer();
        }
    }
}

fn settle_one(ledger: &mut Ledger<'_>, parcel: &mut Parcel) -> Result<SignOutcome, redb::Error> {
    let Parcel { id, hash, .. } = *parcel;
    let key = parcel.intent.key;
    let signature = match parcel.signature.take() {
        Some(Ok(signature)) => signature,
        Some(Err(error)) => {
            tracing::warn!(key.address = %key, nonce = parcel.intent.nonce, %error,
                "no signature from the key's back end");
            return Ok(Err(Refusal::KeyUnavailable { key }));
        }
        None => return Ok(Err(Refusal::KeyUnavailable { key })),
    };
    // Should it have gone twice, the first to come back stands.
    if let Some(kept) = ledger.remote_signature(id, hash)? {
        return Ok(Ok(tx::build(&parcel.intent, |_| kept)));
    }
    let signed = tx::build(&parcel.intent, |_| signature);
    ledger.keep_remote_signature(id, hash, &signature)?;
    let record = ledger.record(id)?;
    ledger.add_variant(id, record.as_ref(), parcel.digest, parcel.void, &signed)?;
    Ok(Ok(signed))
}

/// The courier: takes errands, has all signatures of one made at once, and brings each back to
/// the desk. Ends, with all that is under way, when dropped or when the desk has ended.
pub(crate) async fn carry(mut errands: mpsc::Receiver<Errand>, desk: mpsc::Sender<Work>) {
    let mut under_way = JoinSet::new();
    while let Some(errand) = errands.recv().await {
        while under_way.try_join_next().is_some() {}
        let desk = desk.clone();
        under_way.spawn(async move {
            let errand = fetch(errand).await;
            let _ = desk.send(Work::Returned(errand)).await;
        });
    }
}

async fn fetch(mut errand: Errand) -> Errand {
    join_all(errand.parcels().map(|parcel| async {
        parcel.signature = Some(parcel.key.sign(parcel.hash).await);
    }))
    .await;
    errand
}
