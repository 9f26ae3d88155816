//! One line, and the place in the chain that it leaves behind.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, de::IgnoredAny};
use sha2::{Digest, Sha256};
use time::{Date, OffsetDateTime, format_description::well_known::Rfc3339};

/// Longest line in bytes; a longer one is refused, written or read.
pub const LINE_BYTES_MAX: usize = 256 * 1024;

/// Where a chain stands: the last line's number, its hash and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Number of the last line; 0: there is none.
    pub seq: u64,
    /// SHA-256 of the last line without its line feed; zero before the first.
    pub hash: [u8; 32],
    /// Its time in milliseconds since 1970, UTC. Never decreases.
    pub time_ms: u64,
}

impl Head {
    /// Before the first line.
    pub const START: Self = Self { seq: 0, hash: [0; 32], time_ms: 0 };
}

/// `SEQ:HASH`, for people to keep elsewhere.
impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, hex::encode(self.hash))
    }
}

/// Reads what `Display` writes; the time is not part of it and becomes 0.
impl FromStr for Head {
    type Err = LineError;

    fn from_str(text: &str) -> Result<Self, LineError> {
        let (seq, hash) = text.split_once(':').ok_or(LineError::Head)?;
        Ok(Self {
            seq: seq.parse().map_err(|_| LineError::Head)?,
            hash: parse_hash(hash).ok_or(LineError::Head)?,
            time_ms: 0,
        })
    }
}

/// Why a line can't be written or read.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The entry is no JSON, or the line not of this format.
    #[error("not a line of this format")]
    Json(#[source] serde_json::Error),
    /// Above [`LINE_BYTES_MAX`].
    #[error("a line of {0} bytes is too long")]
    TooLong(usize),
    /// The time is no time, or after the year 9999.
    #[error("time cannot be written")]
    Time,
    /// `prev` is not 32 bytes of hexadecimal digits.
    #[error("prev is no hash")]
    Prev,
    /// A head is `SEQ:HASH`.
    #[error("a head is written SEQ:HASH")]
    Head,
}

/// A line of the chain, without its line feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub(crate) text: String,
    pub(crate) prev: [u8; 32],
    pub(crate) head: Head,
}

#[derive(Serialize)]
struct Written<'a, T> {
    seq: u64,
    time: String,
    prev: String,
    entry: &'a T,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read<'a> {
    seq: u64,
    time: &'a str,
    prev: &'a str,
    #[serde(rename = "entry")]
    _entry: IgnoredAny,
}

impl Line {
    /// The line that follows `after`. A time before that of `after` is taken as that of `after`,
    /// so that a clock which was set back doesn't disorder the log.
    pub fn write<T: Serialize>(after: &Head, time_ms: u64, entry: &T) -> Result<Self, LineError> {
        let time_ms = time_ms.max(after.time_ms);
        let seq = after.seq + 1;
        let time = date_time(time_ms)?.format(&Rfc3339).map_err(|_| LineError::Time)?;
        let written = Written { seq, time, prev: hex::encode(after.hash), entry };
        let text = serde_json::to_string(&written).map_err(LineError::Json)?;
        if text.len() > LINE_BYTES_MAX {
            return Err(LineError::TooLong(text.len()));
        }
        let hash = Sha256::digest(&text).into();
        Ok(Self { text, prev: after.hash, head: Head { seq, hash, time_ms } })
    }

    /// Reads a line back. Says nothing about what it follows.
    pub fn read(text: &str) -> Result<Self, LineError> {
        if text.len() > LINE_BYTES_MAX {
            return Err(LineError::TooLong(text.len()));
        }
        let read: Read<'_> = serde_json::from_str(text).map_err(LineError::Json)?;
        let time = OffsetDateTime::parse(read.time, &Rfc3339).map_err(|_| LineError::Time)?;
        let time_ms =
            u64::try_from(time.unix_timestamp_nanos() / 1_000_000).map_err(|_| LineError::Time)?;
        let prev = parse_hash(read.prev).ok_or(LineError::Prev)?;
        let head = Head { seq: read.seq, hash: Sha256::digest(text).into(), time_ms };
        Ok(Self { text: text.to_owned(), prev, head })
    }

    /// The JSON.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the chain stands after this line.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Whether this line comes directly after `head`; if not, why not.
    pub(crate) fn check_follows(&self, head: &Head) -> Result<(), String> {
        let (seq, expected) = (self.head.seq, head.seq + 1);
        if seq != expected {
            return Err(format!("it is number {seq}, expected {expected}"));
        }
        if self.prev != head.hash {
            return Err("it names another line as the one before".to_owned());
        }
        if self.head.time_ms < head.time_ms {
            return Err("its time is before that of the line before".to_owned());
        }
        Ok(())
    }

    pub(crate) fn day(&self) -> Result<Date, LineError> {
        Ok(date_time(self.head.time_ms)?.date())
    }
}

fn date_time(time_ms: u64) -> Result<OffsetDateTime, LineError> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(time_ms) * 1_000_000)
        .map_err(|_| LineError::Time)
}

fn parse_hash(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).ok()?;
    Some(hash)
}
