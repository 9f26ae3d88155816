use chain::RpcError;
use db::DbError;

/// Why a step was not taken. None of these ends the indexer.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Ask again, or ask another endpoint.
    #[error("the endpoint failed")]
    Rpc(#[from] RpcError),
    /// The endpoint's answers contradict one another: a reorg under our hands, or a lie. Nothing
    /// of it was committed.
    #[error("the endpoint's answers do not fit together: {0}")]
    Inconsistent(String),
    /// The endpoint's answer is proven wrong by what the block's header commits to. Nothing of it
    /// was committed.
    #[error("the endpoint told what is not so: {0}")]
    Lied(String),
    /// The endpoint can't say what contracts hold as of a block, whose state it may lack. Nothing
    /// is guessed, and nothing of it was committed.
    #[error("the endpoint can't say what contracts hold as of block {block}")]
    Unanswered { block: u64, source: RpcError },
    /// The window reaches down to the finalized block, and the endpoint has none, or another than
    /// was told before.
    #[error("the endpoint does not say what is final: {0}")]
    NotFinal(String),
    /// What was committed must be read again.
    #[error("the database failed")]
    Db(#[from] DbError),
    /// Another writer has taken over.
    #[error("another indexer has taken over")]
    Superseded,
    /// The chain has given up blocks that can't be unwound; an operator has to look.
    #[error("the chain was reorganised below the window: {0}")]
    TooDeep(String),
    /// A source that the index has is configured otherwise.
    #[error(
        "the sources are not those of the index ({0}): one that is indexed can't be changed; \
         restore it, or begin with an empty database"
    )]
    SourcesChanged(String),
}

impl IndexError {
    /// Is the trouble on the endpoint's side, so that what we know of the database still holds?
    #[must_use]
    pub fn is_endpoint(&self) -> bool {
        match self {
            Self::Rpc(_)
            | Self::Inconsistent(_)
            | Self::Lied(_)
            | Self::Unanswered { .. }
            | Self::NotFinal(_) => true,
            Self::Db(_) | Self::Superseded | Self::TooDeep(_) | Self::SourcesChanged(_) => false,
        }
    }
}
