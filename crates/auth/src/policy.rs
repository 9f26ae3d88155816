//! The policy: one table of actions, each with the rule that lets an actor do it. What the table
//! does not allow is denied.

use std::{fmt, str::FromStr};
use vocab::PrincipalId;

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
    /// Everything, on everybody's objects.
    Admin,
}

impl Scope {
    pub const ALL: [Scope; 11] = [
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
}

/// Who is calling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Nobody in particular.
    Anonymous,
    Key(KeyHolder),
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
    /// Facts of the engine's transactions, all of them.
    ReadTransactionFacts,
    /// A call of the operator's choosing, from a wallet of the engine.
    RequestTransaction,
    QuoteTransaction,
    /// Any transaction of the engine, with its facts.
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
}

impl Action {
    pub const ALL: [Action; 22] = [
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
        Self::ReadTransactionFacts,
        Self::RequestTransaction,
        Self::QuoteTransaction,
        Self::ReadTransaction,
        Self::ChangeTransaction,
        Self::StoreAbi,
        Self::ReadAbi,
        Self::ReadWallet,
        Self::ChangeWallet,
        Self::ChangeSponsor,
    ];
}

/// What an action asks of its actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    Anyone,
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
    (Action::ReadMint, Rule::OneOf(&[Scope::MintsRead, Scope::MintsWrite])),
    (Action::RequestCollection, Rule::OneOf(&[Scope::CollectionsWrite])),
    (Action::ReadItem, Rule::Anyone),
    (Action::ReadCollection, Rule::Anyone),
    (Action::ReadPublicFacts, Rule::Anyone),
    (Action::ReadMintFacts, Rule::OneOf(&[Scope::MintsRead, Scope::MintsWrite])),
    (Action::ReadSponsor, Rule::OneOf(SPONSORS)),
    (Action::ReadSponsored, Rule::OneOf(SPONSORS)),
    (Action::RequestSponsored, Rule::OneOf(&[Scope::SponsoredWrite])),
    (Action::ReadTransactionFacts, Rule::OneOf(&[])),
    (Action::RequestTransaction, Rule::Operator(&[Scope::TransactionsWrite])),
    (Action::QuoteTransaction, Rule::Operator(TRANSACTIONS)),
    (Action::ReadTransaction, Rule::Operator(TRANSACTIONS)),
    (Action::ChangeTransaction, Rule::Operator(&[Scope::TransactionsWrite])),
    (Action::StoreAbi, Rule::Operator(&[Scope::TransactionsWrite])),
    (Action::ReadAbi, Rule::Operator(TRANSACTIONS)),
    (Action::ReadWallet, Rule::Operator(&[Scope::TransactionsRead, Scope::WalletsWrite])),
    (Action::ChangeWallet, Rule::Operator(&[Scope::WalletsWrite])),
    (Action::ChangeSponsor, Rule::Operator(&[Scope::SponsorsWrite])),
];

const SPONSORS: &[Scope] = &[Scope::SponsorsRead, Scope::SponsorsWrite, Scope::SponsoredWrite];

const TRANSACTIONS: &[Scope] = &[Scope::TransactionsRead, Scope::TransactionsWrite];

/// Why an actor may not do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Not without a key.
    #[error("a key is needed")]
    NeedsKey,
    /// The key's scopes do not cover it; this one would.
    #[error("the key lacks the scope `{0}`")]
    NeedsScope(Scope),
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
    match (rule, actor) {
        (Some(Rule::Anyone), _) => Ok(()),
        (_, Actor::Anonymous) => Err(Denied::NeedsKey),
        (Some(Rule::Operator(_)), Actor::Key(holder)) if holder.kind != PrincipalKind::Operator => {
            Err(Denied::NeedsOperator)
        }
        (Some(Rule::OneOf(scopes) | Rule::Operator(scopes)), Actor::Key(holder)) => {
            if holder.is_admin() || scopes.iter().any(|scope| holder.scopes.contains(scope)) {
                Ok(())
            } else {
                Err(Denied::NeedsScope(scopes.first().copied().unwrap_or(Scope::Admin)))
            }
        }
        (None, Actor::Key(_)) => Err(Denied::NeedsScope(Scope::Admin)),
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
    /// Who answers for what this actor makes.
    ///
    /// # Errors
    /// [`Denied::NeedsKey`] for nobody in particular.
    pub fn holder(&self) -> Result<&KeyHolder, Denied> {
        match self {
            Self::Anonymous => Err(Denied::NeedsKey),
            Self::Key(holder) => Ok(holder),
        }
    }

    /// Whose objects the actor reaches: none means everybody's.
    ///
    /// # Errors
    /// [`Denied::NeedsKey`] for nobody in particular, who reaches no owned object.
    pub fn reach(&self) -> Result<Option<PrincipalId>, Denied> {
        let holder = self.holder()?;
        Ok((!holder.is_admin()).then_some(holder.principal))
    }
}

#[cfg(test)]
mod tests;
