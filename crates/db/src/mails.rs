//! `mails`: letters to be sent. What is in them is sealed.

use crate::DbError;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A letter as stored.
#[derive(Clone)]
pub struct MailRow {
    pub id: Uuid,
    pub content: Vec<u8>,
    pub key_id: String,
    /// Those that failed.
    pub tries: i32,
    pub expires_at: OffsetDateTime,
}

impl std::fmt::Debug for MailRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailRow").field("id", &self.id).finish_non_exhaustive()
    }
}

pub async fn record(
    db: &mut PgConnection,
    mail: &MailRow,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into mails (id, content, key_id, created_at, next_at, expires_at)
         values ($1, $2, $3, $4, $4, $5)",
        mail.id,
        mail.content,
        mail.key_id,
        now,
        mail.expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Letters that are due, which nobody else looks at until `until`: by then they are out, or their
/// process has died.
pub async fn claim(
    db: &mut PgConnection,
    (now, until): (OffsetDateTime, OffsetDateTime),
    limit: i64,
) -> Result<Vec<MailRow>, DbError> {
    Ok(sqlx::query_as!(
        MailRow,
        "update mails set next_at = $2, tries = tries + 1
          where id in (select id from mails where next_at <= $1
                        order by next_at limit $3 for update skip locked)
      returning id, content, key_id, tries, expires_at",
        now,
        until,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// To be tried again then.
pub async fn record_later(
    db: &mut PgConnection,
    id: Uuid,
    next_at: OffsetDateTime,
) -> Result<(), DbError> {
    sqlx::query!("update mails set next_at = $2 where id = $1", id, next_at).execute(db).await?;
    Ok(())
}

/// It is out, or nobody is helped by it any more.
pub async fn delete(db: &mut PgConnection, id: Uuid) -> Result<(), DbError> {
    sqlx::query!("delete from mails where id = $1", id).execute(db).await?;
    Ok(())
}

/// How many wait.
pub async fn count(db: &mut PgConnection) -> Result<i64, DbError> {
    let row = sqlx::query!(r#"select count(*) as "count!" from mails"#).fetch_one(db).await?;
    Ok(row.count)
}
