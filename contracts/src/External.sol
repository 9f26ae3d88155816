// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

// Contracts of others that we deploy as they are; named here so that forge compiles them.
import {ERC2771Forwarder} from "@openzeppelin/contracts/metatx/ERC2771Forwarder.sol";
