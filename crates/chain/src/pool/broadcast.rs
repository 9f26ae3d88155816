//! Handing signed bytes to all endpoints.

use super::{Identity, Pool, State};
use crate::{Endpoint, RpcError};
use alloy_primitives::{B256, Bytes};
use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use std::sync::{Arc, PoisonError};
use tokio::time::{Instant, sleep_until};

/// Bytes in one request to a node; common proxies refuse more than a megabyte.
const BYTES_MAX: usize = 400_000;
/// Transactions in one request.
const CALLS_MAX: usize = 100;
/// Unfinished hand-overs that go on behind their callers' backs.
const LATE_MAX: usize = 64;
/// How many of them one endpoint may have before it gets no more.
const LATE_EACH_MAX: u32 = 4;

/// What one endpoint said of each transaction, in the order given.
#[derive(Clone, Debug)]
pub struct Said {
    /// Which endpoint, without what is secret.
    pub endpoint: String,
    pub answers: Vec<Result<B256, RpcError>>,
}

type Sending = FuturesUnordered<BoxFuture<'static, (usize, Vec<Result<B256, RpcError>>)>>;

impl Pool {
    /// Hand signed bytes to all endpoints that can be reached, at once. Ends when all have
    /// answered, or a grace after the first of them; who has not answered by then counts as timed
    /// out (anything may be), and is left to finish on its own. An endpoint that already owes an
    /// answer is sent to, but not waited for. Nothing, when every endpoint is of another chain.
    pub async fn broadcast(&self, raws: &[Bytes]) -> Vec<Said> {
        let places = self.reachable();
        let bytes: Arc<[Bytes]> = raws.into();
        let mut sending = Sending::new();
        for (place, endpoint) in places.iter().filter_map(|p| Some((*p, self.get(*p)?))) {
            let (endpoint, bytes) = (endpoint.clone(), bytes.clone());
            sending.push(Box::pin(async move { (place, endpoint.send_all(&bytes).await) }));
        }
        let mut said: Vec<Said> = Vec::new();
        let mut open = places;
        let mut end: Option<Instant> = None;
        while !open.is_empty() {
            let next = tokio::select! {
                biased;
                next = sending.next() => next,
                () = until(end) => None,
            };
            let Some((place, answers)) = next else { break };
            open.retain(|waiting| *waiting != place);
            let answered =
                answers.iter().any(|a| a.as_ref().err().is_none_or(RpcError::is_refusal));
            said.push(Said { endpoint: self.name(place), answers });
            if answered && end.is_none() {
                end = Some(Instant::now() + self.options().grace);
            }
            if end.is_some() && self.all_owe(&open) {
                break;
            }
        }
        for place in &open {
            let late = RpcError::TimedOut(self.options().grace);
            let answers = raws.iter().map(|_| Err(late.clone())).collect();
            said.push(Said { endpoint: self.name(*place), answers });
        }
        self.leave_behind(sending, open);
        said
    }

    /// Whom to send to. An endpoint whose blocks are doubted may still pass bytes on.
    fn reachable(&self) -> Vec<usize> {
        let states = self.states();
        let find = |wanted: &dyn Fn(usize, State) -> bool| -> Vec<usize> {
            let all = states.iter().copied().enumerate();
            all.filter(|(place, state)| wanted(*place, *state)).map(|(place, _)| place).collect()
        };
        let book = self.book();
        let owes = |place: usize| book.entries.get(place).is_some_and(|e| e.late >= LATE_EACH_MAX);
        let well = find(&|place, state| {
            !matches!(state, State::WrongChain | State::Resting | State::Limited) && !owes(place)
        });
        if !well.is_empty() {
            return well;
        }
        // Better a try that is likely in vain than none.
        let right = |place: usize| {
            let entry = book.entries.get(place);
            entry.is_none_or(|entry| !matches!(entry.identity, Identity::Wrong(_)))
        };
        find(&|place, _| right(place))
    }

    fn all_owe(&self, places: &[usize]) -> bool {
        let book = self.book();
        places.iter().all(|place| book.entries.get(*place).is_some_and(|entry| entry.late > 0))
    }

    fn note_late(&self, place: usize, more: bool) {
        if let Some(entry) = self.book().entries.get_mut(place) {
            entry.late =
                if more { entry.late.saturating_add(1) } else { entry.late.saturating_sub(1) };
        }
    }

    /// Let unfinished hand-overs end by themselves: bytes on their way are better not cut off. When
    /// there are too many, they are.
    fn leave_behind(&self, mut sending: Sending, open: Vec<usize>) {
        if open.is_empty() {
            return;
        }
        let mut late = self.0.late.lock().unwrap_or_else(PoisonError::into_inner);
        while late.try_join_next().is_some() {}
        if late.len() >= LATE_MAX {
            open.iter().filter_map(|place| self.get(*place)).for_each(Endpoint::note_missed);
            return;
        }
        open.iter().for_each(|place| self.note_late(*place, true));
        // Weak, or the set would own its own owner.
        let pool = Arc::downgrade(&self.0);
        late.spawn(async move {
            while let Some((place, answers)) = sending.next().await {
                let Some(pool) = pool.upgrade().map(Pool) else { return };
                pool.note_late(place, false);
                let taken = answers.iter().filter(|answer| answer.is_ok()).count();
                tracing::debug!(endpoint = %pool.name(place), taken, count = answers.len(),
                    "a late answer to a hand-over");
                metrics::counter!("rpc_late_answers_total").increment(1);
            }
        });
    }
}

async fn until(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => std::future::pending().await,
    }
}

impl Endpoint {
    /// Hand over signed bytes, in requests of bounded size; one answer each. After a request that
    /// was not answered the rest is not tried: nothing is known of it either.
    pub async fn send_all(&self, raws: &[Bytes]) -> Vec<Result<B256, RpcError>> {
        let mut answers = Vec::with_capacity(raws.len());
        let mut rest = raws;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = |raw: &&Bytes| {
                bytes += raw.len() * 2 + 100;
                bytes <= BYTES_MAX
            };
            let count = rest.iter().take(CALLS_MAX).take_while(fits).count().max(1);
            let (chunk, later) = rest.split_at(count);
            match self.send_raw(chunk).await {
                Ok(said) => answers.extend(said),
                Err(error) => {
                    answers.extend(rest.iter().map(|_| Err(error.clone())));
                    break;
                }
            }
            rest = later;
        }
        answers
    }
}
