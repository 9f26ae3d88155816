//! Further wallets of a user: each proven by a message that says which user it is linked to, so
//! that none that signs in links, and none that links signs in.

use super::{
    Asked, ChallengeSpec, ClientPlace, SignIn, SignInRefusal,
    contract_signature::parse_signature,
    open_session::{lock_number, proof_parts},
    rollback,
};
use crate::{
    AppError, Caller,
    once::maker,
    tell_change::{By, Decision},
};
use alloy_primitives::eip191_hash_message;
use auth::{Action, SignInMessage, authorize};
use db::{
    DbError, PgTransaction, principals, sign_in_challenges, user_sessions,
    user_wallets::{self, WalletProof, WalletRow},
};
use serde_json::{Value, json};
use time::OffsetDateTime;
use vocab::{Address, ChainId, PrincipalId};

/// Wallets of one user.
pub(super) const WALLETS_MAX: i64 = 20;

impl SignIn {
    /// A message by which a wallet is linked to the caller. It is good once, for some minutes, and
    /// for them only.
    ///
    /// # Errors
    /// As [`SignIn::ask_challenge`].
    pub async fn ask_link_challenge(
        &self,
        caller: Caller<'_>,
        spec: ChallengeSpec<'_>,
        client: ClientPlace<'_>,
    ) -> Result<Asked, AppError> {
        authorize(caller.actor, Action::ChangeProfile)?;
        let user = caller.actor.user()?.principal;
        self.record_challenge(spec, client, Some(user)).await
    }

    /// Link the wallet that signed such a message.
    ///
    /// # Errors
    /// [`SignInRefusal::WalletTaken`], [`SignInRefusal::WalletLimit`]; those of a message as for
    /// signing in. One of another user's, or for signing in, is
    /// [`SignInRefusal::ChallengeUnknown`].
    pub async fn link_wallet(
        &self,
        caller: Caller<'_>,
        (message, signature): (&str, &str),
        client: ClientPlace<'_>,
    ) -> Result<WalletRow, AppError> {
        authorize(caller.actor, Action::ChangeProfile)?;
        let user = caller.actor.user()?.principal;
        let read = SignInMessage::parse(message);
        let read = read.map_err(|fault| SignInRefusal::MessageMalformed(fault.to_string()))?;
        let signature = parse_signature(signature)?;
        let challenge = {
            let mut db = self.connection().await?;
            sign_in_challenges::load(&mut db, read.nonce()).await?
        };
        let challenge = challenge.filter(|row| row.principal_id == Some(user.0));
        let challenge = challenge.ok_or(SignInRefusal::ChallengeUnknown)?;
        let page = client.origin;
        if page.is_some_and(|page| page != challenge.origin) {
            return Err(SignInRefusal::OriginUnknown.into());
        }
        self.hold_against(&read, &challenge)?;
        let chain = self.chain(Some(ChainId::from_i64(challenge.chain_id).0))?;
        let digest = eip191_hash_message(message);
        let (proof, _) = self.prove(chain, challenge.address.0, digest, &signature).await?;
        let now = self.now();
        let mut transaction = db::begin(&self.config().db).await?;
        if !sign_in_challenges::record_spent(&mut transaction, &challenge.nonce, now).await? {
            rollback(transaction).await;
            return Err(SignInRefusal::ChallengeSpent.into());
        }
        self.record_link(transaction, caller, proof, now).await
    }

    async fn record_link(
        &self,
        mut transaction: PgTransaction<'static>,
        caller: Caller<'_>,
        proof: WalletProof,
        now: OffsetDateTime,
    ) -> Result<WalletRow, AppError> {
        let user = caller.actor.user()?.principal;
        // One change of a user's wallets at a time, and one of what a wallet is of.
        principals::lock(&mut transaction, user).await?;
        let number = lock_number(b"user wallet", &proof_parts(proof));
        user_wallets::lock_proof(&mut transaction, number).await?;
        match user_wallets::find(&mut transaction, proof).await? {
            Some(owner) if owner != user => {
                rollback(transaction).await;
                return Err(SignInRefusal::WalletTaken.into());
            }
            Some(_) => {}
            None => {
                let all = user_wallets::list(&mut transaction, user).await?;
                if all.len() as i64 >= WALLETS_MAX {
                    rollback(transaction).await;
                    return Err(SignInRefusal::WalletLimit { limit: WALLETS_MAX }.into());
                }
                user_wallets::record_link(&mut transaction, proof, user, now).await?;
                let fact = told(caller, "wallet_linked", (Value::Null, shown(proof)))?;
                journal::record(&mut transaction, &[fact]).await?;
            }
        }
        let all = user_wallets::list(&mut transaction, user).await?;
        transaction.commit().await.map_err(DbError::from)?;
        let row = all.into_iter().find(|row| row.proof() == proof);
        row.ok_or(AppError::Bug("a wallet that was just linked is away"))
    }

    /// The caller's wallets, the first one first.
    ///
    /// # Errors
    /// [`AppError::Denied`]
    pub async fn list_linked(&self, caller: Caller<'_>) -> Result<Vec<WalletRow>, AppError> {
        authorize(caller.actor, Action::ReadProfile)?;
        let mut db = self.connection().await?;
        Ok(user_wallets::list(&mut db, caller.actor.user()?.principal).await?)
    }

    /// Let go of a wallet; sessions that it opened end. Signed in with later, it is another user.
    ///
    /// # Errors
    /// [`SignInRefusal::WalletUnlinked`] for none of the caller's; [`SignInRefusal::LastSignIn`]
    /// for what they could not sign in without.
    pub async fn unlink_wallet(
        &self,
        caller: Caller<'_>,
        address: Address,
        contract_chain: Option<u64>,
    ) -> Result<(), AppError> {
        authorize(caller.actor, Action::ChangeProfile)?;
        let user = caller.actor.user()?.principal;
        let contract_chain_id = contract_chain.map_or(0, |id| ChainId(id).as_i64());
        let proof = WalletProof { address, contract_chain_id };
        let now = self.now();
        let mut transaction = db::begin(&self.config().db).await?;
        principals::lock(&mut transaction, user).await?;
        let wallets = user_wallets::list(&mut transaction, user).await?;
        if wallets.iter().all(|row| row.proof() != proof) {
            return Err(SignInRefusal::WalletUnlinked.into());
        }
        if wallets.len() == 1 && !self.is_staff(&mut transaction, user).await? {
            return Err(SignInRefusal::LastSignIn.into());
        }
        user_wallets::delete(&mut transaction, proof, user).await?;
        let ended = user_sessions::record_unlinked(&mut transaction, user, proof, now).await?;
        let fact = told(caller, "wallet_unlinked", (shown(proof), Value::Null))?;
        journal::record(&mut transaction, &[fact]).await?;
        transaction.commit().await.map_err(DbError::from)?;
        self.tell_ended("unlinked", &ended);
        Ok(())
    }

    /// Can they sign in with the provider that is configured now?
    async fn is_staff(
        &self,
        transaction: &mut PgTransaction<'static>,
        user: PrincipalId,
    ) -> Result<bool, AppError> {
        let Some(staff) = &self.config().staff else { return Ok(false) };
        let issuer = staff.provider.issuer();
        Ok(db::user_subjects::is_of(transaction, user, issuer).await?)
    }
}

fn shown(proof: WalletProof) -> Value {
    let address = proof.address.to_checksum(None);
    json!({ "address": address, "contract_chain_id": proof.contract_chain_id })
}

fn told(
    caller: Caller<'_>,
    act: &'static str,
    (before, after): (Value, Value),
) -> Result<journal::NewFact, AppError> {
    let deed = Action::ChangeProfile.into();
    let by = By::Request(maker(caller.actor, Action::ChangeProfile)?, caller);
    let about = ("user", caller.actor.user()?.principal.to_string());
    Ok(Decision { by, deed, about, act, chain_id: None, before, after }.fact())
}
