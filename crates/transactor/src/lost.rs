//! Nonces that a stranger's transaction used.
//!
//! A node that knows no receipt proves nothing. A nonce is lost only when two endpoints (or the
//! only one) agree that the chain used it in a final block and that none of our hashes has a
//! receipt. Any error among their answers means that nothing is known.

use crate::{
    Reason,
    confirm::FILL_KIND,
    lane::{Lane, LaneError},
    moves::Move,
    send::OpenNonce,
    stop::End,
};
use db::{DbError, transactions};
use uuid::Uuid;
use vocab::{JobStatus, LevelHeights};

impl Lane {
    /// Jobs whose nonces are lost get others, unless they must no longer run.
    pub async fn give_up_lost(
        &mut self,
        missing: &[&OpenNonce],
        levels: LevelHeights,
    ) -> Result<(), LaneError> {
        let Some(height) = levels.final_ else { return Ok(()) };
        if missing.is_empty() {
            return Ok(());
        }
        let lost = self.agree_lost(missing.to_vec(), height).await;
        self.record_lost(&lost).await
    }

    pub async fn record_lost(&mut self, lost: &[&OpenNonce]) -> Result<(), LaneError> {
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
