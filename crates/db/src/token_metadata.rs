//! `token_metadata`: what the documents behind token URIs say, and the queue of those to be read.
//!
//! ```text
//! '' (ask the chain) ─claim─► asked ─┬─► host (fetch) ─claim─► resolved │ failed
//!         ▲                          └─► resolved │ failed
//!         └── a notice, a new mint, a reorg, a request
//! ```
//! Whoever works on a token holds a claim: a mark that runs out by the database's clock. Results
//! are taken only from the claim that is still there, so nothing is recorded twice or out of date.

pub mod reads;

use crate::{Addr, DbError, Numeric};
use serde_json::Value;
use sqlx::PgConnection;
use time::Duration;
use uuid::Uuid;
use vocab::{Address, BlockRef, ChainId, U256};

/// One token of a contract.
pub type TokenKey = (Address, U256);

/// A token whose URI the chain has to be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    pub token: TokenKey,
    /// This one included.
    pub tries: u32,
    /// Followed as ERC-1155.
    pub multi: bool,
    /// What the index knows of a collection of ours.
    pub known_uri: Option<String>,
}

/// A token whose document some host has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    pub token: TokenKey,
    pub host: String,
    pub uri: String,
    /// This one included.
    pub tries: u32,
}

/// What the chain told of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub token: TokenKey,
    /// Receiver, and hundredths of a per cent up to 10,000.
    pub royalty: Option<(Address, u16)>,
    /// Host and URI of a document that is elsewhere.
    pub place: Option<(String, String)>,
}

/// A document that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    pub token: TokenKey,
    pub name: Option<String>,
    pub description: Option<String>,
    pub image: Option<String>,
    pub animation_url: Option<String>,
    pub external_url: Option<String>,
    pub attributes: Value,
    /// Type and value of what the token is found by.
    pub traits: Vec<(String, String)>,
    pub verified: Option<bool>,
}

/// A try that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    pub token: TokenKey,
    pub reason: &'static str,
    /// Until the next try; none for no other.
    pub retry: Option<Duration>,
}

/// The next `limit` hosts after `after` that tokens wait for, and whether any is due.
pub async fn load_hosts(
    db: &mut PgConnection,
    chain: ChainId,
    after: &str,
    limit: i64,
) -> Result<Vec<(String, bool)>, DbError> {
    let rows = sqlx::query!(
        r#"with recursive hosts (host, number) as (
               (select host, 1 from token_metadata
                 where chain_id = $1 and due_at is not null and host > $2
                 order by host limit 1)
               union all
               select (select m.host from token_metadata m
                        where m.chain_id = $1 and m.due_at is not null and m.host > h.host
                        order by m.host limit 1), h.number + 1
                 from hosts h where h.host is not null and h.number < $3)
           select host as "host!",
                  exists (select 1 from token_metadata m
                           where m.chain_id = $1 and m.host = h.host and m.due_at <= now())
                      as "due!"
             from hosts h where host is not null order by host"#,
        chain.as_i64(),
        after,
        i32::try_from(limit).unwrap_or(i32::MAX),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.host, row.due)).collect())
}

/// Claim tokens that the chain has to be asked for, the longest due first, for so long.
pub async fn claim_asks(
    db: &mut PgConnection,
    chain: ChainId,
    claim: Uuid,
    hold: Duration,
    limit: i64,
) -> Result<Vec<Ask>, DbError> {
    let rows = sqlx::query!(
        r#"with due as (
               select contract, token_id from token_metadata
                where chain_id = $1 and host = '' and due_at <= now()
                order by due_at limit $4 for update skip locked),
           claimed as (
               update token_metadata m
                  set claim = $2, due_at = now() + make_interval(secs => $3),
                      tries = m.tries + 1
                 from due
                where m.chain_id = $1 and m.contract = due.contract and m.token_id = due.token_id
               returning m.contract, m.token_id, m.tries)
           select c.contract as "contract!: Addr", c.token_id as "token_id!: Numeric",
                  c.tries as "tries!", (s.kind is not null and s.kind = 'erc1155') as "multi!",
                  i.uri as "uri?"
             from claimed c
             left join lateral (
                  select f.kind from followed_contracts f
                   where f.chain_id = $1 and f.address = c.contract limit 1) as s on true
             left join items i on i.chain_id = $1 and i.contract = c.contract
                              and i.token_id = c.token_id"#,
        chain.as_i64(),
        claim,
        hold.as_seconds_f64(),
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Ask {
            token: (row.contract.0, row.token_id.0),
            tries: row.tries.unsigned_abs(),
            multi: row.multi,
            known_uri: row.uri,
        })
        .collect())
}

/// Claim tokens of hosts, so many of each, the longest due first.
pub async fn claim_fetches(
    db: &mut PgConnection,
    chain: ChainId,
    claim: Uuid,
    hold: Duration,
    hosts: &[(String, u32)],
) -> Result<Vec<Fetch>, DbError> {
    let names: Vec<String> = hosts.iter().map(|(name, _)| name.clone()).collect();
    let counts: Vec<i32> = hosts.iter().map(|(_, count)| count.cast_signed()).collect();
    let rows = sqlx::query!(
        r#"with due as (
               select d.contract, d.token_id
                 from unnest($4::text[], $5::int4[]) as h (host, count)
                cross join lateral (
                      select contract, token_id from token_metadata m
                       where m.chain_id = $1 and m.host = h.host and m.due_at <= now()
                       order by m.due_at limit h.count for update skip locked) as d)
           update token_metadata m
              set claim = $2, due_at = now() + make_interval(secs => $3), tries = m.tries + 1
             from due
            where m.chain_id = $1 and m.contract = due.contract and m.token_id = due.token_id
           returning m.contract as "contract: Addr", m.token_id as "token_id: Numeric", m.host,
                     m.uri as "uri!", m.tries"#,
        chain.as_i64(),
        claim,
        hold.as_seconds_f64(),
        &names,
        &counts,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Fetch {
            token: (row.contract.0, row.token_id.0),
            host: row.host,
            uri: row.uri,
            tries: row.tries.unsigned_abs(),
        })
        .collect())
}

/// Record what the chain told of tokens at a block, if that is canonical still. Those whose
/// document is elsewhere wait for their hosts from now on; the others stay claimed, for what was
/// found in them. Gives those that were recorded. In a transaction of its own, with what follows.
pub async fn record_asked(
    db: &mut PgConnection,
    chain: ChainId,
    claim: Uuid,
    block: BlockRef,
    asked: &[Asked],
) -> Result<Vec<TokenKey>, DbError> {
    // See `metadata_cursors::follow_reorgs`: the lock first, then a statement that sees what was
    // committed before it was had.
    sqlx::query!(
        "select pg_advisory_xact_lock_shared(hashtextextended('token_metadata', $1))",
        chain.as_i64(),
    )
    .execute(&mut *db)
    .await?;
    let (contracts, ids) = columns(asked.iter().map(|asked| &asked.token));
    let hosts: Vec<Option<&str>> =
        asked.iter().map(|a| a.place.as_ref().map(|(host, _)| host.as_str())).collect();
    let uris: Vec<Option<&str>> =
        asked.iter().map(|a| a.place.as_ref().map(|(_, uri)| uri.as_str())).collect();
    let receivers: Vec<Option<Addr>> =
        asked.iter().map(|a| a.royalty.map(|(receiver, _)| Addr(receiver))).collect();
    let bps: Vec<Option<i32>> =
        asked.iter().map(|a| a.royalty.map(|(_, bps)| i32::from(bps))).collect();
    let rows = sqlx::query!(
        r#"update token_metadata m
              set asked_block = $3, asked_hash = $4, royalty_receiver = t.receiver,
                  royalty_bps = t.bps, uri = t.uri,
                  host = coalesce(t.host, m.host),
                  due_at = case when t.host is null then m.due_at else now() end,
                  claim = case when t.host is null then m.claim end,
                  tries = case when t.host is null then m.tries else 0 end
             from unnest($5::bytea[], $6::numeric[], $7::text[], $8::text[], $9::bytea[],
                         $10::int4[]) as t (contract, token_id, host, uri, receiver, bps)
            where m.chain_id = $1 and m.contract = t.contract and m.token_id = t.token_id
              and m.claim = $2
              and exists (select 1 from blocks b
                           where b.chain_id = $1 and b.number = $3 and b.hash = $4)
           returning m.contract as "contract: Addr", m.token_id as "token_id: Numeric""#,
        chain.as_i64(),
        claim,
        block.number.cast_signed(),
        block.hash.as_slice(),
        &contracts as _,
        &ids as _,
        &hosts as _,
        &uris as _,
        &receivers as _,
        &bps as _,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.contract.0, row.token_id.0)).collect())
}

/// Record documents that were read under a claim, with what the tokens are found by. Gives those
/// that were recorded.
pub async fn record_read(
    db: &mut PgConnection,
    chain: ChainId,
    claim: Uuid,
    read: &[Read],
) -> Result<Vec<TokenKey>, DbError> {
    let (contracts, ids) = columns(read.iter().map(|read| &read.token));
    let texts = |of: fn(&Read) -> &Option<String>| -> Vec<Option<&str>> {
        read.iter().map(|read| of(read).as_deref()).collect()
    };
    let attributes: Vec<Value> = read.iter().map(|read| read.attributes.clone()).collect();
    let verified: Vec<Option<bool>> = read.iter().map(|read| read.verified).collect();
    let rows = sqlx::query!(
        r#"update token_metadata m
              set state = 'resolved', reason = null, host = '', due_at = null, claim = null,
                  tries = 0, resolved_block = m.asked_block, resolved_at = now(),
                  name = t.name, description = t.description, image = t.image,
                  animation_url = t.animation_url, external_url = t.external_url,
                  attributes = t.attributes, verified = t.verified
             from unnest($3::bytea[], $4::numeric[], $5::text[], $6::text[], $7::text[],
                         $8::text[], $9::text[], $10::jsonb[], $11::bool[])
                  as t (contract, token_id, name, description, image, animation_url,
                        external_url, attributes, verified)
            where m.chain_id = $1 and m.contract = t.contract and m.token_id = t.token_id
              and m.claim = $2
           returning m.contract as "contract: Addr", m.token_id as "token_id: Numeric""#,
        chain.as_i64(),
        claim,
        &contracts as _,
        &ids as _,
        &texts(|read| &read.name) as _,
        &texts(|read| &read.description) as _,
        &texts(|read| &read.image) as _,
        &texts(|read| &read.animation_url) as _,
        &texts(|read| &read.external_url) as _,
        &attributes,
        &verified as _,
    )
    .fetch_all(&mut *db)
    .await?;
    let recorded: Vec<TokenKey> =
        rows.into_iter().map(|row| (row.contract.0, row.token_id.0)).collect();
    record_traits(db, chain, &recorded, read).await?;
    Ok(recorded)
}

async fn record_traits(
    db: &mut PgConnection,
    chain: ChainId,
    tokens: &[TokenKey],
    read: &[Read],
) -> Result<(), DbError> {
    let (contracts, ids) = columns(tokens.iter());
    sqlx::query!(
        "delete from token_traits t
          using unnest($2::bytea[], $3::numeric[]) as k (contract, token_id)
          where t.chain_id = $1 and t.contract = k.contract and t.token_id = k.token_id",
        chain.as_i64(),
        &contracts as _,
        &ids as _,
    )
    .execute(&mut *db)
    .await?;
    let of = |read: &&Read| tokens.contains(&read.token);
    let all: Vec<(TokenKey, &(String, String))> = read
        .iter()
        .filter(of)
        .flat_map(|read| read.traits.iter().map(|pair| (read.token, pair)))
        .collect();
    let (contracts, ids) = columns(all.iter().map(|(token, _)| token));
    let kinds: Vec<&str> = all.iter().map(|(_, (kind, _))| kind.as_str()).collect();
    let values: Vec<&str> = all.iter().map(|(_, (_, value))| value.as_str()).collect();
    sqlx::query!(
        "insert into token_traits (chain_id, contract, token_id, trait_type, value)
         select $1, * from unnest($2::bytea[], $3::numeric[], $4::text[], $5::text[])
         on conflict do nothing",
        chain.as_i64(),
        &contracts as _,
        &ids as _,
        &kinds as _,
        &values as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Record tries that failed under a claim. The next one is of the same place.
pub async fn record_failed(
    db: &mut PgConnection,
    chain: ChainId,
    claim: Uuid,
    failed: &[Failed],
) -> Result<u64, DbError> {
    let (contracts, ids) = columns(failed.iter().map(|failed| &failed.token));
    let reasons: Vec<&str> = failed.iter().map(|failed| failed.reason).collect();
    let retries: Vec<Option<f64>> =
        failed.iter().map(|failed| failed.retry.map(Duration::as_seconds_f64)).collect();
    let done = sqlx::query!(
        "update token_metadata m
            set state = 'failed', reason = t.reason, claim = null,
                due_at = now() + make_interval(secs => t.retry)
           from unnest($3::bytea[], $4::numeric[], $5::text[], $6::float8[])
                as t (contract, token_id, reason, retry)
          where m.chain_id = $1 and m.contract = t.contract and m.token_id = t.token_id
            and m.claim = $2",
        chain.as_i64(),
        claim,
        &contracts as _,
        &ids as _,
        &reasons as _,
        &retries as _,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Give claims back before they run out, as if nothing had been tried.
pub async fn release(
    db: &mut PgConnection,
    chain: ChainId,
    claim: Uuid,
    tokens: &[TokenKey],
    after: Duration,
) -> Result<(), DbError> {
    let (contracts, ids) = columns(tokens.iter());
    sqlx::query!(
        "update token_metadata m
            set claim = null, due_at = now() + make_interval(secs => $5),
                tries = greatest(m.tries - 1, 0)
           from unnest($3::bytea[], $4::numeric[]) as t (contract, token_id)
          where m.chain_id = $1 and m.contract = t.contract and m.token_id = t.token_id
            and m.claim = $2",
        chain.as_i64(),
        claim,
        &contracts as _,
        &ids as _,
        after.as_seconds_f64(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Have a token read again, unless that was asked for within `pause`. Tells whether it will be;
/// none when it is not in the queue's table.
pub async fn record_refresh(
    db: &mut PgConnection,
    chain: ChainId,
    (contract, token_id): TokenKey,
    pause: Duration,
) -> Result<Option<bool>, DbError> {
    let row = sqlx::query!(
        r#"with present as (
               select refreshed_at from token_metadata
                where chain_id = $1 and contract = $2 and token_id = $3::numeric for update),
           queued as (
               update token_metadata
                  set host = '', tries = 0, due_at = now(), claim = null, state = 'pending',
                      reason = null, refreshed_at = now()
                where chain_id = $1 and contract = $2 and token_id = $3::numeric
                  and exists (select 1 from present
                               where refreshed_at is null
                                  or refreshed_at <= now() - make_interval(secs => $4))
               returning 1)
           select exists (select 1 from present) as "present!",
                  exists (select 1 from queued) as "queued!""#,
        chain.as_i64(),
        contract.as_slice(),
        Numeric(token_id) as _,
        pause.as_seconds_f64(),
    )
    .fetch_one(db)
    .await?;
    Ok(row.present.then_some(row.queued))
}

fn columns<'t>(tokens: impl Iterator<Item = &'t TokenKey>) -> (Vec<Addr>, Vec<Numeric>) {
    tokens.map(|(contract, token_id)| (Addr(*contract), Numeric(*token_id))).unzip()
}

/// How many tokens are due, or will be.
pub async fn load_depth(db: &mut PgConnection, chain: ChainId) -> Result<(i64, i64), DbError> {
    let row = sqlx::query!(
        r#"select count(*) filter (where due_at <= now()) as "due!", count(*) as "all!"
             from token_metadata where chain_id = $1 and due_at is not null"#,
        chain.as_i64(),
    )
    .fetch_one(db)
    .await?;
    Ok((row.due, row.all))
}
