//! What the role knows of endpoints, and where each stands. Read again now and then: what is old
//! here delays a change, and loses nothing.

use crate::wanted::{Wanted, actor_of};
use auth::Actor;
use db::{
    Db, DbError,
    webhook_endpoints::{self as endpoints, EndpointFilter, EndpointRow},
    webhook_positions::{self as positions, PositionRow},
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// Endpoints that are read at a time.
const PAGE: i64 = 1_000;

#[derive(Debug, Default)]
pub(crate) struct Book {
    endpoints: BTreeMap<Uuid, Known>,
    /// By topic.
    positions: BTreeMap<String, BTreeMap<Uuid, PositionRow>>,
}

#[derive(Debug)]
pub(crate) struct Known {
    pub row: EndpointRow,
    /// What it wants of the topics that its principal may be told of.
    wanted: HashMap<String, Wanted>,
}

impl Known {
    /// What it is to be told of a topic; none when it is not to be told for now.
    pub fn wants(&self, topic: &str) -> Option<&Wanted> {
        self.wanted.get(topic).filter(|_| self.row.state == "active")
    }
}

impl Book {
    pub async fn load(db: &Db) -> Result<Self, DbError> {
        let mut connection = db.acquire().await?;
        let (mut rows, mut before) = (Vec::new(), None);
        loop {
            let filter = EndpointFilter::default();
            let page = endpoints::list(&mut connection, filter, before, PAGE).await?;
            before = page.last().map(|row| row.id);
            let last = (page.len() as i64) < PAGE;
            rows.extend(page);
            if last {
                break;
            }
        }
        if rows.is_empty() {
            return Ok(Self::default());
        }
        let principals: BTreeSet<Uuid> = rows.iter().map(|row| row.principal_id).collect();
        let principals: Vec<Uuid> = principals.into_iter().collect();
        let holdings = endpoints::load_holdings(&mut connection, &principals).await?;
        let actors: HashMap<Uuid, Actor> =
            holdings.iter().map(|holding| (holding.principal_id, actor_of(holding))).collect();
        let known = rows.into_iter().map(|row| {
            let actor = actors.get(&row.principal_id);
            let wanted = row
                .topics
                .iter()
                .filter_map(|topic| Some((topic.clone(), Wanted::of(&row, topic, actor)?)));
            (row.id, Known { wanted: wanted.collect(), row })
        });
        let mut book = Self { endpoints: known.collect(), positions: BTreeMap::new() };
        for position in positions::load(&mut connection, None).await? {
            book.place(position);
        }
        Ok(book)
    }

    pub fn is_empty(&self) -> bool {
        self.endpoints.is_empty()
    }

    pub fn get(&self, endpoint: Uuid) -> Option<&Known> {
        self.endpoints.get(&endpoint)
    }

    pub fn ids(&self) -> HashSet<Uuid> {
        self.endpoints.keys().copied().collect()
    }

    /// Those that may be asked.
    pub fn active(&self) -> impl Iterator<Item = Uuid> {
        let active = self.endpoints.iter().filter(|(_, known)| known.row.state == "active");
        active.map(|(id, _)| *id)
    }

    pub fn count(&self, state: &str) -> usize {
        self.endpoints.values().filter(|known| known.row.state == state).count()
    }

    /// One was disabled.
    pub fn disable(&mut self, endpoint: Uuid) {
        if let Some(known) = self.endpoints.get_mut(&endpoint) {
            "disabled".clone_into(&mut known.row.state);
        }
    }

    /// Those that move with the cursor of a topic.
    pub fn live(&self, topic: &str) -> impl Iterator<Item = &PositionRow> {
        self.positions.get(topic).into_iter().flat_map(|of| of.values()).filter(|one| one.live)
    }

    /// Those that don't, but are to be told.
    pub fn behind(&self) -> impl Iterator<Item = &PositionRow> {
        let all = self.positions.values().flat_map(|of| of.values());
        all.filter(|one| {
            let known = self.endpoints.get(&one.endpoint_id);
            !one.live && known.is_some_and(|known| known.wants(&one.topic).is_some())
        })
    }

    /// Where an endpoint stands now.
    pub fn place(&mut self, position: PositionRow) {
        let of = self.positions.entry(position.topic.clone()).or_default();
        of.insert(position.endpoint_id, position);
    }
}
