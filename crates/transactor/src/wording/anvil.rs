//! Anvil, of Foundry.

use super::{ACCEPTED, Client, FUNDS, INVALID, LATER, UNDERPRICED, UNKNOWN, Words};

const ERRORS: &str = "crates/anvil/src/eth/error.rs";

pub(super) const CLIENT: Client = Client {
    name: "anvil v1.7.1",
    words: &[
        Words("nonce too low", UNKNOWN, ERRORS),
        Words("transaction already imported", ACCEPTED, ERRORS),
        Words("replacement transaction underpriced", UNDERPRICED, ERRORS),
        Words("max fee per gas less than block base fee", UNDERPRICED, ERRORS),
        Words("insufficient funds for gas * price + value", FUNDS, ERRORS),
        Words("nonce too high", LATER, ERRORS),
        Words("intrinsic gas too low", INVALID, ERRORS),
        Words("intrinsic gas too high", INVALID, ERRORS),
        Words("gas limit is greater than the block gas limit", INVALID, ERRORS),
        Words("max initcode size exceeded", INVALID, ERRORS),
        Words("not supported by the current hardfork", INVALID, ERRORS),
    ],
};
