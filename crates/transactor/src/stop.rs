//! Jobs with a nonce that must no longer run: somebody cancelled them, their deadline has passed,
//! or the signer refuses them for good.
//!
//! Nothing was signed at the nonce, says the signer: the nonce is given back for other work, and
//! the job ends. Otherwise the nonce is voided, and the job ends by what is mined.

use crate::{
    Reason,
    confirm::FILL_KIND,
    lane::{Lane, LaneError},
    moves::Move,
    pulse::Pulse,
    send::OpenNonce,
    tend::{fees_of, void},
};
use db::{DbError, attempts::Unsigned, transactions};
use uuid::Uuid;
use vocab::JobStatus;

/// Pause before a void that the signer refused is asked for again, in seconds.
const VOID_PAUSE: f64 = 60.0;

/// How a job is to end that must no longer run.
pub(crate) struct End {
    pub status: JobStatus,
    pub reason: Reason,
}

impl End {
    /// By what was asked for, not by what went wrong.
    pub fn asked(cancelled: bool, overdue: bool) -> Option<Self> {
        match (cancelled, overdue) {
            (true, _) => Some(Self {
                status: JobStatus::Cancelled,
                reason: Reason::new("cancelled", "it was cancelled"),
            }),
            (_, true) => Some(Self {
                status: JobStatus::Expired,
                reason: Reason::new("expired", "its deadline passed before it was mined"),
            }),
            _ => None,
        }
    }

    fn of(nonce: &OpenNonce) -> Option<Self> {
        let newest = nonce.newest();
        let asked = Self::asked(newest.cancel_wanted, newest.overdue);
        let refused = !nonce.is_signed() && newest.sent.as_deref() == Some("rejected");
        asked.or_else(|| {
            let said = refused.then_some(newest.sent_error.as_deref()).flatten()?;
            Some(Self { status: JobStatus::Failed, reason: Reason::parse(said) })
        })
    }
}

impl Lane {
    /// Give back or void the nonces of jobs that must no longer run. True when any was touched.
    pub async fn stop_unwanted(
        &mut self,
        open: &[OpenNonce],
        pulse: Pulse,
    ) -> Result<bool, LaneError> {
        let mut gas = None;
        let (mut back, mut voids, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        for nonce in open.iter().filter(|n| n.nonce >= self.on_chain && n.kind != FILL_KIND) {
            let Some(end) = End::of(nonce).filter(|_| may_void(nonce)) else { continue };
            if !nonce.is_signed() && self.is_unused(nonce).await? {
                back.push((nonce, end));
                continue;
            }
            let gas = match gas {
                Some(gas) => gas,
                None => *gas.insert(self.void_gas().await),
            };
            let market = self.offer(nonce, &pulse.market, gas);
            let fees = match nonce.signed() {
                Some(signed) => self.bumped(nonce, fees_of(signed), market, gas).ok(),
                None => market,
            };
            let Some(fees) = fees else { continue };
            if end.status != JobStatus::Failed {
                ends.push((nonce.id, end.status));
            }
            voids.push(void(nonce, gas, fees));
        }
        let touched = !back.is_empty() || !voids.is_empty();
        self.give_back(back).await?;
        self.void_all(voids, &ends).await?;
        Ok(touched)
    }

    async fn void_all(
        &mut self,
        voids: Vec<Unsigned>,
        ends: &[(Uuid, JobStatus)],
    ) -> Result<(), LaneError> {
        metrics::counter!("transactor_voids_total").increment(voids.len() as u64);
        self.try_again(voids, ends).await
    }

    /// Has the signer never signed anything at this nonce?
    async fn is_unused(&self, nonce: &OpenNonce) -> Result<bool, LaneError> {
        let chain = self.context.chain_id().0;
        let signer = &self.context.config.signer;
        Ok(signer.signed(self.address(), chain, nonce.nonce).await?.is_none())
    }

    /// The jobs end now, and their nonces are free for others. A holder of our lease before us may
    /// still have the signer sign there: those bytes are in no database, so no node ever gets them.
    async fn give_back(&mut self, back: Vec<(&OpenNonce, End)>) -> Result<(), LaneError> {
        if back.is_empty() {
            return Ok(());
        }
        let moves: Vec<Move> = back
            .iter()
            .map(|(nonce, end)| Move {
                reason: Some(end.reason.clone()),
                ..nonce.moved(end.status)
            })
            .collect();
        let mut transaction = self.begin().await?;
        let ids = self.context.record_moves(&mut transaction, &moves).await?;
        let ids: Vec<Uuid> = ids.into_iter().collect();
        transactions::record_nonce_left(&mut transaction, &ids, "free").await?;
        transaction.commit().await.map_err(DbError::from)?;
        metrics::counter!("transactor_nonces_given_back_total").increment(ids.len() as u64);
        let failed = back.iter().filter(|(_, end)| end.status == JobStatus::Failed);
        let failed: Vec<(Uuid, bool)> = failed.map(|(nonce, _)| (nonce.id, true)).collect();
        self.note_ends(&failed).await
    }
}

/// Not while a void is on its way. One that the signer refused is asked for again later.
fn may_void(nonce: &OpenNonce) -> bool {
    let newest = nonce.newest();
    let refused = newest.tx_hash.is_none() && newest.sent.as_deref() == Some("rejected");
    !newest.void || refused && newest.sent_age.is_none_or(|age| age >= VOID_PAUSE)
}
