//! From an intent to signed bytes.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Keccak256, Signature, TxKind as Target, U256};

use crate::wire::{Fee, SignedTx, TxIntent, TxKind};

/// Identity of what an intent does, whatever it pays for gas: Keccak-256 over receiver, value and
/// data. A void is the empty call of the key to itself, so the digest needs the key's address.
///
/// Layout: one byte (0 call, 1 creation), 20 bytes receiver (zero for a creation), 32 bytes value
/// big endian, then the data.
pub fn call_digest(key: Address, kind: &TxKind) -> B256 {
    let mut hash = Keccak256::new();
    let (create, to, value, data): (u8, Address, U256, &[u8]) = match kind {
        TxKind::Call { to, value, data } => (0, *to, *value, data),
        TxKind::Create { value, init_code } => (1, Address::ZERO, *value, init_code),
        TxKind::Void {} => (0, key, U256::ZERO, &[]),
    };
    hash.update([create]);
    hash.update(to);
    hash.update(value.to_be_bytes::<32>());
    hash.update(data);
    hash.finalize()
}

/// Wei that the intent sends away, gas not counted.
pub(crate) fn value(kind: &TxKind) -> U256 {
    match kind {
        TxKind::Call { value, .. } | TxKind::Create { value, .. } => *value,
        TxKind::Void {} => U256::ZERO,
    }
}

/// What is signed of the intent: the hash over everything but the signature.
pub(crate) fn signing_hash(intent: &TxIntent) -> B256 {
    let mut signed = B256::ZERO;
    build(intent, |hash| {
        signed = hash;
        // Thrown away with the transaction around it.
        Signature::new(U256::ONE, U256::ONE, false)
    });
    signed
}

/// Encodes the intent, has `sign` sign its hash, and puts both together.
pub(crate) fn build(intent: &TxIntent, sign: impl FnOnce(B256) -> Signature) -> SignedTx {
    let (to, value, input) = match &intent.kind {
        TxKind::Call { to, value, data } => (Target::Call(*to), *value, data.clone()),
        TxKind::Create { value, init_code } => (Target::Create, *value, init_code.clone()),
        TxKind::Void {} => (Target::Call(intent.key), U256::ZERO, Bytes::new()),
    };
    let envelope = match intent.fee {
        Fee::Eip1559 { max_fee_per_gas, max_priority_fee_per_gas } => seal(
            TxEip1559 {
                chain_id: intent.chain_id,
                nonce: intent.nonce,
                gas_limit: intent.gas_limit,
                max_fee_per_gas,
                max_priority_fee_per_gas,
                to,
                value,
                access_list: Default::default(),
                input,
            },
            sign,
        ),
        Fee::Legacy { gas_price } => seal(
            TxLegacy {
                chain_id: Some(intent.chain_id),
                nonce: intent.nonce,
                gas_price,
                gas_limit: intent.gas_limit,
                to,
                value,
                input,
            },
            sign,
        ),
    };
    SignedTx { raw: envelope.encoded_2718().into(), hash: *envelope.tx_hash() }
}

fn seal<T>(tx: T, sign: impl FnOnce(B256) -> Signature) -> TxEnvelope
where
    T: SignableTransaction<Signature>,
    TxEnvelope: From<alloy_consensus::Signed<T>>,
{
    let signature = sign(tx.signature_hash());
    tx.into_signed(signature).into()
}
