//! The role: what is found, asked and fetched at the same time, each in a loop of its own that can
//! be cut off anywhere. Several processes may run it.

use crate::{
    Found, Options, Reader, Reason,
    ask::{self, Told},
    discover::{self, Sweep},
    fetch::FetcherError,
    place::{Place, substitute_id},
};
use chain::{Chain, RpcError};
use content::{BlockStore, StoreError};
use db::{
    Db, DbError, PooledConnection, checkpoints,
    token_metadata::{self as queue, Ask, Asked, Failed, Fetch, Read, TokenKey},
};
use futures_util::{StreamExt, stream::FuturesUnordered};
use std::{
    collections::HashSet,
    error::Error,
    time::{Duration, Instant},
};
use tokio::time::sleep;
use uuid::Uuid;
use vocab::{BlockRef, ChainId};

/// A node keeps the state of some 128 blocks: further behind the head nothing is asked.
const BEHIND_MAX: u64 = 64;
/// Between two sweeps, and between two pieces of one.
const SWEEP_PAUSE: Duration = Duration::from_secs(60);
/// After trouble with the database or the node.
const BACK_OFF: Duration = Duration::from_secs(2);
/// Until a token is asked again that nobody could tell of.
const LATER: time::Duration = time::Duration::seconds(5);
const RETRY_MAX: Duration = Duration::from_secs(86_400);
/// Hosts that one look finds, and looks that one claim takes.
const HOSTS: i64 = 256;
const LOOKS: usize = 16;
/// Between two looks at how long the queue is.
const MEASURE: Duration = Duration::from_secs(15);

/// What the role stands on.
#[derive(Debug)]
pub struct Config {
    pub db: Db,
    pub chain: Chain,
    /// Our own content.
    pub store: Option<BlockStore>,
    pub options: Options,
}

/// Resolve metadata until `shutdown`. What is under way then is nobody's when its claim runs out.
///
/// # Errors
/// [`FetcherError`] for options that make no sense.
pub async fn run(config: Config, shutdown: impl Future<Output = ()>) -> Result<(), FetcherError> {
    if !config.options.enabled {
        shutdown.await;
        return Ok(());
    }
    config.options.check()?;
    let reader = Reader::new(&config.options, config.store.clone())?;
    let resolver = Resolver { config, reader };
    tokio::select! {
        () = shutdown => {}
        () = resolver.finding() => {}
        () = resolver.asking() => {}
        () = resolver.fetching() => {}
        () = resolver.measuring() => {}
    }
    Ok(())
}

struct Resolver {
    config: Config,
    reader: Reader,
}

/// Trouble that is not the token's fault.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Node(#[from] RpcError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of tokens that were asked for.
#[derive(Default)]
struct Outcomes {
    asked: Vec<Asked>,
    read: Vec<Read>,
    failed: Vec<(TokenKey, Reason, u32)>,
}

impl Resolver {
    async fn finding(&self) {
        let (db, chain) = (&self.config.db, self.config.chain.id);
        let (mut sweep, mut rested) = (Some(Sweep::START), Instant::now());
        loop {
            let swept = match discover::follow(db, chain).await {
                Ok(seen) if seen > 0 => continue,
                Ok(_) => match sweep {
                    Some(place) => place.step(db, chain).await,
                    None if rested.elapsed() >= SWEEP_PAUSE => Ok(Some(Sweep::START)),
                    None => Ok(None),
                },
                Err(error) => Err(error),
            };
            match swept {
                Ok(next) => {
                    if sweep.is_some() && next.is_none() {
                        rested = Instant::now();
                    }
                    sweep = next;
                    sleep(self.config.options.tick).await;
                }
                Err(error) => back_off(&error.into()).await,
            }
        }
    }

    async fn asking(&self) {
        loop {
            match self.ask_some().await {
                Ok(0) => sleep(self.config.options.tick).await,
                Ok(asked) => {
                    let rate = f64::from(self.config.options.asks_per_second.max(1));
                    sleep(Duration::from_secs_f64(asked as f64 / rate)).await;
                }
                Err(error) => back_off(&error).await,
            }
        }
    }

    async fn connection(&self) -> Result<PooledConnection, DbError> {
        Ok(self.config.db.acquire().await?)
    }

    /// The index's block, when it is near the chain's head.
    async fn block(&self) -> Result<Option<BlockRef>, DbError> {
        let chain = &self.config.chain;
        let found = checkpoints::load(&mut *self.connection().await?, chain.id).await?;
        let head = chain.best_head();
        let near = |block: &BlockRef| head.is_none_or(|head| head <= block.number + BEHIND_MAX);
        Ok(found.map(|checkpoint| checkpoint.block).filter(near))
    }

    /// One batch; gives how many tokens were in it.
    async fn ask_some(&self) -> Result<usize, Trouble> {
        let Config { chain, options, .. } = &self.config;
        let Some(block) = self.block().await? else { return Ok(0) };
        let claim = Uuid::now_v7();
        let limit = i64::try_from(options.ask_batch).unwrap_or(i64::MAX);
        let mut connection = self.connection().await?;
        let hold = self.hold();
        let asks = queue::claim_asks(&mut connection, chain.id, claim, hold, limit).await?;
        // The chain may take its time.
        drop(connection);
        if asks.is_empty() {
            return Ok(0);
        }
        let (outcomes, trouble) = match ask::ask(chain, block.hash, &asks).await {
            Ok(told) => match self.read_here(&asks, told).await {
                Ok(outcomes) => (outcomes, None),
                Err(error) => (Outcomes::default(), Some(Trouble::from(error))),
            },
            Err(error) => (Outcomes::default(), Some(error.into())),
        };
        let done = self.record(claim, block, &outcomes).await?;
        let left: Vec<TokenKey> =
            asks.iter().map(|ask| ask.token).filter(|token| !done.contains(token)).collect();
        if !left.is_empty() {
            queue::release(&mut *self.connection().await?, chain.id, claim, &left, LATER).await?;
        }
        trouble.map_or(Ok(asks.len()), Err)
    }

    /// Sort what was told: read here, to be fetched, or failed.
    async fn read_here(
        &self,
        asks: &[Ask],
        told: Vec<Option<Told>>,
    ) -> Result<Outcomes, StoreError> {
        let mut outcomes = Outcomes::default();
        for (ask, told) in asks.iter().zip(told) {
            let Some(Told { uri, royalty }) = told else { continue };
            let mut asked = Asked { token: ask.token, royalty, place: None };
            let uri = uri.map(|uri| match ask.multi {
                true => substitute_id(&uri, ask.token.1),
                false => uri,
            });
            let most = self.config.options.document_bytes_max;
            let place = uri.and_then(|uri| Ok((Place::parse(&uri, most)?, uri)));
            let here = match place {
                Ok((place, uri)) => match self.reader.read_here(&place).await? {
                    Some(here) => Some(here),
                    None => {
                        asked.place = place.host().map(|host| (host, uri.trim().to_owned()));
                        None
                    }
                },
                Err(reason) => Some(Err(reason)),
            };
            match here {
                Some(Ok(found)) => outcomes.read.push(row(ask.token, found)),
                // What is on chain, or named by its hash, is the same the next time.
                Some(Err(reason)) if reason != Reason::AnswerUnusable => {
                    outcomes.failed.push((ask.token, reason, u32::MAX));
                }
                Some(Err(reason)) => outcomes.failed.push((ask.token, reason, ask.tries)),
                None => {}
            }
            outcomes.asked.push(asked);
        }
        Ok(outcomes)
    }

    /// One transaction. Gives the tokens that it holds something of: those whose claim was still
    /// there, if the block was.
    async fn record(
        &self,
        claim: Uuid,
        block: BlockRef,
        outcomes: &Outcomes,
    ) -> Result<HashSet<TokenKey>, DbError> {
        if outcomes.asked.is_empty() {
            return Ok(HashSet::new());
        }
        let chain = self.config.chain.id;
        let mut tx = db::begin(&self.config.db).await?;
        let done = queue::record_asked(&mut tx, chain, claim, block, &outcomes.asked).await?;
        let done: HashSet<TokenKey> = done.into_iter().collect();
        let read: Vec<Read> =
            outcomes.read.iter().filter(|read| done.contains(&read.token)).cloned().collect();
        queue::record_read(&mut tx, chain, claim, &read).await?;
        let failed = outcomes.failed.iter().filter(|(token, ..)| done.contains(token));
        let failed: Vec<Failed> =
            failed.map(|(token, reason, tries)| self.failed(*token, *reason, *tries)).collect();
        queue::record_failed(&mut tx, chain, claim, &failed).await?;
        tx.commit().await.map_err(DbError::from)?;
        count_resolved(chain, "here", read.len());
        failed.iter().for_each(|failed| count_failed(chain, failed.reason));
        Ok(done)
    }

    async fn fetching(&self) {
        let most = self.config.options.fetches_max;
        let mut under_way = FuturesUnordered::new();
        let mut after = String::new();
        loop {
            let free = most.saturating_sub(under_way.len());
            // Looking costs a query: not for each document.
            if self.config.options.network && free * 4 >= most {
                match self.claim_fetches(free, &mut after).await {
                    Ok((claim, fetches)) => {
                        under_way.extend(fetches.into_iter().map(|fetch| self.fetch(claim, fetch)));
                    }
                    Err(error) => back_off(&error.into()).await,
                }
            }
            tokio::select! {
                Some(()) = under_way.next(), if !under_way.is_empty() => {}
                () = sleep(self.config.options.tick) => {}
            }
        }
    }

    /// Claim documents of hosts that may be asked, a few of each, going round the hosts.
    async fn claim_fetches(
        &self,
        free: usize,
        after: &mut String,
    ) -> Result<(Uuid, Vec<Fetch>), DbError> {
        let chain = self.config.chain.id;
        let mut connection = self.connection().await?;
        let (claim, mut left, mut wanted) = (Uuid::now_v7(), free, Vec::new());
        for _ in 0..LOOKS {
            let hosts = queue::load_hosts(&mut connection, chain, after, HOSTS).await?;
            if hosts.is_empty() {
                // The last one was passed: the next look begins with the first.
                after.clear();
                break;
            }
            for (host, due) in hosts {
                if left == 0 {
                    break;
                }
                after.clone_from(&host);
                let count = if due { self.reader.free(&host).min(left) } else { 0 };
                if count > 0 {
                    left -= count;
                    wanted.push((host, u32::try_from(count).unwrap_or(u32::MAX)));
                }
            }
            if left == 0 {
                break;
            }
        }
        if wanted.is_empty() {
            return Ok((claim, Vec::new()));
        }
        let hold = self.hold();
        let fetches = queue::claim_fetches(&mut connection, chain, claim, hold, &wanted).await?;
        Ok((claim, fetches))
    }

    /// One document, to its end.
    fn fetch(&self, claim: Uuid, fetch: Fetch) -> impl Future<Output = ()> + '_ {
        // From now on, so that the next look counts it.
        let permit = self.reader.enter(&fetch.host);
        async move {
            let begun = Instant::now();
            let most = self.config.options.document_bytes_max;
            let found = match Place::parse(&fetch.uri, most) {
                Ok(place) => self.reader.fetch(&place).await,
                Err(reason) => Err(reason),
            };
            drop(permit);
            metrics::histogram!("metadata_fetch_seconds", "chain" => self.chain())
                .record(begun.elapsed().as_secs_f64());
            let (token_id, contract) = (fetch.token.1, fetch.token.0);
            if let Err(reason) = &found {
                tracing::debug!(%contract, %token_id, host = fetch.host, %reason, "no metadata");
            }
            if let Err(error) = self.record_fetched(claim, &fetch, found).await {
                // The claim runs out, and it is done again.
                let error = &error as &dyn Error;
                tracing::warn!(%contract, %token_id, error, "metadata was read and not stored");
            }
        }
    }

    async fn record_fetched(
        &self,
        claim: Uuid,
        fetch: &Fetch,
        found: Result<Found, Reason>,
    ) -> Result<(), DbError> {
        let chain = self.config.chain.id;
        let mut tx = db::begin(&self.config.db).await?;
        match found {
            Ok(found) => {
                let read = [row(fetch.token, found)];
                let done = queue::record_read(&mut tx, chain, claim, &read).await?;
                tx.commit().await.map_err(DbError::from)?;
                count_resolved(chain, "host", done.len());
            }
            Err(reason) => {
                let failed = [self.failed(fetch.token, reason, fetch.tries)];
                queue::record_failed(&mut tx, chain, claim, &failed).await?;
                tx.commit().await.map_err(DbError::from)?;
                count_failed(chain, reason.as_str());
            }
        }
        Ok(())
    }

    fn failed(&self, token: TokenKey, reason: Reason, tries: u32) -> Failed {
        let Options { retry, tries_max, .. } = self.config.options;
        let last = reason.is_final() || tries >= tries_max;
        let pause = retry.saturating_mul(4_u32.saturating_pow(tries.saturating_sub(1)));
        let pause = time::Duration::try_from(pause.min(RETRY_MAX)).unwrap_or_default();
        Failed { token, reason: reason.as_str(), retry: (!last).then_some(pause) }
    }

    async fn measuring(&self) {
        loop {
            let depth = async {
                let mut connection = self.connection().await?;
                queue::load_depth(&mut connection, self.config.chain.id).await
            };
            match depth.await {
                Ok((due, all)) => {
                    let labels = || [("chain", self.chain())];
                    metrics::gauge!("metadata_due", &labels()).set(due as f64);
                    metrics::gauge!("metadata_waiting", &labels()).set(all as f64);
                    let resting = self.reader.resting();
                    metrics::gauge!("metadata_hosts_resting", &labels()).set(resting as f64);
                }
                Err(error) => tracing::debug!(error = &error as &dyn Error, "not measured"),
            }
            sleep(MEASURE).await;
        }
    }

    /// For metrics.
    fn chain(&self) -> String {
        self.config.chain.id.to_string()
    }

    fn hold(&self) -> time::Duration {
        time::Duration::try_from(self.config.options.claim).unwrap_or(time::Duration::MINUTE)
    }
}

/// A document as it is stored. Of traits those that can be told apart are searched by.
fn row(token: TokenKey, Found { document, verified }: Found) -> Read {
    let traits = document
        .attributes
        .iter()
        .map(|attribute| (attribute.trait_type.clone().unwrap_or_default(), attribute.text()));
    let traits: HashSet<(String, String)> = traits.filter(|(_, text)| !text.is_empty()).collect();
    Read {
        token,
        attributes: serde_json::to_value(&document.attributes).unwrap_or_default(),
        name: document.name,
        description: document.description,
        image: document.image,
        animation_url: document.animation_url,
        external_url: document.external_url,
        traits: traits.into_iter().collect(),
        verified,
    }
}

async fn back_off(error: &Trouble) {
    tracing::warn!(error = error as &dyn Error, "metadata waits");
    sleep(BACK_OFF).await;
}

fn count_resolved(chain: ChainId, how: &'static str, count: usize) {
    metrics::counter!("metadata_resolved_total", "chain" => chain.to_string(), "how" => how)
        .increment(count as u64);
}

fn count_failed(chain: ChainId, reason: &'static str) {
    metrics::counter!("metadata_failed_total", "chain" => chain.to_string(), "reason" => reason)
        .increment(1);
}
