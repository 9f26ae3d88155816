//! Runs errands beside the rounds.

use super::FAILPOINTS;
use crate::{Answer, Sender, Signers};
use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::sync::mpsc;
use uuid::Uuid;

/// A delivery to be tried once.
pub(crate) struct Errand {
    pub id: Uuid,
    pub url: String,
    pub body: String,
    pub signers: Signers,
}

/// What came of it.
pub(crate) struct Sent {
    pub id: Uuid,
    pub answer: Answer,
}

/// Until nobody has an errand any more. How many are under way is bounded by who hands them in.
pub(crate) async fn run(
    sender: Sender,
    mut errands: mpsc::Receiver<Errand>,
    done: mpsc::Sender<Sent>,
) {
    let mut under_way = FuturesUnordered::new();
    loop {
        tokio::select! {
            Some(errand) = errands.recv() => under_way.push(try_once(&sender, errand)),
            Some(sent) = under_way.next() => {
                if done.send(sent).await.is_err() {
                    return;
                }
            }
            else => return,
        }
    }
}

async fn try_once(sender: &Sender, errand: Errand) -> Sent {
    let Errand { id, url, body, signers } = errand;
    FAILPOINTS.hit("before_webhook_sent");
    let answer = sender.send(&url, &id.to_string(), body, &signers).await;
    FAILPOINTS.hit("after_webhook_sent");
    Sent { id, answer }
}
