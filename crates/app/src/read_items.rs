//! Items on chain, as the index has them.

use crate::{
    App, AppError, Caller, Field, ItemRow, Look, Refusal, Seen, address::parse_address,
    group_read::Wanted, read_token_metadata::parse_traits,
};
use auth::{Action, authorize};
use content::{Cid, StoreError};
use db::{
    Db, DbError, checkpoints, items_as_of, items_reads,
    items_whole::{self, Standing, Token, WholeItem},
    token_metadata::reads::{self, TraitFilter},
};
use mint::metadata::DOCUMENT_LEN_MAX;
use serde_json::Value;
use std::{collections::HashSet, sync::Arc};
use vocab::{Address, BlockRef, ChainId, ItemKey, Level, LevelHeights, U256};

/// Transfers shown with an item.
const HISTORY_MAX: i64 = 100;

/// How often a read waits for a block that a reorg takes away again.
const WAITS_MAX: u32 = 3;

/// An item with what belongs to it.
#[derive(Clone, Debug)]
pub struct ItemDetail {
    /// With the latest 100 transfers.
    pub whole: Arc<WholeItem>,
    /// How sure its present state is; none when the chain is not one of ours any more.
    pub level: Level,
    /// The document behind its URI, when it lies in our own store.
    pub metadata: Option<Arc<Value>>,
}

/// What is at an item's place.
#[derive(Clone, Debug)]
pub(crate) struct SeenItem {
    as_of: Option<BlockRef>,
    levels: LevelHeights,
    standing: Standing,
    whole: Option<Arc<WholeItem>>,
}

impl Wanted for ItemKey {
    type Found = SeenItem;
    const NAME: &'static str = "item";

    fn shelf(&self) -> u64 {
        self.chain_id.0
    }

    async fn read(db: &Db, keys: &[Self]) -> Result<Vec<SeenItem>, DbError> {
        let Some(chain) = keys.first().map(|key| key.chain_id) else { return Ok(Vec::new()) };
        let tokens: Vec<Token> = keys.iter().map(|key| (key.contract, key.token_id)).collect();
        let contracts: HashSet<Address> = keys.iter().map(|key| key.contract).collect();
        let contracts: Vec<Address> = contracts.into_iter().collect();
        let mut view = db::begin_view_by_keys(db).await?;
        let checkpoint = checkpoints::load(&mut view, chain).await?;
        let standings = items_whole::load_standings(&mut view, chain, &contracts).await?;
        let mut found = items_whole::load(&mut view, chain, &tokens, HISTORY_MAX).await?;
        let seen = tokens.iter().map(|token| SeenItem {
            as_of: checkpoint.as_ref().map(|checkpoint| checkpoint.block),
            levels: checkpoint.as_ref().map_or_else(LevelHeights::default, |found| found.levels),
            standing: standings.get(&token.0).copied().unwrap_or_default(),
            whole: found.remove(token).map(Arc::new),
        });
        Ok(seen.collect())
    }
}

/// Which items to list. None means any.
#[derive(Clone, Copy, Debug, Default)]
pub struct ItemQuery<'a> {
    pub chain_id: Option<u64>,
    pub owner: Option<&'a str>,
    pub collection: Option<&'a str>,
    /// `TYPE:VALUE`, all of them; only with a collection, and at the index's own block.
    pub traits: &'a [String],
    pub look: Look,
}

impl App {
    /// One item by its key: chain, contract and decimal token id.
    ///
    /// # Errors
    /// [`Refusal::ItemUnknown`]; [`Refusal::Address`]; [`Refusal::TokenIdMalformed`];
    /// [`Refusal::BlockNotIndexed`],
    /// [`Refusal::SourceBackfilling`], [`Refusal::ContractRemoved`].
    pub async fn load_item(
        &self,
        caller: Caller<'_>,
        (chain_id, contract, token_id): (u64, &str, &str),
        wait_for_block: Option<u64>,
    ) -> Result<Seen<ItemDetail>, AppError> {
        authorize(caller.actor, Action::ReadItem)?;
        let chain = self.chain(Some(chain_id))?;
        let contract = parse_address(contract, Field::Contract)?;
        let key = ItemKey { chain_id: chain.chain_id, contract, token_id: decimal(token_id)? };
        let seen = self.see_item(key, wait_for_block).await?;
        if let Some(height) = seen.standing.backfilled_to {
            return Err(Refusal::SourceBackfilling { height }.into());
        }
        if let Some(last_block) = seen.standing.last_block {
            return Err(Refusal::ContractRemoved { last_block }.into());
        }
        let whole = seen.whole.ok_or(Refusal::ItemUnknown)?;
        let metadata = self.resolve(whole.item.uri.as_deref()).await?;
        let level = seen.levels.level(whole.item.updated_block.unsigned_abs());
        let found = ItemDetail { whole, level, metadata };
        Ok(Seen { chain: key.chain_id, as_of: seen.as_of, found })
    }

    /// As of this block or a later one.
    async fn see_item(&self, key: ItemKey, wait_for: Option<u64>) -> Result<SeenItem, AppError> {
        let mut tries = 0;
        loop {
            if wait_for.is_some() {
                drop(self.view(key.chain_id, wait_for).await?);
            }
            let seen = self.item_desk().read(key).await?;
            let height = seen.as_of.map(|block| block.number);
            tries += 1;
            match wait_for.filter(|wanted| height.is_none_or(|at| at < *wanted)) {
                None => return Ok(seen),
                // A reorg came between.
                Some(_) if tries < WAITS_MAX => {}
                Some(wanted) => return Err(Refusal::BlockNotIndexed { wanted, height }.into()),
            }
        }
    }

    /// Items of a chain in the order of (contract, token id).
    ///
    /// # Errors
    /// [`Refusal::Address`], [`Refusal::ChainUnknown`], [`Refusal::BlockNotIndexed`],
    /// [`Refusal::BlockOutsideWindow`], [`Refusal::SourceBackfilling`],
    /// [`Refusal::ContractRemoved`], [`Refusal::FilterUnfit`]
    pub async fn list_items(
        &self,
        caller: Caller<'_>,
        query: ItemQuery<'_>,
        after: Option<(Address, U256)>,
        limit: i64,
    ) -> Result<Seen<Vec<ItemRow>>, AppError> {
        authorize(caller.actor, Action::ReadItem)?;
        let chain: ChainId = self.chain(query.chain_id)?.chain_id;
        let owner = query.owner.map(|text| parse_address(text, Field::Owner)).transpose()?;
        let contract =
            query.collection.map(|text| parse_address(text, Field::Collection)).transpose()?;
        let traits = parse_traits(query.traits)?;
        let mut view = self.view_as_of(chain, query.look).await?;
        view.check_whole(contract, query.look.as_of_block).await?;
        let db = &mut view.db;
        let found = match (view.back_to, traits.is_empty()) {
            (None, true) => items_reads::list(db, chain, owner, contract, after, limit).await?,
            (Some(at), true) => {
                items_as_of::list(db, chain, at, (owner, contract), after, limit).await?
            }
            (None, false) => {
                let unfit = Refusal::FilterUnfit("trait", "only with a `collection`");
                let contract = contract.ok_or(unfit)?;
                let filter = TraitFilter { contract, owner, traits: &traits };
                let after = after.filter(|(last, _)| *last == contract).map(|(_, id)| id);
                reads::list_items(db, chain, &filter, after, limit).await?
            }
            (Some(_), false) => {
                return Err(Refusal::FilterUnfit("trait", "not with `as_of_block`").into());
            }
        };
        Ok(view.seen(found))
    }

    /// The document behind a URI, if we hold it and it is one. What a CID names never changes.
    async fn resolve(&self, uri: Option<&str>) -> Result<Option<Arc<Value>>, AppError> {
        let Some(Ok(cid)) = uri.map(Cid::from_uri) else { return Ok(None) };
        if let Some(known) = self.documents().get(&cid) {
            return Ok(Some(known.value));
        }
        let bytes = match self.store().read(&cid, DOCUMENT_LEN_MAX as u64).await {
            Ok(Some(bytes)) => bytes,
            // Some file that is no metadata document of ours.
            Ok(None) | Err(StoreError::TooLarge { .. }) => return Ok(None),
            Err(error) => return Err(AppError::Content(error)),
        };
        let Ok(value) = serde_json::from_slice(&bytes) else { return Ok(None) };
        let value = Arc::new(value);
        self.documents().insert(cid, Document { len: bytes.len(), value: Arc::clone(&value) });
        Ok(Some(value))
    }
}

/// Bytes of documents that are kept in memory.
const DOCUMENTS_MAX: u64 = 16 << 20;

/// Documents that were shown lately.
pub(crate) type Documents = moka::sync::Cache<Cid, Document>;

#[derive(Clone, Debug)]
pub(crate) struct Document {
    /// Bytes in the store.
    len: usize,
    value: Arc<Value>,
}

pub(crate) fn documents() -> Documents {
    // A parsed document takes several times its text.
    let weight =
        |_: &Cid, document: &Document| u32::try_from(4 * document.len + 512).unwrap_or(u32::MAX);
    moka::sync::Cache::builder().max_capacity(DOCUMENTS_MAX).weigher(weight).build()
}

/// A uint256 in decimal, without sign or leading zeros, so that an item has one address.
pub(crate) fn decimal(text: &str) -> Result<U256, AppError> {
    let canonical = (1..=78).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'));
    let value = canonical.then(|| U256::from_str_radix(text, 10).ok()).flatten();
    Ok(value.ok_or(Refusal::TokenIdMalformed)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_ids_have_one_form() {
        let max = U256::MAX.to_string();
        for text in ["0", "1", "10", max.as_str()] {
            assert_eq!(decimal(text).map(|id| id.to_string()).ok().as_deref(), Some(text));
        }
        let above = format!("{}0", &max[..77]);
        let too_big = format!("2{}", &max[1..]);
        for text in ["", "00", "01", "-1", "+1", "1.0", "0x1", " 1", "１", &too_big] {
            assert!(decimal(text).is_err(), "{text}");
        }
        assert!(decimal(&above).is_ok());
    }
}
