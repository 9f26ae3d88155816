//! `contracts_registry`: which of our contracts stands where.

use crate::{Addr, DbError, Hash};
use sqlx::PgConnection;
use vocab::{Address, B256, ChainId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    pub name: String,
    pub version: i32,
    pub address: Address,
    pub deploy_block: i64,
    pub code_hash: B256,
}

/// All deployments on a chain, newest version of each name last.
pub async fn load(db: &mut PgConnection, chain: ChainId) -> Result<Vec<Deployment>, DbError> {
    Ok(sqlx::query_as!(
        Deployment,
        r#"select name, version, address as "address: Addr", deploy_block,
                  code_hash as "code_hash: Hash"
             from contracts_registry where chain_id = $1 order by name, version"#,
        chain.as_i64(),
    )
    .fetch_all(db)
    .await?)
}

/// Record a deployment; the same (name, version) again replaces it (a development chain was wiped).
pub async fn record(
    db: &mut PgConnection,
    chain: ChainId,
    deployment: &Deployment,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into contracts_registry (chain_id, name, version, address, deploy_block, code_hash)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (chain_id, name, version) do update
            set address = excluded.address, deploy_block = excluded.deploy_block,
                code_hash = excluded.code_hash",
        chain.as_i64(),
        deployment.name,
        deployment.version,
        deployment.address.as_slice(),
        deployment.deploy_block,
        deployment.code_hash.as_slice(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A deployment under way. `name` is the request id of its transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deploying {
    pub name: String,
    pub nonce: Option<i64>,
    pub block_number: Option<i64>,
    pub failed: bool,
    pub reason: Option<String>,
}

/// Transactions of one kind that deploy, in the order queued.
pub async fn load_deploying(
    db: &mut PgConnection,
    chain: ChainId,
    kind: &str,
) -> Result<Vec<Deploying>, DbError> {
    Ok(sqlx::query_as!(
        Deploying,
        r#"select coalesce(request_id, '') as "name!", nonce, block_number, reason,
                  (reverted or status in ('failed', 'expired', 'cancelled')) as "failed!"
             from transactions where chain_id = $1 and kind = $2 order by id"#,
        chain.as_i64(),
        kind,
    )
    .fetch_all(db)
    .await?)
}
