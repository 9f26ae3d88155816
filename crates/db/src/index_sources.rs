//! `index_sources`: which contracts of others the index of a chain follows, and how far those are
//! that were added while it went on.

use crate::{Addr, DbError, Hash, digest::TABLES};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};
use vocab::{Address, B256, BlockRef, ChainId};

/// A contract whose logs are recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRow {
    pub address: Address,
    /// `erc20`, `erc20_fee`, `erc20_rebasing`, `erc721` or `erc1155`; of a factory, that of the
    /// contracts that it makes.
    pub kind: String,
    /// The first block whose logs are read.
    pub start_block: u64,
    /// Its logs are made something of; else they are only kept.
    pub projected: bool,
    /// The configuration names it; else it was added by a command.
    pub configured: bool,
    pub factory: Option<FactoryRow>,
    /// Of one that is read by an ABI (`events`, `abi`): its events, as compilers write them. None
    /// where it is still to be taken from the ABI that was uploaded.
    pub abi: Option<Value>,
    /// Every contract that tells of the one event is meant; `address` is made of its topic.
    pub anywhere: bool,
    /// While it is read beside the chain's checkpoint: how far. None once it goes with that.
    pub beside: Option<Beside>,
    /// It is followed no more: the last block whose logs of it are indexed.
    pub last_block: Option<u64>,
    /// What is left of it is being deleted.
    pub purging: bool,
}

/// How a factory names the contracts that it makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactoryRow {
    /// The event, as Solidity declares it.
    pub event: String,
    /// Which of its arguments is the contract.
    pub parameter: String,
}

/// How far a contract is that is read by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beside {
    /// The last block whose logs of it are indexed.
    pub height: u64,
    /// Of that block; none before the first commit.
    pub hash: Option<B256>,
}

impl SourceRow {
    /// Do both say the same of a contract, however they came about and however far they are?
    #[must_use]
    pub fn agrees(&self, other: &Self) -> bool {
        let said = |row: &Self| (row.address, row.start_block, row.projected, row.anywhere);
        // An ABI that was uploaded is taken once.
        let same_abi = self.kind == "abi" || self.abi == other.abi;
        said(self) == said(other)
            && self.kind == other.kind
            && self.factory == other.factory
            && same_abi
    }

    /// Names of the events that it is read by.
    #[must_use]
    pub fn event_names(&self) -> Vec<String> {
        let items = self.abi.as_ref().and_then(Value::as_array).into_iter().flatten();
        items.filter_map(|item| item["name"].as_str().map(str::to_owned)).collect()
    }

    /// How much of it lies behind a chain that is indexed to `height`: 0 to 100.
    #[must_use]
    pub fn percent(&self, height: u64) -> f64 {
        let Some(at) = self.beside else { return 100.0 };
        let before = self.start_block.saturating_sub(1);
        let whole = height.saturating_sub(before);
        let done = at.height.min(height).saturating_sub(before);
        if whole == 0 { 100.0 } else { 100.0 * done as f64 / whole as f64 }
    }

    /// The block up to which its logs are there, in a chain that is indexed to `height`.
    #[must_use]
    pub fn reached(&self, height: u64) -> u64 {
        let at = self.beside.map(|at| at.height).or(self.last_block);
        at.map_or(height, |at| at.min(height))
    }

    /// The same, to be read by itself from its start on.
    #[must_use]
    pub fn begun_beside(&self) -> Self {
        let height = self.start_block.saturating_sub(1);
        Self { beside: Some(Beside { height, hash: None }), ..self.clone() }
    }
}

struct Row {
    address: Addr,
    kind: String,
    start_block: i64,
    projected: bool,
    configured: bool,
    height: Option<i64>,
    hash: Option<Hash>,
    event: Option<String>,
    parameter: Option<String>,
    abi: Option<Value>,
    anywhere: bool,
    last_block: Option<i64>,
    purging: bool,
}

impl From<Row> for SourceRow {
    fn from(row: Row) -> Self {
        let hash = row.hash.map(|hash| hash.0);
        Self {
            address: row.address.0,
            kind: row.kind,
            start_block: row.start_block.cast_unsigned(),
            projected: row.projected,
            configured: row.configured,
            factory: row
                .event
                .zip(row.parameter)
                .map(|(event, parameter)| FactoryRow { event, parameter }),
            abi: row.abi,
            anywhere: row.anywhere,
            beside: row.height.map(|height| Beside { height: height.cast_unsigned(), hash }),
            last_block: row.last_block.map(i64::cast_unsigned),
            purging: row.purging,
        }
    }
}

/// All of a chain, by address.
pub async fn load(db: &mut PgConnection, chain: ChainId) -> Result<Vec<SourceRow>, DbError> {
    let rows = sqlx::query_as!(
        Row,
        r#"select address as "address: Addr", kind, start_block, projected, configured, height,
                  hash as "hash: Hash", event, parameter, abi, anywhere, last_block, purging
             from index_sources where chain_id = $1 order by address"#,
        chain.as_i64(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// The source with this address; none of contracts that factories made.
pub async fn find(
    db: &mut PgConnection,
    chain: ChainId,
    address: Address,
) -> Result<Option<SourceRow>, DbError> {
    let row = sqlx::query_as!(
        Row,
        r#"select address as "address: Addr", kind, start_block, projected, configured, height,
                  hash as "hash: Hash", event, parameter, abi, anywhere, last_block, purging
             from index_sources where chain_id = $1 and address = $2"#,
        chain.as_i64(),
        address.as_slice(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Into::into))
}

/// Add contracts in the caller's transaction: those that the index begins with, or others to be
/// read beside. One that is there already is left as it is.
pub async fn record(
    db: &mut PgConnection,
    chain: ChainId,
    sources: &[SourceRow],
) -> Result<u64, DbError> {
    let addresses: Vec<Addr> = sources.iter().map(|source| Addr(source.address)).collect();
    let kinds: Vec<String> = sources.iter().map(|source| source.kind.clone()).collect();
    let starts: Vec<i64> = sources.iter().map(|source| source.start_block.cast_signed()).collect();
    let projected: Vec<bool> = sources.iter().map(|source| source.projected).collect();
    let configured: Vec<bool> = sources.iter().map(|source| source.configured).collect();
    let height = |source: &SourceRow| source.beside.map(|beside| beside.height.cast_signed());
    let heights: Vec<Option<i64>> = sources.iter().map(height).collect();
    let text = |of: fn(&FactoryRow) -> &String| -> Vec<Option<String>> {
        sources.iter().map(|source| source.factory.as_ref().map(of).cloned()).collect()
    };
    let (events, parameters) = (text(|factory| &factory.event), text(|factory| &factory.parameter));
    let abis: Vec<Option<Value>> = sources.iter().map(|source| source.abi.clone()).collect();
    let anywhere: Vec<bool> = sources.iter().map(|source| source.anywhere).collect();
    let done = sqlx::query!(
        "insert into index_sources (chain_id, address, kind, start_block, projected, configured,
                                    height, event, parameter, abi, anywhere)
         select $1, * from unnest($2::bytea[], $3::text[], $4::int8[], $5::bool[], $6::bool[],
                                  $7::int8[], $8::text[], $9::text[], $10::jsonb[], $11::bool[])
         on conflict (chain_id, address) do nothing",
        chain.as_i64(),
        &addresses as _,
        &kinds,
        &starts,
        &projected,
        &configured,
        &heights as _,
        &events as _,
        &parameters as _,
        &abis as _,
        &anywhere,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// The configuration names these from now on, too.
pub async fn record_configured(
    db: &mut PgConnection,
    chain: ChainId,
    addresses: &[Address],
) -> Result<(), DbError> {
    let addresses: Vec<Addr> = addresses.iter().copied().map(Addr).collect();
    sqlx::query!(
        "update index_sources set configured = true where chain_id = $1 and address = any($2)",
        chain.as_i64(),
        &addresses as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Contracts that stand at block `from` beside the checkpoint were read up to `to`: in the
/// transaction that holds what was read. False when they do not all stand there; then it must roll
/// back.
pub async fn record_read(
    db: &mut PgConnection,
    chain: ChainId,
    addresses: &[Address],
    from: u64,
    to: BlockRef,
) -> Result<bool, DbError> {
    let keys: Vec<Addr> = addresses.iter().copied().map(Addr).collect();
    let done = sqlx::query!(
        "update index_sources set height = $4, hash = $5
          where chain_id = $1 and address = any($2) and height = $3",
        chain.as_i64(),
        &keys as _,
        from.cast_signed(),
        to.number.cast_signed(),
        to.hash.as_slice(),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == addresses.len() as u64)
}

/// A contract that stands at block `from` beside the checkpoint goes with it from now on: in the
/// transaction that holds what was missing. False when it does not stand there.
pub async fn record_joined(
    db: &mut PgConnection,
    chain: ChainId,
    address: Address,
    from: u64,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "update index_sources set height = null, hash = null
          where chain_id = $1 and address = $2 and height = $3",
        chain.as_i64(),
        address.as_slice(),
        from.cast_signed(),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Forget all that was made of a contract that is read beside the checkpoint, and of what it made,
/// so that it can be read anew; not of what stands for itself, or is another factory's. False, with
/// nothing changed, when it is not read so, and when it is a collection of ours, whose rows are not
/// told apart.
pub async fn record_begun_anew(
    db: &mut PgConnection,
    chain: ChainId,
    address: Address,
) -> Result<bool, DbError> {
    let begun = sqlx::query!(
        "update index_sources set height = greatest(start_block, 1) - 1, hash = null
          where chain_id = $1 and address = $2 and height is not null and not anywhere
            and not exists (select 1 from collections where chain_id = $1 and contract = $2)",
        chain.as_i64(),
        address.as_slice(),
    )
    .execute(&mut *db)
    .await?;
    if begun.rows_affected() == 0 {
        return Ok(false);
    }
    let of_contracts = TABLES.iter().filter_map(|table| match table.table {
        "index_children" => None,
        "raw_logs" => Some((table.table, "address")),
        _ => table.columns.contains(&"contract").then_some((table.table, "contract")),
    });
    for (table, column) in of_contracts.chain([("balance_readings", "contract")]) {
        // Made of names in the constants only.
        let sql = format!(
            "delete from {table} where chain_id = $1 and ({column} = $2 or {column} in ({MADE}))"
        );
        let query = sqlx::query(AssertSqlSafe(sql));
        query.bind(chain.as_i64()).bind(Addr(address)).execute(&mut *db).await?;
    }
    sqlx::query!(
        "delete from index_children where chain_id = $1 and factory = $2",
        chain.as_i64(),
        address.as_slice(),
    )
    .execute(db)
    .await?;
    Ok(true)
}

/// What factory `$2` has made, as far as it is its own.
const MADE: &str = "
    select c.address from index_children c
     where c.chain_id = $1 and c.factory = $2
       and not exists (select 1 from index_sources o
                        where o.chain_id = $1 and o.address = c.address)
       and not exists (select 1 from collections o
                        where o.chain_id = $1 and o.contract = c.address)
       and not exists (select 1 from index_children e
                        where e.chain_id = $1 and e.address = c.address and e.factory <> $2
                          and (e.block_number, e.log_index) < (c.block_number, c.log_index))";

/// A contract of others whose logs mean something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowedContract {
    /// `erc20`, `erc20_fee`, `erc20_rebasing`, `erc721` or `erc1155`.
    pub kind: String,
    /// Its logs are made something of; else they are only kept.
    pub projected: bool,
}

/// What a contract is, named by itself or made by a factory; none when it is not followed.
pub async fn find_contract(
    db: &mut PgConnection,
    chain: ChainId,
    address: Address,
) -> Result<Option<FollowedContract>, DbError> {
    Ok(sqlx::query_as!(
        FollowedContract,
        r#"select kind as "kind!", projected as "projected!" from followed_contracts
            where chain_id = $1 and address = $2"#,
        chain.as_i64(),
        address.as_slice(),
    )
    .fetch_optional(db)
    .await?)
}

/// Standards of all contracts whose logs are made something of, named by themselves or made by a
/// factory.
pub async fn load_projected(
    db: &mut PgConnection,
    chain: ChainId,
) -> Result<Vec<(Address, String)>, DbError> {
    let rows = sqlx::query!(
        r#"select address as "address!: Addr", kind as "kind!" from followed_contracts
            where chain_id = $1 and projected"#,
        chain.as_i64(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.address.0, row.kind)).collect())
}

/// How far a contract is whose logs, or those of the factory that made it, are not all there yet.
pub async fn load_height(
    db: &mut PgConnection,
    chain: ChainId,
    address: Address,
) -> Result<Option<u64>, DbError> {
    let row = sqlx::query!(
        r#"select min(height) as height from index_sources
            where chain_id = $1 and height is not null
              and (address = $2 or address in (select factory from index_children
                                                where chain_id = $1 and address = $2))"#,
        chain.as_i64(),
        address.as_slice(),
    )
    .fetch_one(db)
    .await?;
    Ok(row.height.map(i64::cast_unsigned))
}

/// The factory that has made this contract, if one did whose logs are indexed.
pub async fn find_factory(
    db: &mut PgConnection,
    chain: ChainId,
    address: Address,
) -> Result<Option<Address>, DbError> {
    let row = sqlx::query!(
        r#"select factory as "factory: Addr" from index_children
            where chain_id = $1 and address = $2 order by block_number, log_index limit 1"#,
        chain.as_i64(),
        address.as_slice(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| row.factory.0))
}
