//! Facts by topic, for those who poll instead of listening.

use crate::{App, AppError, Caller, Fact, Refusal};
use auth::{Action, authorize};
use serde_json::json;
use vocab::topic;

/// What to read.
#[derive(Clone, Copy, Debug)]
pub struct FactQuery<'a> {
    pub topic: &'a str,
    /// Only facts numbered above this.
    pub after: i64,
    pub limit: i64,
}

/// Facts in order, and where their topic stands.
#[derive(Clone, Debug)]
pub struct FactPage {
    pub topic: &'static str,
    pub epoch: i64,
    /// Number of the topic's latest fact, whether or not the caller may see it.
    pub head: i64,
    pub facts: Vec<Fact>,
}

impl App {
    /// At most `limit` facts of a topic after a number. Facts of mint jobs are shown to those who
    /// asked for them.
    ///
    /// # Errors
    /// [`Refusal::TopicUnknown`]
    pub async fn read_facts(
        &self,
        caller: Caller<'_>,
        query: FactQuery<'_>,
    ) -> Result<FactPage, AppError> {
        let topic = topic::ALL.into_iter().find(|topic| *topic == query.topic);
        let topic = topic.ok_or(Refusal::TopicUnknown)?;
        let action = action(topic);
        authorize(caller.actor, action)?;
        let own = match action {
            Action::ReadMintFacts => caller.actor.reach()?,
            _ => None,
        };
        let filter = own.map(|id| json!({ "principal_id": id.to_string() }));
        let mut db = self.connection().await?;
        let (after, limit) = (query.after, query.limit);
        // The head is read first: it never lies beyond what the facts below could show.
        let heads = journal::load_heads(&mut db).await?;
        let facts = journal::load_after(&mut db, topic, after, filter.as_ref(), limit).await?;
        let head = heads.into_iter().find(|head| head.topic == topic);
        let head = head.ok_or(AppError::Bug("a topic has no row"))?;
        Ok(FactPage { topic, epoch: head.epoch, head: head.seq, facts })
    }
}

fn action(topic: &str) -> Action {
    match topic {
        topic::ITEMS | topic::TRANSFERS | topic::COLLECTIONS | topic::CHAIN => {
            Action::ReadPublicFacts
        }
        topic::MINTS => Action::ReadMintFacts,
        _ => Action::ReadTransaction,
    }
}
