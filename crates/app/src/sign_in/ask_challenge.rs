//! Ask for something to sign.

use super::{ClientPlace, SignIn, SignInRefusal};
use crate::{AppError, Field, Refusal, parse_address};
use auth::{Challenge, Origin};
use chain::Chain;
use db::sign_in_challenges::{self, NewChallenge};
use time::OffsetDateTime;
use vocab::{Address, PrincipalId};

/// Who wants to sign in, for which chain, and where.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChallengeSpec<'a> {
    pub address: &'a str,
    /// The usual one when absent.
    pub chain_id: Option<u64>,
    /// The page's when absent, or else the usual one.
    pub origin: Option<&'a str>,
}

/// What to sign.
#[derive(Clone)]
pub struct Asked {
    pub address: Address,
    pub chain_id: u64,
    pub message: String,
    pub nonce: String,
    pub issued_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asked").field("address", &self.address).finish_non_exhaustive()
    }
}

impl SignIn {
    /// A message for a wallet to sign. It is good once, for some minutes.
    ///
    /// # Errors
    /// [`Refusal::Address`], [`Refusal::ChainUnknown`], [`SignInRefusal::OriginUnknown`],
    /// [`SignInRefusal::TooManyChallenges`].
    pub async fn ask_challenge(
        &self,
        spec: ChallengeSpec<'_>,
        client: ClientPlace<'_>,
    ) -> Result<Asked, AppError> {
        let asked = self.record_challenge(spec, client, None).await;
        let outcome = if asked.is_ok() { "issued" } else { "refused" };
        metrics::counter!("sign_in_challenges_total", "outcome" => outcome).increment(1);
        asked
    }

    /// `user`: the wallet is to be linked to them, which its statement says.
    pub(super) async fn record_challenge(
        &self,
        spec: ChallengeSpec<'_>,
        client: ClientPlace<'_>,
        user: Option<PrincipalId>,
    ) -> Result<Asked, AppError> {
        let address = parse_address(spec.address, Field::Address)?;
        let chain = self.chain(spec.chain_id)?;
        let origin = self.origin_of(spec.origin, client.origin)?;
        let issued_at = self.now().replace_nanosecond(0).unwrap_or(self.now());
        let expires_at = issued_at + self.options().challenge_time;
        let nonce = auth::fresh_nonce();
        let statement = match user {
            None => self.options().statement.clone(),
            Some(user) => format!("Link this wallet to the user {user}. It will sign them in."),
        };
        let challenge = Challenge {
            nonce: &nonce,
            address,
            chain_id: chain.id,
            origin,
            statement: &statement,
            issued_at,
            expires_at,
        };
        let text = challenge.text();
        let message = text.map_err(|_| AppError::Bug("a challenge that is no message"))?;
        let new = NewChallenge {
            nonce: &nonce,
            address,
            chain_id: chain.id,
            origin: origin.as_str(),
            statement: challenge.statement,
            client: client.address,
            issued_at,
            expires_at,
            principal_id: user,
        };
        let mut db = self.connection().await?;
        let room = self.has_room(&mut db).await?;
        if !room || !sign_in_challenges::record(&mut db, new, self.caps()).await? {
            let seconds = self.options().challenge_time.whole_seconds();
            let retry_after = u32::try_from(seconds).unwrap_or(u32::MAX);
            return Err(SignInRefusal::TooManyChallenges { retry_after }.into());
        }
        Ok(Asked { address, chain_id: chain.id.0, message, nonce, issued_at, expires_at })
    }

    /// The named chain, or the usual one.
    pub(super) fn chain(&self, id: Option<u64>) -> Result<&Chain, AppError> {
        let chains = &self.config().chains;
        let found = match id {
            None => chains.first(),
            Some(id) => chains.iter().find(|chain| chain.id.0 == id),
        };
        Ok(found.ok_or(Refusal::ChainUnknown)?)
    }

    /// Where somebody signs in. A page can ask for itself only.
    pub(super) fn origin_of(
        &self,
        named: Option<&str>,
        page: Option<&str>,
    ) -> Result<&Origin, AppError> {
        let origins = self.origins();
        let wanted = named.or(page);
        let differ = named.zip(page).is_some_and(|(named, page)| named != page);
        let found = match wanted {
            None => origins.first(),
            Some(text) => origins.iter().find(|origin| origin.as_str() == text),
        };
        Ok(found.filter(|_| !differ).ok_or(SignInRefusal::OriginUnknown)?)
    }
}
