//! Contracts that tests write down in Solidity.

use alloy_primitives::Bytes;
use serde_json::{Value, json};
use std::{
    io::Write,
    process::{Command, Stdio},
};

/// What Multicall3 has of use to us.
pub const TOGETHER: &str = "
contract Together {
    struct Read { address target; bool allowFailure; bytes callData; }
    struct Answer { bool success; bytes returnData; }
    function aggregate3(Read[] calldata reads) external payable returns (Answer[] memory answers) {
        answers = new Answer[](reads.length);
        for (uint256 i = 0; i < reads.length; i++) {
            (bool success, bytes memory data) = reads[i].target.call(reads[i].callData);
            require(success || reads[i].allowFailure);
            answers[i] = Answer(success, data);
        }
    }
}
";

/// What the compiler made of a source.
pub struct Compiled(Value);

/// These contracts, and [`TOGETHER`].
pub fn compile(contracts: &str) -> Compiled {
    let source = format!("pragma solidity ^0.8.20;\n{contracts}\n{TOGETHER}");
    let input = json!({
        "language": "Solidity",
        "sources": { "Test.sol": { "content": source } },
        "settings": { "outputSelection": { "*": { "*": ["evm.bytecode.object",
                                                          "evm.deployedBytecode.object"] } } },
    });
    let mut solc = Command::new(testkit::tools().join("solc"))
        .arg("--standard-json")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    solc.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    Compiled(serde_json::from_slice(&solc.wait_with_output().unwrap().stdout).unwrap())
}

impl Compiled {
    pub fn creation(&self, contract: &str) -> Bytes {
        self.code(contract, "bytecode").parse().unwrap()
    }

    /// As it stands on the chain.
    pub fn deployed(&self, contract: &str) -> Value {
        json!(self.code(contract, "deployedBytecode"))
    }

    fn code(&self, contract: &str, kind: &str) -> String {
        let code = self.0["contracts"]["Test.sol"][contract]["evm"][kind]["object"].as_str();
        format!("0x{}", code.unwrap_or_else(|| panic!("{}", self.0)))
    }
}
