//! The body of a form, dealt out so that the parser holds little of it.
//!
//! The parser keeps what it can't yet make sense of, up to the size of the whole body: a part whose
//! headers never end would be held in memory in full. And at each look it takes all that is there.
//! So bytes outside of the file are counted and bounded, and each look gets one piece.

use axum::body::{Body, BodyDataStream, Bytes};
use futures_util::{Stream, StreamExt};
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

/// Bytes of a form that are not the file's; a first piece of the file may be among them before it
/// is known to be one.
const OUTSIDE_MAX: usize = 128 * 1024;

/// What is being read, and how much there was of the rest. Clones share.
#[derive(Clone, Debug, Default)]
pub(super) struct Meter(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    in_file: AtomicBool,
    outside: AtomicUsize,
}

impl Meter {
    /// From here on the bytes are the file's, which the store bounds.
    pub(super) fn enter_file(&self) {
        self.0.in_file.store(true, Ordering::Relaxed);
    }

    /// Was there more beside the file than a form has?
    pub(super) fn is_over(&self) -> bool {
        self.0.outside.load(Ordering::Relaxed) > OUTSIDE_MAX
    }

    fn count(&self, length: usize) {
        if !self.0.in_file.load(Ordering::Relaxed) {
            self.0.outside.fetch_add(length, Ordering::Relaxed);
        }
    }
}

/// See the module.
pub(super) struct Doled {
    body: BodyDataStream,
    meter: Meter,
    /// The last look got a piece; this one gets none.
    dealt: bool,
}

impl Doled {
    pub(super) fn body(body: Body, meter: Meter) -> Body {
        Body::from_stream(Self { body: body.into_data_stream(), meter, dealt: false })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the form has too much beside its file")]
struct TooMuch;

impl Stream for Doled {
    type Item = Result<Bytes, axum::BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.dealt) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.meter.is_over() {
            return Poll::Ready(Some(Err(TooMuch.into())));
        }
        let piece = std::task::ready!(self.body.poll_next_unpin(cx));
        if let Some(Ok(bytes)) = &piece {
            self.dealt = true;
            self.meter.count(bytes.len());
        }
        Poll::Ready(piece.map(|piece| piece.map_err(Into::into)))
    }
}
