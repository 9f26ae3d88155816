//! Transfers of items, of our own contracts and of followed ones.

use crate::{
    App, AppError, Caller, Field, Refusal, Seen, TransferPlace, TransferRow,
    address::parse_address, read_items::decimal,
};
use auth::{Action, authorize};
use db::transfers_reads::{self, TransferFilter};

/// Which transfers to list. None means any.
#[derive(Clone, Copy, Debug, Default)]
pub struct TransferQuery<'a> {
    pub chain_id: Option<u64>,
    pub contract: Option<&'a str>,
    pub token_id: Option<&'a str>,
    /// Sender or recipient.
    pub account: Option<&'a str>,
    pub first_block: Option<u64>,
    pub last_block: Option<u64>,
    pub wait_for_block: Option<u64>,
}

impl App {
    /// Transfers of a chain, newest first, before `before`.
    ///
    /// # Errors
    /// [`Refusal::FilterUnfit`]; [`Refusal::Address`], [`Refusal::TokenIdMalformed`],
    /// [`Refusal::ChainUnknown`], [`Refusal::BlockNotIndexed`],
    /// [`Refusal::SourceBackfilling`], [`Refusal::ContractRemoved`].
    pub async fn list_transfers(
        &self,
        caller: Caller<'_>,
        query: TransferQuery<'_>,
        before: Option<TransferPlace>,
        limit: i64,
    ) -> Result<Seen<Vec<TransferRow>>, AppError> {
        authorize(caller.actor, Action::ReadItem)?;
        let chain = self.chain(query.chain_id)?.chain_id;
        let filter = TransferFilter {
            contract: query
                .contract
                .map(|text| parse_address(text, Field::Contract))
                .transpose()?,
            token_id: query.token_id.map(decimal).transpose()?,
            account: query.account.map(|text| parse_address(text, Field::Account)).transpose()?,
            first_block: query.first_block.map(height),
            last_block: query.last_block.map(height),
        };
        if filter.token_id.is_some() && filter.contract.is_none() {
            return Err(Refusal::FilterUnfit("token_id", "only with a `contract`").into());
        }
        check_range(query.first_block, query.last_block)?;
        let mut view = self.view(chain, query.wait_for_block).await?;
        view.check_whole(filter.contract, query.last_block).await?;
        let found = transfers_reads::list(&mut view.db, chain, filter, before, limit).await?;
        Ok(view.seen(found))
    }
}

/// # Errors
/// [`Refusal::FilterUnfit`] for a range of blocks that ends before it begins.
pub(crate) fn check_range(first: Option<u64>, last: Option<u64>) -> Result<(), AppError> {
    match first.zip(last) {
        Some((first, last)) if first > last => {
            Err(Refusal::FilterUnfit("from_block", "must not be above `to_block`").into())
        }
        _ => Ok(()),
    }
}

/// A height as the database counts.
pub(crate) fn height(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
