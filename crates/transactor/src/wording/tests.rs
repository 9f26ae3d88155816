use super::*;
use std::time::Duration;

/// Whole messages as clients print them: formats from the sources that the tables name, filled in.
const MESSAGES: &[(&str, &str, Sent)] = &[
    ("geth", "nonce too low: next nonce 5, tx nonce 3", UNKNOWN),
    ("geth", "the method eth_sendRawTransaction does not exist/is not available", UNKNOWN),
    ("geth", "already known", ACCEPTED),
    ("geth", "replacement transaction underpriced", UNDERPRICED),
    ("geth", "transaction underpriced", UNDERPRICED),
    (
        "geth",
        "transaction gas price below minimum: gas tip cap 1, minimum needed 1000000",
        UNDERPRICED,
    ),
    (
        "geth",
        "max fee per gas less than block base fee: address \
         0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266, maxFeePerGas: 7, baseFee: 875000000",
        UNDERPRICED,
    ),
    (
        "geth",
        "insufficient funds for gas * price + value: balance 0, tx cost 21000, overshot 21000",
        FUNDS,
    ),
    (
        "geth",
        "insufficient funds for gas * price + value: balance 9, queued cost 5, tx cost 7, \
         overshot 3",
        FUNDS,
    ),
    (
        "geth",
        "insufficient funds for transfer: address 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
        FUNDS,
    ),
    ("geth", "txpool is full", LATER),
    ("geth", "account limit exceeded: pooled 16 txs", LATER),
    ("geth", "future transaction tries to replace pending", LATER),
    ("geth", "nonce too high: tx nonce 9, gapped nonce 5", LATER),
    ("geth", "gapped-nonce tx from delegated accounts", LATER),
    ("geth", "in-flight transaction limit reached for delegated accounts", LATER),
    ("geth", "address already reserved", RESERVED),
    ("geth", "tx fee (1.20 ether) exceeds the configured cap (1.00 ether)", OVER_CAP),
    ("geth", "intrinsic gas too low: gas 20000, minimum needed 21000", INVALID),
    ("geth", "insufficient gas for floor data gas cost: gas 21000, minimum needed 21040", INVALID),
    ("geth", "exceeds block gas limit", INVALID),
    ("geth", "transaction gas limit too high (cap: 16777216, tx: 20000000)", INVALID),
    ("geth", "max initcode size exceeded: code size 49153 limit 49152", INVALID),
    ("geth", "oversized data: transaction size 131073, limit 131072", INVALID),
    ("geth", "transaction type not supported: type 2 rejected, pool not yet in London", INVALID),
    ("geth", "max priority fee per gas higher than max fee per gas", INVALID),
    ("geth", "nonce has max value", INVALID),
    ("reth", "nonce too low: next nonce 5, tx nonce 3", UNKNOWN),
    ("reth", "already known", ACCEPTED),
    ("reth", "replacement transaction underpriced", UNDERPRICED),
    ("reth", "transaction underpriced", UNDERPRICED),
    ("reth", "max fee per gas less than block base fee", UNDERPRICED),
    ("reth", "transaction priority fee below minimum required priority fee 1000000", UNDERPRICED),
    ("reth", "insufficient funds for gas * price + value: have 0 want 21000", FUNDS),
    ("reth", "insufficient funds for transfer", FUNDS),
    ("reth", "txpool is full", LATER),
    ("reth", "nonce too high", LATER),
    ("reth", "gapped-nonce tx from delegated accounts", LATER),
    ("reth", "in-flight transaction limit reached for delegated accounts", LATER),
    ("reth", "address already reserved", RESERVED),
    (
        "reth",
        "tx fee (1200000000000000000 wei) exceeds the configured cap (1000000000000000000 wei)",
        OVER_CAP,
    ),
    ("reth", "intrinsic gas too low", INVALID),
    ("reth", "exceeds block gas limit", INVALID),
    ("reth", "exceeds max transaction gas limit", INVALID),
    ("reth", "gas limit too high", INVALID),
    ("reth", "max initcode size exceeded", INVALID),
    ("reth", "oversized data: transaction size 131073, limit 131072", INVALID),
    ("reth", "transaction type not supported", INVALID),
    ("erigon", "INTERNAL_ERROR: nonce too low", UNKNOWN),
    ("erigon", "TxPool Disabled", UNKNOWN),
    ("erigon", "ALREADY_EXISTS: already known", ACCEPTED),
    ("erigon", "INTERNAL_ERROR: existing txn with same hash", ACCEPTED),
    ("erigon", "INTERNAL_ERROR: existing tx with same hash", ACCEPTED),
    ("erigon", "FEE_TOO_LOW: underpriced", UNDERPRICED),
    ("erigon", "FEE_TOO_LOW: replacement transaction underpriced", UNDERPRICED),
    ("erigon", "FEE_TOO_LOW: fee too low", UNDERPRICED),
    ("erigon", "INTERNAL_ERROR: could not replace existing tx", UNDERPRICED),
    ("erigon", "INTERNAL_ERROR: insufficient funds", FUNDS),
    ("erigon", "INTERNAL_ERROR: pending sub-pool is full", LATER),
    ("erigon", "INTERNAL_ERROR: baseFee sub-pool is full", LATER),
    ("erigon", "INTERNAL_ERROR: queued sub-pool is full", LATER),
    ("erigon", "INTERNAL_ERROR: can't replace blob-txn with a non-blob-txn", RESERVED),
    ("erigon", "tx fee (1.20 ether) exceeds the configured cap (1.00 ether)", OVER_CAP),
    ("erigon", "INTERNAL_ERROR: IntrinsicGas", INVALID),
    ("erigon", "INTERNAL_ERROR: gas limit is too high", INVALID),
    ("erigon", "INVALID: initcode too large", INVALID),
    ("erigon", "INVALID: oversized data", INVALID),
    ("erigon", "INVALID: RLPTooLong", INVALID),
    ("erigon", "INVALID: fork supporting this transaction type is not activated yet", INVALID),
    ("nethermind", "nonce too low", UNKNOWN),
    ("nethermind", "node is syncing", UNKNOWN),
    ("nethermind", "already known", ACCEPTED),
    ("nethermind", "replacement transaction underpriced", UNDERPRICED),
    ("nethermind", "transaction underpriced", UNDERPRICED),
    ("nethermind", "insufficient funds for gas * price + value", FUNDS),
    ("nethermind", "nonce too high", LATER),
    ("nethermind", "nonce too far in future", LATER),
    ("nethermind", "delegation nonce gap", LATER),
    ("nethermind", "pending transaction type conflict", RESERVED),
    ("nethermind", "gas limit reached", INVALID),
    ("nethermind", "transaction too large", INVALID),
    ("nethermind", "unsupported transaction type", INVALID),
    ("nethermind", "transaction invalid, intrinsic gas too low", INVALID),
    ("nethermind", "transaction invalid, max initcode size exceeded", INVALID),
    (
        "nethermind",
        "transaction invalid, TxGasLimitCapExceeded: Gas limit 20000000 exceeded cap of \
         16777216.",
        INVALID,
    ),
    ("nethermind", "OldNonce", UNKNOWN),
    ("nethermind", "AlreadyKnown", ACCEPTED),
    ("nethermind", "FeeTooLow", UNDERPRICED),
    ("nethermind", "FeeTooLowToCompete", UNDERPRICED),
    ("nethermind", "ReplacementNotAllowed", UNDERPRICED),
    ("nethermind", "InsufficientFunds", FUNDS),
    ("nethermind", "NonceGap", LATER),
    ("nethermind", "PendingTxsOfOtherType", RESERVED),
    ("nethermind", "GasLimitExceeded", INVALID),
    ("besu", "Nonce too low", UNKNOWN),
    ("besu", "Method not enabled", UNKNOWN),
    (
        "besu",
        "Transaction pool not enabled. (Either txpool explicitly disabled, or node not yet in \
         sync).",
        UNKNOWN,
    ),
    ("besu", "Internal error", UNKNOWN),
    ("besu", "Known transaction", ACCEPTED),
    ("besu", "Replacement transaction underpriced", UNDERPRICED),
    ("besu", "Gas price below current base fee", UNDERPRICED),
    ("besu", "Gas price below configured minimum gas price", UNDERPRICED),
    ("besu", "Upfront cost exceeds account balance", FUNDS),
    ("besu", "Nonce too high", LATER),
    ("besu", "Transaction nonce is too distant from current sender nonce", LATER),
    ("besu", "An invalid transaction with a lower nonce exists", LATER),
    ("besu", "Transaction fee cap exceeded", OVER_CAP),
    ("besu", "Intrinsic gas exceeds gas limit", INVALID),
    ("besu", "Transaction gas limit exceeds block gas limit", INVALID),
    ("besu", "Transaction gas limit cap exceeded", INVALID),
    ("besu", "Invalid transaction type", INVALID),
    ("besu", "Max priority fee per gas exceeds max fee per gas", INVALID),
    ("anvil", "nonce too low", UNKNOWN),
    ("anvil", "Unknown transaction type not supported", INVALID),
    ("anvil", "transaction already imported", ACCEPTED),
    ("anvil", "replacement transaction underpriced", UNDERPRICED),
    ("anvil", "max fee per gas less than block base fee", UNDERPRICED),
    ("anvil", "Insufficient funds for gas * price + value", FUNDS),
    ("anvil", "Nonce too high", LATER),
    ("anvil", "intrinsic gas too low", INVALID),
    ("anvil", "intrinsic gas too high -- tx.gas_limit > env.block.gas_limit", INVALID),
    ("anvil", "intrinsic gas too high -- tx.gas_limit > env.cfg.tx_gas_limit_cap", INVALID),
    (
        "anvil",
        "Transaction gas limit is greater than the block gas limit, gas_limit: 20000000, cap: \
         16777216",
        INVALID,
    ),
    ("anvil", "max initcode size exceeded", INVALID),
    (
        "anvil",
        "EIP-1559 style fee params (maxFeePerGas or maxPriorityFeePerGas) received but they are \
         not supported by the current hardfork.\n\nYou can use them by running anvil with \
         '--hardfork london' or later.",
        INVALID,
    ),
    (
        "op-geth",
        "insufficient funds for gas * price + value: balance 21000, tx cost 120000, overshot \
         99000",
        FUNDS,
    ),
    ("op-geth", "address already reserved", RESERVED),
    ("op-geth", "transaction underpriced: gas tip cap 0, minimum needed 1000000", UNDERPRICED),
    ("op-geth", "max initcode size exceeded: code size 49153, limit 49152", INVALID),
    (
        "nitro",
        "nonce too low: address 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266, tx: 3 state: 5",
        UNKNOWN,
    ),
    ("nitro", "sequencer temporarily not available", UNKNOWN),
    ("nitro", "please retry transaction", UNKNOWN),
    ("nitro", "failed to publish transaction to any of the forwarding targets", UNKNOWN),
    ("nitro", "publishing transactions not supported by this endpoint", UNKNOWN),
    // Only for conditional transactions, which we do not send.
    ("nitro", "conditions check failed for old state", UNKNOWN),
    (
        "nitro",
        "max fee per gas less than block base fee: address \
         0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266, maxFeePerGas: 7 baseFee: 10000000",
        UNDERPRICED,
    ),
    (
        "nitro",
        "insufficient funds for gas * price + value: address \
         0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 have 0 want 21000",
        FUNDS,
    ),
    (
        "nitro",
        "nonce too high: address 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266, tx: 5 state: 3",
        LATER,
    ),
    ("nitro", "intrinsic gas too low", INVALID),
    ("nitro", "l2message too long", INVALID),
    // Proxies and providers in front of nodes, which have no common words.
    ("proxy", "Too Many Requests", UNKNOWN),
    ("proxy", "rate limit exceeded", UNKNOWN),
    ("proxy", "server busy", UNKNOWN),
    ("proxy", "Method not found", UNKNOWN),
    ("proxy", "", UNKNOWN),
];

fn refused(message: &str) -> Result<(), RpcError> {
    Err(RpcError::Refused { code: -32000, message: message.to_owned(), data: None })
}

#[test]
fn each_message_means_what_the_tables_say() {
    for (client, message, sent) in MESSAGES {
        assert_eq!(classify(&refused(message)), *sent, "{client}: {message}");
        // As it is stored, and as proxies wrap it.
        let wrapped = refused(message).unwrap_err().to_string();
        assert_eq!(classify(&refused(&wrapped)), *sent, "{client}: {wrapped}");
    }
}

#[test]
fn each_listed_string_has_a_message_of_its_client() {
    for client in CLIENTS {
        let name = client.name.split(' ').next().unwrap();
        for words in client.words {
            let shown = MESSAGES.iter().any(|(who, message, sent)| {
                *who == name && *sent == words.1 && says(&message.to_ascii_lowercase(), words.0)
            });
            assert!(shown, "{}: no message shows {:?}", client.name, words.0);
            assert_eq!(words.0, words.0.to_ascii_lowercase());
            assert!(words.2.contains('/'), "{}: {:?} names no file", client.name, words.0);
        }
    }
}

#[test]
fn words_begin_where_words_begin() {
    assert!(says("(-32000): known transaction", "known transaction"));
    assert!(!says("unknown transaction", "known transaction"));
    assert_eq!(classify(&refused("unknown transaction")), UNKNOWN);
}

#[test]
fn a_classification_names_its_source() {
    let source = source("the node refused (-32000): nonce too low: next nonce 5, tx nonce 3");
    assert_eq!(source.unwrap(), "\"nonce too low\": geth v1.17.5, core/error.go");
    assert_eq!(super::source("something else"), None);
}

#[test]
fn trouble_on_the_way_is_unknown() {
    let lost: [Result<(), RpcError>; 3] = [
        Err(RpcError::TimedOut(Duration::from_secs(1))),
        Err(RpcError::Unreachable("HTTP status 502: already known".into())),
        Err(RpcError::Malformed("insufficient funds".into())),
    ];
    assert!(lost.iter().all(|answer| classify(answer) == UNKNOWN));
    assert_eq!(classify(&Ok(())), ACCEPTED);
}

#[test]
fn one_node_that_may_have_it_outweighs_refusals() {
    assert_eq!(INVALID.merge(UNKNOWN), UNKNOWN);
    assert_eq!(ACCEPTED.merge(INVALID), ACCEPTED);
    assert_eq!(INVALID.merge(FUNDS), FUNDS);
    assert_eq!(UNDERPRICED.merge(INVALID), UNDERPRICED);
    assert_eq!(OVER_CAP.merge(FUNDS), FUNDS);
    assert_eq!(OVER_CAP.merge(INVALID), OVER_CAP);
    assert_eq!(INVALID.merge(INVALID), INVALID);
}
