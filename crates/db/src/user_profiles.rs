//! `user_profiles`: what users tell of themselves.

use crate::DbError;
use sqlx::PgConnection;
use time::OffsetDateTime;
use vocab::PrincipalId;

/// A profile as stored. What is not told is none.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ProfileRow {
    pub display_name: Option<String>,
    pub locale: Option<String>,
    /// Of a picture in `contents`.
    pub avatar_cid: Option<String>,
    /// Sealed, by the key of this id.
    pub contact: Option<Vec<u8>>,
    pub contact_key_id: Option<String>,
}

impl std::fmt::Debug for ProfileRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProfileRow(…)")
    }
}

pub async fn load(db: &mut PgConnection, principal: PrincipalId) -> Result<ProfileRow, DbError> {
    let row = sqlx::query_as!(
        ProfileRow,
        "select display_name, locale, avatar_cid, contact, contact_key_id
           from user_profiles where principal_id = $1",
        principal.0,
    );
    Ok(row.fetch_optional(db).await?.unwrap_or_default())
}

/// Put a profile in the place of the one before.
pub async fn record(
    db: &mut PgConnection,
    principal: PrincipalId,
    profile: &ProfileRow,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into user_profiles
             (principal_id, display_name, locale, avatar_cid, contact, contact_key_id, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (principal_id) do update
            set display_name = $2, locale = $3, avatar_cid = $4, contact = $5,
                contact_key_id = $6, updated_at = $7",
        principal.0,
        profile.display_name,
        profile.locale,
        profile.avatar_cid,
        profile.contact,
        profile.contact_key_id,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Is this a picture that was uploaded?
pub async fn is_picture(db: &mut PgConnection, cid: &str) -> Result<bool, DbError> {
    let row = sqlx::query!("select cid from contents where cid = $1 and kind = 'picture'", cid);
    Ok(row.fetch_optional(db).await?.is_some())
}
