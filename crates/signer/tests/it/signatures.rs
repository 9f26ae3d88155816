//! What comes back is the transaction that was asked for, signed by the key that was asked.

use alloy_consensus::{Transaction, TxEnvelope};
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::{Address, U256, keccak256};
use proptest::prelude::*;
use secp256k1::{
    Message,
    ecdsa::{RecoverableSignature, RecoveryId},
};
use signer::{Fee, SignedTx, TxIntent, TxKind};

use crate::rig::{CHAIN, Rig};

fn kinds() -> impl Strategy<Value = TxKind> {
    let address = any::<[u8; 20]>().prop_map(Address::from);
    let value = (0u64..=1000).prop_map(U256::from);
    let code = proptest::collection::vec(any::<u8>(), 0..300);
    prop_oneof![
        (address, value.clone()).prop_map(|(to, value)| TxKind::Call {
            to,
            value,
            data: Default::default()
        }),
        (value, code).prop_map(|(value, code)| TxKind::Create { value, init_code: code.into() }),
        Just(TxKind::Void {}),
    ]
}

fn fees() -> impl Strategy<Value = Fee> {
    let wei = 0u128..=500_000_000_000;
    prop_oneof![
        (wei.clone(), wei.clone()).prop_map(|(a, b)| Fee::Eip1559 {
            max_fee_per_gas: a.max(b),
            max_priority_fee_per_gas: a.min(b),
        }),
        wei.prop_map(|gas_price| Fee::Legacy { gas_price }),
    ]
}

fn recover(envelope: &TxEnvelope) -> Address {
    let signature = envelope.signature();
    let id = RecoveryId::try_from(i32::from(signature.v())).unwrap();
    let bytes = &signature.as_bytes()[..64];
    let recovered = RecoverableSignature::from_compact(bytes, id)
        .unwrap()
        .recover(Message::from_digest(envelope.signature_hash().0))
        .unwrap();
    Address::from_slice(&keccak256(&recovered.serialize_uncompressed()[1..])[12..])
}

pub(crate) fn check(intent: &TxIntent, signed: &SignedTx) {
    let envelope = TxEnvelope::decode_2718_exact(&signed.raw).unwrap();
    assert_eq!(*envelope.tx_hash(), signed.hash);
    assert_eq!(keccak256(&signed.raw), signed.hash);
    assert_eq!(recover(&envelope), intent.key);
    assert!(envelope.signature().normalize_s().is_none(), "EIP-2: low s");
    let (to, value, data) = match &intent.kind {
        TxKind::Call { to, value, data } => (Some(*to), *value, data.clone()),
        TxKind::Create { value, init_code } => (None, *value, init_code.clone()),
        TxKind::Void {} => (Some(intent.key), U256::ZERO, Default::default()),
    };
    assert_eq!((envelope.to(), envelope.value(), envelope.input()), (to, value, &data));
    assert_eq!(envelope.chain_id(), Some(CHAIN));
    assert_eq!((envelope.nonce(), envelope.gas_limit()), (intent.nonce, intent.gas_limit));
    match intent.fee {
        Fee::Eip1559 { max_fee_per_gas, max_priority_fee_per_gas } => {
            assert!(envelope.is_eip1559());
            assert_eq!(envelope.max_fee_per_gas(), max_fee_per_gas);
            assert_eq!(envelope.max_priority_fee_per_gas(), Some(max_priority_fee_per_gas));
        }
        Fee::Legacy { gas_price } => {
            assert!(envelope.is_legacy());
            assert_eq!(envelope.gas_price(), Some(gas_price));
        }
    }
}

#[test]
fn any_signed_transaction_decodes_to_its_intent_and_recovers_to_its_key() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _guard = runtime.enter();
    let policy = crate::rig::POLICY.replace("[[roles.minter.calls]]", "create = \"any\"\n$0");
    let rig = Rig::with_policy(&policy.replace("$0", "[[roles.minter.calls]]"));
    let server = rig.start();
    let client = rig.client();
    let key = runtime.block_on(client.ensure_key("minter", 0)).unwrap();
    let next = std::cell::Cell::new(0);
    let batches = proptest::collection::vec((kinds(), fees(), 21_000u64..=21_000), 1..20);
    proptest!(ProptestConfig::with_cases(48), |(batch in batches)| {
        let intents: Vec<_> = batch
            .into_iter()
            .map(|(kind, fee, gas_limit)| {
                let nonce = next.replace(next.get() + 1);
                TxIntent { key, chain_id: CHAIN, nonce, kind, gas_limit, fee }
            })
            .collect();
        let outcomes = runtime.block_on(client.sign_transactions(&intents)).unwrap();
        for (intent, outcome) in intents.iter().zip(&outcomes) {
            check(intent, outcome.as_ref().unwrap());
        }
    });
    runtime.block_on(server.stop());
}

#[tokio::test]
async fn more_intents_than_one_request_holds_are_split() {
    let rig = Rig::new();
    let server = rig.start();
    let client = rig.client();
    let key = client.ensure_key("minter", 0).await.unwrap();
    let intents: Vec<_> = (0..600).map(|nonce| crate::rig::send(key, nonce, 1, 1)).collect();
    let outcomes = client.sign_transactions(&intents).await.unwrap();
    assert_eq!(outcomes.len(), intents.len());
    for (intent, outcome) in intents.iter().zip(&outcomes) {
        check(intent, outcome.as_ref().unwrap());
    }
    assert!(client.sign_transactions(&[]).await.unwrap().is_empty());
    server.stop().await;
}
