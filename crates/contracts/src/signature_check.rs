//! The question whether a contract account accepts a signature.

use crate::SignatureCheck;
use alloy_primitives::{Address, B256, Bytes};
use alloy_sol_types::SolConstructor;

/// Creation code for `eth_call` that answers one word: 1 when `account` accepts `signature` of
/// `digest` (ERC-1271), else 0. An account that does not stand is made first, by calling `factory`
/// with `data` (ERC-6492); a factory of zero makes none.
#[must_use]
pub fn signature_check(
    account: Address,
    digest: B256,
    factory: Address,
    data: Bytes,
    signature: Bytes,
) -> Bytes {
    let arguments =
        SignatureCheck::constructorCall { account, digest, factory, factoryData: data, signature };
    [SignatureCheck::BYTECODE.as_ref(), &arguments.abi_encode()].concat().into()
}
