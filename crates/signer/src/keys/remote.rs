//! Keys that another machine holds, which signs digests for us.

use std::{fmt, sync::Arc, time::Duration};

use alloy_primitives::{Address, B256, Signature};
use secp256k1::{
    Message, PublicKey, ecdsa,
    ecdsa::{RecoverableSignature, RecoveryId},
};

use super::{address_of, aws_kms::Kms, pkcs11::Token};

/// Why a back end gave no signature. Whether it made one is unknown, and no matter: nobody has it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackendError {
    /// No answer in time.
    #[error("no answer within {0:?}")]
    Slow(Duration),
    /// Not reached, overloaded, or failing.
    #[error("{0}")]
    Unavailable(String),
    /// It answered no: no such key, no right to it, or a key of another kind.
    #[error("refused: {0}")]
    Denied(String),
    /// It answered nonsense, or with another key's signature.
    #[error("{0}")]
    Wrong(&'static str),
}

/// A place that holds keys and signs with them.
pub(crate) enum Backend {
    /// AWS Key Management Service.
    AwsKms(Box<Kms>),
    /// A token behind a PKCS#11 module.
    Pkcs11(Token),
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AwsKms(_) => "AwsKms",
            Self::Pkcs11(_) => "Pkcs11",
        })
    }
}

impl Backend {
    /// The address of its key `id` (a KMS key id, ARN or alias; a PKCS#11 label).
    pub(crate) async fn address(&self, id: &str) -> Result<Address, BackendError> {
        let public = match self {
            Self::AwsKms(kms) => kms.public_key(id).await?,
            Self::Pkcs11(token) => token.public_key(id).await?,
        };
        Ok(address_of(&public))
    }

    /// Makes a key: in KMS under an alias `id`, in a token with the label `id`.
    pub(crate) async fn generate(&self, id: &str) -> Result<Address, BackendError> {
        let public = match self {
            Self::AwsKms(kms) => kms.generate(id).await?,
            Self::Pkcs11(token) => token.generate(id).await?,
        };
        Ok(address_of(&public))
    }

    async fn sign(&self, id: &str, hash: B256) -> Result<ecdsa::Signature, BackendError> {
        match self {
            Self::AwsKms(kms) => kms.sign(id, hash).await,
            Self::Pkcs11(token) => token.sign(id, hash).await,
        }
    }
}

/// A key of a back end. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct RemoteKey {
    backend: Arc<Backend>,
    id: Arc<str>,
    address: Address,
}

impl RemoteKey {
    pub(crate) fn new(backend: Arc<Backend>, id: &str, address: Address) -> Self {
        Self { backend, id: id.into(), address }
    }

    pub(crate) fn address(&self) -> Address {
        self.address
    }

    /// Signs a digest. Takes no longer than the back end's time-out, waiting for its turn
    /// included. Not deterministic.
    pub(crate) async fn sign(&self, hash: B256) -> Result<Signature, BackendError> {
        let signature = self.backend.sign(&self.id, hash).await?;
        recoverable(signature, hash, self.address)
    }
}

/// Makes s low (EIP-2) and finds the recovery id by trial. Refuses a signature by another key.
fn recoverable(
    mut signature: ecdsa::Signature,
    hash: B256,
    address: Address,
) -> Result<Signature, BackendError> {
    signature.normalize_s();
    let bytes = signature.serialize_compact();
    let message = Message::from_digest(hash.0);
    for id in [RecoveryId::Zero, RecoveryId::One] {
        let found = RecoverableSignature::from_compact(&bytes, id)
            .and_then(|candidate| candidate.recover_ecdsa(message));
        if found.is_ok_and(|public| address_of(&public) == address) {
            return Ok(Signature::from_bytes_and_parity(&bytes, id == RecoveryId::One));
        }
    }
    Err(BackendError::Wrong("the signature is not by this key"))
}

/// The last 65 bytes of what DER wraps around an uncompressed point.
pub(super) fn point_at_end(der: &[u8]) -> Result<PublicKey, BackendError> {
    der.last_chunk::<65>()
        .and_then(|point| PublicKey::from_slice(point).ok())
        .ok_or(BackendError::Wrong("no uncompressed point of secp256k1"))
}

#[cfg(test)]
mod tests;
