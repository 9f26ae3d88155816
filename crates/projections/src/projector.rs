//! The projections inside the indexer's commits.

use crate::{
    Source, Standard,
    decode::{self, DecodedBlock},
    facts,
    fold::{self, Changes, Rows},
    followed,
};
use alloy_primitives::{Address, B256};
use db::{
    DbError, PgConnection, balance_readings,
    collections::{self, requests},
    index_sources::SourceRow,
    items, metadata_updates,
    mint_jobs::effects::{self, Minted},
    raw_logs::RawLog,
    transfers, undo_records,
};
use futures_util::future::BoxFuture;
use indexer::{Asking, Batch, Block, Orphaned, Projector, Question, Recorded, Sources};
use journal::NewFact;
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};
use vocab::{BlockRef, ChainId, JobStatus, LevelHeights};

/// Mints that are taken back by one statement, when an index is thrown away.
const FORGOTTEN: i64 = 5_000;

/// Collections, items, transfers and the mint jobs they fulfil; and what contracts of others tell.
#[derive(Clone, Debug)]
pub struct Projections {
    factories: Vec<Address>,
    sources: Vec<Source>,
}

impl Projections {
    /// The collections of these factories.
    #[must_use]
    pub fn new(factories: Vec<Address>) -> Self {
        Self { factories, sources: Vec::new() }
    }

    /// Follow these contracts of others, too.
    #[must_use]
    pub fn recording(self, sources: Vec<Source>) -> Self {
        Self { sources, ..self }
    }

    pub(crate) fn decode(&self, chain: ChainId, blocks: &[Block]) -> Vec<DecodedBlock> {
        blocks
            .iter()
            .filter(|block| !block.logs.is_empty())
            .map(|block| {
                let decoded =
                    decode::decode(&self.factories, block.block(), block.mined_at, &block.logs);
                if decoded.undecoded > 0 {
                    metrics::counter!("events_decode_errors_total", "chain" => chain.to_string())
                        .increment(decoded.undecoded);
                    tracing::warn!(chain.id = %chain, block.number, logs = decoded.undecoded,
                        "logs could not be decoded; they are kept raw");
                }
                decoded
            })
            .collect()
    }
}

impl Projector for Projections {
    fn topics(&self) -> Vec<B256> {
        decode::topics()
    }

    fn load_sources<'a>(
        &'a self,
        db: &'a mut PgConnection,
        chain: ChainId,
    ) -> BoxFuture<'a, Result<Vec<Address>, DbError>> {
        Box::pin(async move {
            let mut sources = self.factories.clone();
            sources.extend(collections::load_contracts(db, chain).await?);
            Ok(sources)
        })
    }

    fn recorded(&self) -> Vec<SourceRow> {
        self.sources.iter().map(|source| source.row(true)).collect()
    }

    fn recorded_as(&self, row: &SourceRow) -> Option<Recorded> {
        Source::of_row(row).as_ref().map(Recorded::from)
    }

    fn discover(&self, log: &RawLog) -> Option<Address> {
        decode::announced(&self.factories, log)
    }

    fn asks(&self, sources: &Sources) -> bool {
        !followed::read_of(sources).is_empty()
    }

    fn questions<'a>(
        &'a self,
        db: &'a mut PgConnection,
        asking: &'a Asking<'a>,
    ) -> BoxFuture<'a, Result<Vec<Question>, DbError>> {
        Box::pin(async move {
            let logs = of_standards(asking.followed, asking.sources);
            let standards = standards(&logs, asking.sources);
            followed::questions(db, asking, &standards, &logs).await
        })
    }

    fn unread<'a>(
        &'a self,
        db: &'a mut PgConnection,
        chain: ChainId,
        sources: &'a Sources,
        page: (BlockRef, Option<(Address, Address)>),
    ) -> BoxFuture<'a, Result<Vec<Question>, DbError>> {
        Box::pin(followed::unread(db, chain, sources, page))
    }

    fn apply<'a>(
        &'a self,
        db: &'a mut PgConnection,
        batch: &'a Batch<'a>,
    ) -> BoxFuture<'a, Result<Vec<NewFact>, DbError>> {
        Box::pin(async move {
            let chain = batch.chain_id;
            let blocks = self.decode(chain, batch.blocks);
            let mut told = Vec::new();
            if !batch.settled {
                told.extend(blocks.iter().flat_map(|block| facts::of_block(chain, block)));
            }
            let mut effects = Vec::new();
            if !blocks.is_empty() {
                let rows = load(db, chain, &blocks).await?;
                let changes = fold::fold(rows, &blocks, !batch.settled);
                record(db, chain, &changes).await?;
                effects = record_effects(db, batch, &changes).await?;
            }
            followed::record_decoded(db, chain, batch.sources, batch.followed).await?;
            let logs = of_standards(batch.followed, batch.sources);
            let standards = standards(&logs, batch.sources);
            if batch.settled {
                followed::record_settled(db, chain, &standards, &logs).await?;
            } else {
                let said = (&*logs, batch.answers);
                told.extend(followed::record_live(db, chain, &standards, said).await?);
                in_order_of_chain(&mut told);
            }
            told.extend(effects);
            told.extend(raise(db, batch).await?);
            Ok(told)
        })
    }

    fn forget<'a>(
        &'a self,
        db: &'a mut PgConnection,
        chain: ChainId,
    ) -> BoxFuture<'a, Result<(), DbError>> {
        Box::pin(async move {
            let mut after = None;
            loop {
                let piece = items::load_intents(db, chain, after, FORGOTTEN).await?;
                let Some((contract, token_id, _)) = piece.last() else { break };
                after = Some((*contract, *token_id));
                let intents: Vec<_> = piece.iter().map(|(c, _, intent)| (*c, *intent)).collect();
                let unmined = effects::record_unmined(db, chain, &intents, 0).await?;
                let told: Vec<NewFact> =
                    unmined.iter().rev().map(|effect| facts::of_mint(chain, effect)).collect();
                journal::record(db, &told).await?;
            }
            let contracts = collections::load_contracts(db, chain).await?;
            for part in contracts.chunks(FORGOTTEN as usize) {
                let status = JobStatus::Submitted;
                let undone = requests::record_status(db, chain, part, status).await?;
                let told: Vec<NewFact> =
                    undone.iter().rev().map(|effect| facts::of_request(chain, effect)).collect();
                journal::record(db, &told).await?;
            }
            Ok(())
        })
    }

    fn unwind<'a>(
        &'a self,
        db: &'a mut PgConnection,
        orphaned: &'a Orphaned<'a>,
    ) -> BoxFuture<'a, Result<Vec<NewFact>, DbError>> {
        Box::pin(async move {
            let (chain, ancestor) = (orphaned.chain_id, orphaned.ancestor.number);
            let blocks = self.decode(chain, orphaned.blocks);
            let told = blocks.iter().flat_map(|block| facts::of_block(chain, block));
            let mut told: Vec<NewFact> = told.collect();
            let logs = of_standards(orphaned.followed, orphaned.sources);
            let standards = standards(&logs, orphaned.sources);
            told.extend(followed::told(chain, &standards, &logs));
            in_order_of_chain(&mut told);
            let mut told = facts::reverting(told);
            let intents: Vec<_> = blocks
                .iter()
                .flat_map(|block| &block.contents)
                .filter_map(|((_, contract, _), content)| Some((*contract, content.intent?)))
                .collect();
            let unmined = effects::record_unmined(db, chain, &intents, ancestor).await?;
            told.extend(unmined.iter().rev().map(|effect| facts::of_mint(chain, effect)));
            let contracts: Vec<Address> = blocks.iter().flat_map(deployed).collect();
            let status = JobStatus::Submitted;
            let undone = requests::record_status(db, chain, &contracts, status).await?;
            told.extend(undone.iter().rev().map(|effect| facts::of_request(chain, effect)));
            undo_records::restore(db, chain, ancestor).await?;
            balance_readings::record_unwound(db, chain, ancestor).await?;
            Ok(told)
        })
    }
}

/// Those logs that are not read by an ABI.
fn of_standards<'a>(logs: &'a [RawLog], sources: &Sources) -> Cow<'a, [RawLog]> {
    if logs.iter().all(|log| sources.reader_of(log).is_none()) {
        return Cow::Borrowed(logs);
    }
    logs.iter().filter(|log| sources.reader_of(log).is_none()).cloned().collect()
}

/// Of the contracts of others that these logs are of.
fn standards(logs: &[RawLog], sources: &Sources) -> HashMap<Address, Standard> {
    let mut standards = HashMap::new();
    let mut last = None;
    for log in logs {
        if last.replace(log.address) == Some(log.address) {
            continue;
        }
        let kind = sources.kind_of(&log.address);
        standards.extend(kind.and_then(Standard::from_name).map(|kind| (log.address, kind)));
    }
    standards
}

async fn load(
    db: &mut PgConnection,
    chain: ChainId,
    blocks: &[DecodedBlock],
) -> Result<Rows, DbError> {
    let (item_ids, contracts) = fold::needed(blocks);
    let items = items::load_many(db, chain, &item_ids).await?;
    let collections = collections::load_many(db, chain, &contracts).await?;
    Ok(Rows {
        items: items.into_iter().map(|row| ((row.contract, row.token_id), row)).collect(),
        collections: collections.into_iter().map(|row| (row.contract, row)).collect(),
    })
}

async fn record(db: &mut PgConnection, chain: ChainId, changes: &Changes) -> Result<(), DbError> {
    let items: Vec<_> = changes.rows.items.values().cloned().collect();
    items::record(db, chain, &items).await?;
    let collections: Vec<_> = changes.rows.collections.values().cloned().collect();
    collections::record(db, chain, &collections).await?;
    transfers::record(db, chain, &changes.transfers).await?;
    metadata_updates::record(db, chain, &changes.metadata_updates).await?;
    undo_records::record(db, chain, &changes.undo).await
}

/// Mint jobs and collection requests that these blocks fulfil.
async fn record_effects(
    db: &mut PgConnection,
    batch: &Batch<'_>,
    changes: &Changes,
) -> Result<Vec<NewFact>, DbError> {
    let chain = batch.chain_id;
    let status = |number| facts::status_of(batch.levels.level(number));
    // An intent is minted once on chain. Were a contract to tell otherwise, the last one stands.
    let minted: BTreeMap<_, Minted> = changes
        .minted
        .iter()
        .map(|item| {
            let minted = Minted {
                contract: item.contract,
                intent: item.intent,
                token_id: item.token_id,
                tx_hash: item.tx_hash,
                block: item.block,
                status: status(item.block.number),
            };
            ((item.contract, item.intent), minted)
        })
        .collect();
    let minted: Vec<Minted> = minted.into_values().collect();
    let mut told: Vec<NewFact> = effects::record_minted(db, chain, &minted)
        .await?
        .iter()
        .map(|effect| facts::of_mint(chain, effect))
        .collect();
    let mut deployed: BTreeMap<JobStatus, Vec<Address>> = BTreeMap::new();
    for (contract, block) in &changes.deployed {
        deployed.entry(status(block.number)).or_default().push(*contract);
    }
    for (status, contracts) in deployed {
        let moved = requests::record_status(db, chain, &contracts, status).await?;
        told.extend(moved.iter().map(|effect| facts::of_request(chain, effect)));
    }
    Ok(told)
}

/// Levels of what earlier commits have mined.
async fn raise(db: &mut PgConnection, batch: &Batch<'_>) -> Result<Vec<NewFact>, DbError> {
    let chain = batch.chain_id;
    let LevelHeights { auditable, final_ } = batch.levels;
    let mints = effects::record_levels(db, chain, auditable, final_).await?;
    let requests = requests::record_levels(db, chain, auditable, final_).await?;
    let mints = mints.iter().map(|effect| facts::of_mint(chain, effect));
    let requests = requests.iter().map(|effect| facts::of_request(chain, effect));
    Ok(mints.chain(requests).collect())
}

/// Facts of logs. Those of one log stay as they are.
fn in_order_of_chain(told: &mut [NewFact]) {
    told.sort_by_key(|fact| {
        (fact.block.map(|block| block.number), fact.data["log_index"].as_u64())
    });
}

fn deployed(block: &DecodedBlock) -> impl Iterator<Item = Address> {
    block.logs.iter().filter_map(|log| match log.said {
        decode::Said::CollectionCreated { collection, .. } => Some(collection),
        _ => None,
    })
}
