//! Looking at keys. Their secrets are not there to be seen.

use super::{ApiKeyRefusal, ApiKeys};
use crate::{AppError, Caller};
use auth::{Action, authorize};
use db::api_keys::{self, ApiKeyFilter, ApiKeyRow};
use time::OffsetDateTime;
use vocab::PrincipalId;

/// A place in the list: when a key was made, and its id.
pub type KeyPlace<'a> = (OffsetDateTime, &'a str);

impl ApiKeys {
    /// A key of the caller's principal; of anybody for an admin.
    ///
    /// # Errors
    /// [`ApiKeyRefusal::Unknown`]
    pub async fn load(&self, caller: Caller<'_>, id: &str) -> Result<ApiKeyRow, AppError> {
        authorize(caller.actor, Action::ReadApiKey)?;
        let principal_id = caller.actor.reach()?;
        let filter = ApiKeyFilter { id: Some(id), principal_id, after: None };
        let mut db = self.app().connection().await?;
        let found = api_keys::list(&mut db, filter, 1).await?.pop();
        Ok(found.ok_or(ApiKeyRefusal::Unknown)?)
    }

    /// Keys of the caller's principal, newest first; of everybody, or of one, for an admin.
    ///
    /// # Errors
    /// [`AppError::Denied`]
    pub async fn list(
        &self,
        caller: Caller<'_>,
        principal: Option<PrincipalId>,
        after: Option<KeyPlace<'_>>,
        limit: i64,
    ) -> Result<Vec<ApiKeyRow>, AppError> {
        authorize(caller.actor, Action::ReadApiKey)?;
        let reach = caller.actor.reach()?;
        if let (Some(own), Some(wanted)) = (reach, principal)
            && own != wanted
        {
            return Ok(Vec::new());
        }
        let filter = ApiKeyFilter { id: None, principal_id: reach.or(principal), after };
        let mut db = self.app().connection().await?;
        Ok(api_keys::list(&mut db, filter, limit).await?)
    }
}
