//! Having attempts signed and keeping their bytes.

use crate::{
    FAILPOINTS, Reason,
    approval::Wanted,
    lane::{Lane, LaneError},
    planted::Fault,
};
use alloy_primitives::Address;
use db::{
    DbError,
    attempts::{self, Signed, Unsigned},
};
use signer::{Fee, Refusal, SignedTx, TxIntent, TxKind};
use std::collections::HashMap;

/// Attempts signed in one call when a lane starts again.
const UNSIGNED_MAX: i64 = 512;

impl Lane {
    /// Sign attempts and commit their bytes. Attempts that the signer refuses for good are marked
    /// as such; those that it refuses for now stay, and block the lane.
    pub async fn sign(&mut self, unsigned: Vec<Unsigned>) -> Result<Vec<Signed>, LaneError> {
        if unsigned.is_empty() {
            return Ok(Vec::new());
        }
        let outcomes = self.ask_in_rounds(&unsigned).await?;
        FAILPOINTS.hit("after_sign");
        let mut signed: Vec<Signed> = Vec::with_capacity(unsigned.len());
        let (mut refused, mut unapproved) = (Vec::new(), Vec::new());
        let mut held = Vec::new();
        for (attempt, outcome) in unsigned.iter().zip(outcomes) {
            let Some(outcome) = outcome else {
                held.push(attempt);
                continue;
            };
            match outcome {
                Ok(bytes) => signed.push(keep(attempt, bytes)),
                Err(refusal) if refusal.is_temporary() => {
                    self.blocked = true;
                }
                Err(refusal) => match Wanted::parse(&refusal) {
                    Some(wanted) => unapproved.push((attempt, refusal, wanted)),
                    None => refused.push((attempt, refusal)),
                },
            }
        }
        if self.planted(Fault::SendBeforeCommit) {
            self.hand_out(&signed, &HashMap::new()).await?;
        }
        self.record_signatures(&signed, refused, (unapproved, held)).await?;
        FAILPOINTS.hit("after_bytes");
        Ok(signed)
    }

    pub fn intent(&self, unsigned: &Unsigned) -> TxIntent {
        let kind = match (unsigned.void, unsigned.recipient) {
            (true, _) => TxKind::Void {},
            (false, Some(to)) => TxKind::Call {
                to: Address::from(to),
                value: unsigned.value_wei,
                data: unsigned.input.clone().into(),
            },
            (false, None) => TxKind::Create {
                value: unsigned.value_wei,
                init_code: unsigned.input.clone().into(),
            },
        };
        TxIntent {
            key: self.address(),
            chain_id: self.context.chain_id().0,
            nonce: unsigned.nonce.cast_unsigned(),
            kind,
            gas_limit: unsigned.gas_limit.cast_unsigned(),
            fee: match unsigned.legacy {
                true => Fee::Legacy { gas_price: unsigned.max_fee_wei.saturating_to() },
                false => Fee::Eip1559 {
                    max_fee_per_gas: unsigned.max_fee_wei.saturating_to(),
                    max_priority_fee_per_gas: unsigned.max_priority_fee_wei.saturating_to(),
                },
            },
        }
    }

    async fn record_signatures(
        &self,
        signed: &[Signed],
        mut refused: Vec<(&Unsigned, Refusal)>,
        (unapproved, held): (Vec<(&Unsigned, Refusal, Wanted)>, Vec<&Unsigned>),
    ) -> Result<(), LaneError> {
        let mut transaction = self.begin().await?;
        let waiting = self.wait_for_approvals(&mut transaction, &unapproved).await?;
        self.wait_behind(&mut transaction, &held, &waiting, &unapproved).await?;
        let others = unapproved.into_iter().filter(|(u, ..)| !waiting.contains(&u.transaction_id));
        refused.extend(others.map(|(attempt, refusal, _)| (attempt, refusal)));
        let ids: Vec<_> = signed.iter().map(|s| s.transaction_id).collect();
        let numbers: Vec<_> = signed.iter().map(|s| s.attempt).collect();
        let raws: Vec<Vec<u8>> = signed.iter().map(|s| s.raw.to_vec()).collect();
        let hashes: Vec<_> = signed.iter().map(|s| s.tx_hash).collect();
        attempts::record_signed(&mut transaction, &ids, &numbers, &raws, &hashes).await?;
        if !refused.is_empty() {
            let ids: Vec<_> = refused.iter().map(|(u, _)| u.transaction_id).collect();
            let numbers: Vec<_> = refused.iter().map(|(u, _)| u.attempt).collect();
            let outcomes = vec!["rejected".to_owned(); refused.len()];
            let errors: Vec<Option<String>> = refused
                .iter()
                .map(|(_, r)| Some(Reason::new("signer_refused", r.to_string()).to_string()))
                .collect();
            attempts::record_sent(&mut transaction, &ids, &numbers, &outcomes, &errors).await?;
            for (attempt, refusal) in &refused {
                tracing::error!(transaction.id = %attempt.transaction_id, nonce = attempt.nonce,
                    void = attempt.void, %refusal, "the signer refuses");
            }
            metrics::counter!("transactor_signer_refusals_total").increment(refused.len() as u64);
        }
        FAILPOINTS.hit("before_bytes");
        transaction.commit().await.map_err(DbError::from)?;
        Ok(())
    }

    /// After a start or trouble: sign what was reserved, and hand over all that is signed.
    pub async fn recover(&mut self) -> Result<(), LaneError> {
        let endpoint = self.context.config.chain.read();
        self.on_chain = endpoint.transaction_count(self.address()).await?;
        self.sign_waiting().await?;
        let open = self.load_open().await?;
        let due: Vec<_> = open.iter().filter(|nonce| nonce.is_signed()).collect();
        self.send_again(&due).await
    }

    /// Sign attempts that have no signature yet. The signer gives the same bytes if it has signed
    /// one of them before.
    pub async fn sign_waiting(&mut self) -> Result<(), LaneError> {
        let mut connection = self.db().acquire().await.map_err(DbError::from)?;
        let (chain, address) = (self.context.chain_id(), self.address());
        let unsigned =
            attempts::load_unsigned(&mut connection, chain, address, UNSIGNED_MAX).await?;
        drop(connection);
        self.blocked = false;
        self.sign(unsigned).await?;
        Ok(())
    }
}

fn keep(attempt: &Unsigned, bytes: SignedTx) -> Signed {
    Signed {
        transaction_id: attempt.transaction_id,
        attempt: attempt.attempt,
        nonce: attempt.nonce,
        tx_hash: bytes.hash,
        raw: bytes.raw,
    }
}
