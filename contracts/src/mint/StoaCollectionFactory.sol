// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {CollectionInit, StoaCollection} from "./StoaCollection.sol";

/// @title Creates collections as minimal clones (ERC-1167) at addresses known beforehand
/// @notice Anyone may create a collection. The address depends on the creator and a salt of the
/// creator's choice, so nobody can take it first, and a creation sent twice fails the second time.
contract StoaCollectionFactory {
    /// @notice A collection was created and initialised.
    event CollectionCreated(
        address indexed collection, address indexed admin, bytes32 indexed salt
    );

    /// @notice The implementation has no code.
    error CollectionNoImplementation(address implementation);

    /// @notice The contract that every collection delegates to.
    address public immutable implementation;

    constructor(address implementation_) {
        if (implementation_.code.length == 0) revert CollectionNoImplementation(implementation_);
        implementation = implementation_;
    }

    /// @notice Creates and initialises a collection in one step.
    /// @dev Reverts with `FailedDeployment` if this creator has used the salt.
    function createCollection(CollectionInit calldata init, bytes32 salt)
        external
        returns (address collection)
    {
        collection = Clones.cloneDeterministic(implementation, _mix(salt, msg.sender));
        StoaCollection(collection).initialize(init);
        emit CollectionCreated(collection, init.admin, salt);
    }

    /// @notice The address at which `creator` creates, or has created, with `salt`.
    function predict(bytes32 salt, address creator) external view returns (address) {
        return Clones.predictDeterministicAddress(implementation, _mix(salt, creator));
    }

    function _mix(bytes32 salt, address creator) private pure returns (bytes32) {
        return keccak256(abi.encode(creator, salt));
    }
}
