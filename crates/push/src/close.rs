//! Why a connection ends.

use axum::extract::ws::{CloseFrame, Utf8Bytes};

/// Why the server ends a connection, with the code that the client sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// 1000: the client said goodbye or is gone.
    Gone,
    /// 1001: the server stops; connect again and resume.
    Shutdown,
    /// 1009: a frame above the size cap (RFC 6455 §7.4.1).
    TooBig,
    /// 1011: a fault of ours; connect again and resume.
    Internal,
    /// 4008: messages waited while the client did not read.
    SlowConsumer,
    /// 4400: a frame that is no JSON of the documented shape.
    BadFrame,
    /// 4401: the credential is wrong or has expired.
    Unauthenticated,
    /// 4408: nothing heard for too long, not even a pong.
    Idle,
    /// 4429: more frames than the rate cap.
    TooMany,
}

impl Close {
    /// The WebSocket close code.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Gone => 1000,
            Self::Shutdown => 1001,
            Self::TooBig => 1009,
            Self::Internal => 1011,
            Self::SlowConsumer => 4008,
            Self::BadFrame => 4400,
            Self::Unauthenticated => 4401,
            Self::Idle => 4408,
            Self::TooMany => 4429,
        }
    }

    /// The stable word sent as the close reason.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Gone => "bye",
            Self::Shutdown => "shutdown",
            Self::TooBig => "too_big",
            Self::Internal => "internal",
            Self::SlowConsumer => "slow_consumer",
            Self::BadFrame => "bad_frame",
            Self::Unauthenticated => "unauthenticated",
            Self::Idle => "idle",
            Self::TooMany => "too_many_frames",
        }
    }

    pub(crate) fn frame(self) -> CloseFrame {
        CloseFrame { code: self.code(), reason: Utf8Bytes::from_static(self.reason()) }
    }
}
