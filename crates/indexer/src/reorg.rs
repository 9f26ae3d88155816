//! Finding where another branch leaves ours.

use crate::{IndexError, fetch::inconsistent, follow::Session};
use chain::Header;
use std::time::Duration;
use tokio::time::timeout;
use vocab::BlockRef;

/// How often a reorg waits for somebody to confirm it, when nobody can.
const DOUBTS_MAX: u32 = 5;
/// How long another endpoint may take to tell its block.
const OPINION: Duration = Duration::from_secs(3);

impl Session {
    /// The node's branch up to `top` differs from ours: go back to the last block of both. The new
    /// branch is applied by the steps that follow.
    pub(crate) async fn reconcile(&mut self, top: u64) -> Result<(), IndexError> {
        let Some(anchor) = self.window.front().copied() else {
            return Err(inconsistent("there is no window".into()));
        };
        if top < anchor.number {
            // A head below all that we know proves nothing.
            return Ok(());
        }
        // Linked by parent hashes, so that this is one branch and not a mixture of two.
        let theirs = self.fetch().headers(anchor.number, top).await?;
        let ancestor = self
            .window
            .iter()
            .zip(&theirs)
            .take_while(|(ours, header)| ours.hash == header.hash)
            .map(|(ours, _)| *ours)
            .last();
        let Some(ancestor) = ancestor else {
            self.ask_another(anchor, &theirs, u32::MAX).await?;
            return self.stop(anchor, theirs.first().map(chain::Header::block)).await;
        };
        if ancestor.number >= top.min(self.checkpoint.block.number) {
            // It is our branch after all: the node changed its mind, or lags.
            return Ok(());
        }
        let old = self.checkpoint.block;
        let gone = self.window.iter().find(|block| block.number == ancestor.number + 1).copied();
        if let Some(gone) = gone.filter(|_| old.number - ancestor.number > 1) {
            self.ask_another(gone, &theirs, DOUBTS_MAX).await?;
        }
        let depth = self.commit_unwind(ancestor).await?;
        metrics::histogram!("indexer_reorg_depth", self.labels()).record(depth as f64);
        tracing::warn!(chain.id = %self.chain.id, depth, old.number = old.number,
            ancestor.number = ancestor.number, "followed a reorg");
        // Sources that the given-up branch had made are none any more.
        self.load_sources().await
    }

    /// A reorg of more than one block is believed when another endpoint has its lowest block, too;
    /// not while one still has `ours`, since then that one is followed. When nobody else can tell,
    /// it is believed after `doubts_max` tries.
    async fn ask_another(
        &mut self,
        ours: BlockRef,
        theirs: &[Header],
        doubts_max: u32,
    ) -> Result<(), IndexError> {
        let pool = &self.chain.endpoints;
        let find = |header: &&Header| header.number.to::<u64>() == ours.number;
        let Some(new) = theirs.iter().find(find).map(|header| header.hash) else { return Ok(()) };
        // Those that rest are asked, too: their word is worth the wait.
        let states = pool.states();
        let others = (0..pool.len())
            .filter(|place| *place != self.choice.place() && !states[*place].is_excluded());
        for place in others {
            let Some(endpoint) = pool.get(place) else { continue };
            let asked = timeout(OPINION, async {
                self.chain.identify(place).await?;
                endpoint.header(ours.number).await
            });
            match asked.await {
                Ok(Ok(Some(header))) if header.hash == new => return Ok(()),
                Ok(Ok(Some(header))) if header.hash == ours.hash => {
                    metrics::counter!("indexer_reorgs_doubted_total", self.labels()).increment(1);
                    let number = ours.number;
                    return Err(inconsistent(format!("another endpoint keeps block {number}")));
                }
                _ => {}
            }
        }
        if pool.len() == 1 || self.choice.doubts >= doubts_max {
            return Ok(());
        }
        self.choice.doubts = self.choice.doubts.saturating_add(1);
        Err(inconsistent(format!("nobody else tells of another block {}", ours.number)))
    }

    async fn stop(&mut self, anchor: BlockRef, theirs: Option<BlockRef>) -> Result<(), IndexError> {
        let theirs = theirs.map_or_else(String::new, |block| block.hash.to_string());
        let detail = format!(
            "block {} was {} and is {theirs}: deeper than the window of {} blocks",
            anchor.number,
            anchor.hash,
            self.checkpoint.block.number - anchor.number,
        );
        self.commit_stop(&detail).await?;
        Err(IndexError::TooDeep(detail))
    }
}
