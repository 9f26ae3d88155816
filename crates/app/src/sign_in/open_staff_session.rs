//! Sign in a member of the staff who came back from their provider of identities.

use super::{
    ClientPlace, Grants, SessionKind, SignIn, SignInRefusal,
    ask_provider::{StaffOptions, attempt, of_provider},
    open_session::{Entry, lock_number},
    rollback,
};
use crate::{
    AppError,
    principals::{locked, role_decided},
    tell_change::By,
};
use auth::{Binder, ProviderState};
use db::{
    DbError, PgTransaction, principal_roles,
    user_subjects::{self, Subject},
    user_wallets,
};
use oidc::Identity;
use std::collections::BTreeSet;
use time::OffsetDateTime;
use vocab::PrincipalId;

/// Longest name of an error that a provider may give.
const ERROR_LEN_MAX: usize = 64;

/// What came back from the provider, by way of the browser.
#[derive(Clone, Copy, Default)]
pub struct StaffAnswer<'a> {
    pub state: &'a str,
    pub code: Option<&'a str>,
    /// In the place of a code.
    pub error: Option<&'a str>,
    /// Who says it (RFC 9207).
    pub issuer: Option<&'a str>,
    /// What the browser kept.
    pub binder: Option<&'a str>,
}

impl std::fmt::Debug for StaffAnswer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StaffAnswer(…)")
    }
}

/// A session, and where its page is.
#[derive(Clone, Debug)]
pub struct StaffOpened {
    pub grants: Grants,
    /// Of sessions of cookies.
    pub location: Option<String>,
}

impl SignIn {
    /// Sign in. The state is spent in the transaction that makes the session. The roles that the
    /// provider claims take the place of those that it claimed before, even when nobody is signed
    /// in.
    ///
    /// # Errors
    /// See [`SignInRefusal`].
    pub async fn open_staff_session(
        &self,
        answer: StaffAnswer<'_>,
        client: ClientPlace<'_>,
    ) -> Result<StaffOpened, AppError> {
        let opened = self.try_open_staff(answer, client).await;
        let outcome = match &opened {
            Ok(_) => "signed_in",
            Err(AppError::Refused(_)) => "refused",
            Err(_) => "failed",
        };
        metrics::counter!("sign_ins_total", "proof" => "provider", "outcome" => outcome)
            .increment(1);
        opened
    }

    async fn try_open_staff(
        &self,
        answer: StaffAnswer<'_>,
        client: ClientPlace<'_>,
    ) -> Result<StaffOpened, AppError> {
        let (staff, now) = (self.staff()?, self.now());
        let invalid = SignInRefusal::StateInvalid;
        let binder = answer.binder.and_then(Binder::parse).ok_or(invalid.clone())?;
        let opened = ProviderState::open(answer.state, &binder, &self.config().pepper, now);
        let (state, sealed) = opened.map_err(|_| invalid.clone())?;
        if answer.issuer.is_some_and(|issuer| issuer != staff.provider.issuer()) {
            return Err(invalid.into());
        }
        // It may have been taken out of the configuration meanwhile.
        if !self.origins().iter().any(|origin| origin.as_str() == state.origin) {
            return Err(SignInRefusal::OriginUnknown.into());
        }
        let spent = {
            let mut db = self.connection().await?;
            user_subjects::is_spent(&mut db, &sealed.mac).await?
        };
        if spent {
            return Err(SignInRefusal::StateSpent.into());
        }
        let code = match (answer.code, answer.error) {
            (Some(code), None) => code,
            (_, Some(error)) => return Err(SignInRefusal::ProviderDenied(plain(error)).into()),
            (None, None) => return Err(invalid.into()),
        };
        let identified = staff.provider.identify(code, &attempt(&sealed), now).await;
        let identity = identified.map_err(of_provider)?;
        let grants =
            self.record_staff_session(staff, (&state, &sealed.mac), &identity, client).await?;
        // The path was looked at when the state was sealed.
        let location = state.cookie.then(|| format!("{}{}", state.origin, state.return_to));
        Ok(StaffOpened { grants, location })
    }

    async fn record_staff_session(
        &self,
        staff: &StaffOptions,
        (state, mac): (&ProviderState, &[u8; 32]),
        identity: &Identity,
        client: ClientPlace<'_>,
    ) -> Result<Grants, AppError> {
        let now = self.now();
        let expires_at = now + staff.session_time;
        let mut transaction = db::begin(&self.config().db).await?;
        if !user_subjects::record_spent(&mut transaction, mac, state.ends_at()).await? {
            rollback(transaction).await;
            return Err(SignInRefusal::StateSpent.into());
        }
        let (issuer, subject) = (identity.issuer.as_str(), identity.subject.as_str());
        let parts = format!("{}:{issuer}{subject}", issuer.len());
        let number = lock_number(b"user subject", parts.as_bytes());
        user_wallets::lock_proof(&mut transaction, number).await?;
        let name = identity.name.as_deref().unwrap_or("staff");
        let subject = Subject { issuer, subject };
        let principal_id = user_subjects::record(&mut transaction, subject, name, now).await?;
        let claimed = claimed(&staff.roles, &identity.values);
        let any =
            replace_roles(&mut transaction, principal_id, &claimed, (now, expires_at)).await?;
        if !any {
            // What was claimed before is over, and so is this state.
            transaction.commit().await.map_err(DbError::from)?;
            self.config().authenticator.forget_principal(principal_id);
            tracing::info!(principal.id = %principal_id, "a provider's user has no role here");
            return Err(SignInRefusal::NotStaff.into());
        }
        let kind = if state.cookie { SessionKind::Cookie } else { SessionKind::Token };
        let entry = Entry {
            principal_id,
            wallet: None,
            contract_chain_id: 0,
            origin: &state.origin,
            kind,
            client,
            now,
            expires_at,
        };
        let grants = self.commit_session(transaction, entry).await?;
        self.config().authenticator.forget_principal(principal_id);
        tracing::info!(principal.id = %principal_id, session.id = %grants.session.id,
            roles = claimed.join(" "), "staff signed in by the provider");
        Ok(grants)
    }
}

/// The roles behind values of the claim, each once.
fn claimed(roles: &[(String, auth::Role)], values: &[String]) -> Vec<String> {
    let given = roles.iter().filter(|(value, _)| values.contains(value));
    let given: BTreeSet<&str> = given.map(|(_, role)| role.as_str()).collect();
    given.into_iter().map(str::to_owned).collect()
}

/// Put what the provider claims now in the place of what it claimed before, with a fact where that
/// changes anything. Whether any role is theirs, whoever says so.
async fn replace_roles(
    transaction: &mut PgTransaction<'static>,
    principal: PrincipalId,
    roles: &[String],
    (now, until): (OffsetDateTime, OffsetDateTime),
) -> Result<bool, AppError> {
    let before = locked(transaction, principal.0, now).await?;
    principal_roles::record_claimed(transaction, principal, roles, (now, until)).await?;
    let after = locked(transaction, principal.0, now).await?;
    let held = |view: &crate::PrincipalView| -> Vec<(String, String)> {
        view.roles.iter().map(|grant| (grant.role.clone(), grant.source.clone())).collect()
    };
    if held(&before) != held(&after) {
        let fact = role_decided(By::Provider, "roles_claimed", (&before, &after));
        journal::record(transaction, &[fact]).await?;
    }
    Ok(!after.roles.is_empty())
}

/// A provider's word for an error, as far as it may be repeated.
fn plain(error: &str) -> String {
    let word = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    error.chars().filter(word).take(ERROR_LEN_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use auth::Role;

    #[test]
    fn each_value_gives_its_role_once() {
        let roles = [
            ("admins".to_owned(), Role::Admin),
            ("ops".to_owned(), Role::Operator),
            ("on-call".to_owned(), Role::Operator),
        ];
        let values = |values: &[&str]| values.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>();
        assert_eq!(claimed(&roles, &values(&["on-call", "ops", "x"])), ["operator"]);
        assert_eq!(claimed(&roles, &values(&["ops", "admins"])), ["admin", "operator"]);
        assert!(claimed(&roles, &values(&["admin", "Admins", ""])).is_empty());
    }

    #[test]
    fn what_a_provider_calls_an_error_is_repeated_as_a_word() {
        assert_eq!(plain("access_denied"), "access_denied");
        assert_eq!(plain("<script>\n\"x"), "scriptx");
        assert_eq!(plain(&"e".repeat(200)).len(), ERROR_LEN_MAX);
    }
}
