//! Nethermind. An answer is the result's phrase, and often a comma and a message.

use super::{ACCEPTED, Client, FUNDS, INVALID, LATER, RESERVED, UNDERPRICED, UNKNOWN, Words};

const PHRASES: &str = "src/Nethermind/Nethermind.TxPool/TxPoolErrorMessages.cs";
const RULES: &str = "src/Nethermind/Nethermind.Core/Messages/TxErrorMessages.cs";
const RESULTS: &str = "src/Nethermind/Nethermind.TxPool/AcceptTxResult.cs";

/// Since 2026: geth's words, and some of its own.
pub(super) const CLIENT: Client = Client {
    name: "nethermind 030cbd1b (results), 0c816d5d (rules)",
    words: &[
        Words("nonce too low", UNKNOWN, PHRASES),
        Words("node is syncing", UNKNOWN, PHRASES),
        Words("already known", ACCEPTED, PHRASES),
        Words("replacement transaction underpriced", UNDERPRICED, PHRASES),
        Words("transaction underpriced", UNDERPRICED, PHRASES),
        Words("insufficient funds for gas * price + value", FUNDS, PHRASES),
        Words("nonce too high", LATER, PHRASES),
        Words("nonce too far in future", LATER, PHRASES),
        Words("delegation nonce gap", LATER, PHRASES),
        Words("pending transaction type conflict", RESERVED, PHRASES),
        Words("gas limit reached", INVALID, PHRASES),
        Words("transaction too large", INVALID, PHRASES),
        Words("unsupported transaction type", INVALID, PHRASES),
        Words("intrinsic gas too low", INVALID, RULES),
        Words("max initcode size exceeded", INVALID, RULES),
        Words("txgaslimitcapexceeded", INVALID, RULES),
    ],
};

/// Before: the names of the results.
pub(super) const BEFORE: Client = Client {
    name: "nethermind 07870f1e",
    words: &[
        Words("oldnonce", UNKNOWN, RESULTS),
        Words("alreadyknown", ACCEPTED, RESULTS),
        // FeeTooLowToCompete too.
        Words("feetoolow", UNDERPRICED, RESULTS),
        Words("replacementnotallowed", UNDERPRICED, RESULTS),
        Words("insufficientfunds", FUNDS, RESULTS),
        Words("noncegap", LATER, RESULTS),
        Words("pendingtxsofothertype", RESERVED, RESULTS),
        Words("gaslimitexceeded", INVALID, RESULTS),
    ],
};
