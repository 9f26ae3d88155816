//! Erigon. `rpc/jsonrpc/send_transaction.go` prints the kind of result, a colon and the reason.

use super::{
    ACCEPTED, Client, FUNDS, INVALID, LATER, OVER_CAP, RESERVED, UNDERPRICED, UNKNOWN, Words,
};

const REASONS: &str = "txnprovider/txpool/txpoolcfg/txpoolcfg.go";
const RPC: &str = "rpc/jsonrpc/send_transaction.go";

pub(super) const CLIENT: Client = Client {
    name: "erigon 05916db2 (reasons), 00769ff3 (RPC), 0958eb38 (kinds)",
    words: &[
        Words("nonce too low", UNKNOWN, REASONS),
        Words("txpool disabled", UNKNOWN, "txnprovider/txpool/txpool_grpc_server.go"),
        Words("already known", ACCEPTED, REASONS),
        Words("existing txn with same hash", ACCEPTED, REASONS),
        // Before "txn" was the word for it.
        Words("existing tx with same hash", ACCEPTED, "txpool/txpoolcfg/txpoolcfg.go"),
        Words("replacement transaction underpriced", UNDERPRICED, REASONS),
        Words("fee_too_low: underpriced", UNDERPRICED, REASONS),
        Words("fee too low", UNDERPRICED, REASONS),
        Words("could not replace existing tx", UNDERPRICED, REASONS),
        Words("insufficient funds", FUNDS, REASONS),
        Words("pending sub-pool is full", LATER, REASONS),
        Words("basefee sub-pool is full", LATER, REASONS),
        Words("queued sub-pool is full", LATER, REASONS),
        Words("can't replace blob-txn with a non-blob-txn", RESERVED, REASONS),
        Words("exceeds the configured cap", OVER_CAP, RPC),
        Words("internal_error: intrinsicgas", INVALID, REASONS),
        Words("gas limit is too high", INVALID, REASONS),
        Words("initcode too large", INVALID, REASONS),
        Words("oversized data", INVALID, REASONS),
        Words("rlptoolong", INVALID, REASONS),
        Words("fork supporting this transaction type is not activated yet", INVALID, REASONS),
    ],
};
