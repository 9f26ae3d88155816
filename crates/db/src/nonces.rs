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

/// Which of the nonces `first..end` the ledger does not know, or has as given back.
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
                    where n.chain_id = $1 and n.wallet = $2 and n.nonce = g.nonce
                      and n.state <> 'free')
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

/// Give nonces to jobs: `nonces[i]` to `transactions[i]`. They are new, or were given back.
pub async fn record_reserved(
    db: &mut PgConnection,
    chain: ChainId,
    wallet: Address,
    nonces: &[i64],
    transactions: &[Uuid],
) -> Result<(), DbError> {
    let done = sqlx::query!(
        "insert into nonces (chain_id, wallet, nonce, transaction_id, state)
         select $1, $2, n, t, 'reserved' from unnest($3::int8[], $4::uuid[]) as u (n, t)
         on conflict (chain_id, wallet, nonce) do update
            set transaction_id = excluded.transaction_id, state = 'reserved'
          where nonces.state = 'free'",
        chain.as_i64(),
        wallet.as_slice(),
        nonces,
        transactions,
    )
    .execute(db)
    .await?;
    let given = usize::try_from(done.rows_affected()).unwrap_or(usize::MAX);
    assert_eq!(given, nonces.len(), "invariant: a nonce is given out once");
    Ok(())
}

/// Set the state of the nonces that these jobs have now; earlier ones of theirs stay settled.
pub async fn record_state(
    db: &mut PgConnection,
    transactions: &[Uuid],
    state: &str,
) -> Result<(), DbError> {
    if transactions.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update nonces n set state = $2
           from transactions t
          where t.id = any($1) and n.chain_id = t.chain_id and n.wallet = t.wallet
            and n.nonce = t.nonce and n.transaction_id = t.id
            and n.state not in ('void', 'free') and n.state <> $2",
        transactions,
        state,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Give nonces back at which nothing was signed. Their jobs have left them in this transaction.
pub async fn record_free(
    db: &mut PgConnection,
    chain: ChainId,
    wallet: Address,
    nonces: &[i64],
) -> Result<(), DbError> {
    sqlx::query!(
        "update nonces set state = 'free'
          where chain_id = $1 and wallet = $2 and nonce = any($3) and state = 'reserved'",
        chain.as_i64(),
        wallet.as_slice(),
        nonces,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Nonces that were given back and that the chain has not used, lowest first.
pub async fn load_free(
    db: &mut PgConnection,
    chain: ChainId,
    wallet: Address,
    from: i64,
    limit: i64,
) -> Result<Vec<i64>, DbError> {
    let rows = sqlx::query!(
        "select nonce from nonces
          where chain_id = $1 and wallet = $2 and is_free and nonce >= $3
          order by nonce limit $4",
        chain.as_i64(),
        wallet.as_slice(),
        from,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| row.nonce).collect())
}

/// How many nonces of each wallet wait to be mined.
pub async fn load_depths(
    db: &mut PgConnection,
    chain: ChainId,
) -> Result<Vec<(Address, i64)>, DbError> {
    let rows = sqlx::query!(
        r#"select wallet as "wallet: Addr", count(*) as "waiting!" from nonces
            where chain_id = $1 and is_open group by wallet"#,
        chain.as_i64(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.wallet.0, row.waiting)).collect())
}
