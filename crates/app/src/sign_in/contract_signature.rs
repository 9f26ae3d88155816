//! Whose signature it is: a key's, or what a contract account takes for one.
//!
//! A contract is asked through `SignatureCheck` (`contracts/src/auth`), which is run as creation
//! code and never deployed: one `eth_call` covers accounts that stand (ERC-1271, EIP-7702) and
//! those that do not yet (ERC-6492).

use super::{SignIn, SignInRefusal};
use crate::AppError;
use alloy_sol_types::SolValue;
use chain::{Agreement, Chain};
use db::user_wallets::WalletProof;
use futures_util::FutureExt;
use std::time::{Duration, Instant};
use tokio::time::timeout;
use vocab::{Address, B256, Bytes};

/// Longest signature, in bytes: a passkey's, with what makes its account, takes some 4,000.
pub const SIGNATURE_LEN_MAX: usize = 8_192;
/// The last word of a signature of an account that does not stand yet (ERC-6492).
const COUNTERFACTUAL: [u8; 32] = [
    0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92,
    0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92,
];
/// Gas of one check: an account is made for less, and a node is not kept busy for long.
const CHECK_GAS: u64 = 10_000_000;
/// Who has not told by then does not tell.
const CHECK_TIME: Duration = Duration::from_secs(5);
/// Until they are asked again.
const PAUSE: Duration = Duration::from_millis(400);
/// Who runs it. Nobody has its key or owes it trust; the zero address, which nodes take when none
/// is named, is believed by some contracts to be a simulation that needs no valid signature.
const CHECKER: Address = Address::new([
    0x5f, 0x53, 0x74, 0x6f, 0x61, 0x53, 0x69, 0x67, 0x6e, 0x61, 0x74, 0x75, 0x72, 0x65, 0x43, 0x68,
    0x65, 0x63, 0x6b, 0x5f,
]);

/// A signature, by what has to be asked about it.
#[derive(Debug, PartialEq, Eq)]
enum Shape {
    /// A contract that does not stand yet, and how it is made.
    Counterfactual { factory: Address, data: Bytes, signature: Bytes },
    /// By a key, or for a contract.
    Plain,
}

fn shape(signature: &[u8]) -> Result<Shape, SignInRefusal> {
    let Some(wrapped) = signature.strip_suffix(&COUNTERFACTUAL) else { return Ok(Shape::Plain) };
    let read = <(Address, Bytes, Bytes)>::abi_decode_params(wrapped);
    let (factory, data, signature) =
        read.map_err(|_| SignInRefusal::SignatureInvalid("it is not as ERC-6492 wraps it"))?;
    Ok(Shape::Counterfactual { factory, data, signature })
}

/// Bytes from `0x` and hexadecimal digits.
pub(super) fn parse_signature(text: &str) -> Result<Bytes, SignInRefusal> {
    if text.len() > 2 + 2 * SIGNATURE_LEN_MAX {
        return Err(SignInRefusal::SignatureInvalid("it has more than 8192 bytes"));
    }
    let malformed = SignInRefusal::SignatureInvalid("it is not `0x` and hexadecimal digits");
    if !text.starts_with("0x") {
        return Err(malformed);
    }
    text.parse().map_err(|_| malformed)
}

impl SignIn {
    /// What `signature` of `digest` proves about `address`.
    ///
    /// # Errors
    /// [`SignInRefusal::SignatureInvalid`], [`SignInRefusal::SignatureUnchecked`].
    pub(super) async fn prove(
        &self,
        chain: &Chain,
        address: Address,
        digest: B256,
        signature: &Bytes,
    ) -> Result<(WalletProof, &'static str), AppError> {
        let shape = shape(signature)?;
        if shape == Shape::Plain {
            match sponsor::recover(digest, signature) {
                Ok(signer) if signer == address => {
                    return Ok((WalletProof { address, contract_chain_id: 0 }, "key"));
                }
                // A contract may take anything for a signature, and may have owners of its own.
                Ok(_) | Err(_) => {}
            }
        }
        let (factory, data, inner) = match &shape {
            Shape::Counterfactual { factory, data, signature } => {
                (*factory, data.clone(), signature.clone())
            }
            Shape::Plain => (Address::ZERO, Bytes::new(), signature.clone()),
        };
        let check = contracts::signature_check(address, digest, factory, data, inner);
        if !self.accepted(chain, check).await? {
            let fault = match shape {
                Shape::Plain => sponsor::recover(digest, signature).err(),
                Shape::Counterfactual { .. } => None,
            };
            return Err(SignInRefusal::SignatureInvalid(reason(fault)).into());
        }
        let proof = WalletProof { address, contract_chain_id: chain.id.as_i64() };
        let kind = if shape == Shape::Plain { "contract" } else { "counterfactual" };
        Ok((proof, kind))
    }

    /// What two endpoints say of a check (one, where the chain has one).
    async fn accepted(&self, chain: &Chain, check: Bytes) -> Result<bool, AppError> {
        let Ok(_place) = self.0.checks.try_acquire() else {
            return Err(SignInRefusal::SignatureUnchecked.into());
        };
        let started = Instant::now();
        let said = timeout(CHECK_TIME, agreed(chain, check)).await.unwrap_or(Agreement::Unknown);
        metrics::histogram!("wallet_signature_check_duration_seconds")
            .record(started.elapsed().as_secs_f64());
        match said {
            // The check itself always answers: one that failed was not run as it is.
            Agreement::Agreed(Some(answer)) => {
                let yes = B256::with_last_byte(1);
                Ok(answer.as_ref() == yes.as_slice())
            }
            Agreement::Agreed(None) => Ok(false),
            Agreement::Disagree | Agreement::Unknown => {
                Err(SignInRefusal::SignatureUnchecked.into())
            }
        }
    }
}

/// What the endpoints say as of one block, so that a contract which answers by the block that it is
/// asked in can't have honest ones disagree. One that has not got the block yet is asked again.
/// Does not end by itself while they do not tell.
async fn agreed(chain: &Chain, check: Bytes) -> Agreement<Option<Bytes>> {
    let Ok(head) = chain.read().head().await else { return Agreement::Unknown };
    let block = head.hash;
    let call = |endpoint: chain::Endpoint| {
        let check = check.clone();
        async move { endpoint.run_creation(CHECKER, &check, CHECK_GAS, block).await }.boxed()
    };
    loop {
        match chain.agree("wallet_signature", call).await {
            Agreement::Unknown => tokio::time::sleep(PAUSE).await,
            said => return said,
        }
    }
}

/// Why neither a key nor a contract stands behind a signature.
fn reason(fault: Option<sponsor::SignatureFault>) -> &'static str {
    use sponsor::SignatureFault as F;
    match fault {
        Some(F::HighS) => "s is in the upper half of the order: sign with a low s (EIP-2)",
        Some(F::Recovery) => "the last byte, v, is 27 or 28, and no contract accepts it",
        Some(F::Length) => "a key's has 65 bytes, and no contract accepts this one",
        Some(F::Unrecoverable) => "nobody can have signed it, and no contract accepts it",
        None => "it is not of the address's key, and no contract there accepts it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_signatures_are_told_by_their_last_word() {
        let parts = (Address::repeat_byte(1), Bytes::from(vec![2; 40]), Bytes::from(vec![3; 65]));
        let wrapped = [parts.abi_encode_params(), COUNTERFACTUAL.to_vec()].concat();
        let (factory, data, signature) = parts;
        let expected = Shape::Counterfactual { factory, data, signature };
        assert_eq!(shape(&wrapped), Ok(expected));
        assert_eq!(shape(&wrapped[..wrapped.len() - 1]), Ok(Shape::Plain));
        assert_eq!(shape(&[0; 65]), Ok(Shape::Plain));
        assert_eq!(shape(&[]), Ok(Shape::Plain));
        // Offsets that lead out of it, and nothing at all.
        let wild = [vec![0xff; 96], COUNTERFACTUAL.to_vec()].concat();
        for bad in [&wild[..], &COUNTERFACTUAL[..]] {
            assert!(matches!(shape(bad), Err(SignInRefusal::SignatureInvalid(_))));
        }
    }

    #[test]
    fn signatures_are_bounded_hexadecimal() {
        assert_eq!(parse_signature("0x0102"), Ok(Bytes::from_static(&[1, 2])));
        assert_eq!(parse_signature("0x"), Ok(Bytes::new()));
        let most = format!("0x{}", "ab".repeat(SIGNATURE_LEN_MAX));
        assert!(parse_signature(&most).is_ok());
        for bad in ["", "0102", "0x1", "0xzz", "0X01", &format!("{most}00")] {
            assert!(parse_signature(bad).is_err());
        }
    }
}
