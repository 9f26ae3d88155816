//! How far the index of each chain is.

use crate::{App, AppError, Caller};
use auth::{Action, authorize};
use db::index_progress::{self, ChainIndex};

impl App {
    /// Every chain of this server that has an index, by id.
    ///
    /// # Errors
    /// [`AppError::Db`]
    pub async fn list_indexes(&self, caller: Caller<'_>) -> Result<Vec<ChainIndex>, AppError> {
        authorize(caller.actor, Action::ReadPublicFacts)?;
        let mut found = index_progress::load(&mut *self.connection().await?).await?;
        found.retain(|index| self.config().chains.iter().any(|of| of.chain_id == index.chain));
        Ok(found)
    }
}
