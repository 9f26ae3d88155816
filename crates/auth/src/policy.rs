//! The policy: one table of actions, each with the rule that lets an actor do it. What the table
//! does not allow is denied.

use std::{fmt, str::FromStr};
use time::OffsetDateTime;
use uuid::Uuid;
use vocab::{Address, ChainId, PrincipalId};

/// What a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    ContentWrite,
    MintsRead,
    MintsWrite,
    CollectionsWrite,
    TransactionsRead,
    TransactionsWrite,
    WalletsWrite,
    SponsorsRead,
    SponsorsWrite,
    SponsoredWrite,
    WebhooksRead,
    WebhooksWrite,
    KeysRead,
    KeysWrite,
    /// Everything, on everybody's objects.
    Admin,
}

impl Scope {
    pub const ALL: [Scope; 15] = [
        Self::ContentWrite,
        Self::MintsRead,
        Self::MintsWrite,
        Self::CollectionsWrite,
        Self::TransactionsRead,
        Self::TransactionsWrite,
        Self::WalletsWrite,
        Self::SponsorsRead,
        Self::SponsorsWrite,
        Self::SponsoredWrite,
        Self::WebhooksRead,
        Self::WebhooksWrite,
        Self::KeysRead,
        Self::KeysWrite,
        Self::Admin,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ContentWrite => "content:write",
            Self::MintsRead => "mints:read",
            Self::MintsWrite => "mints:write",
            Self::CollectionsWrite => "collections:write",
            Self::TransactionsRead => "transactions:read",
            Self::TransactionsWrite => "transactions:write",
            Self::WalletsWrite => "wallets:write",
            Self::SponsorsRead => "sponsors:read",
            Self::SponsorsWrite => "sponsors:write",
            Self::SponsoredWrite => "sponsored:write",
            Self::WebhooksRead => "webhooks:read",
            Self::WebhooksWrite => "webhooks:write",
            Self::KeysRead => "keys:read",
            Self::KeysWrite => "keys:write",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or(())
    }
}

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
    /// When the key ends, if it does.
    pub until: Option<OffsetDateTime>,
    /// It must sign requests of value, and has not signed this one.
    pub unsigned: bool,
}

/// Somebody who signed in with a wallet and shows a valid access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub principal: PrincipalId,
    pub session: Uuid,
    /// What was signed in with, and for which chain.
    pub address: Address,
    pub chain_id: ChainId,
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
    /// One's own: where one is signed in.
    ReadSession,
    /// One's own.
    EndSession,
}

impl Action {
    pub const ALL: [Action; 27] = [
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
        Self::ReadSession,
        Self::EndSession,
    ];
}

impl Action {
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
    /// A key with one of these scopes, or with `admin`.
    OneOf(&'static [Scope]),
    /// The same, and the key is an operator's: no key of a machine does, not even with `admin`.
    Operator(&'static [Scope]),
}

/// The table. An action that is missing here is denied to everybody.
const POLICY: &[(Action, Rule)] = &[
    (Action::UploadContent, Rule::OneOf(&[Scope::ContentWrite])),
    (Action::StoreMetadata, Rule::OneOf(&[Scope::ContentWrite])),
    (Action::RequestMint, Rule::OneOf(&[Scope::MintsWrite])),
    (Action::ReadMint, Rule::UserOr(&[Scope::MintsRead, Scope::MintsWrite])),
    (Action::RequestCollection, Rule::OneOf(&[Scope::CollectionsWrite])),
    (Action::ReadItem, Rule::Anyone),
    (Action::ReadCollection, Rule::Anyone),
    (Action::ReadPublicFacts, Rule::Anyone),
    (Action::ReadMintFacts, Rule::UserOr(&[Scope::MintsRead, Scope::MintsWrite])),
    (Action::ReadSponsor, Rule::OneOf(SPONSORS)),
    (Action::ReadSponsored, Rule::OneOf(SPONSORS)),
    (Action::RequestSponsored, Rule::OneOf(&[Scope::SponsoredWrite])),
    (Action::ReadWebhook, Rule::OneOf(&[Scope::WebhooksRead, Scope::WebhooksWrite])),
    (Action::ChangeWebhook, Rule::OneOf(&[Scope::WebhooksWrite])),
    (Action::ReadApiKey, Rule::OneOf(&[Scope::KeysRead, Scope::KeysWrite])),
    (Action::ChangeApiKey, Rule::OneOf(&[Scope::KeysWrite])),
    (Action::RequestTransaction, Rule::Operator(&[Scope::TransactionsWrite])),
    (Action::QuoteTransaction, Rule::Operator(TRANSACTIONS)),
    (Action::ReadTransaction, Rule::Operator(TRANSACTIONS)),
    (Action::ChangeTransaction, Rule::Operator(&[Scope::TransactionsWrite])),
    (Action::StoreAbi, Rule::Operator(&[Scope::TransactionsWrite])),
    (Action::ReadAbi, Rule::Operator(TRANSACTIONS)),
    (Action::ReadWallet, Rule::Operator(&[Scope::TransactionsRead, Scope::WalletsWrite])),
    (Action::ChangeWallet, Rule::Operator(&[Scope::WalletsWrite])),
    (Action::ChangeSponsor, Rule::Operator(&[Scope::SponsorsWrite])),
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
    /// A user who is signed in may not; a key may.
    #[error("signed-in users may not do this")]
    NotForUsers,
    /// The key's scopes do not cover it; this one would.
    #[error("the key lacks the scope `{0}`")]
    NeedsScope(Scope),
    /// The key must sign requests of value, and this is one that is not signed.
    #[error("the request must be signed")]
    NeedsSignature,
    /// The key is a machine's.
    #[error("only operators may do this")]
    NeedsOperator,
}

/// May `actor` do `action`, on an object of their own or on none?
///
/// # Errors
/// [`Denied`] when not, with what is missing.
pub fn authorize(actor: &Actor, action: Action) -> Result<(), Denied> {
    let rule = POLICY.iter().find(|(listed, _)| *listed == action).map(|(_, rule)| *rule);
    let holder = match (rule, actor) {
        (Some(Rule::Anyone), _) => return Ok(()),
        (_, Actor::Anonymous) => return Err(Denied::NeedsKey),
        (Some(Rule::User | Rule::UserOr(_)), Actor::User(_)) => return Ok(()),
        (_, Actor::User(_)) => return Err(Denied::NotForUsers),
        (_, Actor::Key(holder)) => holder,
    };
    match rule {
        Some(Rule::User) => Err(Denied::NeedsUser),
        Some(Rule::Operator(_)) if holder.kind != PrincipalKind::Operator => {
            Err(Denied::NeedsOperator)
        }
        Some(Rule::OneOf(scopes) | Rule::UserOr(scopes) | Rule::Operator(scopes)) => {
            if holder.is_admin() || scopes.iter().any(|scope| holder.scopes.contains(scope)) {
                if holder.unsigned && action.is_of_value() {
                    return Err(Denied::NeedsSignature);
                }
                Ok(())
            } else {
                Err(Denied::NeedsScope(scopes.first().copied().unwrap_or(Scope::Admin)))
            }
        }
        Some(Rule::Anyone) | None => Err(Denied::NeedsScope(Scope::Admin)),
    }
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

    /// The key that answers for what this actor makes.
    ///
    /// # Errors
    /// [`Denied::NeedsKey`] for nobody in particular, [`Denied::NotForUsers`] for users.
    pub fn holder(&self) -> Result<&KeyHolder, Denied> {
        match self {
            Self::Anonymous => Err(Denied::NeedsKey),
            Self::Key(holder) => Ok(holder),
            Self::User(_) => Err(Denied::NotForUsers),
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
            _ => self.principal().map(Some).ok_or(Denied::NeedsKey),
        }
    }
}

#[cfg(test)]
mod tests;
