// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Text form of content ids
library ContentId {
    /// @dev CIDv1, raw leaf (0x55), sha2-256 (0x12) of 32 bytes (0x20).
    uint32 private constant _PREFIX = 0x01551220;
    /// @dev RFC 4648 base32, lower case, without padding: multibase prefix `b`.
    bytes32 private constant _ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

    /// @notice `ipfs://` and the CIDv1 of one raw block whose SHA-256 is `digest`.
    function uri(bytes32 digest) internal pure returns (string memory) {
        bytes memory text = new bytes(58);
        // 36 bytes are 288 bits: 57 letters of 5 bits and a last one of 3 bits and 2 zeros.
        uint256 low = uint256(digest);
        text[57] = _ALPHABET[(low & 7) << 2];
        // 253 bits of digest under 32 bits of prefix do not fit one word: take 28 letters
        // (140 bits) from the low part, the other 29 (145 bits) from the rest.
        low >>= 3;
        uint256 high = (uint256(_PREFIX) << 113) | (low >> 140);
        for (uint256 i = 57; i > 29; --i) {
            text[i - 1] = _ALPHABET[low & 31];
            low >>= 5;
        }
        for (uint256 i = 29; i > 0; --i) {
            text[i - 1] = _ALPHABET[high & 31];
            high >>= 5;
        }
        return string.concat("ipfs://b", string(text));
    }
}
