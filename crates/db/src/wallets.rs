//! `wallets`: the accounts that send, by role.

use crate::{Addr, DbError};
use sqlx::PgConnection;
use vocab::{Address, ChainId};

/// One account on one chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wallet {
    pub address: Address,
    pub role: String,
    /// Most transactions of it that may wait to be mined.
    pub in_flight_max: i32,
    pub draining: bool,
    /// Why its lane takes no jobs now.
    pub paused_reason: Option<String>,
}

/// Add a wallet, or change its role and limit.
pub async fn record(db: &mut PgConnection, chain: ChainId, wallet: &Wallet) -> Result<(), DbError> {
    sqlx::query!(
        "insert into wallets (chain_id, address, role, in_flight_max) values ($1, $2, $3, $4)
         on conflict (chain_id, address) do update
            set role = excluded.role, in_flight_max = excluded.in_flight_max",
        chain.as_i64(),
        wallet.address.as_slice(),
        wallet.role,
        wallet.in_flight_max,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// All wallets on a chain.
pub async fn load(db: &mut PgConnection, chain: ChainId) -> Result<Vec<Wallet>, DbError> {
    Ok(sqlx::query_as!(
        Wallet,
        r#"select address as "address: Addr", role, in_flight_max, draining, paused_reason
             from wallets where chain_id = $1 order by role, address"#,
        chain.as_i64(),
    )
    .fetch_all(db)
    .await?)
}

/// Say why a wallet's lane takes no jobs; none: it does again.
pub async fn record_paused(
    db: &mut PgConnection,
    chain: ChainId,
    wallet: Address,
    reason: Option<&str>,
) -> Result<(), DbError> {
    sqlx::query!(
        "update wallets
            set paused_reason = $3::text, paused_at = case when $3::text is not null then now() end
          where chain_id = $1 and address = $2",
        chain.as_i64(),
        wallet.as_slice(),
        reason,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A wallet that jobs may name.
#[derive(Clone, Debug)]
pub struct Sender {
    pub address: Address,
    /// What operators decided: `active`, `paused` or `retiring`.
    pub state: String,
}

/// The wallets of a role, those first that take jobs.
pub async fn load_senders(
    db: &mut PgConnection,
    chain: ChainId,
    role: &str,
) -> Result<Vec<Sender>, DbError> {
    Ok(sqlx::query_as!(
        Sender,
        r#"select address as "address: Addr", state from wallets
            where chain_id = $1 and role = $2 order by draining, address"#,
        chain.as_i64(),
        role,
    )
    .fetch_all(db)
    .await?)
}
