//! Lanes that can't go on are paused with an alert: a metric and a fact. They look again at each
//! head and resume by themselves.

use crate::{
    breaker::{Circuit, Turn},
    fees::Market,
    funds::Poor,
    lane::{Lane, LaneError},
    send::OpenNonce,
    wording::{Cause, Sent, classify},
};
use chain::RpcError;
use db::{DbError, transactions::sources, wallets};
use journal::NewFact;
use serde_json::json;
use uuid::Uuid;
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
    /// How these jobs ended: whether they failed.
    pub async fn note_ends(&self, ends: &[(Uuid, bool)]) -> Result<(), LaneError> {
        let breakers = &self.context.breakers;
        if breakers.is_quiet() && ends.iter().all(|(_, failed)| !failed) {
            return Ok(());
        }
        let ids: Vec<Uuid> = ends.iter().map(|(id, _)| *id).collect();
        let mut connection = self.db().acquire().await.map_err(DbError::from)?;
        let sources = sources::load(&mut connection, &ids).await?;
        drop(connection);
        for (id, failed) in ends {
            let Some(of) = sources.iter().find(|source| source.id == *id) else { continue };
            self.note_end(&Circuit::new(&of.kind, &of.source), *failed);
        }
        Ok(())
    }

    pub fn note_end(&self, of: &Circuit, failed: bool) {
        let breakers = &self.context.breakers;
        let turn = match failed {
            true => breakers.failed(of, std::time::Instant::now()),
            false => breakers.succeeded(of),
        };
        self.tell_turn(of, turn);
    }

    fn tell_turn(&self, of: &Circuit, turn: Turn) {
        let chain = self.context.chain_id();
        let told = match turn {
            Turn::Nothing => return,
            Turn::Paused => "transaction_kind_paused",
            Turn::Resumed => "transaction_kind_resumed",
        };
        let Circuit { kind, source } = of;
        let labels = [("chain_id", chain.to_string()), ("kind", kind.clone())];
        let open = u32::try_from(self.context.breakers.count_open(kind)).unwrap_or(u32::MAX);
        metrics::gauge!("transactor_kind_paused", &labels).set(open);
        tracing::warn!(kind, source, told, "jobs of this kind keep failing, or go on");
        self.context.alert(NewFact {
            topic: topic::TRANSACTIONS,
            kind: told,
            reverting: false,
            attributes: json!({ "chain_id": chain.to_string(), "kind": kind }),
            chain_id: Some(chain),
            block: None,
            data: json!({ "source": source }),
        });
    }

    /// Record alerts that wait. They are told once, or lost with the process.
    pub async fn tell_alerts(&self) -> Result<(), LaneError> {
        let alerts = self.context.take_alerts();
        if !alerts.is_empty() {
            let mut transaction = self.begin().await?;
            journal::record(&mut transaction, &alerts).await?;
            transaction.commit().await.map_err(DbError::from)?;
        }
        Ok(())
    }

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
            None => Some(Poor { balance, needs: None, probed: None, probes: 0 }),
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
