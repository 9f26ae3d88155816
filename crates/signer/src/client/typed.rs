//! Calls beyond plain transactions: messages, approvals, metrics.

use crate::{
    approval::Approval,
    client::{Client, ClientError, ENVELOPE_BYTES, chunks, unexpected},
    wire::{APPROVALS_MAX, Call, Outcome, SignOutcome, TxIntent, TypedIntent, TypedOutcome},
};

impl Client {
    /// Like [`Client::sign_transactions`], with operators' approvals (at most
    /// [`APPROVALS_MAX`]) of those that need them.
    pub async fn sign_approved(
        &self,
        intents: &[TxIntent],
        approvals: &[Approval],
    ) -> Result<Vec<SignOutcome>, ClientError> {
        let mut outcomes = Vec::with_capacity(intents.len());
        for chunk in chunks(intents, envelope(approvals)?)? {
            let asked = chunk.len();
            let (intents, approvals) = (chunk.to_vec(), approvals.to_vec());
            match self.call(Call::SignTransactions { intents, approvals }).await? {
                Outcome::Transactions(signed) if signed.len() == asked => outcomes.extend(signed),
                other => return Err(unexpected(&other)),
            }
        }
        Ok(outcomes)
    }

    /// Signs one EIP-712 message.
    pub async fn sign_typed(
        &self,
        intent: &TypedIntent,
        approvals: &[Approval],
    ) -> Result<TypedOutcome, ClientError> {
        let outcomes = self.sign_typed_many(std::slice::from_ref(intent), approvals).await?;
        let broken = || ClientError::Protocol("no outcome for a message".to_owned());
        outcomes.into_iter().next().ok_or_else(broken)
    }

    /// Signs EIP-712 messages: one outcome per intent, in order. What holds for
    /// [`Client::sign_transactions`] about order, number and repetition holds here too.
    pub async fn sign_typed_many(
        &self,
        intents: &[TypedIntent],
        approvals: &[Approval],
    ) -> Result<Vec<TypedOutcome>, ClientError> {
        let mut outcomes = Vec::with_capacity(intents.len());
        for chunk in chunks(intents, envelope(approvals)?)? {
            let asked = chunk.len();
            let (intents, approvals) = (chunk.to_vec(), approvals.to_vec());
            match self.call(Call::SignTyped { intents, approvals }).await? {
                Outcome::Typed(signed) if signed.len() == asked => outcomes.extend(signed),
                other => return Err(unexpected(&other)),
            }
        }
        Ok(outcomes)
    }

    /// The signer's metrics in the text format of Prometheus.
    pub async fn metrics(&self) -> Result<String, ClientError> {
        match self.call(Call::Metrics {}).await? {
            Outcome::Metrics(text) => Ok(text),
            other => Err(unexpected(&other)),
        }
    }
}

/// Bytes of a request besides its intents.
fn envelope(approvals: &[Approval]) -> Result<usize, ClientError> {
    if approvals.len() > APPROVALS_MAX {
        return Err(ClientError::Protocol(format!("more than {APPROVALS_MAX} approvals")));
    }
    let bytes = serde_json::to_vec(approvals)
        .map_err(|error| ClientError::Protocol(error.to_string()))?
        .len();
    Ok(ENVELOPE_BYTES + bytes)
}
