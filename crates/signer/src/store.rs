//! The signer's memory: what was signed at which nonce. Own file, own disk sync.

use std::{fmt, fs::OpenOptions, os::unix::fs::OpenOptionsExt, path::Path};

use alloy_primitives::{Address, B256, U256};
use audit::Head;
use redb::{Database, ReadableDatabase, ReadableTable, Table, TableDefinition, WriteTransaction};

use crate::{
    error::ServeError,
    wire::{KeyInfo, SignedNonce, SignedTx, SignedVariant},
};

mod remote;

/// Schema 1 had neither messages nor an audit log; its stores are taken over by adding tables.
const SCHEMA: u64 = 2;
/// Variants of one nonce whose bytes are kept.
const RAW_VARIANTS: u32 = 16;
/// Nonces back from a new one whose bytes are kept. Digests and hashes are kept for ever.
const RAW_NONCES: u64 = 4096;

const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
/// (role, index) → (address, whether its file is known to be on disk).
const KEYS: TableDefinition<(&str, u32), ([u8; 20], bool)> = TableDefinition::new("keys");
/// Nonce → (digest of the call that owns it, number of variants).
const NONCES: TableDefinition<Nonce, ([u8; 32], u32)> = TableDefinition::new("nonces");
/// Nonce, number of the variant → (transaction hash, whether it is the void).
const VARIANTS: TableDefinition<(Nonce, u32), ([u8; 32], bool)> = TableDefinition::new("variants");
/// Nonce, number of the variant → signed bytes.
const RAWS: TableDefinition<(Nonce, u32), &[u8]> = TableDefinition::new("raws");
/// Period (day or minute since 1970), role, chain → wei of that day on that chain.
const DAYS: TableDefinition<(u64, &str, u64), [u8; 32]> = TableDefinition::new("days");
/// The same by the hour.
const HOURS: TableDefinition<(u64, &str, u64), [u8; 32]> = TableDefinition::new("hours");
/// Identity of a message → its hash.
const IDENTITIES: TableDefinition<[u8; 32], [u8; 32]> = TableDefinition::new("identities");
/// (Key's address, hash of a message that it signed).
const MESSAGES: TableDefinition<([u8; 20], [u8; 32]), ()> = TableDefinition::new("messages");
/// Hash of an approval → what it was used for.
const APPROVALS: TableDefinition<[u8; 32], [u8; 32]> = TableDefinition::new("approvals");
/// Number of its first line → lines of the audit log that may not be in its files yet.
const AUDIT: TableDefinition<u64, &str> = TableDefinition::new("audit");
/// Number, hash and time of the audit log's last line.
const AUDIT_HEAD: TableDefinition<(), (u64, [u8; 32], u64)> = TableDefinition::new("audit_head");
/// Minute since 1970, role → signatures of that minute.
const MINUTES: TableDefinition<(u64, &str), u32> = TableDefinition::new("minutes");

/// Key's address, chain, nonce.
pub(crate) type Nonce = ([u8; 20], u64, u64);

type StoreResult<T> = Result<T, redb::Error>;

pub(crate) fn nonce_id(key: &Address, chain_id: u64, nonce: u64) -> Nonce {
    (key.into_array(), chain_id, nonce)
}

pub(crate) struct Store {
    db: Database,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    pub(crate) fn open(path: &Path) -> Result<Self, ServeError> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| ServeError::file(path, error))?;
        let db = Database::builder().create_file(file).map_err(|error| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => {
                ServeError::Locked { path: path.to_owned() }
            }
            other => ServeError::Store(other.into()),
        })?;
        let store = Self { db };
        match store.prepare().map_err(ServeError::Store)? {
            SCHEMA => Ok(store),
            found => Err(ServeError::Schema { found, expected: SCHEMA }),
        }
    }

    /// Creates the tables of an empty file; returns the schema's version.
    fn prepare(&self) -> StoreResult<u64> {
        let tx = self.db.begin_write()?;
        let found = {
            let mut meta = tx.open_table(META)?;
            let found = meta.get("schema")?.map(|version| version.value());
            match found {
                Some(version) if version > SCHEMA => version,
                _ => {
                    meta.insert("schema", SCHEMA)?;
                    SCHEMA
                }
            }
        };
        if found == SCHEMA {
            tx.open_table(KEYS)?;
            tx.open_table(AUDIT)?;
            tx.open_table(AUDIT_HEAD)?;
            Ledger::open(&tx)?;
            tx.commit()?;
        } else {
            tx.abort()?;
        }
        Ok(found)
    }

    /// All keys, each with whether its file is known to be on disk.
    pub(crate) fn keys(&self) -> StoreResult<Vec<(KeyInfo, bool)>> {
        let table = self.db.begin_read()?.open_table(KEYS)?;
        let mut keys = Vec::new();
        for row in table.iter()? {
            let (id, value) = row?;
            let ((role, index), (address, saved)) = (id.value(), value.value());
            let address = Address::from(address);
            keys.push((KeyInfo { address, role: role.to_owned(), index }, saved));
        }
        Ok(keys)
    }

    /// The audit log's place, and its lines that may not be in its files yet.
    pub(crate) fn audit(&self) -> StoreResult<(Head, Vec<String>)> {
        let tx = self.db.begin_read()?;
        let head = tx.open_table(AUDIT_HEAD)?.get(())?.map(|row| row.value());
        let head = head.map_or(Head::START, |(seq, hash, time_ms)| Head { seq, hash, time_ms });
        let mut rows = Vec::new();
        for row in tx.open_table(AUDIT)?.iter()? {
            rows.push(row?.1.value().to_owned());
        }
        Ok((head, rows))
    }

    pub(crate) fn set_key(&self, key: &KeyInfo, saved: bool) -> StoreResult<()> {
        let tx = self.db.begin_write()?;
        let row = (key.address.into_array(), saved);
        tx.open_table(KEYS)?.insert((key.role.as_str(), key.index), row)?;
        Ok(tx.commit()?)
    }

    pub(crate) fn remove_key(&self, key: &KeyInfo) -> StoreResult<()> {
        let tx = self.db.begin_write()?;
        tx.open_table(KEYS)?.remove((key.role.as_str(), key.index))?;
        Ok(tx.commit()?)
    }

    pub(crate) fn begin(&self) -> StoreResult<WriteTransaction> {
        Ok(self.db.begin_write()?)
    }

    pub(crate) fn signed(&self, id: Nonce) -> StoreResult<Option<SignedNonce>> {
        let tx = self.db.begin_read()?;
        let Some(record) = tx.open_table(NONCES)?.get(id)?.map(|row| row.value()) else {
            return Ok(None);
        };
        let (variants, raws) = (tx.open_table(VARIANTS)?, tx.open_table(RAWS)?);
        let mut signed = SignedNonce { digest: record.0.into(), variants: Vec::new() };
        for row in variants.range((id, 0)..(id, record.1))? {
            let (at, variant) = row?;
            let (hash, void) = variant.value();
            let raw = raws.get(at.value())?.map(|raw| raw.value().to_vec().into());
            signed.variants.push(SignedVariant { hash: hash.into(), void, raw });
        }
        Ok(Some(signed))
    }
}

/// Adds lines of the audit log from number `first` on, after which it stands at `head`.
pub(crate) fn set_audit(
    tx: &WriteTransaction,
    first: u64,
    lines: &str,
    head: Head,
) -> StoreResult<()> {
    tx.open_table(AUDIT)?.insert(first, lines)?;
    tx.open_table(AUDIT_HEAD)?.insert((), (head.seq, head.hash, head.time_ms))?;
    Ok(())
}

/// Forgets lines up to number `synced`, which are safe in their files.
pub(crate) fn forget_audit(tx: &WriteTransaction, synced: u64) -> StoreResult<()> {
    tx.open_table(AUDIT)?.retain_in(..=synced, |_, _| false)?;
    Ok(())
}

/// What is known of a nonce.
#[derive(Debug)]
pub(crate) struct NonceRecord {
    pub(crate) digest: B256,
    pub(crate) variants: u32,
}

/// A day or an hour since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Period {
    Day(u64),
    Hour(u64),
}

/// The tables of one write transaction.
pub(crate) struct Ledger<'tx> {
    nonces: Table<'tx, Nonce, ([u8; 32], u32)>,
    variants: Table<'tx, (Nonce, u32), ([u8; 32], bool)>,
    raws: Table<'tx, (Nonce, u32), &'static [u8]>,
    days: Table<'tx, (u64, &'static str, u64), [u8; 32]>,
    hours: Table<'tx, (u64, &'static str, u64), [u8; 32]>,
    identities: Table<'tx, [u8; 32], [u8; 32]>,
    messages: Table<'tx, ([u8; 20], [u8; 32]), ()>,
    approvals: Table<'tx, [u8; 32], [u8; 32]>,
    minutes: Table<'tx, (u64, &'static str), u32>,
    remote: remote::RemoteTable<'tx>,
}

impl<'tx> Ledger<'tx> {
    pub(crate) fn open(tx: &'tx WriteTransaction) -> StoreResult<Self> {
        Ok(Self {
            nonces: tx.open_table(NONCES)?,
            variants: tx.open_table(VARIANTS)?,
            raws: tx.open_table(RAWS)?,
            days: tx.open_table(DAYS)?,
            hours: tx.open_table(HOURS)?,
            identities: tx.open_table(IDENTITIES)?,
            messages: tx.open_table(MESSAGES)?,
            approvals: tx.open_table(APPROVALS)?,
            minutes: tx.open_table(MINUTES)?,
            remote: remote::open(tx)?,
        })
    }

    pub(crate) fn record(&self, id: Nonce) -> StoreResult<Option<NonceRecord>> {
        let row = self.nonces.get(id)?.map(|row| row.value());
        Ok(row.map(|(digest, variants)| NonceRecord { digest: digest.into(), variants }))
    }

    pub(crate) fn holds(&self, id: Nonce, record: &NonceRecord, hash: B256) -> StoreResult<bool> {
        for row in self.variants.range((id, 0)..(id, record.variants))? {
            if row?.1.value().0 == hash.0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Adds a variant, and with the first one the nonce's digest.
    pub(crate) fn add_variant(
        &mut self,
        id: Nonce,
        record: Option<&NonceRecord>,
        digest: B256,
        void: bool,
        signed: &SignedTx,
    ) -> StoreResult<()> {
        let (owner, number) = record.map_or((digest, 0), |r| (r.digest, r.variants));
        self.nonces.insert(id, (owner.0, number + 1))?;
        self.variants.insert((id, number), (signed.hash.0, void))?;
        self.raws.insert((id, number), signed.raw.as_ref())?;
        if let Some(old) = number.checked_sub(RAW_VARIANTS) {
            self.raws.remove((id, old))?;
        }
        let (key, chain_id, nonce) = id;
        if let (0, Some(old)) = (number, nonce.checked_sub(RAW_NONCES)) {
            let old = (key, chain_id, old);
            self.raws.retain_in((old, 0)..=(old, u32::MAX), |_, _| false)?;
        }
        Ok(())
    }

    /// Wei that `role` signed away on a chain in this hour or on this day.
    pub(crate) fn spent(&self, at: Period, role: &str, chain_id: u64) -> StoreResult<U256> {
        let row = match at {
            Period::Day(day) => self.days.get((day, role, chain_id))?,
            Period::Hour(hour) => self.hours.get((hour, role, chain_id))?,
        };
        Ok(row.map_or(U256::ZERO, |wei| U256::from_be_bytes(wei.value())))
    }

    pub(crate) fn set_spent(
        &mut self,
        at: Period,
        role: &str,
        chain_id: u64,
        wei: U256,
    ) -> StoreResult<()> {
        let wei = wei.to_be_bytes::<32>();
        match at {
            Period::Day(day) => self.days.insert((day, role, chain_id), wei)?,
            Period::Hour(hour) => self.hours.insert((hour, role, chain_id), wei)?,
        };
        Ok(())
    }

    /// Hash of the message that has this identity.
    pub(crate) fn identity(&self, identity: B256) -> StoreResult<Option<B256>> {
        Ok(self.identities.get(identity.0)?.map(|row| row.value().into()))
    }

    /// Whether `key` signed the message before.
    pub(crate) fn has_message(&self, key: &Address, digest: B256) -> StoreResult<bool> {
        Ok(self.messages.get((key.into_array(), digest.0))?.is_some())
    }

    pub(crate) fn add_message(
        &mut self,
        key: &Address,
        digest: B256,
        identity: Option<B256>,
    ) -> StoreResult<()> {
        self.messages.insert((key.into_array(), digest.0), ())?;
        if let Some(identity) = identity {
            self.identities.insert(identity.0, digest.0)?;
        }
        Ok(())
    }

    /// What an approval was used for.
    pub(crate) fn approval(&self, hash: B256) -> StoreResult<Option<B256>> {
        Ok(self.approvals.get(hash.0)?.map(|row| row.value().into()))
    }

    pub(crate) fn set_approval(&mut self, hash: B256, used_for: B256) -> StoreResult<()> {
        self.approvals.insert(hash.0, used_for.0)?;
        Ok(())
    }

    pub(crate) fn signatures(&self, minute: u64, role: &str) -> StoreResult<u32> {
        Ok(self.minutes.get((minute, role))?.map_or(0, |count| count.value()))
    }

    pub(crate) fn set_signatures(
        &mut self,
        minute: u64,
        role: &str,
        count: u32,
    ) -> StoreResult<()> {
        self.minutes.insert((minute, role), count)?;
        Ok(())
    }

    /// Forgets counters of periods before these.
    pub(crate) fn forget_before(&mut self, day: u64, minute: u64) -> StoreResult<()> {
        self.days.retain_in(..(day, "", 0), |_, _| false)?;
        self.hours.retain_in(..(day * 24, "", 0), |_, _| false)?;
        self.minutes.retain_in(..(minute, ""), |_, _| false)?;
        Ok(())
    }
}
