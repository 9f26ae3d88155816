//! The chain that is indexed: one ERC-20 and one ERC-721, a transaction per block, alternating,
//! each with the same number of transfers to 5,000 holders; then 70 empty blocks, so that all of it
//! is settled. Or of the ERC-20 alone. Made once and kept.

use crate::node::Node;
use anyhow::{Context, Result, ensure};
use devstack::{Anvil, AnvilOptions};
use serde_json::{Value, json};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

const SOURCE: &str = include_str!("Bench.sol");
/// anvil's first account, which is unlocked.
pub const SENDER: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
/// `burst(uint256,uint256,uint256)` and `mintMany(uint256,uint256,uint256)`.
const CALLS: [&str; 2] = ["0xf9e7e5d5", "0x9579f5d1"];
pub const CONTRACTS: [(&str, &str); 2] = [("BenchToken", "erc20"), ("BenchNft", "erc721")];
const HOLDERS: u64 = 5_000;
const FEW_HOLDERS: u64 = 256;
const EMPTY: u64 = 70;

#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub blocks: u64,
    pub logs: u64,
    /// Transfers of the ERC-20 alone, to few holders.
    pub tokens: bool,
}

impl Shape {
    fn name(self) -> String {
        let which = if self.tokens { "-tokens" } else { "" };
        format!("{}x{}{which}.json", self.blocks, self.logs)
    }

    /// What is called in this block: a place in [`CONTRACTS`], and the data.
    fn call(self, block: u64) -> (usize, String) {
        let which = if self.tokens || block.is_multiple_of(2) { 0 } else { 1 };
        let holders = if self.tokens { FEW_HOLDERS } else { HOLDERS };
        (which, burst_to(holders, which, self.logs, block))
    }
}

/// A node that has the chain.
#[derive(Debug)]
pub struct Workload {
    pub url: String,
    pub head: u64,
    /// Address and standard.
    pub contracts: Vec<(String, &'static str)>,
    anvil: Anvil,
    _home: tempfile::TempDir,
}

impl Workload {
    /// Start a node with the chain of this shape, making it if it is not in `cache`.
    pub async fn open(cache: &Path, shape: Shape) -> Result<Self> {
        fs::create_dir_all(cache)?;
        let kept = cache.canonicalize()?.join(shape.name());
        let addresses = kept.with_extension("contracts.json");
        if !kept.exists() || !addresses.exists() {
            let draft = kept.with_extension("draft");
            crate::say("the chain is being made; it is kept for later runs");
            let made = make(&draft, shape).await?;
            fs::write(&addresses, serde_json::to_string(&made)?)?;
            fs::rename(&draft, &kept)?;
        }
        let found: Vec<String> = serde_json::from_str(&fs::read_to_string(&addresses)?)?;
        let (home, anvil) = node(&["--load-state", &kept.display().to_string()])?;
        let url = anvil.http_url();
        let head = Node::new(&url)?.number("eth_blockNumber", json!([])).await?;
        ensure!(head >= shape.blocks + EMPTY, "the kept chain ends at {head}: remove {kept:?}");
        let standards = CONTRACTS.iter().map(|(_, standard)| *standard);
        let contracts = found.into_iter().zip(standards).collect();
        Ok(Self { url, head, contracts, anvil, _home: home })
    }

    pub fn node_id(&self) -> u32 {
        self.anvil.id()
    }
}

fn node(extra: &[&str]) -> Result<(tempfile::TempDir, Anvil)> {
    let home = tempfile::Builder::new().prefix("stoa-bench-chain").tempdir()?;
    let mut arguments: Vec<String> =
        ["--gas-limit", "2000000000", "--prune-history"].map(str::to_owned).to_vec();
    arguments.extend(extra.iter().map(|word| (*word).to_owned()));
    let anvil = Anvil::start(&AnvilOptions {
        program: tools().join("anvil"),
        directory: home.path().to_owned(),
        block_time: None,
        chain_id: 31_337,
        keep_state: false,
        extra: arguments,
    })?;
    Ok((home, anvil))
}

fn tools() -> PathBuf {
    std::env::var_os("STOA_TOOLS").map_or_else(|| "tools/bin".into(), PathBuf::from)
}

/// Make the chain, and have the node leave it in `file`. Gives the contracts' addresses.
async fn make(file: &Path, shape: Shape) -> Result<Vec<String>> {
    let codes = tokio::task::spawn_blocking(compile).await??;
    let (_home, mut anvil) = node(&["--dump-state", &file.display().to_string()])?;
    let chain = Node::new(&anvil.http_url())?;
    let mut contracts = Vec::new();
    for code in codes {
        let call = json!([{ "from": SENDER, "data": code, "gas": "0x1000000" }]);
        let hash = chain.call("eth_sendTransaction", call).await?;
        contracts.push(deployed(&chain, hash).await?);
    }
    chain.call("evm_setAutomine", json!([false])).await?;
    for block in 0..shape.blocks {
        let (which, data) = shape.call(block);
        let call = json!({ "from": SENDER, "to": contracts[which], "data": data,
                           "gas": "0x1000000" });
        chain.call("eth_sendTransaction", json!([call])).await?;
        chain.call("evm_mine", json!([])).await?;
    }
    chain.call("anvil_mine", json!([format!("{EMPTY:#x}")])).await?;
    tokio::task::spawn_blocking(move || anvil.stop()).await?;
    ensure!(file.exists(), "the node left no state");
    Ok(contracts)
}

pub async fn deployed(chain: &Node, hash: Value) -> Result<String> {
    for _ in 0..100 {
        let receipt = chain.call("eth_getTransactionReceipt", json!([hash])).await?;
        if let Some(address) = receipt["contractAddress"].as_str() {
            return Ok(address.to_owned());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("a contract was not deployed")
}

/// Call data for `count` transfers by the contract at `which` of [`CONTRACTS`], drawn by `seed`.
pub fn burst(which: usize, count: u64, seed: u64) -> String {
    burst_to(HOLDERS, which, count, seed)
}

fn burst_to(holders: u64, which: usize, count: u64, seed: u64) -> String {
    let words = [count, seed, holders].map(|word| format!("{word:064x}"));
    format!("{}{}", CALLS[which], words.concat())
}

/// Creation codes, in the order of [`CONTRACTS`].
pub fn compile() -> Result<Vec<String>> {
    let input = json!({
        "language": "Solidity",
        "sources": { "Bench.sol": { "content": SOURCE } },
        "settings": {
            "optimizer": { "enabled": true, "runs": 200 },
            "outputSelection": { "*": { "*": ["evm.bytecode.object"] } },
        },
    });
    let mut solc = Command::new(tools().join("solc"))
        .arg("--standard-json")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("solc is not installed: run `make tools`")?;
    solc.stdin.take().context("solc reads nothing")?.write_all(input.to_string().as_bytes())?;
    let output: Value = serde_json::from_slice(&solc.wait_with_output()?.stdout)?;
    let code = |(name, _): &(&str, &str)| {
        let code = output["contracts"]["Bench.sol"][name]["evm"]["bytecode"]["object"].as_str();
        code.map(|code| format!("0x{code}")).with_context(|| format!("{name}: {output}"))
    };
    CONTRACTS.iter().map(code).collect()
}
