//! Chains, blocks and items.

use alloy_primitives::{Address, B256, U256};
use serde::{Deserialize, Serialize};
use std::fmt;

/// An EVM chain id (EIP-155).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChainId(pub u64);

impl ChainId {
    /// As stored in Postgres. Ids above `i64::MAX` do not exist in practice; they are refused by
    /// configuration before they get here.
    #[must_use]
    pub fn as_i64(self) -> i64 {
        i64::try_from(self.0).expect("invariant: configuration refuses chain ids above i64::MAX")
    }

    /// From its stored form.
    #[must_use]
    pub fn from_i64(id: i64) -> Self {
        Self(id.unsigned_abs())
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A block by number and hash: a number alone names no block while reorgs are possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlockRef {
    pub number: u64,
    pub hash: B256,
}

/// One item (NFT) on one chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ItemKey {
    pub chain_id: ChainId,
    pub contract: Address,
    pub token_id: U256,
}
