//! The watcher: asks every endpoint for its head, from time to time for its chain and its block at
//! a height that all have, and says how each stands.

use super::{Identity, Pool, State, fresh, heads};
use crate::{Chain, RpcError};
use futures_util::future::join_all;
use std::{convert::Infallible, time::Duration};
use tokio::time::{Instant, sleep, timeout};
use vocab::B256;

const POLL_MIN: Duration = Duration::from_millis(100);
const POLL_MAX: Duration = Duration::from_secs(3);
/// An endpoint that takes longer to tell its head is as good as away.
const ANSWER_MAX: Duration = Duration::from_secs(3);
/// Endpoints are asked again of which chain they are after this time.
const IDENTITY: Duration = Duration::from_secs(30);
/// Hashes are compared so far below the lowest head: nearer to it, nodes differ in good faith.
const DEPTH: u64 = 2;
/// An endpoint further behind is not waited for with comparisons.
const BEHIND_MAX: u64 = 64;
/// Looks at the states per comparison of hashes.
const COMPARE_EVERY: u32 = 4;

impl Chain {
    /// Watch the endpoints for ever. Run by the supervisor, once per process: a second watcher of
    /// the same pool waits until the first is gone. Every call is timed, endpoints don't wait for
    /// one another, and those that rest are left alone until their probe is due.
    pub async fn watch_endpoints(&self) -> Infallible {
        let pool = &self.endpoints;
        let _only = pool.0.watching.lock().await;
        let poll = (self.block_time / 2).clamp(POLL_MIN, POLL_MAX);
        // Polls of two endpoints are this far apart at most.
        let apart = (2 * poll).as_secs_f64() / self.block_time.as_secs_f64().max(0.001);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small, >= 0")]
        let usual = apart.ceil().min(1_000.0) as u64;
        pool.book().lag_usual = usual;
        let follows = join_all((0..pool.len()).map(|place| self.follow(place, poll)));
        tokio::join!(self.look_on(poll), follows).0
    }

    async fn follow(&self, place: usize, poll: Duration) -> Infallible {
        let mut identified: Option<Instant> = None;
        loop {
            self.poll(place, &mut identified).await;
            sleep(poll).await;
        }
    }

    async fn poll(&self, place: usize, identified: &mut Option<Instant>) {
        let pool = &self.endpoints;
        let Some(endpoint) = pool.get(place) else { return };
        let resting = !endpoint.health().budget.wait(endpoint.now()).is_zero();
        if resting || !pool.enter(place) {
            return;
        }
        let known = pool.identity(place) == Identity::Right;
        let ask = !known || identified.is_none_or(|at| at.elapsed() >= IDENTITY);
        let told = timeout(ANSWER_MAX, async {
            if ask {
                let id = endpoint.chain_id().await?;
                pool.note_identity(place, id, self.id);
                if id != self.id {
                    return Err(RpcError::WrongChain(id));
                }
            }
            endpoint.head().await
        });
        match told.await {
            Ok(Ok(head)) => {
                pool.note_head(place, head.number.to());
                if ask {
                    *identified = Some(Instant::now());
                }
            }
            Ok(Err(error)) => {
                tracing::debug!(endpoint = %pool.name(place),
                    error = &error as &dyn std::error::Error, "an endpoint tells no head");
            }
            Err(_) => endpoint.note_missed(),
        }
    }

    /// Say how the endpoints stand, and compare their blocks.
    async fn look_on(&self, poll: Duration) -> Infallible {
        let mut before: Vec<State> = vec![State::Good; self.endpoints.len()];
        let mut disputed = false;
        for round in (0..COMPARE_EVERY).cycle() {
            sleep(poll).await;
            if round == 0 {
                disputed = self.compare(disputed).await;
            }
            let now = self.endpoints.states();
            self.tell_states(&before, &now);
            before = now;
        }
        // An iterator that never ends has ended: wait, rather than pretend.
        std::future::pending().await
    }

    fn tell_states(&self, before: &[State], now: &[State]) {
        let pool = &self.endpoints;
        let (lags, chain) = (pool.lags(), self.id.to_string());
        for (place, endpoint) in pool.iter().enumerate() {
            let (name, state) = (pool.name(place), now[place]);
            if before[place] != state {
                tracing::warn!(chain.id = %self.id, endpoint = %name, from = before[place].as_str(),
                    to = state.as_str(), lag = lags[place], "an endpoint's state has changed");
            }
            for one in State::ALL {
                let (chain, endpoint) = (chain.clone(), name.clone());
                let state_of = ("state", one.as_str().to_owned());
                let labels = [("chain", chain), ("endpoint", endpoint), state_of];
                metrics::gauge!("rpc_endpoint_state", &labels).set(f64::from(one == state));
            }
            let (score, rate) = {
                let health = endpoint.health();
                (health.score(), health.budget.rate())
            };
            let labels = [("chain", chain.clone()), ("endpoint", name)];
            metrics::gauge!("rpc_endpoint_score", &labels).set(score);
            if let Some(rate) = rate {
                metrics::gauge!("rpc_endpoint_rate", &labels).set(rate);
            }
            #[expect(clippy::cast_precision_loss, reason = "a gauge")]
            if let Some(lag) = lags[place] {
                metrics::gauge!("rpc_endpoint_lag_blocks", &labels).set(lag as f64);
            }
        }
    }

    /// Ask all for their block at one height. Gives whether they differ and nothing tells who is
    /// right.
    async fn compare(&self, disputed: bool) -> bool {
        let pool = &self.endpoints;
        let Some((height, places)) = pool.comparable() else { return disputed };
        let asked = places.into_iter().map(|place| async move {
            let header = timeout(ANSWER_MAX, pool.get(place)?.header(height)).await;
            Some((place, header.ok()?.ok()??.hash))
        });
        let hashes: Vec<(usize, B256)> = join_all(asked).await.into_iter().flatten().collect();
        let ours = pool.book().canonical.get(&height).copied();
        let verdict = match hashes[..] {
            // One alone is right when it has what we have.
            [(_, hash)] => match ours {
                None => return disputed,
                Some(ours) if ours == hash => heads::Verdict::Agreed,
                Some(_) => heads::Verdict::Open,
            },
            _ => heads::judge(&hashes, ours),
        };
        let open = verdict == heads::Verdict::Open;
        if open && !disputed {
            let hosts: Vec<String> = hashes.iter().map(|(place, _)| pool.name(*place)).collect();
            tracing::error!(height, ?hosts, "endpoints name different blocks; it is open who errs");
            hashes.iter().for_each(|(place, _)| pool.alert(*place, "disputed_block"));
        }
        if !open {
            pool.note_verdict(height, &hashes, &verdict);
        }
        open
    }
}

impl Pool {
    /// Endpoints whose blocks can be compared, and the height to do it at.
    fn comparable(&self) -> Option<(u64, Vec<usize>)> {
        let states = self.states();
        let (book, now) = (self.book(), self.now());
        let best = book.best_head(now).or_else(|| {
            let heads: Vec<u64> = book.entries.iter().filter_map(|e| fresh(e, now)).collect();
            heads::agreed_head(&heads)
        })?;
        let heads: Vec<(usize, u64)> = book
            .entries
            .iter()
            .zip(states)
            .enumerate()
            .filter(|(_, (_, state))| !matches!(state, State::WrongChain | State::Resting))
            .filter_map(|(place, (entry, _))| Some((place, fresh(entry, now)?)))
            .filter(|(_, head)| head.saturating_add(BEHIND_MAX) >= best)
            .collect();
        let lowest = heads.iter().map(|(_, head)| *head).min()?;
        let height = match (heads.len(), book.canonical.last_key_value()) {
            (1, Some((known, _))) => (*known).min(lowest),
            (1, None) => return None,
            _ => lowest.saturating_sub(DEPTH),
        };
        Some((height, heads.into_iter().map(|(place, _)| place).collect()))
    }

    fn note_verdict(&self, height: u64, hashes: &[(usize, B256)], verdict: &heads::Verdict) {
        for (place, hash) in hashes {
            let wrong = matches!(verdict, heads::Verdict::Wrong(wrong) if wrong.contains(place));
            let now = self.now();
            let entered = match self.book().entries.get_mut(*place) {
                Some(entry) => entry.quarantine.note(wrong, now),
                None => false,
            };
            if entered {
                tracing::error!(endpoint = %self.name(*place), height, %hash,
                    "an endpoint names another block than the others and is kept out");
                self.alert(*place, "divergent_block");
            }
        }
    }
}
