//! What a node's answer to `eth_sendRawTransaction` means. JSON-RPC has no codes for it, so clients
//! are known by their words. Whatever is not listed is unknown.

use chain::RpcError;

/// How a hand-over ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// A node has the bytes.
    Accepted,
    /// The node does not have the bytes.
    Rejected(Cause),
    /// Anything may be.
    Unknown,
}

/// Why a node did not take the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It offers too little: now, or compared with another of its nonce.
    Underpriced,
    /// The wallet can't pay for it.
    Funds,
    /// No room, or too far ahead of the account's nonce: later.
    Later,
    /// It can never be mined as it is.
    Invalid,
}

impl Sent {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected(_) => "rejected",
            Self::Unknown => "unknown",
        }
    }

    /// One answer from those of several nodes: a node that has the bytes decides; then one that
    /// may have them.
    pub(crate) fn merge(self, other: Self) -> Self {
        match (self, other) {
            (Self::Accepted, _) | (_, Self::Accepted) => Self::Accepted,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Rejected(Cause::Invalid), second) => second,
            (first, Self::Rejected(_)) => first,
        }
    }
}

const LATER: Sent = Sent::Rejected(Cause::Later);
const FUNDS: Sent = Sent::Rejected(Cause::Funds);
const INVALID: Sent = Sent::Rejected(Cause::Invalid);
const UNDERPRICED: Sent = Sent::Rejected(Cause::Underpriced);

/// Words (lower case), what they mean, and who says them. The first match counts.
///
/// "nonce too low" is missing on purpose: the nonce is used, perhaps by these very bytes, so only
/// receipts can tell. So are errors about the sender's signature: they would be a fault of ours.
const WORDS: &[(&str, Sent, &str)] = &[
    ("already known", Sent::Accepted, "geth core/txpool/errors.go; reth rpc-eth-types error"),
    ("alreadyknown", Sent::Accepted, "nethermind TxPool/AcceptTxResult.cs"),
    ("already imported", Sent::Accepted, "anvil crates/anvil/src/eth/error.rs"),
    ("known transaction", Sent::Accepted, "besu RpcErrorType; geth before 1.9.19"),
    ("existing tx with same hash", Sent::Accepted, "erigon txpool/txpoolcfg"),
    ("underpriced", UNDERPRICED, "geth core/txpool/errors.go; anvil; reth; erigon; besu"),
    ("less than block base fee", UNDERPRICED, "geth core/error.go; anvil; reth"),
    ("fee too low", UNDERPRICED, "erigon txpool/txpoolcfg"),
    ("feetoolow", UNDERPRICED, "nethermind TxPool/AcceptTxResult.cs"),
    ("gas price below current base fee", UNDERPRICED, "besu RpcErrorType"),
    ("below configured minimum gas price", UNDERPRICED, "besu RpcErrorType"),
    ("insufficient funds", FUNDS, "geth core/error.go; anvil; reth; erigon"),
    ("insufficientfunds", FUNDS, "nethermind TxPool/AcceptTxResult.cs"),
    ("upfront cost exceeds account balance", FUNDS, "besu RpcErrorType"),
    ("txpool is full", LATER, "geth core/txpool; reth"),
    ("nonce too high", LATER, "geth core/error.go; anvil; erigon"),
    ("noncegap", LATER, "nethermind TxPool/AcceptTxResult.cs"),
    ("nonce is too distant", LATER, "besu RpcErrorType"),
    ("exceeds transaction sender account nonce limit", LATER, "besu RpcErrorType"),
    ("intrinsic gas too low", INVALID, "geth core/error.go; anvil; reth; erigon"),
    ("gastoolow", INVALID, "nethermind TxPool/AcceptTxResult.cs"),
    ("intrinsic gas exceeds gas limit", INVALID, "besu RpcErrorType"),
    ("exceeds block gas limit", INVALID, "geth core/txpool/errors.go; reth; besu"),
    ("gas limit too high", INVALID, "geth core/error.go (EIP-7825)"),
    ("exceeds the maximum allowed", INVALID, "besu (EIP-7825)"),
    ("max initcode size exceeded", INVALID, "geth core/error.go (EIP-3860); anvil; reth"),
    ("oversized data", INVALID, "geth core/txpool/errors.go; reth"),
    ("transaction type not supported", INVALID, "geth core/types; reth; anvil"),
];

/// What one node's answer means.
#[must_use]
pub fn classify<T>(answer: &Result<T, RpcError>) -> Sent {
    match answer {
        Ok(_) => Sent::Accepted,
        Err(RpcError::Refused { message, .. }) => {
            let said = message.to_ascii_lowercase();
            let found = WORDS.iter().find(|(words, _, _)| said.contains(words));
            found.map_or(Sent::Unknown, |(_, sent, _)| *sent)
        }
        Err(_) => Sent::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn answers_are_three_valued() {
        let says = |message: &str| -> Result<(), RpcError> {
            Err(RpcError::Refused { code: -32000, message: message.to_owned(), data: None })
        };
        let cases = [
            ("already known", Sent::Accepted),
            ("transaction already imported", Sent::Accepted),
            ("Known transaction", Sent::Accepted),
            ("AlreadyKnown", Sent::Accepted),
            ("replacement transaction underpriced", UNDERPRICED),
            ("max fee per gas less than block base fee: address 0x", UNDERPRICED),
            ("Insufficient funds for gas * price + value", FUNDS),
            ("Upfront cost exceeds account balance", FUNDS),
            ("nonce too high", LATER),
            ("intrinsic gas too low: gas 1, minimum needed 21000", INVALID),
            ("nonce too low: next nonce 5, tx nonce 3", Sent::Unknown),
            ("OldNonce", Sent::Unknown),
            ("server busy", Sent::Unknown),
            ("", Sent::Unknown),
        ];
        for (message, sent) in cases {
            assert_eq!(classify(&says(message)), sent, "{message}");
        }
        let lost: [Result<(), RpcError>; 3] = [
            Err(RpcError::TimedOut(Duration::from_secs(1))),
            Err(RpcError::Unreachable("HTTP status 502".into())),
            Err(RpcError::Malformed("cut".into())),
        ];
        assert!(lost.iter().all(|answer| classify(answer) == Sent::Unknown));
        assert_eq!(classify(&Ok(())), Sent::Accepted);
    }

    #[test]
    fn one_node_that_may_have_it_outweighs_refusals() {
        assert_eq!(INVALID.merge(Sent::Unknown), Sent::Unknown);
        assert_eq!(Sent::Accepted.merge(INVALID), Sent::Accepted);
        assert_eq!(INVALID.merge(FUNDS), FUNDS);
        assert_eq!(UNDERPRICED.merge(INVALID), UNDERPRICED);
        assert_eq!(INVALID.merge(INVALID), INVALID);
    }

    #[test]
    fn words_are_lower_case_and_name_their_source() {
        for (words, _, source) in WORDS {
            assert_eq!(*words, words.to_ascii_lowercase());
            assert!(!source.is_empty());
        }
    }
}
