//! Ed25519 for `jsonwebtoken`, by ring. No other algorithm is there: what asks for one is refused.

use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{Error, ErrorKind},
    signature::{self, Signer, Verifier},
};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use std::sync::Once;

static PROVIDER: CryptoProvider =
    CryptoProvider { signer_factory: signer, verifier_factory: verifier, key_utils: KEY_UTILS };
const KEY_UTILS: KeyUtils = KeyUtils::new_unimplemented();

/// Make `jsonwebtoken` use this. To be called before it is used; again does nothing.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    // Only another one in this process could be in its way, and there is none.
    ONCE.call_once(|| {
        let _ = PROVIDER.install_default();
    });
}

/// The public key of a secret of 32 bytes; none only if ring refuses it.
pub(crate) fn public_key(seed: &[u8]) -> Option<[u8; 32]> {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
    pair.public_key().as_ref().try_into().ok()
}

/// Is this a signature of the message by the secret behind the public key (RFC 8032)?
pub(crate) fn verify(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    is_public_key(key) && UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok()
}

/// May these bytes be a public key, as far as their form tells? A point of small order, which would
/// accept signatures that nobody made, is none.
#[must_use]
pub fn is_public_key(bytes: &[u8]) -> bool {
    bytes.len() == 32 && !SMALL_ORDER.iter().any(|low| same_point(low, bytes))
}

/// y-coordinates of the eight points of small order, and their non-canonical forms; the sign is the
/// highest bit of the last byte.
const SMALL_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    little(1),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
    below_modulus(0xec),
    below_modulus(0xed),
    below_modulus(0xee),
];

const fn little(low: u8) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[0] = low;
    bytes
}

/// 2^255 - 19 (`ed`), one less and one more.
const fn below_modulus(low: u8) -> [u8; 32] {
    let mut bytes = [0xff; 32];
    bytes[0] = low;
    bytes[31] = 0x7f;
    bytes
}

fn same_point(low: &[u8; 32], bytes: &[u8]) -> bool {
    low[..31] == bytes[..31] && low[31] == bytes[31] & 0x7f
}

struct Pair(Ed25519KeyPair);

struct Public(UnparsedPublicKey<Vec<u8>>);

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    if *algorithm != Algorithm::EdDSA {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    let pair = Ed25519KeyPair::from_seed_unchecked(key.as_bytes());
    Ok(Box::new(Pair(pair.map_err(|_| ErrorKind::InvalidEddsaKey)?)))
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    if *algorithm != Algorithm::EdDSA {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    let public = key.try_get_as_bytes()?.to_vec();
    Ok(Box::new(Public(UnparsedPublicKey::new(&ED25519, public))))
}

impl Signer<Vec<u8>> for Pair {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(self.0.sign(message).as_ref().to_vec())
    }
}

impl JwtSigner for Pair {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

impl Verifier<Vec<u8>> for Public {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        self.0.verify(message, signature).map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Public {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}
