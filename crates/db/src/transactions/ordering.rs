//! Jobs with one ordering key share a wallet and go out in order of acceptance.

use crate::{Addr, DbError};
use sqlx::PgConnection;
use uuid::Uuid;
use vocab::Address;

/// Of these queued jobs, those that another job before them holds back from this wallet.
///
/// An earlier job of the same key holds a later one back while it is queued itself and not among
/// `ids`; while it is unmined or not yet final on another wallet; and, if it declared that its
/// failure blocks, also until it is mined with effect.
pub async fn load_held_back(
    db: &mut PgConnection,
    wallet: Address,
    ids: &[Uuid],
) -> Result<Vec<Uuid>, DbError> {
    let rows = sqlx::query!(
        "select t.id from transactions t
          where t.id = any($1) and t.ordering_key is not null
            and exists (
                select 1 from transactions p
                 where p.chain_id = t.chain_id and p.role = t.role
                   and p.ordering_key = t.ordering_key and p.seq < t.seq
                   and p.status not in ('final', 'cancelled')
                   and case
                       when p.status = 'queued'
                           then p.ordering_on_failure = 'block' or not p.id = any($1)
                       when p.status in ('failed', 'expired') then p.ordering_on_failure = 'block'
                       when p.status in ('tentative', 'auditable')
                           then p.wallet <> $2 or p.ordering_on_failure = 'block' and p.reverted
                       else p.wallet <> $2 or p.ordering_on_failure = 'block'
                       end)",
        ids,
        Addr(wallet) as _,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}
