//! What was sent to endpoints long ago is forgotten, and so is what belonged to deleted ones.

use crate::{App, AppError};
use db::{webhook_deliveries as deliveries, webhook_endpoints as endpoints};
use time::OffsetDateTime;
use uuid::Uuid;

/// Rows of one commit, and commits of one kind in one round.
const BATCH: i64 = 1_000;
const BATCHES: usize = 20;
/// Endpoints whose number of rows is looked at in one round.
const ENDPOINTS: i64 = 50;

impl App {
    /// Forget a bounded part of what is too old, or too much; `after` is the endpoint that was
    /// looked at last, and the one to go on behind is given back. A job for now and then.
    ///
    /// # Errors
    /// [`AppError::Db`]
    pub async fn forget_deliveries(&self, after: Uuid) -> Result<Uuid, AppError> {
        let settings = &self.config().webhooks;
        let age = time::Duration::try_from(settings.log_time).unwrap_or(time::Duration::MAX);
        // Rows are stamped by the database; a clock that differs by minutes is no matter here.
        let before = OffsetDateTime::now_utc().checked_sub(age);
        let before = before.unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let full = BATCH.unsigned_abs();
        for _ in 0..BATCHES {
            let mut db = self.connection().await?;
            let old = deliveries::delete_ended(&mut db, before, BATCH).await?;
            let orphaned = deliveries::delete_of_deleted(&mut db, BATCH).await?;
            if old < full && orphaned < full {
                break;
            }
        }
        let mut db = self.connection().await?;
        endpoints::delete_emptied(&mut db, BATCH).await?;
        let ids = endpoints::load_ids(&mut db, after, ENDPOINTS).await?;
        for id in &ids {
            let keep = i64::from(settings.log_max);
            deliveries::delete_beyond(&mut db, *id, keep, BATCH).await?;
        }
        let whole = (ids.len() as i64) < ENDPOINTS;
        Ok(ids.last().copied().filter(|_| !whole).unwrap_or_default())
    }
}
