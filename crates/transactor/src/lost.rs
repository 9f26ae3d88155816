//! Nonces that a stranger's transaction used.
//!
//! A node that knows no receipt proves nothing. A nonce is lost only when at least two endpoints
//! (or the only one) say that the chain used it in a final block and that none of our hashes has a
//! receipt, and no endpoint at all knows one. An endpoint with any error in its answers has no say.

use crate::{
    Reason,
    confirm::FILL_KIND,
    lane::{Lane, LaneError},
    moves::Move,
    send::OpenNonce,
    stop::End,
    take::CALLS_MAX,
};
use alloy_primitives::{Address, U64};
use chain::Endpoint;
use db::{DbError, transactions};
use futures_util::future::join_all;
use serde_json::json;
use std::collections::HashSet;
use uuid::Uuid;
use vocab::{B256, BlockRef, JobStatus};

/// What one endpoint says.
#[derive(Debug, Default)]
struct Vote {
    /// The account's nonce at the final block; none when anything was not answered.
    used: Option<u64>,
    /// Hashes of which it has a receipt.
    known: HashSet<B256>,
}

impl Lane {
    /// Jobs whose nonces are lost get others, unless they must no longer run.
    pub async fn give_up_lost(
        &mut self,
        missing: &[&OpenNonce],
        head: BlockRef,
    ) -> Result<(), LaneError> {
        let chain = &self.context.config.chain;
        let Some(height) = chain.finality.final_height(head.number) else { return Ok(()) };
        if missing.is_empty() {
            return Ok(());
        }
        let hashes: Vec<B256> = missing.iter().flat_map(|nonce| nonce.hashes()).collect();
        let votes = chain.endpoints.iter().map(|e| vote(e, self.address(), &hashes, height));
        let votes = join_all(votes).await;
        let lost: Vec<&OpenNonce> =
            missing.iter().copied().filter(|nonce| is_lost(nonce, &votes)).collect();
        self.record_lost(&lost).await
    }

    async fn record_lost(&mut self, lost: &[&OpenNonce]) -> Result<(), LaneError> {
        if lost.is_empty() {
            return Ok(());
        }
        let moves: Vec<Move> = lost
            .iter()
            .map(|nonce| {
                let newest = nonce.newest();
                let to = match End::asked(newest.cancel_wanted, newest.overdue) {
                    Some(end) => end.status,
                    None if nonce.kind == FILL_KIND => JobStatus::Cancelled,
                    None => JobStatus::Queued,
                };
                let text = format!("nonce {} was used by a transaction of another", nonce.nonce);
                Move { reason: Some(Reason::new("nonce_taken", text)), ..nonce.moved(to) }
            })
            .collect();
        let mut transaction = self.begin().await?;
        let ids = self.context.record_moves(&mut transaction, &moves).await?;
        let ids: Vec<Uuid> = ids.into_iter().collect();
        transactions::record_nonce_left(&mut transaction, &ids, "void").await?;
        transaction.commit().await.map_err(DbError::from)?;
        tracing::error!(wallet = %self.address(), count = ids.len(),
            "nonces were used by transactions of another; their jobs get new ones");
        metrics::counter!("transactor_nonces_taken_total").increment(ids.len() as u64);
        self.in_flight = self.in_flight.saturating_sub(ids.len());
        Ok(())
    }
}

fn is_lost(nonce: &OpenNonce, votes: &[Vote]) -> bool {
    let needed = votes.len().clamp(1, 2);
    let agree = votes.iter().filter(|vote| vote.used.is_some_and(|used| nonce.nonce < used));
    let known = nonce.hashes().any(|hash| votes.iter().any(|vote| vote.known.contains(&hash)));
    !known && agree.count() >= needed
}

async fn vote(endpoint: &Endpoint, wallet: Address, hashes: &[B256], height: u64) -> Vote {
    let mut vote = Vote::default();
    let mut complete = true;
    for chunk in hashes.chunks(CALLS_MAX) {
        match endpoint.receipts(chunk).await {
            Ok(answers) => {
                complete &= answers.len() == chunk.len() && answers.iter().all(Result::is_ok);
                let known = chunk.iter().zip(answers).filter(|(_, a)| matches!(a, Ok(Some(_))));
                vote.known.extend(known.map(|(hash, _)| *hash));
            }
            Err(_) => complete = false,
        }
    }
    let used: Result<U64, _> =
        endpoint.call("eth_getTransactionCount", json!([wallet, U64::from(height)])).await;
    vote.used = used.ok().filter(|_| complete).map(|used| used.to());
    vote
}
