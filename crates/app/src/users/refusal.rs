//! Why something of a user was not changed.

use crate::Class;
use abi::Fault;

/// The request is understood and refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserRefusal {
    Invalid(Vec<Fault>),
    /// No mail is sent here.
    EmailAbsent,
    /// Too many letters were asked for.
    TooManyMails {
        /// Seconds.
        retry_after: u32,
    },
    /// Wrong, expired, used, or tried too often: which is not told.
    CodeInvalid,
}

impl UserRefusal {
    #[must_use]
    pub(crate) fn class(&self) -> Class {
        match self {
            Self::Invalid(_) | Self::CodeInvalid => Class::Invalid,
            Self::EmailAbsent => Class::NotFound,
            Self::TooManyMails { .. } => Class::Busy,
        }
    }
}
