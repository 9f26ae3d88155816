use std::time::Duration;
use vocab::ChainId;

/// How a call to an endpoint ended without a result. For a call that changes something, all but
/// [`RpcError::Refused`] leave open whether it took effect.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RpcError {
    /// The node answered with a JSON-RPC error object.
    #[error("the node refused ({code}): {message}")]
    Refused {
        code: i64,
        message: String,
        /// For a reverted call: the revert data, hex, when the node gives it.
        data: Option<String>,
    },
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    #[error("the endpoint could not be reached: {0}")]
    Unreachable(String),
    /// It answered something that is no JSON-RPC answer to our call, or too much of it.
    #[error("the endpoint answered nonsense: {0}")]
    Malformed(String),
    /// The endpoint takes no more calls for now, or our budget for it is spent.
    #[error("the endpoint's rate is spent, more in {0:?}")]
    Limited(Duration),
    /// No endpoint of the chain may be asked now: all rest, are of another chain or are kept out.
    #[error("none of the chain's endpoints can be asked now")]
    NoEndpoint,
    #[error("the endpoint is of chain {0}")]
    WrongChain(ChainId),
    /// The endpoint has not reached the head that others showed us before.
    #[error("the endpoint is behind block {0}, which we have seen")]
    Behind(u64),
}

/// Words by which nodes say that they lack what others may have: state that was pruned, a block
/// that has not come yet, a method that is switched off.
const LACKING: [&str; 9] = [
    "header not found",
    "missing trie node",
    "unknown block",
    "block not found",
    "blockoutofrange",
    "block is out of range",
    "pruned",
    "does not exist/is not available",
    "method not supported",
];

impl RpcError {
    /// Did the node itself say no? Anything else is an unknown outcome.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }

    /// Could another endpoint answer better? A refusal of the call itself (a revert) is an answer;
    /// one for lack of data is not.
    #[must_use]
    pub fn may_pass_elsewhere(&self) -> bool {
        let Self::Refused { code, message, .. } = self else { return true };
        let said = message.to_ascii_lowercase();
        *code == -32_601 || LACKING.iter().any(|words| said.contains(words))
    }
}

/// Does a JSON-RPC error say that we ask too much? The code alone does not tell: −32005 is said
/// of answers that are too long, too.
pub(crate) fn speaks_of_rate(code: i64, message: &str) -> bool {
    const WORDS: [&str; 6] = [
        "rate limit",
        "too many requests",
        "compute units per second",
        "request rate",
        "requests per second",
        "daily request count",
    ];
    let said = message.to_ascii_lowercase();
    code == 429 || WORDS.iter().any(|words| said.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_the_call_are_answers_and_lack_of_data_is_not() {
        let refused = |code, message: &str| RpcError::Refused {
            code,
            message: message.to_owned(),
            data: None,
        };
        let cases = [
            (refused(3, "execution reverted"), false),
            (refused(-32_000, "insufficient funds for gas * price + value"), false),
            (refused(-32_000, "header not found"), true),
            (refused(-32_000, "missing trie node 0xab (path )"), true),
            (refused(-32_601, "the method eth_x does not exist"), true),
            (RpcError::TimedOut(Duration::ZERO), true),
            (RpcError::Behind(1), true),
        ];
        for (error, elsewhere) in cases {
            assert_eq!(error.may_pass_elsewhere(), elsewhere, "{error}");
        }
    }

    #[test]
    fn rate_is_told_from_size() {
        let cases = [
            (429, "anything", true),
            (-32_005, "project ID request rate exceeded", true),
            (-32_005, "query returned more than 10000 results", false),
            (-32_000, "Too Many Requests", true),
            (3, "execution reverted: rate", false),
        ];
        for (code, message, rate) in cases {
            assert_eq!(speaks_of_rate(code, message), rate, "{message}");
        }
    }
}
