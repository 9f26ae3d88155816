//! Besu. What its `JsonRpcErrorConverter` has no words for (too large init code, a full pool) is
//! "Internal error", and so unknown.

use super::{ACCEPTED, Client, FUNDS, INVALID, LATER, OVER_CAP, UNDERPRICED, UNKNOWN, Words};

const TYPES: &str = "ethereum/api/src/main/java/org/hyperledger/besu/ethereum/api/jsonrpc/internal/\
                     response/RpcErrorType.java";

pub(super) const CLIENT: Client = Client {
    name: "besu 3fd224e2",
    words: &[
        Words("nonce too low", UNKNOWN, TYPES),
        Words("method not enabled", UNKNOWN, TYPES),
        Words("transaction pool not enabled", UNKNOWN, TYPES),
        Words("known transaction", ACCEPTED, TYPES),
        Words("replacement transaction underpriced", UNDERPRICED, TYPES),
        Words("gas price below current base fee", UNDERPRICED, TYPES),
        Words("gas price below configured minimum gas price", UNDERPRICED, TYPES),
        Words("upfront cost exceeds account balance", FUNDS, TYPES),
        Words("nonce too high", LATER, TYPES),
        Words("nonce is too distant from current sender nonce", LATER, TYPES),
        Words("an invalid transaction with a lower nonce exists", LATER, TYPES),
        Words("transaction fee cap exceeded", OVER_CAP, TYPES),
        Words("intrinsic gas exceeds gas limit", INVALID, TYPES),
        Words("transaction gas limit exceeds block gas limit", INVALID, TYPES),
        Words("transaction gas limit cap exceeded", INVALID, TYPES),
        Words("invalid transaction type", INVALID, TYPES),
        Words("max priority fee per gas exceeds max fee per gas", INVALID, TYPES),
    ],
};
