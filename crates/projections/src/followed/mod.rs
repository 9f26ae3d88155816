//! What is made of the logs of contracts of others.
//!
//! ```text
//! logs ─► read (what one says) ─► fold (what a piece of blocks changes) ─► record
//! ```
//! The first two are pure. A fold knows no rows: it gives changes that hold whatever was there
//! before, so that nothing has to be loaded, and one statement per table applies them. How blocks
//! are cut into pieces makes no difference.

mod decoded;
mod facts;
mod fold;
mod read;
mod readings;
mod record;

pub(crate) use decoded::{Reader, record_decoded};
pub use facts::fact;
pub(crate) use fold::Gathered;
pub use fold::{Folded, Told, What, fold, fold_and_tell};
pub use read::{Said, Unread, read};
pub(crate) use readings::{balance_of, by_block, page_of_settled, questions, read_of, unread};
pub(crate) use record::{piece_of, record_live, record_settled, told, write, write_first};

use crate::Standard;
use alloy_primitives::{B256, keccak256};
use db::raw_logs::RawLog;
use std::{collections::HashMap, sync::LazyLock};

/// Tokens that consecutive transfers (ERC-2309) of one contract may move in one block. What is
/// above is not followed: the log is undecoded.
pub const CONSECUTIVE_MAX: u64 = 20_000;

/// An event that followed contracts may tell of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Transfer,
    Deposit,
    Withdrawal,
    Approval,
    ApprovalForAll,
    ConsecutiveTransfer,
    MetadataUpdate,
    BatchMetadataUpdate,
    TransferSingle,
    TransferBatch,
    Uri,
}

/// A projection of followed contracts.
#[derive(Clone, Copy, Debug)]
pub struct Projection {
    pub name: &'static str,
    pub standards: &'static [Standard],
    pub events: &'static [Event],
    /// Names in [`db::digest::TABLES`], which says how a reorg takes each one back. Besides, all
    /// have `undecoded_logs`.
    pub tables: &'static [&'static str],
}

const ASSETS: [Standard; 3] = [Standard::Erc20, Standard::Erc20Fee, Standard::Erc20Rebasing];

/// All of them. Which topics of a contract are kept follows from this list.
pub const PROJECTIONS: [Projection; 7] = [
    Projection {
        name: "asset_balances",
        standards: &ASSETS,
        events: &[Event::Transfer, Event::Deposit, Event::Withdrawal],
        tables: &["balances"],
    },
    Projection {
        name: "allowances",
        standards: &ASSETS,
        events: &[Event::Approval],
        tables: &["allowances"],
    },
    Projection {
        name: "item_owners",
        standards: &[Standard::Erc721],
        events: &[Event::Transfer, Event::ConsecutiveTransfer],
        tables: &["items", "transfers", "token_approvals"],
    },
    Projection {
        name: "token_approvals",
        standards: &[Standard::Erc721],
        events: &[Event::Approval],
        tables: &["token_approvals"],
    },
    Projection {
        name: "operator_approvals",
        standards: &[Standard::Erc721, Standard::Erc1155],
        events: &[Event::ApprovalForAll],
        tables: &["operator_approvals"],
    },
    Projection {
        name: "metadata_updates",
        standards: &[Standard::Erc721],
        events: &[Event::MetadataUpdate, Event::BatchMetadataUpdate],
        tables: &["metadata_updates"],
    },
    Projection {
        name: "item_balances",
        standards: &[Standard::Erc1155],
        events: &[Event::TransferSingle, Event::TransferBatch, Event::Uri],
        tables: &["balances", "transfers", "metadata_updates"],
    },
];

impl Event {
    pub const ALL: [Self; 11] = [
        Self::Transfer,
        Self::Deposit,
        Self::Withdrawal,
        Self::Approval,
        Self::ApprovalForAll,
        Self::ConsecutiveTransfer,
        Self::MetadataUpdate,
        Self::BatchMetadataUpdate,
        Self::TransferSingle,
        Self::TransferBatch,
        Self::Uri,
    ];

    /// What its topic is the hash of.
    #[must_use]
    pub fn signature(self) -> &'static str {
        match self {
            Self::Transfer => "Transfer(address,address,uint256)",
            Self::Deposit => "Deposit(address,uint256)",
            Self::Withdrawal => "Withdrawal(address,uint256)",
            Self::Approval => "Approval(address,address,uint256)",
            Self::ApprovalForAll => "ApprovalForAll(address,address,bool)",
            Self::ConsecutiveTransfer => "ConsecutiveTransfer(uint256,uint256,address,address)",
            Self::MetadataUpdate => "MetadataUpdate(uint256)",
            Self::BatchMetadataUpdate => "BatchMetadataUpdate(uint256,uint256)",
            Self::TransferSingle => "TransferSingle(address,address,address,uint256,uint256)",
            Self::TransferBatch => "TransferBatch(address,address,address,uint256[],uint256[])",
            Self::Uri => "URI(string,uint256)",
        }
    }

    /// Name, type and whether it is a topic of each argument, as the standard has it.
    #[must_use]
    pub fn arguments(self, standard: Standard) -> &'static [(&'static str, &'static str, bool)] {
        type Argument = (&'static str, &'static str, bool);
        const OPERATOR: Argument = ("operator", "address", true);
        const OWNER: Argument = ("owner", "address", true);
        const FROM: Argument = ("from", "address", true);
        const TO: Argument = ("to", "address", true);
        const TOKEN_ID: Argument = ("tokenId", "uint256", true);
        const VALUE: Argument = ("value", "uint256", false);
        let item = standard == Standard::Erc721;
        match self {
            Self::Transfer if item => &[FROM, TO, TOKEN_ID],
            Self::Transfer => &[FROM, TO, VALUE],
            Self::Deposit => &[("dst", "address", true), ("wad", "uint256", false)],
            Self::Withdrawal => &[("src", "address", true), ("wad", "uint256", false)],
            Self::Approval if item => &[OWNER, ("approved", "address", true), TOKEN_ID],
            Self::Approval => &[OWNER, ("spender", "address", true), VALUE],
            Self::ApprovalForAll => &[OWNER, OPERATOR, ("approved", "bool", false)],
            Self::ConsecutiveTransfer => &[
                ("fromTokenId", "uint256", true),
                ("toTokenId", "uint256", false),
                ("fromAddress", "address", true),
                ("toAddress", "address", true),
            ],
            Self::MetadataUpdate => &[("_tokenId", "uint256", false)],
            Self::BatchMetadataUpdate => {
                &[("_fromTokenId", "uint256", false), ("_toTokenId", "uint256", false)]
            }
            Self::TransferSingle => &[OPERATOR, FROM, TO, ("id", "uint256", false), VALUE],
            Self::TransferBatch => {
                &[OPERATOR, FROM, TO, ("ids", "uint256[]", false), ("values", "uint256[]", false)]
            }
            Self::Uri => &[("value", "string", false), ("id", "uint256", true)],
        }
    }

    /// The event with this topic.
    #[must_use]
    pub fn of(topic: &B256) -> Option<Self> {
        static BY_TOPIC: LazyLock<HashMap<B256, Event>> = LazyLock::new(|| {
            Event::ALL.into_iter().map(|event| (keccak256(event.signature()), event)).collect()
        });
        BY_TOPIC.get(topic).copied()
    }
}

/// Events of a standard that are made something of, each once.
#[must_use]
pub fn events_of(standard: Standard) -> Vec<Event> {
    let concerned = |event: &Event| {
        PROJECTIONS.iter().any(|projection| {
            projection.standards.contains(&standard) && projection.events.contains(event)
        })
    };
    Event::ALL.into_iter().filter(concerned).collect()
}

/// Is this log one of its contract's standard? Others are there for who reads them by an ABI.
fn is_of(standard: Standard, log: &RawLog) -> bool {
    let event = log.topics.first().and_then(Event::of);
    event.is_some_and(|event| events_of(standard).contains(&event))
}

/// How many rows a log may change, about.
fn weight(log: &RawLog) -> usize {
    if log.topics.first().and_then(Event::of) == Some(Event::ConsecutiveTransfer) {
        return CONSECUTIVE_MAX as usize;
    }
    1 + log.data.len() / 64
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
