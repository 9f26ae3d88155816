//! From (current rows, decoded logs) to row changes and their undo.

use crate::decode::{DecodedBlock, DecodedLog, Said};
use alloy_primitives::{Address, B256, U256};
use db::{
    collections::{self, CollectionRow},
    items::{self, ItemRow},
    metadata_updates::MetadataUpdate,
    transfers::TransferRow,
    undo_records::UndoRecord,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use vocab::BlockRef;

/// (contract, token id).
pub type ItemId = (Address, U256);

/// Rows by key. Before a fold: those of [`needed`] that exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    pub items: BTreeMap<ItemId, ItemRow>,
    pub collections: BTreeMap<Address, CollectionRow>,
}

/// An item minted for an intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MintedItem {
    pub contract: Address,
    pub intent: U256,
    pub token_id: U256,
    pub tx_hash: B256,
    pub block: BlockRef,
}

/// What a range of blocks changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The rows that changed, as they are afterwards.
    pub rows: Rows,
    pub transfers: Vec<TransferRow>,
    /// What was read of these items before is stale.
    pub metadata_updates: Vec<MetadataUpdate>,
    /// Oldest first; empty when no undo was asked for.
    pub undo: Vec<UndoRecord>,
    pub minted: Vec<MintedItem>,
    /// Collections created, and where.
    pub deployed: Vec<(Address, BlockRef)>,
}

/// The rows that [`fold`] will look at.
#[must_use]
pub fn needed(blocks: &[DecodedBlock]) -> (Vec<ItemId>, Vec<Address>) {
    let (mut items, mut collections) = (BTreeSet::new(), BTreeSet::new());
    for log in blocks.iter().flat_map(|block| &block.logs) {
        match log.said {
            Said::CollectionCreated { collection, .. } => {
                collections.insert(collection);
            }
            Said::Transfer { token_id, .. } => {
                items.insert((log.contract, token_id));
                collections.insert(log.contract);
            }
            Said::BaseUriUpdated { .. } | Said::RoyaltyUpdated { .. } => {
                collections.insert(log.contract);
            }
            Said::MetadataUpdate { .. } => {}
        }
    }
    (items.into_iter().collect(), collections.into_iter().collect())
}

/// What `blocks`, in rising order, make of `rows`.
#[must_use]
pub fn fold(rows: Rows, blocks: &[DecodedBlock], with_undo: bool) -> Changes {
    let mut fold = Fold {
        rows,
        with_undo,
        touched_items: BTreeSet::new(),
        touched_collections: BTreeSet::new(),
        changes: Changes::default(),
    };
    let (mut items, mut collections) = (BTreeSet::new(), BTreeSet::new());
    for block in blocks {
        for log in &block.logs {
            fold.log(block, log);
        }
        items.append(&mut fold.touched_items);
        collections.append(&mut fold.touched_collections);
    }
    let Fold { mut rows, mut changes, .. } = fold;
    rows.items.retain(|id, _| items.contains(id));
    rows.collections.retain(|contract, _| collections.contains(contract));
    changes.rows = rows;
    changes
}

struct Fold {
    rows: Rows,
    with_undo: bool,
    /// Within the present block: their undo is recorded.
    touched_items: BTreeSet<ItemId>,
    touched_collections: BTreeSet<Address>,
    changes: Changes,
}

impl Fold {
    fn log(&mut self, block: &DecodedBlock, log: &DecodedLog) {
        match &log.said {
            Said::CollectionCreated { collection, admin, salt } => {
                self.create(block, log, (*collection, *admin, *salt));
            }
            Said::Transfer { from, to, token_id } => {
                self.transfer(block, log, (*from, *to, *token_id));
            }
            Said::BaseUriUpdated { base_uri } => {
                if let Some(row) = self.collection(block.block, log.contract) {
                    row.base_uri.clone_from(base_uri);
                }
            }
            Said::RoyaltyUpdated { royalty } => {
                if let Some(row) = self.collection(block.block, log.contract) {
                    row.royalty_receiver = royalty.receiver;
                    row.royalty_bps = Some(royalty.bps);
                }
            }
            Said::MetadataUpdate { first, last } => {
                self.changes.metadata_updates.push(MetadataUpdate {
                    block_number: block.block.number,
                    log_index: log.log_index,
                    contract: log.contract,
                    first: *first,
                    last: *last,
                    uri: None,
                });
            }
        }
    }

    fn create(
        &mut self,
        block: &DecodedBlock,
        log: &DecodedLog,
        (contract, creator, salt): (Address, Address, B256),
    ) {
        self.touch_collection(block.block, contract);
        let settings = block.settings.get(&(log.tx_index, contract));
        let royalty = block.royalties.get(&(log.tx_index, contract));
        let row = CollectionRow {
            contract,
            creator,
            salt,
            name: settings.map_or_else(String::new, |s| s.name.clone()),
            symbol: settings.map_or_else(String::new, |s| s.symbol.clone()),
            content_mode: settings.and_then(|s| s.content_mode).map(str::to_owned),
            base_uri: settings.map_or_else(String::new, |s| s.base_uri.clone()),
            minted: 0,
            burned: 0,
            created_block: block.block.number,
            royalty_receiver: royalty.and_then(|royalty| royalty.receiver),
            royalty_bps: royalty.map(|royalty| royalty.bps),
        };
        self.rows.collections.insert(contract, row);
        self.changes.deployed.push((contract, block.block));
    }

    fn transfer(
        &mut self,
        block: &DecodedBlock,
        log: &DecodedLog,
        (from, to, token_id): (Address, Address, U256),
    ) {
        let BlockRef { number, hash } = block.block;
        let id = (log.contract, token_id);
        self.touch_item(block.block, id);
        let (mint, burn) = (from.is_zero(), to.is_zero());
        let known = self.rows.items.remove(&id).filter(|_| !mint);
        let mut row = known.unwrap_or_else(|| {
            let content = block.contents.get(&(log.tx_index, log.contract, token_id));
            ItemRow {
                contract: log.contract,
                token_id,
                owner: None,
                uri: content.and_then(|c| c.uri.clone()),
                intent: content.and_then(|c| c.intent),
                minted_block: number,
                minted_tx: log.tx_hash,
                updated_block: number,
            }
        });
        row.owner = (!burn).then_some(to);
        row.updated_block = number;
        if let Some(intent) = row.intent.filter(|_| mint) {
            let (contract, tx_hash, block) = (log.contract, log.tx_hash, block.block);
            self.changes.minted.push(MintedItem { contract, intent, token_id, tx_hash, block });
        }
        self.rows.items.insert(id, row);
        if (mint || burn)
            && let Some(row) = self.collection(block.block, log.contract)
        {
            row.minted += u64::from(mint);
            row.burned += u64::from(burn);
        }
        self.changes.transfers.push(TransferRow {
            block_number: number,
            log_index: log.log_index,
            place: 0,
            block_hash: hash,
            tx_hash: log.tx_hash,
            contract: log.contract,
            token_id,
            amount: None,
            sender: from,
            recipient: to,
            mined_at: block.mined_at,
        });
    }

    /// The collection, to be changed.
    fn collection(&mut self, block: BlockRef, contract: Address) -> Option<&mut CollectionRow> {
        self.touch_collection(block, contract);
        self.rows.collections.get_mut(&contract)
    }

    fn touch_item(&mut self, block: BlockRef, id: ItemId) {
        if self.touched_items.insert(id) && self.with_undo {
            let image = self.rows.items.get(&id).map(ItemRow::undo_image);
            self.undo(block, items::PROJECTION, ItemRow::undo_key(id.0, id.1), image);
        }
    }

    fn touch_collection(&mut self, block: BlockRef, contract: Address) {
        if self.touched_collections.insert(contract) && self.with_undo {
            let image = self.rows.collections.get(&contract).map(CollectionRow::undo_image);
            self.undo(block, collections::PROJECTION, CollectionRow::undo_key(contract), image);
        }
    }

    fn undo(
        &mut self,
        block: BlockRef,
        projection: &'static str,
        key: Value,
        image: Option<Value>,
    ) {
        let record = UndoRecord { block_number: block.number, projection, key, image };
        self.changes.undo.push(record);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
