//! Rows of the index against what the contracts themselves say at the same block.

use crate::followed::balance_of;
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::{SolCall, sol};
use chain::{Asked, Chain, Question, RpcError};
use db::index_samples::Sample;
use vocab::BlockRef;

sol! {
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
    let question = |sample: &Sample| Question { to: sample.contract, input: call(sample) };
    let questions: Vec<Question> = samples.iter().map(question).collect();
    let Asked { answers, together } = ask(chain, block, &questions).await?;
    let mut mismatches = Vec::new();
    for (sample, answer) in samples.iter().zip(answers) {
        let said = answer.as_deref().and_then(|data| read(sample, data));
        if said.as_deref() != Some(expected(sample).as_str()) {
            mismatches.push(Mismatch { sample: sample.clone(), said });
        }
    }
    Ok(SpotChecked { asked: samples.len(), together, mismatches })
}

/// Of the best endpoint that can tell.
async fn ask(chain: &Chain, block: BlockRef, questions: &[Question]) -> Result<Asked, RpcError> {
    let mut trouble = RpcError::NoEndpoint;
    for place in chain.endpoints.order() {
        let Some(endpoint) = chain.endpoints.get(place) else { continue };
        let asked = match chain.identify(place).await {
            Ok(()) => endpoint.ask(block.hash, questions).await,
            Err(error) => Err(error),
        };
        match asked {
            Ok(asked) => return Ok(asked),
            Err(error) => trouble = error,
        }
    }
    Err(trouble)
}

fn call(sample: &Sample) -> Bytes {
    let Sample { kind, token_id, account, .. } = sample;
    match kind.as_str() {
        "erc721" => ownerOfCall { tokenId: *token_id }.abi_encode().into(),
        "erc1155" => multi::balanceOfCall { account: *account, id: *token_id }.abi_encode().into(),
        _ => balance_of(*account),
    }
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
