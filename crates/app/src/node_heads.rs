//! What the nodes say is the head of their chain: the measure that the index's own head is not.

use chain::Endpoint;
use futures_util::future::join_all;
use std::time::{Duration, Instant};
use tokio::{sync::Mutex, time::timeout};

/// A node is asked at most so often, whoever probes.
const FRESH: Duration = Duration::from_secs(1);
/// How long a node may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long an answer counts while no newer one comes: a hiccup of the node is not ours.
const HEARD_MAX: Duration = Duration::from_secs(10);

/// The head of one chain, as its nodes tell it.
#[derive(Debug, Default)]
pub(crate) struct NodeHead(Mutex<Heard>);

#[derive(Debug, Default)]
struct Heard {
    asked: Option<Instant>,
    head: Option<(u64, Instant)>,
}

impl NodeHead {
    /// The highest head that any of `nodes` tells; none when all have been silent for 10 s.
    /// Answers within a second; probes at the same time share one question.
    pub(crate) async fn load(&self, nodes: &[Endpoint]) -> Option<u64> {
        let mut heard = self.0.lock().await;
        if heard.asked.is_none_or(|asked| asked.elapsed() >= FRESH) {
            let asked = nodes.iter().map(|node| timeout(PATIENCE, node.head()));
            let answers = join_all(asked).await;
            let head = answers.into_iter().filter_map(|answer| answer.ok()?.ok());
            if let Some(head) = head.map(|header| header.number.to::<u64>()).max() {
                heard.head = Some((head, Instant::now()));
            }
            heard.asked = Some(Instant::now());
        }
        heard.head.filter(|(_, at)| at.elapsed() < HEARD_MAX).map(|(head, _)| head)
    }
}
