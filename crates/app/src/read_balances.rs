//! Balances of assets and items with many owners, and who holds something of a contract.

use crate::{
    App, AppError, BalanceRow, Caller, Field, Look, Refusal, Seen, address::parse_address,
    read_items::decimal, read_view::View,
};
use auth::{Action, authorize};
use db::{
    PgConnection, balances_as_of,
    balances_reads::{self, BalanceFilter, OwnerRow},
    collections_reads::{self, CollectionFilter},
    index_sources,
};
use vocab::{Address, ChainId, U256};

/// Which balances to list; of an account or a contract at least.
#[derive(Clone, Copy, Debug, Default)]
pub struct BalanceQuery<'a> {
    pub chain_id: Option<u64>,
    pub account: Option<&'a str>,
    pub contract: Option<&'a str>,
    pub token_id: Option<&'a str>,
    pub look: Look,
}

/// Whose holders to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct HolderQuery<'a> {
    pub chain_id: Option<u64>,
    pub contract: &'a str,
    /// Of an ERC-1155, and of no other.
    pub token_id: Option<&'a str>,
    pub look: Look,
}

/// Somebody who holds something of a contract.
#[derive(Clone, Copy, Debug)]
pub struct Holder {
    pub account: Address,
    /// An amount, or how many items; none when it is unreliable.
    pub balance: Option<U256>,
}

impl App {
    /// Balances of a chain in the order of (contract, token id, account).
    ///
    /// # Errors
    /// [`Refusal::FilterUnfit`] without account and contract; [`Refusal::Address`],
    /// [`Refusal::TokenIdMalformed`], [`Refusal::ChainUnknown`], [`Refusal::BlockNotIndexed`],
    /// [`Refusal::BlockOutsideWindow`], [`Refusal::SourceBackfilling`],
    /// [`Refusal::ContractRemoved`].
    pub async fn list_balances(
        &self,
        caller: Caller<'_>,
        query: BalanceQuery<'_>,
        after: Option<(Address, U256, Address)>,
        limit: i64,
    ) -> Result<Seen<Vec<BalanceRow>>, AppError> {
        authorize(caller.actor, Action::ReadItem)?;
        let chain = self.chain(query.chain_id)?.chain_id;
        let filter = BalanceFilter {
            account: query.account.map(|text| parse_address(text, Field::Account)).transpose()?,
            contract: query
                .contract
                .map(|text| parse_address(text, Field::Contract))
                .transpose()?,
            token_id: query.token_id.map(decimal).transpose()?,
        };
        if filter.account.is_none() && filter.contract.is_none() {
            return Err(Refusal::FilterUnfit("account", "or `contract`: one of them").into());
        }
        if filter.token_id.is_some() && filter.contract.is_none() {
            return Err(Refusal::FilterUnfit("token_id", "only with a `contract`").into());
        }
        let mut view = self.view_as_of(chain, query.look).await?;
        view.check_whole(filter.contract, query.look.as_of_block).await?;
        let found = balances(&mut view, filter, after, limit).await?;
        Ok(view.seen(found))
    }

    /// Holders of a contract in the order of their addresses.
    ///
    /// # Errors
    /// [`Refusal::ContractNotFollowed`]; [`Refusal::FilterUnfit`] when a token id is missing, or
    /// means nothing; [`Refusal::Address`], [`Refusal::TokenIdMalformed`],
    /// [`Refusal::ChainUnknown`], [`Refusal::BlockNotIndexed`],
    /// [`Refusal::BlockOutsideWindow`], [`Refusal::SourceBackfilling`],
    /// [`Refusal::ContractRemoved`].
    pub async fn list_holders(
        &self,
        caller: Caller<'_>,
        query: HolderQuery<'_>,
        after: Option<Address>,
        limit: i64,
    ) -> Result<Seen<Vec<Holder>>, AppError> {
        authorize(caller.actor, Action::ReadItem)?;
        let chain = self.chain(query.chain_id)?.chain_id;
        let contract = parse_address(query.contract, Field::Contract)?;
        let token_id = query.token_id.map(decimal).transpose()?;
        let mut view = self.view_as_of(chain, query.look).await?;
        view.check_whole(Some(contract), query.look.as_of_block).await?;
        let amounts = match (kind(&mut view.db, chain, contract).await?, token_id) {
            (Kind::Items, None) => None,
            (Kind::Amounts, None) => {
                return Err(Refusal::FilterUnfit("token_id", "is needed of an ERC-1155").into());
            }
            (Kind::Asset, None) => Some(U256::ZERO),
            (Kind::Amounts, Some(token_id)) => Some(token_id),
            (Kind::Items | Kind::Asset, Some(_)) => {
                return Err(Refusal::FilterUnfit("token_id", "only of an ERC-1155").into());
            }
        };
        let found = match amounts {
            None => owners(&mut view, contract, after, limit).await?,
            Some(token_id) => {
                let filter = BalanceFilter {
                    account: None,
                    contract: Some(contract),
                    token_id: Some(token_id),
                };
                let after = after.map(|account| (contract, token_id, account));
                let rows = balances(&mut view, filter, after, limit).await?;
                let holder = |row: BalanceRow| Holder {
                    account: row.account,
                    balance: row.balance.map(|balance| balance.0),
                };
                rows.into_iter().map(holder).collect()
            }
        };
        Ok(view.seen(found))
    }
}

async fn balances(
    view: &mut View,
    filter: BalanceFilter,
    after: Option<(Address, U256, Address)>,
    limit: i64,
) -> Result<Vec<BalanceRow>, AppError> {
    let (db, chain) = (&mut *view.db, view.chain);
    Ok(match view.back_to {
        None => balances_reads::list(db, chain, filter, after, limit).await?,
        Some(at) => balances_as_of::list(db, chain, at, filter, after, limit).await?,
    })
}

async fn owners(
    view: &mut View,
    contract: Address,
    after: Option<Address>,
    limit: i64,
) -> Result<Vec<Holder>, AppError> {
    let (db, chain) = (&mut *view.db, view.chain);
    let rows = match view.back_to {
        None => balances_reads::list_owners(db, chain, contract, after, limit).await?,
        Some(at) => balances_as_of::list_owners(db, chain, at, contract, after, limit).await?,
    };
    let holder = |row: OwnerRow| Holder {
        account: row.owner,
        balance: Some(U256::from(row.items.unsigned_abs())),
    };
    Ok(rows.into_iter().map(holder).collect())
}

/// What there is of a contract.
pub(crate) enum Kind {
    Asset,
    Items,
    Amounts,
}

pub(crate) async fn kind(
    db: &mut PgConnection,
    chain: ChainId,
    contract: Address,
) -> Result<Kind, AppError> {
    let only = CollectionFilter::only(chain, contract);
    if !collections_reads::list(db, only, None, 1).await?.is_empty() {
        return Ok(Kind::Items);
    }
    let source = index_sources::find_contract(db, chain, contract).await?;
    match source.filter(|source| source.projected).map(|source| source.kind).as_deref() {
        Some("erc20" | "erc20_fee" | "erc20_rebasing") => Ok(Kind::Asset),
        Some("erc721") => Ok(Kind::Items),
        Some("erc1155") => Ok(Kind::Amounts),
        _ => Err(Refusal::ContractNotFollowed.into()),
    }
}
