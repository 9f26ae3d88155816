//! Items on chain, as the index has them.

use crate::{
    App, AppError, Caller, Field, ItemRow, Look, Refusal, Seen, TransferRow,
    address::parse_address, read_token_metadata::parse_traits,
};
use auth::{Action, authorize};
use content::{Cid, StoreError};
use db::{
    items_as_of, items_reads,
    mint_jobs::requests,
    token_metadata::reads::{self, TraitFilter},
    transfers_reads,
};
use mint::metadata::DOCUMENT_LEN_MAX;
use serde_json::Value;
use vocab::{Address, ChainId, ItemKey, Level, MintId, U256};

/// Transfers shown with an item.
const HISTORY_MAX: i64 = 100;

/// An item with what belongs to it.
#[derive(Clone, Debug)]
pub struct ItemDetail {
    pub item: ItemRow,
    /// How sure its present state is; none when the chain is not one of ours any more.
    pub level: Level,
    /// The document behind its URI, when it lies in our own store.
    pub metadata: Option<Value>,
    pub mint_id: Option<MintId>,
    /// Newest first, the latest 100.
    pub history: Vec<TransferRow>,
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
        let mut view = self.view(key.chain_id, wait_for_block).await?;
        view.check_whole(Some(contract), None).await?;
        let item = items_reads::load(&mut view.db, key).await?.ok_or(Refusal::ItemUnknown)?;
        let history = transfers_reads::load_history(&mut view.db, key, HISTORY_MAX).await?;
        let mint_id = match item.intent {
            Some(intent) => {
                requests::load_id_by_intent(&mut view.db, key.chain_id, contract, intent.0).await?
            }
            None => None,
        };
        let seen = view.seen(());
        let level = view.levels.level(item.updated_block.unsigned_abs());
        drop(view);
        let metadata = self.resolve(item.uri.as_deref()).await?;
        Ok(seen.with(ItemDetail { item, level, metadata, mint_id, history }))
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

    /// The document behind a URI, if we hold it and it is one.
    async fn resolve(&self, uri: Option<&str>) -> Result<Option<Value>, AppError> {
        let Some(Ok(cid)) = uri.map(Cid::from_uri) else { return Ok(None) };
        let read = self.store().read(&cid, DOCUMENT_LEN_MAX as u64).await;
        match read {
            Ok(bytes) => Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok())),
            // Some file that is no metadata document of ours.
            Err(StoreError::TooLarge { .. }) => Ok(None),
            Err(error) => Err(AppError::Content(error)),
        }
    }
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
