//! Contracts that were added while the index goes on: read beside it and joined to it.
//!
//! ```text
//! below the window   range ─► ONE commit {raw logs, projections, the contract's own height}
//! at its edge        the rest, by headers up to the checkpoint's
//!                          ─► ONE commit {raw logs, projections, undo of the window, joined}
//! ```
//! Reading goes on in tasks of its own; the commits are made between those of the head, by the same
//! writer, and name the same checkpoint. Blocks below the window can't be given up, so no reorg
//! concerns what is read there; and nothing is given up while the join is made, since who follows
//! reorgs is who makes it.

use crate::{
    Answer, Batch, Block, FAILPOINTS, IndexError, IndexerOptions,
    additions::Loaded,
    backfill::{Ranged, Reader, Run, Sizer},
    choice::Choice,
    fetch::{Fetch, inconsistent},
    follow::Session,
    sources::Sources,
};
use chain::{Endpoint, Header};
use db::{
    checkpoints,
    index_children::{self, ChildRow},
    index_sources::{self, Beside, SourceRow},
    raw_logs::RawLog,
    raw_logs_copy::{self, CopyRows},
};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{sync::Notify, time::timeout};
use vocab::{Address, BlockRef};

/// A range beside aims at such a part of the logs of others, so that a new head does not wait long
/// for its commit.
const SHARE: usize = 4;
/// Doubts in a row after which what was read of a contract is taken for another branch's.
const DOUBTS_MAX: u32 = 5;

/// What is read beside the checkpoint.
pub(crate) struct Aside {
    /// Contracts that are not with the checkpoint, by address.
    pub(crate) rows: Vec<SourceRow>,
    /// What factories among them have made as far as they are read; and those that are followed no
    /// more, as long as they are theirs.
    pub(crate) children: Vec<ChildRow>,
    /// Contracts that are followed no more, and whose blocks can't be given up.
    pub(crate) ended: Vec<Address>,
    /// The first block at the end of which a contract of `Session::sources` is one of those.
    pub(crate) ends: Option<u64>,
    group: Option<Group>,
    sizer: Arc<Mutex<Sizer>>,
    choice: Choice,
    /// After trouble.
    rest: Option<(Instant, Duration)>,
    doubts: u32,
}

/// Contracts that stand at one block, and are read together.
struct Group {
    addresses: Vec<Address>,
    at: Beside,
    last: u64,
    run: Run,
}

impl Aside {
    pub(crate) fn new(options: &IndexerOptions) -> Self {
        let range_logs = options.range_logs / SHARE;
        let sizer = Sizer::new(&IndexerOptions { range_logs, ..*options });
        Self {
            rows: Vec::new(),
            children: Vec::new(),
            ended: Vec::new(),
            ends: None,
            group: None,
            sizer: Arc::new(Mutex::new(sizer)),
            choice: Choice::default(),
            rest: None,
            doubts: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn take(&mut self, loaded: Loaded) {
        let Loaded { rows, children, ended, ends } = loaded;
        (self.rows, self.children, self.ended, self.ends) = (rows, children, ended, ends);
    }

    fn rests(&self) -> bool {
        self.rest.is_some_and(|(until, _)| Instant::now() < until)
    }

    fn rest(&mut self, pause_max: Duration) {
        const FIRST: Duration = Duration::from_millis(200);
        let pause = self.rest.map_or(FIRST, |(_, before)| before * 2).min(pause_max);
        self.rest = Some((Instant::now() + pause, pause));
        self.choice.avoid();
        self.group = None;
    }

    fn trust(&mut self) {
        self.rest = None;
        self.doubts = 0;
        self.choice.trust();
    }
}

/// Where a contract stands that is not with the checkpoint.
fn stands(row: &SourceRow) -> Beside {
    row.beside.unwrap_or(Beside { height: 0, hash: None })
}

impl Session {
    /// Go on with what is read beside until there is a commit or may be a new head, or for `wait`.
    /// Trouble with endpoints is retried after a pause, and does not concern the head.
    pub(crate) async fn work_beside(
        &mut self,
        nudge: &Notify,
        wait: Duration,
    ) -> Result<(), IndexError> {
        if self.aside.rests() {
            let _ = timeout(wait, nudge.notified()).await;
            return Ok(());
        }
        match self.step_beside(nudge, wait).await {
            Ok(()) => Ok(()),
            Err(error) if error.is_endpoint() => {
                tracing::warn!(chain.id = %self.chain.id,
                    error = &error as &dyn std::error::Error,
                    "an endpoint failed while a contract was read beside the head");
                metrics::counter!("indexer_endpoint_failures_total", self.labels()).increment(1);
                self.aside.rest(self.options.back_off_max);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn step_beside(&mut self, nudge: &Notify, wait: Duration) -> Result<(), IndexError> {
        self.aside.choice.pick(&self.chain.endpoints);
        self.chain.identify(self.aside.choice.place()).await?;
        let Some(anchor) = self.window.front().map(|block| block.number) else {
            return Err(inconsistent("there is no window".into()));
        };
        // What is left of these is no more than what a window holds, and the window.
        let near = anchor.saturating_sub(self.options.window);
        let ripe: Vec<SourceRow> =
            self.aside.rows.iter().filter(|row| stands(row).height >= near).cloned().collect();
        if !ripe.is_empty() {
            return self.join(&ripe).await;
        }
        if self.aside.group.is_none() {
            self.aside.group = self.next_group(anchor);
        }
        let Some(group) = &mut self.aside.group else { return Ok(()) };
        let next = group.at.height + 1;
        let range = tokio::select! {
            biased;
            range = group.run.next(next) => range?,
            () = nudge.notified() => return Ok(()),
            () = tokio::time::sleep(wait) => return Ok(()),
        };
        FAILPOINTS.hit("beside_read");
        self.commit_beside(&range).await
    }

    /// Those that are furthest behind, up to where the next ones stand.
    fn next_group(&self, anchor: u64) -> Option<Group> {
        let lowest = self.aside.rows.iter().map(|row| stands(row).height).min()?;
        let (group, others): (Vec<&SourceRow>, Vec<_>) =
            self.aside.rows.iter().partition(|row| stands(row).height == lowest);
        let last = others.iter().map(|row| stands(row).height).fold(anchor, u64::min);
        let at = group.iter().map(|row| stands(row)).find(|at| at.hash.is_some());
        let at = at.unwrap_or(Beside { height: lowest, hash: None });
        let reader = self.reader_beside(&group);
        let ahead = self.options.ranges_in_flight.max(1);
        Some(Group {
            addresses: group.iter().map(|row| row.address).collect(),
            at,
            last,
            run: Run::new(reader, (lowest + 1, last), ahead),
        })
    }

    fn reader_beside(&self, rows: &[&SourceRow]) -> Reader {
        let rows: Vec<SourceRow> = rows.iter().map(|row| (*row).clone()).collect();
        Reader {
            chain: self.chain.id,
            endpoint: self.endpoint_beside().clone(),
            options: self.options,
            projector: Arc::clone(&self.projector),
            sources: Arc::new(self.sources_beside(&rows)),
            sizer: Arc::clone(&self.aside.sizer),
        }
    }

    fn endpoint_beside(&self) -> &Endpoint {
        let place = self.aside.choice.place();
        self.chain.endpoints.get(place).unwrap_or_else(|| self.chain.endpoint())
    }

    /// These contracts and what they have made, each from where it stands. Logs of theirs that are
    /// ours are there already.
    fn sources_beside(&self, rows: &[SourceRow]) -> Sources {
        let mut all = Vec::new();
        for row in rows {
            let Some(mut recorded) = self.projector.recorded_as(row) else { continue };
            let missing = stands(row).height + 1;
            if let Some(makes) = &recorded.makes {
                let children = self.aside.children.iter();
                let own = children.filter(|child| child.factory == row.address);
                let first = |child: &ChildRow| child.block_number.max(missing);
                all.extend(own.map(|child| makes.made(child.address, first(child))));
            }
            recorded.first_block = recorded.first_block.max(missing);
            all.push(recorded);
        }
        let other = |address: &Address| !rows.iter().any(|row| row.address == *address);
        let others = self.aside.rows.iter().map(|row| row.address).filter(other);
        let children = self.aside.children.iter().filter(|child| other(&child.factory));
        let others = others.chain(children.map(|child| child.address));
        let others = others.chain(self.aside.ended.iter().copied()).collect();
        Sources::beside(&self.sources, others, all)
    }

    /// Commit a range of the group under way: it lies below the window.
    async fn commit_beside(&mut self, range: &Ranged) -> Result<(), IndexError> {
        let Some(group) = &self.aside.group else { return Ok(()) };
        let (addresses, at, last) = (group.addresses.clone(), group.at, group.last);
        if at.hash.is_some_and(|hash| hash != range.parent) {
            return self.doubt(&addresses, range.first).await;
        }
        let (to, logs) = (range.last.block(), range.packed.rows.count());
        let mut tx = self.begin_beside().await?;
        FAILPOINTS.hit("beside_begun");
        let chain = self.chain.id;
        raw_logs_copy::record(&mut tx, &range.packed.rows).await?;
        index_children::record(&mut tx, chain, &range.packed.children).await?;
        let batch = self.settled(&range.packed.followed, &range.sources);
        let facts = self.projector.apply(&mut tx, &batch).await?;
        journal::record(&mut tx, &facts).await?;
        if !index_sources::record_read(&mut tx, chain, &addresses, at.height, to).await? {
            return Err(IndexError::Superseded);
        }
        FAILPOINTS.hit("before_beside_commit");
        tx.commit().await.map_err(db::DbError::from)?;
        FAILPOINTS.hit("after_beside_commit");
        self.aside.trust();
        let now = Beside { height: to.number, hash: Some(to.hash) };
        for row in self.aside.rows.iter_mut().filter(|row| addresses.contains(&row.address)) {
            row.beside = Some(now);
        }
        let children = range.packed.children.clone();
        let known = children.is_empty();
        if !known {
            // Whoever reads the head must leave them alone, and what was read ahead lacks them.
            let found = children.iter().map(|child| child.address);
            self.sources = Arc::new((*self.sources).clone().leaving_also(found));
            self.aside.children.extend(children);
        }
        match &mut self.aside.group {
            Some(group) if to.number < last && known => group.at = now,
            _ => self.aside.group = None,
        }
        tracing::debug!(chain.id = %chain, range.first, to.number, last, logs,
            contracts = addresses.len(), "a range was committed beside the head");
        metrics::counter!("indexer_beside_logs_total", self.labels()).increment(logs);
        Ok(())
    }

    pub(crate) fn settled<'a>(&self, followed: &'a [RawLog], sources: &'a Sources) -> Batch<'a> {
        Batch {
            chain_id: self.chain.id,
            levels: self.checkpoint.levels,
            blocks: &[],
            followed,
            sources,
            answers: &[],
            settled: true,
        }
    }

    /// Bring these contracts up to the checkpoint and have them go with it. All that is missing is
    /// read here, block by block, and linked to the checkpoint by headers.
    async fn join(&mut self, rows: &[SourceRow]) -> Result<(), IndexError> {
        let top = self.checkpoint.block;
        let lowest = rows.iter().map(|row| stands(row).height).min().unwrap_or(top.number);
        let mut sources = self.sources_beside(rows);
        let mut blocks = Vec::new();
        if lowest < top.number {
            let headers = self.headers_to(lowest + 1, top).await?;
            let parent = |height: u64| {
                let place = usize::try_from(height.checked_sub(lowest)?).ok()?;
                headers.get(place).map(|header| header.parent_hash)
            };
            let other = |row: &&SourceRow| {
                let at = stands(row);
                parent(at.height).zip(at.hash).is_some_and(|(ours, read)| ours != read)
            };
            if let Some(row) = rows.iter().find(other) {
                return self.doubt(&[row.address], stands(row).height + 1).await;
            }
            let most = self.bears();
            let fetch = self.fetch_beside();
            for part in headers.chunks(most) {
                blocks.extend(fetch.blocks(part.to_vec(), &mut sources).await?);
            }
        }
        let anchor = self.window.front().map_or(0, |block| block.number);
        let about = (blocks.as_slice(), anchor);
        let answers = self.ask_about(self.endpoint_beside(), about, &sources).await?;
        self.commit_join(rows, (&blocks, &answers), &sources).await?;
        self.look_for_unread();
        self.aside.trust();
        self.aside.group = None;
        self.load_sources().await
    }

    fn fetch_beside(&self) -> Fetch<'_> {
        Fetch {
            endpoint: self.endpoint_beside(),
            options: &self.options,
            projector: self.projector.as_ref(),
            witness: None,
            spot_check_every: self.options.spot_check_every,
        }
    }

    /// Headers that may be asked for at once.
    fn bears(&self) -> usize {
        let most = self.endpoint_beside().calls_max().unwrap_or(u64::MAX).min(self.options.window);
        usize::try_from(most.max(1)).unwrap_or(usize::MAX)
    }

    /// Headers from `first` up to our checkpoint, each the child of the one before.
    async fn headers_to(&self, first: u64, top: BlockRef) -> Result<Vec<Header>, IndexError> {
        let (fetch, step) = (self.fetch_beside(), self.bears());
        let mut headers: Vec<Header> = Vec::new();
        for from in (first..=top.number).step_by(step) {
            let to = top.number.min(from + step as u64 - 1);
            let part = fetch.headers(from, to).await?;
            let parent = part.first().map(|header| header.parent_hash);
            if headers.last().is_some_and(|last| Some(last.hash) != parent) {
                return Err(inconsistent(format!("block {from} has another parent")));
            }
            headers.extend(part);
        }
        if headers.last().map(|header| header.hash) != Some(top.hash) {
            return Err(inconsistent(format!("block {} is another than ours", top.number)));
        }
        Ok(headers)
    }

    async fn commit_join(
        &mut self,
        rows: &[SourceRow],
        (blocks, answers): (&[Block], &[Answer]),
        sources: &Sources,
    ) -> Result<(), IndexError> {
        let anchor = self.window.front().map_or(0, |block| block.number);
        let chain = self.chain.id;
        let logs: Vec<&RawLog> = blocks.iter().flat_map(|block| &block.logs).collect();
        let mut tx = self.begin_beside().await?;
        FAILPOINTS.hit("join_begun");
        raw_logs_copy::record(&mut tx, &CopyRows::of(chain, &logs)).await?;
        let children = sources.children(logs.iter().copied());
        index_children::record(&mut tx, chain, &children).await?;
        let followed = logs.iter().filter(|log| sources.is_followed(log));
        let (settled, live): (Vec<RawLog>, Vec<RawLog>) =
            followed.map(|log| (*log).clone()).partition(|log| log.block_number <= anchor);
        let mut facts = self.projector.apply(&mut tx, &self.settled(&settled, sources)).await?;
        let live = Batch { settled: false, answers, ..self.settled(&live, sources) };
        facts.extend(self.projector.apply(&mut tx, &live).await?);
        FAILPOINTS.hit("join_projected");
        for row in rows {
            let from = stands(row).height;
            if !index_sources::record_joined(&mut tx, chain, row.address, from).await? {
                return Err(IndexError::Superseded);
            }
            facts.push(self.joined_fact(row));
        }
        journal::record(&mut tx, &facts).await?;
        FAILPOINTS.hit("before_join_commit");
        tx.commit().await.map_err(db::DbError::from)?;
        FAILPOINTS.hit("after_join_commit");
        for row in rows {
            tracing::info!(chain.id = %chain, contract = %row.address, logs = logs.len(),
                height = self.checkpoint.block.number, "a contract goes with the head from now on");
        }
        Ok(())
    }

    /// What was read of these contracts, and what follows it, are of different branches: one of two
    /// endpoints was wrong. Ask again, and after some times begin anew.
    async fn doubt(&mut self, addresses: &[Address], block: u64) -> Result<(), IndexError> {
        self.aside.doubts += 1;
        if self.aside.doubts > DOUBTS_MAX {
            let mut tx = self.begin_beside().await?;
            for address in addresses {
                let anew =
                    index_sources::record_begun_anew(&mut tx, self.chain.id, *address).await?;
                tracing::error!(chain.id = %self.chain.id, contract = %address, anew,
                    "what was read of a contract is of another branch");
            }
            tx.commit().await.map_err(db::DbError::from)?;
            self.aside.doubts = 0;
            self.aside.group = None;
            self.load_sources().await?;
        }
        Err(inconsistent(format!("block {block} has another parent than was read before")))
    }

    /// Take up contracts that a command has added, let go of those that were removed; and notice,
    /// where the head stands still, that a command has taken the index back.
    ///
    /// # Errors
    /// [`IndexError::Superseded`], beside those of the database.
    pub(crate) async fn look_for_sources(&mut self) -> Result<(), IndexError> {
        let mut connection = self.db.acquire().await.map_err(db::DbError::from)?;
        let found = checkpoints::load(&mut connection, self.chain.id).await?;
        if found.is_none_or(|found| found.epoch != self.checkpoint.epoch) {
            return Err(IndexError::Superseded);
        }
        let rows = index_sources::load(&mut connection, self.chain.id).await?;
        drop(connection);
        let new = |row: &&SourceRow| {
            let known = self.aside.rows.iter().any(|one| one.address == row.address);
            row.beside.is_some() && !known
        };
        let new: Vec<SourceRow> = rows.iter().filter(new).cloned().collect();
        for row in &new {
            tracing::info!(chain.id = %self.chain.id, contract = %row.address,
                row.start_block, "a contract was added");
        }
        let settled = self.window.front().map_or(0, |block| block.number);
        if !new.is_empty() || self.aside.ends.is_some_and(|last| last <= settled) {
            self.load_sources().await?;
        }
        let count = self.aside.rows.len();
        metrics::gauge!("indexer_sources_backfilling", self.labels()).set(count as f64);
        Ok(())
    }
}
