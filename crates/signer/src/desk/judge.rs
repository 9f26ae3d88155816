//! One request judged against policy and memory, and signed.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Keccak256, U256};

use super::{
    Asked, MS_PER_DAY, MS_PER_HOUR, MS_PER_MINUTE,
    remote::{Parcel, RemoteDesk, Slot, What, message_id, typed},
    retired::Retired,
};
use crate::{
    approval::{Approval, message_act, transaction_act},
    journal::{Entry, MessageEntry, TransactionEntry},
    keys::{Custody, Keyring, LocalKey, RemoteKey},
    metrics::Metrics,
    policy::{ApprovalRule, Grant, Policy, Role},
    refusal::{ApprovedBy, Refusal},
    store::{Ledger, Nonce, NonceRecord, Period, nonce_id},
    tx::{self, call_digest},
    wire::{INTENTS_MAX, SignedTx, SignedTyped, TxIntent, TxKind, TypedIntent},
};

/// Most variants of one nonce: bumping 1 gwei by a tenth this often passes any limit of fees.
const VARIANTS_MAX: u32 = 256;
const MS_PER_SECOND: u64 = 1000;

/// What one batch is judged by. The ledger is that of its one write transaction.
pub(super) struct Judge<'a, 'tx> {
    pub(super) policy: &'a Policy,
    pub(super) keyring: &'a Keyring,
    pub(super) retired: &'a Retired,
    pub(super) remote: &'a mut RemoteDesk,
    pub(super) metrics: &'a mut Metrics,
    pub(super) ledger: Ledger<'tx>,
    pub(super) now_ms: u64,
    /// A line for each new signature.
    pub(super) entries: Vec<Entry>,
    /// Whether something is to be remembered besides.
    pub(super) claimed: bool,
}

/// Why nothing is signed.
enum Stop {
    Refused(Refusal),
    Store(redb::Error),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<redb::Error> for Stop {
    fn from(error: redb::Error) -> Self {
        Self::Store(error)
    }
}

/// A signature, and whether it is a new one; or that it is made elsewhere.
enum Signed<T> {
    New(T),
    Known(T),
    Away(Box<Parcel>),
}

/// What became of an intent, after counting it.
enum Ended<T> {
    Done(Result<T, Refusal>),
    Away(Box<Parcel>),
}

/// The grant that an act goes by, and the approvals that it uses up.
struct Chosen {
    identity: Option<B256>,
    approvals: BTreeMap<Address, B256>,
}

/// A transaction that may be signed, before it is.
struct Case<'a> {
    intent: &'a TxIntent,
    role: &'a Role,
    id: Nonce,
    digest: B256,
    void: bool,
    record: Option<NonceRecord>,
    chosen: Chosen,
    /// Whether its value does.
    counts: bool,
    /// Its line in the audit log, but for the hash.
    entry: TransactionEntry,
}

impl Judge<'_, '_> {
    pub(super) fn answer(
        &mut self,
        asked: &Asked,
        approvals: &[Approval],
    ) -> Result<Vec<Slot>, redb::Error> {
        let mut slots = Vec::with_capacity(INTENTS_MAX);
        match asked {
            Asked::Transactions(intents) => {
                for intent in intents {
                    let judged = self.sign_transaction(intent, approvals);
                    slots.push(match self.count(intent.key, "transaction", judged)? {
                        Ended::Done(outcome) => Slot::Transaction(outcome),
                        Ended::Away(parcel) => Slot::Away(parcel),
                    });
                }
            }
            Asked::Messages(intents) => {
                for intent in intents {
                    let judged = self.sign_message(intent, approvals);
                    slots.push(match self.count(intent.key, "message", judged)? {
                        Ended::Done(outcome) => Slot::Message(outcome),
                        Ended::Away(parcel) => Slot::Away(parcel),
                    });
                }
            }
        }
        Ok(slots)
    }

    fn count<T>(
        &mut self,
        key: Address,
        what: &'static str,
        judged: Result<Signed<T>, Stop>,
    ) -> Result<Ended<T>, redb::Error> {
        let (outcome, judged) = match judged {
            Ok(Signed::New(signed)) => ("signed", Ended::Done(Ok(signed))),
            Ok(Signed::Known(signed)) => ("known", Ended::Done(Ok(signed))),
            Ok(Signed::Away(parcel)) => {
                self.claimed = true;
                self.remote.depart(&parcel);
                ("away", Ended::Away(parcel))
            }
            Err(Stop::Refused(refusal)) => (refusal.code(), Ended::Done(Err(refusal))),
            Err(Stop::Store(error)) => return Err(error),
        };
        let role = self.keyring.find(&key).map_or("", |key| key.info.role.as_str());
        self.metrics.intent(role, what, outcome);
        Ok(judged)
    }

    fn sign_transaction(
        &mut self,
        intent: &TxIntent,
        approvals: &[Approval],
    ) -> Result<Signed<SignedTx>, Stop> {
        let (keyring, policy) = (self.keyring, self.policy);
        let key = keyring.find(&intent.key).ok_or(Refusal::UnknownKey { key: intent.key })?;
        let role = policy.role(&key.info.role)?;
        let retired = self.retired.judge(&intent.key);
        let grants = match retired {
            None => role.check(intent)?,
            Some(retired) => retired.check(role, intent)?,
        };
        let id = nonce_id(&intent.key, intent.chain_id, intent.nonce);
        let digest = call_digest(intent.key, &intent.kind);
        let void = digest == call_digest(intent.key, &TxKind::Void {});
        let record = self.ledger.record(id)?;
        if let Some(record) = &record
            && record.digest != digest
            && !void
        {
            let (nonce, signed) = (intent.nonce, record.digest);
            return Err(Refusal::NonceConflict { nonce, signed, asked: digest }.into());
        }
        if let (None, Some(retired)) = (&record, retired) {
            retired.check_new(intent)?;
        }
        // Who approved a call approved its nonce's variants: only one of them can mine.
        let chosen = match &record {
            Some(_) => Chosen { identity: None, approvals: BTreeMap::new() },
            None => {
                let act = transaction_act(intent.key, intent.chain_id, &intent.kind);
                self.choose((role, &grants), act, nonce_hash(intent), approvals)?
            }
        };
        let drain = retired.is_some_and(|retired| retired.is_drain(intent));
        let entry = TransactionEntry {
            role: role.name.clone(),
            key: intent.key,
            chain_id: intent.chain_id,
            nonce: intent.nonce,
            to: receiver(intent),
            value: tx::value(&intent.kind),
            selector: selector(&intent.kind),
            digest,
            hash: B256::ZERO,
            policy: policy.digest,
            approved_by: chosen.approvals.keys().copied().collect(),
        };
        let counts = record.is_none() && !drain;
        let case = Case { intent, role, id, digest, void, record, chosen, counts, entry };
        match &key.custody {
            Custody::Here(key) => self.sign_here(key, case),
            Custody::Remote(key) => self.send_away(key, case),
        }
    }

    fn sign_here(&mut self, key: &LocalKey, case: Case<'_>) -> Result<Signed<SignedTx>, Stop> {
        let signed = tx::build(case.intent, |hash| key.sign(hash));
        // Asked again after a lost answer: the same bytes, and nothing counts twice.
        if let Some(record) = &case.record
            && self.ledger.holds(case.id, record, signed.hash)?
        {
            return Ok(Signed::Known(signed));
        }
        self.take(&case)?;
        let Case { id, record, digest, void, mut entry, .. } = case;
        self.ledger.add_variant(id, record.as_ref(), digest, void, &signed)?;
        entry.hash = signed.hash;
        self.entries.push(Entry::Transaction(entry));
        Ok(Signed::New(signed))
    }

    fn send_away(&mut self, key: &RemoteKey, case: Case<'_>) -> Result<Signed<SignedTx>, Stop> {
        let hash = tx::signing_hash(case.intent);
        if let Some(signature) = self.ledger.remote_signature(case.id, hash)? {
            return Ok(Signed::Known(tx::build(case.intent, |_| signature)));
        }
        // Before anything is claimed or charged: this one is not even asked for.
        if !self.remote.may_depart(case.id, hash) {
            return Err(Refusal::KeyUnavailable { key: case.intent.key }.into());
        }
        self.take(&case)?;
        let Case { id, record, digest, void, .. } = case;
        self.ledger.claim(id, record.as_ref(), digest)?;
        let (intent, entry) = (Box::new(case.intent.clone()), Box::new(case.entry));
        Ok(away(key, id, hash, What::Transaction { intent, digest, void, entry }))
    }

    /// What a new signature costs.
    fn take(&mut self, case: &Case<'_>) -> Result<(), Stop> {
        if case.record.as_ref().is_some_and(|record| record.variants >= VARIANTS_MAX) {
            return Err(Refusal::TooManyVariants { limit: VARIANTS_MAX }.into());
        }
        self.charge(case.role, case.intent, case.counts)?;
        Ok(self.use_up(&case.chosen, nonce_hash(case.intent))?)
    }

    fn sign_message(
        &mut self,
        intent: &TypedIntent,
        approvals: &[Approval],
    ) -> Result<Signed<SignedTyped>, Stop> {
        let (keyring, policy) = (self.keyring, self.policy);
        let key = keyring.find(&intent.key).ok_or(Refusal::UnknownKey { key: intent.key })?;
        let role = policy.role(&key.info.role)?;
        let (digest, grants) = role.check_message(intent)?;
        let id = message_id(&intent.key);
        if self.ledger.has_message(&intent.key, digest)? {
            return match &key.custody {
                Custody::Here(key) => Ok(Signed::Known(typed(&key.sign(digest), digest))),
                Custody::Remote(remote) => match self.ledger.remote_signature(id, digest)? {
                    Some(signature) => Ok(Signed::Known(typed(&signature, digest))),
                    // Claimed, but no signature has come yet.
                    None if self.remote.may_depart(id, digest) => {
                        self.charge_rate(role)?;
                        Ok(away(remote, id, digest, What::Message))
                    }
                    None => Err(Refusal::KeyUnavailable { key: intent.key }.into()),
                },
            };
        }
        if self.retired.judge(&intent.key).is_some() {
            return Err(Refusal::KeyRetired { key: intent.key }.into());
        }
        if matches!(key.custody, Custody::Remote(_)) && !self.remote.may_depart(id, digest) {
            return Err(Refusal::KeyUnavailable { key: intent.key }.into());
        }
        let act = message_act(intent.key, digest);
        let chosen = self.choose((role, &grants), act, act, approvals)?;
        if let Some(identity) = chosen.identity
            && let Some(signed) = self.ledger.identity(identity)?
            && signed != digest
        {
            return Err(Refusal::MessageConflict { signed, asked: digest }.into());
        }
        self.charge_rate(role)?;
        self.use_up(&chosen, act)?;
        self.ledger.add_message(&intent.key, digest, chosen.identity)?;
        self.entries.push(Entry::Message(MessageEntry {
            role: role.name.clone(),
            key: intent.key,
            domain: intent.domain.clone(),
            primary_type: intent.primary_type.clone(),
            digest,
            identity: chosen.identity,
            policy: policy.digest,
            approved_by: chosen.approvals.into_keys().collect(),
        }));
        Ok(match &key.custody {
            Custody::Here(key) => Signed::New(typed(&key.sign(digest), digest)),
            Custody::Remote(remote) => away(remote, id, digest, What::Message),
        })
    }

    /// The first grant that needs no approval, or the first that has enough.
    fn choose(
        &self,
        (role, grants): (&Role, &[Grant<'_>]),
        act: B256,
        used_for: B256,
        approvals: &[Approval],
    ) -> Result<Chosen, Stop> {
        if let Some(free) = grants.iter().find(|grant| grant.approvals.is_none()) {
            return Ok(Chosen { identity: free.identity, approvals: BTreeMap::new() });
        }
        let mut missing = None;
        for grant in grants {
            let Some(rule) = grant.approvals else { continue };
            let (mut valid, mut refused) = (BTreeMap::new(), Vec::new());
            for approval in approvals.iter().filter(|approval| approval.act == act) {
                match self.check_approval(rule, approval, used_for)? {
                    Ok(operator) => drop(valid.insert(operator, approval.hash())),
                    Err(reason) => refused.push(reason),
                }
            }
            if valid.len() >= rule.count as usize {
                return Ok(Chosen { identity: grant.identity, approvals: valid });
            }
            let mut operators: Vec<Address> = rule.from.iter().copied().collect();
            operators.sort_unstable();
            missing.get_or_insert(Refusal::ApprovalRequired {
                act,
                needed: rule.count,
                valid: valid.len() as u32,
                expires_max_s: rule.expires_max_s,
                rule: Box::new(ApprovedBy {
                    operators,
                    role: role.name.clone(),
                    policy: self.policy.digest,
                }),
                refused,
            });
        }
        // Grants are never empty.
        Err(missing.unwrap_or(Refusal::UnknownRole { role: String::new() }).into())
    }

    /// Who approves, or why that does not count.
    fn check_approval(
        &self,
        rule: &ApprovalRule,
        approval: &Approval,
        used_for: B256,
    ) -> Result<Result<Address, String>, redb::Error> {
        let now_s = self.now_ms / MS_PER_SECOND;
        let used = self.ledger.approval(approval.hash())?;
        Ok(match approval.signer() {
            None => Err("no signature".to_owned()),
            Some(signer) if !rule.from.contains(&signer) => {
                Err(format!("{signer} is no operator of the rule"))
            }
            // Two persons, not one with two hats.
            Some(signer) if self.keyring.find(&signer).is_some() => {
                Err(format!("{signer} is a key of this signer"))
            }
            Some(_) if approval.expires <= now_s => Err("expired".to_owned()),
            Some(_) if approval.expires > now_s.saturating_add(rule.expires_max_s) => {
                Err(format!("lasts longer than {} s", rule.expires_max_s))
            }
            Some(_) if used.is_some_and(|used| used != used_for) => Err("used already".to_owned()),
            Some(signer) => Ok(signer),
        })
    }

    fn use_up(&mut self, chosen: &Chosen, used_for: B256) -> Result<(), redb::Error> {
        chosen.approvals.values().try_for_each(|hash| self.ledger.set_approval(*hash, used_for))
    }

    /// Takes a new transaction from its role's budgets, or nothing at all. Its value `counts` once:
    /// only one variant of a nonce can ever mine.
    fn charge(&mut self, role: &Role, intent: &TxIntent, counts: bool) -> Result<(), Stop> {
        let asked = if counts { tx::value(&intent.kind) } else { U256::ZERO };
        let (day, hour) = (self.now_ms / MS_PER_DAY, self.now_ms / MS_PER_HOUR);
        let chain_id = intent.chain_id;
        let mut sums = Vec::new();
        if !asked.is_zero() {
            let at = Period::Day(day);
            let (spent, limit) =
                (self.ledger.spent(at, &role.name, chain_id)?, role.value_wei_day_max);
            let sum = spent.checked_add(asked).filter(|sum| *sum <= limit);
            sums.push((at, sum.ok_or(Refusal::OverDailyValue { asked, spent, limit })?));
        }
        if let Some(limit) = role.value_wei_hour_max.filter(|_| !asked.is_zero()) {
            let at = Period::Hour(hour);
            let spent = self.ledger.spent(at, &role.name, chain_id)?;
            let sum = spent.checked_add(asked).filter(|sum| *sum <= limit);
            sums.push((at, sum.ok_or(Refusal::OverHourlyValue { asked, spent, limit })?));
        }
        self.charge_rate(role)?;
        for (at, sum) in sums {
            self.ledger.set_spent(at, &role.name, chain_id, sum)?;
        }
        Ok(())
    }

    fn charge_rate(&mut self, role: &Role) -> Result<(), Stop> {
        let minute = self.now_ms / MS_PER_MINUTE;
        let count = self.ledger.signatures(minute, &role.name)?;
        let limit = role.signatures_per_minute;
        if count >= limit {
            return Err(Refusal::OverRate { limit }.into());
        }
        self.ledger.set_signatures(minute, &role.name, count + 1)?;
        Ok(())
    }
}

fn away<T>(key: &RemoteKey, id: Nonce, hash: B256, what: What) -> Signed<T> {
    let (address, key) = (key.address(), key.clone());
    Signed::Away(Box::new(Parcel { id, address, hash, key, what, signature: None }))
}

fn nonce_hash(intent: &TxIntent) -> B256 {
    let mut hash = Keccak256::new();
    hash.update(intent.key);
    hash.update(intent.chain_id.to_be_bytes());
    hash.update(intent.nonce.to_be_bytes());
    hash.finalize()
}

fn receiver(intent: &TxIntent) -> Option<Address> {
    match &intent.kind {
        TxKind::Call { to, .. } => Some(*to),
        TxKind::Create { .. } => None,
        TxKind::Void {} => Some(intent.key),
    }
}

fn selector(kind: &TxKind) -> Option<alloy_primitives::Selector> {
    match kind {
        TxKind::Call { data, .. } => data.first_chunk::<4>().map(|selector| selector.into()),
        TxKind::Create { .. } | TxKind::Void {} => None,
    }
}
