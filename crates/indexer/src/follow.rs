//! One elected writer at work.

use crate::{
    FAILPOINTS, IndexError, IndexerOptions, Projector,
    additions::load_sources,
    ask::Unread,
    backfill::{Progress, Sizer},
    beside::Aside,
    choice::Choice,
    election::Signals,
    fetch::Fetch,
    sources::Sources,
    standings::Standings,
};
use chain::{Chain, Endpoint, Header};
use db::{
    Db, blocks,
    checkpoints::{Checkpoint, Election},
    index_builds,
};
use metrics::Label;
use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::time::{sleep, timeout};
use vocab::BlockRef;

/// How often the holder of the advisory lock makes sure of it.
const CHECK: Duration = Duration::from_secs(1);

/// What an elected writer knows. It is dropped whenever it may be wrong.
pub(crate) struct Session {
    pub(crate) db: Db,
    /// What is committed goes through one connection, which keeps its plans.
    pub(crate) commits: Db,
    pub(crate) chain: Chain,
    pub(crate) options: IndexerOptions,
    pub(crate) projector: Arc<dyn Projector>,
    pub(crate) checkpoint: Checkpoint,
    /// Our canonical blocks from the anchor to the checkpoint.
    pub(crate) window: VecDeque<BlockRef>,
    pub(crate) sources: Arc<Sources>,
    /// What is not with the checkpoint yet.
    pub(crate) aside: Aside,
    /// How much of settled blocks is asked for at once.
    pub(crate) sizer: Arc<Mutex<Sizer>>,
    /// Of the run over settled blocks that was last.
    pub(crate) progress: Option<Progress>,
    /// The secondary indexes are there.
    indexed: bool,
    /// How far contracts were asked for what is not known.
    pub(crate) unread: Unread,
    /// Which endpoint is in use, and what speaks against the others.
    pub(crate) choice: Choice,
    /// As configured; less is asked for at once after failures.
    batch_max: usize,
    standings: Standings,
}

/// What a step has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// There is more to do at once.
    Behind,
    /// Nothing to do until the head moves.
    AtHead,
}

impl Session {
    pub(crate) async fn open(
        db: Db,
        chain: Chain,
        projector: Arc<dyn Projector>,
        options: IndexerOptions,
        checkpoint: Checkpoint,
    ) -> Result<Self, IndexError> {
        let mut connection = db.acquire().await.map_err(db::DbError::from)?;
        let window = blocks::load_window(&mut connection, chain.id).await?.into();
        drop(connection);
        let mut session = Self {
            commits: db::apart(&db, 1),
            db,
            chain,
            options,
            projector,
            checkpoint,
            window,
            sources: Arc::new(Sources::of_others(Vec::new())),
            aside: Aside::new(&options),
            sizer: Arc::new(Mutex::new(Sizer::new(&options))),
            progress: None,
            indexed: false,
            unread: Unread::default(),
            choice: Choice::default(),
            batch_max: options.batch_max.max(1),
            standings: Standings::default(),
        };
        session.note_canonical();
        session.load_sources().await?;
        Ok(session)
    }

    /// Follow the chain until the database or a rival ends it. Trouble with endpoints is retried
    /// for ever.
    pub(crate) async fn follow(
        &mut self,
        election: &mut Election,
        signals: &Signals,
    ) -> Result<Infallible, IndexError> {
        let poll =
            (self.chain.block_time / 4).clamp(Duration::from_millis(50), Duration::from_secs(2));
        let mut checked = Instant::now();
        let mut pause = poll;
        let mut nudged = false;
        loop {
            // Between heads, if they leave the time: a new one is not kept waiting.
            if checked.elapsed() > if nudged { 3 * CHECK } else { CHECK } {
                election.check().await?;
                self.tell_endpoints().await?;
                self.look_for_sources().await?;
                checked = Instant::now();
            }
            let step = self.step(election).await;
            nudged = false;
            self.note_canonical();
            match step {
                Ok(Step::Behind) => {
                    pause = poll;
                    self.trust_endpoint();
                }
                Ok(Step::AtHead) => {
                    pause = poll;
                    self.trust_endpoint();
                    if self.aside.is_empty() {
                        if self.all_read() {
                            signals.at_head.notify_one();
                        }
                        // A time-out is the poll that makes up for lost notices.
                        nudged = timeout(poll, signals.nudge.notified()).await.is_ok();
                    } else {
                        self.work_beside(&signals.nudge, poll).await?;
                    }
                }
                Err(error) if error.is_endpoint() => {
                    self.distrust_endpoint(&error);
                    sleep(pause).await;
                    pause = (pause * 2).min(self.options.back_off_max);
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn step(&mut self, election: &mut Election) -> Result<Step, IndexError> {
        self.choice.pick(&self.chain.endpoints);
        self.chain.identify(self.choice.place()).await?;
        let head = self.endpoint().head().await?;
        let learnt = Instant::now();
        let top = head.number.to::<u64>();
        self.chain.endpoints.note_head(self.choice.place(), top);
        let height = self.checkpoint.block.number;
        self.gauge(top);
        if top <= height {
            return self.look_at_lower_head(&head).await;
        }
        let first = height + 1;
        self.learn_finalized().await?;
        let settled_top = self.floor(top);
        if first <= settled_top {
            self.backfill(settled_top, top, election).await?;
            self.gauge(top);
            return Ok(Step::Behind);
        }
        self.build_indexes().await?;
        // What is read at once is lost at once: no more than the endpoint bears.
        let most = self.endpoint().calls_max().unwrap_or(u64::MAX).min(self.options.window);
        let last = top.min(height.saturating_add(most.max(1)));
        let headers =
            if first == top { vec![head] } else { self.fetch().headers(first, last).await? };
        let parent = headers.first().map(|header| header.parent_hash);
        if parent != Some(self.checkpoint.block.hash) {
            self.reconcile(top).await?;
            return Ok(Step::Behind);
        }
        let mut sources = (*self.sources).clone();
        let new = self.fetch().blocks(headers, &mut sources).await?;
        let answers = self.ask_about(self.endpoint(), (&new, height), &sources).await?;
        let fetched = learnt.elapsed();
        let sources = Arc::new(sources);
        // Levels count from what we have committed.
        self.commit_blocks((&new, &answers), &sources, last).await?;
        self.sources = sources;
        let logs: usize = new.iter().map(|block| block.logs.len()).sum();
        let committed = learnt.elapsed() - fetched;
        metrics::histogram!("indexer_commit_seconds", self.labels())
            .record(committed.as_secs_f64());
        tracing::debug!(chain.id = %self.chain.id, first, last, logs, ?fetched, ?committed,
            "blocks committed");
        metrics::histogram!("indexer_head_to_commit_seconds", self.labels())
            .record(learnt.elapsed().as_secs_f64());
        self.gauge(top);
        if last == top { self.at_head().await } else { Ok(Step::Behind) }
    }

    /// The endpoint's head is ours: there is time for what is not known yet.
    async fn at_head(&mut self) -> Result<Step, IndexError> {
        Ok(if self.read_unread().await? { Step::Behind } else { Step::AtHead })
    }

    /// A head that is no higher than ours is a reorg only when it has another hash at a height
    /// that we know; else the endpoint lags.
    async fn look_at_lower_head(&mut self, head: &Header) -> Result<Step, IndexError> {
        let theirs = head.block();
        let ours = self.window.iter().find(|block| block.number == theirs.number);
        if theirs == self.checkpoint.block {
            return self.at_head().await;
        }
        if ours.is_none_or(|ours| ours.hash == theirs.hash) {
            return Ok(Step::AtHead);
        }
        self.reconcile(theirs.number).await?;
        Ok(Step::Behind)
    }

    pub(crate) fn fetch(&self) -> Fetch<'_> {
        Fetch {
            endpoint: self.endpoint(),
            options: &self.options,
            projector: self.projector.as_ref(),
            witness: self.witness(),
            spot_check_every: self.options.spot_check_every,
        }
    }

    /// The best endpoint beside the one in use.
    fn witness(&self) -> Option<&Endpoint> {
        let pool = &self.chain.endpoints;
        let other = pool.order().into_iter().find(|place| *place != self.choice.place());
        other.and_then(|place| pool.get(place))
    }

    /// What is left out while settled blocks are loaded, before the index counts as caught up.
    async fn build_indexes(&mut self) -> Result<(), IndexError> {
        if self.indexed {
            return Ok(());
        }
        FAILPOINTS.hit("before_index_build");
        let mut connection = self.db.acquire().await.map_err(db::DbError::from)?;
        index_builds::ensure(&mut connection).await?;
        FAILPOINTS.hit("after_index_build");
        self.indexed = true;
        Ok(())
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        self.chain.endpoints.get(self.choice.place()).unwrap_or_else(|| self.chain.endpoint())
    }

    /// Our headers decide where endpoints are at odds.
    fn note_canonical(&self) {
        self.chain.endpoints.note_canonical(self.window.iter().copied());
    }

    fn trust_endpoint(&mut self) {
        self.choice.trust();
        self.options.batch_max = (self.options.batch_max * 2).min(self.batch_max);
    }

    /// Facts for operators: which endpoints are kept out or left behind, and which no longer are.
    async fn tell_endpoints(&mut self) -> Result<(), IndexError> {
        let changes = self.standings.changes(&self.chain.endpoints.states(), Instant::now());
        if changes.is_empty() {
            return Ok(());
        }
        let facts: Vec<_> =
            changes.into_iter().map(|(place, state)| self.endpoint_fact(place, state)).collect();
        let mut tx = db::begin(&self.db).await?;
        journal::record(&mut tx, &facts).await?;
        tx.commit().await.map_err(db::DbError::from)?;
        Ok(())
    }

    fn distrust_endpoint(&mut self, error: &IndexError) {
        let host = self.endpoint().host().to_owned();
        tracing::warn!(chain.id = %self.chain.id, endpoint = %host,
            error = error as &dyn std::error::Error, "an endpoint failed");
        metrics::counter!("indexer_endpoint_failures_total", self.labels()).increment(1);
        match error {
            IndexError::Inconsistent(_) => self.chain.endpoints.distrust(self.choice.place()),
            IndexError::Lied(_) if self.chain.endpoints.accuse(self.choice.place()) => {
                tracing::error!(chain.id = %self.chain.id, endpoint = %host,
                    "an endpoint was proven wrong and is kept out");
            }
            // A shorter request may pass where a long one did not.
            IndexError::Rpc(_) => {
                self.options.batch_max = (self.options.batch_max / 2).max(1);
            }
            _ => {}
        }
        self.choice.avoid();
    }

    pub(crate) async fn load_sources(&mut self) -> Result<(), IndexError> {
        let mut connection = self.db.acquire().await.map_err(db::DbError::from)?;
        let projector = self.projector.as_ref();
        let settled = self.window.front().map_or(0, |block| block.number);
        let (sources, beside) =
            load_sources(&mut connection, (self.chain.id, settled), projector).await?;
        self.sources = Arc::new(sources);
        self.aside.take(beside);
        Ok(())
    }

    fn gauge(&self, top: u64) {
        let height = self.checkpoint.block.number;
        metrics::gauge!("indexer_last_block", self.labels()).set(height as f64);
        metrics::gauge!("indexer_chain_lag", self.labels()).set(top.saturating_sub(height) as f64);
    }

    pub(crate) fn labels(&self) -> Vec<Label> {
        vec![Label::new("chain", self.chain.id.to_string())]
    }
}
