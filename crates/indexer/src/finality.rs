//! How deep the window is: by number, or down to the block that the node calls finalized.

use crate::{IndexError, follow::Session};
use vocab::{BlockRef, LevelHeights};

impl Session {
    /// Ask which block is finalized, where the window reaches down to it.
    ///
    /// # Errors
    /// [`IndexError::NotFinal`] when the endpoint does not say, or says less than one did before.
    pub(crate) async fn learn_finalized(&mut self) -> Result<(), IndexError> {
        if !self.options.window_finalized {
            return Ok(());
        }
        let Some(header) = self.endpoint().finalized().await? else {
            return Err(IndexError::NotFinal("it has no block that it calls finalized".into()));
        };
        let block = header.block();
        let goes_back = |before: &BlockRef| {
            block.number < before.number || block.number == before.number && block != *before
        };
        if let Some(before) = self.checkpoint.finalized.filter(goes_back) {
            let what = format!(
                "block {} ({}) is finalized, and block {} ({}) was before",
                block.number, block.hash, before.number, before.hash,
            );
            return Err(IndexError::NotFinal(what));
        }
        let depth = self.checkpoint.block.number.saturating_sub(block.number);
        metrics::gauge!("indexer_finalized_depth", self.labels()).set(depth as f64);
        self.checkpoint.finalized = Some(block);
        Ok(())
    }

    /// The first block of the window under this head. What the node calls finalized is not kept,
    /// but at least what counts as final by number, and no more than the window may be: when
    /// finality stalls, a deeper reorg can't be followed.
    pub(crate) fn floor(&self, head: u64) -> u64 {
        let lowest = head.saturating_sub(self.options.window);
        let Some(finalized) = self.finalized() else { return lowest };
        finalized.number.min(head.saturating_sub(self.chain.finality.final_)).max(lowest)
    }

    /// Levels once the checkpoint stands at `to`, with `head` as the chain's head: what the node
    /// does not call finalized is not final. What was told before stands, but for a reorg below it.
    pub(crate) fn levels(&self, to: u64, head: u64) -> LevelHeights {
        let mut levels = self.chain.finality.heights(head);
        if let Some(finalized) = self.finalized() {
            levels.final_ = levels.final_.map(|height| height.min(finalized.number));
        }
        self.checkpoint.levels.or_higher(levels).up_to(to)
    }

    fn finalized(&self) -> Option<BlockRef> {
        self.checkpoint.finalized.filter(|_| self.options.window_finalized)
    }
}
