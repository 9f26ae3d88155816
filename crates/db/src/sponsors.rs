//! `sponsors`, `sponsor_rules`, `sponsor_days`: who pays, for what, and what of it is used.

use crate::{Addr, DbError, Numeric};
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;
use vocab::{Address, ChainId, PrincipalId, U256};

/// A sponsor as it stands. Amounts in wei of gas.
#[derive(Clone, Debug)]
pub struct SponsorRow {
    pub id: Uuid,
    pub chain_id: i64,
    pub principal_id: Uuid,
    pub name: String,
    /// `active` or `paused`
    pub state: String,
    pub day_wei_max: U256,
    pub total_wei_max: U256,
    pub user_day_wei_max: U256,
    pub user_day_requests_max: i32,
    pub gas_max: i64,
    /// Reserved or paid since ever.
    pub used_wei: U256,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

/// A function that a sponsor pays for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRow {
    pub sponsor_id: Uuid,
    pub target: Address,
    /// Four bytes.
    pub selector: Vec<u8>,
    pub function: String,
}

/// Record a sponsor. False when its name is taken on its chain.
pub async fn record(db: &mut PgConnection, new: &SponsorRow) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "insert into sponsors (id, chain_id, principal_id, name, state, day_wei_max, total_wei_max,
                               user_day_wei_max, user_day_requests_max, gas_max, created_at,
                               updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
         on conflict (chain_id, name) do nothing",
        new.id,
        new.chain_id,
        new.principal_id,
        new.name,
        new.state,
        Numeric(new.day_wei_max) as _,
        Numeric(new.total_wei_max) as _,
        Numeric(new.user_day_wei_max) as _,
        new.user_day_requests_max,
        new.gas_max,
        new.created_at,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Change what an operator decides about a sponsor; its use stays as it is.
pub async fn record_change(db: &mut PgConnection, row: &SponsorRow) -> Result<(), DbError> {
    sqlx::query!(
        "update sponsors
            set state = $2, day_wei_max = $3, total_wei_max = $4, user_day_wei_max = $5,
                user_day_requests_max = $6, gas_max = $7, updated_at = $8
          where id = $1",
        row.id,
        row.state,
        Numeric(row.day_wei_max) as _,
        Numeric(row.total_wei_max) as _,
        Numeric(row.user_day_wei_max) as _,
        row.user_day_requests_max,
        row.gas_max,
        row.updated_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Put these rules in the place of those that a sponsor has.
pub async fn record_rules(
    db: &mut PgConnection,
    sponsor: Uuid,
    rules: &[RuleRow],
) -> Result<(), DbError> {
    let targets: Vec<Addr> = rules.iter().map(|rule| Addr(rule.target)).collect();
    let selectors: Vec<Vec<u8>> = rules.iter().map(|rule| rule.selector.clone()).collect();
    let functions: Vec<String> = rules.iter().map(|rule| rule.function.clone()).collect();
    sqlx::query!("delete from sponsor_rules where sponsor_id = $1", sponsor)
        .execute(&mut *db)
        .await?;
    sqlx::query!(
        "insert into sponsor_rules (sponsor_id, target, selector, function)
         select $1, r.target, r.selector, r.function
           from unnest($2::bytea[], $3::bytea[], $4::text[]) as r (target, selector, function)
         on conflict do nothing",
        sponsor,
        targets as _,
        &selectors,
        &functions,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Rules of these sponsors, in the order of target and selector.
pub async fn load_rules(db: &mut PgConnection, sponsors: &[Uuid]) -> Result<Vec<RuleRow>, DbError> {
    Ok(sqlx::query_as!(
        RuleRow,
        r#"select sponsor_id, target as "target: Addr", selector, function
             from sponsor_rules where sponsor_id = any($1) order by target, selector"#,
        sponsors,
    )
    .fetch_all(db)
    .await?)
}

pub async fn load(db: &mut PgConnection, id: Uuid) -> Result<Option<SponsorRow>, DbError> {
    let filter = SponsorFilter { id: Some(id), ..SponsorFilter::default() };
    Ok(list(db, filter, None, 1).await?.pop())
}

/// The sponsor, locked: its use changes under this lock only.
pub async fn lock(db: &mut PgConnection, id: Uuid) -> Result<Option<SponsorRow>, DbError> {
    // Read by another statement, which sees what was committed while the lock was waited for.
    sqlx::query!("select id from sponsors where id = $1 for update", id)
        .fetch_optional(&mut *db)
        .await?;
    load(db, id).await
}

/// Which sponsors to list. None means any.
#[derive(Clone, Copy, Debug, Default)]
pub struct SponsorFilter {
    pub id: Option<Uuid>,
    pub chain_id: Option<ChainId>,
    pub principal_id: Option<PrincipalId>,
}

/// Sponsors older than `before` by id, newest first.
pub async fn list(
    db: &mut PgConnection,
    filter: SponsorFilter,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<SponsorRow>, DbError> {
    Ok(sqlx::query_as!(
        SponsorRow,
        r#"select id, chain_id, principal_id, name, state, day_wei_max as "day_wei_max: Numeric",
                  total_wei_max as "total_wei_max: Numeric",
                  user_day_wei_max as "user_day_wei_max: Numeric", user_day_requests_max, gas_max,
                  used_wei as "used_wei: Numeric", created_at, updated_at
             from sponsors
            where ($1::int8 is null or chain_id = $1) and ($2::uuid is null or principal_id = $2)
              and ($3::uuid is null or id < $3) and ($5::uuid is null or id = $5)
            order by id desc limit $4"#,
        filter.chain_id.map(ChainId::as_i64),
        filter.principal_id.map(|id| id.0),
        before,
        limit,
        filter.id,
    )
    .fetch_all(db)
    .await?)
}

/// What is reserved or paid on a day.
#[derive(Clone, Debug)]
pub struct DayRow {
    pub sponsor_id: Uuid,
    pub used_wei: U256,
    pub requests: i32,
}

/// The day of these sponsors: that of one user, or (`user` is empty) of all. A sponsor without use
/// has no row.
pub async fn load_day(
    db: &mut PgConnection,
    sponsors: &[Uuid],
    day: Date,
    user: &[u8],
) -> Result<Vec<DayRow>, DbError> {
    Ok(sqlx::query_as!(
        DayRow,
        r#"select sponsor_id, used_wei as "used_wei: Numeric", requests
             from sponsor_days where sponsor_id = any($1) and day = $2 and user_address = $3"#,
        sponsors,
        day,
        user,
    )
    .fetch_all(db)
    .await?)
}

/// What a sponsor has used in all, on a day, and on that day for one user.
#[derive(Clone, Copy, Debug)]
pub struct NewUse {
    pub sponsor_id: Uuid,
    pub day: Date,
    pub user: Address,
    pub total_wei: U256,
    pub day_wei: U256,
    pub day_requests: i32,
    pub user_day_wei: U256,
    pub user_day_requests: i32,
}

/// Record the use of a sponsor that is locked by [`lock`] in this transaction.
pub async fn record_use(db: &mut PgConnection, new: NewUse) -> Result<(), DbError> {
    sqlx::query!(
        "with total as (update sponsors set used_wei = $3 where id = $1)
         insert into sponsor_days (sponsor_id, day, user_address, used_wei, requests)
         values ($1, $2, ''::bytea, $4, $5), ($1, $2, $6::bytea, $7, $8)
         on conflict (sponsor_id, day, user_address) do update
            set used_wei = excluded.used_wei, requests = excluded.requests",
        new.sponsor_id,
        new.day,
        Numeric(new.total_wei) as _,
        Numeric(new.day_wei) as _,
        new.day_requests,
        Addr(new.user) as _,
        Numeric(new.user_day_wei) as _,
        new.user_day_requests,
    )
    .execute(db)
    .await?;
    Ok(())
}
