//! Reading one range of settled blocks: asked for as a whole, in halves where the endpoint refuses,
//! and made ready for the database away from it.

use super::{
    pack::{Packed, pack},
    sizer::Sizer,
    wording::{Advice, advice},
};
use crate::{
    Block, IndexError, IndexerOptions, Projector,
    fetch::{Fetch, inconsistent, raw_log, time_of},
    sources::Sources,
};
use chain::{Endpoint, Header, Log, RpcError};
use db::blocks::BlockRow;
use futures_util::future::try_join;
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::time::sleep;
use vocab::{Address, B256, ChainId};

/// How often a range waits for an endpoint that takes no more calls for now.
const WAITS_MAX: u32 = 5;
const WAIT_MAX: Duration = Duration::from_secs(10);
/// How often a range is halved for errors that may have another reason than its size.
const GUESSES_MAX: u32 = 4;

/// How to read ranges. Clones share what is learnt of the endpoint.
#[derive(Clone)]
pub(crate) struct Reader {
    pub(crate) chain: ChainId,
    pub(crate) endpoint: Endpoint,
    pub(crate) options: IndexerOptions,
    pub(crate) projector: Arc<dyn Projector>,
    pub(crate) sources: Arc<Sources>,
    pub(crate) sizer: Arc<Mutex<Sizer>>,
}

/// A range as it was read.
pub(crate) struct Ranged {
    pub(crate) first: u64,
    /// Parent of the first block.
    pub(crate) parent: B256,
    pub(crate) last: BlockRow,
    pub(crate) packed: Packed,
    /// Whose logs it holds, those that it made known included.
    pub(crate) sources: Arc<Sources>,
    /// Until the answers were there, and from then on.
    pub(crate) node: Duration,
    pub(crate) decode: Duration,
}

/// What came of a range: its beginning, and what is left to be asked for.
pub(crate) struct Outcome {
    pub(crate) result: Result<Ranged, IndexError>,
    pub(crate) rest: Option<(u64, u64)>,
}

enum Next {
    Wait(Duration),
    Halve,
    Fail,
}

impl Reader {
    /// Read `first..=last`, or as much of its beginning as the endpoint gives at once. Fails when
    /// not even one block can be read, and when asking for less does not seem to help.
    pub(crate) async fn read_some(&self, first: u64, last: u64) -> Outcome {
        let (mut end, mut waits, mut guesses) = (last, 0, 0);
        loop {
            let blocks = end - first + 1;
            let error = match self.read(first, end).await {
                Ok(ranged) => {
                    if end < last {
                        // So twice as many are too many.
                        self.sizer().note_limit(blocks.saturating_mul(2));
                    }
                    let rest = (end < last).then_some((end + 1, last));
                    return Outcome { result: Ok(ranged), rest };
                }
                Err(error) => error,
            };
            match self.judge(&error, blocks, &mut waits, &mut guesses) {
                Next::Wait(pause) => sleep(pause).await,
                Next::Halve => end = first + (blocks / 2).max(1) - 1,
                Next::Fail => return Outcome { result: Err(error), rest: None },
            }
        }
    }

    fn judge(&self, error: &IndexError, blocks: u64, waits: &mut u32, guesses: &mut u32) -> Next {
        let IndexError::Rpc(said) = error else { return Next::Fail };
        if let RpcError::Limited(pause) = said
            && *waits < WAITS_MAX
        {
            *waits += 1;
            return Next::Wait((*pause).min(WAIT_MAX));
        }
        let advice = advice(said);
        *guesses += u32::from(advice == Advice::TryLess);
        if advice == Advice::GiveUp || blocks == 1 || *guesses > GUESSES_MAX {
            if advice != Advice::GiveUp {
                // The next attempt, perhaps elsewhere, begins with less.
                self.sizer().note_limit(blocks);
            }
            return Next::Fail;
        }
        metrics::counter!("indexer_ranges_halved_total", "chain" => self.chain.to_string())
            .increment(1);
        tracing::debug!(chain.id = %self.chain, blocks, error = said as &dyn std::error::Error,
            "a range is asked for in halves");
        Next::Halve
    }

    pub(crate) fn sizer(&self) -> MutexGuard<'_, Sizer> {
        self.sizer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Blocks to ask for next. With a header for each, the ranges in flight are together no longer
    /// than the endpoint's rate bears.
    pub(crate) fn blocks(&self) -> u64 {
        let blocks = self.sizer().blocks();
        let Some(calls) = self.endpoint.calls_max().filter(|_| self.options.prove_settled) else {
            return blocks;
        };
        let ranges = u64::try_from(self.options.ranges_in_flight.max(1)).unwrap_or(u64::MAX);
        blocks.min((calls / ranges).max(1))
    }

    pub(crate) async fn read(&self, first: u64, last: u64) -> Result<Ranged, IndexError> {
        if self.options.prove_settled {
            self.read_proven(first, last).await
        } else {
            self.read_logs(first, last).await
        }
    }

    fn fetch(&self) -> Fetch<'_> {
        Fetch {
            endpoint: &self.endpoint,
            options: &self.options,
            projector: self.projector.as_ref(),
            witness: None,
            spot_check_every: 0,
        }
    }

    /// With the header of each block, whose filter says whether logs were kept back.
    async fn read_proven(&self, first: u64, last: u64) -> Result<Ranged, IndexError> {
        let started = Instant::now();
        let headers = self.fetch().headers(first, last).await?;
        let (Some(start), Some(end)) = (headers.first().cloned(), headers.last().cloned()) else {
            return Err(inconsistent("a range without blocks".into()));
        };
        let mut sources = (*self.sources).clone();
        let blocks = self.fetch().blocks(headers, &mut sources).await?;
        let (node, sources) = (started.elapsed(), Arc::new(sources));
        let logs: usize = blocks.iter().map(|block| block.logs.len()).sum();
        self.sizer().note_answer(last - first + 1, logs, logs * 640);
        let (chain, known) = (self.chain, Arc::clone(&sources));
        let packed = decode(move || Packed::of_blocks(chain, blocks, &known)).await?;
        let (decode, last) = (started.elapsed() - node, block_row(&end)?);
        Ok(Ranged { first, parent: start.parent_hash, last, packed, sources, node, decode })
    }

    /// With the headers of its ends alone: that of the first links the range to the one before,
    /// that of the last is where the next one begins.
    async fn read_logs(&self, first: u64, last: u64) -> Result<Ranged, IndexError> {
        let started = Instant::now();
        let filter = self.sources.filter(self.options.addresses_max);
        let (ends, answer) = try_join(
            self.endpoint.headers_at(&[first, last]),
            self.endpoint.many_logs(&filter, first, last),
        )
        .await?;
        let decoded = answer.decoded;
        let mut logs = answer.value;
        self.sizer().note_answer(last - first + 1, logs.len(), answer.bytes);
        let whole = filter.addresses.is_empty();
        let sources = self.discover(first, last, (&mut logs, whole)).await?;
        let [start, end] = &ends[..] else {
            return Err(inconsistent("a header is missing".into()));
        };
        if start.number.to::<u64>() != first || end.number.to::<u64>() != last {
            return Err(inconsistent(format!("asked for blocks {first} and {last}, got others")));
        }
        for header in &ends {
            self.prove_end(header, &logs, &sources).await?;
        }
        let times = self.missing_times(&logs, &sources).await?;
        let node = started.elapsed().saturating_sub(decoded);
        let packing = Instant::now();
        let (chain, known, bounds) = (self.chain, Arc::clone(&sources), (first, last));
        let packed = decode(move || pack(chain, bounds, logs, &times, &known)).await??;
        let decode = decoded + packing.elapsed();
        let last = block_row(end)?;
        Ok(Ranged { first, parent: start.parent_hash, last, packed, sources, node, decode })
    }

    /// Contracts that these logs make known, and their logs of the same range, unless `whole`: then
    /// those are among them. Each round finds one more contract, and there are no more than logs.
    async fn discover(
        &self,
        first: u64,
        last: u64,
        (logs, whole): (&mut Vec<Log>, bool),
    ) -> Result<Arc<Sources>, IndexError> {
        let mut sources = Arc::clone(&self.sources);
        let mut looked_at = 0;
        loop {
            let mut found: Vec<Address> = Vec::new();
            for log in &logs[looked_at..] {
                if sources.is_projected(log)
                    && let Some(address) = self.projector.discover(&raw_log(log, None)?)
                    && Arc::make_mut(&mut sources).add(address)
                {
                    found.push(address);
                }
                if sources.is_factory(&log.address)
                    && let Some(child) = sources.named(&raw_log(log, None)?)
                    && Arc::make_mut(&mut sources).add_made(child.clone())
                {
                    found.push(child.address);
                }
            }
            looked_at = logs.len();
            if found.is_empty() || whole {
                return Ok(sources);
            }
            let filter = sources.filter_of(found, self.options.addresses_max);
            logs.extend(self.endpoint.many_logs(&filter, first, last).await?.value);
        }
    }

    /// Are all logs of this block there that its filter speaks of?
    async fn prove_end(
        &self,
        header: &Header,
        logs: &[Log],
        sources: &Sources,
    ) -> Result<(), IndexError> {
        let of_block = || logs.iter().filter(|log| log.block_number == header.number);
        let mut seen = HashSet::new();
        for log in of_block() {
            let inside = header.logs_bloom.contains_raw_log(log.address, &log.topics);
            if log.block_hash != header.hash || !inside {
                return Err(inconsistent(format!("block {} never held a log", header.number)));
            }
            seen.extend(log.topics.first().map(|topic| (log.address, *topic)));
        }
        if !sources.may_hold_others(&header.logs_bloom, &seen) {
            return Ok(());
        }
        let headers = vec![header.clone()];
        let blocks = self.fetch().blocks(headers, &mut sources.clone()).await?;
        let whole: usize = blocks.iter().map(|block| block.logs.len()).sum();
        let places: BTreeSet<_> =
            of_block().filter(|log| sources.accepts(log)).map(|log| log.log_index).collect();
        if places.len() < whole {
            metrics::counter!("indexer_incomplete_logs_total").increment(1);
            return Err(inconsistent(format!("logs of block {} are missing", header.number)));
        }
        Ok(())
    }

    /// Times of blocks whose logs do not say them, from headers, many at a time.
    async fn missing_times(
        &self,
        logs: &[Log],
        sources: &Sources,
    ) -> Result<BTreeMap<u64, Header>, IndexError> {
        let silent = logs.iter().filter(|log| log.block_timestamp.is_none());
        let numbers: BTreeSet<u64> =
            silent.filter(|log| sources.accepts(log)).map(|log| log.block_number.to()).collect();
        let numbers: Vec<u64> = numbers.into_iter().collect();
        let mut times = BTreeMap::new();
        for part in numbers.chunks(self.options.batch_max.max(1)) {
            let headers = self.endpoint.headers_at(part).await?;
            times.extend(part.iter().copied().zip(headers));
        }
        Ok(times)
    }
}

/// Work for the processor, away from the tasks that read and write.
async fn decode<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, IndexError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done),
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(inconsistent("the process is ending".into())),
    }
}

fn block_row(header: &Header) -> Result<BlockRow, IndexError> {
    Ok(BlockRow {
        number: header.number.to(),
        hash: header.hash,
        parent_hash: header.parent_hash,
        mined_at: time_of(header.timestamp, header.number.to())?,
    })
}

impl Packed {
    fn of_blocks(chain: ChainId, blocks: Vec<Block>, sources: &Sources) -> Self {
        let count = blocks.iter().map(|block| block.logs.len()).sum();
        let mut packed = Self::new(chain, count);
        for mut block in blocks {
            for log in &block.logs {
                packed.rows.push(log);
            }
            packed.children.extend(sources.children(block.logs.iter()));
            let (ours, mut others): (Vec<_>, Vec<_>) =
                block.logs.into_iter().partition(|log| sources.is_ours(log));
            block.logs = ours;
            others.retain(|log| sources.is_followed(&log.address));
            packed.followed.append(&mut others);
            if !block.logs.is_empty() {
                packed.projected.push(block);
            }
        }
        packed
    }
}
