// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {
    ERC721Upgradeable
} from "@openzeppelin/contracts-upgradeable/token/ERC721/ERC721Upgradeable.sol";

/// @title ERC-721 whose items are minted in batches and stored in runs
/// @notice OpenZeppelin's ERC721 with its own ownership storage: one slot per run of at most
/// `MAX_RUN` neighbouring ids minted to one owner, one slot per item once it has moved.
/// @dev Layout of a slot: bits 0-159 owner; 160-191 batch number; 192-199 position in the batch;
/// 200-203 followers, the number of next ids this slot speaks for; 255 written (so that a burned
/// item is not mistaken for a follower). An id without a slot of its own belongs to the nearest
/// slot below it whose followers reach that far; it exists at a distance below `MAX_RUN`, because
/// each run starts with a slot.
abstract contract PackedERC721 is ERC721Upgradeable {
    /// @notice Most ids that share one ownership slot; a first transfer reads at most this many.
    uint256 internal constant MAX_RUN = 4;

    uint256 private constant _BATCH_SHIFT = 160;
    uint256 private constant _INDEX_SHIFT = 192;
    uint256 private constant _FOLLOWERS_SHIFT = 200;
    uint256 private constant _ORIGIN_MASK = ((1 << 40) - 1) << _BATCH_SHIFT;
    uint256 private constant _WRITTEN = 1 << 255;

    /// @notice The recipient at `position` of a batch is the zero address.
    error CollectionZeroRecipient(uint256 position);

    mapping(uint256 tokenId => uint256 packed) private _slots;
    mapping(address owner => uint256 count) private _held;

    /// @inheritdoc ERC721Upgradeable
    function balanceOf(address owner) public view override returns (uint256) {
        if (owner == address(0)) revert ERC721InvalidOwner(owner);
        return _held[owner];
    }

    /// @dev One past the highest id ever minted. Ids start at 1.
    function _nextTokenId() internal view virtual returns (uint256);

    /// @dev Called before any transfer or burn.
    function _beforeMove() internal view virtual;

    /// @dev Mints ids `first` … `first + recipients.length - 1`, one to each recipient in order,
    /// as batch `batch`. No call leaves the contract. The caller has checked that there are 1 to
    /// 256 recipients and moves `_nextTokenId` on.
    function _mintRuns(uint256 first, uint256 batch, address[] calldata recipients) internal {
        uint256 count = recipients.length;
        uint256 start;
        // No sum here exceeds 256 or the ids, which are below 2^40.
        unchecked {
            while (start < count) {
                address to = recipients[start];
                if (to == address(0)) revert CollectionZeroRecipient(start);
                uint256 end = start + 1;
                while (end < count && recipients[end] == to) ++end;
                _held[to] += end - start;
                uint256 lead = start;
                for (uint256 i = start; i < end; ++i) {
                    if (i == lead) {
                        uint256 followers = _min(end - i, MAX_RUN) - 1;
                        _slots[first + i] = _WRITTEN | (followers << _FOLLOWERS_SHIFT)
                            | (i << _INDEX_SHIFT) | (batch << _BATCH_SHIFT) | uint160(to);
                        lead += MAX_RUN;
                    }
                    emit Transfer(address(0), to, first + i);
                }
                start = end;
            }
        }
    }

    /// @dev The batch `tokenId` was minted in and its position there. The id must exist or have
    /// existed.
    function _originOf(uint256 tokenId) internal view returns (uint256 batch, uint256 index) {
        uint256 packed = _resolve(tokenId);
        batch = uint32(packed >> _BATCH_SHIFT);
        index = uint8(packed >> _INDEX_SHIFT);
    }

    /// @inheritdoc ERC721Upgradeable
    function _ownerOf(uint256 tokenId) internal view override returns (address) {
        return address(uint160(_resolve(tokenId)));
    }

    /// @dev Moves or burns (`to` zero) an existing item. Never mints.
    function _update(address to, uint256 tokenId, address auth)
        internal
        override
        returns (address from)
    {
        _beforeMove();
        uint256 packed = _resolve(tokenId);
        from = address(uint160(packed));
        if (from == address(0)) revert ERC721NonexistentToken(tokenId);
        if (auth != address(0)) _checkAuthorized(from, auth, tokenId);
        _approve(address(0), tokenId, address(0), false);
        _promoteFollower(tokenId, packed);
        _slots[tokenId] = _WRITTEN | (packed & _ORIGIN_MASK) | uint160(to);
        unchecked {
            _held[from] -= 1;
            if (to != address(0)) _held[to] += 1;
        }
        emit Transfer(from, to, tokenId);
    }

    /// @dev The slot that speaks for `tokenId`, with its position and followers as seen from
    /// there; 0 for an id never minted.
    function _resolve(uint256 tokenId) private view returns (uint256 packed) {
        packed = _slots[tokenId];
        if (packed != 0) return packed;
        if (tokenId == 0 || tokenId >= _nextTokenId()) return 0;
        for (uint256 distance = 1;; ++distance) {
            packed = _slots[tokenId - distance];
            if ((packed >> _FOLLOWERS_SHIFT) & 0xf >= distance) {
                return packed + (distance << _INDEX_SHIFT) - (distance << _FOLLOWERS_SHIFT);
            }
        }
    }

    /// @dev `tokenId` is about to leave the run that its own slot leads: the first follower that
    /// has no slot yet takes the lead for the rest. Nothing to do for an id without own slot.
    function _promoteFollower(uint256 tokenId, uint256 packed) private {
        if (_slots[tokenId] == 0) return;
        uint256 followers = (packed >> _FOLLOWERS_SHIFT) & 0xf;
        for (uint256 distance = 1; distance <= followers; ++distance) {
            if (_slots[tokenId + distance] == 0) {
                _slots[tokenId + distance] =
                    packed + (distance << _INDEX_SHIFT) - (distance << _FOLLOWERS_SHIFT);
                return;
            }
        }
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}
