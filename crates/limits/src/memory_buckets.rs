//! Buckets of this process.

use crate::bucket::{Charged, Quota, charge};
use moka::{policy::EvictionPolicy, sync::Cache};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// When each bucket is full again, in microseconds since the start. Who is not seen for long is
/// forgotten, and beyond the bound whoever was not seen for the longest.
#[derive(Debug)]
pub(crate) struct MemoryBuckets {
    start: Instant,
    buckets: Cache<String, Bucket>,
    /// Held by whoever makes one: of the cache's own entries, two were now and then made at once.
    making: Mutex<()>,
}

type Bucket = Arc<Mutex<u64>>;

impl MemoryBuckets {
    pub(crate) fn new(subjects_max: u64, forget_after: Duration) -> Self {
        let buckets = Cache::builder()
            .max_capacity(subjects_max)
            .eviction_policy(EvictionPolicy::lru())
            .time_to_idle(forget_after)
            .build();
        Self { start: Instant::now(), buckets, making: Mutex::default() }
    }

    pub(crate) fn charge(&self, subject: &str, quota: Quota, cost: u32) -> Charged {
        let bucket = self.buckets.get(subject).unwrap_or_else(|| self.make(subject));
        let mut full_at = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock: time never goes back for one bucket.
        let now = u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX / 2);
        let (charged, after) = charge(quota, cost, now, *full_at);
        *full_at = after;
        charged
    }

    fn make(&self, subject: &str) -> Bucket {
        let _one = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = self.buckets.get(subject) {
            return made;
        }
        let bucket = Bucket::default();
        self.buckets.insert(subject.to_owned(), bucket.clone());
        bucket
    }
}
