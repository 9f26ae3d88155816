// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Whether a contract account accepts a signature (ERC-1271), deployed or not (ERC-6492)
/// @notice Never deployed: it is run as creation code by `eth_call`, and what its constructor
/// returns in place of code is the answer, one word: 1 for yes, 0 for no. It always answers; what
/// the account or the factory does with its gas or its return data can't make it revert.
/// @dev An account that stands is asked as it stands: the factory of an ERC-6492 signature is
/// called only where there is no code. (The ERC lets a verifier call it also after a refusal, to
/// bring the account into another state; what is true only after a call of a stranger's choosing
/// is not taken for true here.)
contract SignatureCheck {
    /// @param account Whose signature it should be.
    /// @param digest What was signed.
    /// @param factory Makes the account when it does not stand; zero when the signature names none.
    /// @param factoryData Its call.
    /// @param signature As the account takes it.
    constructor(
        address account,
        bytes32 digest,
        address factory,
        bytes memory factoryData,
        bytes memory signature
    ) {
        if (account.code.length == 0 && factory != address(0)) {
            assembly ("memory-safe") {
                // Nothing of what it returns is kept.
                pop(call(gas(), factory, 0, add(factoryData, 32), mload(factoryData), 0, 0))
            }
        }
        bool accepted;
        if (account.code.length != 0) {
            // isValidSignature(bytes32,bytes), whose selector is also its yes.
            bytes memory question = abi.encodeWithSelector(0x1626ba7e, digest, signature);
            assembly ("memory-safe") {
                mstore(0, 0)
                let answered :=
                    staticcall(gas(), account, add(question, 32), mload(question), 0, 32)
                let yes := eq(mload(0), shl(224, 0x1626ba7e))
                accepted := and(answered, and(yes, gt(returndatasize(), 31)))
            }
        }
        assembly ("memory-safe") {
            mstore(0, accepted)
            return(0, 32)
        }
    }
}
