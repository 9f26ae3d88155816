//! `wallets` with what stands on them, and their states, as operators see and set them.

use crate::{Addr, DbError};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocab::{Address, ChainId};

/// A wallet with what stands on it.
#[derive(Clone, Debug)]
pub struct WalletRow {
    pub chain_id: i64,
    pub address: Address,
    pub role: String,
    pub in_flight_max: i32,
    /// `active`, `paused` or `retiring`
    pub state: String,
    pub paused_reason: Option<String>,
    pub paused_at: Option<OffsetDateTime>,
    /// The highest nonce that was given out.
    pub last_nonce: Option<i64>,
    /// Nonces given out and not mined.
    pub in_flight: i64,
    /// Jobs with a nonce that are not final.
    pub open: i64,
    /// Queued jobs that name it.
    pub waiting: i64,
}

/// Wallets of a chain, of one role or address if given, in the order of role and address.
pub async fn load(
    db: &mut PgConnection,
    chain: Option<ChainId>,
    role: Option<&str>,
    address: Option<Address>,
) -> Result<Vec<WalletRow>, DbError> {
    Ok(sqlx::query_as!(
        WalletRow,
        r#"select w.chain_id, w.address as "address: Addr", w.role, w.in_flight_max, w.state,
                  w.paused_reason, w.paused_at,
                  (select max(n.nonce) from nonces n
                    where n.chain_id = w.chain_id and n.wallet = w.address) as last_nonce,
                  (select count(*) from nonces n
                    where n.chain_id = w.chain_id and n.wallet = w.address
                      and n.is_open) as "in_flight!",
                  (select count(*) from nonces n
                    where n.chain_id = w.chain_id and n.wallet = w.address
                      and n.is_open)
                  + (select count(*) from mined_blocks m
                       join transactions t on t.id = any(m.transaction_ids)
                                          and t.block_hash = m.block_hash
                      where m.chain_id = w.chain_id and m.wallet = w.address
                        and m.level <> 'final' and t.status in ('tentative', 'auditable'))
                      as "open!",
                  (select count(*) from transactions t
                    where t.chain_id = w.chain_id and t.wallet = w.address
                      and t.is_queued) as "waiting!"
             from wallets w
            where ($1::int8 is null or w.chain_id = $1) and ($2::text is null or w.role = $2)
              and ($3::bytea is null or w.address = $3)
            order by w.chain_id, w.role, w.address limit 1000"#,
        chain.map(ChainId::as_i64),
        role,
        address.map(Addr) as _,
    )
    .fetch_all(db)
    .await?)
}

/// Who holds a lease that has not run out.
#[derive(Clone, Debug)]
pub struct LaneHolder {
    pub name: String,
    pub holder: Uuid,
    pub epoch: i64,
    pub expires_at: OffsetDateTime,
}

/// Of these leases, those which somebody holds.
pub async fn load_lanes(
    db: &mut PgConnection,
    names: &[String],
) -> Result<Vec<LaneHolder>, DbError> {
    Ok(sqlx::query_as!(
        LaneHolder,
        "select name, holder, epoch, expires_at from leases
          where name = any($1) and expires_at > now()",
        names,
    )
    .fetch_all(db)
    .await?)
}

/// Lock a wallet until the caller's transaction ends; gives its state.
pub async fn lock_state(
    db: &mut PgConnection,
    chain: ChainId,
    address: Address,
) -> Result<Option<String>, DbError> {
    let row = sqlx::query!(
        "select state from wallets where chain_id = $1 and address = $2 for update",
        chain.as_i64(),
        address.as_slice(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| row.state))
}

/// Set what a wallet may do. In any state but `active` its lane takes no jobs, except those that
/// empty it.
pub async fn record_state(
    db: &mut PgConnection,
    chain: ChainId,
    address: Address,
    state: &str,
) -> Result<(), DbError> {
    sqlx::query!(
        "update wallets set state = $3, draining = $3 <> 'active'
          where chain_id = $1 and address = $2",
        chain.as_i64(),
        address.as_slice(),
        state,
    )
    .execute(&mut *db)
    .await?;
    if state != "active" {
        crate::approvals::release(db, chain, address).await?;
    }
    Ok(())
}

/// Add a wallet. False when the address is there already.
pub async fn record_added(
    db: &mut PgConnection,
    chain: ChainId,
    role: &str,
    address: Address,
    in_flight_max: i32,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "insert into wallets (chain_id, address, role, in_flight_max) values ($1, $2, $3, $4)
         on conflict do nothing",
        chain.as_i64(),
        address.as_slice(),
        role,
        in_flight_max,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}
