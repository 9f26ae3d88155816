//! Why a key was not made, shown or changed.

use crate::Class;
use abi::Fault;

/// The request is understood and refused. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiKeyRefusal {
    /// No such key, or not the caller's to see.
    Unknown,
    /// It can't be like that, with pointers into the body.
    Invalid(Vec<Fault>),
    /// It can do more than its maker, or than who wants to change it; with what.
    Exceeds(String),
    /// It has ended for good.
    Revoked,
}

impl ApiKeyRefusal {
    pub(crate) const fn class(&self) -> Class {
        match self {
            Self::Unknown => Class::NotFound,
            Self::Invalid(_) => Class::Invalid,
            Self::Exceeds(_) => Class::Denied,
            Self::Revoked => Class::Conflict,
        }
    }
}
