use alloy_primitives::{B256, U256};
use secp256k1::{
    SecretKey,
    ecdsa::{self, RecoverableSignature, RecoveryId},
};

use super::{address_of, point_at_end, recoverable};

/// Order of secp256k1.
const N: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

fn key(seed: u8) -> SecretKey {
    SecretKey::from_secret_bytes([seed; 32]).unwrap()
}

/// The same signature with its other s, which is as valid for ECDSA and refused by Ethereum.
fn mirrored(signature: &ecdsa::Signature) -> ecdsa::Signature {
    let mut bytes = signature.serialize_compact();
    let s = U256::from_be_slice(&bytes[32..]);
    let other = U256::from_str_radix(N, 16).unwrap() - s;
    bytes[32..].copy_from_slice(&other.to_be_bytes::<32>());
    ecdsa::Signature::from_compact(&bytes).unwrap()
}

#[test]
fn either_s_becomes_the_low_one_and_recovers_the_key() {
    for seed in 1..=64u8 {
        let (secret, hash) = (key(seed), B256::repeat_byte(seed ^ 0x5a));
        let address = address_of(&secret.public_key());
        let message = secp256k1::Message::from_digest(hash.0);
        let signature = ecdsa::sign(message, &secret);
        let low = recoverable(signature, hash, address).unwrap();
        assert_eq!(recoverable(mirrored(&signature), hash, address).unwrap(), low);
        let id = if low.v() { RecoveryId::One } else { RecoveryId::Zero };
        let rs = &low.as_bytes()[..64];
        let public = RecoverableSignature::from_compact(rs, id).unwrap().recover(message).unwrap();
        assert_eq!(address_of(&public), address);
        assert!(low.s() <= U256::from_str_radix(N, 16).unwrap() / U256::from(2));
    }
}

#[test]
fn a_signature_by_another_key_or_of_another_digest_is_refused() {
    let (mine, other) = (key(1), key(2));
    let hash = B256::repeat_byte(9);
    let address = address_of(&mine.public_key());
    let message = secp256k1::Message::from_digest(hash.0);
    assert!(recoverable(ecdsa::sign(message, &other), hash, address).is_err());
    let twice = secp256k1::Message::from_digest(alloy_primitives::keccak256(hash).0);
    assert!(recoverable(ecdsa::sign(twice, &mine), hash, address).is_err());
}

#[test]
fn points_are_checked() {
    let point = key(3).public_key().serialize_uncompressed();
    let wrapped = [&[0x30, 0x42, 0x00, 0x04, 0x41][..], &point].concat();
    assert_eq!(point_at_end(&wrapped).unwrap(), key(3).public_key());
    let mut off_curve = point;
    off_curve[64] ^= 1;
    for bad in [&point[1..], &off_curve[..], &[0; 65][..], &[][..]] {
        assert!(point_at_end(bad).is_err());
    }
}
