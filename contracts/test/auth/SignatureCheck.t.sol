// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {SignatureCheck} from "../../src/auth/SignatureCheck.sol";
import {vm} from "../support/Vm.sol";

/// @dev An account of one key, after ERC-1271.
contract OneKey {
    address internal immutable OWNER;

    constructor(address owner) {
        OWNER = owner;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature)
        external
        view
        returns (bytes4)
    {
        (bytes32 r, bytes32 s, uint8 v) = abi.decode(signature, (bytes32, bytes32, uint8));
        return ecrecover(digest, v, r, s) == OWNER ? bytes4(0x1626ba7e) : bytes4(0xffffffff);
    }
}

contract OneKeyFactory {
    function make(address owner, bytes32 salt) external returns (OneKey) {
        return new OneKey{salt: salt}(owner);
    }

    function predict(address owner, bytes32 salt) external view returns (address) {
        bytes32 code = keccak256(abi.encodePacked(type(OneKey).creationCode, abi.encode(owner)));
        bytes32 digest = keccak256(abi.encodePacked(hex"ff", address(this), salt, code));
        return address(uint160(uint256(digest)));
    }
}

/// @dev Says what it is told to say, in as many bytes.
contract Parrot {
    bytes internal _words;

    constructor(bytes memory words) {
        _words = words;
    }

    fallback(bytes calldata) external returns (bytes memory) {
        return _words;
    }
}

contract Reverting {
    fallback() external {
        revert("no");
    }
}

contract Burning {
    fallback() external {
        while (true) {}
    }
}

/// @dev Says yes to everything once anybody has told it to.
contract Persuaded {
    bool internal _open;

    function open() external {
        _open = true;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        return _open ? bytes4(0x1626ba7e) : bytes4(0);
    }
}

contract SignatureCheckTest {
    uint256 internal constant KEY = 0xa11ce;
    bytes32 internal constant DIGEST = keccak256("sign me in");
    bytes internal constant YES = abi.encode(bytes4(0x1626ba7e));

    function _signed(uint256 key) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, DIGEST);
        return abi.encode(r, s, v);
    }

    /// @dev What the check leaves as code is its answer.
    function _answer(
        address account,
        address factory,
        bytes memory factoryData,
        bytes memory signature
    ) internal returns (uint256) {
        address left = address(new SignatureCheck(account, DIGEST, factory, factoryData, signature));
        return abi.decode(left.code, (uint256));
    }

    function _plain(address account, bytes memory signature) internal returns (uint256) {
        return _answer(account, address(0), "", signature);
    }

    function test_accountThatStands_isAsked() public {
        address account = address(new OneKey(vm.addr(KEY)));
        vm.assertEq(_plain(account, _signed(KEY)), 1);
        vm.assertEq(_plain(account, _signed(KEY + 1)), 0);
        vm.assertEq(_plain(account, ""), 0);
    }

    function test_noAccount_acceptsNothing() public {
        vm.assertEq(_plain(vm.addr(KEY), _signed(KEY)), 0);
        vm.assertEq(_plain(address(0), _signed(KEY)), 0);
        // A precompile has no code; the identity would say back whatever it is asked.
        vm.assertEq(_plain(address(4), _signed(KEY)), 0);
    }

    function test_accountThatDoesNotStand_isMadeFirst() public {
        OneKeyFactory factory = new OneKeyFactory();
        address owner = vm.addr(KEY);
        bytes memory make = abi.encodeCall(factory.make, (owner, "salt"));
        address account = factory.predict(owner, "salt");
        vm.assertEq(_answer(account, address(factory), make, _signed(KEY + 1)), 0);
        // The answer above left the account standing; another salt does not stand.
        make = abi.encodeCall(factory.make, (owner, "other"));
        account = factory.predict(owner, "other");
        vm.assertEq(_answer(account, address(factory), make, _signed(KEY)), 1);
        vm.assertEq(_answer(account, address(factory), make, _signed(KEY)), 1);
    }

    function test_factoryThatMakesSomethingElse_helpsNobody() public {
        OneKeyFactory factory = new OneKeyFactory();
        bytes memory make = abi.encodeCall(factory.make, (vm.addr(KEY), "salt"));
        vm.assertEq(_answer(vm.addr(KEY), address(factory), make, _signed(KEY)), 0);
        address reverting = address(new Reverting());
        vm.assertEq(_answer(vm.addr(KEY), reverting, make, _signed(KEY)), 0);
    }

    function test_accountThatStands_isNotPersuaded() public {
        Persuaded account = new Persuaded();
        bytes memory open = abi.encodeCall(account.open, ());
        vm.assertEq(_answer(address(account), address(account), open, ""), 0);
        account.open();
        vm.assertEq(_plain(address(account), ""), 1);
    }

    function test_onlyTheExactWord_isYes() public {
        vm.assertEq(_plain(address(new Parrot(YES)), ""), 1);
        vm.assertEq(_plain(address(new Parrot(abi.encodePacked(YES, YES))), ""), 1);
        vm.assertEq(_plain(address(new Parrot(hex"1626ba7e")), ""), 0);
        vm.assertEq(_plain(address(new Parrot(abi.encode(uint256(1)))), ""), 0);
        vm.assertEq(_plain(address(new Parrot(abi.encode(bytes5(0x1626ba7e01)))), ""), 0);
        vm.assertEq(_plain(address(new Parrot("")), ""), 0);
    }

    function test_whateverAnAccountDoes_thereIsAnAnswer() public {
        address reverting = address(new Reverting());
        vm.assertEq(_plain(reverting, ""), 0);
        address burning = address(new Burning());
        vm.assertEq(this.bounded(burning, address(0)), 0);
        vm.assertEq(this.bounded(vm.addr(KEY), burning), 0);
    }

    /// @dev With the gas that the engine gives.
    function bounded(address account, address factory) external returns (uint256) {
        bytes memory code = abi.encodePacked(
            type(SignatureCheck).creationCode, abi.encode(account, DIGEST, factory, "", "")
        );
        return this.run{gas: 10_000_000}(code);
    }

    function run(bytes calldata code) external returns (uint256 answer) {
        bytes memory copy = code;
        address left;
        assembly ("memory-safe") {
            left := create(0, add(copy, 32), mload(copy))
        }
        return abi.decode(left.code, (uint256));
    }
}
