//! Why an endpoint was not made or changed, or not asked.

use crate::{Class, Fault};

/// The request is understood and refused. Nothing was changed.
#[derive(Debug)]
pub enum WebhookRefusal {
    /// No such endpoint, or not the caller's.
    Unknown,
    /// No such delivery to this endpoint.
    DeliveryUnknown,
    Invalid(Vec<Fault>),
    TooMany {
        limit: u32,
    },
    /// What was asked does not go with the endpoint's state.
    State {
        detail: &'static str,
    },
    /// Too many endpoints are being tried.
    Busy,
}

impl WebhookRefusal {
    pub(crate) const fn class(&self) -> Class {
        match self {
            Self::Unknown | Self::DeliveryUnknown => Class::NotFound,
            Self::TooMany { .. } | Self::State { .. } => Class::Conflict,
            Self::Busy => Class::Busy,
            Self::Invalid(_) => Class::Invalid,
        }
    }
}
