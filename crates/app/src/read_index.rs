//! How far the index of each chain is.

use crate::{App, AppError, Caller};
use auth::{Action, authorize};
use db::index_progress::{self, ChainIndex};

/// The index of a chain of this server.
#[derive(Clone, Debug)]
pub struct IndexView {
    pub index: ChainIndex,
    /// What people call the chain.
    pub name: Option<String>,
    /// Nothing is sent to it.
    pub read_only: bool,
}

impl App {
    /// Every chain of this server that has an index, by id.
    ///
    /// # Errors
    /// [`AppError::Db`]
    pub async fn list_indexes(&self, caller: Caller<'_>) -> Result<Vec<IndexView>, AppError> {
        authorize(caller.actor, Action::ReadPublicFacts)?;
        let found = index_progress::load(&mut *self.connection().await?).await?;
        let view = |index: ChainIndex| {
            let of = self.config().chains.iter().find(|of| of.chain_id == index.chain)?;
            Some(IndexView { index, name: of.name.clone(), read_only: of.writes.is_none() })
        };
        Ok(found.into_iter().filter_map(view).collect())
    }
}
