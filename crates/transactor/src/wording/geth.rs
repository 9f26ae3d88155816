//! go-ethereum.

use super::{
    ACCEPTED, Client, FUNDS, INVALID, LATER, OVER_CAP, RESERVED, UNDERPRICED, UNKNOWN, Words,
};

pub(super) const CLIENT: Client = Client {
    name: "geth v1.17.5",
    words: &[
        Words("nonce too low", UNKNOWN, "core/error.go"),
        Words("does not exist/is not available", UNKNOWN, "rpc/errors.go"),
        Words("already known", ACCEPTED, "core/txpool/errors.go"),
        Words("replacement transaction underpriced", UNDERPRICED, "core/txpool/errors.go"),
        Words("transaction underpriced", UNDERPRICED, "core/txpool/errors.go"),
        Words("transaction gas price below minimum", UNDERPRICED, "core/txpool/errors.go"),
        Words("max fee per gas less than block base fee", UNDERPRICED, "core/error.go"),
        Words("insufficient funds for gas * price + value", FUNDS, "core/error.go"),
        Words("insufficient funds for transfer", FUNDS, "core/error.go"),
        Words("txpool is full", LATER, "core/txpool/legacypool/legacypool.go"),
        Words("account limit exceeded", LATER, "core/txpool/errors.go"),
        Words(
            "future transaction tries to replace pending",
            LATER,
            "core/txpool/legacypool/legacypool.go",
        ),
        Words("nonce too high", LATER, "core/error.go"),
        Words(
            "gapped-nonce tx from delegated accounts",
            LATER,
            "core/txpool/legacypool/legacypool.go",
        ),
        Words(
            "in-flight transaction limit reached for delegated accounts",
            LATER,
            "core/txpool/errors.go",
        ),
        Words("address already reserved", RESERVED, "core/txpool/errors.go"),
        Words("exceeds the configured cap", OVER_CAP, "internal/ethapi/api.go"),
        Words("intrinsic gas too low", INVALID, "core/error.go"),
        Words("insufficient gas for floor data gas cost", INVALID, "core/error.go"),
        Words("exceeds block gas limit", INVALID, "core/txpool/errors.go"),
        Words("transaction gas limit too high", INVALID, "core/error.go (EIP-7825)"),
        Words("max initcode size exceeded", INVALID, "core/vm/errors.go (EIP-3860)"),
        Words("oversized data", INVALID, "core/txpool/errors.go"),
        Words("transaction type not supported", INVALID, "core/types/transaction.go"),
        Words("max priority fee per gas higher than max fee per gas", INVALID, "core/error.go"),
        Words("nonce has max value", INVALID, "core/error.go"),
    ],
};
