//! Whose logs we read, and whether a block's bloom filter says that there may be some.

use crate::Recorded;
use alloy_primitives::{Bloom, BloomInput};
use chain::{Log, LogFilter};
use db::raw_logs::RawLog;
use std::collections::{BTreeSet, HashMap, HashSet};
use vocab::{Address, B256};

/// Addresses and first topics of the logs that we read, each with its bloom filter.
#[derive(Clone, Debug)]
pub(crate) struct Sources {
    /// Contracts whose logs the projector knows, and the topics of those.
    addresses: HashMap<Address, Bloom>,
    topics: Vec<(B256, Bloom)>,
    /// Contracts of others, whose logs are recorded.
    recorded: HashMap<Address, Record>,
}

#[derive(Clone, Debug)]
struct Record {
    filter: Bloom,
    topics: Vec<(B256, Bloom)>,
    first_block: u64,
    projected: bool,
}

impl Sources {
    pub(crate) fn new(addresses: Vec<Address>, topics: Vec<B256>, recorded: Vec<Recorded>) -> Self {
        let with_bloom =
            |topics: Vec<B256>| topics.into_iter().map(|t| (t, bloom(t.as_slice()))).collect();
        let record = |source: Recorded| {
            let filter = bloom(source.address.as_slice());
            let Recorded { address, topics, first_block, projected, .. } = source;
            (address, Record { filter, topics: with_bloom(topics), first_block, projected })
        };
        let recorded = recorded.into_iter().map(record).collect();
        let mut sources = Self { addresses: HashMap::new(), topics: with_bloom(topics), recorded };
        for address in addresses {
            sources.add(address);
        }
        sources
    }

    /// False when it is known already.
    pub(crate) fn add(&mut self, address: Address) -> bool {
        self.addresses.insert(address, bloom(address.as_slice())).is_none()
    }

    /// Is this log kept?
    pub(crate) fn accepts(&self, log: &Log) -> bool {
        let Some(topic) = log.topics.first() else { return false };
        self.projects(&log.address, topic)
            || self.recorded.get(&log.address).is_some_and(|record| {
                record.first_block <= log.block_number.to::<u64>()
                    && record.topics.iter().any(|(t, _)| t == topic)
            })
    }

    /// Is it one that the projector knows, and not one that is recorded beside?
    pub(crate) fn is_projected(&self, log: &Log) -> bool {
        log.topics.first().is_some_and(|topic| self.projects(&log.address, topic))
    }

    /// The same of a log that was kept.
    pub(crate) fn is_ours(&self, log: &RawLog) -> bool {
        log.topics.first().is_some_and(|topic| self.projects(&log.address, topic))
    }

    /// Is a log of this contract, which is not ours, made something of?
    pub(crate) fn is_followed(&self, address: &Address) -> bool {
        self.recorded.get(address).is_some_and(|record| record.projected)
    }

    /// Is every log that `other` keeps kept by these, too?
    pub(crate) fn covers(&self, other: &Self) -> bool {
        other.addresses.keys().all(|address| self.addresses.contains_key(address))
    }

    fn projects(&self, address: &Address, topic: &B256) -> bool {
        self.addresses.contains_key(address) && self.topics.iter().any(|(t, _)| t == topic)
    }

    /// May a block with this filter hold a log of ours?
    pub(crate) fn may_match(&self, block: &Bloom) -> bool {
        self.may_hold_others(block, &HashSet::new())
    }

    /// May it hold a log of a source and topic that are not, together, among `seen`?
    pub(crate) fn may_hold_others(&self, block: &Bloom, seen: &HashSet<(Address, B256)>) -> bool {
        let open = |address: &Address, topics: &[B256]| {
            topics.iter().any(|topic| !seen.contains(&(*address, *topic)))
        };
        let present = |topics: &[(B256, Bloom)]| -> Vec<B256> {
            topics
                .iter()
                .filter(|(_, filter)| block.contains(filter))
                .map(|(topic, _)| *topic)
                .collect()
        };
        let topics = present(&self.topics);
        let projected = self
            .addresses
            .iter()
            .any(|(address, filter)| block.contains(filter) && open(address, &topics));
        projected
            || self.recorded.iter().any(|(address, record)| {
                block.contains(&record.filter) && open(address, &present(&record.topics))
            })
    }

    /// A filter for all sources: by address up to `addresses_max`, else by topic alone.
    pub(crate) fn filter(&self, addresses_max: usize) -> LogFilter {
        let addresses: BTreeSet<Address> =
            self.addresses.keys().chain(self.recorded.keys()).copied().collect();
        let by_address = addresses.len() <= addresses_max;
        self.filter_of(if by_address { addresses.into_iter().collect() } else { Vec::new() })
    }

    pub(crate) fn filter_of(&self, addresses: Vec<Address>) -> LogFilter {
        let recorded = self.recorded.values().flat_map(|record| &record.topics);
        let topics: BTreeSet<B256> =
            self.topics.iter().chain(recorded).map(|(topic, _)| *topic).collect();
        LogFilter { addresses, topics0: topics.into_iter().collect() }
    }
}

fn bloom(bytes: &[u8]) -> Bloom {
    Bloom::from(BloomInput::Raw(bytes))
}
