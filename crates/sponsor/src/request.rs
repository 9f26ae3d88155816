//! ERC-2771 forward requests, as OpenZeppelin's `ERC2771Forwarder` (5.x) reads them.

use alloy_primitives::{aliases::U48, keccak256};
use alloy_sol_types::{Eip712Domain, SolStruct};
use vocab::{Address, B256, Bytes, U256};

/// The first four bytes of calldata.
pub type Selector = [u8; 4];

/// EIP-7825.
const TX_GAS_MAX: u64 = 1 << 24;
const TX_GAS: u64 = 21_000;
/// EIP-2028, and the floor of EIP-7623; every byte counts as one that is not zero.
const BYTE_GAS: u64 = 16;
const BYTE_GAS_FLOOR: u64 = 40;
/// What the forwarder does itself: recovery, a fresh nonce slot, the question to the target, a log.
const FORWARDER_GAS: u64 = 60_000;

mod typed {
    #![allow(unreachable_pub, missing_debug_implementations, clippy::all)]
    alloy_sol_types::sol! {
        struct ForwardRequest {
            address from;
            address to;
            uint256 value;
            uint256 gas;
            uint256 nonce;
            uint48 deadline;
            bytes data;
        }
    }
}

/// Which forwarder a request is for (EIP-712).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domain<'a> {
    /// The forwarder's; the version is always "1".
    pub name: &'a str,
    pub chain_id: u64,
    pub forwarder: Address,
}

/// What a user signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardRequest {
    /// The user.
    pub from: Address,
    pub to: Address,
    pub value: U256,
    /// That the call gets, at most.
    pub gas: u64,
    /// The forwarder's, of the user.
    pub nonce: u64,
    /// Unix seconds; the forwarder takes it up to and including this second.
    pub deadline: u64,
    pub data: Bytes,
}

impl ForwardRequest {
    /// What is called; none when `data` is too short to say.
    #[must_use]
    pub fn selector(&self) -> Option<Selector> {
        self.data.first_chunk().copied()
    }

    /// EIP-712 digest, which the user signs. The deadline must fit 48 bits: [`crate::check`] sees
    /// to that.
    #[must_use]
    pub fn digest(&self, domain: &Domain<'_>) -> B256 {
        let typed = typed::ForwardRequest {
            from: self.from,
            to: self.to,
            value: self.value,
            gas: U256::from(self.gas),
            nonce: U256::from(self.nonce),
            deadline: U48::from(self.deadline & ((1 << 48) - 1)),
            data: self.data.clone(),
        };
        typed.eip712_signing_hash(&Eip712Domain::new(
            Some(domain.name.to_owned().into()),
            Some("1".into()),
            Some(U256::from(domain.chain_id)),
            Some(domain.forwarder),
            None,
        ))
    }

    /// The call's data as the target sees it: the forwarder appends the user's address.
    #[must_use]
    pub fn forwarded_data(&self) -> Bytes {
        [&self.data[..], self.from.as_slice()].concat().into()
    }
}

/// Gas limit of a transaction that carries a request with `gas` in `bytes` of calldata, so that the
/// call surely gets all of it (EIP-150 keeps a 64th back). None when no transaction may take so
/// much.
#[must_use]
pub fn carrying_gas(gas: u64, bytes: usize) -> Option<u64> {
    let bytes = u64::try_from(bytes).ok()?;
    let call = gas.checked_add(gas / 63)?.checked_add(1)?;
    let limit = TX_GAS
        .checked_add(bytes.checked_mul(BYTE_GAS)?)?
        .checked_add(FORWARDER_GAS)?
        .checked_add(call)?;
    let floor = TX_GAS.checked_add(bytes.checked_mul(BYTE_GAS_FLOOR)?)?;
    Some(limit.max(floor)).filter(|limit| *limit <= TX_GAS_MAX)
}

/// The selector of a signature such as `transfer(address,uint256)`.
pub(crate) fn selector_of(signature: &str) -> Selector {
    let [a, b, c, d, ..] = keccak256(signature).0;
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carrying_takes_more_than_the_call() {
        assert_eq!(carrying_gas(63_000, 100), Some(21_000 + 1_600 + 60_000 + 63_000 + 1_000 + 1));
        // The floor of EIP-7623 counts when there is much data and little to do.
        assert_eq!(carrying_gas(0, 100_000), Some(21_000 + 4_000_000));
        assert_eq!(carrying_gas(1 << 24, 0), None);
        assert_eq!(carrying_gas(u64::MAX, usize::MAX), None);
    }
}
