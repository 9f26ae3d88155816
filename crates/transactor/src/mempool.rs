//! Is what we sent still there? Nodes forget: their pools are full, or they restart. Asked only of
//! the transaction that must be mined next, and only when it is late.

use crate::{
    lane::{Lane, LaneError},
    send::OpenNonce,
};
use futures_util::future::join_all;
use serde_json::{Value, json};

/// Block times after which a transaction at the head of the line is late.
const LATE_BLOCKS: u32 = 2;

/// What the nodes say of a transaction that one of them took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// A node has it.
    Present,
    /// No node that answers has it.
    Evicted,
    /// None answers.
    Unknown,
}

impl Lane {
    /// Hand the head of the line over at once if all nodes have forgotten it.
    pub async fn watch_pool(&mut self, open: &[OpenNonce]) -> Result<(), LaneError> {
        let late = self.blocks(LATE_BLOCKS).as_secs_f64();
        let Some(first) = open.first().filter(|first| first.nonce == self.on_chain) else {
            return Ok(());
        };
        let sent = first.signed().filter(|signed| {
            let since = signed.sent_age.unwrap_or(0.0);
            signed.sent.as_deref() == Some("accepted") && signed.age >= late && since >= late / 2.0
        });
        let Some(hash) = sent.and_then(|sent| sent.tx_hash) else { return Ok(()) };
        let chain = self.context.chain_id().to_string();
        let endpoints = self.context.config.chain.endpoints.clone();
        let asked = endpoints.iter().map(|endpoint| {
            endpoint.call::<Option<Value>>("eth_getTransactionByHash", json!([hash.0]))
        });
        let mut seen = Seen::Unknown;
        for (endpoint, answer) in endpoints.iter().zip(join_all(asked).await) {
            let Ok(answer) = answer else { continue };
            let labels = [
                ("chain_id", chain.clone()),
                ("wallet", self.address().to_string()),
                ("endpoint", endpoint.host().to_owned()),
            ];
            let has = answer.is_some();
            metrics::gauge!("transactor_pool_has_next", &labels).set(f64::from(u8::from(has)));
            seen = match (seen, has) {
                (Seen::Present, _) | (_, true) => Seen::Present,
                (_, false) => Seen::Evicted,
            };
        }
        if seen != Seen::Evicted {
            return Ok(());
        }
        metrics::counter!("transactor_pool_evicted_total", "chain_id" => chain).increment(1);
        tracing::warn!(transaction.id = %first.id, "no node has it any more; it is sent again");
        self.send_again(&[first]).await
    }
}
