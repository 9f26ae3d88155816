//! op-geth and Arbitrum Nitro, where they say what geth does not, or say it elsewhere.

use super::{Client, FUNDS, INVALID, LATER, RESERVED, UNDERPRICED, UNKNOWN, Words};

pub(super) const OP_GETH: Client = Client {
    name: "op-geth 7b56c731",
    words: &[
        // With the L1 data fee in the cost.
        Words("insufficient funds for gas * price + value", FUNDS, "core/txpool/validation.go"),
        Words("address already reserved", RESERVED, "core/txpool/errors.go"),
        // Of 2024, when one word served for both prices below the minimum.
        Words("transaction underpriced", UNDERPRICED, "core/txpool/validation.go"),
        Words("max initcode size exceeded", INVALID, "core/error.go"),
    ],
};

pub(super) const NITRO: Client = Client {
    name: "nitro v3.10.0",
    words: &[
        Words("nonce too low", UNKNOWN, "execution/gethexec/tx_pre_checker.go"),
        // The sequencer answers only when it has ordered the transaction; a queue that did not
        // come to it may still do so.
        Words("sequencer temporarily not available", UNKNOWN, "execution/gethexec/sequencer.go"),
        Words("please retry transaction", UNKNOWN, "execution/interface.go"),
        Words("failed to publish transaction", UNKNOWN, "execution/gethexec/forwarder.go"),
        Words(
            "publishing transactions not supported by this endpoint",
            UNKNOWN,
            "execution/gethexec/forwarder.go",
        ),
        Words(
            "max fee per gas less than block base fee",
            UNDERPRICED,
            "execution/gethexec/tx_pre_checker.go",
        ),
        Words(
            "insufficient funds for gas * price + value",
            FUNDS,
            "execution/gethexec/tx_pre_checker.go",
        ),
        Words("nonce too high", LATER, "execution/gethexec/tx_pre_checker.go"),
        // Also when the gas does not cover the L1 data.
        Words("intrinsic gas too low", INVALID, "execution/gethexec/tx_pre_checker.go"),
        Words("l2message too long", INVALID, "execution/gethexec/sequencer.go"),
    ],
};
