#![doc = include_str!("../README.md")]

mod client;
mod frame;
mod tx;
mod wire;

pub use client::{Client, ClientError};
pub use frame::REQUEST_BYTES_MAX;
pub use tx::call_digest;
pub use wire::{
    DATA_BYTES_MAX, Fee, Health, INTENTS_MAX, KeyInfo, Refusal, SignOutcome, SignedNonce, SignedTx,
    SignedVariant, TxIntent, TxKind,
};
