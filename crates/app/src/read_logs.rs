//! Logs as the chain gave them, and what they say where the contract's ABI is known.

use crate::{
    App, AppError, Caller, Field, Refusal, Seen,
    address::parse_address,
    read_transfers::{check_range, height},
};
use abi::{Contract, Logged};
use auth::{Action, authorize};
use db::{
    decoded_logs::{self, DecodedFilter},
    index_sources,
    raw_logs::{self, LogFilter, RawLog},
};
use projections::{Standard, followed};
use serde_json::{Value, json};
use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, LazyLock},
};
use vocab::{Address, B256, ChainId};

/// Which logs to list. None means any.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogQuery<'a> {
    pub chain_id: Option<u64>,
    pub address: Option<&'a str>,
    /// Together with an address only.
    pub topic0: Option<&'a str>,
    /// Name of an event that is read by an ABI.
    pub event: Option<&'a str>,
    /// Together with an event only: the name of an argument, and its value.
    pub argument: Option<&'a str>,
    pub value: Option<&'a str>,
    pub first_block: Option<u64>,
    pub last_block: Option<u64>,
    pub wait_for_block: Option<u64>,
}

/// A log, and what it says.
#[derive(Clone, Debug)]
pub struct LogView {
    pub log: RawLog,
    pub said: Option<Logged>,
}

impl App {
    /// Logs of a chain in its order, after (block, log index).
    ///
    /// # Errors
    /// [`Refusal::FilterUnfit`]; [`Refusal::Address`], [`Refusal::ChainUnknown`],
    /// [`Refusal::BlockNotIndexed`],
    /// [`Refusal::SourceBackfilling`], [`Refusal::ContractRemoved`].
    pub async fn list_logs(
        &self,
        caller: Caller<'_>,
        query: LogQuery<'_>,
        after: Option<(i64, i32)>,
        limit: i64,
    ) -> Result<Seen<Vec<LogView>>, AppError> {
        authorize(caller.actor, Action::ReadPublicFacts)?;
        let chain = self.chain(query.chain_id)?.chain_id;
        let filter = LogFilter {
            address: query.address.map(|text| parse_address(text, Field::Address)).transpose()?,
            topic0: query.topic0.map(topic).transpose()?,
            first_block: query.first_block.map(height),
            last_block: query.last_block.map(height),
        };
        if filter.topic0.is_some() && filter.address.is_none() {
            return Err(Refusal::FilterUnfit("topic0", "only with an `address`").into());
        }
        check_range(query.first_block, query.last_block)?;
        let wanted = decoded_filter(&query, filter)?;
        let mut view = self.view(chain, query.wait_for_block).await?;
        view.check_whole(filter.address, query.last_block).await?;
        if let (Some(event), None) = (query.event, filter.address) {
            view.check_event(event, query.last_block).await?;
        }
        let logs = match wanted {
            None => raw_logs::list(&mut view.db, chain, filter, after, limit).await?,
            Some(wanted) => {
                let places = decoded_logs::list(&mut view.db, chain, &wanted, after, limit).await?;
                raw_logs::load_many(&mut view.db, chain, &places).await?
            }
        };
        let places: Vec<(u64, u32)> =
            logs.iter().map(|log| (log.block_number, log.log_index)).collect();
        let rows = decoded_logs::load_many(&mut view.db, chain, &places).await?;
        let mut read: HashMap<(u64, u32), Logged> = HashMap::new();
        for row in rows {
            let said = Logged { event: row.event, signature: row.signature, args: row.args };
            read.insert((row.block_number, row.log_index), said);
        }
        let seen = view.seen(());
        drop(view);
        let mut known: HashMap<Address, Vec<Arc<Contract>>> = HashMap::new();
        let mut found = Vec::with_capacity(logs.len());
        for log in logs {
            if let Some(said) = read.remove(&(log.block_number, log.log_index)) {
                found.push(LogView { log, said: Some(said) });
                continue;
            }
            let readers = match known.entry(log.address) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => entry.insert(self.readers(chain, log.address).await?),
            };
            let said = readers.iter().find_map(|abi| abi.decode_log(&log.topics, &log.data));
            found.push(LogView { log, said });
        }
        Ok(seen.with(found))
    }

    /// Who may know what logs of an address say, the best first: its own ABI, that of its standard.
    async fn readers(
        &self,
        chain: ChainId,
        address: Address,
    ) -> Result<Vec<Arc<Contract>>, AppError> {
        let own = self.contract_at(chain, address).await?.map(|known| known.contract);
        let source =
            index_sources::find_contract(&mut *self.connection().await?, chain, address).await?;
        let standard = source.and_then(|source| Standard::from_name(&source.kind));
        Ok(own.into_iter().chain(standard.map(of_standard)).collect())
    }
}

/// Which decoded logs are wanted, if those are.
fn decoded_filter(
    query: &LogQuery<'_>,
    filter: LogFilter,
) -> Result<Option<DecodedFilter>, AppError> {
    let Some(event) = query.event else {
        if query.argument.is_some() || query.value.is_some() {
            return Err(Refusal::FilterUnfit("argument", "only with an `event`").into());
        }
        return Ok(None);
    };
    if filter.topic0.is_some() {
        return Err(Refusal::FilterUnfit("topic0", "not with an `event`").into());
    }
    let args = match (query.argument, query.value) {
        (None, None) => None,
        (Some(name), Some(value)) => Some(wanted(name, value)),
        _ => return Err(Refusal::FilterUnfit("argument", "only with a `value`").into()),
    };
    // Postgres holds no NUL, so none is found.
    if [Some(event), query.argument, query.value].into_iter().flatten().any(|t| t.contains('\0')) {
        return Err(Refusal::FilterUnfit("event", "text without NUL").into());
    }
    Ok(Some(DecodedFilter {
        contract: filter.address,
        event: event.to_owned(),
        args,
        first_block: filter.first_block,
        last_block: filter.last_block,
    }))
}

/// What arguments hold that have this value: as text, or as the truth value that it names.
/// Addresses stand there with their checksum.
fn wanted(name: &str, value: &str) -> [Value; 2] {
    let address = (value.len() == 42).then(|| value.parse::<Address>().ok()).flatten();
    let text = address.map_or_else(|| value.to_owned(), |address| address.to_string());
    let other = value.parse::<bool>().map_or_else(|_| json!(text), |truth| json!(truth));
    [json!({ name: text }), json!({ name: other })]
}

/// The events of a standard by the names of their EIPs.
fn of_standard(standard: Standard) -> Arc<Contract> {
    static ALL: LazyLock<Vec<(Standard, Arc<Contract>)>> = LazyLock::new(|| {
        let of = |standard: Standard| {
            let abi = followed::events_of(standard).into_iter().map(|event| {
                let input = |(name, kind, indexed): &(&str, &str, bool)| {
                    json!({ "name": name, "type": kind, "indexed": indexed })
                };
                let inputs: Vec<Value> = event.arguments(standard).iter().map(input).collect();
                let name = event.signature().split('(').next();
                json!({ "type": "event", "name": name, "anonymous": false, "inputs": inputs })
            });
            let abi = Value::Array(abi.collect());
            let contract = Contract::parse(&abi);
            (standard, Arc::new(contract.expect("invariant: our own ABIs are sound")))
        };
        Standard::ALL.into_iter().map(of).collect()
    });
    let found = ALL.iter().find(|(known, _)| *known == standard);
    found.map(|(_, contract)| Arc::clone(contract)).unwrap_or_default()
}

fn topic(text: &str) -> Result<B256, AppError> {
    let sound = text.len() == 66 && text.starts_with("0x");
    let parsed = sound.then(|| text.parse().ok()).flatten();
    Ok(parsed.ok_or(Refusal::FilterUnfit("topic0", "0x and 64 hexadecimal digits"))?)
}
