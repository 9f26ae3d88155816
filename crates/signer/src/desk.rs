//! Where requests are judged and signed: one thread that owns keys, policy and store.
//!
//! Requests that wait together share one disk sync. Nothing leaves before that sync is done.

mod judge;
mod remote;
mod retired;

use std::{
    fmt,
    path::PathBuf,
    sync::Arc,
    time::{Instant, SystemTime},
};

use tokio::sync::{mpsc, oneshot};

use self::{judge::Judge, remote::RemoteDesk, retired::Retired};
use crate::{
    approval::Approval,
    error::ServeError,
    journal::{Entry, Journal},
    keys::{Keyring, read_policy},
    metrics::Metrics,
    policy::Policy,
    refusal::Refusal,
    store::{Ledger, Store, nonce_id},
    wire::{Call, Fault, Health, KeyInfo, Outcome, TxIntent, TypedIntent},
};
pub(crate) use remote::{Errand, WAITING_MAX as ERRANDS_MAX, carry};

/// Requests that may wait.
pub(crate) const QUEUE_MAX: usize = 64;
/// Intents after which a batch is closed.
const BATCH_INTENTS: usize = 1024;
/// Counters outlive their period, so that a clock which is corrected backwards finds them.
const KEPT_DAYS: u64 = 31;
const KEPT_MINUTES: u64 = 60;
const MS_PER_MINUTE: u64 = 60_000;
const MS_PER_HOUR: u64 = 3_600_000;
const MS_PER_DAY: u64 = 86_400_000;
/// Of why a policy is refused, in the audit log.
const REASON_CHARS_MAX: usize = 1000;

/// Where the time comes from.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::new(|| {
            let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            since_1970.map_or(0, |time| time.as_millis() as u64)
        })
    }

    /// Any other: a function that gives milliseconds since 1970, UTC.
    pub fn new(now_ms: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now_ms))
    }

    pub(crate) fn now_ms(&self) -> u64 {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// What the desk is given to do.
#[derive(Debug)]
pub(crate) enum Work {
    /// A request, where its answer goes, and since when it waits.
    Ask { call: Call, reply: oneshot::Sender<Outcome>, since: Instant },
    /// Signatures that came, or did not, from where the keys are.
    Returned(Errand),
    /// Read the policy file again.
    ReloadPolicy,
}

impl Work {
    pub(crate) fn ask(call: Call, reply: oneshot::Sender<Outcome>) -> Self {
        Self::Ask { call, reply, since: Instant::now() }
    }
}

/// A request for signatures.
struct Signing {
    asked: Asked,
    approvals: Vec<Approval>,
    reply: oneshot::Sender<Outcome>,
    since: Instant,
}

enum Asked {
    Transactions(Vec<TxIntent>),
    Messages(Vec<TypedIntent>),
}

impl Asked {
    fn len(&self) -> usize {
        match self {
            Self::Transactions(intents) => intents.len(),
            Self::Messages(intents) => intents.len(),
        }
    }
}

/// What has arrived together.
#[derive(Default)]
struct Round {
    signing: Vec<Signing>,
    returned: Vec<Errand>,
    intents: usize,
    other: Vec<(Call, oneshot::Sender<Outcome>)>,
    reload: bool,
}

impl Round {
    fn add(&mut self, work: Work) {
        let (call, reply, since) = match work {
            Work::Ask { call, reply, since } => (call, reply, since),
            Work::Returned(errand) => {
                self.intents += errand.len();
                self.returned.push(errand);
                return;
            }
            Work::ReloadPolicy => {
                self.reload = true;
                return;
            }
        };
        let (asked, approvals) = match call {
            Call::SignTransactions { intents, approvals } => {
                (Asked::Transactions(intents), approvals)
            }
            Call::SignTyped { intents, approvals } => (Asked::Messages(intents), approvals),
            call => {
                self.other.push((call, reply));
                return;
            }
        };
        self.intents += asked.len();
        self.signing.push(Signing { asked, approvals, reply, since });
    }
}

/// What the desk works with.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) policy: Policy,
    pub(crate) policy_file: PathBuf,
    pub(crate) keyring: Keyring,
    pub(crate) store: Store,
    pub(crate) journal: Journal,
    pub(crate) clock: Clock,
    pub(crate) metrics: Metrics,
    remote: RemoteDesk,
    retired: Retired,
    last_ms: u64,
    forgotten_minute: u64,
}

impl Desk {
    /// Takes its place, and says so in the audit log. The policy is what its file says now, and
    /// keystore and store are known to belong together: [`reconcile`]. `errands` go to [`carry`].
    pub(crate) fn new(
        (policy, policy_file): (Policy, PathBuf),
        keyring: Keyring,
        (store, journal): (Store, Journal),
        errands: mpsc::Sender<Errand>,
        clock: Clock,
    ) -> Result<Self, ServeError> {
        let metrics = Metrics::new();
        let retired = Retired::load(&keyring, &store)?;
        let remote = RemoteDesk::new(errands);
        let (last_ms, forgotten_minute) = (0, 0);
        let mut desk = Self {
            policy,
            policy_file,
            keyring,
            store,
            journal,
            clock,
            metrics,
            remote,
            retired,
            last_ms,
            forgotten_minute,
        };
        let policy = desk.policy.digest;
        desk.note(Entry::Started { policy, version: env!("CARGO_PKG_VERSION") })?;
        Ok(desk)
    }

    /// Works until all senders are gone, or until the store fails.
    pub(crate) fn run(mut self, mut queue: mpsc::Receiver<Work>) -> Result<(), ServeError> {
        while let Some(first) = queue.blocking_recv() {
            let mut round = Round::default();
            let mut next = Some(first);
            while let Some(work) = next {
                round.add(work);
                next = if round.intents < BATCH_INTENTS { queue.try_recv().ok() } else { None };
            }
            // After a failed commit nobody knows what is on disk; the senders see their reply
            // dropped, and the next start reads the truth.
            self.sign_batch(round.signing, round.returned, round.intents)?;
            if round.reload {
                self.reload_policy()?;
            }
            for (call, reply) in round.other {
                // A receiver that is gone needs no answer.
                let _ = reply.send(self.answer(call)?);
            }
        }
        Ok(())
    }

    fn answer(&mut self, call: Call) -> Result<Outcome, ServeError> {
        Ok(match call {
            Call::EnsureKey { role, index } => match self.ensure_key(&role, index)? {
                Ok(key) => Outcome::Key(key),
                Err(refusal) => Outcome::Refused(refusal),
            },
            Call::ListKeys {} => Outcome::Keys(self.keyring.list().cloned().collect()),
            Call::Signed { key, chain_id, nonce } => {
                let id = nonce_id(&key, chain_id, nonce);
                Outcome::Signed(self.store.signed(id).map_err(ServeError::Store)?)
            }
            Call::Health {} => Outcome::Health(Health {
                policy_digest: self.policy.digest,
                keys: self.keyring.list().count() as u32,
                pid: std::process::id(),
                audit_seq: self.journal.head().seq,
                audit_hash: self.journal.head().hash.into(),
            }),
            Call::Metrics {} => {
                let keys = self.keyring.list().count() as u64;
                let gauges = [("keys", keys), ("audit_lines", self.journal.head().seq)];
                Outcome::Metrics(self.metrics.render(&self.policy.digest.to_string(), &gauges))
            }
            Call::SignTransactions { .. } | Call::SignTyped { .. } => {
                Outcome::Fault(Fault::Internal)
            }
        })
    }

    fn now_ms(&mut self) -> u64 {
        // A clock that is set back gives no budget back.
        self.last_ms = self.last_ms.max(self.clock.now_ms());
        self.last_ms
    }

    /// Puts one line into the audit log, durably.
    fn note(&mut self, entry: Entry) -> Result<(), ServeError> {
        let now_ms = self.now_ms();
        let tx = self.store.begin().map_err(ServeError::Store)?;
        let lines = self.journal.record(&tx, now_ms, &[entry])?;
        tx.commit().map_err(|error| ServeError::Store(error.into()))?;
        self.journal.publish(&lines)
    }

    /// Takes the policy file if it makes sense; otherwise goes on with what is in force.
    fn reload_policy(&mut self) -> Result<(), ServeError> {
        let from = self.policy.digest;
        let read = read_policy(&self.policy_file)
            .and_then(|text| Policy::parse(&text).map_err(ServeError::from));
        match read {
            Ok(policy) => {
                let to = policy.digest;
                // In the log before it is in force.
                self.note(Entry::PolicyChanged { from, to })?;
                self.policy = policy;
                self.metrics.reload(true);
                tracing::warn!(%from, %to, "policy reloaded");
            }
            Err(error) => {
                let source = std::error::Error::source(&error);
                let reason: String = match source {
                    Some(source) => format!("{error}: {source}"),
                    None => error.to_string(),
                };
                let reason: String = reason.chars().take(REASON_CHARS_MAX).collect();
                tracing::error!(kept = %from, %reason, "POLICY NOT RELOADED, the old one stays");
                self.note(Entry::PolicyRefused { kept: from, reason })?;
                self.metrics.reload(false);
            }
        }
        Ok(())
    }

    fn ensure_key(
        &mut self,
        role: &str,
        index: u32,
    ) -> Result<Result<KeyInfo, Refusal>, ServeError> {
        let limit = match self.policy.role(role) {
            Ok(rules) => rules.keys_max,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Some(key) = self.keyring.get(role, index) {
            return Ok(Ok(key.info.clone()));
        }
        if index >= limit || self.keyring.is_full() || self.keyring.is_remote(role) {
            return Ok(Err(Refusal::TooManyKeys { limit }));
        }
        // Announced first: a file that the store has never heard of means a lost store.
        let store = &self.store;
        let key = self
            .keyring
            .create(role, index, |key| store.set_key(key, false).map_err(ServeError::Store))?;
        store.set_key(&key, true).map_err(ServeError::Store)?;
        tracing::info!(key.role = role, key.index = index, key.address = %key.address, "new key");
        let (role, index, address) = (key.role.clone(), key.index, key.address);
        self.note(Entry::KeyCreated { role, index, key: address })?;
        Ok(Ok(key))
    }

    fn sign_batch(
        &mut self,
        batch: Vec<Signing>,
        returned: Vec<Errand>,
        intents: usize,
    ) -> Result<(), ServeError> {
        if batch.is_empty() && returned.is_empty() {
            return Ok(());
        }
        let now_ms = self.now_ms();
        let tx = self.store.begin().map_err(ServeError::Store)?;
        let mut answers = returned;
        let (entries, claimed) = {
            let mut ledger = Ledger::open(&tx).map_err(ServeError::Store)?;
            self.forget(&mut ledger, now_ms).map_err(ServeError::Store)?;
            let mut judge = Judge {
                policy: &self.policy,
                keyring: &self.keyring,
                retired: &self.retired,
                remote: &mut self.remote,
                metrics: &mut self.metrics,
                ledger,
                now_ms,
                entries: Vec::new(),
                claimed: false,
            };
            for errand in &mut answers {
                judge.settle(errand).map_err(ServeError::Store)?;
            }
            for Signing { asked, approvals, reply, since } in batch {
                let messages = matches!(asked, Asked::Messages(_));
                let slots = judge.answer(&asked, &approvals).map_err(ServeError::Store)?;
                answers.push(Errand { slots, messages, reply, since });
            }
            (judge.entries, judge.claimed)
        };
        if entries.is_empty() && !claimed {
            // Nothing new was signed: nothing to remember.
            tx.abort().map_err(|error| ServeError::Store(error.into()))?;
        } else if entries.is_empty() {
            tx.commit().map_err(|error| ServeError::Store(error.into()))?;
        } else {
            let lines = self.journal.record(&tx, now_ms, &entries)?;
            tx.commit().map_err(|error| ServeError::Store(error.into()))?;
            self.journal.publish(&lines)?;
        }
        self.metrics.batch(intents);
        for errand in answers {
            if let Some(since) = self.remote.dispatch(errand) {
                self.metrics.request(since.elapsed());
            }
        }
        Ok(())
    }

    /// Once a minute, forgets counters of periods long over.
    fn forget(&mut self, ledger: &mut Ledger<'_>, now_ms: u64) -> Result<(), redb::Error> {
        let (day, minute) = (now_ms / MS_PER_DAY, now_ms / MS_PER_MINUTE);
        if minute == self.forgotten_minute {
            return Ok(());
        }
        self.forgotten_minute = minute;
        ledger.forget_before(day.saturating_sub(KEPT_DAYS), minute.saturating_sub(KEPT_MINUTES))
    }
}

/// Checks that keystore and store belong together: a keystore with an empty store would sign
/// nonces again that it signed before. `adopt` allows just that, once.
pub(crate) fn reconcile(keyring: &Keyring, store: &Store, adopt: bool) -> Result<(), ServeError> {
    let known = store.keys().map_err(ServeError::Store)?;
    for (key, saved) in &known {
        let held = keyring.get(&key.role, key.index).map(|held| held.info.address);
        let done = match (held, saved) {
            (Some(address), true) if address == key.address => Ok(()),
            (Some(address), false) if address == key.address => store.set_key(key, true),
            // Killed before its file was written: it can't have signed anything.
            (None, false) => store.remove_key(key),
            _ => {
                let reason = format!("{}.{} should be {}", key.role, key.index, key.address);
                return Err(ServeError::Mismatch { reason });
            }
        };
        done.map_err(ServeError::Store)?;
    }
    for key in keyring.list().filter(|key| !known.iter().any(|(other, _)| other == *key)) {
        if !adopt {
            let reason = format!("the store does not know {}.{}", key.role, key.index);
            return Err(ServeError::Mismatch { reason });
        }
        store.set_key(key, true).map_err(ServeError::Store)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
