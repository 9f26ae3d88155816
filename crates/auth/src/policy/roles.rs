//! Roles: what a principal may do beyond its kind, until when, and how an actor is tied to what it
//! wants to do something with.
//!
//! | role | by nature | may |
//! |---|---|---|
//! | user | who signs in | see and end what is theirs; mint where the chain lets them |
//! | machine | holder of a key | what its key's scopes open, on its own objects |
//! | organizer | granted | signed in, what machines may; mint into collections they asked for |
//! | verifier | granted | what users may; redemption is to come |
//! | operator | granted, or by kind | what is for operators: with a key as far as its scopes go |
//! | admin | granted | all of it, on everybody's objects, and grant roles |

use super::{Action, Actor, Denied, KeyHolder, POLICY, PrincipalKind, Rule, User};
use std::{fmt, str::FromStr};
use time::OffsetDateTime;
use uuid::Uuid;
use vocab::{Address, ChainId, PrincipalId};

/// A role that can be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    Organizer,
    Verifier,
    Operator,
    Admin,
}

impl Role {
    pub const ALL: [Role; 4] = [Self::Organizer, Self::Verifier, Self::Operator, Self::Admin];

    /// As stored, and as it stands in paths.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Organizer => "organizer",
            Self::Verifier => "verifier",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(())
    }
}

/// A role as granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Granted {
    pub(crate) role: Role,
    pub(crate) until: Option<OffsetDateTime>,
}

/// Those that hold by now.
pub(crate) fn held(granted: &[Granted], now: OffsetDateTime) -> Vec<Role> {
    let open = granted.iter().filter(|one| one.until.is_none_or(|until| until > now));
    open.map(|one| one.role).collect()
}

/// How an actor is tied to what an action is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tie {
    None,
    /// They asked for it.
    Owner,
    /// The chain lets them mint into it.
    Minter,
}

/// Who answers for what is made: a key, or a user who is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Maker<'a> {
    pub principal: PrincipalId,
    /// The key that was shown.
    pub key_id: Option<&'a str>,
    /// The session of who is signed in.
    pub session: Option<Uuid>,
    /// What the principal is by nature.
    nature: &'static str,
    /// What it was granted.
    roles: &'a [Role],
    admin: bool,
}

impl Maker<'_> {
    /// Reaches everybody's objects.
    #[must_use]
    pub const fn is_admin(&self) -> bool {
        self.admin
    }

    /// What it is by nature, then what it was granted.
    #[must_use]
    pub fn role_names(&self) -> Vec<&'static str> {
        let granted = self.roles.iter().map(|role| role.as_str());
        [self.nature].into_iter().chain(granted).collect()
    }
}

impl Action {
    /// Is each doing of it, and each attempt that is refused, a record of the audit trail?
    #[must_use]
    pub const fn is_privileged(self) -> bool {
        match self {
            // What users and machines are here for: their jobs are their records.
            Self::RequestMint | Self::RequestCollection | Self::RequestSponsored => false,
            other => other.is_of_value(),
        }
    }
}

impl KeyHolder {
    /// May it do, as far as its scopes go, what is for operators?
    #[must_use]
    pub fn is_operator(&self) -> bool {
        let granted = |role| self.roles.contains(&role);
        self.kind == PrincipalKind::Operator || granted(Role::Operator) || granted(Role::Admin)
    }
}

impl User {
    /// Is it one of these, or an admin?
    #[must_use]
    pub fn is_one_of(&self, roles: &[Role]) -> bool {
        self.roles.iter().any(|role| *role == Role::Admin || roles.contains(role))
    }

    /// The wallet that this user signed in with, if it is theirs on this chain, too: a contract is
    /// only on its own.
    #[must_use]
    pub fn wallet_on(&self, chain: ChainId) -> Option<Address> {
        let theirs = self.contract_chain.is_none_or(|own| own == chain);
        self.wallet.filter(|_| theirs).map(|(address, _)| address)
    }
}

impl Actor {
    /// Who answers for what this actor makes.
    ///
    /// # Errors
    /// [`Denied::NeedsKey`] for nobody in particular.
    pub fn maker(&self) -> Result<Maker<'_>, Denied> {
        match self {
            Self::Anonymous => Err(Denied::NeedsKey),
            Self::Key(holder) => Ok(Maker {
                principal: holder.principal,
                key_id: Some(&holder.key_id),
                session: None,
                nature: holder.kind.as_str(),
                roles: &holder.roles,
                admin: holder.is_admin(),
            }),
            Self::User(user) => Ok(Maker {
                principal: user.principal,
                key_id: None,
                session: Some(user.session),
                nature: "user",
                roles: &user.roles,
                admin: user.is_one_of(&[]),
            }),
        }
    }

    /// May this actor do what is for operators, somewhere?
    #[must_use]
    pub fn is_operator(&self) -> bool {
        match self {
            Self::Anonymous => false,
            Self::Key(holder) => holder.is_operator(),
            Self::User(user) => user.is_one_of(&[Role::Operator]),
        }
    }
}

/// May `actor` do `action` with anything at all? What it is done with may still be denied them.
///
/// # Errors
/// [`Denied`] when not, with what is missing.
pub fn authorize_at_all(actor: &Actor, action: Action) -> Result<(), Denied> {
    let any = [Tie::None, Tie::Owner, Tie::Minter];
    let denied = any.map(|tie| super::authorize_on(actor, action, tie));
    denied.into_iter().reduce(Result::or).unwrap_or(Err(Denied::NeedsKey))
}

/// What users may by a rule. Keys are held against scopes.
pub(super) fn of_user(rule: Rule, user: &User, tie: Tie) -> Result<(), Denied> {
    const STAFF: [Role; 2] = [Role::Organizer, Role::Operator];
    let allowed = match rule {
        Rule::Anyone | Rule::User | Rule::UserOr(_) => true,
        Rule::OneOf(_) => user.is_one_of(&STAFF),
        Rule::KeyOf(_) => false,
        Rule::Operator(_) => user.is_one_of(&[Role::Operator]),
        Rule::Minter(_) => {
            let own = tie == Tie::Owner && user.is_one_of(&[Role::Organizer]);
            if own || tie == Tie::Minter || user.is_one_of(&[Role::Operator]) {
                return Ok(());
            }
            return Err(Denied::NeedsMinter);
        }
        Rule::OneOfOrAdmin(_) | Rule::Admin => user.is_one_of(&[]),
    };
    if allowed { Ok(()) } else { Err(Denied::NotForUsers) }
}

/// The rule of an action; none: it is denied to everybody.
pub(super) fn rule(action: Action) -> Option<Rule> {
    POLICY.iter().find(|(listed, _)| *listed == action).map(|(_, rule)| *rule)
}
