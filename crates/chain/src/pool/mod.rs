//! The endpoints of one chain, and which of them to use.
//!
//! ```text
//! calls ──► health of each endpoint ─┐
//! watcher ─► heads, chain ids, ──────┼─► state of each ──► order ──► reads, agreements, sends
//!            block hashes            │
//! indexer ─► our own headers ────────┘
//! ```
//! What a single endpoint says is judged where it is used: reads go to the best and fail over
//! ([`crate::Reads`]), decisions of value need two that agree ([`Pool::agree`]), signed bytes go to
//! all ([`Pool::broadcast`]).

mod agree;
mod broadcast;
mod configuration;
mod heads;
mod race;
mod rank;
mod reads;
mod watch;

pub use agree::Agreement;
pub use broadcast::Said;
pub use configuration::RelayConfiguration;
pub use configuration::{ConfigurationError, EndpointConfiguration, PoolConfiguration};
pub use rank::State;
pub use reads::Reads;

use crate::{Endpoint, RpcError, health::Pass};
use heads::{Floor, Quarantine, agreed_head};
use rank::Standing;
use std::{
    collections::BTreeMap,
    fmt,
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::task::JoinSet;
use vocab::{B256, BlockRef, ChainId};

/// Limits of a chain's endpoints together.
#[derive(Clone, Debug)]
pub struct PoolOptions {
    /// A second endpoint is asked when the first has not answered within the time that 95 % of its
    /// answers take; within this time while too few are known.
    pub hedge_after: Duration,
    /// A read with all its attempts takes no longer.
    pub deadline: Duration,
    /// Who has not answered by then does not take part in a decision.
    pub agree_within: Duration,
    /// How long endpoints may still answer a hand-over after one has answered.
    pub grace: Duration,
    /// An endpoint more blocks behind is asked only when no better one is there.
    pub lag_max: u64,
    /// After this time without anybody at the highest head seen, a lower one is believed.
    pub floor_patience: Duration,
    pub relay: Option<Relay>,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            hedge_after: Duration::from_millis(250),
            deadline: Duration::from_secs(12),
            agree_within: Duration::from_secs(3),
            grace: Duration::from_millis(250),
            lag_max: 3,
            floor_patience: Duration::from_secs(30),
            relay: None,
        }
    }
}

/// An endpoint that passes transactions on without showing them around. It is sent to, never read
/// from.
#[derive(Clone, Debug)]
pub struct Relay {
    pub endpoint: Endpoint,
    /// Kinds of transactions that go to it first.
    pub kinds: Vec<String>,
    /// Still unmined after so many block times, they go to all.
    pub public_after_blocks: u32,
}

/// A head that was not confirmed for so long tells nothing any more.
const HEAD_FRESH: Duration = Duration::from_secs(30);
/// How long at least an endpoint is kept out whose answer was proven wrong.
const ACCUSED: Duration = Duration::from_secs(300);
/// Our own headers that are remembered for comparison.
const CANONICAL_MAX: usize = 128;
/// Reads per hedged read, and most hedges saved up: hedging never adds more than a tenth of load
/// for long.
const READS_PER_HEDGE: f64 = 10.0;
const HEDGES_MAX: f64 = 10.0;

/// The endpoints of one chain with what is known of them. Cheap to clone; the clones share it.
/// Dereferences to the endpoints in the order of configuration.
#[derive(Clone)]
pub struct Pool(Arc<Inner>);

struct Inner {
    endpoints: Box<[Endpoint]>,
    options: PoolOptions,
    book: Mutex<Book>,
    born: Instant,
    /// Hand-overs whose callers went on without them.
    late: Mutex<JoinSet<()>>,
    /// The last one of our own header chain.
    canonical: tokio::sync::watch::Sender<Option<BlockRef>>,
    watching: tokio::sync::Mutex<()>,
}

/// What is known beyond the health of single endpoints.
struct Book {
    /// Whose endpoints they are, once one was asked; for metrics.
    chain: Option<ChainId>,
    entries: Vec<Entry>,
    floor: Floor,
    canonical: BTreeMap<u64, B256>,
    /// Lag that comes of polling.
    lag_usual: u64,
    hedges: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    identity: Identity,
    head: Option<Told>,
    quarantine: Quarantine,
    /// Hand-overs that it has not answered yet.
    late: u32,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    number: u64,
    at: Duration,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Identity {
    #[default]
    Unknown,
    Right,
    Wrong(ChainId),
}

impl Pool {
    #[must_use]
    pub fn new(endpoints: Vec<Endpoint>, options: PoolOptions) -> Self {
        let book = Book {
            chain: None,
            entries: vec![Entry::default(); endpoints.len()],
            floor: Floor::default(),
            canonical: BTreeMap::new(),
            lag_usual: 0,
            hedges: HEDGES_MAX,
        };
        Self(Arc::new(Inner {
            endpoints: endpoints.into(),
            options,
            book: Mutex::new(book),
            born: Instant::now(),
            late: Mutex::new(JoinSet::new()),
            canonical: tokio::sync::watch::Sender::new(None),
            watching: tokio::sync::Mutex::new(()),
        }))
    }

    #[must_use]
    pub fn options(&self) -> &PoolOptions {
        &self.0.options
    }

    /// How each endpoint stands, in the order of configuration.
    #[must_use]
    pub fn states(&self) -> Vec<State> {
        self.standings().into_iter().map(|standing| standing.state).collect()
    }

    /// The endpoints that may be asked now, best first, by their place.
    #[must_use]
    pub fn order(&self) -> Vec<usize> {
        rank::order(&self.standings())
    }

    /// The best endpoint now; when none may be asked, the first that is not kept out, else the
    /// first.
    pub(crate) fn best(&self) -> Option<&Endpoint> {
        let open = || self.states().iter().position(|state| !state.is_excluded());
        let place = self.order().first().copied().or_else(open).unwrap_or(0);
        self.get(place)
    }

    /// The head that the endpoints agree on, as last heard; none when nobody has told one lately.
    #[must_use]
    pub fn best_head(&self) -> Option<u64> {
        self.book().best_head(self.now())
    }

    /// How far each endpoint's head is behind the best; none where it is not known.
    #[must_use]
    pub fn lags(&self) -> Vec<Option<u64>> {
        let (book, now) = (self.book(), self.now());
        book.entries.iter().map(|entry| book.lag(entry, now)).collect()
    }

    /// Our own header chain, which decides where endpoints are at odds. Replaces what was told.
    pub fn note_canonical(&self, blocks: impl IntoIterator<Item = BlockRef>) {
        let mut canonical: BTreeMap<u64, B256> =
            blocks.into_iter().map(|block| (block.number, block.hash)).collect();
        while canonical.len() > CANONICAL_MAX {
            canonical.pop_first();
        }
        let last = canonical.last_key_value().map(|(&number, &hash)| BlockRef { number, hash });
        self.book().canonical = canonical;
        self.0.canonical.send_if_modified(|before| std::mem::replace(before, last) != last);
    }

    /// Told whenever the last block of our own header chain is another one, if it is kept in this
    /// process.
    #[must_use]
    pub fn watch_canonical(&self) -> tokio::sync::watch::Receiver<Option<BlockRef>> {
        self.0.canonical.subscribe()
    }

    /// Keep an endpoint out whose answer was proven wrong, for five minutes at least and until it
    /// names the same blocks as the others. The last one that may be asked is not kept out. Tells
    /// whether it is now, and was not before.
    pub fn accuse(&self, place: usize) -> bool {
        let states = self.states();
        let mut others = states.iter().enumerate().filter(|(other, _)| *other != place);
        if others.all(|(_, state)| state.is_excluded()) {
            return false;
        }
        let until = self.now() + ACCUSED;
        let entered = match self.book().entries.get_mut(place) {
            Some(entry) => entry.quarantine.shut(until),
            None => false,
        };
        if entered {
            self.alert(place, "false_answer");
        }
        entered
    }

    /// An endpoint's answers did not fit together: that counts like no answer.
    pub fn distrust(&self, place: usize) {
        if let Some(endpoint) = self.get(place) {
            endpoint.note_missed();
        }
    }

    /// A head that an endpoint told.
    pub fn note_head(&self, place: usize, number: u64) {
        let (now, patience) = (self.now(), self.options().floor_patience);
        let mut book = self.book();
        let excluded = match book.entries.get_mut(place) {
            Some(entry) => {
                entry.head = Some(Told { number, at: now });
                entry.quarantine.is_inside() || matches!(entry.identity, Identity::Wrong(_))
            }
            None => true,
        };
        // One endpoint alone can't lift readers above what the others know.
        let believed = book.best_head(now).map_or(number, |best| number.min(best));
        if !excluded {
            book.floor.note(believed, now, patience);
        }
    }

    /// [`Self::note_head`] for a head that a reader is shown.
    ///
    /// # Errors
    /// [`RpcError::Behind`] when readers were shown a higher one, and others may still have it.
    fn show_head(&self, place: usize, number: u64) -> Result<(), RpcError> {
        self.note_head(place, number);
        let floor = self.floor();
        if number < floor { Err(RpcError::Behind(floor)) } else { Ok(()) }
    }

    /// Lowest head that readers are shown. With one endpoint there is no choice.
    fn floor(&self) -> u64 {
        let patience = self.options().floor_patience;
        if self.len() > 1 { self.book().floor.height(self.now(), patience) } else { 0 }
    }

    fn note_identity(&self, place: usize, id: ChainId, right: ChainId) {
        let identity = if id == right { Identity::Right } else { Identity::Wrong(id) };
        let before = {
            let mut book = self.book();
            book.chain = Some(right);
            match book.entries.get_mut(place) {
                Some(entry) => std::mem::replace(&mut entry.identity, identity),
                None => return,
            }
        };
        if before != identity && identity != Identity::Right {
            tracing::error!(endpoint = %self.name(place), chain.id = %id, expected = %right,
                "an endpoint is of another chain and is not used");
            self.alert(place, "wrong_chain");
        }
    }

    fn identity(&self, place: usize) -> Identity {
        self.book().entries.get(place).map_or(Identity::Unknown, |entry| entry.identity)
    }

    fn standings(&self) -> Vec<Standing> {
        let now = self.now();
        let book = self.book();
        let lag_max = self.options().lag_max.max(book.lag_usual);
        self.iter()
            .zip(&book.entries)
            .map(|(endpoint, entry)| {
                let lagging = book.lag(entry, now).is_some_and(|lag| lag > lag_max);
                standing(endpoint, entry, lagging)
            })
            .collect()
    }

    /// Ask the breaker for leave to call.
    fn enter(&self, place: usize) -> bool {
        self.get(place).is_some_and(|endpoint| {
            let now = endpoint.now();
            endpoint.health().breaker.enter(now) != Pass::No
        })
    }

    /// May a read ask a second endpoint beside the first? Each read earns a part of a hedge.
    fn take_hedge(&self) -> bool {
        let mut book = self.book();
        let some = book.hedges >= 1.0;
        if some {
            book.hedges -= 1.0;
        }
        some
    }

    fn earn_hedge(&self) {
        let mut book = self.book();
        book.hedges = (book.hedges + 1.0 / READS_PER_HEDGE).min(HEDGES_MAX);
    }

    /// Host of an endpoint for logs and metrics, with its place where that is not enough.
    fn name(&self, place: usize) -> String {
        let host = self.get(place).map_or("", Endpoint::host);
        let first = self.iter().position(|endpoint| endpoint.host() == host);
        if first == Some(place) { host.to_owned() } else { format!("{host}#{}", place + 1) }
    }

    fn alert(&self, place: usize, kind: &'static str) {
        let chain = self.book().chain.map(|chain| chain.to_string()).unwrap_or_default();
        metrics::counter!("rpc_endpoint_alerts_total", "chain" => chain,
            "endpoint" => self.name(place), "kind" => kind)
        .increment(1);
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.0.born.elapsed()
    }
}

impl Book {
    fn best_head(&self, now: Duration) -> Option<u64> {
        let heads: Vec<u64> = self
            .entries
            .iter()
            .filter(|e| !e.quarantine.is_inside() && !matches!(e.identity, Identity::Wrong(_)))
            .filter_map(|entry| fresh(entry, now))
            .collect();
        agreed_head(&heads)
    }

    fn lag(&self, entry: &Entry, now: Duration) -> Option<u64> {
        Some(self.best_head(now)?.saturating_sub(fresh(entry, now)?))
    }
}

fn fresh(entry: &Entry, now: Duration) -> Option<u64> {
    entry.head.filter(|told| now.saturating_sub(told.at) <= HEAD_FRESH).map(|told| told.number)
}

fn standing(endpoint: &Endpoint, entry: &Entry, lagging: bool) -> Standing {
    let now = endpoint.now();
    let health = endpoint.health();
    let state = match (entry.identity, health.breaker.pass(now)) {
        (Identity::Wrong(_), _) => State::WrongChain,
        _ if entry.quarantine.is_inside() => State::Quarantined,
        (_, Pass::No) => State::Resting,
        (_, Pass::Probe) => State::Probing,
        _ if !health.budget.wait(now).is_zero() => State::Limited,
        _ if health.window.is_bad() => State::Failing,
        _ if lagging => State::Lagging,
        _ => State::Good,
    };
    Standing { state, weight: endpoint.options().weight, latency: health.latency.mean() }
}

impl Deref for Pool {
    type Target = [Endpoint];

    fn deref(&self) -> &[Endpoint] {
        &self.0.endpoints
    }
}

impl From<Vec<Endpoint>> for Pool {
    fn from(endpoints: Vec<Endpoint>) -> Self {
        Self::new(endpoints, PoolOptions::default())
    }
}

impl FromIterator<Endpoint> for Pool {
    fn from_iter<I: IntoIterator<Item = Endpoint>>(endpoints: I) -> Self {
        Self::new(endpoints.into_iter().collect(), PoolOptions::default())
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let states = self.states();
        f.debug_list().entries(self.iter().zip(states)).finish()
    }
}
