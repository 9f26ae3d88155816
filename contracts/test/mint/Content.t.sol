// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ContentId} from "../../src/mint/ContentId.sol";
import {ContentMode, StoaCollection} from "../../src/mint/StoaCollection.sol";
import {vm} from "../support/Vm.sol";
import {CollectionTest} from "./CollectionTest.sol";

contract ContentTest is CollectionTest {
    event BaseURIUpdated(string baseURI);
    event BatchMetadataUpdate(uint256 _fromTokenId, uint256 _toTokenId);

    /// @dev CIDs made by the JavaScript reference importer: raw leaf, sha2-256, CIDv1.
    function test_uri_matchesReferenceImporter() public pure {
        vm.assertEq(
            ContentId.uri(sha256("")),
            "ipfs://bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
        );
        vm.assertEq(
            ContentId.uri(sha256("hello world")),
            "ipfs://bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
        );
        vm.assertEq(
            ContentId.uri(sha256("stoa")),
            "ipfs://bafkreigxmnxsmo32rcj5eqjlpr7ugwtkyibhuzrtgvrjpeqvddw56oxxsq"
        );
    }

    /// @dev Against base32 done bit by bit.
    function testFuzz_uri_isBase32(bytes32 digest) public pure {
        bytes memory raw = abi.encodePacked(hex"01551220", digest);
        bytes memory text = bytes(ContentId.uri(digest));
        vm.assertEq(text.length, 66);
        for (uint256 i; i < 58; ++i) {
            uint256 value;
            for (uint256 bit = 5 * i; bit < 5 * i + 5; ++bit) {
                uint256 one = bit < 288 ? (uint8(raw[bit / 8]) >> (7 - bit % 8)) & 1 : 0;
                value = 2 * value + one;
            }
            uint256 letter = value < 26 ? 97 + value : 24 + value;
            vm.assertEq(uint8(text[8 + i]), letter);
        }
    }

    /// @dev Batches below and above the size at which digests move from slots to a blob.
    function testFuzz_tokenURI_isTheContentOfTheItem(uint8[8] memory sizes, uint256 moved) public {
        StoaCollection collection = _create(ContentMode.Digest);
        uint256[8] memory firsts;
        for (uint256 word; word < 8; ++word) {
            uint256 count = word % 2 == 0 ? 1 + sizes[word] % 3 : 1 + uint256(sizes[word]) % 40;
            firsts[word] = _mint(collection, word, _same(count, ALICE));
            sizes[word] = uint8(count);
        }
        uint256 supply = collection.totalSupply();
        vm.prank(ALICE);
        collection.transferFrom(ALICE, BOB, 1 + moved % supply);
        for (uint256 word; word < 8; ++word) {
            for (uint256 i; i < sizes[word]; ++i) {
                string memory expected = ContentId.uri(_digest(word, i));
                vm.assertEq(collection.tokenURI(firsts[word] + i), expected);
            }
        }
    }

    function test_tokenURI_revertsWithoutItem() public {
        StoaCollection collection = _create(ContentMode.Digest);
        _mint(collection, 0, _same(5, ALICE));
        vm.prank(ALICE);
        collection.burn(3);
        uint256[4] memory missing = [uint256(0), 3, 6, type(uint256).max];
        for (uint256 i; i < 4; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, missing[i])
            );
            collection.tokenURI(missing[i]);
        }
    }

    function test_mintBatch_digestModeRefusesOtherLengths() public {
        StoaCollection collection = _create(ContentMode.Digest);
        bytes[3] memory bad = [bytes(""), _digests(2, 1), bytes.concat(_digests(3, 1), hex"00")];
        for (uint256 i; i < 3; ++i) {
            vm.expectRevert(StoaCollection.CollectionBadContents.selector);
            vm.prank(MINTER);
            collection.mintBatch(0, 7, _distinct(3, 1), bad[i]);
        }
    }

    function test_baseUri_isFollowedByTheTokenId() public {
        StoaCollection collection = _create(ContentMode.BaseUri);
        vm.prank(MINTER);
        collection.mintBatch(0, _mask(12), _distinct(12, 1), "");
        vm.assertEq(collection.tokenURI(1), "https://items.example/1");
        vm.assertEq(collection.tokenURI(12), "https://items.example/12");
        vm.expectRevert(StoaCollection.CollectionBadContents.selector);
        vm.prank(MINTER);
        collection.mintBatch(1, 1, _distinct(1, 1), hex"00");
    }

    function test_setBaseURI_worksUntilFrozen() public {
        StoaCollection collection = _create(ContentMode.BaseUri);
        vm.prank(MINTER);
        collection.mintBatch(0, 1, _same(1, ALICE), "");
        vm.expectEmit(address(collection));
        emit BaseURIUpdated("ar://x/");
        vm.expectEmit(address(collection));
        emit BatchMetadataUpdate(1, type(uint256).max);
        vm.startPrank(ADMIN);
        collection.setBaseURI("ar://x/");
        vm.assertEq(collection.tokenURI(1), "ar://x/1");
        vm.assertFalse(collection.metadataFrozen());
        collection.freezeMetadata();
        vm.assertTrue(collection.metadataFrozen());
        vm.expectRevert(StoaCollection.CollectionFrozen.selector);
        collection.setBaseURI("ar://y/");
        vm.expectRevert(StoaCollection.CollectionFrozen.selector);
        collection.freezeMetadata();
    }

    function test_setBaseURI_revertsInOtherModes() public {
        ContentMode[2] memory modes = [ContentMode.Digest, ContentMode.FreeUri];
        for (uint256 i; i < 2; ++i) {
            StoaCollection collection = _create(modes[i]);
            vm.assertTrue(collection.contentMode() == modes[i]);
            vm.expectRevert(
                abi.encodeWithSelector(StoaCollection.CollectionWrongContentMode.selector, modes[i])
            );
            vm.prank(ADMIN);
            collection.setBaseURI("x");
        }
    }

    function testFuzz_freeUri_isKept(string[] memory uris) public {
        vm.assume(uris.length > 0 && uris.length <= 256);
        bytes memory contents = abi.encode(uris);
        vm.assume(contents.length <= 24_575);
        StoaCollection collection = _create(ContentMode.FreeUri);
        uint256 mask = _mask(uris.length);
        for (uint256 word; word < 2; ++word) {
            vm.prank(MINTER);
            collection.mintBatch(word, mask, _same(uris.length, ALICE), contents);
        }
        // Each read decodes the whole batch, so look at some sixteen of them.
        for (uint256 i; i < uris.length; i += 1 + uris.length / 16) {
            vm.assertEq(collection.tokenURI(i + 1), uris[i]);
            vm.assertEq(collection.tokenURI(uris.length + i + 1), uris[i]);
        }
    }

    function test_freeUri_refusesOtherCountsAndGarbage() public {
        StoaCollection collection = _create(ContentMode.FreeUri);
        bytes memory two = abi.encode(new string[](2));
        vm.expectRevert(StoaCollection.CollectionBadContents.selector);
        vm.prank(MINTER);
        collection.mintBatch(0, 7, _distinct(3, 1), two);
        vm.expectRevert();
        vm.prank(MINTER);
        collection.mintBatch(0, 7, _distinct(3, 1), hex"1234");
        // An element that points behind the end.
        bytes memory loose = abi.encode(uint256(32), uint256(1), uint256(5000));
        vm.expectRevert();
        vm.prank(MINTER);
        collection.mintBatch(0, 1, _distinct(1, 1), loose);
        vm.assertEq(collection.totalSupply(), 0);
    }

    function test_mintBatch_limitsContents() public {
        StoaCollection collection = _create(ContentMode.FreeUri);
        string[] memory uris = new string[](1);
        // offset, count, offset, length: 128 bytes; the text is padded to words.
        uris[0] = string(new bytes(24_575 - 31 - 128));
        bytes memory fits = abi.encode(uris);
        vm.assertEq(fits.length, 24_544);
        vm.prank(MINTER);
        collection.mintBatch(0, 1, _distinct(1, 1), fits);
        vm.assertEq(bytes(collection.tokenURI(1)).length, bytes(uris[0]).length);
        uris[0] = string.concat(uris[0], "x");
        bytes memory tooLarge = abi.encode(uris);
        vm.expectRevert(
            abi.encodeWithSelector(StoaCollection.CollectionContentsTooLarge.selector, 24_576)
        );
        vm.prank(MINTER);
        collection.mintBatch(0, 2, _distinct(1, 1), tooLarge);
    }

    /// @dev The address of blob n follows from n also where its RLP grows by a byte.
    function test_tokenURI_findsBlobsPastNonce128() public {
        StoaCollection collection = _create(ContentMode.Digest);
        for (uint256 word; word < 130; ++word) {
            _mint(collection, word, _same(3, ALICE));
        }
        for (uint256 word = 120; word < 130; ++word) {
            vm.assertEq(collection.tokenURI(3 * word + 3), ContentId.uri(_digest(word, 2)));
        }
    }
}
