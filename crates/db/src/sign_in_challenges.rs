//! `sign_in_challenges`: what somebody was asked to sign, until it is spent or has expired.

use crate::{Addr, DbError};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocab::{Address, ChainId, PrincipalId};

/// A challenge to be kept.
#[derive(Clone, Copy)]
pub struct NewChallenge<'a> {
    pub nonce: &'a str,
    pub address: Address,
    pub chain_id: ChainId,
    pub origin: &'a str,
    pub statement: &'a str,
    /// From where it was asked for.
    pub client: &'a str,
    pub issued_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
    /// Whom the wallet is to be linked to; none: it is to sign in.
    pub principal_id: Option<PrincipalId>,
}

impl std::fmt::Debug for NewChallenge<'_> {
    /// Without the nonce, which is a secret until it is spent.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewChallenge").field("address", &self.address).finish_non_exhaustive()
    }
}

/// How many challenges there may be at once that have not expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChallengeCaps {
    /// Asked for by one client.
    pub of_client: i64,
    /// Of those for one address.
    pub of_client_for_address: i64,
    /// For one address, by all clients.
    pub for_address: i64,
}

/// A challenge as stored.
#[derive(Clone)]
pub struct ChallengeRow {
    pub nonce: String,
    pub address: Addr,
    pub chain_id: i64,
    pub origin: String,
    pub statement: String,
    pub issued_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
    pub spent_at: Option<OffsetDateTime>,
    /// Of a message that links a wallet to this user.
    pub principal_id: Option<Uuid>,
}

impl std::fmt::Debug for ChallengeRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChallengeRow").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Keep a challenge unless there are too many. False when there are. Requests at the same moment do
/// not see each other, so a cap may be passed by as many as run at once.
pub async fn record(
    db: &mut PgConnection,
    new: NewChallenge<'_>,
    caps: ChallengeCaps,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "insert into sign_in_challenges
             (nonce, address, chain_id, origin, statement, client, issued_at, expires_at,
              principal_id)
         select $1, $2, $3, $4, $5, $6, $7, $8, $12
          where (select count(*) from (select 1 from sign_in_challenges
                  where client = $6 and expires_at > $7 limit $9) c) < $9
            and (select count(*) from (select 1 from sign_in_challenges
                  where address = $2 and client = $6 and expires_at > $7 limit $10) c) < $10
            and (select count(*) from (select 1 from sign_in_challenges
                  where address = $2 and expires_at > $7 limit $11) c) < $11",
        new.nonce,
        new.address.as_slice(),
        new.chain_id.as_i64(),
        new.origin,
        new.statement,
        new.client,
        new.issued_at,
        new.expires_at,
        caps.of_client,
        caps.of_client_for_address,
        caps.for_address,
        new.principal_id.map(|id| id.0),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How many have not expired, counted up to `limit`.
pub async fn count(db: &mut PgConnection, now: OffsetDateTime, limit: i64) -> Result<i64, DbError> {
    let row = sqlx::query!(
        r#"select count(*) as "count!" from
             (select 1 from sign_in_challenges where expires_at > $1 limit $2) c"#,
        now,
        limit,
    );
    Ok(row.fetch_one(db).await?.count)
}

pub async fn load(db: &mut PgConnection, nonce: &str) -> Result<Option<ChallengeRow>, DbError> {
    Ok(sqlx::query_as!(
        ChallengeRow,
        r#"select nonce, address as "address: Addr", chain_id, origin, statement, issued_at,
                  expires_at, spent_at, principal_id
             from sign_in_challenges where nonce = $1"#,
        nonce,
    )
    .fetch_optional(db)
    .await?)
}

/// Within the transaction of the session that it opens. True for one caller only, ever, and for
/// nobody once it has expired.
pub async fn record_spent(
    db: &mut PgConnection,
    nonce: &str,
    now: OffsetDateTime,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "update sign_in_challenges set spent_at = $2
          where nonce = $1 and spent_at is null and expires_at > $2",
        nonce,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Remove at most `limit` expired challenges. Returns how many went.
pub async fn delete_expired(
    db: &mut PgConnection,
    now: OffsetDateTime,
    limit: i64,
) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "delete from sign_in_challenges where nonce in
             (select nonce from sign_in_challenges
               where expires_at <= $1 order by expires_at limit $2 for update skip locked)",
        now,
        limit,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
