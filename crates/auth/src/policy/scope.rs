//! What keys may be for.

use std::{fmt, str::FromStr};

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
    AuditRead,
    /// Everything, on everybody's objects.
    Admin,
}

impl Scope {
    pub const ALL: [Scope; 16] = [
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
        Self::AuditRead,
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
            Self::AuditRead => "audit:read",
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
