//! Rows of the index against what the contracts themselves say at the same block.

use alloy_primitives::{Address, Bytes, U256, address};
use alloy_sol_types::{SolCall, sol};
use chain::{Chain, RpcError};
use db::index_samples::Sample;
use serde_json::{Value, json};
use vocab::BlockRef;

/// Multicall3, which stands at this address on most chains (mds1/multicall).
const MULTICALL: Address = address!("cA11bde05977b3631167028862bE2a173976CA11");
/// Reads of one call to it, and of one JSON-RPC batch.
const AT_ONCE: usize = 50;

sol! {
    struct Read {
        address target;
        bool allowFailure;
        bytes callData;
    }
    struct Answer {
        bool success;
        bytes returnData;
    }
    function aggregate3(Read[] reads) returns (Answer[] answers);
    function balanceOf(address account) returns (uint256);
    function ownerOf(uint256 tokenId) returns (address);
}

mod multi {
    alloy_sol_types::sol! {
        function balanceOf(address account, uint256 id) returns (uint256);
    }
}

/// A row that the contract does not confirm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    pub sample: Sample,
    /// What it says: a balance, of an ERC-721 an owner. None: it gives no such answer.
    pub said: Option<String>,
}

/// What came of a spot check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpotChecked {
    pub asked: usize,
    /// Of these, many at once by Multicall3.
    pub together: usize,
    pub mismatches: Vec<Mismatch>,
}

/// Ask the contracts at `block` about rows that reflect it: by Multicall3 where the chain has it,
/// else in batches.
///
/// # Errors
/// [`RpcError`] when the node can't tell; a full node forgets what was more than some hundred
/// blocks ago.
pub async fn spot_check(
    chain: &Chain,
    block: BlockRef,
    samples: &[Sample],
) -> Result<SpotChecked, RpcError> {
    // EIP-1898: of this very block, whatever becomes of it.
    let at = json!({ "blockHash": block.hash });
    let code: Bytes = chain.read().call("eth_getCode", json!([MULTICALL, at])).await?;
    let (mut together, mut mismatches) = (0, Vec::new());
    for some in samples.chunks(AT_ONCE) {
        // A contract that burns all gas takes its neighbours along: they are asked singly.
        let asked = match code.is_empty() {
            true => None,
            false => ask_together(chain, &at, some).await.ok(),
        };
        together += asked.as_ref().map_or(0, Vec::len);
        let answers = match asked {
            Some(answers) => answers,
            None => ask_singly(chain, &at, some).await?,
        };
        for (sample, answer) in some.iter().zip(answers) {
            let said = answer.as_deref().and_then(|data| read(sample, data));
            if said.as_deref() != Some(expected(sample).as_str()) {
                mismatches.push(Mismatch { sample: sample.clone(), said });
            }
        }
    }
    Ok(SpotChecked { asked: samples.len(), together, mismatches })
}

/// The answers' data; none where a call failed.
async fn ask_together(
    chain: &Chain,
    at: &Value,
    samples: &[Sample],
) -> Result<Vec<Option<Bytes>>, RpcError> {
    let read = |sample: &Sample| Read {
        target: sample.contract,
        allowFailure: true,
        callData: call(sample),
    };
    let input = aggregate3Call { reads: samples.iter().map(read).collect() }.abi_encode();
    let params = json!([{ "to": MULTICALL, "input": Bytes::from(input) }, at]);
    let answer: Bytes = chain.read().call("eth_call", params).await?;
    let answers = aggregate3Call::abi_decode_returns(&answer)
        .map_err(|error| RpcError::Malformed(error.to_string()))?;
    if answers.len() != samples.len() {
        return Err(RpcError::Malformed("not as many answers as reads".into()));
    }
    Ok(answers.into_iter().map(|one| one.success.then_some(one.returnData)).collect())
}

async fn ask_singly(
    chain: &Chain,
    at: &Value,
    samples: &[Sample],
) -> Result<Vec<Option<Bytes>>, RpcError> {
    let params = |sample: &Sample| json!([{ "to": sample.contract, "input": call(sample) }, at]);
    let calls: Vec<(&str, Value)> =
        samples.iter().map(|sample| ("eth_call", params(sample))).collect();
    let answers = chain.endpoint().batch::<Bytes>(&calls).await?;
    let known = |answer: Result<Bytes, RpcError>| match answer {
        Ok(data) => Ok(Some(data)),
        Err(error) if is_reverted(&error) => Ok(None),
        Err(error) => Err(error),
    };
    answers.into_iter().map(known).collect()
}

/// Did the contract refuse, and not the node?
fn is_reverted(error: &RpcError) -> bool {
    let words = [
        "revert",
        "out of gas",
        "outofgas",
        "oog",
        "opcode",
        "invalid jump",
        "evm error",
        "execution",
    ];
    match error {
        RpcError::Refused { code: 3, .. } => true,
        RpcError::Refused { message, .. } => {
            let message = message.to_lowercase();
            words.iter().any(|word| message.contains(word))
        }
        _ => false,
    }
}

fn call(sample: &Sample) -> Bytes {
    let Sample { kind, token_id, account, .. } = sample;
    let data = match kind.as_str() {
        "erc721" => ownerOfCall { tokenId: *token_id }.abi_encode(),
        "erc1155" => multi::balanceOfCall { account: *account, id: *token_id }.abi_encode(),
        _ => balanceOfCall { account: *account }.abi_encode(),
    };
    data.into()
}

fn expected(sample: &Sample) -> String {
    match sample.kind.as_str() {
        "erc721" => sample.account.to_string(),
        _ => sample.balance.to_string(),
    }
}

/// In the words of [`expected`].
fn read(sample: &Sample, data: &[u8]) -> Option<String> {
    let word: &[u8; 32] = data.get(..32)?.try_into().ok()?;
    Some(match sample.kind.as_str() {
        "erc721" if word[..12].iter().all(|byte| *byte == 0) => {
            Address::from_slice(&word[12..]).to_string()
        }
        "erc721" => return None,
        _ => U256::from_be_bytes(*word).to_string(),
    })
}
