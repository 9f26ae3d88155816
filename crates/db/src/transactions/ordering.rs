//! Jobs with one ordering key share a wallet and go out in order of acceptance.

use super::{ClaimFilter, Ready};
use crate::{Addr, DbError, Numeric};
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
                   and p.holds_order
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

/// Queued jobs of these keys that may follow those which the caller claimed (`heads`, the first of
/// their keys), in order of acceptance. Claims none of them: the claim of its head keeps others
/// from a key. Jobs behind one that blocks are among them: see [`load_held_back`].
pub async fn load_followers(
    db: &mut PgConnection,
    filter: ClaimFilter<'_>,
    heads: &[Uuid],
) -> Result<Vec<Ready>, DbError> {
    Ok(sqlx::query_as!(
        Ready,
        r#"select t.id, t.kind, t.queue_rank, t.seq, t.urgency,
                  t.fee_cap_wei as "fee_cap_wei: Numeric", t.recipient as "recipient: Addr",
                  t.value_wei as "value_wei: Numeric", t.input, t.gas_limit, t.ordering_key,
                  true as "behind_queued!",
                  exists (select 1 from transactions p
                          where p.chain_id = t.chain_id and p.role = t.role
                            and p.ordering_key = t.ordering_key and p.seq < t.seq
                            and p.holds_order
                            and p.status in ('reserved', 'submitted', 'unknown'))
                      as "behind_sent!",
                  t.request_id, t.approval_request is not null as "asked_approval!",
                  extract(epoch from now() - t.created_at)::float8 as "age!"
             from transactions t
             join transactions h on h.id = any($5) and h.ordering_on_failure = 'free'
                                and h.ordering_key = t.ordering_key
            where t.chain_id = $1 and t.role = $2 and t.is_queued and t.seq > h.seq
              and (t.wallet is null or t.wallet = $3)
              and (t.not_before is null or t.not_before <= now())
              and (t.deadline_at is null or t.deadline_at > now())
              and (t.claimed_until is null or t.claimed_until <= now()
                   or t.claimed_until > now() + make_interval(secs => $7))
              and t.approval_wanted_at is null and t.replaces is null and not t.kind = any($6)
            order by t.seq limit $4"#,
        filter.chain_id.as_i64(),
        filter.role,
        filter.wallet.as_slice(),
        filter.limit,
        heads,
        filter.paused,
        filter.seconds_max,
    )
    .fetch_all(db)
    .await?)
}
