//! Whose logs we read, and whether a block's bloom filter says that there may be some.

use alloy_primitives::{Bloom, BloomInput};
use chain::{Log, LogFilter};
use std::collections::{HashMap, HashSet};
use vocab::{Address, B256};

/// Addresses and first topics of the logs that we read, each with its bloom filter.
#[derive(Clone, Debug)]
pub(crate) struct Sources {
    addresses: HashMap<Address, Bloom>,
    topics: Vec<(B256, Bloom)>,
}

impl Sources {
    pub(crate) fn new(addresses: Vec<Address>, topics: Vec<B256>) -> Self {
        let topics = topics.into_iter().map(|t| (t, bloom(t.as_slice()))).collect();
        let mut sources = Self { addresses: HashMap::new(), topics };
        for address in addresses {
            sources.add(address);
        }
        sources
    }

    /// False when it is known already.
    pub(crate) fn add(&mut self, address: Address) -> bool {
        self.addresses.insert(address, bloom(address.as_slice())).is_none()
    }

    pub(crate) fn accepts(&self, log: &Log) -> bool {
        self.addresses.contains_key(&log.address)
            && log.topics.first().is_some_and(|first| self.topics.iter().any(|(t, _)| t == first))
    }

    /// May a block with this filter hold a log of ours?
    pub(crate) fn may_match(&self, block: &Bloom) -> bool {
        self.has_topic(block) && self.addresses.values().any(|address| block.contains(address))
    }

    /// May it hold a log of a source that is not among `seen`?
    pub(crate) fn may_hold_others(&self, block: &Bloom, seen: &HashSet<Address>) -> bool {
        self.has_topic(block)
            && self
                .addresses
                .iter()
                .any(|(address, filter)| block.contains(filter) && !seen.contains(address))
    }

    /// A filter for all sources: by address up to `addresses_max`, else by topic alone.
    pub(crate) fn filter(&self, addresses_max: usize) -> LogFilter {
        let by_address = self.addresses.len() <= addresses_max;
        let addresses =
            if by_address { self.addresses.keys().copied().collect() } else { Vec::new() };
        self.filter_of(addresses)
    }

    pub(crate) fn filter_of(&self, addresses: Vec<Address>) -> LogFilter {
        LogFilter { addresses, topics0: self.topics.iter().map(|(topic, _)| *topic).collect() }
    }

    fn has_topic(&self, block: &Bloom) -> bool {
        self.topics.iter().any(|(_, filter)| block.contains(filter))
    }
}

fn bloom(bytes: &[u8]) -> Bloom {
    Bloom::from(BloomInput::Raw(bytes))
}
