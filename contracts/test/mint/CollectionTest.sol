// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ERC2771Forwarder} from "@openzeppelin/contracts/metatx/ERC2771Forwarder.sol";
import {CollectionInit, ContentMode, StoaCollection} from "../../src/mint/StoaCollection.sol";
import {StoaCollectionFactory} from "../../src/mint/StoaCollectionFactory.sol";
import {vm} from "../support/Vm.sol";

/// @dev Deploys the real parts and makes batches; tests inherit it.
abstract contract CollectionTest {
    bool public IS_TEST = true;

    address internal constant ADMIN = address(0xA11CE);
    address internal constant MINTER = address(0xB0B);
    address internal constant ALICE = address(0xA1);
    address internal constant BOB = address(0xB2);

    StoaCollection internal implementation;
    StoaCollectionFactory internal factory;
    ERC2771Forwarder internal forwarder;

    function setUp() public virtual {
        implementation = new StoaCollection();
        factory = new StoaCollectionFactory(address(implementation));
        forwarder = new ERC2771Forwarder("StoaForwarder");
    }

    function _init(ContentMode mode) internal view returns (CollectionInit memory init) {
        init.name = "Stoa Prints";
        init.symbol = "PRNT";
        init.contractURI = "ipfs://collection";
        init.baseURI = mode == ContentMode.BaseUri ? "https://items.example/" : "";
        init.admin = ADMIN;
        init.minters = new address[](1);
        init.minters[0] = MINTER;
        init.trustedForwarder = address(forwarder);
        init.royaltyReceiver = ADMIN;
        init.royaltyBps = 500;
        init.contentMode = uint8(mode);
    }

    function _create(ContentMode mode) internal returns (StoaCollection) {
        return StoaCollection(factory.createCollection(_init(mode), bytes32(uint256(mode))));
    }

    /// @dev Mints with the lowest intents of `word`; contents as `_digests(…, word)`.
    function _mint(StoaCollection collection, uint256 word, address[] memory to)
        internal
        returns (uint256 first)
    {
        bytes memory contents = _digests(to.length, word);
        uint256 mask = _mask(to.length);
        vm.prank(MINTER);
        return collection.mintBatch(word, mask, to, contents);
    }

    function _mask(uint256 count) internal pure returns (uint256) {
        return type(uint256).max >> (256 - count);
    }

    /// @dev `count` recipients that differ from each other and from those of another salt.
    function _distinct(uint256 count, uint256 salt) internal pure returns (address[] memory to) {
        to = new address[](count);
        for (uint256 i; i < count; ++i) {
            to[i] = address(uint160(uint256(keccak256(abi.encode(salt, i)))));
        }
    }

    function _same(uint256 count, address who) internal pure returns (address[] memory to) {
        to = new address[](count);
        for (uint256 i; i < count; ++i) {
            to[i] = who;
        }
    }

    function _digest(uint256 salt, uint256 i) internal pure returns (bytes32) {
        return sha256(abi.encode(salt, i));
    }

    function _digests(uint256 count, uint256 salt) internal pure returns (bytes memory packed) {
        packed = new bytes(32 * count);
        for (uint256 i; i < count; ++i) {
            bytes32 digest = _digest(salt, i);
            assembly ("memory-safe") {
                mstore(add(add(packed, 32), mul(i, 32)), digest)
            }
        }
    }
}
