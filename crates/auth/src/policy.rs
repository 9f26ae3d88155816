//! The policy: one table of actions, each with the rule that lets an actor do it. What the table
//! does not allow is denied.

use time::OffsetDateTime;
use uuid::Uuid;
use vocab::{Address, ChainId, PrincipalId};

mod roles;
mod scope;

pub(crate) use roles::{Granted, held};
pub use roles::{Maker, Role, Tie, authorize_at_all};
pub use scope::Scope;

/// What sort of principal holds a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrincipalKind {
    Operator,
    Machine,
}

impl PrincipalKind {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Machine => "machine",
        }
    }
}

/// Somebody who showed a valid key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHolder {
    pub principal: PrincipalId,
    pub kind: PrincipalKind,
    pub key_id: String,
    pub scopes: Vec<Scope>,
    /// Granted to the principal.
    pub roles: Vec<Role>,
    /// When the key ends, if it does.
    pub until: Option<OffsetDateTime>,
    /// It must sign requests of value, and has not signed this one.
    pub unsigned: bool,
}

/// Somebody who signed in, with a wallet or with a provider of identities, and shows a valid access
/// token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub principal: PrincipalId,
    pub session: Uuid,
    /// The wallet that was signed in with, and for which chain; none of a provider's.
    pub wallet: Option<(Address, ChainId)>,
    /// Set when a contract signed in: it speaks for its address on its own chain only.
    pub contract_chain: Option<ChainId>,
    /// Granted to the principal.
    pub roles: Vec<Role>,
    /// When the token ends.
    pub until: OffsetDateTime,
}

/// Who is calling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Nobody in particular.
    Anonymous,
    Key(KeyHolder),
    User(User),
}

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    UploadContent,
    StoreMetadata,
    RequestMint,
    ReadMint,
    RequestCollection,
    ReadItem,
    ReadCollection,
    /// Facts that anyone can see on chain: items, collections, blocks.
    ReadPublicFacts,
    /// Facts of mint jobs; without `admin` only of one's own.
    ReadMintFacts,
    /// Without `admin` and for machines only one's own; operators see all.
    ReadSponsor,
    /// What one's own sponsors paid for; operators see all.
    ReadSponsored,
    /// Spend one's own sponsor.
    RequestSponsored,
    /// One's own endpoints, and what was sent to them; without `admin` only one's own.
    ReadWebhook,
    /// Make, change, try, send again.
    ChangeWebhook,
    /// Keys of one's own principal; with `admin` of everybody's.
    ReadApiKey,
    /// Make, change, replace, revoke. Nobody gives what they have not: see `app`.
    ChangeApiKey,
    /// A call of the operator's choosing, from a wallet of the engine.
    RequestTransaction,
    QuoteTransaction,
    /// Any transaction of the engine, with its facts: one by one, and all on the stream.
    ReadTransaction,
    /// Cancel, speed up, replace, queue again.
    ChangeTransaction,
    StoreAbi,
    ReadAbi,
    ReadWallet,
    /// Make, pause, rotate, empty.
    ChangeWallet,
    /// Who pays for which calls, and how much.
    ChangeSponsor,
    /// Who did what that is privileged, and who wanted to.
    ReadAudit,
    /// How the engine gets on, over time.
    ReadMetrics,
    /// Who there is, and which roles they have.
    ReadPrincipal,
    /// Grant roles, and take them back.
    GrantRole,
    /// One's own: what one tells of oneself, one's wallets.
    ReadProfile,
    /// One's own.
    ChangeProfile,
    /// One's own: where one is signed in.
    ReadSession,
    /// One's own.
    EndSession,
}

impl Action {
    pub const ALL: [Action; 33] = [
        Self::UploadContent,
        Self::StoreMetadata,
        Self::RequestMint,
        Self::ReadMint,
        Self::RequestCollection,
        Self::ReadItem,
        Self::ReadCollection,
        Self::ReadPublicFacts,
        Self::ReadMintFacts,
        Self::ReadSponsor,
        Self::ReadSponsored,
        Self::RequestSponsored,
        Self::ReadWebhook,
        Self::ChangeWebhook,
        Self::ReadApiKey,
        Self::ChangeApiKey,
        Self::RequestTransaction,
        Self::QuoteTransaction,
        Self::ReadTransaction,
        Self::ChangeTransaction,
        Self::StoreAbi,
        Self::ReadAbi,
        Self::ReadWallet,
        Self::ChangeWallet,
        Self::ChangeSponsor,
        Self::ReadAudit,
        Self::ReadMetrics,
        Self::ReadPrincipal,
        Self::GrantRole,
        Self::ReadProfile,
        Self::ChangeProfile,
        Self::ReadSession,
        Self::EndSession,
    ];
}

impl Action {
    /// `RequestMint` as `request_mint`: as documents name it.
    #[must_use]
    pub fn name(self) -> String {
        let letters = format!("{self:?}");
        letters.chars().fold(String::new(), |mut name, letter| {
            if letter.is_ascii_uppercase() && !name.is_empty() {
                name.push('_');
            }
            name.push(letter.to_ascii_lowercase());
            name
        })
    }

    /// What it asks of its actor; none: it is denied to everybody.
    #[must_use]
    pub fn rule(self) -> Option<Rule> {
        roles::rule(self)
    }

    /// Does it move value, or decide who may? A key that must sign, must sign these.
    #[must_use]
    pub const fn is_of_value(self) -> bool {
        match self {
            Self::RequestMint
            | Self::RequestCollection
            | Self::RequestSponsored
            | Self::ChangeApiKey
            | Self::ChangeWebhook
            | Self::RequestTransaction
            | Self::ChangeTransaction
            | Self::StoreAbi
            | Self::ChangeWallet
            | Self::GrantRole
            | Self::ChangeSponsor => true,
            Self::UploadContent
            | Self::StoreMetadata
            | Self::ReadMint
            | Self::ReadItem
            | Self::ReadCollection
            | Self::ReadPublicFacts
            | Self::ReadMintFacts
            | Self::ReadSponsor
            | Self::ReadSponsored
            | Self::ReadApiKey
            | Self::ReadWebhook
            | Self::QuoteTransaction
            | Self::ReadTransaction
            | Self::ReadAbi
            | Self::ReadWallet
            | Self::ReadAudit
            | Self::ReadMetrics
            | Self::ReadPrincipal
            | Self::ReadProfile
            | Self::ChangeProfile
            | Self::ReadSession
            | Self::EndSession => false,
        }
    }
}

/// What an action asks of its actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    Anyone,
    /// A user who is signed in: no key is.
    User,
    /// A user, of their own objects; or a key as for [`Rule::OneOf`].
    UserOr(&'static [Scope]),
    /// A key with one of these scopes, or with `admin`; or a user who is an organizer or operator.
    OneOf(&'static [Scope]),
    /// The same keys; no user, whatever their role.
    KeyOf(&'static [Scope]),
    /// The same keys; or a user whom the chain lets mint there, an organizer into a collection of
    /// theirs, an operator.
    Minter(&'static [Scope]),
    /// The same keys; or a user who is an admin.
    OneOfOrAdmin(&'static [Scope]),
    /// The same keys, if they are an operator's: no key of a machine does, not even with `admin`.
    /// Or a user who is an operator.
    Operator(&'static [Scope]),
    /// A key with `admin` of a principal who is one; or a user who is.
    Admin,
}

/// The table. An action that is missing here is denied to everybody.
const POLICY: &[(Action, Rule)] = &[
    (Action::UploadContent, Rule::OneOf(&[Scope::ContentWrite])),
    (Action::StoreMetadata, Rule::OneOf(&[Scope::ContentWrite])),
    (Action::RequestMint, Rule::Minter(&[Scope::MintsWrite])),
    (Action::ReadMint, Rule::UserOr(&[Scope::MintsRead, Scope::MintsWrite])),
    (Action::RequestCollection, Rule::OneOf(&[Scope::CollectionsWrite])),
    (Action::ReadItem, Rule::Anyone),
    (Action::ReadCollection, Rule::Anyone),
    (Action::ReadPublicFacts, Rule::Anyone),
    (Action::ReadMintFacts, Rule::UserOr(&[Scope::MintsRead, Scope::MintsWrite])),
    (Action::ReadSponsor, Rule::OneOf(SPONSORS)),
    (Action::ReadSponsored, Rule::OneOf(SPONSORS)),
    (Action::RequestSponsored, Rule::OneOf(&[Scope::SponsoredWrite])),
    (Action::ReadWebhook, Rule::KeyOf(&[Scope::WebhooksRead, Scope::WebhooksWrite])),
    (Action::ChangeWebhook, Rule::KeyOf(&[Scope::WebhooksWrite])),
    (Action::ReadApiKey, Rule::OneOfOrAdmin(&[Scope::KeysRead, Scope::KeysWrite])),
    (Action::ChangeApiKey, Rule::OneOfOrAdmin(&[Scope::KeysWrite])),
    (Action::RequestTransaction, Rule::Operator(&[Scope::TransactionsWrite])),
    (Action::QuoteTransaction, Rule::Operator(TRANSACTIONS)),
    (Action::ReadTransaction, Rule::Operator(TRANSACTIONS)),
    (Action::ChangeTransaction, Rule::Operator(&[Scope::TransactionsWrite])),
    (Action::StoreAbi, Rule::Operator(&[Scope::TransactionsWrite])),
    (Action::ReadAbi, Rule::Operator(TRANSACTIONS)),
    (Action::ReadWallet, Rule::Operator(&[Scope::TransactionsRead, Scope::WalletsWrite])),
    (Action::ChangeWallet, Rule::Operator(&[Scope::WalletsWrite])),
    (Action::ChangeSponsor, Rule::Operator(&[Scope::SponsorsWrite])),
    (Action::ReadAudit, Rule::Operator(&[Scope::AuditRead])),
    (Action::ReadMetrics, Rule::Operator(TRANSACTIONS)),
    (Action::ReadPrincipal, Rule::Admin),
    (Action::GrantRole, Rule::Admin),
    (Action::ReadProfile, Rule::User),
    (Action::ChangeProfile, Rule::User),
    (Action::ReadSession, Rule::User),
    (Action::EndSession, Rule::User),
];

const SPONSORS: &[Scope] = &[Scope::SponsorsRead, Scope::SponsorsWrite, Scope::SponsoredWrite];

const TRANSACTIONS: &[Scope] = &[Scope::TransactionsRead, Scope::TransactionsWrite];

/// Why an actor may not do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Not without a key, or without being signed in.
    #[error("a key is needed")]
    NeedsKey,
    /// A key can't do it, a user who is signed in can.
    #[error("a signed-in user is needed")]
    NeedsUser,
    /// A user who is signed in may not, with the roles they have; a key may.
    #[error("signed-in users may not do this")]
    NotForUsers,
    /// The key's scopes do not cover it; this one would.
    #[error("the key lacks the scope `{0}`")]
    NeedsScope(Scope),
    /// The key must sign requests of value, and this is one that is not signed.
    #[error("the request must be signed")]
    NeedsSignature,
    /// The chain does not let the user mint there.
    #[error("only who may mint on chain may do this")]
    NeedsMinter,
    /// The principal is no admin.
    #[error("only admins may do this")]
    NeedsAdmin,
    /// The key is a machine's.
    #[error("only operators may do this")]
    NeedsOperator,
}

/// May `actor` do `action`, on an object of their own or on none?
///
/// # Errors
/// [`Denied`] when not, with what is missing.
pub fn authorize(actor: &Actor, action: Action) -> Result<(), Denied> {
    authorize_on(actor, action, Tie::None)
}

/// The same with something that the actor is tied to like that.
///
/// # Errors
/// [`Denied`] when not, with what is missing.
pub fn authorize_on(actor: &Actor, action: Action, tie: Tie) -> Result<(), Denied> {
    let Some(rule) = roles::rule(action) else { return Err(Denied::NeedsScope(Scope::Admin)) };
    let (holder, scopes) = match (rule, actor) {
        (Rule::Anyone, _) => return Ok(()),
        (_, Actor::Anonymous) => return Err(Denied::NeedsKey),
        (rule, Actor::User(user)) => return roles::of_user(rule, user, tie),
        (Rule::User, Actor::Key(_)) => return Err(Denied::NeedsUser),
        (Rule::Admin, Actor::Key(holder)) if !holder.roles.contains(&Role::Admin) => {
            return Err(Denied::NeedsAdmin);
        }
        (Rule::Admin, Actor::Key(holder)) => (holder, &[Scope::Admin][..]),
        (Rule::Operator(_), Actor::Key(holder)) if !holder.is_operator() => {
            return Err(Denied::NeedsOperator);
        }
        (
            Rule::OneOf(scopes)
            | Rule::UserOr(scopes)
            | Rule::Minter(scopes)
            | Rule::KeyOf(scopes)
            | Rule::OneOfOrAdmin(scopes)
            | Rule::Operator(scopes),
            Actor::Key(holder),
        ) => (holder, scopes),
    };
    if !holder.is_admin() && !scopes.iter().any(|scope| holder.scopes.contains(scope)) {
        return Err(Denied::NeedsScope(scopes.first().copied().unwrap_or(Scope::Admin)));
    }
    if holder.unsigned && action.is_of_value() {
        return Err(Denied::NeedsSignature);
    }
    Ok(())
}

impl KeyHolder {
    /// Reaches everybody's objects.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.scopes.contains(&Scope::Admin)
    }
}

impl Actor {
    /// When the engine itself acts in somebody's name, there is no request that could be signed.
    #[must_use]
    pub fn without_request(self) -> Self {
        match self {
            Self::Key(holder) => Self::Key(KeyHolder { unsigned: false, ..holder }),
            other => other,
        }
    }

    /// The user who is signed in.
    ///
    /// # Errors
    /// [`Denied::NeedsKey`] for nobody in particular, [`Denied::NeedsUser`] for keys.
    pub fn user(&self) -> Result<&User, Denied> {
        match self {
            Self::Anonymous => Err(Denied::NeedsKey),
            Self::Key(_) => Err(Denied::NeedsUser),
            Self::User(user) => Ok(user),
        }
    }

    /// Who it is; nobody in particular is nobody.
    #[must_use]
    pub fn principal(&self) -> Option<PrincipalId> {
        match self {
            Self::Anonymous => None,
            Self::Key(holder) => Some(holder.principal),
            Self::User(user) => Some(user.principal),
        }
    }

    /// Whose objects the actor reaches: none means everybody's.
    ///
    /// # Errors
    /// [`Denied::NeedsKey`] for nobody in particular, who reaches no owned object.
    pub fn reach(&self) -> Result<Option<PrincipalId>, Denied> {
        match self {
            Self::Key(holder) if holder.is_admin() => Ok(None),
            Self::User(user) if user.is_one_of(&[]) => Ok(None),
            _ => self.principal().map(Some).ok_or(Denied::NeedsKey),
        }
    }
}

#[cfg(test)]
mod tests;
