//! The indexer's side of `mint_jobs`: states from `tentative` on, and the way back.

use crate::{Addr, DbError, Hash, Numeric};
use sqlx::PgConnection;
use vocab::{
    Address, B256, BlockRef, ChainId, JobStatus, MintId, PrincipalId, TransactionId, U256,
};

/// An item that the chain shows as minted for an intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Minted {
    pub contract: Address,
    pub intent: U256,
    pub token_id: U256,
    pub tx_hash: B256,
    pub block: BlockRef,
    /// [`JobStatus::Tentative`] or later, by the depth of the block.
    pub status: JobStatus,
}

/// A mint job whose state the chain has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MintEffect {
    pub id: MintId,
    pub principal_id: PrincipalId,
    pub contract: Address,
    pub recipient: Address,
    pub intent: Option<U256>,
    pub transaction_id: Option<TransactionId>,
    pub status: String,
    /// The state before, when its block was orphaned.
    pub taken_back: Option<String>,
    pub token_id: Option<U256>,
    pub tx_hash: Option<B256>,
    pub block: Option<BlockRef>,
    /// Of the HTTP request that made the job.
    pub http_request_id: Option<String>,
}

struct Row {
    id: uuid::Uuid,
    principal_id: uuid::Uuid,
    contract: Addr,
    recipient: Addr,
    intent: Option<Numeric>,
    transaction_id: Option<uuid::Uuid>,
    status: String,
    taken_back: Option<String>,
    token_id: Option<Numeric>,
    tx_hash: Option<Hash>,
    block_number: Option<i64>,
    block_hash: Option<Hash>,
    http_request_id: Option<String>,
}

impl From<Row> for MintEffect {
    fn from(row: Row) -> Self {
        let block = row
            .block_number
            .zip(row.block_hash)
            .map(|(number, hash)| BlockRef { number: number.cast_unsigned(), hash: hash.0 });
        Self {
            id: row.id.into(),
            principal_id: row.principal_id.into(),
            contract: row.contract.0,
            recipient: row.recipient.0,
            intent: row.intent.map(Into::into),
            transaction_id: row.transaction_id.map(Into::into),
            status: row.status,
            taken_back: row.taken_back,
            token_id: row.token_id.map(Into::into),
            tx_hash: row.tx_hash.map(Into::into),
            block,
            http_request_id: row.http_request_id,
        }
    }
}

/// Set the jobs of these intents to what the chain shows, whatever was thought of them before.
/// Intents that no job of ours has are passed over. Jobs are given in the order of their ids.
pub async fn record_minted(
    db: &mut PgConnection,
    chain: ChainId,
    minted: &[Minted],
) -> Result<Vec<MintEffect>, DbError> {
    if minted.is_empty() {
        return Ok(Vec::new());
    }
    let contracts: Vec<Addr> = minted.iter().map(|m| Addr(m.contract)).collect();
    let intents: Vec<Numeric> = minted.iter().map(|m| Numeric(m.intent)).collect();
    let token_ids: Vec<Numeric> = minted.iter().map(|m| Numeric(m.token_id)).collect();
    let txs: Vec<Hash> = minted.iter().map(|m| Hash(m.tx_hash)).collect();
    let numbers: Vec<i64> = minted.iter().map(|m| m.block.number.cast_signed()).collect();
    let hashes: Vec<Hash> = minted.iter().map(|m| Hash(m.block.hash)).collect();
    let statuses: Vec<&str> = minted.iter().map(|m| m.status.as_str()).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"update mint_jobs m
              set status = u.status, reason = null, token_id = u.token_id, tx_hash = u.tx_hash,
                  block_number = u.block_number, block_hash = u.block_hash, updated_at = now(),
                  submitted_at = coalesce(m.submitted_at, now()), tentative_at = now(),
                  final_at = case when u.status = 'final' then now() end
             from unnest($2::bytea[], $3::numeric[], $4::numeric[], $5::bytea[], $6::int8[],
                         $7::bytea[], $8::text[])
                  as u(contract, intent, token_id, tx_hash, block_number, block_hash, status)
            where m.chain_id = $1 and m.contract = u.contract and m.intent = u.intent
           returning m.id, m.principal_id, m.contract as "contract: Addr",
                     m.recipient as "recipient: Addr", m.intent as "intent: Numeric",
                     m.transaction_id, m.status, null::text as "taken_back?",
                     m.token_id as "token_id: Numeric", m.tx_hash as "tx_hash: Hash",
                     m.block_number, m.block_hash as "block_hash: Hash", m.http_request_id"#,
        chain.as_i64(),
        &contracts as _,
        &intents as _,
        &token_ids as _,
        &txs as _,
        &numbers,
        &hashes as _,
        &statuses as _,
    )
    .fetch_all(&mut *db)
    .await?;
    record_rising(db, chain, &rows).await?;
    Ok(in_order(rows))
}

/// Note which jobs have levels before them.
async fn record_rising(db: &mut PgConnection, chain: ChainId, rows: &[Row]) -> Result<(), DbError> {
    let rising = rows.iter().filter(|row| row.status != JobStatus::Final.as_str());
    let (mut ids, mut numbers, mut auditable) = (Vec::new(), Vec::new(), Vec::new());
    for row in rising {
        ids.push(row.id);
        numbers.push(row.block_number);
        auditable.push(row.status == JobStatus::Auditable.as_str());
    }
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into mint_levels as l (chain_id, block_number, auditable, ids)
         select $1, u.block_number, u.auditable, array_agg(u.id)
           from unnest($2::int8[], $3::bool[], $4::uuid[]) as u(block_number, auditable, id)
          group by u.block_number, u.auditable
         on conflict (chain_id, block_number, auditable) do update set ids = l.ids || excluded.ids",
        chain.as_i64(),
        &numbers as _,
        &auditable,
        &ids,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Raise the mined jobs whose block lies at or below `auditable` or `final_` (block numbers; none
/// while nothing is).
pub async fn record_levels(
    db: &mut PgConnection,
    chain: ChainId,
    auditable: Option<u64>,
    final_: Option<u64>,
) -> Result<Vec<MintEffect>, DbError> {
    let rows = sqlx::query_as!(
        Row,
        r#"with due as (
               delete from mint_levels
                where chain_id = $1
                  and block_number
                      <= case when auditable then $3::int8 else greatest($2::int8, $3) end
               returning block_number, ids
           ), rising as (
               insert into mint_levels as l (chain_id, block_number, auditable, ids)
               select $1, d.block_number, true, d.ids from due d where d.block_number > $3
               on conflict (chain_id, block_number, auditable) do update
                  set ids = l.ids || excluded.ids
           ), job as (
               select block_number, unnest(ids) as id from due
           )
           update mint_jobs m
              set status = case when m.block_number <= $3 then 'final' else 'auditable' end,
                  final_at = case when m.block_number <= $3 then now() end, updated_at = now()
             from job
            where m.id = job.id and m.block_number = job.block_number
              and m.status in ('tentative', 'auditable')
           returning m.id, m.principal_id, m.contract as "contract: Addr",
                     m.recipient as "recipient: Addr", m.intent as "intent: Numeric",
                     m.transaction_id, m.status, null::text as "taken_back?",
                     m.token_id as "token_id: Numeric", m.tx_hash as "tx_hash: Hash",
                     m.block_number, m.block_hash as "block_hash: Hash", m.http_request_id"#,
        chain.as_i64(),
        auditable.map_or(-1, u64::cast_signed),
        final_.map_or(-1, u64::cast_signed),
    )
    .fetch_all(db)
    .await?;
    Ok(in_order(rows))
}

/// The blocks above `ancestor` were orphaned: put those jobs of the intents given that were mined
/// there back to `submitted`. They keep their transaction hash, which may be mined again. What is
/// given back still names the orphaned block and token id.
pub async fn record_unmined(
    db: &mut PgConnection,
    chain: ChainId,
    intents: &[(Address, U256)],
    ancestor: u64,
) -> Result<Vec<MintEffect>, DbError> {
    sqlx::query!(
        "delete from mint_levels where chain_id = $1 and block_number > $2",
        chain.as_i64(),
        ancestor.cast_signed(),
    )
    .execute(&mut *db)
    .await?;
    if intents.is_empty() {
        return Ok(Vec::new());
    }
    let contracts: Vec<Addr> = intents.iter().map(|(contract, _)| Addr(*contract)).collect();
    let intents: Vec<Numeric> = intents.iter().map(|(_, intent)| Numeric(*intent)).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"with old as (
               select m.id, m.status, m.token_id, m.block_number, m.block_hash
                 from unnest($2::bytea[], $3::numeric[]) as u(contract, intent)
                 join mint_jobs m
                   on m.chain_id = $1 and m.contract = u.contract and m.intent = u.intent
                where m.status in ('tentative', 'auditable', 'final') and m.block_number > $4
                  for update of m
           )
           update mint_jobs m
              set status = 'submitted', token_id = null, block_number = null, block_hash = null,
                  tentative_at = null, final_at = null, updated_at = now()
             from old where m.id = old.id
           returning m.id, m.principal_id, m.contract as "contract: Addr",
                     m.recipient as "recipient: Addr", m.intent as "intent: Numeric",
                     m.transaction_id, m.status, old.status as "taken_back?",
                     old.token_id as "token_id: Numeric", m.tx_hash as "tx_hash: Hash",
                     old.block_number as "block_number?", old.block_hash as "block_hash?: Hash",
                     m.http_request_id"#,
        chain.as_i64(),
        &contracts as _,
        &intents as _,
        ancestor.cast_signed(),
    )
    .fetch_all(db)
    .await?;
    Ok(in_order(rows))
}

fn in_order(rows: Vec<Row>) -> Vec<MintEffect> {
    let mut effects: Vec<MintEffect> = rows.into_iter().map(Into::into).collect();
    effects.sort_by_key(|effect| effect.id);
    effects
}
