//! A client for the API of Stoa.
//!
//! Every operation of the API is a method of [`Stoa`], made of the API's own document; what it
//! takes and gives are the types of [`types`]. A [`Call`] is sent when it is awaited:
//! authenticated, with an `Idempotency-Key` where the operation is done once for each, and sent
//! again where that is safe ([`Retries`]). Lists come row by row ([`Call::rows`]); the stream over
//! as many connections as it takes ([`Stoa::follow`]); [`verify_webhook`] reads what a webhook
//! brings.
//!
//! It knows the API, and nothing of what is behind it.

mod call;
mod error;
#[rustfmt::skip]
mod operations;
mod retries;
mod rows;
mod server;
mod stream;
mod webhook;

pub use api_types as types;
pub use call::Call;
pub use error::{Error, Problem};
pub use retries::Retries;
pub use rows::{Page, Rows};
pub use server::{Key, Stoa};
pub use stream::{Following, Kind, Message, Place, Topic};
pub use webhook::{Delivered, WebhookRefused, verify_webhook};
