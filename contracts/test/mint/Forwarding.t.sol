// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ERC2771Forwarder} from "@openzeppelin/contracts/metatx/ERC2771Forwarder.sol";
import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {CollectionInit, ContentMode, StoaCollection} from "../../src/mint/StoaCollection.sol";
import {vm} from "../support/Vm.sol";
import {CollectionTest} from "./CollectionTest.sol";

/// @dev Shows what the inherited hooks answer; no function of the collection reads `msg.data`.
contract Exposed is StoaCollection {
    function data() external view returns (bytes memory) {
        return _msgData();
    }

    function suffixLength() external view returns (uint256) {
        return _contextSuffixLength();
    }
}

contract ForwardingTest is CollectionTest {
    uint256 private constant _KEY = 0xA11CE5;

    StoaCollection internal collection;
    address internal signer;

    function setUp() public override {
        super.setUp();
        collection = _create(ContentMode.BaseUri);
        signer = vm.addr(_KEY);
        vm.prank(MINTER);
        collection.mintBatch(0, 7, _same(3, signer), "");
    }

    function _request(bytes memory data)
        private
        view
        returns (ERC2771Forwarder.ForwardRequestData memory request)
    {
        (, string memory name, string memory version, uint256 chainId, address verifier,,) =
            forwarder.eip712Domain();
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256(bytes(name)),
                keccak256(bytes(version)),
                chainId,
                verifier
            )
        );
        request.from = signer;
        request.to = address(collection);
        request.gas = 500_000;
        request.deadline = uint48(block.timestamp + 100);
        request.data = data;
        bytes32 hash = keccak256(
            abi.encode(
                keccak256(
                    "ForwardRequest(address from,address to,uint256 value,uint256 gas,uint256 nonce,uint48 deadline,bytes data)"
                ),
                request.from,
                request.to,
                request.value,
                request.gas,
                forwarder.nonces(signer),
                request.deadline,
                keccak256(data)
            )
        );
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(_KEY, keccak256(abi.encodePacked(hex"1901", domain, hash)));
        request.signature = abi.encodePacked(r, s, v);
    }

    function test_forwarder_speaksForTheSigner() public {
        ERC2771Forwarder.ForwardRequestData memory request =
            _request(abi.encodeCall(collection.transferFrom, (signer, BOB, 2)));
        forwarder.execute(request);
        vm.assertEq(collection.ownerOf(2), BOB);
        vm.assertEq(collection.ownerOf(3), signer);
        // The nonce is spent.
        vm.expectRevert();
        forwarder.execute(request);
    }

    function test_forwarder_approvesAndBurns() public {
        forwarder.execute(_request(abi.encodeCall(collection.approve, (BOB, 1))));
        vm.assertEq(collection.getApproved(1), BOB);
        forwarder.execute(_request(abi.encodeCall(collection.burn, (1))));
        vm.assertEq(collection.totalSupply(), 2);
    }

    /// @dev A signer's suffix appended by anyone but the forwarder is just bytes.
    function testFuzz_suffix_isIgnoredFromOthers(address caller) public {
        vm.assume(caller != address(forwarder) && caller != signer && caller != address(0));
        _spoof(caller, abi.encodeCall(collection.transferFrom, (signer, BOB, 2)), 2);
        _spoof(caller, abi.encodeCall(collection.burn, (1)), 1);
        bytes memory mint = abi.encodeCall(collection.mintBatch, (0, 8, _same(1, BOB), bytes("")));
        vm.assume(caller != MINTER);
        vm.prank(caller);
        (bool ok,) = address(collection).call(abi.encodePacked(mint, MINTER));
        vm.assertFalse(ok);
        vm.assertEq(collection.balanceOf(signer), 3);
    }

    function _spoof(address caller, bytes memory call, uint256 id) private {
        vm.prank(caller);
        (bool ok, bytes memory why) = address(collection).call(abi.encodePacked(call, signer));
        vm.assertFalse(ok);
        vm.assertEq(
            why,
            abi.encodeWithSelector(IERC721Errors.ERC721InsufficientApproval.selector, caller, id)
        );
    }

    function test_suffix_isIgnoredWithoutForwarder() public {
        CollectionInit memory init = _init(ContentMode.BaseUri);
        init.trustedForwarder = address(0);
        collection = StoaCollection(factory.createCollection(init, "none"));
        vm.prank(MINTER);
        collection.mintBatch(0, 1, _same(1, signer), "");
        _spoof(address(forwarder), abi.encodeCall(collection.transferFrom, (signer, BOB, 1)), 1);
    }

    function test_messageData_endsBeforeTheSuffix() public {
        Exposed exposed = new Exposed();
        vm.assertEq(exposed.suffixLength(), 20);
        vm.assertEq(exposed.data(), abi.encodeCall(exposed.data, ()));
    }
}
