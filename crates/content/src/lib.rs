//! User content: what it is called, where it lies and what it may be.
//!
//! ```text
//! bytes ──► Upload (hash + temp file) ──seal──► Sealed ──Inspector::examine──► commit ──► BlockStore
//!                                                                                            │
//!                                                     GET /ipfs/{cid} ◄── serve::serve ◄─────┘
//! ```
//!
//! - [`cid`]: names of content: CIDv1, SHA-256 only.
//! - [`unixfs`]: from a stream of bytes to its CID, profile `unixfs-v1-2025` (IPIP-499).
//! - [`store`]: files on disk under their CIDs; durable before they are announced.
//! - [`media`]: which pictures are accepted, and their previews, in bounded memory.
//! - [`serve`]: how content is answered over HTTP, safe for bytes that users chose.
//!
//! Invariants: a file under a CID has that CID; no name of a file comes from a user; nothing here
//! holds a whole upload in memory.
//!
//! The seam for pinning back ends is [`store::BlockStore`]: a back end runs after `commit`, as a
//! job which reads [`store::BlockStore::open`] and compares the CID its target answers with ours.

pub mod cid;
pub mod media;
pub mod serve;
pub mod store;
pub mod unixfs;

pub use cid::{Cid, CidError, Codec};
pub use store::{BlockStore, ContentFile, StoreError, Stored, Upload};
