// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Errors} from "@openzeppelin/contracts/utils/Errors.sol";
import {CollectionInit, ContentMode, StoaCollection} from "../../src/mint/StoaCollection.sol";
import {StoaCollectionFactory} from "../../src/mint/StoaCollectionFactory.sol";
import {Vm, vm} from "../support/Vm.sol";
import {CollectionTest} from "./CollectionTest.sol";

contract FactoryTest is CollectionTest {
    function testFuzz_createCollection_isWherePredicted(bytes32 salt, address creator) public {
        address expected = factory.predict(salt, creator);
        vm.prank(creator);
        vm.assertEq(factory.createCollection(_init(ContentMode.Digest), salt), expected);
        vm.assertEq(StoaCollection(expected).owner(), ADMIN);
    }

    /// @dev Who copies a pending creation gets another address and does not stand in its way.
    function testFuzz_createCollection_cannotBeFrontRun(bytes32 salt, address rival) public {
        vm.assume(rival != ALICE);
        CollectionInit memory init = _init(ContentMode.Digest);
        vm.prank(rival);
        address taken = factory.createCollection(init, salt);
        vm.prank(ALICE);
        address mine = factory.createCollection(init, salt);
        vm.assertTrue(taken != mine);
        vm.assertEq(mine, factory.predict(salt, ALICE));
    }

    function test_createCollection_failsTheSecondTime() public {
        CollectionInit memory init = _init(ContentMode.Digest);
        factory.createCollection(init, "salt");
        vm.expectRevert(Errors.FailedDeployment.selector);
        factory.createCollection(init, "salt");
    }

    function test_createCollection_tells() public {
        CollectionInit memory init = _init(ContentMode.BaseUri);
        vm.recordLogs();
        address collection = factory.createCollection(init, "salt");
        Vm.Log[] memory logs = vm.getRecordedLogs();
        Vm.Log memory last = logs[logs.length - 1];
        vm.assertEq(last.emitter, address(factory));
        vm.assertEq(last.topics[0], StoaCollectionFactory.CollectionCreated.selector);
        vm.assertEq(last.topics[1], bytes32(uint256(uint160(collection))));
        vm.assertEq(last.topics[2], bytes32(uint256(uint160(ADMIN))));
        vm.assertEq(last.topics[3], bytes32("salt"));
        uint256 settings;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] != StoaCollection.CollectionInitialized.selector) continue;
            ++settings;
            vm.assertEq(logs[i].emitter, collection);
            vm.assertEq(
                logs[i].data,
                abi.encode(
                    init.name,
                    init.symbol,
                    init.contractURI,
                    init.baseURI,
                    init.contentMode,
                    init.trustedForwarder
                )
            );
        }
        vm.assertEq(settings, 1);
    }

    function test_constructor_refusesAnAddressWithoutCode() public {
        vm.expectRevert(
            abi.encodeWithSelector(StoaCollectionFactory.CollectionNoImplementation.selector, ALICE)
        );
        new StoaCollectionFactory(ALICE);
    }
}
