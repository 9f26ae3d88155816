//! `workers`: processes that share the wallets of a role.

use crate::DbError;
use sqlx::PgConnection;
use time::Duration;
use uuid::Uuid;
use vocab::ChainId;

/// Be listed for another `ttl`, and give all that are listed, in order of their ids. Rows that have
/// expired are removed, so there are no more than live workers. By the database's clock; a row that
/// seems to last longer than twice its term is from before that went back, and has expired too.
pub async fn renew(
    db: &mut PgConnection,
    chain: ChainId,
    role: &str,
    id: Uuid,
    ttl: Duration,
) -> Result<Vec<Uuid>, DbError> {
    sqlx::query!(
        "with expired as (
             delete from workers
              where chain_id = $1 and role = $2 and id <> $3
                and (expires_at <= now()
                     or expires_at > now() + make_interval(secs => 2 * $4::float8)))
         insert into workers (chain_id, role, id, expires_at)
         values ($1, $2, $3, now() + make_interval(secs => $4))
         on conflict (chain_id, role, id) do update set expires_at = excluded.expires_at",
        chain.as_i64(),
        role,
        id,
        ttl.as_seconds_f64(),
    )
    .execute(&mut *db)
    .await?;
    let rows = sqlx::query!(
        "select id from workers
          where chain_id = $1 and role = $2 and expires_at > now() order by id",
        chain.as_i64(),
        role,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Leave the list.
pub async fn remove(db: &mut PgConnection, chain: ChainId, id: Uuid) -> Result<(), DbError> {
    sqlx::query!("delete from workers where chain_id = $1 and id = $2", chain.as_i64(), id)
        .execute(db)
        .await?;
    Ok(())
}
