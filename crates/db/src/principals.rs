//! `principals`: who may call: holders of keys, and users who sign in.

use crate::DbError;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocab::PrincipalId;

/// Record a principal; the same id again changes nothing.
/// `kind` is `operator`, `machine` or `user`.
pub async fn record(
    db: &mut PgConnection,
    id: PrincipalId,
    name: &str,
    kind: &str,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into principals (id, name, kind) values ($1, $2, $3) on conflict (id) do nothing",
        id.0,
        name,
        kind,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The name of a principal; none when there is no such one.
pub async fn load_name(db: &mut PgConnection, id: PrincipalId) -> Result<Option<String>, DbError> {
    let row = sqlx::query!("select name from principals where id = $1", id.0);
    Ok(row.fetch_optional(db).await?.map(|row| row.name))
}

/// A principal as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalRow {
    pub id: Uuid,
    pub name: String,
    /// `operator`, `machine` or `user`.
    pub kind: String,
    pub created_at: OffsetDateTime,
}

/// Which principals to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct PrincipalFilter<'a> {
    pub id: Option<PrincipalId>,
    pub kind: Option<&'a str>,
    /// With this role, granted and not expired by then.
    pub role: Option<(&'a str, OffsetDateTime)>,
    /// Only what comes after this one: when it came, and its id.
    pub after: Option<(OffsetDateTime, Uuid)>,
}

/// Newest first, at most `limit`.
pub async fn list(
    db: &mut PgConnection,
    filter: PrincipalFilter<'_>,
    limit: i64,
) -> Result<Vec<PrincipalRow>, DbError> {
    let (role, now) = filter.role.unzip();
    let (made, after) = filter.after.unzip();
    Ok(sqlx::query_as!(
        PrincipalRow,
        r#"select id, name, kind, created_at from principals p
            where ($1::uuid is null or id = $1)
              and ($2::text is null or kind = $2)
              and ($3::text is null or exists
                    (select from principal_roles r where r.principal_id = p.id and r.role = $3
                        and (r.expires_at is null or r.expires_at > $4::timestamptz)))
              and ($5::timestamptz is null or (created_at, id) < ($5, $6::uuid))
            order by created_at desc, id desc limit $7"#,
        filter.id.map(|id| id.0),
        filter.kind,
        role,
        now,
        made,
        after,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// The one of this id, held until the end of the transaction.
pub async fn lock(db: &mut PgConnection, id: PrincipalId) -> Result<Option<PrincipalRow>, DbError> {
    Ok(sqlx::query_as!(
        PrincipalRow,
        "select id, name, kind, created_at from principals where id = $1 for no key update",
        id.0,
    )
    .fetch_optional(db)
    .await?)
}
