//! Minting: what an item is made of. Pure rules; no I/O.
//!
//! - [`job`]: how mint jobs become batches, and what ends them.
//! - [`metadata`]: which ERC-721 metadata is accepted, and the bytes that stand for it.
//! - [`content`]: how a collection refers to an item's content on chain.

pub mod content;
pub mod job;
pub mod metadata;
