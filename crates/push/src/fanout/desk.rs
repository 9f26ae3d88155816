//! What the loops of one node share.

use super::{
    STALE,
    wire::{Told, heads},
};
use journal::TopicHead;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

/// Batches that wait to be published, and words that wait to be taken in. Beyond, they are dropped
/// or held back; whoever misses one looks into the database.
const WAITING_MAX: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Redis is not there.
    Alone,
    /// Others hear of facts by us.
    Leading,
    /// We by another.
    Following,
}

#[derive(Debug)]
pub(crate) struct Desk {
    role: watch::Sender<Role>,
    /// When the database was read last; none after it could not be.
    looked_at: Mutex<Option<Instant>>,
    /// Where the log stood after the last batch, as it is said in Redis.
    heads: Mutex<String>,
    outgoing: mpsc::Sender<Vec<String>>,
    pub(super) waiting: tokio::sync::Mutex<mpsc::Receiver<Vec<String>>>,
    pub(super) told: mpsc::Sender<Option<Told>>,
}

impl Desk {
    pub fn new<'a>(
        places: impl Iterator<Item = &'a TopicHead>,
    ) -> (Self, mpsc::Receiver<Option<Told>>) {
        let (outgoing, waiting) = mpsc::channel(WAITING_MAX);
        let (told, heard) = mpsc::channel(WAITING_MAX);
        let desk = Self {
            role: watch::Sender::new(Role::Alone),
            looked_at: Mutex::new(Some(Instant::now())),
            heads: Mutex::new(heads(places)),
            outgoing,
            waiting: tokio::sync::Mutex::new(waiting),
            told,
        };
        (desk, heard)
    }

    pub fn role(&self) -> watch::Receiver<Role> {
        self.role.subscribe()
    }

    /// Give these entries to others, after which the log stands at these places.
    pub fn publish<'a>(&self, entries: Vec<String>, places: impl Iterator<Item = &'a TopicHead>) {
        *locked(&self.heads) = heads(places);
        if !entries.is_empty() && self.outgoing.try_send(entries).is_err() {
            metrics::counter!("push_fanout_dropped_total").increment(1);
        }
    }

    /// The database was read, or could not be.
    pub fn looked(&self, is_read: bool) {
        *locked(&self.looked_at) = is_read.then(Instant::now);
    }

    /// May this node speak for the log? Who follows another has no need to look: that counts for
    /// nothing against it.
    pub(super) fn may_lead(&self) -> bool {
        let leads = *self.role.borrow() == Role::Leading;
        let mut looked_at = locked(&self.looked_at);
        if leads && looked_at.is_some_and(|at| at.elapsed() > STALE) {
            *looked_at = None;
        }
        looked_at.is_some()
    }

    pub(super) fn leads(&self) -> bool {
        *self.role.borrow() == Role::Leading
    }

    pub(super) fn heads(&self) -> String {
        locked(&self.heads).clone()
    }

    /// True when it is another role than before.
    pub(super) fn enter(&self, role: Role) -> bool {
        let is_new = *self.role.borrow() != role;
        if is_new && role == Role::Leading {
            // It has not had to look yet.
            self.looked(true);
        }
        if is_new {
            self.role.send_replace(role);
        }
        is_new
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
