//! `api_keys`: the public half of each key, and the MACs of its secrets.

use crate::DbError;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocab::PrincipalId;

/// Secrets before the present one that may still open, of one key.
const OLDER_MAX: i64 = 4;

/// What a key is held against when it is shown.
#[derive(Clone)]
pub struct ApiKey {
    pub id: String,
    /// `sk_<env>`
    pub prefix: String,
    pub principal_id: Uuid,
    pub principal_kind: String,
    /// The present secret first.
    pub secrets: Vec<StoredSecret>,
    pub scopes: Vec<String>,
    pub allowed_ips: Vec<String>,
    pub signature_required: bool,
    pub public_key: Option<Vec<u8>>,
    pub expires_at: Option<OffsetDateTime>,
    pub revoked_at: Option<OffsetDateTime>,
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What is stored of a secret.
#[derive(Clone)]
pub struct StoredSecret {
    pub mac: Vec<u8>,
    pub signing_salt: Option<Vec<u8>>,
    /// None: as long as its key.
    pub valid_until: Option<OffsetDateTime>,
}

impl std::fmt::Debug for StoredSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredSecret")
            .field("valid_until", &self.valid_until)
            .finish_non_exhaustive()
    }
}

/// What is stored of a new secret.
#[derive(Clone, Copy)]
pub struct NewSecret<'a> {
    pub mac: &'a [u8; 32],
    pub signing_salt: &'a [u8; 32],
}

impl std::fmt::Debug for NewSecret<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewSecret(…)")
    }
}

/// A key to be stored.
#[derive(Clone, Copy, Debug)]
pub struct NewApiKey<'a> {
    pub id: &'a str,
    pub principal_id: PrincipalId,
    /// `sk_<env>`
    pub prefix: &'a str,
    pub secret: NewSecret<'a>,
    pub terms: &'a KeyTerms,
}

/// What is decided about a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyTerms {
    /// At most 100 characters.
    pub name: String,
    pub scopes: Vec<String>,
    /// CIDR; none: from anywhere.
    pub allowed_ips: Vec<String>,
    pub signature_required: bool,
    /// Ed25519.
    pub public_key: Option<Vec<u8>>,
    pub expires_at: Option<OffsetDateTime>,
}

pub async fn record(db: &mut PgConnection, key: NewApiKey<'_>) -> Result<(), DbError> {
    let terms = key.terms;
    sqlx::query!(
        "insert into api_keys (id, principal_id, prefix, secret_mac, signing_salt, name, scopes,
                               allowed_ips, signature_required, public_key, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        key.id,
        key.principal_id.0,
        key.prefix,
        key.secret.mac.as_slice(),
        key.secret.signing_salt.as_slice(),
        terms.name,
        &terms.scopes,
        &terms.allowed_ips,
        terms.signature_required,
        terms.public_key.as_deref(),
        terms.expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The terms of a key, in the place of those before.
pub async fn record_terms(
    db: &mut PgConnection,
    id: &str,
    terms: &KeyTerms,
) -> Result<(), DbError> {
    sqlx::query!(
        "update api_keys
            set name = $2, scopes = $3, allowed_ips = $4, signature_required = $5,
                public_key = $6, expires_at = $7
          where id = $1",
        id,
        terms.name,
        &terms.scopes,
        &terms.allowed_ips,
        terms.signature_required,
        terms.public_key.as_deref(),
        terms.expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub async fn load(db: &mut PgConnection, id: &str) -> Result<Option<ApiKey>, DbError> {
    let row = sqlx::query!(
        r#"select k.id, k.prefix, k.principal_id, p.kind as principal_kind, k.secret_mac,
                  k.signing_salt, k.scopes, k.allowed_ips, k.signature_required, k.public_key,
                  k.expires_at, k.revoked_at
             from api_keys k join principals p on p.id = k.principal_id
            where k.id = $1"#,
        id,
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let older = sqlx::query_as!(
        StoredSecret,
        r#"select secret_mac as mac, signing_salt, valid_until as "valid_until?"
             from api_key_secrets where key_id = $1 order by valid_until desc limit $2"#,
        id,
        OLDER_MAX,
    )
    .fetch_all(db)
    .await?;
    let present =
        StoredSecret { mac: row.secret_mac, signing_salt: row.signing_salt, valid_until: None };
    Ok(Some(ApiKey {
        id: row.id,
        prefix: row.prefix,
        principal_id: row.principal_id,
        principal_kind: row.principal_kind,
        secrets: [present].into_iter().chain(older).collect(),
        scopes: row.scopes,
        allowed_ips: row.allowed_ips,
        signature_required: row.signature_required,
        public_key: row.public_key,
        expires_at: row.expires_at,
        revoked_at: row.revoked_at,
    }))
}

/// Another secret in the place of the present one, which opens until `older_until`; none: no more,
/// and neither do those before it. The key's row is locked by the caller.
pub async fn record_rotation(
    db: &mut PgConnection,
    id: &str,
    secret: NewSecret<'_>,
    (now, older_until): (OffsetDateTime, Option<OffsetDateTime>),
) -> Result<(), DbError> {
    sqlx::query!(
        "delete from api_key_secrets where key_id = $1 and ($2 or valid_until <= $3)",
        id,
        older_until.is_none(),
        now,
    )
    .execute(&mut *db)
    .await?;
    if let Some(until) = older_until {
        sqlx::query!(
            "insert into api_key_secrets (key_id, secret_mac, signing_salt, valid_until)
             select id, secret_mac, signing_salt, $2 from api_keys where id = $1",
            id,
            until,
        )
        .execute(&mut *db)
        .await?;
        sqlx::query!(
            "delete from api_key_secrets where key_id = $1 and secret_mac not in
                (select secret_mac from api_key_secrets where key_id = $1
                  order by valid_until desc, secret_mac limit $2)",
            id,
            OLDER_MAX,
        )
        .execute(&mut *db)
        .await?;
    }
    sqlx::query!(
        "update api_keys set secret_mac = $2, signing_salt = $3, rotated_at = $4 where id = $1",
        id,
        secret.mac.as_slice(),
        secret.signing_salt.as_slice(),
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// When, and from where, a key was used last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUse {
    pub id: String,
    pub at: OffsetDateTime,
    pub ip: Option<String>,
}

/// Note that keys were used, each at most once a minute.
pub async fn record_uses(db: &mut PgConnection, uses: &[KeyUse]) -> Result<(), DbError> {
    let ids: Vec<String> = uses.iter().map(|one| one.id.clone()).collect();
    let times: Vec<OffsetDateTime> = uses.iter().map(|one| one.at).collect();
    let ips: Vec<Option<String>> = uses.iter().map(|one| one.ip.clone()).collect();
    sqlx::query!(
        "update api_keys k set last_used_at = u.at, last_used_ip = u.ip
           from unnest($1::text[], $2::timestamptz[], $3::text[]) u (id, at, ip)
          where k.id = u.id
            and (k.last_used_at is null or k.last_used_at <= u.at - interval '1 minute')",
        &ids,
        &times,
        &ips as &[Option<String>],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Revoke a key for good. False when there is no such key, or it was revoked before.
pub async fn record_revocation(
    db: &mut PgConnection,
    id: &str,
    now: OffsetDateTime,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "update api_keys set revoked_at = $2 where id = $1 and revoked_at is null",
        id,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A key as it is shown. Nothing of it is secret.
#[derive(Clone, Debug)]
pub struct ApiKeyRow {
    pub id: String,
    pub prefix: String,
    pub name: String,
    pub principal_id: Uuid,
    pub principal_name: String,
    pub principal_kind: String,
    pub scopes: Vec<String>,
    pub allowed_ips: Vec<String>,
    pub signature_required: bool,
    pub public_key: Option<Vec<u8>>,
    pub created_at: OffsetDateTime,
    pub expires_at: Option<OffsetDateTime>,
    pub rotated_at: Option<OffsetDateTime>,
    pub revoked_at: Option<OffsetDateTime>,
    pub last_used_at: Option<OffsetDateTime>,
    pub last_used_ip: Option<String>,
    /// Until when some secret before the present one opens, or opened.
    pub older_until: Option<OffsetDateTime>,
}

impl ApiKeyRow {
    /// What is decided about it.
    #[must_use]
    pub fn terms(&self) -> KeyTerms {
        KeyTerms {
            name: self.name.clone(),
            scopes: self.scopes.clone(),
            allowed_ips: self.allowed_ips.clone(),
            signature_required: self.signature_required,
            public_key: self.public_key.clone(),
            expires_at: self.expires_at,
        }
    }
}

/// Which keys to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApiKeyFilter<'a> {
    pub id: Option<&'a str>,
    pub principal_id: Option<PrincipalId>,
    /// Only what comes after this one: when it was made, and its id.
    pub after: Option<(OffsetDateTime, &'a str)>,
}

/// Newest first, at most `limit`.
pub async fn list(
    db: &mut PgConnection,
    filter: ApiKeyFilter<'_>,
    limit: i64,
) -> Result<Vec<ApiKeyRow>, DbError> {
    let (made, after) = filter.after.unzip();
    Ok(sqlx::query_as!(
        ApiKeyRow,
        r#"select k.id, k.prefix, k.name, k.principal_id, p.name as principal_name,
                  p.kind as principal_kind, k.scopes, k.allowed_ips, k.signature_required,
                  k.public_key, k.created_at, k.expires_at, k.rotated_at, k.revoked_at,
                  k.last_used_at, k.last_used_ip,
                  (select max(valid_until) from api_key_secrets s where s.key_id = k.id)
                      as older_until
             from api_keys k join principals p on p.id = k.principal_id
            where ($1::text is null or k.id = $1)
              and ($2::uuid is null or k.principal_id = $2)
              and ($3::timestamptz is null or (k.created_at, k.id) < ($3, $4::text))
            order by k.created_at desc, k.id desc limit $5"#,
        filter.id,
        filter.principal_id.map(|principal| principal.0),
        made,
        after,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// The one of this id, held until the end of the transaction.
pub async fn lock(db: &mut PgConnection, id: &str) -> Result<Option<ApiKeyRow>, DbError> {
    sqlx::query!("select 1 as one from api_keys where id = $1 for no key update", id)
        .fetch_optional(&mut *db)
        .await?;
    let filter = ApiKeyFilter { id: Some(id), ..ApiKeyFilter::default() };
    Ok(list(db, filter, 1).await?.pop())
}
