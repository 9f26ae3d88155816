//! `mined_blocks`: which jobs of a wallet each block holds. Levels and reorgs go by blocks, of
//! which there are few, and so need no index that each change of a job's status would write to.

use crate::{DbError, Hash};
use sqlx::PgConnection;
use uuid::Uuid;
use vocab::{Address, B256, ChainId};

/// A job on chain.
#[derive(Clone, Debug)]
pub struct Mined {
    pub id: Uuid,
    pub kind: String,
    pub status: String,
    pub reason: Option<String>,
    pub tx_hash: Option<Hash>,
    pub block_number: i64,
    pub block_hash: B256,
    pub reverted: bool,
    /// What is mined is the void of its nonce, and how the job then ends, if not as failed.
    pub void: bool,
    pub stop_as: Option<String>,
    pub request_id: Option<String>,
}

/// Whose blocks.
#[derive(Clone, Copy, Debug)]
pub struct Miner {
    pub chain: ChainId,
    pub wallet: Address,
}

/// List jobs that became tentative in this transaction under their blocks.
pub async fn record(db: &mut PgConnection, ids: &[Uuid]) -> Result<(), DbError> {
    sqlx::query!(
        "insert into mined_blocks as m
             (chain_id, wallet, block_number, block_hash, level, transaction_ids)
         select chain_id, wallet, block_number, block_hash, 'tentative', array_agg(id)
           from transactions where id = any($1) and status = 'tentative'
          group by chain_id, wallet, block_number, block_hash
             on conflict (chain_id, wallet, block_number, block_hash) do update
            set level = 'tentative',
                transaction_ids = array(
                    select unnest(m.transaction_ids)
                     union select unnest(excluded.transaction_ids))",
        ids,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// After jobs in these blocks were raised or taken back in this transaction: give each block the
/// lowest level among those that are still there (final if none is). Forgets final blocks that our
/// headers no longer reach.
pub async fn record_levels(
    db: &mut PgConnection,
    of: Miner,
    blocks: &[B256],
) -> Result<(), DbError> {
    let blocks: Vec<Hash> = blocks.iter().copied().map(Hash).collect();
    sqlx::query!(
        "with old as (
             delete from mined_blocks
              where chain_id = $1 and wallet = $2 and level = 'final'
                and block_number < (select min(number) from blocks where chain_id = $1)
                and not block_hash = any($3)
         )
         update mined_blocks m
            set level = (
                select case min(case t.status when 'tentative' then 1 when 'auditable' then 2 end)
                       when 1 then 'tentative' when 2 then 'auditable' else 'final' end
                  from unnest(m.transaction_ids) as of (id)
                  join transactions t on t.id = of.id and t.block_hash = m.block_hash)
          where chain_id = $1 and wallet = $2 and block_hash = any($3)",
        of.chain.as_i64(),
        of.wallet.as_slice(),
        &blocks as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Mined jobs of a wallet whose block is not (or no longer) ours, lowest block first. Blocks below
/// our oldest header can't be judged and do not count.
pub async fn load_orphaned(
    db: &mut PgConnection,
    of: Miner,
    limit: i64,
) -> Result<Vec<Mined>, DbError> {
    Ok(sqlx::query_as!(
        Mined,
        r#"with orphaned as materialized (
               select * from mined_blocks m
                where m.chain_id = $1 and m.wallet = $2
                  and m.block_number >= (select min(number) from blocks where chain_id = $1)
                  and not exists (select 1 from blocks b
                          where b.chain_id = $1 and b.number = m.block_number
                            and b.hash = m.block_hash)
           )
           select t.id, t.kind, t.status, t.reason, t.tx_hash as "tx_hash: Hash",
                  t.block_number as "block_number!", t.block_hash as "block_hash!: Hash",
                  t.reverted, t.stop_as, t.request_id,
                  exists (select 1 from attempts a where a.tx_hash = t.tx_hash and a.void)
                      as "void!"
             from orphaned m
            cross join lateral unnest(m.transaction_ids) as of (id)
             join transactions t on t.id = of.id and t.block_hash = m.block_hash
            where t.status in ('tentative', 'auditable', 'final')
            order by t.block_number, t.nonce limit $3"#,
        of.chain.as_i64(),
        of.wallet.as_slice(),
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// Mined jobs of a wallet in blocks up to `height` on our chain, in the given states (tentative,
/// auditable), lowest first.
pub async fn load_rising(
    db: &mut PgConnection,
    of: Miner,
    states: &[String],
    height: i64,
    limit: i64,
) -> Result<Vec<Mined>, DbError> {
    Ok(sqlx::query_as!(
        Mined,
        r#"select t.id, t.kind, t.status, t.reason, t.tx_hash as "tx_hash: Hash",
                  t.block_number as "block_number!", t.block_hash as "block_hash!: Hash",
                  t.reverted, t.stop_as, t.request_id,
                  exists (select 1 from attempts a where a.tx_hash = t.tx_hash and a.void)
                      as "void!"
             from mined_blocks m
            cross join lateral unnest(m.transaction_ids) as of (id)
             join transactions t on t.id = of.id and t.block_hash = m.block_hash
             join blocks b on b.chain_id = m.chain_id and b.number = m.block_number
                          and b.hash = m.block_hash
            where m.chain_id = $1 and m.wallet = $2 and m.level <> 'final'
              and m.level = any($3) and m.block_number <= $4 and t.status = any($3)
            order by t.block_number, t.nonce limit $5"#,
        of.chain.as_i64(),
        of.wallet.as_slice(),
        states,
        height,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// Mined jobs of a wallet in blocks below our oldest header: too old to be judged by our headers.
pub async fn load_below_window(
    db: &mut PgConnection,
    of: Miner,
    limit: i64,
) -> Result<Vec<Mined>, DbError> {
    Ok(sqlx::query_as!(
        Mined,
        r#"select t.id, t.kind, t.status, t.reason, t.tx_hash as "tx_hash: Hash",
                  t.block_number as "block_number!", t.block_hash as "block_hash!: Hash",
                  t.reverted, t.stop_as, t.request_id,
                  exists (select 1 from attempts a where a.tx_hash = t.tx_hash and a.void)
                      as "void!"
             from mined_blocks m
            cross join lateral unnest(m.transaction_ids) as of (id)
             join transactions t on t.id = of.id and t.block_hash = m.block_hash
            where m.chain_id = $1 and m.wallet = $2 and m.level <> 'final'
              and m.block_number < (select min(number) from blocks where chain_id = $1)
              and t.status in ('tentative', 'auditable')
            order by t.block_number, t.nonce limit $3"#,
        of.chain.as_i64(),
        of.wallet.as_slice(),
        limit,
    )
    .fetch_all(db)
    .await?)
}
