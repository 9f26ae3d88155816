//! Folds inside the indexer's commits.

use super::{
    facts::fact,
    fold::{Folded, fold, fold_and_tell},
    readings::{applied, by_block, lasting, readings},
};
use crate::Standard;
use alloy_primitives::{Address, U256};
use db::{
    Addr, DbError, Numeric, PgConnection, allowances,
    balance_readings::{self, Reading},
    balances,
    digest::Compared,
    items_owners, metadata_updates, operator_approvals,
    raw_logs::RawLog,
    token_approvals, transfers, undecoded_logs,
    undo_records::{self, KeyColumn},
};
use indexer::Answer;
use journal::NewFact;
use std::collections::{BTreeSet, HashMap};
use vocab::ChainId;

/// Logs that are folded at once, and rows that their consecutive transfers may make on top before
/// they are written: so the memory of one commit is bounded.
const PIECE: usize = 50_000;

/// Settled blocks: in large pieces, nothing to be taken back.
pub(crate) async fn record_settled(
    db: &mut PgConnection,
    chain: ChainId,
    standards: &HashMap<Address, Standard>,
    logs: &[RawLog],
) -> Result<(), DbError> {
    let mut rest = logs;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(piece_of(rest));
        record(db, chain, &fold(standards, piece), None).await?;
        rest = after;
    }
    count_unreliable(db, chain, logs).await
}

/// Blocks that may still be given up, and what contracts said as of them: one by one, each with its
/// undo. Gives what is to be told.
pub(crate) async fn record_live(
    db: &mut PgConnection,
    chain: ChainId,
    standards: &HashMap<Address, Standard>,
    (logs, answers): (&[RawLog], &[Answer]),
) -> Result<Vec<NewFact>, DbError> {
    let mut facts = Vec::new();
    let read = readings(answers);
    for (number, block, read) in by_block(logs, &read) {
        let (folded, told) = fold_and_tell(standards, block);
        let applied = record(db, chain, &folded, Some((number, read))).await?;
        balance_readings::record(db, chain, &lasting(read, &applied)).await?;
        facts.extend(told.iter().map(|told| fact(chain, told)));
    }
    count_unreliable(db, chain, logs).await?;
    Ok(facts)
}

/// What was told of these logs, which lie in blocks that are no longer on the chain.
pub(crate) fn told(
    chain: ChainId,
    standards: &HashMap<Address, Standard>,
    logs: &[RawLog],
) -> Vec<NewFact> {
    fold_and_tell(standards, logs).1.iter().map(|told| fact(chain, told)).collect()
}

/// How many of these logs go into the next piece: whole blocks, at least one. A log of an
/// ERC-2309 mint weighs as much as all the tokens that it may move.
pub(crate) fn piece_of(logs: &[RawLog]) -> usize {
    let (mut count, mut weight) = (0, 0usize);
    for block in logs.chunk_by(|one, next| one.block_number == next.block_number) {
        if weight >= PIECE {
            break;
        }
        count += block.len();
        weight += block.iter().map(super::weight).sum::<usize>();
    }
    count
}

/// Write a fold in the caller's transaction; that of a block with what was read as of it, and the
/// undo of both. Gives the readings that rows were written by.
async fn record<'a>(
    db: &mut PgConnection,
    chain: ChainId,
    folded: &Folded,
    block: Option<(u64, &'a [Reading])>,
) -> Result<Vec<&'a Reading>, DbError> {
    let applied = write(db, chain, folded, block).await?;
    if !folded.undecoded.is_empty() {
        let count = folded.undecoded.len();
        metrics::counter!("events_decode_errors_total", "chain" => chain.to_string())
            .increment(count as u64);
        tracing::warn!(chain.id = %chain, logs = count,
            "logs of followed contracts could not be decoded; they are kept raw");
    }
    Ok(applied)
}

/// The same, telling nobody.
pub(crate) async fn write<'a>(
    db: &mut PgConnection,
    chain: ChainId,
    folded: &Folded,
    block: Option<(u64, &'a [Reading])>,
) -> Result<Vec<&'a Reading>, DbError> {
    let ended = ended_approvals(db, chain, folded).await?;
    let mut read = Vec::new();
    if let Some((number, readings)) = block {
        read = applied(db, chain, folded, readings).await?;
        record_undo(db, chain, (folded, &read), &ended, number).await?;
    }
    balances::record(db, chain, &folded.balances).await?;
    balances::record_touched(db, chain, &folded.touched).await?;
    balances::record_read(db, chain, read.iter().copied()).await?;
    items_owners::record(db, chain, &folded.owners).await?;
    write_others(db, chain, folded, &ended).await?;
    Ok(read)
}

/// The first fold that is written of followed contracts, settled: none of its rows is there yet.
pub(crate) async fn write_first(
    db: &mut PgConnection,
    chain: ChainId,
    folded: &Folded,
) -> Result<(), DbError> {
    let mut given = folded.token_approvals.clone();
    given.retain(|change| change.approved.is_some());
    balances::record_first(db, chain, &folded.balances).await?;
    balances::record_touched(db, chain, &folded.touched).await?;
    items_owners::record_first(db, chain, &folded.owners).await?;
    write_others(db, chain, folded, &given).await
}

async fn write_others(
    db: &mut PgConnection,
    chain: ChainId,
    folded: &Folded,
    approvals: &[token_approvals::ApprovalChange],
) -> Result<(), DbError> {
    allowances::record(db, chain, &folded.allowances).await?;
    token_approvals::record(db, chain, approvals).await?;
    operator_approvals::record(db, chain, &folded.operators).await?;
    transfers::record(db, chain, &folded.transfers).await?;
    metadata_updates::record(db, chain, &folded.metadata_updates).await?;
    undecoded_logs::record(db, chain, &folded.undecoded).await
}

/// Transfers end approvals, of which there are few: without any, nothing needs to be looked for.
async fn ended_approvals(
    db: &mut PgConnection,
    chain: ChainId,
    folded: &Folded,
) -> Result<Vec<token_approvals::ApprovalChange>, DbError> {
    let mut changes = folded.token_approvals.clone();
    if changes.is_empty() {
        return Ok(changes);
    }
    let mut contracts: Vec<Address> = changes.iter().map(|change| change.contract).collect();
    contracts.dedup();
    if !token_approvals::exist(db, chain, &contracts).await? {
        changes.retain(|change| change.approved.is_some());
    }
    Ok(changes)
}

async fn record_undo(
    db: &mut PgConnection,
    chain: ChainId,
    (folded, read): (&Folded, &[&Reading]),
    ended: &[token_approvals::ApprovalChange],
    number: u64,
) -> Result<(), DbError> {
    let balances = balances_of(folded, read);
    let keys = [
        (
            "balances",
            vec![
                addresses(&balances, |row| row.0),
                KeyColumn::Numbers(balances.iter().map(|row| Numeric(row.1)).collect()),
                addresses(&balances, |row| row.2),
            ],
            balances.len(),
        ),
        (
            "items",
            vec![
                addresses(&folded.owners, |row| row.contract),
                KeyColumn::Numbers(folded.owners.iter().map(|r| Numeric(r.token_id)).collect()),
            ],
            folded.owners.len(),
        ),
        (
            "allowances",
            vec![
                addresses(&folded.allowances, |row| row.contract),
                addresses(&folded.allowances, |row| row.owner),
                addresses(&folded.allowances, |row| row.spender),
            ],
            folded.allowances.len(),
        ),
        (
            "token_approvals",
            vec![
                addresses(ended, |row| row.contract),
                KeyColumn::Numbers(ended.iter().map(|r| Numeric(r.token_id)).collect()),
            ],
            ended.len(),
        ),
        (
            "operator_approvals",
            vec![
                addresses(&folded.operators, |row| row.contract),
                addresses(&folded.operators, |row| row.owner),
                addresses(&folded.operators, |row| row.operator),
            ],
            folded.operators.len(),
        ),
    ];
    for (table, keys, _) in keys.into_iter().filter(|(_, _, count)| *count > 0) {
        let table = Compared::named(table).expect("invariant: the table is in the list");
        undo_records::record_images(db, chain, number, table, keys).await?;
    }
    Ok(())
}

/// Keys of the balances that change, each once.
fn balances_of(folded: &Folded, read: &[&Reading]) -> Vec<(Address, U256, Address)> {
    let changed = folded.balances.iter().map(|row| (row.contract, row.token_id, row.account));
    let touched = folded.touched.iter().map(|row| (row.contract, U256::ZERO, row.account));
    let read = read.iter().map(|row| (row.contract, U256::ZERO, row.account));
    let keys: BTreeSet<_> = changed.chain(touched).chain(read).collect();
    keys.into_iter().collect()
}

fn addresses<T>(rows: &[T], pick: impl Fn(&T) -> Address) -> KeyColumn {
    KeyColumn::Addresses(rows.iter().map(|row| Addr(pick(row))).collect())
}

async fn count_unreliable(
    db: &mut PgConnection,
    chain: ChainId,
    logs: &[RawLog],
) -> Result<(), DbError> {
    if logs.is_empty() {
        return Ok(());
    }
    let count = balances::count_unreliable(db, chain).await?;
    metrics::gauge!("index_unreliable_balances", "chain" => chain.to_string()).set(count as f64);
    Ok(())
}
