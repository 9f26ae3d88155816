//! Fields that are encrypted, wherever they stand: which ones an older key sealed, and the same
//! sealed anew.

use crate::DbError;
use sqlx::PgConnection;
use uuid::Uuid;

/// One column of sealed values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedColumn {
    ProfileContact,
    EmailAddress,
    EmailChallengeAddress,
    MailContent,
}

impl SealedColumn {
    pub const ALL: [Self; 4] =
        [Self::ProfileContact, Self::EmailAddress, Self::EmailChallengeAddress, Self::MailContent];

    #[must_use]
    pub const fn table(self) -> &'static str {
        match self {
            Self::ProfileContact => "user_profiles",
            Self::EmailAddress => "user_emails",
            Self::EmailChallengeAddress => "email_challenges",
            Self::MailContent => "mails",
        }
    }

    #[must_use]
    pub const fn column(self) -> &'static str {
        match self {
            Self::ProfileContact => "contact",
            Self::EmailAddress | Self::EmailChallengeAddress => "address",
            Self::MailContent => "content",
        }
    }
}

/// A sealed value, and the row that it is of.
#[derive(Clone)]
pub struct SealedRow {
    pub id: Uuid,
    pub key_id: String,
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for SealedRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedRow").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Values that another key than `current` sealed, of rows after `after`, in the order of their ids.
pub async fn load_outdated(
    db: &mut PgConnection,
    column: SealedColumn,
    current: &str,
    after: Uuid,
    limit: i64,
) -> Result<Vec<SealedRow>, DbError> {
    let rows = match column {
        SealedColumn::ProfileContact => {
            let rows = sqlx::query_as!(
                SealedRow,
                r#"select principal_id as id, contact_key_id as "key_id!", contact as "bytes!"
                     from user_profiles
                    where contact_key_id <> $1 and principal_id > $2
                    order by principal_id limit $3"#,
                current,
                after,
                limit,
            );
            rows.fetch_all(db).await
        }
        SealedColumn::EmailAddress => {
            let rows = sqlx::query_as!(
                SealedRow,
                "select principal_id as id, key_id, address as bytes from user_emails
                  where key_id <> $1 and principal_id > $2 order by principal_id limit $3",
                current,
                after,
                limit,
            );
            rows.fetch_all(db).await
        }
        SealedColumn::EmailChallengeAddress => {
            let rows = sqlx::query_as!(
                SealedRow,
                "select id, key_id, address as bytes from email_challenges
                  where key_id <> $1 and id > $2 order by id limit $3",
                current,
                after,
                limit,
            );
            rows.fetch_all(db).await
        }
        SealedColumn::MailContent => {
            let rows = sqlx::query_as!(
                SealedRow,
                "select id, key_id, content as bytes from mails
                  where key_id <> $1 and id > $2 order by id limit $3",
                current,
                after,
                limit,
            );
            rows.fetch_all(db).await
        }
    };
    Ok(rows?)
}

/// Put `sealed` in the place of the same value as it was read. False when the row has changed
/// meanwhile, or is gone.
pub async fn record_resealed(
    db: &mut PgConnection,
    column: SealedColumn,
    before: &SealedRow,
    (key_id, sealed): (&str, &[u8]),
) -> Result<bool, DbError> {
    let (id, bytes) = (before.id, before.bytes.as_slice());
    let done = match column {
        SealedColumn::ProfileContact => {
            let query = sqlx::query!(
                "update user_profiles set contact = $3, contact_key_id = $4
                  where principal_id = $1 and contact = $2",
                id,
                bytes,
                sealed,
                key_id,
            );
            query.execute(db).await
        }
        SealedColumn::EmailAddress => {
            let query = sqlx::query!(
                "update user_emails set address = $3, key_id = $4
                  where principal_id = $1 and address = $2",
                id,
                bytes,
                sealed,
                key_id,
            );
            query.execute(db).await
        }
        SealedColumn::EmailChallengeAddress => {
            let query = sqlx::query!(
                "update email_challenges set address = $3, key_id = $4
                  where id = $1 and address = $2",
                id,
                bytes,
                sealed,
                key_id,
            );
            query.execute(db).await
        }
        SealedColumn::MailContent => {
            let query = sqlx::query!(
                "update mails set content = $3, key_id = $4 where id = $1 and content = $2",
                id,
                bytes,
                sealed,
                key_id,
            );
            query.execute(db).await
        }
    };
    Ok(done?.rows_affected() == 1)
}
