//! Rows in the binary form of `COPY`, made ready away from the database.

use crate::{DbError, column::push_numeric};
use alloy_primitives::{U256, aliases::I512};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// Signature, flags and length of the header's extension ("COPY", Binary Format).
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: [u8; 2] = (-1i16).to_be_bytes();
/// Bytes of one message.
const PART: usize = 1 << 18;
/// 2000-01-01T00:00:00Z, which Postgres counts from, in Unix seconds.
const EPOCH: i128 = 946_684_800;

/// Rows of one table.
#[derive(Clone, Debug)]
pub(crate) struct CopyBuffer {
    bytes: Vec<u8>,
    count: u64,
}

impl CopyBuffer {
    /// None yet, with room for so many bytes.
    pub(crate) fn new(capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(HEADER.len() + capacity);
        bytes.extend_from_slice(HEADER);
        Self { bytes, count: 0 }
    }

    /// Rows so far.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Begin a row of so many columns, which must follow.
    pub(crate) fn row(&mut self, columns: i16) {
        self.bytes.extend_from_slice(&columns.to_be_bytes());
        self.count += 1;
    }

    /// A value in the form that Postgres sends and takes for its type.
    pub(crate) fn field(&mut self, value: &[u8]) {
        self.length(value.len());
        self.bytes.extend_from_slice(value);
    }

    /// The same, or nothing.
    pub(crate) fn optional(&mut self, value: Option<impl AsRef<[u8]>>) {
        match value {
            Some(value) => self.field(value.as_ref()),
            None => self.null(),
        }
    }

    /// The parts of one value.
    pub(crate) fn parts<'a>(&mut self, parts: impl Iterator<Item = &'a [u8]> + Clone) {
        self.length(parts.clone().map(<[u8]>::len).sum());
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
    }

    pub(crate) fn numeric(&mut self, value: U256) {
        self.number(false, value.as_limbs());
    }

    pub(crate) fn signed(&mut self, value: I512) {
        self.number(value.is_negative(), value.unsigned_abs().as_limbs());
    }

    fn number(&mut self, negative: bool, limbs: &[u64]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        push_numeric(&mut self.bytes, negative, limbs);
        let length = i32::try_from(self.bytes.len() - start - 4).unwrap_or_default();
        self.bytes[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }

    pub(crate) fn time(&mut self, time: Option<OffsetDateTime>) {
        match time.and_then(micros) {
            Some(micros) => self.field(&micros.to_be_bytes()),
            None => self.null(),
        }
    }

    /// As `jsonb`: the version of its binary form, and the text.
    pub(crate) fn json(&mut self, value: &Value) {
        let text = value.to_string();
        self.parts([&[1], text.as_bytes()].into_iter());
    }

    pub(crate) fn null(&mut self) {
        self.bytes.extend_from_slice(&(-1i32).to_be_bytes());
    }

    /// A field above 2 GiB is none that Postgres or a node's answer could hold.
    fn length(&mut self, length: usize) {
        let length = i32::try_from(length).expect("invariant: a field is shorter than an answer");
        self.bytes.extend_from_slice(&length.to_be_bytes());
    }

    /// Add the rows in the caller's transaction by `statement`, a `copy … from stdin (format
    /// binary)`. A row that is there already fails it.
    ///
    /// # Errors
    /// [`DbError`]; the transaction must be given up.
    pub(crate) async fn send(
        &self,
        db: &mut PgConnection,
        statement: &'static str,
    ) -> Result<(), DbError> {
        if self.count == 0 {
            return Ok(());
        }
        let mut copy = db.copy_in_raw(statement).await?;
        for part in self.bytes.chunks(PART) {
            copy.send(part).await?;
        }
        copy.send(TRAILER.as_slice()).await?;
        let taken = copy.finish().await?;
        assert_eq!(taken, self.count, "invariant: Postgres takes every row or none");
        Ok(())
    }
}

fn micros(time: OffsetDateTime) -> Option<i64> {
    i64::try_from(time.unix_timestamp_nanos() / 1_000 - EPOCH * 1_000_000).ok()
}
