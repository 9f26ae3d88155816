#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panic"))]

mod approval;
mod bounds;
mod calldata;
mod client;
mod desk;
mod eip712;
mod error;
mod frame;
mod journal;
mod keys;
mod metrics;
mod policy;
mod process;
mod refusal;
mod safe;
mod server;
mod shape;
mod store;
mod tls;
mod tx;
mod wire;

pub use approval::{Approval, approve, message_act, transaction_act};
pub use client::{Client, ClientError};
pub use desk::Clock;
pub use error::ServeError;
pub use frame::REQUEST_BYTES_MAX;
pub use keys::ensure_password_file;
pub use policy::{Act, Explanation, PolicyError, encode_call, explain, policy_digest};
pub use refusal::{ApprovedBy, Refusal};
pub use safe::{HeldKey, KeyState, Safe};
pub use server::{Config, serve};
pub use tls::{TlsConfig, TlsTarget};
pub use tx::call_digest;
pub use wire::{
    APPROVALS_MAX, DATA_BYTES_MAX, Fee, Health, INTENTS_MAX, KeyInfo, SignOutcome, SignedNonce,
    SignedTx, SignedTyped, SignedVariant, TxIntent, TxKind, TypedDomain, TypedIntent, TypedOutcome,
};
