use std::time::Duration;

/// Limits of one chain's indexer.
#[derive(Clone, Copy, Debug)]
pub struct IndexerOptions {
    /// How many blocks can be unwound; at least the depth of finality. Deeper blocks are indexed
    /// without undo records and item facts.
    pub window: u64,
    /// The window reaches down to the block that the node calls finalized, and is never deeper than
    /// `window`.
    pub window_finalized: bool,
    /// First block to read when the chain has no checkpoint; at least 1.
    pub start_block: u64,
    /// Read the header of every block below the window, too, and the block whole when its bloom
    /// filter says that it may hold a log of ours. Without it, only the ends of each range are
    /// proven so: a few calls per ten thousand logs, but a log kept back inside a range goes
    /// unnoticed.
    pub prove_settled: bool,
    /// Most blocks of one commit, in catch-up.
    pub range_max: u64,
    /// Logs per request that a range aims at.
    pub range_logs: usize,
    /// Ranges that are read ahead of the one that is committed, itself included.
    pub ranges_in_flight: usize,
    /// Calls per JSON-RPC batch.
    pub batch_max: usize,
    /// JSON-RPC batches in flight.
    pub batches_in_flight: usize,
    /// Sources above this number are asked for by topic alone.
    pub addresses_max: usize,
    /// Of so many blocks at the head that hold logs of ours, one is compared with its receipts, of
    /// another endpoint where there is one; 0 is none.
    pub spot_check_every: u64,
    /// So many blocks after which what every known account has of a token that rebases was read
    /// again, a part in each block; 0 is never.
    pub reread_blocks: u64,
    /// Pause between attempts to be elected.
    pub stand_by: Duration,
    /// Longest pause after trouble.
    pub back_off_max: Duration,
    /// What is done wrongly, to see whether tests notice.
    #[cfg(feature = "planted-faults")]
    pub planted: Option<crate::Fault>,
}

impl Default for IndexerOptions {
    fn default() -> Self {
        Self {
            window: 64,
            window_finalized: false,
            start_block: 1,
            prove_settled: true,
            range_max: 10_000,
            range_logs: 16_000,
            ranges_in_flight: 4,
            batch_max: 100,
            batches_in_flight: 4,
            addresses_max: 500,
            spot_check_every: 16,
            reread_blocks: 64,
            stand_by: Duration::from_secs(1),
            back_off_max: Duration::from_secs(10),
            #[cfg(feature = "planted-faults")]
            planted: None,
        }
    }
}
