//! From a node's logs to rows for the database, checked on the way.

use crate::{
    Block, IndexError,
    fetch::{inconsistent, raw_log, time_of},
    sources::Sources,
};
use alloy_primitives::U64;
use chain::{Header, Log};
use db::{index_children::ChildRow, raw_logs::RawLog, raw_logs_copy::CopyRows};
use std::collections::BTreeMap;
use vocab::{B256, ChainId};

/// The logs of a range, ready to be committed.
pub(crate) struct Packed {
    pub(crate) rows: CopyRows,
    /// The blocks that the projector has to see, with those of their logs that it knows.
    pub(crate) projected: Vec<Block>,
    /// The other logs that it has to see: of contracts of others.
    pub(crate) followed: Vec<RawLog>,
    /// Contracts that factories of others name.
    pub(crate) children: Vec<ChildRow>,
}

impl Packed {
    pub(crate) fn new(chain: ChainId, logs: usize) -> Self {
        let rows = CopyRows::new(chain, logs);
        Self { rows, projected: Vec::new(), followed: Vec::new(), children: Vec::new() }
    }

    fn project(&mut self, log: RawLog, mined_at: time::OffsetDateTime) {
        let (number, hash) = (log.block_number, log.block_hash);
        match self.projected.last_mut() {
            Some(block) if block.number == number => block.logs.push(log),
            _ => self.projected.push(Block {
                number,
                hash,
                parent_hash: B256::ZERO,
                mined_at,
                logs: vec![log],
            }),
        }
    }
}

/// Those of `logs` that are ours, in order, each once. `times` has the headers of blocks whose
/// logs don't say when they were mined.
pub(crate) fn pack(
    chain: ChainId,
    (first, last): (u64, u64),
    mut logs: Vec<Log>,
    times: &BTreeMap<u64, Header>,
    sources: &Sources,
) -> Result<Packed, IndexError> {
    let place = |log: &Log| (log.block_number, log.log_index);
    if !logs.is_sorted_by(|one, next| place(one) < place(next)) {
        logs.sort_by_key(place);
    }
    let mut packed = Packed::new(chain, logs.len());
    let mut before: Option<Log> = None;
    for log in logs {
        let number: u64 = log.block_number.to();
        if !(first..=last).contains(&number) || log.removed || log.topics.len() > 4 {
            return Err(inconsistent(format!("an impossible log in {number}")));
        }
        if let Some(before) = before.as_ref().filter(|b| b.block_number == log.block_number) {
            if *before == log {
                continue;
            }
            if before.log_index == log.log_index || before.block_hash != log.block_hash {
                return Err(inconsistent(format!("logs of two blocks {number}")));
            }
        }
        if sources.accepts(&log) {
            let seconds = mined_at(&log, times.get(&number))?;
            let time = time_of(seconds, number)?;
            let raw = raw_log(&log, Some(time))?;
            packed.rows.push(&raw);
            packed.children.extend(sources.children(std::iter::once(&raw)));
            if sources.is_projected(&log) {
                packed.project(raw, time);
            } else if sources.is_followed(&raw) {
                packed.followed.push(raw);
            }
        }
        before = Some(log);
    }
    Ok(packed)
}

fn mined_at(log: &Log, header: Option<&Header>) -> Result<U64, IndexError> {
    let number = log.block_number;
    match (log.block_timestamp, header) {
        (Some(seconds), _) => Ok(seconds),
        (None, Some(header)) if header.hash == log.block_hash => Ok(header.timestamp),
        (None, Some(_)) => Err(inconsistent(format!("a log of another block {number}"))),
        (None, None) => Err(inconsistent(format!("block {number} has no time"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Recorded;
    use alloy_primitives::{Address, Bytes};

    const TOPIC: B256 = B256::repeat_byte(0x77);
    const TOKEN: Address = Address::repeat_byte(0x11);

    fn log(number: u64, index: u64) -> Log {
        Log {
            address: TOKEN,
            topics: vec![TOPIC],
            data: Bytes::from_static(b"data"),
            block_number: U64::from(number),
            block_hash: B256::from(alloy_primitives::U256::from(number)),
            transaction_hash: B256::ZERO,
            transaction_index: U64::ZERO,
            log_index: U64::from(index),
            block_timestamp: Some(U64::from(1_700_000_000u64 + number)),
            removed: false,
        }
    }

    fn packed(logs: Vec<Log>) -> Result<u64, IndexError> {
        let recorded = Recorded {
            address: TOKEN,
            kind: "erc20",
            topics: vec![TOPIC],
            first_block: 5,
            last_block: None,
            projected: false,
            makes: None,
            reads: None,
            anywhere: false,
        };
        let sources = Sources::new(Vec::new(), Vec::new(), vec![recorded]);
        let packed = pack(ChainId(1), (1, 100), logs, &BTreeMap::new(), &sources)?;
        assert!(packed.projected.is_empty(), "recorded logs are nobody else's");
        assert!(packed.followed.is_empty(), "they are not to be projected");
        Ok(packed.rows.count())
    }

    #[test]
    fn logs_are_taken_once_and_in_order() {
        assert_eq!(packed(vec![log(7, 1), log(6, 0), log(7, 0)]).unwrap(), 3);
        assert_eq!(packed(vec![log(7, 0), log(7, 0), log(8, 0)]).unwrap(), 2);
        assert_eq!(packed(Vec::new()).unwrap(), 0);
        let mut foreign = log(7, 0);
        foreign.address = Address::repeat_byte(0x12);
        assert_eq!(packed(vec![foreign, log(7, 1)]).unwrap(), 1);
        assert_eq!(packed(vec![log(4, 0), log(5, 0)]).unwrap(), 1, "before the source's start");
    }

    #[test]
    fn impossible_logs_are_refused() {
        let changed = |change: fn(&mut Log)| {
            let mut log = log(7, 1);
            change(&mut log);
            log
        };
        let cases = [
            changed(|log| log.block_number = U64::from(101u64)),
            changed(|log| log.block_number = U64::ZERO),
            changed(|log| log.removed = true),
            changed(|log| log.topics = vec![TOPIC; 5]),
            changed(|log| log.block_hash = B256::ZERO),
            changed(|log| (log.log_index, log.data) = (U64::ZERO, Bytes::new())),
            changed(|log| log.log_index = U64::MAX),
            changed(|log| log.block_timestamp = None),
            changed(|log| log.block_timestamp = Some(U64::MAX)),
        ];
        for bad in cases {
            assert!(packed(vec![log(7, 0), bad.clone()]).is_err(), "{bad:?}");
        }
    }
}
