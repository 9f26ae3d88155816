//! Starting and stopping.

use crate::{Config, context::Context, lane, pulse};
use db::{DbError, wallets, wallets::Wallet};
use signer::{ClientError, Refusal};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// What no retry would mend.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the signer makes no key for role {role:?}")]
    NoKey {
        role: String,
        #[source]
        source: Refusal,
    },
    #[error("the signer can't be used")]
    Signer(#[source] ClientError),
    #[error("the wallets can't be recorded")]
    Db(#[source] DbError),
}

/// For lanes to give their leases back.
const DRAIN: Duration = Duration::from_secs(5);
/// Between tries while the signer or the database is not there yet.
const PAUSE: Duration = Duration::from_millis(500);

/// Take the chain's queued jobs to the chain until `shutdown` ends. Several processes may do so at
/// once; each wallet is served by one. Outages of database, node and signer are waited for.
///
/// # Errors
/// [`StartError`], at the start only.
pub async fn run(config: Config, shutdown: impl Future<Output = ()>) -> Result<(), StartError> {
    tokio::pin!(shutdown);
    let mut lanes = Vec::new();
    for role in &config.roles {
        for index in 0..role.wallets {
            tokio::select! {
                wallet = ensure_wallet(&config, role, index) => lanes.push(wallet?),
                () = &mut shutdown => return Ok(()),
            }
        }
    }
    let (sender, pulse) = watch::channel(None);
    let context = Arc::new(Context { config, pulse });
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    for wallet in lanes {
        tasks.spawn(lane::serve(context.clone(), wallet, stop.clone()));
    }
    tokio::select! {
        () = pulse::watch(&context.config, sender) => {}
        () = lost(&mut tasks) => {}
        () = &mut shutdown => {}
    }
    stop.cancel();
    let drained = timeout(DRAIN, async { while tasks.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::warn!("lanes did not end in time; their leases expire by themselves");
    }
    Ok(())
}

/// Ends when any lane ends: only a bug ends one, and then the process must not go on as if all
/// wallets were served.
async fn lost(tasks: &mut JoinSet<()>) {
    match tasks.join_next().await {
        Some(end) => tracing::error!(?end, "a wallet's lane ended"),
        None => std::future::pending().await,
    }
}

async fn ensure_wallet(
    config: &Config,
    role: &crate::Role,
    index: u32,
) -> Result<Wallet, StartError> {
    let address = loop {
        match config.signer.ensure_key(&role.name, index).await {
            Ok(address) => break address,
            Err(ClientError::Unavailable { reason }) => {
                tracing::warn!(reason, "waiting for the signer");
            }
            Err(ClientError::Refused(source)) => {
                return Err(StartError::NoKey { role: role.name.clone(), source });
            }
            Err(error) => return Err(StartError::Signer(error)),
        }
        sleep(PAUSE).await;
    };
    let wallet = Wallet {
        address,
        role: role.name.clone(),
        in_flight_max: i32::from(role.in_flight_max.clamp(1, 256)),
    };
    loop {
        let recorded = async {
            let mut connection = config.db.acquire().await.map_err(DbError::from)?;
            wallets::record(&mut connection, config.chain.id, &wallet).await
        };
        match recorded.await {
            Ok(()) => return Ok(wallet),
            Err(error) if error.is_transient() => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "waiting for the database"
                );
            }
            Err(error) => return Err(StartError::Db(error)),
        }
        sleep(PAUSE).await;
    }
}
