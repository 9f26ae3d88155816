//! What is due is sent, as far as there are places.

use super::{Desk, courier::Errand};
use crate::event;
use db::{
    DbError,
    webhook_deliveries::{self as deliveries, Due, Room},
};
use std::{collections::HashMap, ops::Bound};
use time::OffsetDateTime;
use tokio::time::Instant;
use uuid::Uuid;

/// Endpoints that one look asks for.
const LOOKED_AT: usize = 256;

/// An attempt under way.
#[derive(Debug)]
pub(crate) struct Flight {
    pub endpoint: Uuid,
    pub tries: i32,
    since: Instant,
    pub slow: bool,
}

impl Desk {
    /// True: more may be due than was looked at.
    pub(super) async fn start_due(&mut self) -> Result<bool, DbError> {
        self.mark_slow();
        let Some(term) = &mut self.term else { return Ok(false) };
        if term.looked.is_none_or(|at| at.elapsed() >= self.options.tick) {
            let all: Vec<Uuid> = term.book.active().collect();
            term.due.extend(all);
            term.looked = Some(Instant::now());
        }
        let begin = (Bound::Excluded(term.turn), Bound::Unbounded);
        let round = term.due.range(begin).chain(term.due.range(..=term.turn));
        let mut rooms = Vec::new();
        for endpoint in round {
            let room = self.places.room(*endpoint);
            if room > 0 {
                rooms.push(Room { endpoint_id: *endpoint, room: room as i64 });
            }
            if rooms.len() == LOOKED_AT {
                break;
            }
        }
        let Some(last) = rooms.last() else { return Ok(false) };
        term.turn = last.endpoint_id;
        let ended = self.finished.iter().map(|one| one.ended.id);
        let busy: Vec<Uuid> = self.flights.keys().copied().chain(ended).collect();
        let found = {
            let mut connection = self.db.acquire().await?;
            deliveries::load_due(&mut connection, &rooms, &busy).await?
        };
        let mut by_endpoint: HashMap<Uuid, Vec<Due>> = HashMap::new();
        for due in found {
            by_endpoint.entry(due.endpoint_id).or_default().push(due);
        }
        for room in &rooms {
            let found = by_endpoint.get(&room.endpoint_id).map_or(0, Vec::len);
            if (found as i64) < room.room {
                term.due.remove(&room.endpoint_id);
            }
        }
        let more = rooms.len() == LOOKED_AT;
        self.start_in_turns(by_endpoint);
        Ok(more && self.places.free() > 0)
    }

    /// The first of each endpoint, then the second of each, while there are places.
    fn start_in_turns(&mut self, by_endpoint: HashMap<Uuid, Vec<Due>>) {
        let mut lists: Vec<_> = by_endpoint.into_values().map(Vec::into_iter).collect();
        while !lists.is_empty() {
            lists.retain_mut(|list| match list.next() {
                Some(due) => {
                    self.start(due);
                    true
                }
                None => false,
            });
        }
    }

    fn start(&mut self, due: Due) {
        let Some(known) = self.term.as_ref().and_then(|term| term.book.get(due.endpoint_id)) else {
            return;
        };
        // It is as it was when it was looked up, or less: `load_due` asks for the state again.
        if self.places.room(due.endpoint_id) == 0 {
            if let Some(term) = &mut self.term {
                term.due.insert(due.endpoint_id);
            }
            return;
        }
        let errand = Errand {
            id: due.id,
            url: known.row.url.clone(),
            body: event::body(&due.fact, due.epoch),
            signers: self.key.signers(&known.row, OffsetDateTime::now_utc()),
        };
        // There are as many seats in the queue as places.
        if self.errands.try_send(errand).is_ok() {
            let (endpoint, tries) = (due.endpoint_id, due.tries);
            self.places.enter(endpoint);
            let flight = Flight { endpoint, tries, since: Instant::now(), slow: false };
            self.flights.insert(due.id, flight);
        }
    }

    fn mark_slow(&mut self) {
        for flight in self.flights.values_mut() {
            if !flight.slow && flight.since.elapsed() >= self.options.slow {
                flight.slow = true;
                self.places.slow(flight.endpoint);
            }
        }
    }
}
