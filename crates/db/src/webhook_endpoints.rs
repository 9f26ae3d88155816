//! `webhook_endpoints`: who wants to be told of what, and where.

use crate::{Addr, DbError};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocab::PrincipalId;

/// An endpoint as it stands. Its address is a secret past its host.
#[derive(Clone, PartialEq)]
pub struct EndpointRow {
    pub id: Uuid,
    pub principal_id: Uuid,
    pub url: String,
    pub description: String,
    /// `active`, `paused`, `disabled` or `deleted`
    pub state: String,
    /// Of `disabled`: `gone` or `failing`
    pub reason: Option<String>,
    pub topics: Vec<String>,
    pub kinds: Vec<String>,
    pub chain_ids: Vec<i64>,
    pub contracts: Vec<Addr>,
    pub addresses: Vec<Addr>,
    /// `hmac` or `ed25519`
    pub signature: String,
    pub salt: Vec<u8>,
    pub secret_version: i32,
    pub previous_salt: Option<Vec<u8>>,
    pub previous_until: Option<OffsetDateTime>,
    pub failing_since: Option<OffsetDateTime>,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

impl std::fmt::Debug for EndpointRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("EndpointRow");
        shown.field("id", &self.id).field("state", &self.state).finish_non_exhaustive()
    }
}

/// An endpoint to be recorded.
#[derive(Clone, Copy)]
pub struct NewEndpoint<'a> {
    pub id: Uuid,
    pub principal_id: PrincipalId,
    pub signature: &'a str,
    pub salt: &'a [u8; 32],
    pub terms: &'a EndpointTerms,
}

/// What its owner decides about an endpoint.
#[derive(Clone, PartialEq)]
pub struct EndpointTerms {
    pub url: String,
    pub description: String,
    pub topics: Vec<String>,
    pub kinds: Vec<String>,
    pub chain_ids: Vec<i64>,
    pub contracts: Vec<Addr>,
    pub addresses: Vec<Addr>,
}

impl std::fmt::Debug for NewEndpoint<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewEndpoint").field("id", &self.id).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for EndpointTerms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EndpointTerms").field("topics", &self.topics).finish_non_exhaustive()
    }
}

pub async fn record(db: &mut PgConnection, new: NewEndpoint<'_>) -> Result<(), DbError> {
    sqlx::query!(
        "insert into webhook_endpoints
             (id, principal_id, url, description, state, topics, kinds, chain_ids, contracts,
              addresses, signature, salt, secret_version)
         values ($1, $2, $3, $4, 'active', $5, $6, $7, $8, $9, $10, $11, 1)",
        new.id,
        new.principal_id.0,
        new.terms.url,
        new.terms.description,
        &new.terms.topics,
        &new.terms.kinds,
        &new.terms.chain_ids,
        new.terms.contracts as _,
        new.terms.addresses as _,
        new.signature,
        new.salt.as_slice(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Within the caller's transaction, under [`lock`].
pub async fn record_terms(
    db: &mut PgConnection,
    id: Uuid,
    terms: &EndpointTerms,
) -> Result<(), DbError> {
    sqlx::query!(
        "update webhook_endpoints
            set url = $2, description = $3, topics = $4, kinds = $5, chain_ids = $6,
                contracts = $7, addresses = $8, updated_at = now()
          where id = $1",
        id,
        terms.url,
        terms.description,
        &terms.topics,
        &terms.kinds,
        &terms.chain_ids,
        terms.contracts as _,
        terms.addresses as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Within the caller's transaction, under [`lock`]: `active`, `paused` or `deleted`. Whatever it
/// failed at before is forgotten.
pub async fn record_state(db: &mut PgConnection, id: Uuid, state: &str) -> Result<(), DbError> {
    sqlx::query!(
        "update webhook_endpoints
            set state = $2, reason = null, failing_since = null, updated_at = now()
          where id = $1",
        id,
        state,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Within the caller's transaction, under [`lock`]: another salt. The one before is good for
/// `overlap` seconds more.
pub async fn record_rotation(
    db: &mut PgConnection,
    id: Uuid,
    salt: &[u8; 32],
    overlap: f64,
) -> Result<(), DbError> {
    sqlx::query!(
        "update webhook_endpoints
            set previous_salt = salt, previous_until = now() + make_interval(secs => $3),
                salt = $2, secret_version = secret_version + 1, updated_at = now()
          where id = $1",
        id,
        salt.as_slice(),
        overlap,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Which endpoints to list; deleted ones never are. None means any.
#[derive(Clone, Copy, Debug, Default)]
pub struct EndpointFilter {
    pub id: Option<Uuid>,
    pub principal_id: Option<PrincipalId>,
}

/// Endpoints older than `before` by id, newest first.
pub async fn list(
    db: &mut PgConnection,
    filter: EndpointFilter,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<EndpointRow>, DbError> {
    Ok(sqlx::query_as!(
        EndpointRow,
        r#"select id, principal_id, url, description, state, reason, topics, kinds, chain_ids,
                  contracts as "contracts: Vec<Addr>", addresses as "addresses: Vec<Addr>",
                  signature, salt, secret_version, previous_salt, previous_until, failing_since,
                  created_at, updated_at
             from webhook_endpoints
            where state <> 'deleted' and ($1::uuid is null or id = $1)
              and ($2::uuid is null or principal_id = $2) and ($3::uuid is null or id < $3)
            order by id desc limit $4"#,
        filter.id,
        filter.principal_id.map(|id| id.0),
        before,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// The endpoint, locked until the transaction ends; none when there is none, or no more.
pub async fn lock(db: &mut PgConnection, id: Uuid) -> Result<Option<EndpointRow>, DbError> {
    // Read by another statement, which sees what was committed while the lock was waited for.
    sqlx::query!("select id from webhook_endpoints where id = $1 for update", id)
        .fetch_optional(&mut *db)
        .await?;
    load(db, id).await
}

/// None when there is none, or no more.
pub async fn load(db: &mut PgConnection, id: Uuid) -> Result<Option<EndpointRow>, DbError> {
    let filter = EndpointFilter { id: Some(id), ..EndpointFilter::default() };
    Ok(list(db, filter, None, 1).await?.pop())
}

/// How many a principal has.
pub async fn count(db: &mut PgConnection, principal: PrincipalId) -> Result<i64, DbError> {
    let row = sqlx::query!(
        r#"select count(*) as "n!" from webhook_endpoints
            where principal_id = $1 and state <> 'deleted'"#,
        principal.0,
    );
    Ok(row.fetch_one(db).await?.n)
}

/// What the valid keys of a principal let it do, together.
#[derive(Clone, Debug, PartialEq)]
pub struct Holding {
    pub principal_id: Uuid,
    pub kind: String,
    pub scopes: Vec<String>,
}

/// Of these principals. Who has no valid key any more is not among them.
pub async fn load_holdings(
    db: &mut PgConnection,
    principals: &[Uuid],
) -> Result<Vec<Holding>, DbError> {
    Ok(sqlx::query_as!(
        Holding,
        r#"select p.id as principal_id, p.kind,
                  array_agg(distinct s.scope) as "scopes!"
             from principals p join api_keys k on k.principal_id = p.id
                  cross join lateral unnest(k.scopes) as s (scope)
            where p.id = any($1) and k.revoked_at is null
              and (k.expires_at is null or k.expires_at > now())
            group by p.id, p.kind"#,
        principals,
    )
    .fetch_all(db)
    .await?)
}

/// An endpoint that has been given up, and why.
#[derive(Clone, Debug)]
pub struct Disabled {
    pub id: Uuid,
    pub principal_id: Uuid,
    pub reason: String,
}

/// Within the caller's transaction: these have answered well.
pub async fn record_healthy(db: &mut PgConnection, ids: &[Uuid]) -> Result<(), DbError> {
    sqlx::query!(
        "update webhook_endpoints set failing_since = null
          where id = any($1) and failing_since is not null",
        ids,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Within the caller's transaction: these have failed, some of them for good (`gone`). Those that
/// do so for `patience` seconds are disabled, and so are those that are gone.
pub async fn record_failing(
    db: &mut PgConnection,
    failing: &[Uuid],
    gone: &[Uuid],
    patience: f64,
) -> Result<Vec<Disabled>, DbError> {
    sqlx::query!(
        "update webhook_endpoints set failing_since = now()
          where id = any($1) and failing_since is null",
        failing,
    )
    .execute(&mut *db)
    .await?;
    Ok(sqlx::query_as!(
        Disabled,
        r#"update webhook_endpoints
              set state = 'disabled', updated_at = now(),
                  reason = case when id = any($2) then 'gone' else 'failing' end
            where id = any($1) and state = 'active'
              and (id = any($2) or failing_since <= now() - make_interval(secs => $3))
        returning id, principal_id, reason as "reason!""#,
        failing,
        gone,
        patience,
    )
    .fetch_all(db)
    .await?)
}

/// Ids after `after`, in order: to go round all of them.
pub async fn load_ids(
    db: &mut PgConnection,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Uuid>, DbError> {
    let rows = sqlx::query!(
        "select id from webhook_endpoints where id > $1 order by id limit $2",
        after,
        limit,
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| row.id).collect())
}

/// Of endpoints that were deleted a while ago and have no deliveries left, nothing is kept.
pub async fn delete_emptied(db: &mut PgConnection, limit: i64) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "with emptied as (
             select e.id from webhook_endpoints e
              where e.state = 'deleted' and e.updated_at < now() - interval '10 minutes'
                and not exists (select from webhook_deliveries d where d.endpoint_id = e.id)
              limit $1
         ), positions as (
             delete from webhook_positions where endpoint_id in (select id from emptied)
             returning endpoint_id
         )
         delete from webhook_endpoints e
          where e.id in (select id from emptied)
            and not exists (select from webhook_positions p where p.endpoint_id = e.id)",
        limit,
    );
    Ok(done.execute(db).await?.rows_affected())
}
