//! What a rollup charges for publishing a transaction on L1: how to ask, and what the answer means.

use alloy_consensus::{SignableTransaction, TxEip1559, TxLegacy};
use alloy_primitives::{Address, Bytes, TxKind, U256, address};
use alloy_sol_types::{SolCall, sol};

/// Predeploy of the OP stack.
pub(crate) const GAS_PRICE_ORACLE: Address = address!("420000000000000000000000000000000000000F");
/// Precompile of Arbitrum chains; it has code (one invalid byte), so it tells what chain this is.
pub(crate) const ARB_GAS_INFO: Address = address!("000000000000000000000000000000000000006C");
/// Virtual contract of Arbitrum nodes, which only calls from outside reach.
pub(crate) const NODE_INTERFACE: Address = address!("00000000000000000000000000000000000000C8");

sol! {
    interface GasPriceOracle {
        function getL1Fee(bytes data) external view returns (uint256);
        /// Since the hard fork Isthmus.
        function getOperatorFee(uint256 gasUsed) external view returns (uint256);
    }
    interface NodeInterface {
        function gasEstimateL1Component(address to, bool contractCreation, bytes data)
            external payable
            returns (uint64 gasEstimateForL1, uint256 baseFee, uint256 l1BaseFeeEstimate);
    }
}

/// How a chain charges for L1 data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum L1Charge {
    /// It is an L1 itself, or a rollup that charges nothing apart.
    None,
    /// From the balance, beside the gas and above the gas limit.
    OpStack,
    /// As gas: estimates and gas limits hold it already.
    Arbitrum,
}

/// A call whose fee is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Unsigned {
    pub chain_id: u64,
    pub to: Option<Address>,
    pub value: U256,
    pub data: Bytes,
    pub gas_limit: u64,
    pub fees: super::Fees,
}

impl Unsigned {
    /// The bytes that `getL1Fee` wants: the transaction without its signature, for which the oracle
    /// adds 68. The nonce is one of a wallet that has been busy for long.
    pub fn encode(&self) -> Bytes {
        let nonce = u64::from(u32::MAX);
        let to = self.to.map_or(TxKind::Create, TxKind::Call);
        let (value, input) = (self.value, self.data.clone());
        let mut bytes = Vec::new();
        match self.fees.legacy {
            true => TxLegacy {
                chain_id: Some(self.chain_id),
                nonce,
                gas_price: self.fees.max,
                gas_limit: self.gas_limit,
                to,
                value,
                input,
            }
            .encode_for_signing(&mut bytes),
            false => TxEip1559 {
                chain_id: self.chain_id,
                nonce,
                gas_limit: self.gas_limit,
                max_fee_per_gas: self.fees.max,
                max_priority_fee_per_gas: self.fees.tip,
                to,
                value,
                access_list: Default::default(),
                input,
            }
            .encode_for_signing(&mut bytes),
        }
        bytes.into()
    }

    pub fn ask_op_stack(&self) -> Bytes {
        GasPriceOracle::getL1FeeCall { data: self.encode() }.abi_encode().into()
    }

    pub fn ask_operator_fee(&self) -> Bytes {
        let gas = U256::from(self.gas_limit);
        GasPriceOracle::getOperatorFeeCall { gasUsed: gas }.abi_encode().into()
    }

    pub fn ask_arbitrum(&self) -> Bytes {
        NodeInterface::gasEstimateL1ComponentCall {
            to: self.to.unwrap_or_default(),
            contractCreation: self.to.is_none(),
            data: self.data.clone(),
        }
        .abi_encode()
        .into()
    }
}

/// Wei, of one word.
pub(crate) fn read_fee(answer: &[u8]) -> Option<U256> {
    GasPriceOracle::getL1FeeCall::abi_decode_returns(answer).ok()
}

/// Wei at today's base fee, of Arbitrum's answer.
pub(crate) fn read_arbitrum(answer: &[u8]) -> Option<U256> {
    let parts = NodeInterface::gasEstimateL1ComponentCall::abi_decode_returns(answer).ok()?;
    U256::from(parts.gasEstimateForL1).checked_mul(parts.baseFee)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fees::Fees;
    use alloy_primitives::hex;

    fn unsigned(to: Option<Address>) -> Unsigned {
        Unsigned {
            chain_id: 10,
            to,
            value: U256::ONE,
            data: Bytes::from_static(&[1, 2, 3]),
            gas_limit: 21_000,
            fees: Fees { max: 2, tip: 1, legacy: false },
        }
    }

    #[test]
    fn arbitrum_is_asked_and_understood_in_its_own_shape() {
        // cast calldata "gasEstimateL1Component(address,bool,bytes)" 0x…01 false 0x010203
        let asked = unsigned(Some(Address::with_last_byte(1))).ask_arbitrum();
        let expected = "77d488a2\
            0000000000000000000000000000000000000000000000000000000000000001\
            0000000000000000000000000000000000000000000000000000000000000000\
            0000000000000000000000000000000000000000000000000000000000000060\
            0000000000000000000000000000000000000000000000000000000000000003\
            0102030000000000000000000000000000000000000000000000000000000000";
        assert_eq!(hex::encode(asked), expected);
        let creation = unsigned(None).ask_arbitrum();
        assert_eq!((creation[35], creation[67]), (0, 1));
        let answer = hex!(
            "0000000000000000000000000000000000000000000000000000000000000bb8"
            "0000000000000000000000000000000000000000000000000000000000989680"
            "000000000000000000000000000000000000000000000000000000012a05f200"
        );
        assert_eq!(read_arbitrum(&answer), Some(U256::from(3_000u64 * 10_000_000)));
        assert_eq!(read_arbitrum(&answer[..95]), None);
        assert_eq!(read_arbitrum(&[]), None);
    }

    #[test]
    fn the_oracle_gets_the_transaction_without_its_signature() {
        let typed = unsigned(Some(Address::ZERO)).encode();
        assert_eq!(typed[0], 2);
        let legacy = Fees { max: 2, tip: 2, legacy: true };
        let old = Unsigned { fees: legacy, ..unsigned(None) }.encode();
        assert!(old[0] >= 0xc0, "a list and nothing before it");
        assert_eq!(read_fee(&U256::from(7).to_be_bytes::<32>()), Some(U256::from(7)));
        assert_eq!(read_fee(&[]), None);
    }
}
