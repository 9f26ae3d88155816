#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panic"))]

mod calldata;
mod client;
mod desk;
mod error;
mod frame;
mod keys;
mod policy;
mod process;
mod safe;
mod server;
mod store;
mod tls;
mod tx;
mod wire;

pub use client::{Client, ClientError};
pub use desk::Clock;
pub use error::ServeError;
pub use frame::REQUEST_BYTES_MAX;
pub use keys::ensure_password_file;
pub use policy::PolicyError;
pub use safe::{HeldKey, KeyState, Safe};
pub use server::{Config, serve};
pub use tls::{TlsConfig, TlsTarget};
pub use tx::call_digest;
pub use wire::{
    DATA_BYTES_MAX, Fee, Health, INTENTS_MAX, KeyInfo, Refusal, SignOutcome, SignedNonce, SignedTx,
    SignedVariant, TxIntent, TxKind,
};
