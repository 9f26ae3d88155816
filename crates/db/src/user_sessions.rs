//! `user_sessions`: where users are signed in, and which refresh token is the present one.

use crate::{Addr, DbError, user_wallets::WalletProof};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocab::{Address, ChainId, PrincipalId};

/// A session to be opened.
#[derive(Clone, Copy)]
pub struct NewSession<'a> {
    pub id: Uuid,
    pub principal_id: PrincipalId,
    /// The wallet, and the chain that was signed in for; none: signed in with a provider.
    pub wallet: Option<(Address, ChainId)>,
    /// See [`crate::user_wallets::WalletProof`].
    pub contract_chain_id: i64,
    pub origin: &'a str,
    /// `token` or `cookie`.
    pub kind: &'a str,
    pub user_agent: Option<&'a str>,
    pub client: &'a str,
    pub now: OffsetDateTime,
    pub expires_at: OffsetDateTime,
    /// Of its first refresh token.
    pub refresh_mac: &'a [u8; 32],
}

impl std::fmt::Debug for NewSession<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewSession").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A session as stored.
#[derive(Clone)]
pub struct SessionRow {
    pub id: Uuid,
    pub principal_id: Uuid,
    /// None, as is the chain: signed in with a provider of identities.
    pub address: Option<Addr>,
    pub chain_id: Option<i64>,
    pub contract_chain_id: i64,
    pub origin: String,
    pub kind: String,
    pub user_agent: Option<String>,
    pub client: String,
    pub created_at: OffsetDateTime,
    pub last_used_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
    pub ended_at: Option<OffsetDateTime>,
    /// Rises with each use of a refresh token.
    pub generation: i32,
    pub refresh_mac: Vec<u8>,
    pub previous_mac: Option<Vec<u8>>,
    pub successor_salt: Option<Vec<u8>>,
    pub rotated_at: Option<OffsetDateTime>,
}

impl std::fmt::Debug for SessionRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionRow").field("id", &self.id).finish_non_exhaustive()
    }
}

impl SessionRow {
    #[must_use]
    pub fn is_open(&self, now: OffsetDateTime) -> bool {
        self.ended_at.is_none() && self.expires_at > now
    }
}

/// A refresh token that took the place of another.
#[derive(Clone, Copy)]
pub struct Rotation<'a> {
    /// Of the new one.
    pub generation: i32,
    pub mac: &'a [u8; 32],
    pub previous_mac: &'a [u8; 32],
    pub salt: &'a [u8; 32],
    pub now: OffsetDateTime,
}

impl std::fmt::Debug for Rotation<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rotation").field("generation", &self.generation).finish_non_exhaustive()
    }
}

pub async fn record(db: &mut PgConnection, new: NewSession<'_>) -> Result<(), DbError> {
    sqlx::query!(
        "insert into user_sessions
             (id, principal_id, address, chain_id, contract_chain_id, origin, kind, user_agent,
              client, created_at, last_used_at, expires_at, generation, refresh_mac)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, 0, $12)",
        new.id,
        new.principal_id.0,
        new.wallet.as_ref().map(|(address, _)| address.as_slice()),
        new.wallet.map(|(_, chain)| chain.as_i64()),
        new.contract_chain_id,
        new.origin,
        new.kind,
        new.user_agent,
        new.client,
        new.now,
        new.expires_at,
        new.refresh_mac.as_slice(),
    )
    .execute(db)
    .await?;
    Ok(())
}

pub async fn load(db: &mut PgConnection, id: Uuid) -> Result<Option<SessionRow>, DbError> {
    Ok(sqlx::query_as!(
        SessionRow,
        r#"select id, principal_id, address as "address?: Addr", chain_id, contract_chain_id,
                  origin, kind, user_agent, client, created_at, last_used_at, expires_at, ended_at,
                  generation, refresh_mac, previous_mac, successor_salt, rotated_at
             from user_sessions where id = $1"#,
        id,
    )
    .fetch_optional(db)
    .await?)
}

/// Within the caller's transaction: hold the session until it ends.
pub async fn lock(db: &mut PgConnection, id: Uuid) -> Result<Option<SessionRow>, DbError> {
    let row = sqlx::query!("select id from user_sessions where id = $1 for update", id);
    // What is read after the lock is what the holder before committed.
    match row.fetch_optional(&mut *db).await? {
        Some(_) => load(db, id).await,
        None => Ok(None),
    }
}

/// Within the caller's transaction, under [`lock`].
pub async fn record_rotation(
    db: &mut PgConnection,
    id: Uuid,
    rotation: Rotation<'_>,
) -> Result<(), DbError> {
    sqlx::query!(
        "update user_sessions
            set generation = $2, refresh_mac = $3, previous_mac = $4, successor_salt = $5,
                rotated_at = $6, last_used_at = $6
          where id = $1",
        id,
        rotation.generation,
        rotation.mac.as_slice(),
        rotation.previous_mac.as_slice(),
        rotation.salt.as_slice(),
        rotation.now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Note that a session was used, at most once a minute.
pub async fn record_use(
    db: &mut PgConnection,
    id: Uuid,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    sqlx::query!(
        "update user_sessions set last_used_at = $2
          where id = $1 and last_used_at < $2::timestamptz - interval '1 minute'",
        id,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Which sessions are to end.
#[derive(Clone, Copy, Debug, Default)]
pub struct SessionFilter {
    pub id: Option<Uuid>,
    pub principal_id: Option<PrincipalId>,
    /// All of these but this one.
    pub except: Option<Uuid>,
}

/// End open sessions for good; their ids. A filter that names neither a session nor a principal
/// ends nothing.
pub async fn record_end(
    db: &mut PgConnection,
    filter: SessionFilter,
    reason: &str,
    now: OffsetDateTime,
) -> Result<Vec<Uuid>, DbError> {
    let rows = sqlx::query!(
        "update user_sessions set ended_at = $5, end_reason = $4
          where ended_at is null and expires_at > $5
            and ($1::uuid is not null or $2::uuid is not null)
            and ($1::uuid is null or id = $1) and ($2::uuid is null or principal_id = $2)
            and ($3::uuid is null or id <> $3)
      returning id",
        filter.id,
        filter.principal_id.map(|id| id.0),
        filter.except,
        reason,
        now,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Within the caller's transaction: end the open sessions that a wallet opened, which is its user's
/// no more; their ids.
pub async fn record_unlinked(
    db: &mut PgConnection,
    principal: PrincipalId,
    wallet: WalletProof,
    now: OffsetDateTime,
) -> Result<Vec<Uuid>, DbError> {
    let rows = sqlx::query!(
        "update user_sessions set ended_at = $4, end_reason = 'unlinked'
          where principal_id = $1 and address = $2 and contract_chain_id = $3
            and ended_at is null and expires_at > $4
      returning id",
        principal.0,
        wallet.address.as_slice(),
        wallet.contract_chain_id,
        now,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Within the caller's transaction: end those open sessions of a principal that were used least
/// lately, so that `keep` are left; the ids of those that ended.
pub async fn record_crowded(
    db: &mut PgConnection,
    principal: PrincipalId,
    keep: i64,
    now: OffsetDateTime,
) -> Result<Vec<Uuid>, DbError> {
    let rows = sqlx::query!(
        "update user_sessions set ended_at = $3, end_reason = 'crowded'
          where id in (select id from user_sessions
                        where principal_id = $1 and ended_at is null and expires_at > $3
                        order by last_used_at desc, id desc offset $2)
      returning id",
        principal.0,
        keep,
        now,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Open sessions of a principal, or of all, newest first, those before `before`.
pub async fn list(
    db: &mut PgConnection,
    principal: Option<PrincipalId>,
    before: Option<Uuid>,
    now: OffsetDateTime,
    limit: i64,
) -> Result<Vec<SessionRow>, DbError> {
    Ok(sqlx::query_as!(
        SessionRow,
        r#"select id, principal_id, address as "address?: Addr", chain_id, contract_chain_id,
                  origin, kind, user_agent, client, created_at, last_used_at, expires_at, ended_at,
                  generation, refresh_mac, previous_mac, successor_salt, rotated_at
             from user_sessions
            where ($1::uuid is null or principal_id = $1) and ($2::uuid is null or id < $2)
              and ended_at is null and expires_at > $3
            order by id desc limit $4"#,
        principal.map(|id| id.0),
        before,
        now,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// Remove at most `limit` sessions whose time is over, ended ones included. Returns how many went.
pub async fn delete_expired(
    db: &mut PgConnection,
    now: OffsetDateTime,
    limit: i64,
) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "delete from user_sessions where id in
             (select id from user_sessions
               where expires_at <= $1 order by expires_at limit $2 for update skip locked)",
        now,
        limit,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
