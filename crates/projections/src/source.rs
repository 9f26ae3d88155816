//! Contracts of others, by the standard that they follow.

use crate::followed::{self, Reader};
use abi::Contract;
use alloy_primitives::{Address, B256, keccak256};
use db::{
    index_sources::{FactoryRow, SourceRow},
    raw_logs::RawLog,
};
use indexer::{Makes, Reads, Recorded};
use serde_json::{Value, json};
use std::{collections::HashSet, sync::Arc};

/// What a contract's logs look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standard {
    /// ERC-20, and the deposits and withdrawals of WETH9, which tell of no transfer.
    Erc20,
    /// An ERC-20 that keeps a part of what is moved: balances are read of it for the accounts that
    /// logs tell of.
    Erc20Fee,
    /// An ERC-20 that changes balances without a log: the same, and those of all other accounts
    /// again and again.
    Erc20Rebasing,
    /// ERC-721 with ERC-2309 (consecutive transfers) and ERC-4906 (metadata updates).
    Erc721,
    Erc1155,
    /// Events that are named with it.
    Events,
    /// Events of the ABI that was uploaded for it.
    Abi,
}

/// A contract that is not of our factories.
#[derive(Clone, Debug)]
pub struct Source {
    pub address: Address,
    /// Of a factory: that of the contracts that it makes.
    pub standard: Standard,
    /// The first block whose logs are read.
    pub start_block: u64,
    /// Its logs are made something of; else they are only kept.
    pub projected: bool,
    pub factory: Option<Factory>,
    /// What it is read by when its logs are of no standard; none of an uploaded ABI that is still
    /// to be looked up.
    pub abi: Option<Events>,
    /// Every contract that tells of the one event is meant.
    pub anywhere: bool,
}

/// Events by their ABI.
#[derive(Clone, Debug)]
pub struct Events {
    abi: Value,
    contract: Arc<Contract>,
}

/// How a factory names the contracts that it makes.
#[derive(Clone, Debug)]
pub struct Factory {
    row: FactoryRow,
    topic: B256,
    abi: Arc<Contract>,
}

impl Source {
    /// A contract whose logs are made something of from `start_block` on.
    #[must_use]
    pub fn new(address: Address, standard: Standard, start_block: u64) -> Self {
        Self {
            address,
            standard,
            start_block,
            projected: true,
            factory: None,
            abi: None,
            anywhere: false,
        }
    }

    /// A contract whose logs of these events are read.
    #[must_use]
    pub fn of_events(address: Address, events: Events, start_block: u64) -> Self {
        let abi = Some(events);
        Self { abi, ..Self::new(address, Standard::Events, start_block) }
    }

    /// Every contract that tells of these events: a source for each of them.
    #[must_use]
    pub fn anywhere(events: &Events, start_block: u64) -> Vec<Self> {
        let one = |(topic, events): (B256, Events)| {
            let address = Address::from_word(topic);
            Self { anywhere: true, ..Self::of_events(address, events, start_block) }
        };
        events.each().into_iter().map(one).collect()
    }

    /// As it stands in the database; none when that is of another version.
    #[must_use]
    pub fn of_row(row: &SourceRow) -> Option<Self> {
        let factory = row.factory.as_ref().map(|f| Factory::parse(&f.event, &f.parameter));
        Some(Self {
            address: row.address,
            standard: Standard::from_name(&row.kind)?,
            start_block: row.start_block,
            projected: row.projected,
            factory: factory.transpose().ok()?,
            abi: row.abi.clone().map(Events::of_abi).transpose().ok()?,
            anywhere: row.anywhere,
        })
    }

    /// As it is to stand in the database, when the configuration names it or else a command does.
    #[must_use]
    pub fn row(&self, configured: bool) -> SourceRow {
        SourceRow {
            address: self.address,
            kind: self.standard.as_str().to_owned(),
            start_block: self.start_block,
            projected: self.projected,
            configured,
            factory: self.factory.as_ref().map(|factory| factory.row.clone()),
            abi: self.abi.as_ref().map(|events| events.abi.clone()),
            anywhere: self.anywhere,
            beside: None,
            last_block: None,
            purging: false,
        }
    }
}

impl Events {
    /// As Solidity declares them.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse<T: AsRef<str>>(declared: &[T]) -> Result<Self, String> {
        if declared.is_empty() {
            return Err("names no event".to_owned());
        }
        let abi = abi::declared_events(declared).map_err(told)?;
        let events = Self::of_abi(abi)?;
        if events.contract.event_topics().len() < declared.len() {
            return Err("an event is there twice".to_owned());
        }
        Ok(events)
    }

    /// As compilers write them.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn of_abi(abi: Value) -> Result<Self, String> {
        let contract = Arc::new(Contract::parse(&abi).map_err(told)?);
        if contract.event_topics().is_empty() {
            return Err("has no event that can be read from logs".to_owned());
        }
        Ok(Self { abi, contract })
    }

    fn topics(&self) -> Vec<B256> {
        self.contract.event_topics().into_iter().map(|(topic, _)| topic).collect()
    }

    /// One by one, with its topic.
    fn each(&self) -> Vec<(B256, Self)> {
        let items = self.abi.as_array().into_iter().flatten();
        let events = items.filter_map(|item| Self::of_abi(json!([item])).ok());
        events.filter_map(|events| Some((*events.topics().first()?, events))).collect()
    }
}

fn told(faults: Vec<abi::Fault>) -> String {
    faults.into_iter().map(|fault| fault.detail).collect::<Vec<_>>().join("; ")
}

impl Factory {
    /// By an event as Solidity declares it, and the name of the argument that is the contract.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(event: &str, parameter: &str) -> Result<Self, String> {
        let declared = abi::declared_events(&[event]).map_err(told)?;
        let inputs = declared[0]["inputs"].as_array().cloned().unwrap_or_default();
        if !inputs.iter().any(|input| input["name"] == parameter && input["type"] == "address") {
            return Err(format!("the event has no address `{parameter}`"));
        }
        let contract = Contract::parse(&declared).map_err(told)?;
        let topics = contract.event_topics();
        let (topic, _) = topics.first().ok_or("the event can't be read from logs")?;
        let names: HashSet<&str> =
            inputs.iter().filter_map(|input| input["name"].as_str()).collect();
        if names.len() < inputs.len() || names.contains("") {
            return Err("its arguments need names of their own".to_owned());
        }
        let row = FactoryRow { event: event.to_owned(), parameter: parameter.to_owned() };
        Ok(Self { row, topic: *topic, abi: Arc::new(contract) })
    }
}

/// A factory, and what its contracts are.
#[derive(Debug)]
struct Maker {
    factory: Factory,
    /// What it makes, but for address and start.
    made: Source,
}

impl Makes for Maker {
    fn named(&self, log: &RawLog) -> Option<Address> {
        let said = self.factory.abi.decode_log(&log.topics, &log.data)?;
        let named: Address = said.args[&self.factory.row.parameter].as_str()?.parse().ok()?;
        (!named.is_zero()).then_some(named)
    }

    fn made(&self, address: Address, first_block: u64) -> Recorded {
        let source = Source { address, start_block: first_block, ..self.made.clone() };
        Recorded::from(&source)
    }
}

impl Standard {
    /// Those that say what events mean.
    pub const ALL: [Self; 5] =
        [Self::Erc20, Self::Erc721, Self::Erc1155, Self::Erc20Fee, Self::Erc20Rebasing];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Erc20 => "erc20",
            Self::Erc20Fee => "erc20_fee",
            Self::Erc20Rebasing => "erc20_rebasing",
            Self::Erc721 => "erc721",
            Self::Erc1155 => "erc1155",
            Self::Events => "events",
            Self::Abi => "abi",
        }
    }

    /// None when there is no such standard.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let all = Self::ALL.into_iter().chain([Self::Events, Self::Abi]);
        all.into_iter().find(|standard| standard.as_str() == name)
    }

    /// Are balances read of the contract, since its logs do not tell them?
    #[must_use]
    pub fn is_read(self) -> bool {
        matches!(self, Self::Erc20Fee | Self::Erc20Rebasing)
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
        let Source { address, standard, start_block, projected, anywhere, .. } = *source;
        let makes = source.factory.clone().map(|factory| -> Arc<dyn Makes> {
            Arc::new(Maker { factory, made: Source { factory: None, ..source.clone() } })
        });
        let of_factory = source.factory.as_ref().map(|factory| vec![factory.topic]);
        let of_events = || source.abi.as_ref().map(Events::topics);
        let reads = source
            .abi
            .as_ref()
            .map(|events| -> Arc<dyn Reads> { Arc::new(Reader(Arc::clone(&events.contract))) });
        Self {
            address,
            kind: standard.as_str(),
            topics: of_factory.or_else(of_events).unwrap_or_else(|| standard.topics()),
            first_block: start_block,
            last_block: None,
            projected: projected && makes.is_none(),
            reads: reads.filter(|_| makes.is_none()),
            makes,
            anywhere,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use alloy_sol_types::SolEvent;
    use contracts::StoaCollection as abi;

    #[test]
    fn factories_are_known_by_their_events() {
        let event = "event Made(string name, address indexed owner, address made)";
        let factory = Factory::parse(event, "made").unwrap();
        let source =
            Source { factory: Some(factory), ..Source::new(Address::ZERO, Standard::Erc721, 7) };
        let again = Source::of_row(&source.row(true)).unwrap();
        let recorded = Recorded::from(&again);
        let topic = keccak256("Made(string,address,address)");
        assert_eq!((recorded.topics.clone(), recorded.projected), (vec![topic], false));
        let made = recorded.makes.as_ref().unwrap();
        let (owner, child) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let word = |n: u8| B256::with_last_byte(n);
        let data = [word(64), child.into_word(), word(0)].concat();
        let log = |topics: Vec<B256>, data: Vec<u8>| RawLog {
            block_number: 9,
            block_hash: B256::ZERO,
            log_index: 0,
            tx_hash: B256::ZERO,
            tx_index: 0,
            address: Address::ZERO,
            topics,
            data: data.into(),
            mined_at: None,
        };
        let topics = vec![topic, owner.into_word()];
        assert_eq!(made.named(&log(topics.clone(), data.clone())), Some(child));
        let none = [word(64), word(0), word(0)].concat();
        assert_eq!(made.named(&log(topics.clone(), none)), None, "nobody");
        assert_eq!(made.named(&log(vec![topic], data.clone())), None, "other indexing");
        assert_eq!(made.named(&log(topics, data[..40].to_vec())), None, "cut short");
        let child = made.made(child, 9);
        assert_eq!((child.kind, child.first_block, child.projected), ("erc721", 9, true));
        for (event, parameter) in [
            (event, "name"),
            (event, "nobody"),
            ("event Made(", "made"),
            ("event Made(address made) anonymous", "made"),
            ("event Made(address, address made)", "made"),
        ] {
            assert!(Factory::parse(event, parameter).is_err(), "{event} {parameter}");
        }
    }

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
        assert_eq!(Standard::ALL.map(|standard| standard.topics().len()), [4, 6, 4, 4, 4]);
    }
}
