//! A user as they see themselves.

use super::Users;
use crate::{App, AppError, BalanceRow, Caller, Look, read_view::View};
use auth::{Action, authorize};
use db::{
    DbError,
    balances_reads::{self, BalanceFilter},
    sealed_fields::SealedColumn,
    user_emails, user_profiles,
    user_wallets::WalletRow,
};
use time::OffsetDateTime;
use uuid::Uuid;
use vocab::{BlockRef, ChainId};
use zeroize::Zeroizing;

/// Balances of one chain in one answer.
const BALANCES_MAX: usize = 500;

/// A profile, opened for its owner.
#[derive(Clone)]
pub struct ProfileView {
    pub principal_id: Uuid,
    pub display_name: Option<String>,
    pub locale: Option<String>,
    pub avatar: Option<String>,
    pub contact: Option<Zeroizing<String>>,
    pub email: Option<EmailView>,
}

/// An address that was proven.
#[derive(Clone)]
pub struct EmailView {
    pub address: Zeroizing<String>,
    pub verified_at: OffsetDateTime,
}

impl std::fmt::Debug for ProfileView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProfileView").field("id", &self.principal_id).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for EmailView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EmailView(…)")
    }
}

/// What a user's wallets hold on one chain, as of one block.
#[derive(Clone, Debug)]
pub struct ChainBalances {
    pub chain_id: ChainId,
    pub as_of: Option<BlockRef>,
    pub rows: Vec<BalanceRow>,
    /// There are more than are shown.
    pub more: bool,
}

impl Users {
    /// The caller's own profile.
    ///
    /// # Errors
    /// [`AppError::Denied`]
    pub async fn load_profile(&self, caller: Caller<'_>) -> Result<ProfileView, AppError> {
        authorize(caller.actor, Action::ReadProfile)?;
        let user = caller.actor.user()?.principal;
        let (profile, email) = {
            let mut db = self.app().connection().await?;
            let profile = user_profiles::load(&mut db, user).await?;
            (profile, user_emails::load(&mut db, user).await?)
        };
        let contact = profile.contact_key_id.zip(profile.contact);
        let contact = contact.map(|sealed| self.open(SealedColumn::ProfileContact, user.0, sealed));
        let email = email.map(|row| {
            let sealed = (row.key_id, row.address);
            let address = self.open(SealedColumn::EmailAddress, user.0, sealed)?;
            Ok::<_, AppError>(EmailView { address, verified_at: row.verified_at })
        });
        Ok(ProfileView {
            principal_id: user.0,
            display_name: profile.display_name,
            locale: profile.locale,
            avatar: profile.avatar_cid,
            contact: contact.transpose()?,
            email: email.transpose()?,
        })
    }

    /// What the caller's wallets hold of followed assets, chain by chain. A contract account counts
    /// on its own chain.
    ///
    /// # Errors
    /// [`AppError::Denied`]
    pub async fn list_own_balances(
        &self,
        caller: Caller<'_>,
    ) -> Result<Vec<ChainBalances>, AppError> {
        let wallets = self.0.sign_in.list_linked(caller).await?;
        let mut all = Vec::new();
        for chain in &self.app().config().chains {
            let theirs = |row: &&WalletRow| {
                row.contract_chain_id == 0 || row.contract_chain_id == chain.chain_id.as_i64()
            };
            let mine: Vec<&WalletRow> = wallets.iter().filter(theirs).collect();
            all.push(self.app().wallet_balances(chain.chain_id, &mine).await?);
        }
        Ok(all)
    }
}

impl App {
    async fn wallet_balances(
        &self,
        chain: ChainId,
        wallets: &[&WalletRow],
    ) -> Result<ChainBalances, AppError> {
        let mut view: View = self.view_as_of(chain, Look::default()).await?;
        let mut rows = Vec::new();
        let mut seen = Vec::new();
        for wallet in wallets.iter().map(|row| row.address.0) {
            // A key and a contract of the same address hold the same.
            if seen.contains(&wallet) {
                continue;
            }
            seen.push(wallet);
            let filter = BalanceFilter { account: Some(wallet), ..BalanceFilter::default() };
            let room = BALANCES_MAX + 1 - rows.len();
            let limit = i64::try_from(room).unwrap_or_default();
            rows.extend(balances_reads::list(&mut view.db, chain, filter, None, limit).await?);
        }
        let more = rows.len() > BALANCES_MAX;
        rows.truncate(BALANCES_MAX);
        let seen = view.seen(rows);
        view.db.rollback().await.map_err(DbError::from)?;
        Ok(ChainBalances { chain_id: chain, as_of: seen.as_of, rows: seen.found, more })
    }
}
