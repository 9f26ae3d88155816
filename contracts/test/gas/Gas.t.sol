// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {ContentMode, StoaCollection} from "../../src/mint/StoaCollection.sol";
import {CollectionTest} from "../mint/CollectionTest.sol";
import {vm} from "../support/Vm.sol";
import {
    Candidate,
    Erc721aBlob,
    Erc721aBlobOf4,
    Erc721aSlots,
    OpenZeppelinSlots,
    OwnersInBlob,
    SoladyBlob,
    SoladySlots
} from "./Candidates.sol";

interface IMinting {
    function mintBatch(uint256, uint256, address[] calldata, bytes calldata) external;
    function transferFrom(address, address, uint256) external;
    function ownerOf(uint256) external view returns (address);
}

/// @dev Gas of whole transactions (21,000, calldata and refunds included): in isolation each call
/// of a test is a transaction of its own. Everything runs in a clone. Before each mint the word
/// of intents and the counters have been used; recipients are fresh.
/// forge-config: default.isolate = true
contract GasTest is CollectionTest {
    uint256 private constant _WARM_BIT = 1 << 255;

    function test_gas_StoaCollection() public {
        StoaCollection collection = _create(ContentMode.Digest);
        _measure("StoaCollection", address(collection));
        _mintBatch(IMinting(address(collection)), 9, _distinct(255, 9));
        vm.snapshotGasLastCall("StoaCollection", "mint 255 distinct");
    }

    function test_gas_OpenZeppelinSlots() public {
        _measureCandidate("OpenZeppelinSlots", new OpenZeppelinSlots());
    }

    function test_gas_SoladySlots() public {
        _measureCandidate("SoladySlots", new SoladySlots());
    }

    function test_gas_SoladyBlob() public {
        _measureCandidate("SoladyBlob", new SoladyBlob());
    }

    function test_gas_Erc721aSlots() public {
        _measureCandidate("Erc721aSlots", new Erc721aSlots());
    }

    function test_gas_Erc721aBlob() public {
        _measureCandidate("Erc721aBlob", new Erc721aBlob());
    }

    function test_gas_Erc721aBlobOf4() public {
        _measureCandidate("Erc721aBlobOf4", new Erc721aBlobOf4());
    }

    function test_gas_OwnersInBlob() public {
        _measureCandidate("OwnersInBlob", new OwnersInBlob());
    }

    function test_gas_createCollection() public {
        factory.createCollection(_init(ContentMode.Digest), bytes32(uint256(9)));
        vm.snapshotGasLastCall("StoaCollection", "createCollection");
    }

    function test_gas_otherModes() public {
        uint256 mask = _mask(20);
        IMinting base = IMinting(address(_create(ContentMode.BaseUri)));
        vm.prank(MINTER);
        base.mintBatch(0, _WARM_BIT, _distinct(1, 1), "");
        vm.prank(MINTER);
        base.mintBatch(0, mask, _distinct(20, 2), "");
        vm.snapshotGasLastCall("StoaCollection", "mint 20 distinct, BaseUri");

        IMinting free = IMinting(address(_create(ContentMode.FreeUri)));
        vm.prank(MINTER);
        free.mintBatch(0, _WARM_BIT, _distinct(1, 1), abi.encode(_uris(1)));
        vm.prank(MINTER);
        free.mintBatch(0, mask, _distinct(20, 2), abi.encode(_uris(20)));
        vm.snapshotGasLastCall("StoaCollection", "mint 20 distinct, FreeUri of 66 bytes");
    }

    function _uris(uint256 count) private pure returns (string[] memory uris) {
        uris = new string[](count);
        for (uint256 i; i < count; ++i) {
            uris[i] = "ipfs://bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";
        }
    }

    function _measureCandidate(string memory group, Candidate candidate) private {
        address clone = Clones.clone(address(candidate));
        Candidate(clone).start(MINTER);
        _measure(group, clone);
    }

    function _measure(string memory group, address collection) private {
        IMinting target = IMinting(collection);
        _warm(target, 0);
        uint256 next = 2;
        uint8[3] memory counts = [1, 20, 100];
        for (uint256 i; i < 3; ++i) {
            uint256 count = counts[i];
            string memory n = vm.toString(count);
            _mintBatch(target, 2 * i, _same(count, address(uint160(0xF00D00 + i))));
            vm.snapshotGasLastCall(group, string.concat("mint ", n, " one"));
            _mintBatch(target, 2 * i + 1, _distinct(count, i));
            vm.snapshotGasLastCall(group, string.concat("mint ", n, " distinct"));
            // Each mint was preceded by the one that warmed a word.
            if (count == 100) _transfers(group, target, next + 1, next + 102);
            next += 2 * (count + 1);
        }
    }

    /// @dev `one` and `distinct` are the first ids of batches of 100.
    function _transfers(string memory group, IMinting target, uint256 one, uint256 distinct)
        private
    {
        _transfer(target, one);
        vm.snapshotGasLastCall(group, "transfer first of 100 one");
        _transfer(target, one + 50);
        vm.snapshotGasLastCall(group, "transfer middle of 100 one");
        _transfer(target, one + 99);
        vm.snapshotGasLastCall(group, "transfer last of 100 one");
        _transfer(target, distinct + 50);
        vm.snapshotGasLastCall(group, "transfer middle of 100 distinct");
    }

    function _transfer(IMinting target, uint256 id) private {
        address from = target.ownerOf(id);
        vm.prank(from);
        target.transferFrom(from, address(uint160(0xBEEF0000 + id)), id);
    }

    function _warm(IMinting target, uint256 word) private {
        bytes memory contents = _digests(1, 1000 + word);
        vm.prank(MINTER);
        target.mintBatch(word, _WARM_BIT, _distinct(1, 1000 + word), contents);
    }

    /// @dev Mints into a word that holds one intent, and warms the next one.
    function _mintBatch(IMinting target, uint256 word, address[] memory to) private {
        _warm(target, word + 1);
        bytes memory contents = _digests(to.length, word);
        uint256 mask = _mask(to.length);
        vm.prank(MINTER);
        target.mintBatch(word, mask, to, contents);
    }
}
