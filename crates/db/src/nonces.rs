//! `nonces`: the ledger of each wallet.

use crate::{Addr, DbError};
use sqlx::PgConnection;
use uuid::Uuid;
use vocab::{Address, ChainId};

/// The highest nonce ever given out.
pub async fn load_last(
    db: &mut PgConnection,
    chain: ChainId,
    wallet: Address,
) -> Result<Option<i64>, DbError> {
    let row = sqlx::query!(
        "select max(nonce) as last from nonces where chain_id = $1 and wallet = $2",
        chain.as_i64(),
        wallet.as_slice(),
    )
    .fetch_one(db)
    .await?;
    Ok(row.last)
}

/// Which of the nonces `first..end` the ledger does not know.
pub async fn load_holes(
    db: &mut PgConnection,
    chain: ChainId,
    wallet: Address,
    first: i64,
    end: i64,
) -> Result<Vec<i64>, DbError> {
    let rows = sqlx::query!(
        r#"select g.nonce as "nonce!" from generate_series($3::int8, $4::int8 - 1) as g (nonce)
            where not exists (select 1 from nonces n
                    where n.chain_id = $1 and n.wallet = $2 and n.nonce = g.nonce)
            order by 1"#,
        chain.as_i64(),
        wallet.as_slice(),
        first,
        end,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| row.nonce).collect())
}

/// Give nonces to jobs: `nonces[i]` to `transactions[i]`.
pub async fn record_reserved(
    db: &mut PgConnection,
    chain: ChainId,
    wallet: Address,
    nonces: &[i64],
    transactions: &[Uuid],
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into nonces (chain_id, wallet, nonce, transaction_id, state)
         select $1, $2, n, t, 'reserved' from unnest($3::int8[], $4::uuid[]) as u (n, t)",
        chain.as_i64(),
        wallet.as_slice(),
        nonces,
        transactions,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Set the state of the nonces of these jobs, lost ones excepted.
pub async fn record_state(
    db: &mut PgConnection,
    transactions: &[Uuid],
    state: &str,
) -> Result<(), DbError> {
    if transactions.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update nonces set state = $2
          where transaction_id = any($1) and state <> 'void' and state <> $2",
        transactions,
        state,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How many nonces of each wallet wait to be mined.
pub async fn load_depths(
    db: &mut PgConnection,
    chain: ChainId,
) -> Result<Vec<(Address, i64)>, DbError> {
    let rows = sqlx::query!(
        r#"select wallet as "wallet: Addr", count(*) as "waiting!" from nonces
            where chain_id = $1 and state in ('reserved', 'signed', 'sent') group by wallet"#,
        chain.as_i64(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.wallet.0, row.waiting)).collect())
}
