//! The role: one process at a time, by lease, in rounds: what has ended is recorded, new facts are
//! looked at, who is behind catches up, what is due is sent. Sending goes on beside the rounds, so
//! that a slow database cuts no request short.

mod batch;
mod courier;
mod ended;
mod select;
mod start;

use crate::{Options, RootKey, Sender, SenderError, book::Book, places::Places};
use courier::{Errand, Sent};
use db::{
    Db, DbError,
    facts::{self, Listener, TopicHead},
    leases::Lease,
    webhook_deliveries as deliveries, webhook_positions as positions,
};
use ended::Finished;
use journal::Leader;
use runtime::Failpoints;
use start::Flight;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    error::Error,
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout},
};
use uuid::Uuid;

const LEASE: &str = "webhooks";
/// After trouble with the database.
const BACK_OFF: Duration = Duration::from_millis(500);
/// How old what is known of endpoints may be, in looks.
const BOOK_TICKS: u32 = 4;
/// How old a cursor may be of which nothing hangs, and what is counted.
const CURSOR_AGE: Duration = Duration::from_secs(1);
const COUNT_AGE: Duration = Duration::from_secs(30);
/// For what is under way when the role is to end.
const DRAIN: Duration = Duration::from_secs(2);
/// Endpoints that are looked through for what nobody would come to, per round.
const SWEPT: usize = 8;

/// Places where a test can have the process die, in the order in which its work passes them.
pub const FAILPOINTS: Failpoints = Failpoints::new(&[
    "before_webhooks_selected",
    "after_webhooks_selected",
    "before_webhooks_caught_up",
    "after_webhooks_caught_up",
    "before_webhook_sent",
    "after_webhook_sent",
    "before_webhooks_recorded",
    "after_webhooks_recorded",
]);

/// What the role stands on.
#[derive(Clone, Debug)]
pub struct Config {
    pub db: Db,
    pub key: RootKey,
    pub options: Options,
}

/// Tell endpoints until `shutdown`; stands by while another process does. What is under way then
/// has a moment to end; the rest is sent again by whoever comes next. Trouble with the database is
/// retried for ever with a pause, and said in the log.
///
/// # Errors
/// [`SenderError`] for options that make no sense.
pub async fn run(config: Config, shutdown: impl Future<Output = ()>) -> Result<(), SenderError> {
    if !config.options.enabled {
        shutdown.await;
        return Ok(());
    }
    let sender = Sender::new(&config.options)?;
    let most = config.options.in_flight_max.max(1);
    let (errands, to_run) = mpsc::channel(most);
    let (done, sent) = mpsc::channel(most);
    let mut desk = Desk::new(config, errands, sent);
    tokio::select! {
        () = courier::run(sender, to_run, done) => {}
        () = desk.rounds(shutdown) => {}
    }
    Ok(())
}

pub(crate) struct Desk {
    db: Db,
    key: RootKey,
    options: Options,
    leader: Leader,
    listener: Option<Listener>,
    errands: mpsc::Sender<Errand>,
    sent: mpsc::Receiver<Sent>,
    places: Places,
    flights: HashMap<Uuid, Flight>,
    /// What has ended and is not recorded yet.
    finished: Vec<Finished>,
    term: Option<Term>,
}

/// What is known while the lease lasts.
struct Term {
    epoch: i64,
    book: Book,
    book_read: Instant,
    cursors: BTreeMap<String, TopicHead>,
    /// None: all of them are as stored.
    cursors_moved: Option<Instant>,
    pending: HashMap<Uuid, i64>,
    counted: Instant,
    /// Endpoints at which something may be due.
    due: BTreeSet<Uuid>,
    looked: Option<Instant>,
    /// Whose turn it was last, to be asked and to catch up.
    turn: Uuid,
    caught_up: (Uuid, String),
    to_sweep: Vec<Uuid>,
}

/// How a round ended.
enum Round {
    /// Another process does it.
    StandBy,
    /// There is more to do at once.
    More,
    Done,
}

impl Desk {
    fn new(config: Config, errands: mpsc::Sender<Errand>, sent: mpsc::Receiver<Sent>) -> Self {
        let Config { db, key, options } = config;
        Self {
            leader: Leader::new(LEASE, options.lease),
            places: Places::new(&options),
            db,
            key,
            options,
            listener: None,
            errands,
            sent,
            flights: HashMap::new(),
            finished: Vec::new(),
            term: None,
        }
    }

    async fn rounds(&mut self, shutdown: impl Future<Output = ()>) {
        tokio::pin!(shutdown);
        loop {
            let round = self.round().await;
            let pause = match round {
                Ok(Round::More) => Duration::ZERO,
                Ok(Round::Done) => self.options.tick,
                Ok(Round::StandBy) => self.options.lease / 4,
                Err(error) => {
                    let error = &error as &dyn Error;
                    tracing::warn!(error, "webhooks wait for the database");
                    self.leader.lost();
                    (self.term, self.listener) = (None, None);
                    BACK_OFF
                }
            };
            tokio::select! {
                () = &mut shutdown => break,
                () = self.wait(pause) => {}
            }
        }
        self.drain().await;
        self.leader.resign(&self.db).await;
    }

    /// Until there may be something to do. Cancel-safe: what has ended is kept at once.
    async fn wait(&mut self, pause: Duration) {
        if pause.is_zero() {
            return;
        }
        // Nobody is waiting to be told: facts need not wake us.
        let idle = self.term.as_ref().is_none_or(|term| term.book.is_empty());
        let Self { sent, listener, .. } = self;
        let told = async {
            match listener.as_mut().filter(|_| !idle) {
                Some(listener) => listener.notified().await.is_ok(),
                None => std::future::pending().await,
            }
        };
        let heard = tokio::select! {
            Some(sent) = sent.recv() => Ok(sent),
            heard = told => Err(heard),
            () = sleep(pause) => Err(true),
        };
        match heard {
            Ok(sent) => self.note(sent),
            Err(true) => {}
            // The connection broke; the next round makes another.
            Err(false) => self.listener = None,
        }
    }

    async fn round(&mut self) -> Result<Round, DbError> {
        while let Ok(sent) = self.sent.try_recv() {
            self.note(sent);
        }
        let Some(lease) = self.leader.lease(&self.db).await? else {
            self.term = None;
            return Ok(Round::StandBy);
        };
        if self.term.as_ref().is_none_or(|term| term.epoch != lease.epoch) {
            self.begin(&lease).await?;
        }
        if !self.record_finished(&lease).await? {
            return Ok(self.lose());
        }
        self.refresh().await?;
        let Some(selected) = self.select(&lease).await? else { return Ok(self.lose()) };
        let Some(caught_up) = self.catch_up(&lease).await? else { return Ok(self.lose()) };
        let started = self.start_due().await?;
        Ok(if selected || caught_up || started { Round::More } else { Round::Done })
    }

    /// A commit found the lease gone.
    fn lose(&mut self) -> Round {
        self.leader.lost();
        self.term = None;
        Round::StandBy
    }

    async fn begin(&mut self, lease: &Lease) -> Result<(), DbError> {
        let book = Book::load(&self.db).await?;
        let mut connection = self.db.acquire().await?;
        let cursors = positions::load_cursors(&mut connection).await?;
        let pending: HashMap<Uuid, i64> =
            deliveries::load_pending(&mut connection).await?.into_iter().collect();
        let now = Instant::now();
        tracing::info!(epoch = lease.epoch, "webhooks are sent by this process");
        self.term = Some(Term {
            epoch: lease.epoch,
            book,
            book_read: now,
            cursors: cursors.into_iter().map(|place| (place.topic.clone(), place)).collect(),
            cursors_moved: None,
            to_sweep: pending.keys().copied().collect(),
            pending,
            counted: now,
            due: BTreeSet::new(),
            looked: None,
            turn: Uuid::nil(),
            caught_up: (Uuid::nil(), String::new()),
        });
        Ok(())
    }

    /// Read again what may have changed, and measure.
    async fn refresh(&mut self) -> Result<(), DbError> {
        let Some(term) = &mut self.term else { return Ok(()) };
        if term.book_read.elapsed() >= self.options.tick * BOOK_TICKS {
            term.book = Book::load(&self.db).await?;
            term.book_read = Instant::now();
            self.places.keep(&term.book.ids());
        }
        if !term.book.is_empty() && self.listener.is_none() {
            self.listener = Some(facts::listen(&self.db).await?);
        }
        if term.counted.elapsed() >= COUNT_AGE {
            let mut connection = self.db.acquire().await?;
            term.pending = deliveries::load_pending(&mut connection).await?.into_iter().collect();
            term.counted = Instant::now();
            term.to_sweep = term.pending.keys().copied().collect();
        }
        for _ in 0..SWEPT {
            let Some(endpoint) = term.to_sweep.pop() else { break };
            let mut connection = self.db.acquire().await?;
            let released = deliveries::record_released(&mut connection, endpoint).await?;
            if released > 0 {
                tracing::warn!(%endpoint, released, "webhooks waited for nothing");
            }
        }
        measure(term, self.places.under_way());
        Ok(())
    }

    /// Let what is under way end, and record it. What does not is sent again some time.
    async fn drain(&mut self) {
        let all = async {
            while !self.flights.is_empty() {
                let Some(sent) = self.sent.recv().await else { return };
                self.note(sent);
            }
        };
        let _ = timeout(DRAIN, all).await;
        let recorded = async {
            match self.leader.lease(&self.db).await? {
                Some(lease) => self.record_finished(&lease).await,
                None => Ok(false),
            }
        };
        if !matches!(timeout(DRAIN, recorded).await, Ok(Ok(true))) {
            tracing::info!("what was sent last was not recorded; it is sent again");
        }
    }
}

fn measure(term: &Term, under_way: usize) {
    let pending: i64 = term.pending.values().sum();
    metrics::gauge!("webhooks_pending").set(pending as f64);
    metrics::gauge!("webhooks_in_flight").set(under_way as f64);
    metrics::gauge!("webhooks_behind").set(term.book.behind().count() as f64);
    for state in ["active", "paused", "disabled"] {
        let count = term.book.count(state) as f64;
        metrics::gauge!("webhooks_endpoints", "state" => state).set(count);
    }
}
