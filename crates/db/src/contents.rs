//! `contents`: what lies in the content store, by root CID.

use crate::DbError;
use sqlx::PgConnection;

/// One stored content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    pub cid: String,
    /// `picture` or `metadata`.
    pub kind: String,
    pub media_type: String,
    pub size: i64,
    pub width: Option<i32>,
    pub height: Option<i32>,
    pub preview_cid: Option<String>,
}

/// Record content; the same CID again changes nothing.
pub async fn record(db: &mut PgConnection, content: &Content) -> Result<(), DbError> {
    sqlx::query!(
        "insert into contents (cid, kind, media_type, size, width, height, preview_cid)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (cid) do nothing",
        content.cid,
        content.kind,
        content.media_type,
        content.size,
        content.width,
        content.height,
        content.preview_cid,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub async fn load(db: &mut PgConnection, cid: &str) -> Result<Option<Content>, DbError> {
    Ok(sqlx::query_as!(
        Content,
        "select cid, kind, media_type, size, width, height, preview_cid
           from contents where cid = $1",
        cid,
    )
    .fetch_optional(db)
    .await?)
}
