//! Lanes that can't go on are paused with an alert: a metric and a fact. They look again at each
//! head and resume by themselves.

use crate::{
    fees::Market,
    funds::Poor,
    lane::{Lane, LaneError},
    send::OpenNonce,
    wording::{Cause, Sent, classify},
};
use chain::RpcError;
use db::{DbError, wallets};
use journal::NewFact;
use serde_json::json;
use vocab::topic;

/// Why a lane takes no jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    /// The wallet can't pay for what it is to send.
    OutOfFunds,
}

impl Pause {
    fn as_str(self) -> &'static str {
        match self {
            Self::OutOfFunds => "out_of_funds",
        }
    }

    /// From its stored form.
    pub fn parse(stored: Option<&str>) -> Option<Self> {
        (stored == Some(Self::OutOfFunds.as_str())).then_some(Self::OutOfFunds)
    }
}

impl Lane {
    /// What a node said to a call or a transaction of ours tells about the wallet.
    pub fn note_trouble(&mut self, error: &RpcError) {
        let said: Result<(), RpcError> = Err(error.clone());
        self.said_poor |= classify(&said) == Sent::Rejected(Cause::Funds);
    }

    async fn look_at_balance(&mut self, market: &Market) -> Result<(), LaneError> {
        if !self.said_poor && self.poor.is_none() {
            return Ok(());
        }
        let balance = self.context.config.chain.endpoint().balance(self.address()).await?;
        self.poor = match self.poor {
            None => Some(Poor { balance, needs: None, probed: None }),
            Some(poor) => Some(poor).filter(|poor| poor.stays(balance, market)),
        };
        self.said_poor = false;
        Ok(())
    }

    /// Tell when the lane stops or goes on.
    pub async fn tell_pause(
        &mut self,
        open: &[OpenNonce],
        market: &Market,
    ) -> Result<(), LaneError> {
        let refused = open.iter().any(|nonce| nonce.refusal() == Some(Cause::Funds));
        self.look_at_balance(market).await?;
        let now = (self.poor.is_some() || refused).then_some(Pause::OutOfFunds);
        if now == self.paused {
            return Ok(());
        }
        let (chain, address) = (self.context.chain_id(), self.address());
        let reason = now.or(self.paused).map_or("", Pause::as_str);
        let fact = NewFact {
            topic: topic::TRANSACTIONS,
            kind: if now.is_some() { "wallet_paused" } else { "wallet_resumed" },
            reverting: false,
            attributes: json!({ "chain_id": chain.to_string(), "wallet": address }),
            chain_id: Some(chain),
            block: None,
            data: json!({ "role": self.wallet.role, "reason": reason }),
        };
        let mut transaction = self.begin().await?;
        let said = now.map(Pause::as_str);
        wallets::record_paused(&mut transaction, chain, address, said).await?;
        journal::record(&mut transaction, &[fact]).await?;
        transaction.commit().await.map_err(DbError::from)?;
        let labels = [
            ("chain_id", chain.to_string()),
            ("wallet", address.to_string()),
            ("reason", reason.to_owned()),
        ];
        metrics::gauge!("transactor_wallet_paused", &labels)
            .set(f64::from(u8::from(now.is_some())));
        match now {
            Some(_) => tracing::error!(wallet = %address, reason, "the wallet's lane is paused"),
            None => tracing::info!(wallet = %address, reason, "the wallet's lane goes on"),
        }
        self.paused = now;
        Ok(())
    }
}
