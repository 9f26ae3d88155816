//! Being the one that does a job, while the lease lasts.

use db::{
    Db, DbError,
    leases::{self, Lease},
};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// A candidate for one named lease: takes it when free, renews it in good time.
#[derive(Debug)]
pub struct Leader {
    name: String,
    holder: Uuid,
    ttl: Duration,
    held: Option<(Lease, Instant)>,
}

impl Leader {
    /// A new candidate. `ttl` is how long a dead leader blocks its successor.
    #[must_use]
    pub fn new(name: impl Into<String>, ttl: Duration) -> Self {
        Self { name: name.into(), holder: Uuid::now_v7(), ttl, held: None }
    }

    /// The lease, if it is ours now. A commit made under it must check it with
    /// [`leases::lock_held`]: this answer may be out of date.
    pub async fn lease(&mut self, db: &Db) -> Result<Option<Lease>, DbError> {
        let fresh = self.held.as_ref().is_some_and(|(_, at)| at.elapsed() < self.ttl / 3);
        if !fresh {
            self.held = None;
            let ttl = self.ttl.try_into().unwrap_or(time::Duration::seconds(5));
            let asked = Instant::now();
            let lease =
                leases::acquire(&mut *db.acquire().await?, &self.name, self.holder, ttl).await?;
            self.held = lease.map(|lease| (lease, asked));
        }
        Ok(self.held.as_ref().map(|(lease, _)| lease.clone()))
    }

    /// A commit found the lease gone.
    pub fn lost(&mut self) {
        self.held = None;
    }

    /// Give the lease back, so that a successor need not wait for its end. Best effort.
    pub async fn resign(&mut self, db: &Db) {
        if let Some((lease, _)) = self.held.take() {
            let released = async { leases::release(&mut *db.acquire().await?, &lease).await };
            if !matches!(tokio::time::timeout(self.ttl, released).await, Ok(Ok(()))) {
                tracing::info!(lease = self.name, "a lease could not be given back; it will end");
            }
        }
    }
}
