//! Live delivery of the numbered fact log, over WebSocket and as server-sent events.
//!
//! One [`Feed`] per process follows the log into a bounded ring per topic, in the database or,
//! where nodes share a Redis, as one of them reads it there ([`Fanout`]). Each connection *pulls*
//! from its own positions, so a slow client costs its positions and one message in flight, never a
//! growing queue; a client behind the ring is served from the database, window by window.
//!
//! # Wire
//! Client frames (text, at most 4 KiB):
//! ```json
//! {"op":"auth","key":"…"}
//! {"op":"subscribe","id":"a","topic":"mints","filter":{"mint_id":"…"},"from_seq":123,"epoch":1}
//! {"op":"unsubscribe","id":"a"}
//! {"op":"ping","id":"7"}
//! ```
//! `from_seq` is the last `seq` the client has; what follows it is sent. Without it the first
//! message is a snapshot. Answers: `authenticated`, `subscribed`, `unsubscribed`, `pong`, `error`.
//!
//! Messages, in one envelope:
//! ```json
//! {"topic":"mints","subscription":"a","epoch":1,"seq":130,"prev_seq":127,"type":"delta",
//!  "block":null,"data":{"kind":"mint_status_changed","at":"…","attributes":{},"status":"final"}}
//! ```
//! `type` is `snapshot`, `delta`, `reorg` (the fact takes an earlier one back) or `heartbeat`.
//! `prev_seq` is the `seq` sent before on that subscription: another value than the one last seen
//! means that the client lost a message and must resume. A snapshot has `prev_seq` 0. Its state
//! holds all facts up to its `seq`, and may hold one that is committed but not numbered yet, which
//! then follows as well: deltas carry absolute state, so repeating one is harmless.
//! A heartbeat belongs to the connection: `topic`, `subscription`, `epoch`, `seq` and `prev_seq`
//! are null, and its data names the heads of all topics and how far each subscription has looked
//! (a valid `from_seq`, even when no fact matched).
//!
//! Close codes: see [`Close`]. Events carry the same messages; see `events`.

mod close;
mod connection;
mod entry;
mod events;
mod fanout;
mod feed;
mod filter;
mod frame;
mod hub;
mod outlet;
mod places;
mod policy;
mod ring;
mod route;
mod socket;
mod subscription;

pub use close::Close;
pub use events::BadEvents;
pub use fanout::{Fanout, FanoutError};
pub use feed::Feed;
pub use filter::Filter;
pub use hub::{Hub, HubOptions};
pub use journal::Fact;
pub use policy::{
    Authorize, ClientAddress, CrossOrigin, Denied, Grant, Snapshot, SnapshotError, Snapshots,
    TopicGrant,
};
pub use route::{NotOpened, router};
