//! Who signed a digest. As strict as the strictest verifier on chain, so that what passes here
//! passes there, and has one form only.

use secp256k1::{
    Message,
    ecdsa::{RecoverableSignature, RecoveryId},
};
use vocab::{Address, B256};

/// Half of the group's order: a larger `s` has a smaller twin (EIP-2).
const HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
];

/// Why a signature tells nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    #[error("a signature has 65 bytes: r, s, v")]
    Length,
    #[error("the last byte, v, is 27 or 28")]
    Recovery,
    #[error("s is in the upper half of the order: sign with a low s (EIP-2)")]
    HighS,
    #[error("nobody can have signed it")]
    Unrecoverable,
}

/// The account that signed `digest`: 65 bytes r, s, v.
///
/// # Errors
/// [`SignatureFault`]
pub fn recover(digest: B256, signature: &[u8]) -> Result<Address, SignatureFault> {
    let bytes: &[u8; 65] = signature.try_into().map_err(|_| SignatureFault::Length)?;
    let (body, v) = bytes.split_first_chunk::<64>().ok_or(SignatureFault::Length)?;
    let id = match v {
        [27] => RecoveryId::Zero,
        [28] => RecoveryId::One,
        _ => return Err(SignatureFault::Recovery),
    };
    if body[32..] > HALF_ORDER[..] {
        return Err(SignatureFault::HighS);
    }
    let public = RecoverableSignature::from_compact(body, id)
        .and_then(|signature| signature.recover_ecdsa(Message::from_digest(digest.0)))
        .map_err(|_| SignatureFault::Unrecoverable)?;
    Ok(Address::from_raw_public_key(&public.serialize_uncompressed()[1..]))
}
