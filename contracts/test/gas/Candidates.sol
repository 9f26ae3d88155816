// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

// The ways of keeping owners and digests that StoaCollection was chosen among. For measurement
// only: each does the same checks and leaves the same logs, and has nothing else.
import {
    ERC721Upgradeable
} from "@openzeppelin/contracts-upgradeable/token/ERC721/ERC721Upgradeable.sol";
import {ERC721AUpgradeable} from "erc721a-upgradeable/contracts/ERC721AUpgradeable.sol";
import {ERC721} from "solady/tokens/ERC721.sol";
import {LibBit} from "solady/utils/LibBit.sol";
import {LibRLP} from "solady/utils/LibRLP.sol";
import {SSTORE2} from "solady/utils/SSTORE2.sol";

/// @dev What a batch does beside storing owners and contents.
abstract contract Candidate {
    struct State {
        address forwarder;
        uint40 next;
        uint32 blobs;
        bool paused;
    }

    State internal state;
    mapping(address => bool) internal minters;
    mapping(uint256 => uint256) internal used;
    mapping(uint256 => bytes32) internal digests;

    event ItemsMinted(uint256 indexed word, uint256 mask, uint256 firstTokenId, bytes contents);

    function start(address minter) external virtual {
        minters[minter] = true;
        state.next = 1;
    }

    function mintBatch(
        uint256 word,
        uint256 mask,
        address[] calldata recipients,
        bytes calldata contents
    ) external {
        require(minters[msg.sender]);
        require(!state.paused);
        uint256 count = recipients.length;
        require(LibBit.popCount(mask) == count && contents.length == 32 * count);
        uint256 bits = used[word];
        require(bits & mask == 0);
        used[word] = bits | mask;
        uint256 first = state.next;
        state.next = uint40(first + count);
        _mintAll(first, recipients, contents);
        emit ItemsMinted(word, mask, first, contents);
    }

    function _mintAll(uint256 first, address[] calldata to, bytes calldata contents)
        internal
        virtual;

    function _storeSlots(uint256 first, uint256 count, bytes calldata contents) internal {
        for (uint256 i; i < count; ++i) {
            digests[first + i] = bytes32(contents[32 * i:]);
        }
    }

    function _storeBlob(bytes calldata contents) internal returns (uint256 blob) {
        SSTORE2.write(contents);
        blob = state.blobs + 1;
        state.blobs = uint32(blob);
    }

    function _requireNotPaused() internal view {
        require(!state.paused);
    }
}

/// @dev OpenZeppelin's ERC721, a slot per digest.
contract OpenZeppelinSlots is ERC721Upgradeable, Candidate {
    function start(address minter) external override initializer {
        __ERC721_init("n", "s");
        minters[minter] = true;
        state.next = 1;
    }

    function _mintAll(uint256 first, address[] calldata to, bytes calldata contents)
        internal
        override
    {
        for (uint256 i; i < to.length; ++i) {
            _mint(to[i], first + i);
        }
        _storeSlots(first, to.length, contents);
    }

    function _update(address to, uint256 id, address auth) internal override returns (address) {
        _requireNotPaused();
        return super._update(to, id, auth);
    }
}

abstract contract Solady is ERC721, Candidate {
    function name() public pure override returns (string memory) {
        return "n";
    }

    function symbol() public pure override returns (string memory) {
        return "s";
    }

    function tokenURI(uint256) public pure override returns (string memory) {
        return "";
    }

    function _beforeTokenTransfer(address, address, uint256) internal view override {
        _requireNotPaused();
    }
}

/// @dev Solady's ERC721, a slot per digest.
contract SoladySlots is Solady {
    function _mintAll(uint256 first, address[] calldata to, bytes calldata contents)
        internal
        override
    {
        for (uint256 i; i < to.length; ++i) {
            _mint(to[i], first + i);
        }
        _storeSlots(first, to.length, contents);
    }
}

/// @dev Solady's ERC721, a blob per batch named in the spare bits of each ownership slot.
contract SoladyBlob is Solady {
    function _mintAll(uint256 first, address[] calldata to, bytes calldata contents)
        internal
        override
    {
        uint256 blob = _storeBlob(contents);
        for (uint256 i; i < to.length; ++i) {
            _mintAndSetExtraDataUnchecked(to[i], first + i, uint96((blob << 8) | i));
        }
    }
}

abstract contract Erc721a is ERC721AUpgradeable, Candidate {
    function start(address minter) external override initializerERC721A {
        __ERC721A_init("n", "s");
        minters[minter] = true;
        state.next = 1;
    }

    function _startTokenId() internal pure override returns (uint256) {
        return 1;
    }

    function _beforeTokenTransfers(address, address, uint256, uint256) internal view override {
        _requireNotPaused();
    }

    /// @dev One ERC721A batch per run of the same recipient, cut at `most`; each carries `extra`.
    function _mintAllRuns(address[] calldata to, uint256 most, uint24 extra) internal {
        uint256 begin;
        while (begin < to.length) {
            uint256 end = begin + 1;
            while (end < to.length && to[end] == to[begin] && end - begin < most) ++end;
            uint256 first = _nextTokenId();
            _mint(to[begin], end - begin);
            if (extra != 0) _setExtraDataAt(first, extra);
            begin = end;
        }
    }

    function _extraData(address, address, uint24 previous) internal pure override returns (uint24) {
        return previous;
    }
}

/// @dev ERC721A, a slot per digest.
contract Erc721aSlots is Erc721a {
    function _mintAll(uint256 first, address[] calldata to, bytes calldata contents)
        internal
        override
    {
        _mintAllRuns(to, type(uint256).max, 0);
        _storeSlots(first, to.length, contents);
    }
}

/// @dev ERC721A, runs of any length, a blob per batch named in the spare bits.
contract Erc721aBlob is Erc721a {
    function _mintAll(uint256, address[] calldata to, bytes calldata contents) internal override {
        _mintAllRuns(to, type(uint256).max, uint24(_storeBlob(contents)));
    }
}

/// @dev ERC721A, runs of at most 4, a blob per batch.
contract Erc721aBlobOf4 is Erc721a {
    function _mintAll(uint256, address[] calldata to, bytes calldata contents) internal override {
        _mintAllRuns(to, 4, uint24(_storeBlob(contents)));
    }
}

/// @dev Owners in the blob too: one slot per 4 ids at mint, all else at the first transfer.
contract OwnersInBlob is ERC721Upgradeable, Candidate {
    uint256 private constant _GROUP = 4;
    /// Owner, or (blob, position) with bit 255 for a group whose owners are in the blob.
    mapping(uint256 => uint256) private _slots;
    mapping(address => uint256) private _held;

    function start(address minter) external override initializer {
        __ERC721_init("n", "s");
        minters[minter] = true;
        state.next = 1;
    }

    function _mintAll(uint256 first, address[] calldata to, bytes calldata contents)
        internal
        override
    {
        uint256 count = to.length;
        bytes memory owners = new bytes(20 * count);
        for (uint256 i; i < count; ++i) {
            address who = to[i];
            assembly ("memory-safe") {
                let at := add(add(owners, 32), mul(i, 20))
                mstore(at, or(shl(96, who), and(mload(at), 0xffffffffffffffffffffffff)))
            }
        }
        SSTORE2.write(bytes.concat(owners, contents));
        uint256 blob = state.blobs + 1;
        state.blobs = uint32(blob);
        for (uint256 i; i < count; ++i) {
            if (i % _GROUP == 0) _slots[first + i] = (1 << 255) | (blob << 160) | i;
            ++_held[to[i]];
            emit Transfer(address(0), to[i], first + i);
        }
    }

    function balanceOf(address owner) public view override returns (uint256) {
        return _held[owner];
    }

    function _ownerOf(uint256 id) internal view override returns (address) {
        uint256 packed = _slots[id];
        if (packed != 0 && packed >> 255 == 0) return address(uint160(packed));
        uint256 back;
        while (_slots[id - back] >> 255 == 0) ++back;
        packed = _slots[id - back];
        uint256 index = uint160(packed) + back;
        address blob = LibRLP.computeAddress(address(this), uint32(packed >> 160));
        return address(bytes20(SSTORE2.read(blob, index * 20, index * 20 + 20)));
    }

    function _update(address to, uint256 id, address auth)
        internal
        override
        returns (address from)
    {
        _requireNotPaused();
        from = _ownerOf(id);
        if (auth != address(0)) _checkAuthorized(from, auth, id);
        _approve(address(0), id, address(0), false);
        // Only right for an id that leads no group; the cost is the same with a second mapping.
        _slots[id] = uint160(to);
        --_held[from];
        ++_held[to];
        emit Transfer(from, to, id);
    }
}
