//! Why a job did not do what it should.

use alloy_primitives::{Bytes, Selector, hex};
use alloy_sol_types::{Panic, Revert, SolError};
use chain::RpcError;
use std::{collections::HashMap, fmt};

/// A code that callers may act on, and a text for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// `reverted`, `panicked`, the name of a contract's error, `gas_above_limit`,
    /// `signer_refused`, `approval_required`, `node_refused`, `nonce_taken`, `nonce_filled`,
    /// `wallet_retired`, `predecessor_unapproved`, `cancelled`, `expired` or `replaced_was_mined`.
    pub code: String,
    pub text: String,
}

impl Reason {
    pub(crate) fn new(code: &str, text: impl Into<String>) -> Self {
        let text: String = text.into();
        Self { code: code.to_owned(), text: text.chars().take(500).collect() }
    }

    /// From its stored form.
    #[must_use]
    pub fn parse(stored: &str) -> Self {
        let (code, text) = stored.split_once(": ").unwrap_or((stored, ""));
        Self { code: code.to_owned(), text: text.to_owned() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.text)
    }
}

/// Names of the errors of the contracts that we call.
#[derive(Clone, Debug, Default)]
pub struct ErrorNames(HashMap<Selector, &'static str>);

impl FromIterator<(Selector, &'static str)> for ErrorNames {
    fn from_iter<I: IntoIterator<Item = (Selector, &'static str)>>(names: I) -> Self {
        Self(names.into_iter().collect())
    }
}

impl ErrorNames {
    /// Decode revert data: `Error(string)`, `Panic(uint256)`, one of our names, or else the data.
    #[must_use]
    pub fn decode(&self, data: &[u8]) -> Reason {
        if let Ok(revert) = Revert::abi_decode(data) {
            return Reason::new("reverted", revert.reason);
        }
        if let Ok(panic) = Panic::abi_decode(data) {
            return Reason::new("panicked", panic.to_string());
        }
        let name = data.first_chunk::<4>().and_then(|s| self.0.get(&Selector::from(*s)));
        Reason::new(name.copied().unwrap_or("reverted"), hex::encode_prefixed(data))
    }

    /// The reason in a node's answer to a call, when that answer says that the call itself fails;
    /// none for any other trouble.
    pub(crate) fn of_call(&self, error: &RpcError) -> Option<Reason> {
        let RpcError::Refused { code, message, data } = error else { return None };
        let bytes = data.as_deref().and_then(|data| data.parse::<Bytes>().ok());
        if let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) {
            return Some(self.decode(&bytes));
        }
        // Code 3 is a revert by the execution API's convention. The other words are how nodes say
        // that execution ended badly: geth core/vm/errors.go, revm `HaltReason` in anvil and reth.
        let said = message.to_ascii_lowercase();
        let failed = *code == 3
            || [
                "revert",
                "out of gas",
                "outofgas",
                "invalid opcode",
                "invalid jump",
                "gas required exceeds allowance",
                "stack underflow",
                "opcodenotfound",
            ]
            .iter()
            .any(|word| said.contains(word));
        failed.then(|| Reason::new("reverted", message.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::U256;
    use alloy_sol_types::sol;

    sol! { error MintIntentUsed(uint256 word, uint256 used); }

    #[test]
    fn revert_data_is_decoded() {
        let names: ErrorNames =
            [(Selector::from(MintIntentUsed::SELECTOR), "MintIntentUsed")].into_iter().collect();
        let used = MintIntentUsed { word: U256::from(1), used: U256::from(2) };
        let cases = [
            (Revert::from("no way").abi_encode(), "reverted", "no way"),
            (used.abi_encode(), "MintIntentUsed", "0x"),
            (Panic::from(0x11u64).abi_encode(), "panicked", "overflow"),
            (vec![1, 2, 3, 4, 5], "reverted", "0x0102030405"),
            (vec![], "reverted", "0x"),
            (vec![9], "reverted", "0x09"),
        ];
        for (data, code, text) in cases {
            let reason = names.decode(&data);
            assert_eq!(reason.code, code);
            assert!(reason.text.contains(text), "{reason}");
            assert_eq!(Reason::parse(&reason.to_string()), reason);
        }
    }

    #[test]
    fn only_a_failed_execution_is_a_reason() {
        let names = ErrorNames::default();
        let refused = |code, message: &str| RpcError::Refused {
            code,
            message: message.to_owned(),
            data: None,
        };
        assert!(names.of_call(&refused(3, "execution reverted")).is_some());
        assert!(names.of_call(&refused(-32000, "EVM error OutOfGas")).is_some());
        assert!(names.of_call(&refused(-32000, "insufficient funds for transfer")).is_none());
        assert!(names.of_call(&refused(-32005, "limit exceeded")).is_none());
        assert!(names.of_call(&RpcError::Unreachable("gone".into())).is_none());
    }
}
