//! What somebody may give away by a key: no more than they have.

use super::ApiKeyRefusal;
use crate::AppError;
use auth::{KeyHolder, Networks, PrincipalKind};
use db::{
    PgConnection,
    api_keys::{self, KeyTerms},
};
use time::OffsetDateTime;

/// Of a caller.
pub(super) struct Power {
    admin: bool,
    operator: bool,
    own: KeyTerms,
}

impl Power {
    /// As it is now, by the database, in the transaction that uses it.
    ///
    /// # Errors
    /// [`AppError::KeyInvalid`] when the caller's own key has ended meanwhile.
    pub(super) async fn load(
        db: &mut PgConnection,
        holder: &KeyHolder,
        now: OffsetDateTime,
    ) -> Result<Self, AppError> {
        let filter = api_keys::ApiKeyFilter { id: Some(&holder.key_id), ..Default::default() };
        let own = api_keys::list(db, filter, 1).await?.pop().ok_or(AppError::KeyInvalid)?;
        if own.revoked_at.is_some() || own.expires_at.is_some_and(|end| end <= now) {
            return Err(AppError::KeyInvalid);
        }
        Ok(Self {
            admin: own.scopes.iter().any(|scope| scope == auth::Scope::Admin.as_str()),
            operator: own.principal_kind == PrincipalKind::Operator.as_str(),
            own: own.terms(),
        })
    }

    /// May keys of all principals be made and changed?
    pub(super) const fn is_admin(&self) -> bool {
        self.admin
    }

    /// May a key on these terms, of a principal of this kind, be made or changed?
    ///
    /// # Errors
    /// [`ApiKeyRefusal::Exceeds`]
    pub(super) fn covers(&self, kind: &str, terms: &KeyTerms) -> Result<(), ApiKeyRefusal> {
        let exceeds = |what: &str| Err(ApiKeyRefusal::Exceeds(what.to_owned()));
        if kind == PrincipalKind::Operator.as_str() && !self.operator {
            return exceeds("it is an operator's");
        }
        if self.admin {
            return Ok(());
        }
        if let Some(scope) = terms.scopes.iter().find(|scope| !self.own.scopes.contains(scope)) {
            return exceeds(&format!("its scope `{scope}` is not one of yours"));
        }
        let read = |texts: &[String]| Networks::parse(texts);
        let (Ok(inner), Ok(outer)) = (read(&terms.allowed_ips), read(&self.own.allowed_ips)) else {
            return exceeds("its networks can't be read");
        };
        if !inner.is_within(&outer) {
            return exceeds("it may be used from where yours may not");
        }
        let lasts = |end: OffsetDateTime| terms.expires_at.is_none_or(|its| its > end);
        if self.own.expires_at.is_some_and(lasts) {
            return exceeds("it lasts longer than yours");
        }
        if self.own.signature_required && !terms.signature_required {
            return exceeds("yours must sign, and it need not");
        }
        Ok(())
    }
}
