//! Money for a wallet that runs low, from wallets of a treasury role: ordinary jobs of that role,
//! under the signer's policy for it.

use crate::{
    NewTransaction, TopUp,
    lane::{Lane, LaneError},
    queue::record_new,
};
use db::{DbError, transactions::requests};
use tokio::time::{Duration, Instant};

/// What such jobs are called.
const KIND: &str = "top_up";
/// Time between looks at a balance.
const LOOK: Duration = Duration::from_secs(5);
/// After one top-up was asked for, none is for so long, however it ended.
const PAUSE_SECONDS: f64 = 60.0;

impl Lane {
    /// Ask the treasury for money when the wallet has less than it should.
    pub async fn top_up(&mut self) -> Result<(), LaneError> {
        let context = self.context.clone();
        let role = context.config.roles.iter().find(|role| role.name == self.wallet.role);
        let Some(TopUp { treasury, below_wei, amount_wei }) =
            role.and_then(|role| role.top_up.as_ref())
        else {
            return Ok(());
        };
        if self.balance_seen.is_some_and(|at| at.elapsed() < LOOK) {
            return Ok(());
        }
        self.balance_seen = Some(Instant::now());
        let (chain, address) = (self.context.chain_id(), self.address());
        if context.config.chain.endpoint().balance(address).await? >= *below_wei {
            return Ok(());
        }
        let mut transaction = self.begin().await?;
        if requests::is_paid(&mut transaction, chain, KIND, address, PAUSE_SECONDS).await? {
            return Ok(());
        }
        let job = NewTransaction {
            to: Some(address),
            value: *amount_wei,
            ..NewTransaction::new(chain, treasury, KIND)
        };
        let id = record_new(&mut transaction, job).await?;
        transaction.commit().await.map_err(DbError::from)?;
        context.config.nudge.wake(chain, treasury);
        metrics::counter!("transactor_top_ups_total", "role" => self.wallet.role.clone())
            .increment(1);
        tracing::info!(wallet = %address, transaction.id = %id, "the wallet runs low");
        Ok(())
    }
}
