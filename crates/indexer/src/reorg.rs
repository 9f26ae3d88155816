//! Finding where another branch leaves ours.

use crate::{IndexError, fetch::inconsistent, follow::Session};
use vocab::BlockRef;

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
            return self.stop(anchor, theirs.first().map(chain::Header::block)).await;
        };
        if ancestor.number >= top.min(self.checkpoint.block.number) {
            // It is our branch after all: the node changed its mind, or lags.
            return Ok(());
        }
        let old = self.checkpoint.block;
        let depth = self.commit_unwind(ancestor).await?;
        metrics::histogram!("indexer_reorg_depth", self.labels()).record(depth as f64);
        tracing::warn!(chain.id = %self.chain.id, depth, old.number = old.number,
            ancestor.number = ancestor.number, "followed a reorg");
        // Sources that the given-up branch had made are none any more.
        self.load_sources().await
    }

    async fn stop(&mut self, anchor: BlockRef, theirs: Option<BlockRef>) -> Result<(), IndexError> {
        let theirs = theirs.map_or_else(String::new, |block| block.hash.to_string());
        let detail = format!(
            "block {} was {} and is {theirs}: deeper than the window of {} blocks",
            anchor.number, anchor.hash, self.options.window,
        );
        self.commit_stop(&detail).await?;
        Err(IndexError::TooDeep(detail))
    }
}
