//! Frames from and answers to a client.

use crate::Filter;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Never shown by Debug.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Credential(pub String);

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(…)")
    }
}

#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ClientFrame {
    Auth {
        key: Credential,
    },
    Subscribe(Subscribe),
    Unsubscribe {
        id: String,
    },
    Ping {
        #[serde(default)]
        id: Option<String>,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Subscribe {
    pub id: String,
    pub topic: String,
    #[serde(default)]
    pub filter: Filter,
    pub from_seq: Option<i64>,
    pub epoch: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum Answer<'a> {
    Authenticated { principal: Option<&'a str> },
    Subscribed { id: &'a str, topic: &'a str, epoch: i64, seq: i64, filter: &'a Filter },
    Unsubscribed { id: &'a str },
    Pong { id: Option<&'a str> },
    Error { id: Option<&'a str>, code: Refusal, detail: &'static str },
}

/// Why a frame was refused; the connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Refusal {
    UnknownTopic,
    Unauthenticated,
    FilterNotAllowed,
    Denied,
    DuplicateId,
    UnknownId,
    InvalidId,
    TooManySubscriptions,
    /// The place asked for is of another epoch or does not exist; a snapshot follows.
    ResumeImpossible,
    AlreadyAuthenticated,
    Unavailable,
}

impl Refusal {
    pub fn detail(self) -> &'static str {
        match self {
            Self::UnknownTopic => "there is no such topic",
            Self::Unauthenticated => "this topic needs an auth frame first",
            Self::FilterNotAllowed => "the filter names an attribute that this topic has not",
            Self::Denied => "the filter asks for what belongs to another principal",
            Self::DuplicateId => "a subscription of this id is open",
            Self::UnknownId => "no subscription of this id is open",
            Self::InvalidId => "an id has 1 to 64 characters",
            Self::TooManySubscriptions => "too many subscriptions on this connection",
            Self::ResumeImpossible => "this place is not in the log; a snapshot follows",
            Self::AlreadyAuthenticated => "this connection has a principal",
            Self::Unavailable => "try again in a moment",
        }
    }
}
