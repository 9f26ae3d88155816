//! Contracts of others, by the standard that they follow.

use crate::followed;
use alloy_primitives::{Address, B256, keccak256};
use indexer::Recorded;

/// What a contract's logs look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standard {
    /// ERC-20, and the deposits and withdrawals of WETH9, which tell of no transfer.
    Erc20,
    /// ERC-721 with ERC-2309 (consecutive transfers) and ERC-4906 (metadata updates).
    Erc721,
    Erc1155,
}

/// A contract that is not of our factories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    pub address: Address,
    pub standard: Standard,
    /// The first block whose logs are read.
    pub start_block: u64,
    /// Its logs are made something of; else they are only kept.
    pub projected: bool,
}

impl Source {
    /// A contract whose logs are made something of from `start_block` on.
    #[must_use]
    pub fn new(address: Address, standard: Standard, start_block: u64) -> Self {
        Self { address, standard, start_block, projected: true }
    }
}

impl Standard {
    pub const ALL: [Self; 3] = [Self::Erc20, Self::Erc721, Self::Erc1155];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Erc20 => "erc20",
            Self::Erc721 => "erc721",
            Self::Erc1155 => "erc1155",
        }
    }

    /// None when there is no such standard.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standard| standard.as_str() == name)
    }

    /// First topics of its logs that are kept.
    #[must_use]
    pub fn topics(self) -> Vec<B256> {
        let events = followed::events_of(self).into_iter();
        events.map(|event| keccak256(event.signature())).collect()
    }
}

impl From<&Source> for Recorded {
    fn from(source: &Source) -> Self {
        Self {
            address: source.address,
            kind: source.standard.as_str(),
            topics: source.standard.topics(),
            first_block: source.start_block,
            projected: source.projected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_sol_types::SolEvent;
    use contracts::StoaCollection as abi;

    #[test]
    fn topics_are_those_of_the_standard() {
        let topics = Standard::Erc721.topics();
        for wanted in [
            abi::Transfer::SIGNATURE_HASH,
            abi::MetadataUpdate::SIGNATURE_HASH,
            abi::BatchMetadataUpdate::SIGNATURE_HASH,
        ] {
            assert!(topics.contains(&wanted));
        }
        assert!(Standard::Erc20.topics().contains(&abi::Transfer::SIGNATURE_HASH));
        for standard in Standard::ALL {
            assert_eq!(Standard::from_name(standard.as_str()), Some(standard));
        }
        assert_eq!(Standard::from_name("erc777"), None);
        assert_eq!(Standard::ALL.map(|standard| standard.topics().len()), [4, 6, 4]);
    }
}
