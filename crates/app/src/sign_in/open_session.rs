//! Sign in: a signed message for a session.

use super::{
    ClientPlace, Grants, SessionKind, SignIn, SignInRefusal, contract_signature::parse_signature,
    rollback,
};
use crate::AppError;
use alloy_primitives::eip191_hash_message;
use auth::{Challenge, Origin, RefreshToken, SignInMessage};
use db::{
    DbError, PgTransaction,
    sign_in_challenges::{self, ChallengeRow},
    user_sessions::{self, NewSession},
    user_wallets::{self, WalletProof},
};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;
use vocab::{Address, ChainId, PrincipalId};

/// Longest user agent that is kept.
const USER_AGENT_MAX: usize = 256;

/// What a wallet signed.
#[derive(Clone, Copy)]
pub struct SignedMessage<'a> {
    pub message: &'a str,
    /// `0x` and hexadecimal digits.
    pub signature: &'a str,
    pub kind: SessionKind,
}

impl std::fmt::Debug for SignedMessage<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedMessage").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// A session that was opened.
pub type Opened = Grants;

impl SignIn {
    /// Sign in. The challenge is spent in the transaction that makes the session: of any number of
    /// requests with it one succeeds.
    ///
    /// # Errors
    /// See [`SignInRefusal`]. A challenge whose signature was refused is not spent.
    pub async fn open_session(
        &self,
        signed: SignedMessage<'_>,
        client: ClientPlace<'_>,
    ) -> Result<Opened, AppError> {
        let opened = self.try_open(signed, client).await;
        let (proof, outcome) = match &opened {
            Ok((_, proof)) => (*proof, "signed_in"),
            Err(AppError::Refused(refusal)) => ("none", outcome(refusal)),
            Err(_) => ("none", "failed"),
        };
        metrics::counter!("sign_ins_total", "proof" => proof, "outcome" => outcome).increment(1);
        Ok(opened?.0)
    }

    async fn try_open(
        &self,
        signed: SignedMessage<'_>,
        client: ClientPlace<'_>,
    ) -> Result<(Opened, &'static str), AppError> {
        let message = SignInMessage::parse(signed.message);
        let message =
            message.map_err(|fault| SignInRefusal::MessageMalformed(fault.to_string()))?;
        let signature = parse_signature(signed.signature)?;
        let challenge = {
            let mut db = self.connection().await?;
            sign_in_challenges::load(&mut db, message.nonce()).await?
        };
        // One that links a wallet signs nobody in.
        let challenge = challenge.filter(|row| row.principal_id.is_none());
        let challenge = challenge.ok_or(SignInRefusal::ChallengeUnknown)?;
        self.check(&message, &challenge, (signed.kind, client))?;
        let chain = self.chain(Some(ChainId::from_i64(challenge.chain_id).0))?;
        let digest = eip191_hash_message(signed.message);
        let (proof, kind) = self.prove(chain, challenge.address.0, digest, &signature).await?;
        Ok((self.record_session(&challenge, proof, (signed.kind, client)).await?, kind))
    }

    /// Everything that can be said without a chain.
    fn check(
        &self,
        message: &SignInMessage,
        row: &ChallengeRow,
        (kind, client): (SessionKind, ClientPlace<'_>),
    ) -> Result<(), AppError> {
        // It may have been taken out of the configuration meanwhile.
        let origin = self.origins().iter().find(|origin| origin.as_str() == row.origin);
        let origin: &Origin = origin.ok_or(SignInRefusal::OriginUnknown)?;
        let page = client.origin;
        let fits = match kind {
            // Else a page of somebody else could have a browser signed in as its own user.
            SessionKind::Cookie => page == Some(origin.as_str()),
            SessionKind::Token => page.is_none_or(|page| page == origin.as_str()),
        };
        if !fits {
            return Err(SignInRefusal::OriginUnknown.into());
        }
        self.hold_against(message, row)
    }

    /// Every field of a message against what was asked for.
    pub(super) fn hold_against(
        &self,
        message: &SignInMessage,
        row: &ChallengeRow,
    ) -> Result<(), AppError> {
        if row.spent_at.is_some() {
            return Err(SignInRefusal::ChallengeSpent.into());
        }
        let origin = self.origins().iter().find(|origin| origin.as_str() == row.origin);
        let origin: &Origin = origin.ok_or(SignInRefusal::OriginUnknown)?;
        let challenge = Challenge {
            nonce: &row.nonce,
            address: row.address.0,
            chain_id: ChainId::from_i64(row.chain_id),
            origin,
            statement: &row.statement,
            issued_at: row.issued_at,
            expires_at: row.expires_at,
        };
        Ok(message.check(&challenge, self.now()).map_err(SignInRefusal::MessageUnfit)?)
    }

    async fn record_session(
        &self,
        challenge: &ChallengeRow,
        proof: WalletProof,
        (kind, client): (SessionKind, ClientPlace<'_>),
    ) -> Result<Opened, AppError> {
        let options = self.options();
        let now = self.now();
        let lasts = match proof.contract_chain_id {
            0 => options.session_time,
            _ => options.contract_session_time,
        };
        let mut transaction = db::begin(&self.config().db).await?;
        if !sign_in_challenges::record_spent(&mut transaction, &challenge.nonce, now).await? {
            // Spent by a rival, or expired while a node was asked.
            let refusal = refusal_of_unspent(challenge, now);
            rollback(transaction).await;
            return Err(refusal.into());
        }
        let number = lock_number(b"user wallet", &proof_parts(proof));
        user_wallets::lock_proof(&mut transaction, number).await?;
        let principal_id = user_wallets::record(&mut transaction, proof, now).await?;
        let entry = Entry {
            principal_id,
            wallet: Some((proof.address, ChainId::from_i64(challenge.chain_id))),
            contract_chain_id: proof.contract_chain_id,
            origin: &challenge.origin,
            kind,
            client,
            now,
            expires_at: now + lasts,
        };
        self.commit_session(transaction, entry).await
    }

    /// Record a session in the transaction that decided who it is of, and commit.
    pub(super) async fn commit_session(
        &self,
        mut transaction: PgTransaction<'static>,
        entry: Entry<'_>,
    ) -> Result<Opened, AppError> {
        let id = Uuid::now_v7();
        let refresh = RefreshToken::first(id);
        let Entry { principal_id, now, .. } = entry;
        let new = NewSession {
            id,
            principal_id,
            wallet: entry.wallet,
            contract_chain_id: entry.contract_chain_id,
            origin: entry.origin,
            kind: entry.kind.as_str(),
            user_agent: entry.client.user_agent.map(cut),
            client: entry.client.address,
            now,
            expires_at: entry.expires_at,
            refresh_mac: &refresh.mac(&self.config().pepper),
        };
        user_sessions::record(&mut transaction, new).await?;
        let keep = i64::from(self.options().sessions_per_user_max);
        let crowded = user_sessions::record_crowded(&mut transaction, principal_id, keep, now);
        let ended = crowded.await?;
        let session = user_sessions::load(&mut transaction, id).await?;
        let session = session.ok_or(AppError::Bug("a session that was just recorded is away"))?;
        // Before the commit: a session whose tokens can't be made is not made.
        let grants = self.grant(session, &refresh)?;
        transaction.commit().await.map_err(DbError::from)?;
        self.tell_ended("crowded", &ended);
        Ok(grants)
    }
}

/// Of whom a session is to be, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub principal_id: PrincipalId,
    pub wallet: Option<(Address, ChainId)>,
    pub contract_chain_id: i64,
    pub origin: &'a str,
    pub kind: SessionKind,
    pub client: ClientPlace<'a>,
    pub now: OffsetDateTime,
    pub expires_at: OffsetDateTime,
}

fn refusal_of_unspent(challenge: &ChallengeRow, now: OffsetDateTime) -> SignInRefusal {
    if challenge.expires_at > now {
        SignInRefusal::ChallengeSpent
    } else {
        SignInRefusal::ChallengeUnknown
    }
}

/// At most so many bytes, whole characters.
fn cut(text: &str) -> &str {
    let end = (0..=USER_AGENT_MAX.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

pub(super) fn proof_parts(proof: WalletProof) -> Vec<u8> {
    [proof.address.as_slice(), &proof.contract_chain_id.to_be_bytes()].concat()
}

/// Number of the advisory lock of something that users are known by.
pub(super) fn lock_number(kind: &[u8], of: &[u8]) -> i64 {
    let mut hash = Sha256::new();
    hash.update(kind);
    hash.update(of);
    let digest: [u8; 32] = hash.finalize().into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// A closed set, so that metrics stay bounded.
fn outcome(refusal: &crate::Refusal) -> &'static str {
    use SignInRefusal as R;
    match refusal {
        crate::Refusal::SignIn(refusal) => match refusal {
            R::MessageMalformed(_) | R::MessageUnfit(_) => "message_refused",
            R::ChallengeUnknown | R::ChallengeSpent => "challenge_refused",
            R::SignatureInvalid(_) => "signature_refused",
            R::SignatureUnchecked => "unchecked",
            _ => "refused",
        },
        _ => "refused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_agent_is_cut_between_characters() {
        assert_eq!(cut("curl/8"), "curl/8");
        assert_eq!(cut(&"x".repeat(300)).len(), 256);
        assert_eq!(cut(&format!("{}\u{20ac}", "x".repeat(255))).len(), 255);
    }
}
