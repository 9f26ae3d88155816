use std::time::Duration;

/// How a call to an endpoint ended without a result. For a call that changes something, all but
/// [`RpcError::Refused`] leave open whether it took effect.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RpcError {
    /// The node answered with a JSON-RPC error object.
    #[error("the node refused ({code}): {message}")]
    Refused {
        code: i64,
        message: String,
        /// For a reverted call: the revert data, hex, when the node gives it.
        data: Option<String>,
    },
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    #[error("the endpoint could not be reached: {0}")]
    Unreachable(String),
    /// It answered something that is no JSON-RPC answer to our call, or too much of it.
    #[error("the endpoint answered nonsense: {0}")]
    Malformed(String),
}

impl RpcError {
    /// Did the node itself say no? Anything else is an unknown outcome.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }
}
