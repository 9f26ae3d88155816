//! Why a sponsor was not made or changed, or a request was not taken.

use crate::{Class, Failure, Fault};
use sponsor::{Over, SignatureFault};

/// The request is understood and refused. Nothing was changed.
#[derive(Debug)]
pub enum SponsorRefusal {
    /// No such sponsor, or not the caller's.
    Unknown,
    /// No such sponsored transaction, or not the caller's.
    TransactionUnknown,
    /// Its name is taken on its chain.
    Exists,
    Invalid(Vec<Fault>),
    Paused,
    /// This way of consenting, or this chain, is not served.
    NotSupported(&'static str),
    /// The forwarder named is not ours.
    ForwarderUnknown,
    /// The request can't be like that, with pointers into the body.
    Request(Vec<Fault>),
    Signature(SignatureFault),
    /// It was signed, but by somebody else, or something else was signed.
    Signer,
    /// The sponsor does not pay for this.
    NotAllowed(Fault),
    /// The forwarder takes another nonce next.
    Nonce {
        expected: u64,
    },
    /// This very request was accepted before.
    Seen,
    /// The target does not trust the forwarder.
    Untrusting,
    /// The call fails at the head.
    Fails(Box<Failure>),
    Budget(Over),
}

impl SponsorRefusal {
    pub(crate) const fn class(&self) -> Class {
        match self {
            Self::Unknown | Self::TransactionUnknown => Class::NotFound,
            Self::Exists | Self::Paused | Self::Nonce { .. } | Self::Seen | Self::Budget(_) => {
                Class::Conflict
            }
            _ => Class::Invalid,
        }
    }
}
