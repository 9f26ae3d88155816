//! What an error on `eth_getLogs` says of the range that was asked for. JSON-RPC has no code for
//! it, so providers are known by their words, each with the place that shows them. Words decide
//! only how fast we adapt: an unknown error halves the range, too.

use chain::RpcError;

/// What to do about a failed range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Advice {
    /// The range is too much for this endpoint: ask for less until it is not.
    AskLess,
    /// It may be too much: try a few times with less.
    TryLess,
    /// The endpoint as such is in trouble: asking for less would not help.
    GiveUp,
}

/// Where the words were read: code that parses providers' answers, a client's own source, an
/// issue that quotes the answer.
const PONDER: &str = "ponder-sh/ponder packages/utils/src/getLogsRetryHelper.ts at 00dce051";
const RETH: &str = "paradigmxyz/reth crates/rpc/rpc/src/eth/filter.rs";
const BESU: &str = "besu RpcErrorType.java, EXCEEDS_RPC_MAX_BLOCK_RANGE";
const INFURA: &str = "INFURA/infura#237";
const TENDERLY: &str = "bobanetwork/boba_legacy#827";
const ALCHEMY: &str = "ethereum/go-ethereum#25343";
const ZKSYNC: &str = "matter-labs/zksync-era#3412";
const QUICKNODE: &str = "OffchainLabs/arbitrum-sdk#609";

/// Words in lower case, and where they were read.
const WORDS: &[(&str, &str)] = &[
    ("requested too many blocks from", PONDER),
    ("max range:", PONDER),
    ("maximum allowed number of requested blocks is", PONDER),
    ("try with this block range", PONDER),
    ("block range is too wide", PONDER),
    ("this block range should work", PONDER),
    ("limited to a", PONDER),
    ("is limited to", PONDER),
    ("response size should not greater than", PONDER),
    ("query returned more than", PONDER),
    ("backend response too large", PONDER),
    ("block range is too large", PONDER),
    ("block range too large", PONDER),
    ("logs matched by query exceeds limit", PONDER),
    ("exceeds the range allowed for your plan", PONDER),
    ("block range limit exceeded", PONDER),
    ("please limit the query to at most", PONDER),
    ("maximum block range", PONDER),
    ("block range greater than", PONDER),
    ("block range exceeds", PONDER),
    ("range is too large", PONDER),
    ("query must be smaller than size", PONDER),
    ("block range, ", PONDER),
    ("blocks distance:", PONDER),
    ("query exceeds max block range", RETH),
    ("query exceeds max results", RETH),
    ("requested range exceeds maximum rpc range limit", BESU),
    ("exceeds limit of", INFURA),
    ("is bigger than range limit", TENDERLY),
    ("log response size exceeded", ALCHEMY),
    ("response is too big", ZKSYNC),
    ("limited to a 10,000 range", QUICKNODE),
];

/// HTTP's own words for an answer or a request that is too large, and for a gateway that gave up.
const STATUSES: [&str; 3] = ["HTTP status 413", "HTTP status 504", "HTTP status 502"];

pub(crate) fn advice(error: &RpcError) -> Advice {
    match error {
        RpcError::Refused { message, data, .. } => {
            let said = |text: &str| {
                let text = text.to_ascii_lowercase();
                WORDS.iter().any(|(words, _)| text.contains(words))
            };
            if said(message) || data.as_deref().is_some_and(said) {
                Advice::AskLess
            } else {
                Advice::TryLess
            }
        }
        RpcError::Unreachable(why) if STATUSES.iter().any(|status| why.starts_with(status)) => {
            Advice::AskLess
        }
        // Too much to be found in time, an answer cut off or too long for us; or something else.
        RpcError::TimedOut(_) | RpcError::Malformed(_) | RpcError::Unreachable(_) => {
            Advice::TryLess
        }
        RpcError::Limited(_)
        | RpcError::NoEndpoint
        | RpcError::WrongChain(_)
        | RpcError::Behind(_) => Advice::GiveUp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_providers_say_of_ranges_is_known() {
        let refused = |code, message: &str| RpcError::Refused {
            code,
            message: message.to_owned(),
            data: None,
        };
        let cases = [
            (refused(-32_005, "query returned more than 10000 results"), Advice::AskLess),
            (refused(-32_602, "range 1000000 exceeds limit of 10000"), Advice::AskLess),
            (refused(-32_602, "query exceeds max block range 100000"), Advice::AskLess),
            (refused(-32_005, "Requested range exceeds maximum RPC range limit"), Advice::AskLess),
            (refused(-32_600, "eth_getLogs is limited to a 10,000 range"), Advice::AskLess),
            (
                refused(-32_602, "Log response size exceeded. this block range should work: [0x0]"),
                Advice::AskLess,
            ),
            (
                refused(-32_000, "eth_getLogs range is too large, max is 10k blocks"),
                Advice::AskLess,
            ),
            (refused(-32_000, "something never heard"), Advice::TryLess),
            (RpcError::Unreachable("HTTP status 413 Payload Too Large".into()), Advice::AskLess),
            (RpcError::Unreachable("connection refused".into()), Advice::TryLess),
            (RpcError::TimedOut(Duration::ZERO), Advice::TryLess),
            (RpcError::Malformed("EOF while parsing".into()), Advice::TryLess),
            (RpcError::Limited(Duration::ZERO), Advice::GiveUp),
        ];
        for (error, wanted) in cases {
            assert_eq!(advice(&error), wanted, "{error}");
        }
        let data = Some("range 9009594 is bigger than range limit 2000".to_owned());
        let error = RpcError::Refused { code: -32_602, message: "invalid params".into(), data };
        assert_eq!(advice(&error), Advice::AskLess);
    }

    #[test]
    fn words_are_in_lower_case_and_have_a_source() {
        for (words, source) in WORDS {
            assert_eq!(*words, words.to_ascii_lowercase());
            assert!(!source.is_empty());
        }
    }
}
