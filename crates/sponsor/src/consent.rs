//! How a user's consent reaches the chain.
//!
//! This is the seam for later senders: each way has its own request, its own check of the signature
//! and its own call that carries it, while rules, budgets and the transaction queue stay as they
//! are. A new way is a variant here, and an arm where the compiler asks for one.

use std::str::FromStr;

/// What a user signs so that somebody else can pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// ERC-2771: a request that a trusted forwarder executes.
    ForwardRequest,
    /// ERC-4337: an operation of a smart account, for an entry point.
    UserOperation,
    /// EIP-7702: an account that delegates to code, and a call that it signed.
    DelegatedCall,
}

impl Consent {
    pub const ALL: [Self; 3] = [Self::ForwardRequest, Self::UserOperation, Self::DelegatedCall];

    /// As written on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ForwardRequest => "forward_request",
            Self::UserOperation => "user_operation",
            Self::DelegatedCall => "delegated_call",
        }
    }

    /// Can it be sent yet?
    #[must_use]
    pub const fn is_served(self) -> bool {
        match self {
            Self::ForwardRequest => true,
            Self::UserOperation | Self::DelegatedCall => false,
        }
    }
}

impl FromStr for Consent {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|consent| consent.as_str() == text).ok_or(())
    }
}
