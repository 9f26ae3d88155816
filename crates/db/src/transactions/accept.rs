//! Jobs asked for by requests: jobs and facts in one statement.

use super::requests::NewTransaction;
use crate::{Addr, DbError, Numeric};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use vocab::PrincipalId;

/// A job with the fact that goes into the same commit.
#[derive(Clone, Debug)]
pub struct NewAccept {
    /// Carries principal, key and fingerprint too; it replaces and compensates nothing.
    pub row: NewTransaction,
    pub principal_id: PrincipalId,
    /// The caller's Idempotency-Key.
    pub key: String,
    /// Number of the advisory lock of (principal, key).
    pub lock: i64,
    pub fingerprint: [u8; 32],
    pub now: OffsetDateTime,
    /// A mint of this key made after this counts as its answer, of another request.
    pub mints_after: OffsetDateTime,
    pub fact_attributes: Value,
    pub fact_data: Value,
}

/// What became of a [`NewAccept`].
#[derive(Clone, Debug)]
pub enum Accepted {
    /// Job and fact are committed.
    New,
    /// A rival with the same key is at work.
    Locked,
    /// This key was answered for something else.
    Answered { fingerprint: Vec<u8>, status: i16, body: Vec<u8> },
    /// This key has a job: see [`super::requests::load_by_key`].
    Exists,
}

/// Record jobs in one statement, which is one transaction and one round trip: try the lock of each
/// key, look for an earlier answer, insert jobs and facts (`topic`, `kind`). What became of each is
/// given in the order asked. The caller sees to it that no two have the same key. The job is its
/// own idempotency row. Why this is safe: see `mint_jobs::requests::record`.
// tidy: allow(sizes) one statement with all its columns
pub async fn record_accepted(
    db: &mut PgConnection,
    (topic, kind): (&str, &str),
    group: &[&NewAccept],
) -> Result<Vec<Accepted>, DbError> {
    let rows = sqlx::query_as!(
        AcceptedRow,
        r#"with asked as materialized (
               select u.*, pg_try_advisory_xact_lock(u.lock) as held
                 from unnest($1::int8[], $2::uuid[], $3::text[], $4::bytea[], $5::timestamptz[],
                             $6::timestamptz[], $7::jsonb[], $8::jsonb[], $9::uuid[],
                             $10::int8[], $11::text[], $12::bytea[], $13::text[], $14::text[],
                             $15::int2[], $16::text[], $17::numeric[], $18::bytea[],
                             $19::numeric[], $20::bytea[], $21::int8[], $22::timestamptz[],
                             $23::timestamptz[], $24::text[], $25::text[], $26::jsonb[],
                             $27::text[])
                      with ordinality
                      as u(lock, principal_id, key, fingerprint, at, mints_after, attributes,
                           data, id, chain_id, role, wallet, kind, label,
                           priority, urgency, fee_cap_wei, recipient, value_wei, input, gas_limit,
                           not_before, deadline_at, ordering_key, ordering_on_failure,
                           compensation, request_id, place)
           ), seen as materialized (
               select a.id, s.*
                 from asked a
                cross join lateral (
                      select k.fingerprint, k.status, k.body
                        from idempotency_keys k
                       where k.principal_id = a.principal_id and k.key = a.key
                         and k.expires_at > a.at
                       union all
                      select m.fingerprint, 0::smallint, ''::bytea
                        from mint_jobs m
                       where m.principal_id = a.principal_id and m.request_id = a.key
                         and m.created_at > a.mints_after
                       limit 1) s
                where a.held
           ), job as (
               insert into transactions
                      (id, chain_id, role, wallet, kind, label, priority, urgency, fee_cap_wei,
                       recipient, value_wei, input, gas_limit, not_before, deadline_at,
                       ordering_key, ordering_on_failure, compensation, principal_id,
                       idempotency_key, fingerprint, request_id, wallet_given, queue_rank,
                       created_at, updated_at)
               select a.id, a.chain_id, a.role, a.wallet, a.kind, a.label, a.priority, a.urgency,
                      a.fee_cap_wei, a.recipient, a.value_wei, a.input, a.gas_limit, a.not_before,
                      a.deadline_at, a.ordering_key, a.ordering_on_failure, a.compensation,
                      a.principal_id, a.key, a.fingerprint, a.request_id, a.wallet is not null,
                      (extract(epoch from clock_timestamp()) * 1000)::bigint
                          - a.priority::bigint * 30000, a.at, a.at
                 from asked a
                where a.held and not exists (select 1 from seen s where s.id = a.id)
                order by a.place
               on conflict (principal_id, idempotency_key) where idempotency_key is not null
                  do nothing
               returning id
           ), fact as (
               insert into outbox (topic, kind, attributes, chain_id, data)
               select $28, $29, a.attributes, a.chain_id, a.data
                 from asked a join job j on j.id = a.id order by a.place
           )
           select a.held as "held!", j.id is not null as "recorded!",
                  s.fingerprint as "fingerprint?", s.status as "status?", s.body as "body?"
             from asked a left join job j on j.id = a.id left join seen s on s.id = a.id
            order by a.place"#,
        &each(group, |a| a.lock),
        &each(group, |a| a.principal_id.0),
        &each(group, |a| a.key.as_str()) as _,
        &each(group, |a| a.fingerprint.as_slice()) as _,
        &each(group, |a| a.now),
        &each(group, |a| a.mints_after),
        &each(group, |a| &a.fact_attributes) as _,
        &each(group, |a| &a.fact_data) as _,
        &each(group, |a| a.row.id),
        &each(group, |a| a.row.chain_id.as_i64()),
        &each(group, |a| a.row.role.as_str()) as _,
        &each(group, |a| a.row.wallet.map(Addr)) as _,
        &each(group, |a| a.row.kind.as_str()) as _,
        &each(group, |a| a.row.label.as_deref()) as _,
        &each(group, |a| a.row.priority),
        &each(group, |a| a.row.urgency) as _,
        &each(group, |a| a.row.fee_cap_wei.map(Numeric)) as _,
        &each(group, |a| a.row.recipient.map(Addr)) as _,
        &each(group, |a| Numeric(a.row.value_wei)) as _,
        &each(group, |a| a.row.input.as_slice()) as _,
        &each(group, |a| a.row.gas_limit) as _,
        &each(group, |a| a.row.not_before) as _,
        &each(group, |a| a.row.deadline_at) as _,
        &each(group, |a| a.row.ordering_key.as_deref()) as _,
        &each(group, |a| a.row.ordering_on_failure) as _,
        &each(group, |a| a.row.compensation.as_ref()) as _,
        &each(group, |a| a.row.request_id.as_deref()) as _,
        topic,
        kind,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// One column of the rows to be.
fn each<'a, T>(group: &[&'a NewAccept], of: impl Fn(&'a NewAccept) -> T) -> Vec<T> {
    group.iter().map(|accept| of(accept)).collect()
}

struct AcceptedRow {
    held: bool,
    recorded: bool,
    fingerprint: Option<Vec<u8>>,
    status: Option<i16>,
    body: Option<Vec<u8>>,
}

impl From<AcceptedRow> for Accepted {
    fn from(row: AcceptedRow) -> Self {
        match (row.fingerprint, row.status, row.body) {
            _ if !row.held => Self::Locked,
            (Some(fingerprint), Some(status), Some(body)) => {
                Self::Answered { fingerprint, status, body }
            }
            _ if row.recorded => Self::New,
            _ => Self::Exists,
        }
    }
}
