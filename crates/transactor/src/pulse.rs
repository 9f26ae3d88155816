//! One watcher per chain: our head as the indexer has it, and what a unit of gas costs. Lanes act
//! when it changes.

use crate::{
    Config,
    fees::{self, Market},
};
use chain::{Chain, RpcError};
use db::{
    DbError,
    checkpoints::{self, Checkpoint},
    nonces, transactions,
};
use std::time::Duration;
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};
use vocab::{BlockRef, LevelHeights, Urgency};

/// The state of the chain that lanes act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pulse {
    /// None before the indexer's first commit.
    pub head: Option<Head>,
    /// By the node's head.
    pub market: Market,
}

/// Head of our header chain, and what the indexer calls auditable and final under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub block: BlockRef,
    pub levels: LevelHeights,
}

impl From<Checkpoint> for Head {
    fn from(found: Checkpoint) -> Self {
        Self { block: found.block, levels: found.levels }
    }
}

/// Time between looks at the queue's depth.
const GAUGES: Duration = Duration::from_secs(2);

/// Watch for ever.
pub(crate) async fn watch(config: &Config, out: watch::Sender<Option<Pulse>>) {
    let pause =
        (config.chain.block_time / 8).clamp(Duration::from_millis(20), Duration::from_millis(250));
    let mut measured: Option<Instant> = None;
    let mut priced: Option<Instant> = None;
    // The indexer's, when it is in this process. A hint only: what counts is what it committed.
    let mut canonical = config.chain.endpoints.watch_canonical();
    loop {
        if measured.is_none_or(|at| at.elapsed() >= GAUGES) {
            measured = Some(Instant::now());
            if let Err(error) = measure(config).await {
                tracing::debug!(error = &error as &dyn std::error::Error, "depth is not known");
            }
        }
        match look(config).await {
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "our head is not known");
            }
            Ok(head) => {
                let last = *out.borrow();
                let stale = priced.is_none_or(|at| at.elapsed() >= config.chain.block_time);
                if last.is_none_or(|last| last.head != head) || stale {
                    let pulse = price(config, head, last).await;
                    priced = Some(Instant::now());
                    out.send_if_modified(|old| {
                        let changed = *old != pulse;
                        *old = pulse;
                        changed
                    });
                }
            }
        }
        let _ = timeout(pause, canonical.changed()).await;
    }
}

async fn look(config: &Config) -> Result<Option<Head>, DbError> {
    let found = checkpoints::load(&mut *config.db.acquire().await?, config.chain.id).await?;
    Ok(found.map(Head::from))
}

/// Prices go on as they were while the node does not tell.
async fn price(config: &Config, head: Option<Head>, last: Option<Pulse>) -> Option<Pulse> {
    match load_market(&config.chain, config.options.tip_min_wei).await {
        Ok(market) => {
            gauge(config, &market);
            Some(Pulse { head, market })
        }
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "the price is not known");
            last.map(|last| Pulse { head, ..last })
        }
    }
}

/// What gas costs by the node's head. Without a fee history the node's suggestion counts, without
/// that the floor.
pub(crate) async fn load_market(chain: &Chain, tip_min_wei: u128) -> Result<Market, RpcError> {
    let endpoint = chain.read();
    let header = endpoint.head().await?;
    let Some(base) = header.base_fee_per_gas else {
        return Ok(fees::legacy_market(endpoint.gas_price().await?, tip_min_wei));
    };
    let (history, suggested) = futures_util::future::join(
        endpoint.fee_history(fees::WINDOW, &fees::PERCENTILES),
        endpoint.priority_fee(),
    )
    .await;
    if let (Err(error), _) | (_, Err(error)) = (&history, &suggested) {
        tracing::debug!(error = error as &dyn std::error::Error, "a fee estimate lacks a part");
    }
    Ok(fees::market(base.to(), history.ok().as_ref(), suggested.ok(), tip_min_wei))
}

#[allow(clippy::cast_precision_loss)]
fn gauge(config: &Config, market: &Market) {
    let chain = config.chain.id.to_string();
    let labels = [("chain_id", chain.clone())];
    metrics::gauge!("transactor_base_fee_wei", &labels).set(market.base.unwrap_or(0) as f64);
    for urgency in Urgency::ALL {
        let labels = [("chain_id", chain.clone()), ("urgency", urgency.to_string())];
        metrics::gauge!("transactor_tip_wei", &labels).set(market.tip(urgency) as f64);
    }
}

async fn measure(config: &Config) -> Result<(), DbError> {
    let chain = config.chain.id.to_string();
    let mut connection = config.db.acquire().await?;
    let depths = transactions::load_depths(&mut connection, config.chain.id).await?;
    for role in &config.roles {
        let depth = depths.iter().find(|depth| depth.role == role.name);
        let (waiting, oldest) = depth.map_or((0, 0.0), |d| (d.waiting, d.oldest));
        let unapproved = depth.map_or(0, |d| d.unapproved);
        let labels = [("chain_id", chain.clone()), ("role", role.name.clone())];
        #[allow(clippy::cast_precision_loss)]
        metrics::gauge!("transactor_queue_depth", &labels).set(waiting as f64);
        #[allow(clippy::cast_precision_loss)]
        metrics::gauge!("transactor_approvals_waiting", &labels).set(unapproved as f64);
        metrics::gauge!("transactor_queue_oldest_seconds", &labels).set(oldest);
    }
    for (wallet, waiting) in nonces::load_depths(&mut connection, config.chain.id).await? {
        let labels = [("chain_id", chain.clone()), ("wallet", wallet.to_string())];
        #[allow(clippy::cast_precision_loss)]
        metrics::gauge!("transactor_in_flight", &labels).set(waiting as f64);
    }
    Ok(())
}
