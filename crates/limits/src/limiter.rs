//! Who is charged, and how they stand.

use crate::{
    bucket::{Charged, Quota},
    memory_buckets::MemoryBuckets,
    redis_buckets::RedisBuckets,
};
use arc_swap::ArcSwap;
use std::{sync::Arc, time::Duration};

/// Whose bucket it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A network address.
    Ip,
    /// Who signed in with a wallet.
    Wallet,
    /// An API key.
    Key,
}

impl Kind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Wallet => "wallet",
            Self::Key => "key",
        }
    }
}

/// What each kind may do.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub ip: Quota,
    pub wallet: Quota,
    pub key: Quota,
    /// Buckets of this process; beyond, whoever was not seen for the longest is forgotten.
    pub subjects_max: u64,
}

impl Default for Options {
    fn default() -> Self {
        let a_minute = |units| Quota { units, window: Duration::from_secs(60) };
        Self {
            ip: a_minute(1_200),
            wallet: a_minute(3_000),
            key: a_minute(600_000),
            subjects_max: 100_000,
        }
    }
}

impl Options {
    /// No limits at all.
    #[must_use]
    pub fn unlimited() -> Self {
        let none = Quota { units: 0, window: Duration::from_secs(60) };
        Self { ip: none, wallet: none, key: none, ..Self::default() }
    }

    /// Time in which every bucket is full again.
    fn longest(&self) -> Duration {
        [self.ip, self.wallet, self.key]
            .map(|quota| quota.window)
            .into_iter()
            .max()
            .unwrap_or_default()
    }

    fn quota(&self, kind: Kind) -> Quota {
        match kind {
            Kind::Ip => self.ip,
            Kind::Wallet => self.wallet,
            Kind::Key => self.key,
        }
    }
}

/// How a caller stands after a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub kind: Kind,
    pub quota: Quota,
    pub allowed: bool,
    /// Units that are left.
    pub remaining: u32,
    /// Until all units are there again.
    pub full_in: Duration,
    /// Until what was refused can be had; nothing when it was allowed.
    pub retry_after: Duration,
}

/// Charges callers. Cheap to clone; clones charge the same buckets.
#[derive(Clone, Debug)]
pub struct Limiter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    holds: ArcSwap<Holding>,
    shared: Option<RedisBuckets>,
}

/// What is allowed, and the buckets of this process.
#[derive(Debug)]
struct Holding {
    options: Options,
    local: Arc<MemoryBuckets>,
}

impl Limiter {
    /// With `shared`, all processes that have it charge the same buckets.
    #[must_use]
    pub fn new(options: Options, shared: Option<RedisBuckets>) -> Self {
        let local = Arc::new(MemoryBuckets::new(options.subjects_max, options.longest()));
        Self(Arc::new(Inner { holds: ArcSwap::from_pointee(Holding { options, local }), shared }))
    }

    /// Are there other processes to be asked?
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.0.shared.is_some()
    }

    /// From now on these options hold. What callers have taken stays taken, but where more of them
    /// are to be remembered, or longer: then all buckets of this process are full again.
    pub fn replace(&self, options: Options) {
        let before = self.0.holds.load();
        let kept = before.options.subjects_max == options.subjects_max
            && before.options.longest() >= options.longest();
        let local = match kept {
            true => before.local.clone(),
            false => Arc::new(MemoryBuckets::new(options.subjects_max, options.longest())),
        };
        self.0.holds.store(Arc::new(Holding { options, local }));
    }

    /// Take `cost` units from the bucket of `subject`, which must not be a secret: it is written as
    /// it is into Redis. None where nothing is limited.
    pub async fn charge(&self, kind: Kind, subject: &str, cost: u32) -> Option<Standing> {
        let quota = self.0.holds.load().options.quota(kind);
        if quota.units == 0 {
            return None;
        }
        let name = format!("{}:{subject}", kind.as_str());
        let charged = match &self.0.shared {
            // On the heap: most who ask need no room for it.
            Some(shared) => Box::pin(shared.charge(&name, quota, cost)).await,
            None => None,
        };
        let local = || self.0.holds.load().local.charge(&name, quota, cost);
        let charged = charged.unwrap_or_else(local);
        let standing = standing(kind, quota, cost, charged);
        if !standing.allowed {
            metrics::counter!("limits_refused_total", "kind" => kind.as_str()).increment(1);
        }
        Some(standing)
    }
}

fn standing(kind: Kind, quota: Quota, cost: u32, charged: Charged) -> Standing {
    Standing {
        kind,
        quota,
        allowed: charged.allowed,
        remaining: charged.remaining(quota),
        full_in: Duration::from_micros(charged.full_in),
        retry_after: match charged.allowed {
            true => Duration::ZERO,
            false => charged.wait(quota, cost),
        },
    }
}
