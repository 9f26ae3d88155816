//! Mint jobs, looked at by those who asked for them.

use crate::{App, AppError, Caller, Field, MintJob, Refusal, address::parse_address};
use auth::{Action, authorize};
use db::mint_jobs::requests::{self, MintFilter};
use vocab::{JobStatus, MintId};

impl App {
    /// One job. The jobs of others are as unknown as those that never were.
    ///
    /// # Errors
    /// [`Refusal::MintUnknown`]
    pub async fn load_mint(&self, caller: Caller<'_>, id: MintId) -> Result<MintJob, AppError> {
        authorize(caller.actor, Action::ReadMint)?;
        let reach = caller.actor.reach()?;
        let job = requests::load(&mut *self.connection().await?, id).await?;
        let visible = job.filter(|job| reach.is_none_or(|own| own.0 == job.principal_id));
        Ok(visible.ok_or(Refusal::MintUnknown)?)
    }

    /// Jobs, newest first.
    ///
    /// # Errors
    /// [`Refusal::StatusUnknown`], [`Refusal::Address`]
    pub async fn list_mints(
        &self,
        caller: Caller<'_>,
        query: MintQuery<'_>,
        before: Option<MintId>,
        limit: i64,
    ) -> Result<Vec<MintJob>, AppError> {
        authorize(caller.actor, Action::ReadMint)?;
        let status = query.status.map(str::parse::<JobStatus>).transpose();
        let status = status.map_err(|_| Refusal::StatusUnknown)?;
        let (chain, contract) = match query.collection {
            Some(text) => {
                let contract = parse_address(text, Field::Collection)?;
                (Some(self.chain(query.chain_id)?.chain_id), Some(contract))
            }
            None => (None, None),
        };
        let filter = MintFilter {
            id: None,
            principal_id: caller.actor.reach()?,
            status,
            chain,
            contract,
            token_id: None,
            recipient: query.to.map(|text| parse_address(text, Field::To)).transpose()?,
        };
        Ok(requests::list(&mut *self.connection().await?, filter, before, limit).await?)
    }
}

/// Which jobs to list. None means any.
#[derive(Clone, Copy, Debug, Default)]
pub struct MintQuery<'a> {
    pub status: Option<&'a str>,
    pub collection: Option<&'a str>,
    pub to: Option<&'a str>,
    /// Of `collection`; the default chain otherwise.
    pub chain_id: Option<u64>,
}
