// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ContentMode, StoaCollection} from "../../src/mint/StoaCollection.sol";
import {vm} from "../support/Vm.sol";
import {CollectionTest} from "./CollectionTest.sol";

/// @dev Ownership in runs must be ERC-721 to the outside.
contract OwnershipTest is CollectionTest {
    event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);

    StoaCollection internal collection;

    // The plain model.
    mapping(uint256 tokenId => address) private _ownerOf;
    mapping(address owner => uint256) private _balanceOf;

    function setUp() public override {
        super.setUp();
        collection = _create(ContentMode.BaseUri);
    }

    /// @dev Every order of moving the items of a run, each checked after each step.
    function testFuzz_runs_moveLikeSingleItems(uint256 seed, uint8 size) public {
        uint256 count = 1 + size % 14;
        address[] memory to = new address[](count);
        for (uint256 i; i < count; ++i) {
            // Mostly repeats, so that runs of all lengths occur.
            seed = _next(seed);
            to[i] = i == 0 || seed % 5 == 0 ? _actor(seed >> 8) : to[i - 1];
        }
        for (uint256 word; word < 2; ++word) {
            vm.prank(MINTER);
            collection.mintBatch(word, _mask(count), to, "");
            for (uint256 i; i < count; ++i) {
                _ownerOf[word * count + i + 1] = to[i];
                ++_balanceOf[to[i]];
            }
        }
        _check(2 * count);
        for (uint256 step; step < 2 * count; ++step) {
            seed = _next(seed);
            _move(1 + (seed >> 8) % (2 * count), seed);
            _check(2 * count);
        }
    }

    function _move(uint256 id, uint256 seed) private {
        address from = _ownerOf[id];
        if (from == address(0)) return;
        address to = seed % 7 == 0 ? address(0) : _actor(seed >> 16);
        vm.expectEmit(address(collection));
        emit Transfer(from, to, id);
        vm.prank(from);
        if (to == address(0)) collection.burn(id);
        else collection.transferFrom(from, to, id);
        _ownerOf[id] = to;
        --_balanceOf[from];
        ++_balanceOf[to];
    }

    function _check(uint256 supply) private view {
        for (uint256 id = 1; id <= supply; ++id) {
            try collection.ownerOf(id) returns (address owner) {
                vm.assertEq(owner, _ownerOf[id]);
            } catch {
                vm.assertEq(address(0), _ownerOf[id]);
            }
        }
        for (uint256 i; i < 4; ++i) {
            vm.assertEq(collection.balanceOf(_actor(i)), _balanceOf[_actor(i)]);
        }
        vm.assertEq(collection.totalSupply(), supply - _balanceOf[address(0)]);
    }

    function _actor(uint256 seed) private pure returns (address) {
        return address(uint160(0xAC7000 + seed % 4));
    }

    function _next(uint256 seed) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed)));
    }

    function _five() private {
        vm.prank(MINTER);
        collection.mintBatch(0, _mask(5), _same(5, ALICE), "");
    }

    function test_ownerOf_revertsWithoutItem() public {
        _five();
        uint256[3] memory missing = [uint256(0), 6, type(uint256).max];
        for (uint256 i; i < 3; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, missing[i])
            );
            collection.ownerOf(missing[i]);
            vm.expectRevert(
                abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, missing[i])
            );
            collection.transferFrom(ALICE, BOB, missing[i]);
        }
    }

    function test_balanceOf_revertsForZero() public {
        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721InvalidOwner.selector, address(0))
        );
        collection.balanceOf(address(0));
    }

    function test_transfer_needsOwnerOrApproval() public {
        _five();
        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721InsufficientApproval.selector, BOB, 3)
        );
        vm.prank(BOB);
        collection.transferFrom(ALICE, BOB, 3);

        vm.prank(ALICE);
        collection.approve(BOB, 3);
        vm.assertEq(collection.getApproved(3), BOB);
        vm.prank(BOB);
        collection.transferFrom(ALICE, BOB, 3);
        vm.assertEq(collection.getApproved(3), address(0));

        vm.prank(ALICE);
        collection.setApprovalForAll(BOB, true);
        vm.prank(BOB);
        collection.transferFrom(ALICE, BOB, 1);
        vm.assertEq(collection.balanceOf(BOB), 2);

        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721InvalidReceiver.selector, address(0))
        );
        vm.prank(ALICE);
        collection.transferFrom(ALICE, address(0), 2);
        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721IncorrectOwner.selector, BOB, 2, ALICE)
        );
        vm.prank(ALICE);
        collection.transferFrom(BOB, BOB, 2);
    }

    function test_burn_needsOwnerOrApproval() public {
        _five();
        vm.expectRevert(
            abi.encodeWithSelector(IERC721Errors.ERC721InsufficientApproval.selector, BOB, 1)
        );
        vm.prank(BOB);
        collection.burn(1);
        vm.prank(ALICE);
        collection.approve(BOB, 1);
        vm.prank(BOB);
        collection.burn(1);
        vm.assertEq(collection.totalSupply(), 4);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 1));
        vm.prank(ALICE);
        collection.burn(1);
        vm.assertEq(collection.totalSupply(), 4);
        // What was burned does not come back as part of a run, nor does its id.
        vm.assertEq(collection.ownerOf(2), ALICE);
        vm.prank(MINTER);
        vm.assertEq(collection.mintBatch(1, 1, _same(1, BOB), ""), 6);
    }

    function test_pause_stopsMovesAndBurning() public {
        _five();
        vm.prank(ADMIN);
        collection.pause();
        vm.startPrank(ALICE);
        vm.expectRevert(StoaCollection.CollectionPaused.selector);
        collection.transferFrom(ALICE, BOB, 1);
        vm.expectRevert(StoaCollection.CollectionPaused.selector);
        collection.burn(1);
        vm.stopPrank();
        vm.prank(ADMIN);
        collection.unpause();
        vm.prank(ALICE);
        collection.transferFrom(ALICE, BOB, 1);
        vm.assertEq(collection.ownerOf(1), BOB);
    }
}
