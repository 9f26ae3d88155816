//! What the chain made of it: receipts on our header chain, levels, reorgs, lost nonces.

use crate::{
    FAILPOINTS, Reason,
    lane::{Lane, LaneError},
    ledger,
    moves::{Move, status},
    planted::Fault,
    pulse::Head,
    send::OpenNonce,
    stop::End,
    take::CALLS_MAX,
};
use alloy_primitives::U64;
use chain::{CallRequest, Receipt, RpcError};
use db::{
    DbError,
    mined_blocks::{self, Mined, Miner},
    nonces, transactions,
};
use serde_json::json;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;
use vocab::{B256, BlockRef, Bytes, JobStatus, Level, LevelHeights};

/// Jobs whose state is raised or taken back in one commit.
const MOVES_MAX: i64 = 500;
/// What a job of ours is called that only fills a nonce which is missing in the ledger.
pub(crate) const FILL_KIND: &str = "nonce_fill";

/// Receipts of one look.
#[derive(Default)]
pub(crate) struct Found {
    /// With the attempt's hash as key.
    pub receipts: HashMap<B256, Receipt>,
    /// Hashes of which the node said that it has no receipt.
    none: HashSet<B256>,
}

impl Lane {
    /// Bring jobs in line with the chain, as of our head.
    pub async fn confirm(&mut self, head: Option<Head>) -> Result<(), LaneError> {
        let Some(Head { levels, .. }) = head else { return Ok(()) };
        self.take_back().await?;
        let open = self.load_open().await?;
        self.on_chain = self.context.config.chain.read().transaction_count(self.address()).await?;
        self.watch_drift().await?;
        let passed: Vec<&OpenNonce> =
            open.iter().filter(|nonce| nonce.nonce < self.on_chain).collect();
        if !passed.is_empty() {
            let found = self.look_for_receipts(&passed).await;
            FAILPOINTS.hit("after_receipts");
            self.record_mined(&passed, &found, levels).await?;
            let missing: Vec<&OpenNonce> = passed
                .iter()
                .copied()
                .filter(|nonce| nonce.hashes().all(|hash| found.none.contains(&hash)))
                .collect();
            self.give_up_lost(&missing, levels).await?;
        }
        Ok(())
    }

    /// Jobs whose block left our chain go back to `submitted`, and their bytes out again.
    async fn take_back(&mut self) -> Result<(), LaneError> {
        loop {
            let mut connection = self.db().acquire().await.map_err(DbError::from)?;
            let orphans =
                mined_blocks::load_orphaned(&mut connection, self.miner(), MOVES_MAX).await?;
            drop(connection);
            if orphans.is_empty() {
                return Ok(());
            }
            let ids = self.record_back(&orphans.iter().collect::<Vec<_>>()).await?;
            metrics::counter!("transactor_reorged_total").increment(ids.len() as u64);
            let open = self.load_open().await?;
            let back: Vec<&OpenNonce> = open.iter().filter(|n| ids.contains(&n.id)).collect();
            if self.planted(Fault::NonceRebound) {
                return self.record_lost(&back).await;
            }
            self.send_again(&back).await?;
            if ids.is_empty() {
                return Ok(());
            }
        }
    }

    /// These jobs are in no block of our chain. Gives the ids of those that were not moved before.
    async fn record_back(&self, jobs: &[&Mined]) -> Result<Vec<Uuid>, LaneError> {
        let moves: Vec<Move> = jobs
            .iter()
            .map(|job| Move {
                tx_hash: job.tx_hash.map(B256::from),
                reverting: true,
                ..moved(job, JobStatus::Submitted)
            })
            .collect();
        let blocks: HashSet<B256> = jobs.iter().map(|job| job.block_hash).collect();
        let blocks: Vec<B256> = blocks.into_iter().collect();
        let mut transaction = self.begin().await?;
        let ids = self.context.record_moves(&mut transaction, &moves).await?;
        let ids: Vec<Uuid> = ids.into_iter().collect();
        nonces::record_state(&mut transaction, &ids, "sent").await?;
        mined_blocks::record_levels(&mut transaction, self.miner(), &blocks).await?;
        transaction.commit().await.map_err(DbError::from)?;
        Ok(ids)
    }

    fn miner(&self) -> Miner {
        Miner { chain: self.context.chain_id(), wallet: self.address() }
    }

    /// The chain is beyond our ledger: somebody else has the key. We go on above.
    async fn watch_drift(&self) -> Result<(), LaneError> {
        let mut connection = self.db().acquire().await.map_err(DbError::from)?;
        let (chain, address) = (self.context.chain_id(), self.address());
        let last = nonces::load_last(&mut connection, chain, address).await?;
        let last = last.map(i64::cast_unsigned);
        let drift = ledger::drift(last, self.on_chain);
        let labels = [("wallet", address.to_string()), ("chain_id", chain.to_string())];
        if drift > 0 {
            tracing::error!(wallet = %address, drift, "somebody else uses this wallet's key");
            metrics::counter!("transactor_nonce_drift_total", &labels).increment(1);
        }
        let lag = last.map_or(0, |last| (last + 1).saturating_sub(self.on_chain));
        #[allow(clippy::cast_precision_loss)]
        metrics::gauge!("transactor_nonce_lag", &labels).set(lag as f64);
        Ok(())
    }

    async fn look_for_receipts(&self, nonces: &[&OpenNonce]) -> Found {
        let endpoint = self.context.config.chain.read();
        let hashes: Vec<B256> = nonces.iter().flat_map(|nonce| nonce.hashes()).collect();
        let mut found = Found::default();
        for chunk in hashes.chunks(CALLS_MAX) {
            let answers = match endpoint.receipts(chunk).await {
                Ok(answers) => answers,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "no receipts now");
                    continue;
                }
            };
            for (hash, answer) in chunk.iter().zip(answers) {
                match answer {
                    Ok(Some(receipt)) => drop(found.receipts.insert(*hash, receipt)),
                    Ok(None) => drop(found.none.insert(*hash)),
                    Err(_) if self.planted(Fault::ErrorIsMissing) => drop(found.none.insert(*hash)),
                    // Nothing is known of this one.
                    Err(error) => tracing::warn!(error = &error as &dyn std::error::Error,
                        tx_hash = %hash, "no receipt now"),
                }
            }
        }
        found
    }

    /// Receipts count when their block is on our chain; others wait for the indexer.
    async fn record_mined(
        &mut self,
        nonces: &[&OpenNonce],
        found: &Found,
        levels: LevelHeights,
    ) -> Result<(), LaneError> {
        if found.receipts.is_empty() {
            return Ok(());
        }
        let ours = self.load_ours(found, levels).await?;
        let disputed = self.disputed_reverts(found).await;
        let mut moves = Vec::new();
        for nonce in nonces {
            let mined = nonce.attempts.iter().find_map(|attempt| {
                let receipt = found.receipts.get(&B256::from(attempt.tx_hash?))?;
                let certain = !disputed.contains(&receipt.transaction_hash);
                (certain && ours.contains(&receipt.block_hash)).then_some((attempt, receipt))
            });
            let Some((attempt, receipt)) = mined else { continue };
            let reason = self.why(nonce, attempt.void, receipt).await;
            moves.push(Move {
                reverted: reason.is_some(),
                reason,
                tx_hash: Some(receipt.transaction_hash),
                block: Some(receipt.block()),
                ..nonce.moved(JobStatus::Tentative)
            });
            metrics::histogram!("transactor_stage_seconds", "stage" => "reserved_to_mined")
                .record(nonce.attempts.first().map_or(0.0, |first| first.age));
        }
        if moves.is_empty() {
            return Ok(());
        }
        let mut transaction = self.begin().await?;
        let ids = self.context.record_moves(&mut transaction, &moves).await?;
        let ids: Vec<Uuid> = ids.into_iter().collect();
        nonces::record_state(&mut transaction, &ids, "mined").await?;
        mined_blocks::record(&mut transaction, &ids).await?;
        FAILPOINTS.hit("before_mined");
        transaction.commit().await.map_err(DbError::from)?;
        FAILPOINTS.hit("after_mined");
        self.in_flight = self.in_flight.saturating_sub(ids.len());
        let ends: Vec<(Uuid, bool)> =
            moves.iter().map(|mined| (mined.id, mined.reverted)).collect();
        self.note_ends(&ends).await
    }

    /// Which blocks of these receipts are on our chain: in our headers, or final and below them (we
    /// were away for longer than they reach back), where the endpoints decide.
    async fn load_ours(
        &self,
        found: &Found,
        levels: LevelHeights,
    ) -> Result<HashSet<B256>, LaneError> {
        let blocks: HashSet<BlockRef> = found.receipts.values().map(Receipt::block).collect();
        let hashes: Vec<B256> = blocks.iter().map(|block| block.hash).collect();
        let mut connection = self.db().acquire().await.map_err(DbError::from)?;
        let chain = self.context.chain_id();
        let ours = transactions::load_canonical(&mut connection, chain, &hashes).await?;
        let mut ours: HashSet<B256> = ours.into_iter().collect();
        if ours.len() == blocks.len() {
            return Ok(ours);
        }
        let oldest = db::blocks::load_oldest(&mut connection, chain).await?;
        drop(connection);
        let old = |block: &BlockRef| {
            oldest.is_some_and(|oldest| block.number < oldest)
                && levels.level(block.number) == Level::Final
        };
        let old: Vec<BlockRef> = blocks.into_iter().filter(old).collect();
        ours.extend(self.agree_on_blocks(old).await);
        Ok(ours)
    }

    /// Why a mined transaction has no effect; none when it has.
    async fn why(&self, nonce: &OpenNonce, void: bool, receipt: &Receipt) -> Option<Reason> {
        if nonce.kind == FILL_KIND {
            return None;
        }
        if void {
            if let Some(ends) = nonce.newest().stop_as.as_deref() {
                let end = End::asked(ends == "cancelled", ends == "expired");
                return end.map(|end| end.reason);
            }
            // Not why it waited for consent, before it had this nonce for good.
            let said = nonce.attempts.iter().filter_map(|attempt| attempt.sent_error.as_deref());
            let refusal = said.into_iter().find(|said| !said.starts_with("approval_required: "));
            let refusal = refusal.unwrap_or("its nonce was voided");
            return Some(match refusal.starts_with("signer_refused: ") {
                true => Reason::parse(refusal),
                false => Reason::new("node_refused", refusal),
            });
        }
        if receipt.succeeded() {
            return None;
        }
        Some(self.replay(nonce.id, receipt).await.unwrap_or_else(|| {
            Reason::new("reverted", "it reverted on chain; the node does not say why")
        }))
    }

    /// Run a reverted call again on the state around its block.
    async fn replay(&self, id: Uuid, receipt: &Receipt) -> Option<Reason> {
        let mut connection = self.db().acquire().await.ok()?;
        let call = transactions::load_call(&mut connection, id).await.ok()??;
        drop(connection);
        let request = CallRequest {
            from: self.address(),
            to: call.recipient.map(Into::into),
            value: call.value_wei,
            data: call.input.into(),
        };
        let number: u64 = receipt.block_number.to();
        for at in [number, number.saturating_sub(1)] {
            let answer: Result<Bytes, RpcError> = self
                .context
                .config
                .chain
                .read()
                .call("eth_call", json!([request, U64::from(at)]))
                .await;
            let reason = answer.err().and_then(|e| self.context.config.error_names.of_call(&e));
            if reason.is_some() {
                return reason;
            }
        }
        None
    }

    /// Raise mined jobs to the level that their block has reached.
    pub async fn raise(&mut self, head: Option<Head>) -> Result<(), LaneError> {
        let Some(Head { levels, .. }) = head else { return Ok(()) };
        self.judge_old(levels).await?;
        if let Some(height) = levels.final_ {
            self.raise_to(JobStatus::Final, &["tentative", "auditable"], height).await?;
        }
        if let Some(height) = levels.auditable {
            self.raise_to(JobStatus::Auditable, &["tentative"], height).await?;
        }
        Ok(())
    }

    async fn raise_to(
        &self,
        level: JobStatus,
        from: &[&str],
        height: u64,
    ) -> Result<(), LaneError> {
        let states: Vec<String> = from.iter().map(|&state| state.to_owned()).collect();
        loop {
            let mut connection = self.db().acquire().await.map_err(DbError::from)?;
            let height = height.cast_signed();
            let of = self.miner();
            let mined =
                mined_blocks::load_rising(&mut connection, of, &states, height, MOVES_MAX).await?;
            drop(connection);
            let moves: Vec<Move> = mined.iter().map(|job| raised(job, level)).collect();
            let moves = self.hold_disputed(moves, &voids(&mined)).await;
            self.record_level(&moves, level).await?;
            if moves.len() < usize::try_from(MOVES_MAX).unwrap_or(usize::MAX) {
                return Ok(());
            }
        }
    }

    async fn record_level(&self, moves: &[Move], level: JobStatus) -> Result<(), LaneError> {
        if moves.is_empty() {
            return Ok(());
        }
        let mut transaction = self.begin().await?;
        let ids = self.context.record_moves(&mut transaction, moves).await?;
        if level == JobStatus::Final {
            let ids: Vec<Uuid> = ids.into_iter().collect();
            nonces::record_state(&mut transaction, &ids, "final").await?;
        }
        let blocks: HashSet<B256> = moves.iter().filter_map(|m| Some(m.block?.hash)).collect();
        let blocks: Vec<B256> = blocks.into_iter().collect();
        mined_blocks::record_levels(&mut transaction, self.miner(), &blocks).await?;
        FAILPOINTS.hit("before_level");
        transaction.commit().await.map_err(DbError::from)?;
        FAILPOINTS.hit("after_level");
        Ok(())
    }

    /// Jobs in blocks older than our headers (we were away for long): the node's header decides.
    async fn judge_old(&mut self, levels: LevelHeights) -> Result<(), LaneError> {
        let mut connection = self.db().acquire().await.map_err(DbError::from)?;
        let old = mined_blocks::load_below_window(&mut connection, self.miner(), MOVES_MAX).await?;
        drop(connection);
        let (mut up, mut back) = (Vec::new(), Vec::new());
        for job in &old {
            let number = job.block_number.cast_unsigned();
            if levels.level(number) != Level::Final {
                continue;
            }
            let Some(header) = self.context.config.chain.read().header(number).await? else {
                continue;
            };
            match header.hash == job.block_hash {
                true => up.push(raised(job, JobStatus::Final)),
                false => back.push(job),
            }
        }
        let up = self.hold_disputed(up, &voids(&old)).await;
        self.record_level(&up, JobStatus::Final).await?;
        if !back.is_empty() {
            self.record_back(&back).await?;
        }
        Ok(())
    }
}

fn voids(jobs: &[Mined]) -> HashSet<Uuid> {
    jobs.iter().filter(|job| job.void).map(|job| job.id).collect()
}

fn moved(job: &Mined, to: JobStatus) -> Move {
    Move {
        request_id: job.request_id.clone(),
        ..Move::new(job.id, &job.kind, status(&job.status), to)
    }
}

/// A job without effect fails when its block is final, or ends as was asked if that is its void.
fn raised(job: &Mined, level: JobStatus) -> Move {
    let to = match (level, job.reverted) {
        (JobStatus::Final, true) => match job.stop_as.as_deref().filter(|_| job.void) {
            Some(stopped) => status(stopped),
            None => JobStatus::Failed,
        },
        (level, _) => level,
    };
    Move {
        reason: job.reason.as_deref().map(Reason::parse),
        tx_hash: job.tx_hash.map(B256::from),
        block: Some(BlockRef { number: job.block_number.cast_unsigned(), hash: job.block_hash }),
        reverted: job.reverted,
        ..moved(job, to)
    }
}
