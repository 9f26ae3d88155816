//! Reading blocks and logs from an endpoint that may lag, lie or change its mind.
//!
//! What is returned is proven as far as headers allow: blocks are linked by parent hash, each log
//! carries the hash of its block, and where a block's bloom filter says that a source may have
//! logged, all logs of that block are read and must explain the filter; where they don't, and now
//! and then where they do, they are compared with the receipts that the header commits to. (Below
//! the window this may be left out: [`IndexerOptions::prove_settled`].)

use crate::{Block, IndexError, IndexerOptions, Projector, receipts, sources::Sources};
use alloy_primitives::{Bloom, U64};
use chain::{Endpoint, Header, Log, LogFilter};
use db::raw_logs::RawLog;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use std::{collections::BTreeMap, time::Duration};
use time::OffsetDateTime;
use tokio::time::timeout;
use vocab::{B256, BlockRef};

/// How long a witness may take.
const WITNESS: Duration = Duration::from_secs(3);

/// How to read.
#[derive(Clone, Copy)]
pub(crate) struct Fetch<'a> {
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) options: &'a IndexerOptions,
    pub(crate) projector: &'a dyn Projector,
    /// Another endpoint, to be asked when there is doubt; none when there is no other.
    pub(crate) witness: Option<&'a Endpoint>,
    /// [`IndexerOptions::spot_check_every`], where it holds.
    pub(crate) spot_check_every: u64,
}

/// A block's logs while they are gathered.
struct Gathered {
    header: Header,
    logs: BTreeMap<u64, Log>,
    /// All logs of the block were seen, and explain its bloom filter.
    whole: bool,
}

impl Fetch<'_> {
    /// Headers of `first..=last`, each the child of the one before.
    pub(crate) async fn headers(&self, first: u64, last: u64) -> Result<Vec<Header>, IndexError> {
        let size = self.batch_max();
        let step = u64::try_from(size).unwrap_or(1);
        let parts: Vec<_> = (first..=last)
            .step_by(size)
            .map(|from| self.endpoint.headers(from, last.min(from + step - 1)).boxed())
            .collect();
        let headers: Vec<Vec<Header>> =
            stream::iter(parts).buffered(self.options.batches_in_flight).try_collect().await?;
        let headers = headers.concat();
        for (header, number) in headers.iter().zip(first..) {
            if header.number.to::<u64>() != number {
                return Err(inconsistent(format!("asked for block {number}, got another")));
            }
        }
        if let Some(pair) = headers.windows(2).find(|pair| pair[1].parent_hash != pair[0].hash) {
            return Err(inconsistent(format!("block {} has another parent", pair[1].number)));
        }
        Ok(headers)
    }

    /// Calls per batch. Where the rate is small, batches in flight share what it bears.
    fn batch_max(&self) -> usize {
        let IndexerOptions { batch_max, batches_in_flight, .. } = self.options;
        let most = self.endpoint.calls_max().and_then(|calls| usize::try_from(calls).ok());
        let each = most.map_or(usize::MAX, |calls| calls / (*batches_in_flight).max(1));
        each.min(*batch_max).max(1)
    }

    /// The blocks of these headers with all logs of our sources. Newly discovered sources are
    /// added to `sources`.
    pub(crate) async fn blocks(
        &self,
        headers: Vec<Header>,
        sources: &mut Sources,
    ) -> Result<Vec<Block>, IndexError> {
        let mut blocks: Vec<Gathered> = headers
            .into_iter()
            .map(|header| Gathered { header, logs: BTreeMap::new(), whole: false })
            .collect();
        // Each round reads at least one more block whole, so there are no more rounds than blocks.
        loop {
            self.discover(&blocks, sources);
            let open: Vec<usize> = blocks
                .iter()
                .enumerate()
                .filter(|(_, block)| !block.whole && sources.may_match(&block.header.logs_bloom))
                .map(|(place, _)| place)
                .collect();
            if open.is_empty() {
                break;
            }
            self.gather_whole(&mut blocks, &open).await?;
        }
        blocks.into_iter().map(|block| block.finish(sources)).collect()
    }

    fn discover(&self, blocks: &[Gathered], sources: &mut Sources) {
        for log in blocks.iter().flat_map(|block| block.logs.values()) {
            let (projected, factory) =
                (sources.is_projected(log), sources.is_factory(&log.address));
            let Some(raw) = raw_log(log, None).ok().filter(|_| projected || factory) else {
                continue;
            };
            if projected && let Some(address) = self.projector.discover(&raw) {
                sources.add(address);
            }
            if factory && let Some(child) = sources.named(&raw) {
                sources.add_made(child);
            }
        }
    }

    async fn gather_whole(
        &self,
        blocks: &mut [Gathered],
        places: &[usize],
    ) -> Result<(), IndexError> {
        let everything = LogFilter::default();
        let parts: Vec<Vec<B256>> = places
            .chunks(self.batch_max())
            .map(|part| part.iter().map(|place| blocks[*place].header.hash).collect())
            .collect();
        let asked: Vec<_> = parts
            .iter()
            .map(|hashes| self.endpoint.logs_of_blocks(&everything, hashes).boxed())
            .collect();
        let answers: Vec<_> =
            stream::iter(asked).buffered(self.options.batches_in_flight).try_collect().await?;
        for (place, logs) in places.iter().zip(answers.into_iter().flatten()) {
            self.take(&mut blocks[*place], logs?).await?;
        }
        Ok(())
    }

    /// Take `logs` for all of the block's. Where they can't be, and now and then where they can,
    /// receipts decide.
    async fn take(&self, block: &mut Gathered, logs: Vec<Log>) -> Result<(), IndexError> {
        let doubt = block.replace(logs).err();
        let drawn = || u64::from(block.header.hash[31]).checked_rem(self.spot_check_every);
        if doubt.is_none() && (drawn() != Some(0) || block.logs.is_empty()) {
            return Ok(());
        }
        let endpoint = self.witness.unwrap_or(self.endpoint);
        let witness = timeout(WITNESS, receipts::load(endpoint, &block.header)).await;
        let Ok(Ok(Some(witness))) = witness else { return doubt.map_or(Ok(()), Err) };
        let agrees = doubt.is_none() && witness.agrees(block.logs.values());
        metrics::counter!("indexer_receipts_compared_total", "agree" => agrees.to_string())
            .increment(1);
        if agrees {
            return Ok(());
        }
        match doubt {
            Some(doubt) if witness.proven != Some(true) => Err(doubt),
            None if witness.proven != Some(true) => Err(witness.against(block.number())),
            _ if self.witness.is_some() => Err(witness.against(block.number())),
            // There is nobody else, but what the header commits to is as good.
            _ => {
                tracing::warn!(
                    endpoint = self.endpoint.host(),
                    block = block.number(),
                    "logs are others than those of the receipts, which are taken"
                );
                block.logs.clear();
                block.replace(witness.logs)
            }
        }
    }
}

impl Gathered {
    fn number(&self) -> u64 {
        self.header.number.to()
    }

    fn add(&mut self, log: Log) -> Result<(), IndexError> {
        if log.block_hash != self.header.hash || log.block_number != self.header.number {
            return Err(inconsistent(format!("a log of another block {}", log.block_number)));
        }
        if log.removed || log.topics.len() > 4 {
            return Err(inconsistent(format!("an impossible log in {}", log.block_number)));
        }
        if let Some(other) = self.logs.get(&log.log_index.to())
            && *other != log
        {
            return Err(inconsistent(format!("two logs at one place in {}", log.block_number)));
        }
        self.logs.insert(log.log_index.to(), log);
        Ok(())
    }

    /// Take `logs` for all that the block holds, if they may be: numbered without gap, and with
    /// every bit of the block's filter explained. (The filter may lack some: Polygon's state-sync
    /// logs are not in it.)
    fn replace(&mut self, logs: Vec<Log>) -> Result<(), IndexError> {
        let before = std::mem::take(&mut self.logs);
        let mut filter = Bloom::ZERO;
        for log in logs {
            filter.accrue_raw_log(log.address, &log.topics);
            self.add(log)?;
        }
        let numbered = self.logs.keys().copied().eq(0..self.logs.len() as u64);
        let kept = before.iter().all(|(place, log)| self.logs.get(place) == Some(log));
        if !numbered || !kept || !filter.contains(&self.header.logs_bloom) {
            metrics::counter!("indexer_incomplete_logs_total").increment(1);
            return Err(inconsistent(format!("logs of block {} are missing", self.header.number)));
        }
        self.whole = true;
        Ok(())
    }

    fn finish(self, sources: &Sources) -> Result<Block, IndexError> {
        let Self { header, logs, .. } = self;
        let mined_at = time_of(header.timestamp, header.number.to())?;
        let mut ours = Vec::new();
        for log in logs.into_values().filter(|log| sources.accepts(log)) {
            if !header.logs_bloom.contains_raw_log(log.address, &log.topics) {
                return Err(inconsistent(format!("block {} never held a log", header.number)));
            }
            ours.push(raw_log(&log, Some(mined_at))?);
        }
        let BlockRef { number, hash } = header.block();
        Ok(Block { number, hash, parent_hash: header.parent_hash, mined_at, logs: ours })
    }
}

/// Unix seconds as a time.
pub(crate) fn time_of(seconds: U64, block: u64) -> Result<OffsetDateTime, IndexError> {
    i64::try_from(seconds.to::<u64>())
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .ok_or_else(|| inconsistent(format!("block {block} has no time")))
}

pub(crate) fn raw_log(log: &Log, mined_at: Option<OffsetDateTime>) -> Result<RawLog, IndexError> {
    let place = |place: U64| {
        u32::try_from(place.to::<u64>())
            .ok()
            .filter(|place| i32::try_from(*place).is_ok())
            .ok_or_else(|| inconsistent("a log's place is out of range".into()))
    };
    Ok(RawLog {
        block_number: log.block_number.to(),
        block_hash: log.block_hash,
        log_index: place(log.log_index)?,
        tx_hash: log.transaction_hash,
        tx_index: place(log.transaction_index)?,
        address: log.address,
        topics: log.topics.clone(),
        data: log.data.clone(),
        mined_at,
    })
}

pub(crate) fn inconsistent(what: String) -> IndexError {
    IndexError::Inconsistent(what)
}
