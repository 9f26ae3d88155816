//! What somebody may give away by a key: no more than they have.

use super::ApiKeyRefusal;
use crate::AppError;
use auth::{Maker, Networks, PrincipalKind, Role};
use db::{
    PgConnection,
    api_keys::{self, KeyTerms},
    principal_roles,
};
use time::OffsetDateTime;
use uuid::Uuid;
use vocab::PrincipalId;

/// Of a caller.
pub(super) struct Power {
    admin: bool,
    standing: Standing,
    own: KeyTerms,
}

/// What a principal is beside the scopes of its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    Plain,
    Operator,
    Admin,
}

impl Standing {
    /// By kind, and by the roles that are granted now.
    pub(super) async fn load(
        db: &mut PgConnection,
        (principal, kind): (Uuid, &str),
        now: OffsetDateTime,
    ) -> Result<Self, AppError> {
        let granted = principal_roles::load(db, &[principal], now).await?;
        let has = |role: Role| granted.iter().any(|grant| grant.role == role.as_str());
        Ok(if has(Role::Admin) {
            Self::Admin
        } else if has(Role::Operator) || kind == PrincipalKind::Operator.as_str() {
            Self::Operator
        } else {
            Self::Plain
        })
    }
}

impl Power {
    /// As it is now, by the database, in the transaction that uses it.
    ///
    /// # Errors
    /// [`AppError::KeyInvalid`] when the caller's own key has ended meanwhile.
    pub(super) async fn load(
        db: &mut PgConnection,
        maker: Maker<'_>,
        now: OffsetDateTime,
    ) -> Result<Self, AppError> {
        let Some(key_id) = maker.key_id else {
            return Self::of_user(db, maker.principal, now).await;
        };
        let filter = api_keys::ApiKeyFilter { id: Some(key_id), ..Default::default() };
        let own = api_keys::list(db, filter, 1).await?.pop().ok_or(AppError::KeyInvalid)?;
        if own.revoked_at.is_some() || own.expires_at.is_some_and(|end| end <= now) {
            return Err(AppError::KeyInvalid);
        }
        let who = (own.principal_id, own.principal_kind.as_str());
        Ok(Self {
            admin: own.scopes.iter().any(|scope| scope == auth::Scope::Admin.as_str()),
            standing: Standing::load(db, who, now).await?,
            own: own.terms(),
        })
    }

    /// Of who is signed in: the policy lets admins only come here.
    async fn of_user(
        db: &mut PgConnection,
        principal: PrincipalId,
        now: OffsetDateTime,
    ) -> Result<Self, AppError> {
        let standing = Standing::load(db, (principal.0, "user"), now).await?;
        if standing != Standing::Admin {
            return Err(auth::Denied::NotForUsers.into());
        }
        Ok(Self { admin: true, standing, own: KeyTerms::default() })
    }

    /// May keys of all principals be made and changed?
    pub(super) const fn is_admin(&self) -> bool {
        self.admin
    }

    /// May a key on these terms, of a principal that stands there, be made or changed?
    ///
    /// # Errors
    /// [`ApiKeyRefusal::Exceeds`]
    pub(super) fn covers(&self, its: Standing, terms: &KeyTerms) -> Result<(), ApiKeyRefusal> {
        let exceeds = |what: &str| Err(ApiKeyRefusal::Exceeds(what.to_owned()));
        if its > self.standing {
            return exceeds("it is an operator's or admin's, and you are none");
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
