//! What the edge decides for us: who may see what, and what a snapshot shows.

use crate::Filter;
use axum::http::HeaderMap;
use futures_util::future::BoxFuture;
use journal::Fact;
use serde_json::Value;
use std::{net::IpAddr, time::Duration};

/// What a connection may subscribe to.
#[derive(Clone, Debug, Default)]
pub struct Grant {
    /// Opaque; told to the client and never interpreted. None for an anonymous connection.
    pub principal: Option<String>,
    pub topics: Vec<TopicGrant>,
    /// After this the connection is closed with 4401. None: for as long as it lasts.
    pub valid_for: Option<Duration>,
}

/// Leave to follow one topic.
#[derive(Clone, Debug)]
pub struct TopicGrant {
    pub topic: &'static str,
    /// Attribute names that a filter may use.
    pub attributes: &'static [&'static str],
    /// Added to each filter: what limits a private topic to its owner.
    pub mandatory: Filter,
}

/// Why no grant was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("the credential is not valid")]
    Unauthenticated,
    /// It could not be looked up just now.
    #[error("credentials cannot be checked at the moment")]
    Unavailable,
}

/// A browser shows a cookie, and the page that has it do so is none of ours. Browsers let any page
/// open a WebSocket and read what comes, so nothing else stands between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrossOrigin;

/// Where a request comes from, as an extension of it. The edge says so; without, it is not known.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub IpAddr);

/// The policy of the stream, given by the edge.
pub trait Authorize: Send + Sync + 'static {
    /// What anyone may follow.
    fn anonymous(&self) -> Grant;

    /// What the holder of `credential` (the `key` of an auth frame, what followed `Bearer` in the
    /// Authorization header, or that of a cookie) may follow, public topics included. `from`: see
    /// [`ClientAddress`].
    fn authenticate<'a>(
        &'a self,
        credential: &'a str,
        from: Option<IpAddr>,
    ) -> BoxFuture<'a, Result<Grant, Denied>>;

    /// The credential in a cookie, for a request that has none in its header.
    ///
    /// # Errors
    /// [`CrossOrigin`]
    fn cookie<'h>(&self, _headers: &'h HeaderMap) -> Result<Option<&'h str>, CrossOrigin> {
        Ok(None)
    }

    /// Every topic that some grant may hold: tells `unauthenticated` from `unknown_topic`.
    fn knows(&self, topic: &str) -> bool;
}

/// The state could not be read just now.
#[derive(Debug, thiserror::Error)]
#[error("the state cannot be read at the moment")]
pub struct SnapshotError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// The state behind a topic, and the number that it stands at.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    pub epoch: i64,
    /// All facts up to this number are in the state; those above follow as deltas.
    pub seq: i64,
    pub state: Value,
}

/// What a subscription sees first.
pub trait Snapshots: Send + Sync + 'static {
    /// Read number and state in one view of the primary, so that no fact falls between them.
    /// `filter` already holds the mandatory part. The size of the state is bounded by the
    /// implementor.
    fn snapshot<'a>(
        &'a self,
        topic: &'a str,
        filter: &'a Filter,
    ) -> BoxFuture<'a, Result<Snapshot, SnapshotError>>;

    /// The log has these new facts, and nobody has been told of them yet; none: it began anew.
    /// Whoever keeps what was read before may forget it here. Must not wait.
    fn heard(&self, _facts: &[Fact]) {}
}
