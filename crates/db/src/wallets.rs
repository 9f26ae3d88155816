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
}

/// Add a wallet, or change what is said of it.
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
        r#"select address as "address: Addr", role, in_flight_max
             from wallets where chain_id = $1 order by role, address"#,
        chain.as_i64(),
    )
    .fetch_all(db)
    .await?)
}
