//! `user_emails`: addresses that users proved to be theirs; `email_challenges`: those that they
//! have not proven yet.

use crate::DbError;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocab::PrincipalId;

/// A sealed address, by the key of this id.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailRow {
    pub address: Vec<u8>,
    pub key_id: String,
    pub verified_at: OffsetDateTime,
}

/// An address that somebody says is theirs.
#[derive(Clone, Copy)]
pub struct NewEmailChallenge<'a> {
    pub id: Uuid,
    pub principal_id: PrincipalId,
    pub address: &'a [u8],
    pub key_id: &'a str,
    pub address_mac: &'a [u8; 32],
    pub code_mac: &'a [u8; 32],
    pub now: OffsetDateTime,
    pub expires_at: OffsetDateTime,
}

/// The same as stored.
#[derive(Clone)]
pub struct EmailChallengeRow {
    pub id: Uuid,
    pub address: Vec<u8>,
    pub key_id: String,
    pub code_mac: Vec<u8>,
    pub tries: i32,
}

macro_rules! hidden {
    ($($name:ident $(<$life:lifetime>)?),+) => {$(
        impl std::fmt::Debug for $name $(<$life>)? {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )+};
}
hidden!(EmailRow, EmailChallengeRow, NewEmailChallenge<'_>);

pub async fn load(
    db: &mut PgConnection,
    principal: PrincipalId,
) -> Result<Option<EmailRow>, DbError> {
    let row = sqlx::query_as!(
        EmailRow,
        "select address, key_id, verified_at from user_emails where principal_id = $1",
        principal.0,
    );
    Ok(row.fetch_optional(db).await?)
}

/// In the place of the one before.
pub async fn record(
    db: &mut PgConnection,
    principal: PrincipalId,
    email: &EmailRow,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into user_emails (principal_id, address, key_id, verified_at)
         values ($1, $2, $3, $4)
         on conflict (principal_id) do update set address = $2, key_id = $3, verified_at = $4",
        principal.0,
        email.address,
        email.key_id,
        email.verified_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forget the address of a user, and what they have not proven yet.
pub async fn delete(db: &mut PgConnection, principal: PrincipalId) -> Result<(), DbError> {
    sqlx::query!("delete from user_emails where principal_id = $1", principal.0)
        .execute(&mut *db)
        .await?;
    sqlx::query!(
        "update email_challenges set spent_at = created_at
          where principal_id = $1 and spent_at is null",
        principal.0,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub async fn record_challenge(
    db: &mut PgConnection,
    new: NewEmailChallenge<'_>,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into email_challenges
             (id, principal_id, address, key_id, address_mac, code_mac, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        new.id,
        new.principal_id.0,
        new.address,
        new.key_id,
        new.address_mac.as_slice(),
        new.code_mac.as_slice(),
        new.now,
        new.expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Challenges since then: of this user, and for this address by whomever.
pub async fn count_since(
    db: &mut PgConnection,
    principal: PrincipalId,
    address_mac: &[u8; 32],
    since: OffsetDateTime,
) -> Result<(i64, i64), DbError> {
    let row = sqlx::query!(
        r#"select (select count(*) from email_challenges
                    where principal_id = $1 and created_at > $3) as "of_user!",
                  (select count(*) from email_challenges
                    where address_mac = $2 and created_at > $3) as "for_address!""#,
        principal.0,
        address_mac.as_slice(),
        since,
    )
    .fetch_one(db)
    .await?;
    Ok((row.of_user, row.for_address))
}

/// Within the caller's transaction: the newest challenge of a user that is open, held until it
/// ends.
pub async fn lock_challenge(
    db: &mut PgConnection,
    principal: PrincipalId,
    now: OffsetDateTime,
) -> Result<Option<EmailChallengeRow>, DbError> {
    let row = sqlx::query_as!(
        EmailChallengeRow,
        "select id, address, key_id, code_mac, tries from email_challenges
          where principal_id = $1 and spent_at is null and expires_at > $2
          order by created_at desc, id desc limit 1 for update",
        principal.0,
        now,
    );
    Ok(row.fetch_optional(db).await?)
}

/// A code that was wrong; or, when `spent`, the end of it.
pub async fn record_try(
    db: &mut PgConnection,
    id: Uuid,
    spent: bool,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    sqlx::query!(
        "update email_challenges
            set tries = tries + 1, spent_at = case when $2 then $3 else spent_at end
          where id = $1",
        id,
        spent,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Remove at most `limit` challenges from before then. Returns how many went.
pub async fn delete_old(
    db: &mut PgConnection,
    before: OffsetDateTime,
    limit: i64,
) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "delete from email_challenges where id in
             (select id from email_challenges
               where created_at <= $1 order by created_at limit $2 for update skip locked)",
        before,
        limit,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
