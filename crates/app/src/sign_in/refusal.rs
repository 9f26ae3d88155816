//! Why somebody was not signed in.

use crate::Class;
use auth::MessageFault;

/// The request is understood and refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignInRefusal {
    /// Nobody signs in from there.
    OriginUnknown,
    /// Too many challenges at once, of this client, for this address, or of all.
    TooManyChallenges {
        /// Seconds after which some have expired.
        retry_after: u32,
    },
    /// No EIP-4361 message, or not in its one form.
    MessageMalformed(String),
    /// Its fields are not those that were asked for.
    MessageUnfit(Vec<MessageFault>),
    /// Never given, or expired long ago.
    ChallengeUnknown,
    /// A session was opened with it.
    ChallengeSpent,
    /// Not the address's, with the reason.
    SignatureInvalid(&'static str),
    /// No two endpoints told whether the contract accepts it; nothing is decided.
    SignatureUnchecked,
    RefreshTokenInvalid,
    /// It was used before: its session has ended.
    RefreshTokenReused,
    SessionUnknown,
    /// No provider of identities is configured.
    ProviderAbsent,
    /// Where the browser is to go afterwards, with what it must be.
    ReturnPath(&'static str),
    /// Not asked for by this browser, or too long ago.
    StateInvalid,
    /// A session was opened with it.
    StateSpent,
    /// The user, or the provider, said no there; with the provider's code.
    ProviderDenied(String),
    ProviderCodeRefused,
    /// The provider's token is not taken, with the reason.
    ProviderTokenRefused(&'static str),
    /// Nothing is known, with the reason.
    ProviderUnavailable(&'static str),
    /// The provider knows them, and no role is theirs here.
    NotStaff,
    /// It signs somebody else in.
    WalletTaken,
    WalletLimit {
        limit: i64,
    },
    /// None of the caller's.
    WalletUnlinked,
    /// Nothing else signs them in.
    LastSignIn,
}

impl SignInRefusal {
    #[must_use]
    pub(crate) fn class(&self) -> Class {
        match self {
            Self::OriginUnknown
            | Self::RefreshTokenInvalid
            | Self::RefreshTokenReused
            | Self::ProviderDenied(_)
            | Self::NotStaff => Class::Denied,
            Self::TooManyChallenges { .. } | Self::SignatureUnchecked => Class::Busy,
            Self::MessageMalformed(_)
            | Self::MessageUnfit(_)
            | Self::SignatureInvalid(_)
            | Self::ReturnPath(_)
            | Self::StateInvalid
            | Self::ProviderCodeRefused
            | Self::ProviderTokenRefused(_) => Class::Invalid,
            Self::ChallengeUnknown
            | Self::SessionUnknown
            | Self::ProviderAbsent
            | Self::WalletUnlinked => Class::NotFound,
            Self::ChallengeSpent
            | Self::StateSpent
            | Self::WalletTaken
            | Self::WalletLimit { .. }
            | Self::LastSignIn => Class::Conflict,
            Self::ProviderUnavailable(_) => Class::External,
        }
    }
}
