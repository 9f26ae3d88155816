//! Starting and stopping.

use crate::{Config, context::Context, pool::Pool, pulse};
use db::{DbError, wallets, wallets::Wallet};
use signer::{ClientError, Refusal};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::{sync::watch, time::sleep};

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

/// Between tries while the signer or the database is not there yet.
const PAUSE: Duration = Duration::from_millis(500);

/// Take the chain's queued jobs to the chain until `shutdown` ends. Several processes may do so at
/// once: they divide the wallets of each role evenly, and each wallet is served by one. Wallets
/// that are listed later are served too. Outages of database, node and signer are waited for.
///
/// # Errors
/// [`StartError`], at the start only.
pub async fn run(config: Config, shutdown: impl Future<Output = ()>) -> Result<(), StartError> {
    tokio::pin!(shutdown);
    for role in &config.roles {
        for index in 0..role.wallets {
            tokio::select! {
                made = ensure_wallet(&config, role, index) => made?,
                () = &mut shutdown => return Ok(()),
            }
        }
    }
    let (sender, pulse) = watch::channel(None);
    let context = Arc::new(Context::new(config, pulse));
    let mut pool = Pool::new(context.clone());
    tokio::select! {
        () = pulse::watch(&context.config, sender) => {}
        () = pool.serve() => {}
        () = &mut shutdown => {}
    }
    pool.close().await;
    Ok(())
}

/// Have the signer make the key of this number if it is missing, and list its wallet.
async fn ensure_wallet(config: &Config, role: &crate::Role, index: u32) -> Result<(), StartError> {
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
        draining: false,
        paused_reason: None,
    };
    loop {
        let recorded = async {
            let mut connection = config.db.acquire().await.map_err(DbError::from)?;
            wallets::record(&mut connection, config.chain.id, &wallet).await
        };
        match recorded.await {
            Ok(()) => return Ok(()),
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
