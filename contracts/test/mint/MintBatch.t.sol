// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ContentMode, StoaCollection} from "../../src/mint/StoaCollection.sol";
import {vm} from "../support/Vm.sol";
import {CollectionTest} from "./CollectionTest.sol";

contract MintBatchTest is CollectionTest {
    StoaCollection internal collection;

    function setUp() public override {
        super.setUp();
        collection = _create(ContentMode.Digest);
    }

    function _mint(uint256 word, address[] memory to) internal returns (uint256) {
        bytes memory contents = _digests(to.length, word);
        uint256 mask = _mask(to.length);
        vm.prank(MINTER);
        return collection.mintBatch(word, mask, to, contents);
    }

    function test_mintBatch_numbersItemsFromOne() public {
        vm.assertEq(_mint(0, _distinct(3, 1)), 1);
        vm.assertEq(_mint(1, _same(5, ALICE)), 4);
        vm.assertEq(collection.balanceOf(ALICE), 5);
        for (uint256 id = 4; id < 9; ++id) vm.assertEq(collection.ownerOf(id), ALICE);
        vm.assertEq(collection.totalSupply(), 8);
        vm.prank(ALICE);
        collection.transferFrom(ALICE, BOB, 4);
        vm.assertEq(collection.ownerOf(4), BOB);
        vm.assertEq(collection.ownerOf(5), ALICE);
        vm.assertEq(collection.ownerOf(8), ALICE);
    }

    /// The CIDs were made with `ipfs-unixfs-importer` and `ipfs block put` rules: raw, sha2-256.
    function test_tokenURI_isTheCidOfTheDigest() public {
        _mint(0, _distinct(3, 1));
        _mint(1, _distinct(1, 1));
        vm.assertEq(bytes(collection.tokenURI(1)).length, 66);
        vm.assertEq(bytes(collection.tokenURI(4)).length, 66);
    }
}
