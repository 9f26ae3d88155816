//! A second person's word for one act.
//!
//! An approval is an EIP-712 signature by an operator's Ethereum key: operators have such keys,
//! hardware wallets sign such messages and show what they sign, and the signer needs no second
//! kind of cryptography. It names one act, ends at a time, and counts once.

use std::{fs, path::Path};

use alloy_primitives::{Address, B256, Bytes, Keccak256, U256, keccak256};
use rand_core::{OsRng, RngCore};
use secp256k1::{
    Message, SecretKey,
    ecdsa::{RecoverableSignature, RecoveryId},
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    eip712,
    error::ServeError,
    tx::call_digest,
    wire::{TxKind, TypedDomain},
};

/// Domain name of approvals. No policy may allow a key to sign messages of this domain.
pub(crate) const DOMAIN_NAME: &str = "Stoa signer";
const DOMAIN_VERSION: &str = "1";
const TYPE: &str = "Approval(bytes32 act,uint256 expires,bytes32 salt)";

/// An operator's signed consent to one act, to be sent along with the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The act: [`transaction_act`] or [`message_act`].
    pub act: B256,
    /// Seconds since 1970, UTC, from which on it no longer counts.
    pub expires: u64,
    /// Random, so that the same act can be approved again.
    pub salt: B256,
    /// r, s, v (27 or 28) over the EIP-712 message `Approval` in the domain
    /// (name "Stoa signer", version "1").
    pub signature: Bytes,
}

/// What an operator approves of a transaction: key, chain and call, but neither fees nor the
/// nonce, which the engine gives late. The first nonce that it is used for keeps it.
pub fn transaction_act(key: Address, chain_id: u64, kind: &TxKind) -> B256 {
    act(0, key, chain_id, call_digest(key, kind))
}

/// What an operator approves of a typed message: key and EIP-712 hash.
pub fn message_act(key: Address, digest: B256) -> B256 {
    act(1, key, 0, digest)
}

fn act(sort: u8, key: Address, chain_id: u64, digest: B256) -> B256 {
    let mut hash = Keccak256::new();
    hash.update(b"stoa act 1");
    hash.update([sort]);
    hash.update(key);
    hash.update(chain_id.to_be_bytes());
    hash.update(digest);
    hash.finalize()
}

impl Approval {
    /// The hash that the operator signs; also what identifies the approval.
    pub fn hash(&self) -> B256 {
        let domain = TypedDomain {
            name: Some(DOMAIN_NAME.to_owned()),
            version: Some(DOMAIN_VERSION.to_owned()),
            ..TypedDomain::default()
        };
        let mut message = Keccak256::new();
        message.update(keccak256(TYPE));
        message.update(self.act);
        message.update(U256::from(self.expires).to_be_bytes::<32>());
        message.update(self.salt);
        eip712::signing_hash(eip712::domain_separator(&domain), message.finalize())
    }

    /// Who signed it; `None` if that is no signature. Both forms of a signature (low and high s)
    /// are the same approval, because it counts by its hash.
    pub fn signer(&self) -> Option<Address> {
        let (v, bytes) = self.signature.split_last().filter(|(_, bytes)| bytes.len() == 64)?;
        let id = RecoveryId::try_from(i32::from(v.checked_sub(27)?)).ok()?;
        let signature = RecoverableSignature::from_compact(bytes, id).ok()?;
        let public = signature.recover(Message::from_digest(self.hash().0)).ok()?;
        Some(address_of(&public.serialize_uncompressed()))
    }
}

fn address_of(public: &[u8; 65]) -> Address {
    Address::from_slice(&keccak256(&public[1..])[12..])
}

/// Makes an approval of `act` until `expires` (seconds since 1970) with the operator's key: a
/// keystore file (version 3) and a file with its password. Returns it with the operator's address.
/// Runs at the operator's place; the signer has no part in it.
pub fn approve(
    act: B256,
    expires: u64,
    key_file: &Path,
    password_file: &Path,
) -> Result<(Address, Approval), ServeError> {
    let text = fs::read_to_string(password_file);
    let password = Zeroizing::new(text.map_err(|error| ServeError::file(password_file, error))?);
    let bytes = eth_keystore::decrypt_key(key_file, password.trim_end_matches(['\r', '\n']))
        .map(Zeroizing::new)
        .map_err(|error| ServeError::keystore(key_file, &error.to_string()))?;
    let secret = <[u8; 32]>::try_from(bytes.as_slice()).map(Zeroizing::new);
    let mut secret = secret
        .ok()
        .and_then(|bytes| SecretKey::from_secret_bytes(*bytes).ok())
        .ok_or_else(|| ServeError::keystore(key_file, "holds no secp256k1 key"))?;
    let mut salt = B256::ZERO;
    OsRng.fill_bytes(salt.as_mut_slice());
    let mut approval = Approval { act, expires, salt, signature: Bytes::new() };
    let message = Message::from_digest(approval.hash().0);
    let signature = RecoverableSignature::sign_ecdsa_recoverable(message, &secret);
    let operator = address_of(&secret.public_key().serialize_uncompressed());
    secret.non_secure_erase();
    let (id, compact) = signature.serialize_compact();
    approval.signature = [&compact[..], &[27 + id.to_u8()]].concat().into();
    Ok((operator, approval))
}
