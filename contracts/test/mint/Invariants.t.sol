// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ContentId} from "../../src/mint/ContentId.sol";
import {ContentMode, StoaCollection} from "../../src/mint/StoaCollection.sol";
import {vm} from "../support/Vm.sol";
import {CollectionTest} from "./CollectionTest.sol";

/// @dev Does to a collection whatever anyone can, and keeps its own books.
contract Handler is CollectionTest {
    StoaCollection public collection;
    uint256 public minted;
    uint256 public burned;
    uint256 public mintedWithoutRole;
    uint256 public mintedTwice;
    mapping(uint256 word => uint256) public mintedMask;
    mapping(uint256 tokenId => bytes32) public digestOf;
    mapping(uint256 tokenId => address) public holderOf;

    constructor(StoaCollection collection_) {
        collection = collection_;
    }

    /// @dev Four words, so that masks collide often.
    function mint(uint256 word, uint256 mask, uint256 caller, uint256 seed) external {
        word %= 4;
        mask &= uint256(keccak256(abi.encode(seed)));
        if (seed % 2 == 0) mask &= uint256(keccak256(abi.encode(~seed))) >> (seed % 200);
        uint256 count;
        for (uint256 bits = mask; bits != 0; bits &= bits - 1) {
            ++count;
        }
        address[] memory to = new address[](count);
        for (uint256 i; i < count; ++i) {
            to[i] = _actor(seed >> (i / 5 % 200));
        }
        bytes memory contents = _digests(count, seed);
        address sender = caller % 4 == 0 ? _actor(caller) : MINTER;
        vm.prank(sender);
        try collection.mintBatch(word, mask, to, contents) returns (uint256 id) {
            if (sender != MINTER) ++mintedWithoutRole;
            minted += count;
            mintedTwice |= mintedMask[word] & mask;
            mintedMask[word] |= mask;
            for (uint256 i; i < count; ++i) {
                digestOf[id + i] = _digest(seed, i);
                holderOf[id + i] = to[i];
            }
        } catch {}
    }

    function move(uint256 id, uint256 from, uint256 to) external {
        id = 1 + id % (minted + 2);
        // Mostly by the holder, sometimes by anyone.
        address sender = from % 8 == 0 ? _actor(from) : holderOf[id];
        vm.prank(sender);
        try collection.transferFrom(holderOf[id], _actor(to), id) {
            holderOf[id] = _actor(to);
        } catch {}
    }

    function burn(uint256 id, uint256 by) external {
        id = 1 + id % (minted + 2);
        vm.prank(by % 8 == 0 ? _actor(by) : holderOf[id]);
        try collection.burn(id) {
            ++burned;
            holderOf[id] = address(0);
        } catch {}
    }

    function approve(uint256 id, uint256 to) external {
        id = 1 + id % (minted + 2);
        vm.prank(holderOf[id]);
        try collection.approve(_actor(to), id) {} catch {}
    }

    function royalty(uint96 bps) external {
        vm.prank(ADMIN);
        try collection.setRoyalty(BOB, bps % 2_000) {} catch {}
    }

    function pause(uint256 seed) external {
        // Rarely, and not for long: what is paused does nothing.
        if (seed % 8 != 0 && !collection.paused()) return;
        bool now_ = collection.paused();
        vm.prank(ADMIN);
        if (now_) collection.unpause();
        else collection.pause();
    }

    function _actor(uint256 seed) public pure returns (address) {
        return address(uint160(0xAC7000 + seed % 5));
    }
}

contract InvariantTest is CollectionTest {
    Handler internal handler;
    StoaCollection internal collection;

    function setUp() public override {
        super.setUp();
        collection = _create(ContentMode.Digest);
        handler = new Handler(collection);
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    /// @dev Asked by forge: what to call.
    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0].addr = address(handler);
        targets[0].selectors = new bytes4[](6);
        targets[0].selectors[0] = Handler.mint.selector;
        targets[0].selectors[1] = Handler.move.selector;
        targets[0].selectors[2] = Handler.burn.selector;
        targets[0].selectors[3] = Handler.approve.selector;
        targets[0].selectors[4] = Handler.royalty.selector;
        targets[0].selectors[5] = Handler.pause.selector;
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev All in one, so that one campaign serves all.
    function invariant_collection() public view {
        _supplyIsMintedLessBurned();
        _anIntentMintsAtMostOnce();
        _royaltyIsCapped();
        _itemsKeepHolderAndContent();
        vm.assertEq(handler.mintedWithoutRole(), 0, "minted without the role");
    }

    function _supplyIsMintedLessBurned() private view {
        vm.assertEq(collection.totalSupply(), handler.minted() - handler.burned());
        uint256 held;
        for (uint256 i; i < 5; ++i) {
            held += collection.balanceOf(handler._actor(i));
        }
        vm.assertEq(held, collection.totalSupply());
    }

    function _anIntentMintsAtMostOnce() private view {
        vm.assertEq(handler.mintedTwice(), 0, "an intent minted twice");
        for (uint256 word; word < 4; ++word) {
            vm.assertEq(collection.intents(word), handler.mintedMask(word));
        }
    }

    function _royaltyIsCapped() private view {
        (, uint256 amount) = collection.royaltyInfo(1, 1 ether);
        vm.assertLe(amount, 0.1 ether);
    }

    function _itemsKeepHolderAndContent() private view {
        uint256 minted = handler.minted();
        // A different sample of ids as the run goes on.
        for (uint256 i; i < 12 && i < minted; ++i) {
            uint256 id = 1 + (i * 7_919 + handler.burned() * 31) % minted;
            address holder = handler.holderOf(id);
            if (holder == address(0)) continue;
            vm.assertEq(collection.ownerOf(id), holder);
            vm.assertEq(collection.tokenURI(id), ContentId.uri(handler.digestOf(id)));
        }
    }
}
