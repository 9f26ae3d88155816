//! One read, asked of the best endpoint, of the next when that fails, and of a second at the same
//! time when the first is slow.

use super::{Identity, Pool};
use crate::{Chain, Endpoint, RpcError};
use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Bounds of the measured time after which a second endpoint is asked.
const HEDGE_MIN: Duration = Duration::from_millis(50);
const HEDGE_MAX: Duration = Duration::from_secs(2);

/// A read of one answer. `call` gets the endpoint and its place.
pub(super) struct Read<F, T> {
    pub call: F,
    /// Is nothing missing that another endpoint may have?
    pub is_whole: fn(&T) -> bool,
}

/// What one read has under way.
struct Race<'a, F, T> {
    chain: &'a Chain,
    read: Read<F, T>,
    waiting: std::vec::IntoIter<usize>,
    running: FuturesUnordered<BoxFuture<'a, (usize, Result<T, RpcError>)>>,
    begun: Vec<(usize, Instant)>,
    /// The best of what was not good enough.
    rest: Option<Result<T, RpcError>>,
}

impl Chain {
    /// The first good answer. One that is not good is given only when no endpoint has a better.
    pub(super) async fn race<'a, T, F>(&'a self, read: Read<F, T>) -> Result<T, RpcError>
    where
        T: Send + 'a,
        F: Fn(usize, Endpoint) -> BoxFuture<'a, Result<T, RpcError>>,
    {
        let pool = &self.endpoints;
        pool.earn_hedge();
        let mut race = Race {
            chain: self,
            read,
            waiting: pool.order().into_iter(),
            running: FuturesUnordered::new(),
            begun: Vec::new(),
            rest: None,
        };
        race.run().await
    }
}

impl<'a, F, T> Race<'a, F, T>
where
    T: Send + 'a,
    F: Fn(usize, Endpoint) -> BoxFuture<'a, Result<T, RpcError>>,
{
    async fn run(&mut self) -> Result<T, RpcError> {
        let pool = &self.chain.endpoints;
        let Some(first) = self.begin() else { return Err(RpcError::NoEndpoint) };
        let deadline = sleep(pool.options().deadline);
        let hedge = sleep(hedge_after(pool, first));
        tokio::pin!(deadline, hedge);
        let mut hedged = self.waiting.len() == 0;
        loop {
            tokio::select! {
                biased;
                Some((place, answer)) = self.running.next() => {
                    if let Some(answer) = self.take(place, answer) {
                        return answer;
                    }
                    if self.running.is_empty() && self.begin().is_none() {
                        return self.rest.take().unwrap_or(Err(RpcError::NoEndpoint));
                    }
                }
                () = &mut hedge, if !hedged => {
                    hedged = true;
                    if pool.take_hedge() && self.begin().is_some() {
                        metrics::counter!("rpc_hedges_total").increment(1);
                    }
                }
                () = &mut deadline => {
                    for endpoint in self.begun.iter().filter_map(|(place, _)| pool.get(*place)) {
                        endpoint.note_missed();
                    }
                    let late = RpcError::TimedOut(pool.options().deadline);
                    return self.rest.take().unwrap_or(Err(late));
                }
            }
        }
    }

    /// Ask the next endpoint that may be asked. Gives its place.
    fn begin(&mut self) -> Option<usize> {
        let pool = &self.chain.endpoints;
        let place = self.waiting.find(|place| pool.enter(*place))?;
        let call = (self.read.call)(place, pool.get(place)?.clone());
        let chain = self.chain;
        self.begun.push((place, Instant::now()));
        self.running.push(Box::pin(async move {
            let answer = match chain.check_before(place).await {
                Ok(()) => call.await,
                Err(error) => Err(error),
            };
            (place, answer)
        }));
        Some(place)
    }

    /// Gives the answer if it is good; keeps it if nothing better was kept.
    fn take(&mut self, place: usize, answer: Result<T, RpcError>) -> Option<Result<T, RpcError>> {
        let started = self.begun.iter().position(|(begun, _)| *begun == place);
        let good = match &answer {
            Ok(value) => (self.read.is_whole)(value),
            Err(error) => !error.may_pass_elsewhere(),
        };
        if good {
            for (slow, begun) in self.begun.drain(..).take(started.unwrap_or(0)) {
                if let Some(endpoint) = self.chain.endpoints.get(slow) {
                    endpoint.health().overtaken(begun.elapsed());
                }
            }
            return Some(answer);
        }
        if let Some(started) = started {
            self.begun.remove(started);
        }
        let value = |kept: &Result<T, RpcError>| match kept {
            Ok(_) => 2,
            Err(RpcError::Refused { .. }) => 1,
            Err(_) => 0,
        };
        if self.rest.as_ref().is_none_or(|rest| value(rest) < value(&answer)) {
            self.rest = Some(answer);
        }
        None
    }
}

impl Chain {
    /// Is the endpoint of this chain, and not behind what readers were shown?
    pub(super) async fn check_before(&self, place: usize) -> Result<(), RpcError> {
        self.identify(place).await?;
        let pool = &self.endpoints;
        let (floor, now) = (pool.floor(), pool.now());
        let known = pool.book().entries.get(place).and_then(|entry| entry.head);
        let told_lately = |told: super::Told| now.saturating_sub(told.at) <= super::HEAD_FRESH;
        if floor == 0 || known.is_some_and(|told| told.number >= floor && told_lately(told)) {
            return Ok(());
        }
        let Some(endpoint) = pool.get(place) else { return Err(RpcError::NoEndpoint) };
        pool.show_head(place, endpoint.head().await?.number.to())
    }

    /// Ask an endpoint of which chain it is, unless it was seen to be of ours.
    ///
    /// # Errors
    /// [`RpcError::WrongChain`], or why it did not answer.
    pub async fn identify(&self, place: usize) -> Result<(), RpcError> {
        let pool = &self.endpoints;
        let Some(endpoint) = pool.get(place) else { return Err(RpcError::NoEndpoint) };
        if pool.identity(place) == Identity::Right {
            return Ok(());
        }
        let id = endpoint.chain_id().await?;
        pool.note_identity(place, id, self.id);
        if id == self.id { Ok(()) } else { Err(RpcError::WrongChain(id)) }
    }
}

fn hedge_after(pool: &Pool, place: usize) -> Duration {
    let p95 = pool.get(place).and_then(|endpoint| endpoint.health().latency.p95());
    p95.map_or(pool.options().hedge_after, |p95| p95.clamp(HEDGE_MIN, HEDGE_MAX))
}
