//! From the application's values to wire shapes.

use api_types as wire;
use app::{
    BalanceRow, Checkpoint, CollectionRow, FactPage, Holder, ItemDetail, ItemRow, Leveled, LogView,
    MintJob, Summary, TransferRow,
};
use serde_json::{Value, json};
use std::str::FromStr;
use time::{OffsetDateTime, UtcOffset, format_description::FormatItem, macros::format_description};
use vocab::{Address, B256, BlockRef, ChainId, JobStatus, Level};

const TIME: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// RFC 3339 in UTC with milliseconds.
pub(crate) fn time(at: OffsetDateTime) -> String {
    at.to_offset(UtcOffset::UTC).format(TIME).unwrap_or_default()
}

pub(crate) fn address(address: Address) -> String {
    address.to_checksum(None)
}

pub(crate) fn block(number: i64, hash: B256) -> wire::Block {
    wire::Block { number: number.unsigned_abs(), hash: hash.to_string() }
}

pub(crate) fn block_ref(of: BlockRef) -> wire::Block {
    wire::Block { number: of.number, hash: of.hash.to_string() }
}

/// A stored status that is not one of ours can't come from us: the schema checks it.
pub(crate) fn status(stored: &str) -> wire::Status {
    match JobStatus::from_str(stored) {
        Ok(JobStatus::Queued) => wire::Status::Queued,
        Ok(JobStatus::Reserved) => wire::Status::Reserved,
        Ok(JobStatus::Submitted) => wire::Status::Submitted,
        Ok(JobStatus::Tentative) => wire::Status::Tentative,
        Ok(JobStatus::Auditable) => wire::Status::Auditable,
        Ok(JobStatus::Final) => wire::Status::Final,
        Ok(JobStatus::Failed) => wire::Status::Failed,
        Ok(JobStatus::Expired) => wire::Status::Expired,
        Ok(JobStatus::Cancelled) => wire::Status::Cancelled,
        Ok(JobStatus::Unknown) | Err(_) => wire::Status::Unknown,
    }
}

pub(crate) fn mint(job: &MintJob) -> wire::Mint {
    wire::Mint {
        id: job.id,
        status: status(&job.status),
        reason: job.reason.clone(),
        chain_id: ChainId::from_i64(job.chain_id).0,
        contract: address(job.contract),
        to: address(job.recipient),
        uri: job.uri.clone(),
        token_id: job.token_id.map(|id| id.0.to_string()),
        tx_hash: job.tx_hash.map(|hash| hash.0.to_string()),
        block: job.block_number.zip(job.block_hash).map(|(number, hash)| block(number, hash.0)),
        transaction_id: job.transaction_id,
        request_id: job.http_request_id.clone(),
        created_at: time(job.created_at),
        updated_at: time(job.updated_at),
        submitted_at: job.submitted_at.map(time),
        tentative_at: job.tentative_at.map(time),
        final_at: job.final_at.map(time),
    }
}

pub(crate) fn item(row: &ItemRow) -> wire::Item {
    wire::Item {
        chain_id: ChainId::from_i64(row.chain_id).0,
        contract: address(row.contract),
        token_id: row.token_id.to_string(),
        owner: row.owner.map(|owner| address(owner.0)),
        uri: row.uri.clone(),
        minted_block: row.minted_block.unsigned_abs(),
        minted_tx: row.minted_tx.to_string(),
        token_metadata: None,
        royalty: royalty(row.royalty_receiver, row.royalty_bps),
    }
}

/// None when nothing is owed, or nothing is known.
fn royalty(receiver: Option<impl Into<Address>>, bps: Option<i32>) -> Option<wire::Royalty> {
    let (receiver, bps) = receiver.zip(bps.filter(|bps| *bps > 0))?;
    Some(wire::Royalty { receiver: address(receiver.into()), bps: bps.unsigned_abs() })
}

fn transfer(row: &TransferRow) -> wire::Transfer {
    wire::Transfer {
        from: address(row.sender),
        to: address(row.recipient),
        tx_hash: row.tx_hash.to_string(),
        block: block(row.block_number, row.block_hash),
        log_index: row.log_index,
        mined_at: time(row.mined_at),
    }
}

fn level(level: Level) -> wire::Status {
    match level {
        Level::Tentative => wire::Status::Tentative,
        Level::Auditable => wire::Status::Auditable,
        Level::Final => wire::Status::Final,
    }
}

pub(crate) fn item_detail(detail: &ItemDetail) -> wire::ItemDetail {
    let whole = &detail.whole;
    let token_metadata = whole.metadata.as_ref().map(|row| crate::token_metadata::show(Some(row)));
    wire::ItemDetail {
        item: wire::Item { token_metadata, ..item(&whole.item) },
        level: level(detail.level),
        metadata: detail.metadata.as_deref().cloned(),
        mint_id: whole.mint_id.map(|id| id.0),
        history: whole.history.iter().map(transfer).collect(),
    }
}

pub(crate) fn collection(row: &CollectionRow) -> wire::Collection {
    wire::Collection {
        chain_id: ChainId::from_i64(row.chain_id).0,
        contract: address(row.contract),
        status: row.request_status.as_deref().map(status),
        reason: row.reason.clone(),
        deployed: row.created_block.is_some(),
        request_id: row.request_id,
        name: row.name.clone(),
        symbol: row.symbol.clone(),
        content_mode: row.content_mode.as_deref().and_then(content_mode),
        base_uri: row.base_uri.clone().filter(|uri| !uri.is_empty()),
        creator: row.creator.map(|creator| address(creator.0)),
        minted: row.minted.unwrap_or(0).to_string(),
        burned: row.burned.unwrap_or(0).to_string(),
        created_block: row.created_block.map(i64::unsigned_abs),
        requested_at: row.requested_at.map(time),
        royalty: royalty(row.royalty_receiver, row.royalty_bps),
    }
}

/// A transaction in the words of its facts. No route shows it.
pub(crate) fn transaction(row: &Summary) -> Value {
    json!({
        "transaction_id": row.id,
        "chain_id": ChainId::from_i64(row.chain_id).to_string(),
        "kind": row.kind,
        "status": row.status,
        "reason": row.reason,
        "wallet": row.wallet.map(|wallet| address(wallet.0)),
        "nonce": row.nonce,
        "tx_hash": row.tx_hash.map(|hash| hash.0),
        "block": row.block_number.zip(row.block_hash).map(|(n, hash)| block(n, hash.0)),
        "reverted": row.reverted,
        "request_id": row.request_id,
        "created_at": time(row.created_at),
        "updated_at": time(row.updated_at),
    })
}

/// How far a chain is indexed.
pub(crate) fn chain(chain: ChainId, found: &Checkpoint) -> Value {
    json!({
        "chain_id": chain.to_string(),
        "block": { "number": found.block.number, "hash": found.block.hash },
        "live": found.stopped.is_none(),
        "stopped": found.stopped,
    })
}

fn content_mode(stored: &str) -> Option<wire::ContentMode> {
    match stored {
        "digest" => Some(wire::ContentMode::Digest),
        "base_uri" => Some(wire::ContentMode::BaseUri),
        "free_uri" => Some(wire::ContentMode::FreeUri),
        _ => None,
    }
}

/// `after` is what was asked for: the first fact follows on it.
pub(crate) fn facts(page: FactPage, after: i64) -> wire::FactList {
    wire::FactList {
        topic: page.topic.to_owned(),
        epoch: page.epoch,
        head: page.head,
        facts: fact_list(page.facts, page.epoch, after),
        next_after: page.next_after,
    }
}

/// Facts of one topic in order; the first one follows on `after`.
pub(crate) fn fact_list(rows: Vec<Leveled>, epoch: i64, after: i64) -> Vec<wire::Fact> {
    let mut prev_seq = after;
    let mut facts = Vec::with_capacity(rows.len());
    for (fact, reached) in rows {
        let kind = if fact.reverting { wire::FactType::Reorg } else { wire::FactType::Delta };
        facts.push(wire::Fact {
            topic: fact.topic,
            epoch,
            seq: fact.seq,
            prev_seq,
            r#type: kind,
            kind: fact.kind,
            block: fact.block_number.zip(fact.block_hash).map(|(n, hash)| block(n, hash.0)),
            level: reached.map(level),
            at: time(fact.created_at),
            data: fact.data,
        });
        prev_seq = fact.seq;
    }
    facts
}

pub(crate) fn balance(chain: ChainId, row: &BalanceRow) -> wire::Balance {
    let asset = row.kind.as_deref().is_some_and(|kind| kind.starts_with("erc20"));
    wire::Balance {
        chain_id: chain.0,
        contract: address(row.contract),
        token_id: (!asset).then(|| row.token_id.to_string()),
        account: address(row.account),
        balance: row.balance.map(|balance| balance.0.to_string()),
        updated_block: row.updated_block.unsigned_abs(),
    }
}

pub(crate) fn holder(holder: &Holder) -> wire::Holder {
    wire::Holder {
        account: address(holder.account),
        balance: holder.balance.map(|balance| balance.to_string()),
    }
}

pub(crate) fn item_transfer(chain: ChainId, row: &TransferRow) -> wire::ItemTransfer {
    wire::ItemTransfer {
        chain_id: chain.0,
        contract: address(row.contract),
        token_id: row.token_id.to_string(),
        amount: row.amount.map(|amount| amount.0.to_string()),
        from: address(row.sender),
        to: address(row.recipient),
        tx_hash: row.tx_hash.to_string(),
        block: block(row.block_number, row.block_hash),
        log_index: row.log_index,
        place: row.place,
        mined_at: time(row.mined_at),
    }
}

/// Bytes of a log's data that are shown.
const LOG_DATA_MAX: usize = 16 * 1024;

pub(crate) fn log(chain: ChainId, view: &LogView) -> wire::Log {
    let log = &view.log;
    let shown = log.data.slice(..log.data.len().min(LOG_DATA_MAX));
    wire::Log {
        chain_id: chain.0,
        address: address(log.address),
        topics: log.topics.iter().map(ToString::to_string).collect(),
        data: shown.to_string(),
        data_length: log.data.len() as u64,
        block: wire::Block { number: log.block_number, hash: log.block_hash.to_string() },
        log_index: log.log_index,
        tx_hash: log.tx_hash.to_string(),
        tx_index: log.tx_index,
        mined_at: log.mined_at.map(time),
        decoded: view.said.as_ref().map(|said| wire::DecodedLog {
            event: said.event.clone(),
            signature: said.signature.clone(),
            args: said.args.clone(),
        }),
    }
}
