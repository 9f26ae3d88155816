// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// An ERC-20 whose transfers come in bursts.
contract BenchToken {
    mapping(address => uint256) public balanceOf;
    uint256 public totalSupply;

    event Transfer(address indexed from, address indexed to, uint256 value);

    constructor() {
        totalSupply = 1e30;
        balanceOf[msg.sender] = 1e30;
        emit Transfer(address(0), msg.sender, 1e30);
    }

    /// `n` transfers to holders drawn from `holders` by `seed`.
    function burst(uint256 n, uint256 seed, uint256 holders) external {
        for (uint256 i = 0; i < n; i++) {
            address to = holder(uint256(keccak256(abi.encode(seed, i))) % holders);
            uint256 value = 1 + (i % 7);
            balanceOf[msg.sender] -= value;
            balanceOf[to] += value;
            emit Transfer(msg.sender, to, value);
        }
    }

    function holder(uint256 place) internal pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode("holder", place)))));
    }
}

/// An ERC-721 whose mints come in bursts.
contract BenchNft {
    mapping(uint256 => address) public ownerOf;
    mapping(address => uint256) public balanceOf;
    uint256 public next;

    event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);

    /// `n` mints to holders drawn from `holders` by `seed`.
    function mintMany(uint256 n, uint256 seed, uint256 holders) external {
        for (uint256 i = 0; i < n; i++) {
            address to = address(
                uint160(
                    uint256(
                        keccak256(
                            abi.encode(
                                "holder", uint256(keccak256(abi.encode(seed, i))) % holders
                            )
                        )
                    )
                )
            );
            uint256 id = next++;
            ownerOf[id] = to;
            balanceOf[to]++;
            emit Transfer(address(0), to, id);
        }
    }
}
