// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {
    AccessControlDefaultAdminRulesUpgradeable
} from "@openzeppelin/contracts-upgradeable/access/extensions/AccessControlDefaultAdminRulesUpgradeable.sol";
import {
    ERC2771ContextUpgradeable
} from "@openzeppelin/contracts-upgradeable/metatx/ERC2771ContextUpgradeable.sol";
import {
    ERC721Upgradeable
} from "@openzeppelin/contracts-upgradeable/token/ERC721/ERC721Upgradeable.sol";
import {
    ERC2981Upgradeable
} from "@openzeppelin/contracts-upgradeable/token/common/ERC2981Upgradeable.sol";
import {ContextUpgradeable} from "@openzeppelin/contracts-upgradeable/utils/ContextUpgradeable.sol";
import {IERC165} from "@openzeppelin/contracts/interfaces/IERC165.sol";
import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {LibBit} from "solady/utils/LibBit.sol";
import {LibRLP} from "solady/utils/LibRLP.sol";
import {SSTORE2} from "solady/utils/SSTORE2.sol";
import {ContentId} from "./ContentId.sol";
import {PackedERC721} from "./PackedERC721.sol";

/// @notice What the URI of an item is made of; fixed at creation.
enum ContentMode {
    /// A SHA-256 digest per item: `ipfs://` and the CIDv1 of that raw block.
    Digest,
    /// A base URI for all, followed by the decimal token id.
    BaseUri,
    /// A URI per item, kept as given.
    FreeUri
}

/// @notice Everything a collection starts with.
struct CollectionInit {
    string name;
    string symbol;
    /// ERC-7572 metadata of the collection.
    string contractURI;
    /// Used in `ContentMode.BaseUri` only.
    string baseURI;
    /// Holds `DEFAULT_ADMIN_ROLE` and `PAUSER_ROLE`. Not zero.
    address admin;
    /// Hold `MINTER_ROLE`: one entry per wallet of the minting pool; empty for nobody yet.
    address[] minters;
    /// ERC-2771 forwarder, fixed for ever; zero for none.
    address trustedForwarder;
    /// Receives royalties; not zero if `royaltyBps` is not.
    address royaltyReceiver;
    /// Royalty in 1/10,000 of the sale price, at most `MAX_ROYALTY_BPS`.
    uint96 royaltyBps;
    /// A `ContentMode`.
    uint8 contentMode;
}

/// @title A collection of items minted by the engine
/// @notice ERC-721 with royalties (ERC-2981), metadata notices (ERC-4906), collection metadata
/// (ERC-7572) and meta-transactions (ERC-2771). Each minted item carries an intent, one bit of
/// a bitmap chosen by the minter, and no intent mints twice. Recipients are never called back at
/// a mint. To be used through a clone.
/// @dev There must never be a multicall here: with ERC-2771 it lets anyone speak for anyone.
/// Nothing but `_storeContents` may create a contract: addresses of contents follow from the
/// number of creations.
contract StoaCollection is
    PackedERC721,
    ERC2981Upgradeable,
    AccessControlDefaultAdminRulesUpgradeable,
    ERC2771ContextUpgradeable,
    IERC4906
{
    /// @dev One slot: each mint and each transfer reads all of it.
    struct State {
        address forwarder;
        uint40 nextTokenId;
        uint32 blobs;
        ContentMode mode;
        bool paused;
        bool frozen;
    }

    /// @notice May mint.
    bytes32 public constant MINTER_ROLE = keccak256("MINTER_ROLE");
    /// @notice May pause and unpause.
    bytes32 public constant PAUSER_ROLE = keccak256("PAUSER_ROLE");
    /// @notice Highest royalty, in 1/10,000.
    uint96 public constant MAX_ROYALTY_BPS = 1_000;
    /// @notice Most bytes of `contents` in one batch: what one contract can hold (EIP-170).
    uint256 public constant MAX_CONTENTS_BYTES = 24_575;
    /// @dev Up to this many digests are cheaper in slots of their own than in a blob.
    uint256 private constant _MAX_DIGEST_SLOTS = 2;

    /// @notice The collection was created with these settings.
    event CollectionInitialized(
        string name,
        string symbol,
        string contractURI,
        string baseURI,
        uint8 contentMode,
        address trustedForwarder
    );
    /// @notice Items were minted: the i-th lowest bit of `mask` is the intent of token id
    /// `firstTokenId + i`. `contents` is as given to `mintBatch`. Follows the `Transfer` logs.
    event ItemsMinted(uint256 indexed word, uint256 mask, uint256 firstTokenId, bytes contents);
    /// @notice ERC-7572: the metadata of the collection has changed.
    event ContractURIUpdated();
    /// @notice The base URI has changed.
    event BaseURIUpdated(string baseURI);
    /// @notice The base URI will not change any more.
    event MetadataFrozen();
    /// @notice The royalty has changed.
    event RoyaltyUpdated(address receiver, uint96 bps);
    /// @notice Minting and moving have stopped.
    event Paused(address account);
    /// @notice Minting and moving go on.
    event Unpaused(address account);

    /// @notice `mask` holds an intent that was minted before; `used` is the whole word.
    error MintIntentUsed(uint256 word, uint256 used);
    /// @notice A batch holds at least one item.
    error CollectionEmptyBatch();
    /// @notice `mask` names another number of intents than there are recipients.
    error CollectionCountMismatch(uint256 intents, uint256 recipients);
    /// @notice `contents` does not hold one content per item in the collection's mode.
    error CollectionBadContents();
    /// @notice `contents` is longer than `MAX_CONTENTS_BYTES`.
    error CollectionContentsTooLarge(uint256 length);
    /// @notice No such `ContentMode`.
    error CollectionBadContentMode(uint8 contentMode);
    /// @notice Not possible in this collection's `ContentMode`.
    error CollectionWrongContentMode(ContentMode mode);
    /// @notice Above `MAX_ROYALTY_BPS`.
    error CollectionRoyaltyTooHigh(uint96 bps);
    /// @notice The collection is paused.
    error CollectionPaused();
    /// @notice The collection is not paused.
    error CollectionNotPaused();
    /// @notice The metadata is frozen.
    error CollectionFrozen();

    State private _state;
    uint256 private _burned;
    string private _contractUri;
    string private _baseUri;
    mapping(uint256 word => uint256 used) private _intents;
    mapping(uint256 tokenId => bytes32 digest) private _digests;

    /// @dev The implementation itself stays unusable.
    constructor() ERC2771ContextUpgradeable(address(0)) {
        _disableInitializers();
    }

    /// @notice Sets a fresh clone up; the factory calls it in the creating transaction.
    function initialize(CollectionInit calldata init) external initializer {
        if (init.contentMode > uint8(type(ContentMode).max)) {
            revert CollectionBadContentMode(init.contentMode);
        }
        __ERC721_init(init.name, init.symbol);
        __AccessControlDefaultAdminRules_init(0, init.admin);
        _grantRole(PAUSER_ROLE, init.admin);
        for (uint256 i; i < init.minters.length; ++i) {
            _grantRole(MINTER_ROLE, init.minters[i]);
        }
        _state = State({
            forwarder: init.trustedForwarder,
            nextTokenId: 1,
            blobs: 0,
            mode: ContentMode(init.contentMode),
            paused: false,
            frozen: false
        });
        _contractUri = init.contractURI;
        _baseUri = init.baseURI;
        _setRoyalty(init.royaltyReceiver, init.royaltyBps);
        emit CollectionInitialized(
            init.name,
            init.symbol,
            init.contractURI,
            init.baseURI,
            init.contentMode,
            init.trustedForwarder
        );
    }

    // ---- minting ----

    /// @notice Mints one item per recipient, all or none.
    /// @param word Which 256 intents `mask` is about.
    /// @param mask The intents: its i-th lowest set bit goes to `recipients[i]`.
    /// @param recipients 1 to 256 addresses, none zero; as many as bits in `mask`.
    /// @param contents By mode. Digest: 32 bytes per item. BaseUri: empty. FreeUri:
    /// `abi.encode(string[])`. At most `MAX_CONTENTS_BYTES`.
    /// @return firstTokenId Token id of the first item; the others follow without gap.
    function mintBatch(
        uint256 word,
        uint256 mask,
        address[] calldata recipients,
        bytes calldata contents
    ) external onlyRole(MINTER_ROLE) returns (uint256 firstTokenId) {
        _requireNotPaused();
        uint256 count = recipients.length;
        if (count == 0) revert CollectionEmptyBatch();
        uint256 bits = LibBit.popCount(mask);
        if (bits != count) revert CollectionCountMismatch(bits, count);
        uint256 used = _intents[word];
        if (used & mask != 0) revert MintIntentUsed(word, used);
        _intents[word] = used | mask;

        firstTokenId = _state.nextTokenId;
        _state.nextTokenId += uint40(count);
        _mintRuns(firstTokenId, _storeContents(firstTokenId, count, contents), recipients);
        emit ItemsMinted(word, mask, firstTokenId, contents);
    }

    /// @notice The intents of `word` that were minted, one bit each.
    function intents(uint256 word) external view returns (uint256) {
        return _intents[word];
    }

    /// @notice Destroys an item. For its owner and whom the owner approved.
    function burn(uint256 tokenId) external {
        _update(address(0), tokenId, _msgSender());
        ++_burned;
    }

    /// @notice Items minted and not burned.
    function totalSupply() external view returns (uint256) {
        return _state.nextTokenId - 1 - _burned;
    }

    // ---- content ----

    /// @notice The mode fixed at creation.
    function contentMode() external view returns (ContentMode) {
        return _state.mode;
    }

    /// @inheritdoc ERC721Upgradeable
    function tokenURI(uint256 tokenId) public view override returns (string memory) {
        _requireOwned(tokenId);
        ContentMode mode = _state.mode;
        if (mode == ContentMode.BaseUri) {
            return string.concat(_baseUri, Strings.toString(tokenId));
        }
        (uint256 blob, uint256 index) = _originOf(tokenId);
        if (mode == ContentMode.FreeUri) {
            return abi.decode(SSTORE2.read(_blobAddress(blob)), (string[]))[index];
        }
        if (blob == 0) return ContentId.uri(_digests[tokenId]);
        bytes memory digest = SSTORE2.read(_blobAddress(blob), index * 32, index * 32 + 32);
        return ContentId.uri(bytes32(digest));
    }

    /// @notice ERC-7572: where the metadata of the collection is.
    function contractURI() external view returns (string memory) {
        return _contractUri;
    }

    /// @notice Replaces the metadata of the collection. For the admin.
    function setContractURI(string calldata uri) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _contractUri = uri;
        emit ContractURIUpdated();
    }

    /// @notice Replaces the base URI, in `ContentMode.BaseUri`, until frozen. For the admin.
    function setBaseURI(string calldata uri) external onlyRole(DEFAULT_ADMIN_ROLE) {
        if (_state.mode != ContentMode.BaseUri) revert CollectionWrongContentMode(_state.mode);
        if (_state.frozen) revert CollectionFrozen();
        _baseUri = uri;
        emit BaseURIUpdated(uri);
        emit BatchMetadataUpdate(1, type(uint256).max);
    }

    /// @notice Gives up `setBaseURI` for ever. For the admin.
    function freezeMetadata() external onlyRole(DEFAULT_ADMIN_ROLE) {
        if (_state.frozen) revert CollectionFrozen();
        _state.frozen = true;
        emit MetadataFrozen();
    }

    /// @notice Whether `freezeMetadata` was called.
    function metadataFrozen() external view returns (bool) {
        return _state.frozen;
    }

    // ---- royalty and pause ----

    /// @notice Sets who receives what share of a sale; 0 bps for no royalty. For the admin.
    function setRoyalty(address receiver, uint96 bps) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _setRoyalty(receiver, bps);
    }

    /// @notice Stops minting, transfers and burning.
    function pause() external onlyRole(PAUSER_ROLE) {
        _requireNotPaused();
        _state.paused = true;
        emit Paused(_msgSender());
    }

    /// @notice Ends a pause.
    function unpause() external onlyRole(PAUSER_ROLE) {
        if (!_state.paused) revert CollectionNotPaused();
        _state.paused = false;
        emit Unpaused(_msgSender());
    }

    /// @notice Whether the collection is paused.
    function paused() external view returns (bool) {
        return _state.paused;
    }

    // ---- required by Solidity ----

    /// @notice The ERC-2771 forwarder fixed at creation; zero for none.
    function trustedForwarder() public view override returns (address) {
        return _state.forwarder;
    }

    /// @notice ERC-165.
    function supportsInterface(bytes4 interfaceId)
        public
        view
        override(
            ERC721Upgradeable,
            ERC2981Upgradeable,
            AccessControlDefaultAdminRulesUpgradeable,
            IERC165
        )
        returns (bool)
    {
        // ERC-4906 names this id in its text; it is not derived from a function.
        return interfaceId == 0x49064906 || ERC721Upgradeable.supportsInterface(interfaceId)
            || ERC2981Upgradeable.supportsInterface(interfaceId)
            || AccessControlDefaultAdminRulesUpgradeable.supportsInterface(interfaceId);
    }

    /// @dev Checks `contents` against the mode and keeps it.
    /// @return blob The number of the blob that holds it, from 1; 0 if there is none.
    function _storeContents(uint256 first, uint256 count, bytes calldata contents)
        private
        returns (uint256 blob)
    {
        ContentMode mode = _state.mode;
        if (mode == ContentMode.BaseUri) {
            if (contents.length != 0) revert CollectionBadContents();
            return 0;
        }
        if (contents.length > MAX_CONTENTS_BYTES) {
            revert CollectionContentsTooLarge(contents.length);
        }
        if (mode == ContentMode.FreeUri) {
            if (abi.decode(contents, (string[])).length != count) revert CollectionBadContents();
        } else {
            if (contents.length != 32 * count) revert CollectionBadContents();
            if (count <= _MAX_DIGEST_SLOTS) {
                for (uint256 i; i < count; ++i) {
                    _digests[first + i] = bytes32(contents[32 * i:]);
                }
                return 0;
            }
        }
        SSTORE2.write(contents);
        blob = _state.blobs + 1;
        _state.blobs = uint32(blob);
    }

    /// @dev Blob n is the n-th contract made by this one, whose nonce started at 1 (EIP-161).
    function _blobAddress(uint256 blob) private view returns (address) {
        return LibRLP.computeAddress(address(this), blob);
    }

    function _setRoyalty(address receiver, uint96 bps) private {
        if (bps > MAX_ROYALTY_BPS) revert CollectionRoyaltyTooHigh(bps);
        if (bps == 0) _deleteDefaultRoyalty();
        else _setDefaultRoyalty(receiver, bps);
        emit RoyaltyUpdated(receiver, bps);
    }

    function _requireNotPaused() private view {
        if (_state.paused) revert CollectionPaused();
    }

    function _nextTokenId() internal view override returns (uint256) {
        return _state.nextTokenId;
    }

    function _beforeMove() internal view override {
        _requireNotPaused();
    }

    function _msgSender()
        internal
        view
        override(ContextUpgradeable, ERC2771ContextUpgradeable)
        returns (address)
    {
        return ERC2771ContextUpgradeable._msgSender();
    }

    function _msgData()
        internal
        view
        override(ContextUpgradeable, ERC2771ContextUpgradeable)
        returns (bytes calldata)
    {
        return ERC2771ContextUpgradeable._msgData();
    }

    function _contextSuffixLength()
        internal
        view
        override(ContextUpgradeable, ERC2771ContextUpgradeable)
        returns (uint256)
    {
        return ERC2771ContextUpgradeable._contextSuffixLength();
    }
}
