//! Keys held elsewhere: nonce or message is claimed on disk first, then the signature is fetched
//! while the desk goes on with others, and what came is on disk before it is given out.
//!
//! Such signatures differ from call to call, so the first one that reaches the disk is *the*
//! signature of its transaction. Killed in between, the next start finds the claim, fetches
//! another signature of the same transaction, and gives that out; the lost one nobody has.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, Signature};
use futures_util::future::join_all;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};

use super::{Judge, Work};
use crate::{
    journal::{Entry, TransactionEntry},
    keys::{BackendError, RemoteKey},
    refusal::Refusal,
    store::Nonce,
    tx,
    wire::{Outcome, SignOutcome, SignedTyped, TxIntent, TypedOutcome},
};

/// Requests that may wait for the courier.
pub(crate) const WAITING_MAX: usize = 64;
/// Signatures that may be under way.
const PARCELS_MAX: usize = 4_096;
/// After so long without a word a parcel is lost. Longer than any back end may take.
const PARCEL_MAX: Duration = Duration::from_secs(60);

/// What is on its way to its key and back.
#[derive(Debug)]
pub(crate) struct Parcel {
    /// Whose signature is to be kept where: a nonce, or [`message_id`].
    pub(super) id: Nonce,
    pub(super) address: Address,
    pub(super) hash: B256,
    pub(super) key: RemoteKey,
    pub(super) what: What,
    pub(super) signature: Option<Result<Signature, BackendError>>,
}

#[derive(Debug)]
pub(super) enum What {
    Transaction {
        intent: Box<TxIntent>,
        digest: B256,
        void: bool,
        /// Its line in the audit log, but for the hash.
        entry: Box<TransactionEntry>,
    },
    Message,
}

/// Where the signatures of a key's messages are kept, among those of its nonces: under a chain and
/// a nonce that no transaction has.
pub(super) fn message_id(key: &Address) -> Nonce {
    crate::store::nonce_id(key, u64::MAX, u64::MAX)
}

#[derive(Debug)]
pub(super) enum Slot {
    Transaction(SignOutcome),
    Message(TypedOutcome),
    Away(Box<Parcel>),
}

/// One request, some of whose signatures may be made elsewhere.
#[derive(Debug)]
pub(crate) struct Errand {
    pub(super) slots: Vec<Slot>,
    pub(super) messages: bool,
    pub(super) reply: oneshot::Sender<Outcome>,
    pub(super) since: Instant,
}

impl Errand {
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    fn parcels(&mut self) -> impl Iterator<Item = &mut Parcel> {
        self.slots.iter_mut().filter_map(|slot| match slot {
            Slot::Away(parcel) => Some(parcel.as_mut()),
            Slot::Transaction(_) | Slot::Message(_) => None,
        })
    }

    fn is_done(&self) -> bool {
        !self.slots.iter().any(|slot| matches!(slot, Slot::Away(_)))
    }

    /// Whatever has no signature yet is to be asked for again.
    fn answer(self) {
        let (mut transactions, mut messages) = (Vec::new(), Vec::new());
        for slot in self.slots {
            match slot {
                Slot::Transaction(outcome) => transactions.push(outcome),
                Slot::Message(outcome) => messages.push(outcome),
                Slot::Away(parcel) => {
                    let refusal = Refusal::KeyUnavailable { key: parcel.address };
                    match parcel.what {
                        What::Transaction { .. } => transactions.push(Err(refusal)),
                        What::Message => messages.push(Err(refusal)),
                    }
                }
            }
        }
        let _ = self.reply.send(match self.messages {
            true => Outcome::Typed(messages),
            false => Outcome::Transactions(transactions),
        });
    }
}

/// The desk's side: what is under way.
#[derive(Debug)]
pub(crate) struct RemoteDesk {
    errands: mpsc::Sender<Errand>,
    under_way: HashMap<(Nonce, B256), Instant>,
}

impl RemoteDesk {
    pub(super) fn new(errands: mpsc::Sender<Errand>) -> Self {
        Self { errands, under_way: HashMap::new() }
    }

    /// Whether one more may go. The same one goes once at a time: who asks again while it is under
    /// way gets what comes back when asking later.
    pub(super) fn may_depart(&self, id: Nonce, hash: B256) -> bool {
        let lost = |since: &Instant| since.elapsed() > PARCEL_MAX;
        self.under_way.len() < PARCELS_MAX && self.under_way.get(&(id, hash)).is_none_or(lost)
    }

    pub(super) fn depart(&mut self, parcel: &Parcel) {
        self.under_way.insert((parcel.id, parcel.hash), Instant::now());
    }

    /// After the commit: answers what is complete, and sends for the rest. Gives since when an
    /// answered one waited.
    pub(super) fn dispatch(&mut self, errand: Errand) -> Option<Instant> {
        let since = errand.since;
        if errand.is_done() {
            errand.answer();
            return Some(since);
        }
        self.under_way.retain(|_, since| since.elapsed() <= PARCEL_MAX);
        let Err(error) = self.errands.try_send(errand) else { return None };
        let (mpsc::error::TrySendError::Full(mut errand)
        | mpsc::error::TrySendError::Closed(mut errand)) = error;
        for parcel in errand.parcels() {
            self.under_way.remove(&(parcel.id, parcel.hash));
        }
        errand.answer();
        Some(since)
    }
}

impl Judge<'_, '_> {
    /// Writes down what came back.
    pub(super) fn settle(&mut self, errand: &mut Errand) -> Result<(), redb::Error> {
        for slot in &mut errand.slots {
            let Slot::Away(parcel) = slot else { continue };
            self.remote.under_way.remove(&(parcel.id, parcel.hash));
            let signature = self.signature_of(parcel)?;
            *slot = self.settle_one(parcel, signature)?;
        }
        Ok(())
    }

    fn signature_of(&self, parcel: &mut Parcel) -> Result<Option<Signature>, redb::Error> {
        // Should it have gone twice, the first to come back stands.
        if let Some(kept) = self.ledger.remote_signature(parcel.id, parcel.hash)? {
            return Ok(Some(kept));
        }
        Ok(match parcel.signature.take() {
            Some(Ok(signature)) => Some(signature),
            Some(Err(error)) => {
                tracing::warn!(key.address = %parcel.address, %error,
                    "no signature from the key's back end");
                None
            }
            None => None,
        })
    }

    fn settle_one(
        &mut self,
        parcel: &mut Parcel,
        signature: Option<Signature>,
    ) -> Result<Slot, redb::Error> {
        let Parcel { id, hash, address: key, .. } = *parcel;
        let fresh = self.ledger.remote_signature(id, hash)?.is_none();
        if let Some(signature) = signature.as_ref().filter(|_| fresh) {
            self.ledger.keep_remote_signature(id, hash, signature)?;
            self.claimed = true;
        }
        Ok(match (&mut parcel.what, signature) {
            (What::Message, Some(signature)) => Slot::Message(Ok(typed(&signature, hash))),
            (What::Message, None) => Slot::Message(Err(Refusal::KeyUnavailable { key })),
            (What::Transaction { .. }, None) => {
                Slot::Transaction(Err(Refusal::KeyUnavailable { key }))
            }
            (What::Transaction { intent, digest, void, entry }, Some(signature)) => {
                let signed = tx::build(intent, |_| signature);
                if fresh {
                    let record = self.ledger.record(id)?;
                    self.ledger.add_variant(id, record.as_ref(), *digest, *void, &signed)?;
                    let mut entry = entry.clone();
                    entry.hash = signed.hash;
                    self.entries.push(Entry::Transaction(*entry));
                }
                Slot::Transaction(Ok(signed))
            }
        })
    }
}

pub(super) fn typed(signature: &Signature, digest: B256) -> SignedTyped {
    SignedTyped { signature: signature.as_bytes().into(), digest }
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
