//! The shape of `mintBatch` calls and of the log they leave.

use alloy_primitives::{B256, Bytes, U256};
use alloy_sol_types::SolValue;

use crate::StoaCollection;

/// Most items in one batch: the bits of one intent word.
pub const MAX_BATCH_ITEMS: usize = 256;

/// Most bytes of `contents` in one batch, as in the contract.
pub const MAX_CONTENTS_BYTES: usize = 24_575;

/// Highest royalty a collection can have, in 1/10,000, as in the contract.
pub const MAX_ROYALTY_BPS: u16 = 1_000;

/// What the URI of an item is made of; fixed when a collection is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ContentMode {
    /// The SHA-256 of one raw block: `ipfs://` and its CIDv1.
    Digest = 0,
    /// A base URI followed by the decimal token id.
    BaseUri = 1,
    /// A URI per item.
    FreeUri = 2,
}

impl ContentMode {
    /// The mode with this number on chain, if there is one.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Digest, Self::BaseUri, Self::FreeUri].into_iter().find(|mode| *mode as u8 == number)
    }
}

/// The contents of one batch, one per item in the order of its intents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// For [`ContentMode::Digest`].
    Digests(Vec<B256>),
    /// For [`ContentMode::BaseUri`]: nothing.
    None,
    /// For [`ContentMode::FreeUri`].
    Uris(Vec<String>),
}

/// `contents` of a log do not fit the mode and number of items.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("contents of {length} bytes do not hold {items} items in mode {mode:?}")]
pub struct BadContents {
    /// The collection's mode.
    pub mode: ContentMode,
    /// Items in the batch.
    pub items: usize,
    /// Bytes of `contents`.
    pub length: usize,
}

impl Contents {
    /// The bytes that `mintBatch` takes.
    pub fn encode(&self) -> Bytes {
        match self {
            Self::Digests(digests) => digests.concat().into(),
            Self::None => Bytes::new(),
            Self::Uris(uris) => uris.abi_encode().into(),
        }
    }

    /// Reads the contents of a batch of `items` back from an `ItemsMinted` log.
    pub fn decode(mode: ContentMode, items: usize, bytes: &[u8]) -> Result<Self, BadContents> {
        let bad = || BadContents { mode, items, length: bytes.len() };
        match mode {
            ContentMode::Digest => {
                if bytes.len() != items * 32 {
                    return Err(bad());
                }
                Ok(Self::Digests(bytes.chunks_exact(32).map(B256::from_slice).collect()))
            }
            ContentMode::BaseUri if bytes.is_empty() => Ok(Self::None),
            ContentMode::BaseUri => Err(bad()),
            ContentMode::FreeUri => {
                let uris = Vec::<String>::abi_decode(bytes).map_err(|_| bad())?;
                if uris.len() == items { Ok(Self::Uris(uris)) } else { Err(bad()) }
            }
        }
    }
}

/// The bits set in `mask`, lowest first: the i-th is the intent of the i-th item of its batch.
pub fn intent_bits(mask: U256) -> impl Iterator<Item = u8> {
    (0..=u8::MAX).filter(move |bit| mask.bit(usize::from(*bit)))
}

impl StoaCollection::ItemsMinted {
    /// The items of this batch: (bit of the intent in `word`, token id), in order.
    pub fn items(&self) -> impl Iterator<Item = (u8, U256)> {
        let first = self.firstTokenId;
        intent_bits(self.mask).zip(0u64..).map(move |(bit, i)| (bit, first + U256::from(i)))
    }
}
