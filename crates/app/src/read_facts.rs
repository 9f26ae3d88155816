//! Facts by topic, for those who poll instead of listening.

use crate::{
    App, AppError, Caller, Fact, Refusal,
    fact_levels::{Leveled, settled},
};
use auth::TopicRule;
use db::{PgConnection, checkpoints};
use serde_json::json;
use std::collections::BTreeMap;
use vocab::{Level, topic};

/// Facts that are looked at for those whose blocks are sure enough.
const LOOKED_AT: i64 = 1_000;
/// Their facts are all of blocks, and taken back with them.
const OF_BLOCKS: [&str; 2] = [topic::ITEMS, topic::TRANSFERS];

/// What to read.
#[derive(Clone, Copy, Debug)]
pub struct FactQuery<'a> {
    pub topic: &'a str,
    /// Only facts numbered above this.
    pub after: i64,
    pub limit: i64,
    /// Only facts of blocks that have at least this level.
    pub level: Option<Level>,
}

/// Facts in order, and where their topic stands.
#[derive(Clone, Debug)]
pub struct FactPage {
    pub topic: &'static str,
    pub epoch: i64,
    /// Number of the topic's latest fact, whether or not the caller may see it.
    pub head: i64,
    pub facts: Vec<Leveled>,
    /// Where to go on.
    pub next_after: i64,
}

impl App {
    /// At most `limit` facts of a topic after a number. Facts of mint jobs are shown to those who
    /// asked for them. With a level: those of blocks that have it and were not taken back; where
    /// the next one may still go either way, the list ends.
    ///
    /// # Errors
    /// [`Refusal::TopicUnknown`]; [`Refusal::FilterUnfit`] for a level on a topic whose facts are
    /// not all of blocks.
    pub async fn read_facts(
        &self,
        caller: Caller<'_>,
        query: FactQuery<'_>,
    ) -> Result<FactPage, AppError> {
        let rule = TopicRule::of(query.topic).ok_or(Refusal::TopicUnknown)?;
        let (topic, own) = (rule.topic, rule.reach(caller.actor)?);
        let of_blocks = OF_BLOCKS.contains(&topic);
        if query.level.is_some() && !of_blocks {
            return Err(
                Refusal::FilterUnfit("level", "only with topic `items` or `transfers`").into()
            );
        }
        let filter = own.map(|id| json!({ "principal_id": id.to_string() }));
        let mut db = self.connection().await?;
        let (after, limit) = (query.after, query.limit);
        // The head is read first: it never lies beyond what the facts below could show. So are the
        // heights: what they call final was final before.
        let heads = journal::load_heads(&mut db).await?;
        let (facts, next_after) = if of_blocks {
            self.leveled(&mut db, topic, &query).await?
        } else {
            let facts = journal::load_after(&mut db, topic, after, filter.as_ref(), limit).await?;
            let next_after = facts.last().map_or(after, |fact| fact.seq);
            (facts.into_iter().map(|fact| (fact, None)).collect(), next_after)
        };
        let head = heads.into_iter().find(|head| head.topic == topic);
        let head = head.ok_or(AppError::Bug("a topic has no row"))?;
        Ok(FactPage { topic, epoch: head.epoch, head: head.seq, facts, next_after })
    }

    /// Facts of blocks with their levels, and where to go on.
    async fn leveled(
        &self,
        db: &mut PgConnection,
        topic: &str,
        query: &FactQuery<'_>,
    ) -> Result<(Vec<Leveled>, i64), AppError> {
        let mut heights = BTreeMap::new();
        for chain in &self.config().chains {
            if let Some(found) = checkpoints::load(db, chain.chain_id).await? {
                heights.insert(chain.chain_id.as_i64(), found.levels);
            }
        }
        let level = |fact: &Fact| {
            let levels = heights.get(&fact.chain_id?)?;
            Some(levels.level(fact.block_number?.unsigned_abs()))
        };
        let FactQuery { after, limit, .. } = *query;
        if let Some(least) = query.level {
            let told = journal::load_with_ends(db, topic, after, LOOKED_AT).await?;
            return Ok(settled(told, after, usize::try_from(limit).unwrap_or(0), least, level));
        }
        let told = journal::load_with_ends(db, topic, after, limit).await?;
        let next_after = told.last().map_or(after, |(fact, _)| fact.seq);
        let leveled = told.into_iter().map(|(fact, taken_back)| {
            let level = if fact.reverting || taken_back { None } else { level(&fact) };
            (fact, level)
        });
        Ok((leveled.collect(), next_after))
    }
}
