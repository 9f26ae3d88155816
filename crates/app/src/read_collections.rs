//! Collections, on chain or asked for.

use crate::{App, AppError, Caller, CollectionRow, Field, Refusal, address::parse_address};
use auth::{Action, authorize};
use db::collections_reads::{self, CollectionFilter};
use vocab::{Address, ChainId};

/// From where a list goes on.
pub type CollectionQuery = Option<(ChainId, Address)>;

impl App {
    /// One collection.
    ///
    /// # Errors
    /// [`Refusal::CollectionUnknown`], [`Refusal::Address`]
    pub async fn load_collection(
        &self,
        caller: Caller<'_>,
        chain_id: u64,
        contract: &str,
    ) -> Result<CollectionRow, AppError> {
        authorize(caller.actor, Action::ReadCollection)?;
        let chain = self.chain(Some(chain_id))?.chain_id;
        let only = CollectionFilter::only(chain, parse_address(contract, Field::Contract)?);
        let mut db = self.connection().await?;
        let rows = collections_reads::list(&mut db, only, None, 1).await?;
        Ok(rows.into_iter().next().ok_or(Refusal::CollectionUnknown)?)
    }

    /// Collections of all chains in the order of (chain, contract).
    ///
    /// # Errors
    /// [`AppError::Db`]
    pub async fn list_collections(
        &self,
        caller: Caller<'_>,
        after: CollectionQuery,
        limit: i64,
    ) -> Result<Vec<CollectionRow>, AppError> {
        authorize(caller.actor, Action::ReadCollection)?;
        let mut db = self.connection().await?;
        Ok(collections_reads::list(&mut db, CollectionFilter::default(), after, limit).await?)
    }
}
