// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {
    IAccessControlDefaultAdminRules
} from "@openzeppelin/contracts/access/extensions/IAccessControlDefaultAdminRules.sol";
import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {CollectionInit, ContentMode, StoaCollection} from "../../src/mint/StoaCollection.sol";
import {vm} from "../support/Vm.sol";
import {CollectionTest} from "./CollectionTest.sol";

contract AdminTest is CollectionTest {
    event ContractURIUpdated();
    event MetadataFrozen();
    event RoyaltyUpdated(address receiver, uint96 bps);
    event Paused(address account);
    event Unpaused(address account);

    StoaCollection internal collection;

    function setUp() public override {
        super.setUp();
        collection = _create(ContentMode.BaseUri);
    }

    function test_initialize_setsAll() public view {
        vm.assertEq(collection.name(), "Stoa Prints");
        vm.assertEq(collection.symbol(), "PRNT");
        vm.assertEq(collection.contractURI(), "ipfs://collection");
        vm.assertEq(collection.owner(), ADMIN);
        vm.assertEq(collection.defaultAdmin(), ADMIN);
        vm.assertTrue(collection.hasRole(collection.PAUSER_ROLE(), ADMIN));
        vm.assertTrue(collection.hasRole(collection.MINTER_ROLE(), MINTER));
        vm.assertFalse(collection.hasRole(collection.MINTER_ROLE(), ADMIN));
        vm.assertEq(collection.trustedForwarder(), address(forwarder));
        vm.assertFalse(collection.paused());
        vm.assertEq(collection.totalSupply(), 0);
        (address receiver, uint256 amount) = collection.royaltyInfo(1, 10_000);
        vm.assertEq(receiver, ADMIN);
        vm.assertEq(amount, 500);
    }

    function test_initialize_worksOnce() public {
        CollectionInit memory init = _init(ContentMode.Digest);
        init.admin = BOB;
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        collection.initialize(init);
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        implementation.initialize(init);
        vm.assertEq(implementation.owner(), address(0));
    }

    function test_initialize_refusesBadSettings() public {
        CollectionInit memory init = _init(ContentMode.Digest);
        init.contentMode = 3;
        vm.expectRevert(abi.encodeWithSelector(StoaCollection.CollectionBadContentMode.selector, 3));
        factory.createCollection(init, "a");

        init = _init(ContentMode.Digest);
        init.admin = address(0);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessControlDefaultAdminRules.AccessControlInvalidDefaultAdmin.selector,
                address(0)
            )
        );
        factory.createCollection(init, "a");

        init = _init(ContentMode.Digest);
        init.royaltyBps = 1_001;
        vm.expectRevert(
            abi.encodeWithSelector(StoaCollection.CollectionRoyaltyTooHigh.selector, 1_001)
        );
        factory.createCollection(init, "a");
    }

    function test_initialize_minterForwarderAndRoyaltyAreOptional() public {
        CollectionInit memory init = _init(ContentMode.Digest);
        (init.minters, init.trustedForwarder) = (new address[](0), address(0));
        (init.royaltyReceiver, init.royaltyBps) = (address(0), 0);
        collection = StoaCollection(factory.createCollection(init, "a"));
        vm.assertFalse(collection.hasRole(collection.MINTER_ROLE(), address(0)));
        (address receiver, uint256 amount) = collection.royaltyInfo(1, 10_000);
        vm.assertEq(receiver, address(0));
        vm.assertEq(amount, 0);
    }

    function test_initialize_eachMinterOfThePoolMayMint() public {
        CollectionInit memory init = _init(ContentMode.BaseUri);
        init.minters = new address[](2);
        (init.minters[0], init.minters[1]) = (BOB, MINTER);
        collection = StoaCollection(factory.createCollection(init, "pool"));
        vm.assertTrue(collection.hasRole(collection.MINTER_ROLE(), BOB));
        vm.assertTrue(collection.hasRole(collection.MINTER_ROLE(), MINTER));
        vm.assertFalse(collection.hasRole(collection.MINTER_ROLE(), ADMIN));
    }

    function testFuzz_setRoyalty_isCapped(uint96 bps, uint128 price) public {
        vm.prank(ADMIN);
        if (bps > collection.MAX_ROYALTY_BPS()) {
            vm.expectRevert(
                abi.encodeWithSelector(StoaCollection.CollectionRoyaltyTooHigh.selector, bps)
            );
        } else {
            vm.expectEmit(address(collection));
            emit RoyaltyUpdated(BOB, bps);
        }
        vm.prank(ADMIN);
        collection.setRoyalty(BOB, bps);
        (, uint256 amount) = collection.royaltyInfo(1, price);
        vm.assertLe(amount, uint256(price) / 10);
    }

    function testFuzz_admin_onlyAdmin(address caller) public {
        vm.assume(caller != ADMIN && caller != address(forwarder));
        bytes[4] memory calls = [
            abi.encodeCall(collection.setRoyalty, (BOB, 1)),
            abi.encodeCall(collection.setBaseURI, ("x")),
            abi.encodeCall(collection.setContractURI, ("x")),
            abi.encodeCall(collection.freezeMetadata, ())
        ];
        for (uint256 i; i < 4; ++i) {
            _expectUnauthorized(caller, bytes32(0));
            _callAs(caller, calls[i]);
        }
        bytes32 minterRole = collection.MINTER_ROLE();
        _expectUnauthorized(caller, bytes32(0));
        _callAs(caller, abi.encodeCall(collection.grantRole, (minterRole, caller)));
        _expectUnauthorized(caller, collection.PAUSER_ROLE());
        _callAs(caller, abi.encodeCall(collection.pause, ()));
        vm.prank(ADMIN);
        collection.pause();
        _expectUnauthorized(caller, collection.PAUSER_ROLE());
        _callAs(caller, abi.encodeCall(collection.unpause, ()));
    }

    function _expectUnauthorized(address caller, bytes32 role) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessControl.AccessControlUnauthorizedAccount.selector, caller, role
            )
        );
    }

    function _callAs(address caller, bytes memory data) private {
        vm.prank(caller);
        (bool ok,) = address(collection).call(data);
        vm.assertTrue(ok);
    }

    function test_admin_movesInTwoSteps() public {
        vm.prank(ADMIN);
        collection.beginDefaultAdminTransfer(BOB);
        vm.assertEq(collection.owner(), ADMIN);
        vm.warp(block.timestamp + 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessControlDefaultAdminRules.AccessControlInvalidDefaultAdmin.selector, ALICE
            )
        );
        vm.prank(ALICE);
        collection.acceptDefaultAdminTransfer();
        vm.prank(BOB);
        collection.acceptDefaultAdminTransfer();
        vm.assertEq(collection.owner(), BOB);
        vm.assertFalse(collection.hasRole(bytes32(0), ADMIN));
    }

    function test_admin_isNotGrantedDirectly() public {
        vm.expectRevert(
            IAccessControlDefaultAdminRules.AccessControlEnforcedDefaultAdminRules.selector
        );
        vm.prank(ADMIN);
        collection.grantRole(bytes32(0), BOB);
    }

    function test_minter_canBeReplaced() public {
        bytes32 role = collection.MINTER_ROLE();
        vm.startPrank(ADMIN);
        collection.revokeRole(role, MINTER);
        collection.grantRole(role, BOB);
        vm.stopPrank();
        vm.prank(BOB);
        collection.mintBatch(0, 1, _same(1, ALICE), "");
        _expectUnauthorized(MINTER, role);
        vm.prank(MINTER);
        collection.mintBatch(0, 2, _same(1, ALICE), "");
    }

    function test_setContractURI_tells() public {
        vm.expectEmit(address(collection));
        emit ContractURIUpdated();
        vm.prank(ADMIN);
        collection.setContractURI("ipfs://other");
        vm.assertEq(collection.contractURI(), "ipfs://other");
    }

    function test_freezeMetadata_tells() public {
        vm.expectEmit(address(collection));
        emit MetadataFrozen();
        vm.prank(ADMIN);
        collection.freezeMetadata();
    }

    function test_pause_isASwitch() public {
        vm.startPrank(ADMIN);
        vm.expectRevert(StoaCollection.CollectionNotPaused.selector);
        collection.unpause();
        vm.expectEmit(address(collection));
        emit Paused(ADMIN);
        collection.pause();
        vm.assertTrue(collection.paused());
        vm.expectRevert(StoaCollection.CollectionPaused.selector);
        collection.pause();
        vm.expectEmit(address(collection));
        emit Unpaused(ADMIN);
        collection.unpause();
        vm.assertFalse(collection.paused());
    }

    function test_supportsInterface_namesAll() public view {
        bytes4[8] memory ids = [
            bytes4(0x01ffc9a7), // ERC-165
            0x80ac58cd, // ERC-721
            0x5b5e139f, // ERC-721 metadata
            0x2a55205a, // ERC-2981
            0x49064906, // ERC-4906
            0x7965db0b, // access control
            0x31498786, // access control with two-step admin
            0xffffffff
        ];
        for (uint256 i; i < 8; ++i) {
            vm.assertTrue(collection.supportsInterface(ids[i]) == (i < 7), vm.toString(i));
        }
    }
}
