//! Where a connection's messages go: a WebSocket, or a stream of events.

use crate::Close;

/// One message, and how to go on after it.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub text: String,
    /// Where all subscriptions of the connection stand once it has arrived; none when it changes
    /// nothing of that, or nobody asks.
    pub places: Option<String>,
}

/// The way out of one connection.
pub(crate) trait Outlet: Send {
    /// Must each message say how to go on after it?
    const NAMES_PLACES: bool = false;

    /// Hand over messages and wait until they are out, so that there are never more in flight.
    ///
    /// # Errors
    /// [`Close::Gone`]; [`Close::SlowConsumer`] when they were not taken in time.
    fn send(&mut self, messages: Vec<Outgoing>) -> impl Future<Output = Result<(), Close>> + Send;

    /// A heartbeat, and whatever else shows that both sides live.
    fn beat(&mut self, message: Outgoing) -> impl Future<Output = Result<(), Close>> + Send;
}
