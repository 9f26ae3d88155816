//! Where requests are judged and signed: one thread that owns keys, policy and store.
//!
//! Requests that wait together share one disk sync. Nothing leaves before that sync is done.

use std::{fmt, sync::Arc, time::SystemTime};

use alloy_primitives::U256;
use tokio::sync::{mpsc, oneshot};

mod remote;
mod retired;

pub(crate) use self::remote::{Errand, WAITING_MAX as ERRANDS_MAX, carry};
use self::{
    remote::{Parcel, RemoteDesk},
    retired::Retired,
};
use crate::{
    error::ServeError,
    keys::{Custody, Keyring},
    policy::{Policy, Role},
    store::{Ledger, NonceRecord, Store, nonce_id},
    tx::{self, call_digest},
    wire::{
        Call, Fault, Health, INTENTS_MAX, KeyInfo, Outcome, Refusal, SignOutcome, TxIntent, TxKind,
    },
};

/// Requests that may wait.
pub(crate) const QUEUE_MAX: usize = 64;
/// Intents after which a batch is closed.
const BATCH_INTENTS: usize = 1024;
/// Most variants of one nonce: bumping 1 gwei by a tenth this often passes any limit of fees.
const VARIANTS_MAX: u32 = 256;
/// Counters outlive their period, so that a clock which is corrected backwards finds them.
const KEPT_DAYS: u64 = 31;
const KEPT_MINUTES: u64 = 60;
const MS_PER_MINUTE: u64 = 60_000;
const MS_PER_DAY: u64 = 86_400_000;

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
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// What the desk is given to do.
#[derive(Debug)]
pub(crate) enum Work {
    /// A request, and where its answer goes.
    Ask { call: Call, reply: oneshot::Sender<Outcome> },
    /// Signatures that came, or did not, from where the keys are.
    Returned(Errand),
}

/// Several requests that share one sync.
type Asked = Vec<(Vec<TxIntent>, oneshot::Sender<Outcome>)>;

#[derive(Debug)]
pub(crate) struct Desk {
    policy: Policy,
    keyring: Keyring,
    store: Store,
    remote: RemoteDesk,
    retired: Retired,
    clock: Clock,
    last_ms: u64,
    forgotten_minute: u64,
}

impl Desk {
    /// Checks that keystore and store belong together: a keystore with an empty store would sign
    /// nonces again that it signed before. `adopt` allows just that, once. `errands` go to
    /// [`carry`].
    pub(crate) fn new(
        policy: Policy,
        (keyring, store): (Keyring, Store),
        errands: mpsc::Sender<Errand>,
        clock: Clock,
        adopt: bool,
    ) -> Result<Self, ServeError> {
        reconcile(&keyring, &store, adopt)?;
        let retired = Retired::load(&keyring, &store)?;
        let remote = RemoteDesk::new(errands);
        let (last_ms, forgotten_minute) = (0, 0);
        Ok(Self { policy, keyring, store, remote, retired, clock, last_ms, forgotten_minute })
    }

    /// Works until all senders are gone, or until the store fails.
    pub(crate) fn run(mut self, mut queue: mpsc::Receiver<Work>) -> Result<(), ServeError> {
        while let Some(first) = queue.blocking_recv() {
            let mut intents = 0;
            let (mut signing, mut returned, mut other) = (Vec::new(), Vec::new(), Vec::new());
            let mut next = Some(first);
            while let Some(work) = next {
                match work {
                    Work::Ask { call: Call::SignTransactions { intents: asked }, reply } => {
                        intents += asked.len();
                        signing.push((asked, reply));
                    }
                    Work::Ask { call, reply } => other.push((call, reply)),
                    Work::Returned(errand) => {
                        intents += errand.len();
                        returned.push(errand);
                    }
                }
                next = if intents < BATCH_INTENTS { queue.try_recv().ok() } else { None };
            }
            // After a failed commit nobody knows what is on disk; the senders see their reply
            // dropped, and the next start reads the truth.
            self.sign_batch(signing, returned).map_err(ServeError::Store)?;
            for (call, reply) in other {
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
            }),
            Call::SignTransactions { .. } => Outcome::Fault(Fault::Internal),
        })
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
        Ok(Ok(key))
    }

    fn sign_batch(&mut self, batch: Asked, returned: Vec<Errand>) -> Result<(), redb::Error> {
        if batch.is_empty() && returned.is_empty() {
            return Ok(());
        }
        // A clock that is set back gives no budget back.
        self.last_ms = self.last_ms.max((self.clock.0)());
        let tx = self.store.begin()?;
        let mut answers = Vec::with_capacity(batch.len() + returned.len());
        {
            let mut ledger = Ledger::open(&tx)?;
            let (day, minute) = (self.last_ms / MS_PER_DAY, self.last_ms / MS_PER_MINUTE);
            if minute != self.forgotten_minute {
                let (day, minute) =
                    (day.saturating_sub(KEPT_DAYS), minute.saturating_sub(KEPT_MINUTES));
                ledger.forget_before(day, minute)?;
                self.forgotten_minute = minute;
            }
            for mut errand in returned {
                self.remote.settle(&mut ledger, &mut errand)?;
                answers.push(errand);
            }
            for (intents, reply) in batch {
                let mut errand = Errand::new(intents.len().min(INTENTS_MAX), reply);
                for intent in &intents {
                    match self.sign(&mut ledger, intent)? {
                        Signing::Done(outcome) => errand.note(outcome),
                        Signing::Remote(parcel) => {
                            self.remote.depart(&parcel);
                            errand.put(parcel);
                        }
                    }
                }
                answers.push(errand);
            }
        }
        tx.commit()?;
        for errand in answers {
            self.remote.dispatch(errand);
        }
        Ok(())
    }

    fn sign(&self, ledger: &mut Ledger<'_>, intent: &TxIntent) -> Result<Signing, redb::Error> {
        let judged = self.keyring.find(&intent.key).ok_or(Refusal::UnknownKey { key: intent.key });
        let judged = judged.and_then(|key| {
            let role = self.policy.role(&key.info.role)?;
            match self.retired.judge(&intent.key) {
                None => role.check(intent)?,
                Some(retired) => retired.check(role, intent)?,
            }
            Ok((key, role))
        });
        let (key, role) = match judged {
            Ok(judged) => judged,
            Err(refusal) => return Ok(refusal.into()),
        };
        let id = nonce_id(&intent.key, intent.chain_id, intent.nonce);
        let digest = call_digest(intent.key, &intent.kind);
        let void = digest == call_digest(intent.key, &TxKind::Void {});
        let record = ledger.record(id)?;
        if let Some(record) = &record
            && record.digest != digest
            && !void
        {
            let (nonce, signed) = (intent.nonce, record.digest);
            return Ok(Refusal::NonceConflict { nonce, signed, asked: digest }.into());
        }
        if record.is_none()
            && let Some(retired) = self.retired.judge(&intent.key)
            && let Err(refusal) = retired.check_new(intent)
        {
            return Ok(refusal.into());
        }
        let full = record.as_ref().is_some_and(|record| record.variants >= VARIANTS_MAX);
        let too_many = Refusal::TooManyVariants { limit: VARIANTS_MAX };
        let drain = self.retired.judge(&intent.key).is_some_and(|retired| retired.is_drain(intent));
        let charge = Charge { name: &key.info.role, role, intent, now_ms: self.last_ms, drain };
        match &key.custody {
            Custody::Here(key) => {
                let signed = tx::build(intent, |hash| key.sign(hash));
                // Asked again after a lost answer: the same bytes, and nothing counts twice.
                if let Some(record) = &record
                    && ledger.holds(id, record, signed.hash)?
                {
                    return Ok(Signing::Done(Ok(signed)));
                }
                if full {
                    return Ok(too_many.into());
                }
                if let Err(refusal) = charge.take(ledger, record.as_ref())? {
                    return Ok(refusal.into());
                }
                ledger.add_variant(id, record.as_ref(), digest, void, &signed)?;
                Ok(Signing::Done(Ok(signed)))
            }
            Custody::Remote(key) => {
                let hash = tx::signing_hash(intent);
                if let Some(signature) = ledger.remote_signature(id, hash)? {
                    return Ok(Signing::Done(Ok(tx::build(intent, |_| signature))));
                }
                if full {
                    return Ok(too_many.into());
                }
                // Before anything is claimed or charged: this one is not even asked for.
                if !self.remote.may_depart(id, hash) {
                    return Ok(Refusal::KeyUnavailable { key: intent.key }.into());
                }
                if let Err(refusal) = charge.take(ledger, record.as_ref())? {
                    return Ok(refusal.into());
                }
                ledger.claim(id, record.as_ref(), digest)?;
                let (intent, key) = (intent.clone(), key.clone());
                Ok(Signing::Remote(Parcel { id, intent, hash, digest, void, key, signature: None }))
            }
        }
    }
}

/// What became of one intent in the first pass.
enum Signing {
    Done(SignOutcome),
    Remote(Parcel),
}

impl From<Refusal> for Signing {
    fn from(refusal: Refusal) -> Self {
        Self::Done(Err(refusal))
    }
}

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

/// What a new signature takes from its role's budgets.
struct Charge<'a> {
    name: &'a str,
    role: &'a Role,
    intent: &'a TxIntent,
    now_ms: u64,
    /// The operator has allowed its value.
    drain: bool,
}

impl Charge<'_> {
    fn take(
        &self,
        ledger: &mut Ledger<'_>,
        record: Option<&NonceRecord>,
    ) -> Result<Result<(), Refusal>, redb::Error> {
        let (day, minute) = (self.now_ms / MS_PER_DAY, self.now_ms / MS_PER_MINUTE);
        let count = ledger.signatures(minute, self.name)?;
        let limit = self.role.signatures_per_minute;
        if count >= limit {
            return Ok(Err(Refusal::OverRate { limit }));
        }
        // Only one variant of a nonce can ever mine, so its value counts once.
        let counts = record.is_none() && !self.drain;
        let asked = if counts { tx::value(&self.intent.kind) } else { U256::ZERO };
        if !asked.is_zero() {
            let chain_id = self.intent.chain_id;
            let spent = ledger.spent(day, self.name, chain_id)?;
            let limit = self.role.value_wei_day_max;
            match spent.checked_add(asked).filter(|sum| *sum <= limit) {
                Some(sum) => ledger.set_spent(day, self.name, chain_id, sum)?,
                None => return Ok(Err(Refusal::OverDailyValue { asked, spent, limit })),
            }
        }
        ledger.set_signatures(minute, self.name, count + 1)?;
        Ok(Ok(()))
    }
}

#[cfg(test)]
mod tests;
