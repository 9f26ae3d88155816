//! Contracts of others, by the standard that they follow. Their logs are recorded.

use alloy_primitives::{Address, B256, keccak256};
use indexer::Recorded;

/// What a contract's logs look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standard {
    /// ERC-20, and the deposits and withdrawals of WETH9, which tell of no transfer.
    Erc20,
    /// ERC-721 with ERC-2309 (consecutive transfers) and ERC-4906 (metadata updates).
    Erc721,
}

/// A contract that is not of our factories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    pub address: Address,
    pub standard: Standard,
    /// The first block whose logs are read.
    pub start_block: u64,
}

impl Standard {
    pub const ALL: [Self; 2] = [Self::Erc20, Self::Erc721];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Erc20 => "erc20",
            Self::Erc721 => "erc721",
        }
    }

    /// None when there is no such standard.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standard| standard.as_str() == name)
    }

    fn events(self) -> &'static [&'static str] {
        match self {
            Self::Erc20 => &[
                "Transfer(address,address,uint256)",
                "Approval(address,address,uint256)",
                "Deposit(address,uint256)",
                "Withdrawal(address,uint256)",
            ],
            Self::Erc721 => &[
                "Transfer(address,address,uint256)",
                "Approval(address,address,uint256)",
                "ApprovalForAll(address,address,bool)",
                "ConsecutiveTransfer(uint256,uint256,address,address)",
                "MetadataUpdate(uint256)",
                "BatchMetadataUpdate(uint256,uint256)",
            ],
        }
    }

    /// First topics of its logs.
    #[must_use]
    pub fn topics(self) -> Vec<B256> {
        self.events().iter().map(keccak256).collect()
    }
}

impl From<&Source> for Recorded {
    fn from(source: &Source) -> Self {
        Self {
            address: source.address,
            kind: source.standard.as_str(),
            topics: source.standard.topics(),
            first_block: source.start_block,
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
        assert_eq!(Standard::from_name("erc1155"), None);
    }
}
