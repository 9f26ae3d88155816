//! When and from where keys were used, noted in memory and written from time to time: no request
//! waits for it, and a crash loses a minute of it.

use crate::authenticator::CACHE_MAX;
use db::api_keys::KeyUse;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use time::{Duration, OffsetDateTime};

/// Between two notes of one key in the database.
const EVERY: Duration = Duration::MINUTE;
/// Keys written at once.
const BATCH: usize = 1_000;

/// Cheap to clone; clones share.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyUses(Arc<Mutex<HashMap<String, Use>>>);

#[derive(Clone, Copy, Debug)]
struct Use {
    at: OffsetDateTime,
    from: Option<IpAddr>,
    written: Option<OffsetDateTime>,
}

impl KeyUses {
    pub(crate) fn note(&self, id: &str, at: OffsetDateTime, from: Option<IpAddr>) {
        let mut uses = self.lock();
        if let Some(known) = uses.get_mut(id) {
            (known.at, known.from) = (at, from);
        } else if uses.len() < CACHE_MAX {
            // Beyond that many at once the oldest are written first, and then there is room.
            uses.insert(id.to_owned(), Use { at, from, written: None });
        }
    }

    /// What is to be written by now.
    pub(crate) fn due(&self) -> Vec<KeyUse> {
        let uses = self.lock();
        let due = uses
            .iter()
            .filter(|(_, one)| one.written.is_none_or(|written| one.at - written >= EVERY));
        let shown = |(id, one): (&String, &Use)| KeyUse {
            id: id.clone(),
            at: one.at,
            ip: one.from.map(|from| from.to_canonical().to_string()),
        };
        due.take(BATCH).map(shown).collect()
    }

    /// These are written. What was not used since is forgotten after a while.
    pub(crate) fn settle(&self, written: &[KeyUse], now: OffsetDateTime) {
        let mut uses = self.lock();
        for one in written {
            if let Some(known) = uses.get_mut(&one.id) {
                known.written = Some(one.at);
            }
        }
        uses.retain(|_, one| {
            one.written.is_none_or(|written| one.at - written >= EVERY || now - written < EVERY)
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Use>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_written_once_a_minute() {
        let uses = KeyUses::default();
        let start = OffsetDateTime::UNIX_EPOCH;
        let at = |seconds| start + Duration::seconds(seconds);
        uses.note("k", at(0), Some("::ffff:192.0.2.1".parse().unwrap()));
        let due = uses.due();
        assert_eq!(due.len(), 1);
        assert_eq!(due[0].ip.as_deref(), Some("192.0.2.1"));
        assert_eq!(uses.due(), due, "what was not written is due again");
        uses.settle(&due, at(1));
        uses.note("k", at(59), None);
        assert!(uses.due().is_empty());
        uses.note("k", at(60), None);
        let due = uses.due();
        assert_eq!((due[0].at, due[0].ip.clone()), (at(60), None));
        uses.settle(&due, at(61));
        assert!(uses.due().is_empty(), "it was not used since");
        uses.settle(&[], at(1_000));
        assert!(uses.lock().is_empty());
    }
}
