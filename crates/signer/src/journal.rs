//! The signer's audit log: what it signed, by which policy, with whose approval.
//!
//! Lines are written into the store together with what they tell, in one commit with one disk
//! sync; after it they are appended to the log's files. A line is therefore in the log exactly if
//! its signature is in the store: after a crash the store has what the files lack. Rows of the
//! store are forgotten once the files are synced, every few thousand lines.

use std::path::{Path, PathBuf};

use alloy_primitives::{Address, B256, Selector, U256};
use audit::{Head, Line, Log};
use redb::WriteTransaction;
use serde::Serialize;

use crate::{error::ServeError, store::Store, wire::TypedDomain};

/// Name of the log: its files are `signatures-YYYY-MM-DD.jsonl`.
const NAME: &str = "signatures";
/// Lines after which the files are synced and the store's copies forgotten.
const SYNC_LINES: u64 = 4096;

/// What a line tells. Never a signature, never anything secret.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Entry {
    Started { policy: B256, version: &'static str },
    PolicyChanged { from: B256, to: B256 },
    PolicyRefused { kept: B256, reason: String },
    KeyCreated { role: String, index: u32, key: Address },
    KeyImported { role: String, index: u32, key: Address },
    KeyRetired { role: String, index: u32, key: Address, drain_to: Option<Address> },
    KeyReinstated { role: String, index: u32, key: Address },
    Transaction(TransactionEntry),
    Message(MessageEntry),
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct TransactionEntry {
    pub(crate) role: String,
    pub(crate) key: Address,
    pub(crate) chain_id: u64,
    pub(crate) nonce: u64,
    /// Receiver; none for a creation.
    pub(crate) to: Option<Address>,
    pub(crate) value: U256,
    pub(crate) selector: Option<Selector>,
    /// The call's digest: receiver, value and data.
    pub(crate) digest: B256,
    pub(crate) hash: B256,
    pub(crate) policy: B256,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) approved_by: Vec<Address>,
}

#[derive(Debug, Serialize)]
pub(crate) struct MessageEntry {
    pub(crate) role: String,
    pub(crate) key: Address,
    pub(crate) domain: TypedDomain,
    pub(crate) primary_type: String,
    pub(crate) digest: B256,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) identity: Option<B256>,
    pub(crate) policy: B256,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) approved_by: Vec<Address>,
}

/// Where the log of a store lies: `signed.redb` has `signed.audit/`.
pub(crate) fn dir_of(store_file: &Path) -> PathBuf {
    store_file.with_extension("audit")
}

#[derive(Debug)]
pub(crate) struct Journal {
    log: Log,
    head: Head,
    /// Lines up to here are in synced files.
    synced: u64,
    /// Lines up to here are no longer in the store.
    forgotten: u64,
}

impl Journal {
    /// Opens the log beside the store and brings it up to what the store has. They must agree: a
    /// log that is ahead means an old store, which has forgotten signatures; one that is behind
    /// was cut. `adopt` takes either, leaving the gap to be seen.
    pub(crate) fn open(dir: &Path, store: &Store, adopt: bool) -> Result<Self, ServeError> {
        let mut log = Log::open(dir, NAME)?;
        let (known, rows) = store.audit().map_err(ServeError::Store)?;
        let mut lines = Vec::new();
        for row in rows {
            for text in row.lines() {
                lines.push(Line::read(text).map_err(|error| damaged(&error.to_string()))?);
            }
        }
        lines.retain(|line| line.head().seq > log.head().seq);
        let kept = lines.first().is_some_and(|line| line.head().seq == log.head().seq + 1);
        if kept {
            log.append(&lines)?;
        }
        let found = log.head();
        if (found.seq, found.hash) != (known.seq, known.hash) {
            let reason = match found.seq > known.seq {
                true => "the log is ahead of the store, so the store is an old copy",
                false => "lines of the log are missing or changed",
            };
            let reason =
                format!("{reason}: the store is at line {}, the log at {}", known.seq, found.seq);
            if !adopt {
                return Err(damaged(&reason));
            }
            tracing::error!(%reason, "going on with an audit log that does not agree");
            if known.seq > found.seq {
                log.restart_after(known);
            }
        }
        log.sync()?;
        let head = log.head();
        Ok(Self { log, head, synced: head.seq, forgotten: 0 })
    }

    pub(crate) fn head(&self) -> Head {
        self.head
    }

    /// Writes lines into the store's transaction. [`Self::publish`] them after its commit.
    pub(crate) fn record(
        &mut self,
        tx: &WriteTransaction,
        now_ms: u64,
        entries: &[Entry],
    ) -> Result<Vec<Line>, ServeError> {
        let mut lines: Vec<Line> = Vec::with_capacity(entries.len());
        let mut head = self.head;
        for entry in entries {
            let line =
                Line::write(&head, now_ms, entry).map_err(|error| damaged(&error.to_string()))?;
            head = line.head();
            lines.push(line);
        }
        if self.synced > self.forgotten {
            crate::store::forget_audit(tx, self.synced).map_err(ServeError::Store)?;
            self.forgotten = self.synced;
        }
        let text: Vec<&str> = lines.iter().map(Line::text).collect();
        crate::store::set_audit(tx, self.head.seq + 1, &text.join("\n"), head)
            .map_err(ServeError::Store)?;
        Ok(lines)
    }

    /// Appends lines whose transaction is committed.
    pub(crate) fn publish(&mut self, lines: &[Line]) -> Result<(), ServeError> {
        self.log.append(lines)?;
        self.head = self.log.head();
        if self.head.seq >= self.synced + SYNC_LINES {
            self.log.sync()?;
            self.synced = self.head.seq;
        }
        Ok(())
    }
}

fn damaged(reason: &str) -> ServeError {
    ServeError::AuditMismatch { reason: reason.to_owned() }
}
