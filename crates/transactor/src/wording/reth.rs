//! reth. Its RPC answers mirror geth's words on purpose; these are its own types that print them.

use super::{
    ACCEPTED, Client, FUNDS, INVALID, LATER, OVER_CAP, RESERVED, UNDERPRICED, UNKNOWN, Words,
};

const RPC: &str = "crates/rpc/rpc-eth-types/src/error/mod.rs";
const POOL: &str = "crates/transaction-pool/src/error.rs";

pub(super) const CLIENT: Client = Client {
    name: "reth v2.5.1",
    words: &[
        Words("nonce too low", UNKNOWN, RPC),
        Words("already known", ACCEPTED, RPC),
        Words("replacement transaction underpriced", UNDERPRICED, RPC),
        Words("transaction underpriced", UNDERPRICED, RPC),
        Words("max fee per gas less than block base fee", UNDERPRICED, RPC),
        Words("priority fee below minimum required priority fee", UNDERPRICED, RPC),
        Words("insufficient funds for gas * price + value", FUNDS, RPC),
        Words("insufficient funds for transfer", FUNDS, RPC),
        Words("txpool is full", LATER, RPC),
        Words("nonce too high", LATER, RPC),
        Words("gapped-nonce tx from delegated accounts", LATER, POOL),
        Words("in-flight transaction limit reached for delegated accounts", LATER, POOL),
        Words("address already reserved", RESERVED, RPC),
        Words("exceeds the configured cap", OVER_CAP, RPC),
        Words("intrinsic gas too low", INVALID, RPC),
        Words("exceeds block gas limit", INVALID, RPC),
        Words("exceeds max transaction gas limit", INVALID, RPC),
        Words("gas limit too high", INVALID, RPC),
        Words("max initcode size exceeded", INVALID, RPC),
        Words("oversized data", INVALID, RPC),
        Words("transaction type not supported", INVALID, RPC),
    ],
};
