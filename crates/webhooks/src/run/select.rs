//! From facts to deliveries: for all who keep up together, and for each who is behind.

use super::{
    CURSOR_AGE, Desk, FAILPOINTS, Term,
    batch::{Batch, next},
};
use crate::event::{delivery_id, ordering_key};
use db::{
    Db, DbError,
    facts::{self, Fact, TopicHead},
    leases::{self, Lease},
    webhook_deliveries::{self as deliveries, NewDelivery},
    webhook_positions::{self as positions, PositionRow},
};
use std::collections::HashSet;
use time::OffsetDateTime;
use tokio::time::Instant;
use uuid::Uuid;

/// Endpoints that catch up in one round, with one batch each.
const CATCH_UP: usize = 64;

/// Deliveries in the making. Of each key the first one is known.
#[derive(Default)]
pub(super) struct Rows {
    pub rows: Vec<NewDelivery>,
    keys: HashSet<(Uuid, String)>,
}

impl Rows {
    pub fn add(&mut self, endpoint: Uuid, fact: &Fact, epoch: i64, again: Option<OffsetDateTime>) {
        let key = ordering_key(fact);
        self.rows.push(NewDelivery {
            id: delivery_id(endpoint, &fact.topic, epoch, fact.seq),
            endpoint_id: endpoint,
            topic: fact.topic.clone(),
            epoch,
            seq: fact.seq,
            kind: fact.kind.clone(),
            first: self.keys.insert((endpoint, key.clone())),
            ordering_key: key,
            again_before: again,
        });
    }
}

impl Term {
    fn note_recorded(&mut self, endpoints: &[Uuid]) {
        for endpoint in endpoints {
            *self.pending.entry(*endpoint).or_default() += 1;
            self.due.insert(*endpoint);
        }
        metrics::counter!("webhooks_deliveries_total").increment(endpoints.len() as u64);
    }

    /// What of these facts is told to whom; and who has no room for it, or is not to be told for
    /// now, and so stays where the cursor stands.
    fn sort_out(&self, topic: &str, facts: &[Fact], cursor: &TopicHead, most: i64) -> Sorted {
        let (mut rows, mut left) = (Rows::default(), Vec::new());
        for position in self.book.live(topic) {
            let endpoint = position.endpoint_id;
            let wanted = self.book.get(endpoint).and_then(|known| known.wants(topic));
            let Some(wanted) = wanted else {
                left.push(endpoint);
                continue;
            };
            // Where it began it may have been ahead of the cursor.
            let news = facts.iter().filter(|fact| fact.seq > position.after_seq);
            let fit: Vec<&Fact> = news.filter(|fact| wanted.fits(fact)).collect();
            let pending = self.pending.get(&endpoint).copied().unwrap_or_default();
            if !fit.is_empty() && pending + fit.len() as i64 > most {
                left.push(endpoint);
                continue;
            }
            fit.into_iter().for_each(|fact| rows.add(endpoint, fact, cursor.epoch, None));
        }
        Sorted { rows: rows.rows, left }
    }
}

struct Sorted {
    rows: Vec<NewDelivery>,
    left: Vec<Uuid>,
}

impl Desk {
    /// Look at a batch of each topic's new facts. True: there is more. None: the lease is lost.
    pub(super) async fn select(&mut self, lease: &Lease) -> Result<Option<bool>, DbError> {
        let heads = journal::load_heads(&mut *self.db.acquire().await?).await?;
        let mut more = false;
        for head in heads {
            match self.select_of(lease, head).await? {
                Some(left) => more |= left,
                None => return Ok(None),
            }
        }
        self.save_cursors(lease).await.map(|held| held.then_some(more))
    }

    async fn select_of(&mut self, lease: &Lease, head: TopicHead) -> Result<Option<bool>, DbError> {
        let Some(term) = &mut self.term else { return Ok(None) };
        let topic = head.topic.clone();
        let known = term.cursors.get(&topic).cloned();
        // A topic that was never looked at, or went back (a restored database): from here on.
        let cursor = known.filter(|place| place.epoch == head.epoch && place.seq <= head.seq);
        let Some(cursor) = cursor else {
            // Stored at once: whoever comes after us must not begin anew at a later place.
            let held = store(&self.db, lease, std::slice::from_ref(&head)).await?;
            term.cursors.insert(topic, head);
            return Ok(held.then_some(false));
        };
        if cursor.seq == head.seq {
            return Ok(Some(false));
        }
        if term.book.live(&topic).next().is_none() {
            term.move_to(head);
            return Ok(Some(false));
        }
        let most = i64::from(self.options.batch_max);
        let mut connection = self.db.acquire().await?;
        let facts = facts::load_after(&mut connection, &topic, cursor.seq, None, most).await?;
        drop(connection);
        let Some(last) = facts.last() else { return Ok(Some(false)) };
        let place = TopicHead { seq: last.seq, ..head.clone() };
        let more = place.seq < head.seq;
        let sorted = term.sort_out(&topic, &facts, &cursor, i64::from(self.options.pending_max));
        if sorted.rows.is_empty() && sorted.left.is_empty() {
            term.move_to(place);
            return Ok(Some(more));
        }
        let Some(recorded) = commit(&self.db, lease, &sorted, &cursor, &place).await? else {
            return Ok(None);
        };
        term.note_recorded(&recorded);
        for endpoint in sorted.left {
            term.leave(endpoint, &cursor);
        }
        term.cursors.insert(topic, place);
        Ok(Some(more))
    }

    /// Cursors that moved without anything to be told are stored now and then.
    async fn save_cursors(&mut self, lease: &Lease) -> Result<bool, DbError> {
        let Some(term) = &mut self.term else { return Ok(false) };
        if term.cursors_moved.is_none_or(|at| at.elapsed() < CURSOR_AGE) {
            return Ok(true);
        }
        let places: Vec<TopicHead> = term.cursors.values().cloned().collect();
        let held = store(&self.db, lease, &places).await?;
        term.cursors_moved = None;
        Ok(held)
    }

    /// Some who are behind go on by a batch, as far as there is room. True: there is more.
    /// None: the lease is lost.
    pub(super) async fn catch_up(&mut self, lease: &Lease) -> Result<Option<bool>, DbError> {
        let Some(term) = &mut self.term else { return Ok(None) };
        // Not before half of what waited is through, so that it is worth a commit.
        let most = i64::from(self.options.pending_max);
        let roomy = |one: &&PositionRow| {
            term.pending.get(&one.endpoint_id).copied().unwrap_or_default() <= most / 2
        };
        let mut all: Vec<PositionRow> = term.book.behind().filter(roomy).cloned().collect();
        all.sort_by(|a, b| (a.endpoint_id, &a.topic).cmp(&(b.endpoint_id, &b.topic)));
        let (id, topic) = &term.caught_up;
        let after = all.partition_point(|one| (one.endpoint_id, &one.topic) <= (*id, topic));
        all.rotate_left(after);
        let (mut more, count) = (all.len() > CATCH_UP, all.len().min(CATCH_UP));
        let mut batch = None;
        for position in all.into_iter().take(count) {
            match self.catch_up_one(lease, position, &mut batch).await? {
                Some(left) => more |= left,
                None => return Ok(None),
            }
        }
        Ok(Some(more))
    }

    async fn catch_up_one(
        &mut self,
        lease: &Lease,
        was: PositionRow,
        batch: &mut Option<Batch>,
    ) -> Result<Option<bool>, DbError> {
        let Some(term) = &mut self.term else { return Ok(None) };
        term.caught_up = (was.endpoint_id, was.topic.clone());
        let Some(cursor) = term.cursors.get(&was.topic).cloned() else { return Ok(Some(false)) };
        let wanted = term.book.get(was.endpoint_id).and_then(|known| known.wants(&was.topic));
        let Some(wanted) = wanted else { return Ok(Some(false)) };
        let pending = term.pending.get(&was.endpoint_id).copied().unwrap_or_default();
        let room = (i64::from(self.options.pending_max) - pending).max(0);
        if Batch::is_missing(batch.as_ref(), &was, &cursor) {
            let most = i64::from(self.options.batch_max);
            *batch = Some(Batch::load(&self.db, &was, &cursor, most).await?);
        }
        let step = next(batch.as_ref(), &was, &cursor, wanted, room);
        let live = step.after_seq >= cursor.seq;
        let mut transaction = db::begin(&self.db).await?;
        if !leases::lock_held(&mut transaction, lease).await? {
            return Ok(None);
        }
        let recorded = deliveries::record(&mut transaction, &step.rows).await?;
        let moved =
            positions::record_progress(&mut transaction, &was, cursor.epoch, step.after_seq, live);
        if !moved.await? {
            // Somebody sent it elsewhere meanwhile: it is read again, and so are the rest.
            transaction.rollback().await.map_err(DbError::from)?;
            term.book_read -= self.options.tick * super::BOOK_TICKS;
            return Ok(Some(false));
        }
        FAILPOINTS.hit("before_webhooks_caught_up");
        transaction.commit().await.map_err(DbError::from)?;
        FAILPOINTS.hit("after_webhooks_caught_up");
        term.note_recorded(&recorded);
        let over = was.replay_upto.is_none_or(|upto| step.after_seq >= upto);
        term.book.place(PositionRow {
            epoch: cursor.epoch,
            after_seq: step.after_seq,
            live,
            replay_upto: was.replay_upto.filter(|_| !over),
            replay_at: was.replay_at.filter(|_| !over),
            ..was
        });
        Ok(Some(!live))
    }
}

impl Term {
    fn move_to(&mut self, place: TopicHead) {
        self.cursors.insert(place.topic.clone(), place);
        self.cursors_moved.get_or_insert_with(Instant::now);
    }

    fn leave(&mut self, endpoint: Uuid, cursor: &TopicHead) {
        let found = self.book.live(&cursor.topic).find(|one| one.endpoint_id == endpoint);
        let Some(position) = found.cloned() else { return };
        let after_seq = position.after_seq.max(cursor.seq);
        let left = PositionRow { live: false, epoch: cursor.epoch, after_seq, ..position };
        self.book.place(left);
    }
}

/// False: the lease is lost.
async fn store(db: &Db, lease: &Lease, places: &[TopicHead]) -> Result<bool, DbError> {
    let mut transaction = db::begin(db).await?;
    if !leases::lock_held(&mut transaction, lease).await? {
        return Ok(false);
    }
    positions::record_cursors(&mut transaction, places).await?;
    transaction.commit().await.map_err(DbError::from)?;
    Ok(true)
}

/// One batch for all. What was recorded, by endpoint; none when the lease is lost.
async fn commit(
    db: &Db,
    lease: &Lease,
    sorted: &Sorted,
    from: &TopicHead,
    to: &TopicHead,
) -> Result<Option<Vec<Uuid>>, DbError> {
    let mut transaction = db::begin(db).await?;
    if !leases::lock_held(&mut transaction, lease).await? {
        return Ok(None);
    }
    let recorded = deliveries::record(&mut transaction, &sorted.rows).await?;
    if !sorted.left.is_empty() {
        positions::record_left(&mut transaction, &sorted.left, from).await?;
    }
    positions::record_cursors(&mut transaction, std::slice::from_ref(to)).await?;
    FAILPOINTS.hit("before_webhooks_selected");
    transaction.commit().await.map_err(DbError::from)?;
    FAILPOINTS.hit("after_webhooks_selected");
    Ok(Some(recorded))
}
