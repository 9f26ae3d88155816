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
