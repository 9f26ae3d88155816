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
}

impl SignInRefusal {
    #[must_use]
    pub(crate) fn class(&self) -> Class {
        match self {
            Self::OriginUnknown | Self::RefreshTokenInvalid | Self::RefreshTokenReused => {
                Class::Denied
            }
            Self::TooManyChallenges { .. } | Self::SignatureUnchecked => Class::Busy,
            Self::MessageMalformed(_) | Self::MessageUnfit(_) | Self::SignatureInvalid(_) => {
                Class::Invalid
            }
            Self::ChallengeUnknown | Self::SessionUnknown => Class::NotFound,
            Self::ChallengeSpent => Class::Conflict,
        }
    }
}
