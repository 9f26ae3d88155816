//! To whom bytes are handed, and what all of them together said.

use crate::{
    lane::{Lane, LaneError},
    send::{Handed, OpenNonce},
    wording::{Sent, classify},
};
use chain::{Relay, RpcError, Said};
use db::{DbError, attempts::Signed, transactions};
use futures_util::future::join;
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};
use tokio::time::timeout;
use uuid::Uuid;
use vocab::Bytes;

/// How long the relay may hold up a lane; its answer is unknown after that.
const RELAY_PATIENCE: Duration = Duration::from_secs(2);

impl Lane {
    /// Hand bytes to whom they may be shown; one outcome each, merged from what everybody said.
    pub(crate) async fn hand_out(
        &self,
        signed: &[Signed],
        known: &HashMap<Uuid, &OpenNonce>,
    ) -> Result<Vec<Handed>, LaneError> {
        let pool = &self.context.config.chain.endpoints;
        let Some(relay) = &pool.options().relay else {
            let raws: Vec<Bytes> = signed.iter().map(|s| s.raw.clone()).collect();
            return Ok(merge(pool.broadcast(&raws).await, raws.len()));
        };
        let ways = self.ways(signed, known, relay).await?;
        let pick = |wanted: fn(Way) -> bool| -> Vec<usize> {
            (0..ways.len()).filter(|place| wanted(ways[*place])).collect()
        };
        let to_relay = pick(|way| way != Way::Public);
        let to_all = pick(|way| way != Way::Private);
        let raws = |places: &[usize]| -> Vec<Bytes> {
            places.iter().map(|place| signed[*place].raw.clone()).collect()
        };
        let (private, public) = (raws(&to_relay), raws(&to_all));
        let (by_relay, by_all) = join(pass_on(relay, &private), async {
            if public.is_empty() { Vec::new() } else { pool.broadcast(&public).await }
        })
        .await;
        let by_relay = merge(by_relay, to_relay.len());
        let by_all = merge(by_all, to_all.len());
        let mut handed: Vec<Option<Handed>> = signed.iter().map(|_| None).collect();
        let places = to_relay.into_iter().chain(to_all);
        for (place, one) in places.zip(by_relay.into_iter().chain(by_all)) {
            handed[place] = Some(match handed[place].take() {
                None => one,
                Some(before) => both(before, one),
            });
        }
        Ok(handed.into_iter().map(|one| one.unwrap_or_else(nobody)).collect())
    }

    /// Kinds of the relay stay private until they have waited for its number of block times.
    async fn ways(
        &self,
        signed: &[Signed],
        known: &HashMap<Uuid, &OpenNonce>,
        relay: &Relay,
    ) -> Result<Vec<Way>, LaneError> {
        let fresh: Vec<Uuid> =
            signed.iter().map(|s| s.transaction_id).filter(|id| !known.contains_key(id)).collect();
        let mut connection = self.db().acquire().await.map_err(DbError::from)?;
        let labels = transactions::load_labels(&mut connection, &fresh).await?;
        drop(connection);
        let through = |kind: &str| relay.kinds.iter().any(|other| other == kind);
        let hidden: HashSet<Uuid> =
            labels.into_iter().filter(|l| through(&l.kind)).map(|l| l.id).collect();
        let patience = self.context.config.chain.block_time * relay.public_after_blocks;
        let way = |one: &Signed| match known.get(&one.transaction_id) {
            Some(nonce) if through(&nonce.kind) => {
                let age = nonce.attempts.first().map_or(0.0, |first| first.age);
                if age < patience.as_secs_f64() { Way::Private } else { Way::Both }
            }
            None if hidden.contains(&one.transaction_id) => Way::Private,
            _ => Way::Public,
        };
        Ok(signed.iter().map(way).collect())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Only through the relay.
    Private,
    Public,
    Both,
}

async fn pass_on(relay: &Relay, raws: &[Bytes]) -> Vec<Said> {
    if raws.is_empty() {
        return Vec::new();
    }
    metrics::counter!("transactor_relayed_total").increment(raws.len() as u64);
    let sent = timeout(RELAY_PATIENCE, relay.endpoint.send_all(raws)).await;
    let late = || raws.iter().map(|_| Err(RpcError::TimedOut(RELAY_PATIENCE))).collect();
    let answers = sent.unwrap_or_else(|_| late());
    vec![Said { endpoint: relay.endpoint.host().to_owned(), answers }]
}

/// One outcome per transaction. That nobody was asked says nothing.
fn merge(said: Vec<Said>, count: usize) -> Vec<Handed> {
    let mut merged: Vec<Option<Handed>> = (0..count).map(|_| None).collect();
    for Said { endpoint, answers } in said {
        for (slot, result) in merged.iter_mut().zip(answers) {
            let sent = classify(&result);
            let error = result.err().map(|e| e.to_string());
            if let Some(error) = &error {
                tracing::debug!(%endpoint, error, sent = sent.as_str(), "a hand-over");
            }
            let one = Handed { sent, error };
            *slot = Some(match slot.take() {
                None => one,
                Some(before) => both(before, one),
            });
        }
    }
    merged.into_iter().map(|handed| handed.unwrap_or_else(nobody)).collect()
}

fn both(before: Handed, one: Handed) -> Handed {
    let sent = before.sent.merge(one.sent);
    let error = if sent == before.sent { before.error } else { one.error };
    Handed { sent, error }
}

fn nobody() -> Handed {
    Handed { sent: Sent::Unknown, error: Some("no endpoint".to_owned()) }
}
