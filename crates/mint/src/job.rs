//! Mint jobs: how they become batches, and what the fate of a transaction means for them.
//!
//! ```text
//! queued ⇄ reserved ⇄ submitted ⇄ unknown        (told by the transaction)
//!                         ↓ ↑ reorg
//!                     tentative → auditable → final   (told by the index alone)
//! ```
//! Each job gets one *intent* for ever: word * 256 + bit of the collection's on-chain bitmap. The
//! contract mints an intent at most once, so a job may safely be part of several transactions over
//! time (a batch that reverted is split and sent again).

use std::ops::Range;
use vocab::{JobStatus, U256};

/// Intents in one word of the bitmap; a batch stays inside one word.
pub const WORD_BITS: usize = 256;

/// Bounds of one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    pub items_max: usize,
    /// Bytes of `contents`: the contract's bound is 24,575.
    pub contents_max: usize,
    /// Below the cap of EIP-7825 (2²⁴), with room for an estimate that is too low. A whole word of
    /// digests, to 256 distinct owners, is estimated at 15.6 million and takes 14.1.
    pub gas_max: u64,
    pub gas_base: u64,
    pub gas_per_item: u64,
    /// Calldata, memory, log and code deposit of one byte of contents.
    pub gas_per_content_byte: u64,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self {
            items_max: WORD_BITS,
            contents_max: 24_000,
            gas_max: 15_700_000,
            gas_base: 150_000,
            gas_per_item: 52_000,
            gas_per_content_byte: 260,
        }
    }
}

impl BatchLimits {
    /// For blocks of so much gas: a batch takes an eighth of one at most, because what does not fit
    /// whole into the rest of a block waits for the next.
    #[must_use]
    pub fn within_block(self, block_gas: u64) -> Self {
        Self { gas_max: self.gas_max.min(block_gas / 8), ..self }
    }
}

/// A batch of consecutive jobs: these positions of the list, with consecutive intents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub items: Range<usize>,
    pub first_intent: U256,
    /// No further job would fit: waiting for more makes it no larger.
    pub full: bool,
}

/// Cut jobs, whose contents take so many bytes each, into batches; their intents run from `first`
/// on without a hole. One job always fits, whatever it weighs: the chain will judge it.
#[must_use]
pub fn plan_batches(first: U256, content_sizes: &[usize], limits: &BatchLimits) -> Vec<Batch> {
    let mut batches = Vec::new();
    let mut start = 0;
    while start < content_sizes.len() {
        let first_intent = first + U256::from(start);
        let room = WORD_BITS - first_intent.as_limbs()[0] as usize % WORD_BITS;
        let count_max = room.min(limits.items_max.max(1));
        let (mut end, mut bytes) = (start, 0usize);
        while let Some(size) = content_sizes.get(end) {
            let (count, with) = (end - start + 1, bytes.saturating_add(*size));
            let fits = count <= count_max
                && with <= limits.contents_max
                && gas(count, with, limits) <= limits.gas_max;
            if end > start && !fits {
                break;
            }
            (end, bytes) = (end + 1, with);
        }
        let full = end < content_sizes.len() || end - start == count_max;
        batches.push(Batch { items: start..end, first_intent, full });
        start = end;
    }
    batches
}

fn gas(items: usize, bytes: usize, limits: &BatchLimits) -> u64 {
    let items = limits.gas_per_item.saturating_mul(items as u64);
    let bytes = limits.gas_per_content_byte.saturating_mul(bytes as u64);
    limits.gas_base.saturating_add(items).saturating_add(bytes)
}

/// Word and mask of intents that lie in one word and rise strictly; none otherwise.
#[must_use]
pub fn word_and_mask(intents: &[U256]) -> Option<(U256, U256)> {
    let word = *intents.first()? >> 8;
    let mut mask = U256::ZERO;
    for pair in intents.windows(2) {
        if pair[0] >= pair[1] {
            return None;
        }
    }
    for intent in intents {
        if *intent >> 8 != word {
            return None;
        }
        mask |= U256::ONE << (intent.as_limbs()[0] as usize % WORD_BITS);
    }
    Some((word, mask))
}

/// The states in which a job follows its transaction. What comes later belongs to the index.
pub const FOLLOWING: [JobStatus; 4] =
    [JobStatus::Queued, JobStatus::Reserved, JobStatus::Submitted, JobStatus::Unknown];

/// May the fate of a transaction move a job from `from` to `to`? Later states belong to the index,
/// and ends are ends.
#[must_use]
pub fn may_follow(from: JobStatus, to: JobStatus) -> bool {
    let target = FOLLOWING.contains(&to)
        || matches!(to, JobStatus::Failed | JobStatus::Expired | JobStatus::Cancelled);
    FOLLOWING.contains(&from) && target
}

/// What happened to a transaction, as far as its jobs care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate<'a> {
    pub status: JobStatus,
    /// Mined without effect.
    pub reverted: bool,
    /// Code of the reason, if one is known.
    pub reason: Option<&'a str>,
}

/// What the jobs of a transaction do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing: the index tells the rest.
    Leave,
    /// Take this state.
    Follow(JobStatus),
    /// Go on in two new transactions with the same intents.
    Split,
    /// End, with the transaction's reason.
    Fail,
    /// Mined and final, and yet the index saw no item: the collection was not there, because a
    /// reorg had taken its creation. Send again, loudly.
    Repeat,
    /// The contract says that this intent was minted before: the index has seen it or will. Stay
    /// `submitted`, loudly.
    AwaitIndex,
}

/// Errors that no smaller batch would escape: they are about the whole collection.
const COLLECTION_WIDE: [&str; 5] = [
    "AccessControlUnauthorizedAccount",
    "CollectionBadContentMode",
    "CollectionFrozen",
    "CollectionPaused",
    "CollectionWrongContentMode",
];
/// The transaction was stopped on purpose: what is mined is the void of its nonce.
const STOPPED: [&str; 2] = ["cancelled", "expired"];
/// The contract's refusal of an intent that it has seen.
pub const INTENT_USED: &str = "MintIntentUsed";

/// Decide for `items` jobs that still follow their transaction.
///
/// A batch that reverted on chain is split as soon as it is seen, not when it is final: if a reorg
/// lets the old transaction succeed after all, the new ones revert with `MintIntentUsed` and
/// nothing is minted twice. A single job is failed only when its revert is final, because `failed`
/// is an end that its caller may act on.
#[must_use]
pub fn decide(items: usize, fate: Fate<'_>) -> Decision {
    use JobStatus as S;
    let failed = fate.status == S::Failed;
    let mined_in_vain = fate.reverted && matches!(fate.status, S::Tentative | S::Auditable);
    if mined_in_vain && fate.reason.is_some_and(|reason| STOPPED.contains(&reason)) {
        return Decision::Leave;
    }
    match fate.status {
        S::Queued | S::Reserved | S::Submitted | S::Unknown | S::Expired | S::Cancelled => {
            Decision::Follow(fate.status)
        }
        S::Final if !fate.reverted => Decision::Repeat,
        _ if !failed && !mined_in_vain && fate.status != S::Final => Decision::Leave,
        _ => match (fate.reason, items) {
            (Some(INTENT_USED), 0 | 1) => Decision::AwaitIndex,
            (reason, 2..) if !reason.is_some_and(|r| COLLECTION_WIDE.contains(&r)) => {
                Decision::Split
            }
            _ if mined_in_vain => Decision::Leave,
            _ => Decision::Fail,
        },
    }
}

#[cfg(test)]
mod tests;
