// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {ContentMode, StoaCollection} from "../../src/mint/StoaCollection.sol";
import {PackedERC721} from "../../src/mint/PackedERC721.sol";
import {Vm, vm} from "../support/Vm.sol";
import {CollectionTest} from "./CollectionTest.sol";

/// @dev Refuses every item, by all means it has.
contract HostileReceiver {
    fallback() external payable {
        revert("no");
    }
}

contract MintBatchTest is CollectionTest {
    bytes32 private constant _TRANSFER = keccak256("Transfer(address,address,uint256)");

    StoaCollection internal collection;

    function setUp() public override {
        super.setUp();
        collection = _create(ContentMode.Digest);
    }

    function test_mintBatch_numbersItemsFromOne() public {
        vm.assertEq(_mint(collection, 0, _distinct(3, 1)), 1);
        vm.assertEq(_mint(collection, 1, _same(5, ALICE)), 4);
        vm.assertEq(collection.balanceOf(ALICE), 5);
        for (uint256 id = 4; id < 9; ++id) {
            vm.assertEq(collection.ownerOf(id), ALICE);
        }
        vm.assertEq(collection.totalSupply(), 8);
    }

    function test_mintBatch_leavesTransfersThenItemsMinted() public {
        address[] memory to = new address[](3);
        (to[0], to[1], to[2]) = (ALICE, BOB, BOB);
        bytes memory contents = _digests(3, 7);
        vm.recordLogs();
        vm.prank(MINTER);
        collection.mintBatch(7, 0x8005, to, contents);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 4);
        for (uint256 i; i < 3; ++i) {
            vm.assertEq(logs[i].topics[0], _TRANSFER);
            vm.assertEq(logs[i].topics[1], bytes32(0));
            vm.assertEq(address(uint160(uint256(logs[i].topics[2]))), to[i]);
            vm.assertEq(uint256(logs[i].topics[3]), i + 1);
        }
        vm.assertEq(logs[3].topics[0], StoaCollection.ItemsMinted.selector);
        vm.assertEq(uint256(logs[3].topics[1]), 7);
        vm.assertEq(logs[3].data, abi.encode(uint256(0x8005), uint256(1), contents));
        vm.assertEq(collection.intents(7), 0x8005);
        vm.assertEq(collection.intents(8), 0);
    }

    function test_mintBatch_fillsAWholeWord() public {
        vm.assertEq(_mint(collection, 3, _distinct(256, 1)), 1);
        vm.assertEq(collection.intents(3), type(uint256).max);
        vm.assertEq(collection.totalSupply(), 256);
        vm.assertEq(collection.ownerOf(256), _distinct(256, 1)[255]);
    }

    function test_mintBatch_doesNotCallRecipients() public {
        address hostile = address(new HostileReceiver());
        address[] memory to = new address[](2);
        (to[0], to[1]) = (hostile, ALICE);
        _mint(collection, 0, to);
        vm.assertEq(collection.ownerOf(1), hostile);
        vm.assertEq(collection.ownerOf(2), ALICE);
        vm.prank(ALICE);
        vm.expectRevert(bytes("no"));
        collection.safeTransferFrom(ALICE, hostile, 2);
    }

    function test_mintBatch_revertsWhenAnIntentWasUsed() public {
        _mint(collection, 5, _distinct(2, 1));
        bytes memory contents = _digests(2, 5);
        vm.expectRevert(abi.encodeWithSelector(StoaCollection.MintIntentUsed.selector, 5, 3));
        vm.prank(MINTER);
        collection.mintBatch(5, 6, _distinct(2, 2), contents);
        // The same bits of another word are others.
        vm.assertEq(_mint(collection, 6, _distinct(2, 2)), 3);
    }

    function test_mintBatch_revertsWhenEmpty() public {
        vm.expectRevert(StoaCollection.CollectionEmptyBatch.selector);
        vm.prank(MINTER);
        collection.mintBatch(0, 0, new address[](0), "");
    }

    function test_mintBatch_revertsWhenCountsDiffer() public {
        bytes memory contents = _digests(2, 1);
        vm.expectRevert(
            abi.encodeWithSelector(StoaCollection.CollectionCountMismatch.selector, 3, 2)
        );
        vm.prank(MINTER);
        collection.mintBatch(0, 7, _distinct(2, 1), contents);
    }

    function test_mintBatch_revertsWhenARecipientIsZero() public {
        address[] memory to = _distinct(4, 1);
        to[2] = address(0);
        bytes memory contents = _digests(4, 1);
        vm.expectRevert(abi.encodeWithSelector(PackedERC721.CollectionZeroRecipient.selector, 2));
        vm.prank(MINTER);
        collection.mintBatch(0, 15, to, contents);
    }

    function test_mintBatch_revertsWhenPaused() public {
        vm.prank(ADMIN);
        collection.pause();
        bytes memory contents = _digests(1, 1);
        vm.expectRevert(StoaCollection.CollectionPaused.selector);
        vm.prank(MINTER);
        collection.mintBatch(0, 1, _distinct(1, 1), contents);
    }

    function testFuzz_mintBatch_revertsWithoutRole(address caller) public {
        vm.assume(caller != MINTER && caller != address(forwarder));
        bytes memory contents = _digests(1, 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessControl.AccessControlUnauthorizedAccount.selector,
                caller,
                keccak256("MINTER_ROLE")
            )
        );
        vm.prank(caller);
        collection.mintBatch(0, 1, _distinct(1, 1), contents);
    }

    /// @dev Whatever the mask, its i-th lowest bit is the i-th item, and each bit works once.
    function testFuzz_mintBatch_usesExactlyItsIntents(uint256 first, uint256 second) public {
        vm.assume(first != 0 && second != 0);
        _mintMask(9, first);
        vm.assertEq(collection.intents(9), first);
        bytes memory contents = _digests(_popCount(second), 1);
        address[] memory to = _distinct(_popCount(second), 2);
        if (first & second != 0) {
            vm.expectRevert(
                abi.encodeWithSelector(StoaCollection.MintIntentUsed.selector, 9, first)
            );
            vm.prank(MINTER);
            collection.mintBatch(9, second, to, contents);
            second &= ~first;
            if (second == 0) return;
        }
        _mintMask(9, second);
        vm.assertEq(collection.intents(9), first | second);
        vm.assertEq(collection.totalSupply(), _popCount(first | second));
    }

    function _mintMask(uint256 word, uint256 mask) private {
        uint256 count = _popCount(mask);
        bytes memory contents = _digests(count, word);
        vm.prank(MINTER);
        collection.mintBatch(word, mask, _distinct(count, mask), contents);
    }

    function _popCount(uint256 mask) private pure returns (uint256 count) {
        for (; mask != 0; mask &= mask - 1) {
            ++count;
        }
    }
}
