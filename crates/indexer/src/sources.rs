//! Whose logs we read, and whether a block's bloom filter says that there may be some.

use crate::{Makes, Reads, Recorded};
use alloy_primitives::{Bloom, BloomInput};
use chain::{Log, LogFilter};
use db::{index_children::ChildRow, raw_logs::RawLog};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};
use vocab::{Address, B256};

/// First topics, each with its bloom filter.
type Topics = Arc<[(B256, Bloom)]>;

/// Addresses and first topics of the logs that we read, each with its bloom filter.
#[derive(Clone, Debug)]
pub struct Sources {
    /// Contracts whose logs the projector knows, and the topics of those.
    addresses: HashMap<Address, Bloom>,
    topics: Topics,
    /// Contracts of others, whose logs are recorded.
    recorded: HashMap<Address, Record>,
    /// Topics that are recorded whoever tells of them.
    anywhere: HashMap<B256, Record>,
    /// Contracts of `recorded` whose logs of our topics are kept already, as ours.
    kept: HashSet<Address>,
    /// Contracts of others that are read elsewhere, whoever names them.
    elsewhere: Arc<HashSet<Address>>,
    /// Topics of what factories make.
    shared: HashMap<Vec<B256>, Topics>,
}

#[derive(Clone, Debug)]
struct Record {
    kind: &'static str,
    filter: Bloom,
    topics: Topics,
    first_block: u64,
    last_block: Option<u64>,
    projected: bool,
    makes: Option<Arc<dyn Makes>>,
    reads: Option<Arc<dyn Reads>>,
}

impl Record {
    fn holds(&self, number: u64) -> bool {
        self.first_block <= number && self.last_block.is_none_or(|last| number <= last)
    }
}

impl Sources {
    pub(crate) fn new(addresses: Vec<Address>, topics: Vec<B256>, recorded: Vec<Recorded>) -> Self {
        let mut sources = Self {
            addresses: HashMap::new(),
            topics: with_bloom(&topics),
            recorded: HashMap::new(),
            anywhere: HashMap::new(),
            kept: HashSet::new(),
            elsewhere: Arc::default(),
            shared: HashMap::new(),
        };
        for address in addresses {
            sources.add(address);
        }
        for source in recorded {
            sources.record(source);
        }
        sources
    }

    /// Contracts of others alone.
    #[must_use]
    pub fn of_others(recorded: Vec<Recorded>) -> Self {
        Self::new(Vec::new(), Vec::new(), recorded)
    }

    /// Contracts of others that are read beside `ours` and `others`, without those of their logs
    /// that are read with ours.
    pub(crate) fn beside(ours: &Self, others: HashSet<Address>, recorded: Vec<Recorded>) -> Self {
        let mut elsewhere = others;
        elsewhere.extend(ours.recorded.keys());
        let beside = Self::of_others(recorded).leaving(elsewhere);
        let kept = beside.recorded.keys().filter(|one| ours.addresses.contains_key(*one));
        let kept = kept.copied().collect();
        Self { topics: Arc::clone(&ours.topics), kept, ..beside }
    }

    /// The same, where these are read by somebody else.
    pub(crate) fn leaving(self, elsewhere: HashSet<Address>) -> Self {
        Self { elsewhere: Arc::new(elsewhere), ..self }
    }

    /// The same, where these are, too.
    pub(crate) fn leaving_also(self, elsewhere: impl Iterator<Item = Address>) -> Self {
        let all = self.elsewhere.iter().copied().chain(elsewhere).collect();
        self.leaving(all)
    }

    /// The standard of a contract of others.
    #[must_use]
    pub fn kind_of(&self, address: &Address) -> Option<&'static str> {
        self.recorded.get(address).map(|record| record.kind)
    }

    /// Contracts of others of a standard whose logs are made something of, by address.
    #[must_use]
    pub fn of_kind(&self, kind: &str) -> Vec<Address> {
        let of_kind = |(_, record): &(_, &Record)| {
            record.kind == kind && record.projected && record.makes.is_none()
        };
        let mut found: Vec<Address> =
            self.recorded.iter().filter(of_kind).map(|(address, _)| *address).collect();
        found.sort_unstable();
        found
    }

    /// False when it is known already.
    pub(crate) fn add(&mut self, address: Address) -> bool {
        self.addresses.insert(address, bloom(address.as_slice())).is_none()
    }

    /// The same for a contract that a factory of others has made.
    pub(crate) fn add_made(&mut self, child: Recorded) -> bool {
        let known = self.recorded.contains_key(&child.address)
            || self.addresses.contains_key(&child.address)
            || self.elsewhere.contains(&child.address);
        if !known {
            self.record(child);
        }
        !known
    }

    fn record(&mut self, source: Recorded) {
        let Recorded { address, kind, topics, first_block, last_block, projected, .. } = source;
        let (makes, reads) = (source.makes, source.reads);
        // Thousands of contracts of one standard have one list.
        let topics = match self.shared.get(&topics) {
            Some(shared) => Arc::clone(shared),
            None => with_bloom(&topics),
        };
        if let Some(makes) = &makes {
            let made = makes.made(Address::ZERO, 0).topics;
            let shared = with_bloom(&made);
            self.shared.insert(made, shared);
        }
        let filter = bloom(address.as_slice());
        let record =
            Record { kind, filter, topics, first_block, last_block, projected, makes, reads };
        if !source.anywhere {
            self.recorded.insert(address, record);
            return;
        }
        for (topic, filter) in record.topics.iter().copied() {
            self.anywhere.insert(topic, Record { filter, ..record.clone() });
        }
    }

    /// Is this log kept?
    pub(crate) fn accepts(&self, log: &Log) -> bool {
        let Some(topic) = log.topics.first() else { return false };
        if self.kept.contains(&log.address) && self.topics.iter().any(|(t, _)| t == topic) {
            return false;
        }
        let number = log.block_number.to::<u64>();
        self.projects(&log.address, topic)
            || self.recorded.get(&log.address).is_some_and(|record| {
                record.holds(number) && record.topics.iter().any(|(t, _)| t == topic)
            })
            || self.anywhere.get(topic).is_some_and(|record| record.holds(number))
    }

    /// Is it one that the projector knows, and not one that is recorded beside?
    pub(crate) fn is_projected(&self, log: &Log) -> bool {
        log.topics.first().is_some_and(|topic| self.projects(&log.address, topic))
    }

    /// The same of a log that was kept.
    pub(crate) fn is_ours(&self, log: &RawLog) -> bool {
        log.topics.first().is_some_and(|topic| self.projects(&log.address, topic))
    }

    /// Is this log, which is not ours, made something of?
    pub(crate) fn is_followed(&self, log: &RawLog) -> bool {
        self.record_of(log).is_some_and(|record| record.projected)
    }

    /// Who reads this log of others, when it is by an ABI.
    #[must_use]
    pub fn reader_of(&self, log: &RawLog) -> Option<&dyn Reads> {
        self.record_of(log)?.reads.as_deref()
    }

    fn record_of(&self, log: &RawLog) -> Option<&Record> {
        let anywhere = log.topics.first().and_then(|topic| self.anywhere.get(topic));
        anywhere.or_else(|| self.recorded.get(&log.address))
    }

    /// May a log of this contract name one that it has made?
    pub(crate) fn is_factory(&self, address: &Address) -> bool {
        self.recorded.get(address).is_some_and(|record| record.makes.is_some())
    }

    /// The contract that a log of a factory of others names, if it is one.
    pub(crate) fn named(&self, log: &RawLog) -> Option<Recorded> {
        let record = self.recorded.get(&log.address)?;
        let makes = record.makes.as_ref().filter(|_| record.holds(log.block_number))?;
        let child = makes.made(makes.named(log)?, log.block_number);
        Some(Recorded { last_block: record.last_block, ..child })
    }

    /// The rows of those that these logs name.
    pub(crate) fn children<'a>(&self, logs: impl Iterator<Item = &'a RawLog>) -> Vec<ChildRow> {
        let row = |log: &RawLog| ChildRow {
            block_number: log.block_number,
            log_index: log.log_index,
            factory: log.address,
            address: self.named(log).map(|child| child.address).unwrap_or_default(),
        };
        let rows = logs.filter(|log| self.is_factory(&log.address)).map(row);
        let wanted =
            |row: &ChildRow| !row.address.is_zero() && !self.elsewhere.contains(&row.address);
        rows.filter(wanted).collect()
    }

    /// Is every log that `other` keeps kept by these, too?
    pub(crate) fn covers(&self, other: &Self) -> bool {
        other.addresses.keys().all(|address| self.addresses.contains_key(address))
            && other.recorded.keys().all(|address| self.recorded.contains_key(address))
            && other.anywhere.keys().all(|topic| self.anywhere.contains_key(topic))
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
            || self.anywhere.iter().any(|(topic, record)| {
                block.contains(&record.filter) && !seen.iter().any(|(_, one)| one == topic)
            })
    }

    /// A filter for all sources: by address up to `addresses_max`; by topic alone above that, and
    /// where contracts are not named.
    pub(crate) fn filter(&self, addresses_max: usize) -> LogFilter {
        let addresses: BTreeSet<Address> =
            self.addresses.keys().chain(self.recorded.keys()).copied().collect();
        let most = if self.anywhere.is_empty() { addresses_max } else { 0 };
        self.filter_of(addresses.into_iter().collect(), most)
    }

    /// The same for some of them.
    pub(crate) fn filter_of(&self, addresses: Vec<Address>, addresses_max: usize) -> LogFilter {
        let recorded = self.recorded.values().flat_map(|record| record.topics.iter());
        let made = self.shared.values().flat_map(|topics| topics.iter());
        let topics = self.topics.iter().chain(made).chain(recorded);
        let topics = topics.map(|(topic, _)| *topic).chain(self.anywhere.keys().copied());
        let topics: BTreeSet<B256> = topics.collect();
        let by_address = addresses.len() <= addresses_max;
        LogFilter {
            addresses: if by_address { addresses } else { Vec::new() },
            topics0: topics.into_iter().collect(),
        }
    }
}

fn with_bloom(topics: &[B256]) -> Topics {
    topics.iter().map(|topic| (*topic, bloom(topic.as_slice()))).collect()
}

fn bloom(bytes: &[u8]) -> Bloom {
    Bloom::from(BloomInput::Raw(bytes))
}
