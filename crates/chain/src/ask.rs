//! What contracts say of themselves as of one block: many at once by Multicall3 where the chain has
//! it, else in JSON-RPC batches.

use crate::{Endpoint, RpcError};
use alloy_primitives::{Address, B256, Bytes, U64, address};
use alloy_sol_types::{SolCall, sol};
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};

/// Multicall3, which stands at this address on most chains (mds1/multicall).
const MULTICALL: Address = address!("cA11bde05977b3631167028862bE2a173976CA11");
/// Reads of one call to it, and of one JSON-RPC batch.
const AT_ONCE: usize = 50;
/// Of those, in flight.
const IN_FLIGHT: usize = 4;
/// Gas of a single read: more than any balance needs, and so little that a contract which burns all
/// of it gets its answer before a node gives up.
const GAS: u64 = 3_000_000;

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
}

/// A contract, and the call that it is asked by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub to: Address,
    pub input: Bytes,
}

/// What contracts said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// One for each question; none where the contract refuses to answer.
    pub answers: Vec<Option<Bytes>>,
    /// Of these, by Multicall3.
    pub together: usize,
}

impl Endpoint {
    /// Ask contracts as of the block with this hash (EIP-1898): the node fails rather than answer
    /// for another block of that height.
    ///
    /// # Errors
    /// [`RpcError`] when the node can't tell; a full node forgets what was more than some hundred
    /// blocks ago. What a contract refuses is an answer.
    pub async fn ask(&self, block: B256, questions: &[Question]) -> Result<Asked, RpcError> {
        if questions.is_empty() {
            return Ok(Asked::default());
        }
        let at = json!({ "blockHash": block });
        let code = match questions.len() {
            1 => Bytes::new(),
            _ => self.call::<Bytes>("eth_getCode", json!([MULTICALL, at])).await?,
        };
        let parts: Vec<_> = questions
            .chunks(AT_ONCE)
            .map(|part| self.ask_some(&at, part, !code.is_empty()).boxed())
            .collect();
        let parts: Vec<Asked> = stream::iter(parts).buffered(IN_FLIGHT).try_collect().await?;
        let together = parts.iter().map(|part| part.together).sum();
        let answers = parts.into_iter().flat_map(|part| part.answers).collect();
        Ok(Asked { answers, together })
    }

    async fn ask_some(
        &self,
        at: &Value,
        questions: &[Question],
        multicall: bool,
    ) -> Result<Asked, RpcError> {
        if multicall && let Ok(mut answers) = self.ask_together(at, questions).await {
            // A contract that burns all gas takes its neighbours along: who failed is asked again.
            let failed: Vec<usize> =
                (0..answers.len()).filter(|place| answers[*place].is_none()).collect();
            let again: Vec<Question> =
                failed.iter().map(|place| questions[*place].clone()).collect();
            for (place, answer) in failed.into_iter().zip(self.ask_singly(at, &again).await?) {
                answers[place] = answer;
            }
            return Ok(Asked { together: answers.len(), answers });
        }
        Ok(Asked { answers: self.ask_singly(at, questions).await?, together: 0 })
    }

    async fn ask_singly(
        &self,
        at: &Value,
        questions: &[Question],
    ) -> Result<Vec<Option<Bytes>>, RpcError> {
        let params = |question: &Question| {
            let Question { to, input } = question;
            json!([{ "to": to, "input": input, "gas": U64::from(GAS) }, at])
        };
        let calls: Vec<(&str, Value)> =
            questions.iter().map(|question| ("eth_call", params(question))).collect();
        let answers = self.batch::<Bytes>(&calls).await?;
        let known = |answer: Result<Bytes, RpcError>| match answer {
            Ok(data) => Ok(Some(data)),
            Err(error) if is_reverted(&error) => Ok(None),
            Err(error) => Err(error),
        };
        answers.into_iter().map(known).collect()
    }

    /// The answers' data; none where a call failed.
    async fn ask_together(
        &self,
        at: &Value,
        questions: &[Question],
    ) -> Result<Vec<Option<Bytes>>, RpcError> {
        let read = |question: &Question| Read {
            target: question.to,
            allowFailure: true,
            callData: question.input.clone(),
        };
        let input = aggregate3Call { reads: questions.iter().map(read).collect() }.abi_encode();
        let params = json!([{ "to": MULTICALL, "input": Bytes::from(input) }, at]);
        let answer: Bytes = self.call("eth_call", params).await?;
        let answers = aggregate3Call::abi_decode_returns(&answer)
            .map_err(|error| RpcError::Malformed(error.to_string()))?;
        if answers.len() != questions.len() {
            return Err(RpcError::Malformed("not as many answers as questions".into()));
        }
        Ok(answers.into_iter().map(|one| one.success.then_some(one.returnData)).collect())
    }
}

/// Did the contract refuse, and not the node?
pub(crate) fn is_reverted(error: &RpcError) -> bool {
    const OF_CONTRACTS: [&str; 8] = [
        "revert",
        "out of gas",
        "outofgas",
        "oog",
        "opcode",
        "invalid jump",
        "evm error",
        "execution",
    ];
    // geth gives up with "execution aborted (timeout = 5s)".
    const OF_NODES: [&str; 3] = ["timeout", "timed out", "aborted"];
    if error.may_pass_elsewhere() {
        return false;
    }
    match error {
        RpcError::Refused { code: 3, .. } => true,
        RpcError::Refused { message, .. } => {
            let said = message.to_lowercase();
            let speaks = |words: &[&str]| words.iter().any(|word| said.contains(word));
            speaks(&OF_CONTRACTS) && !speaks(&OF_NODES)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_contract_refuses_is_told_from_what_a_node_lacks() {
        let cases = [
            (3, "execution reverted", true),
            (-32_000, "execution reverted", true),
            (-32_000, "out of gas: gas required exceeds: 3000000", true),
            (-32_003, "EVM error: OutOfGas", true),
            (-32_015, "VM execution error.", true),
            (-32_000, "execution aborted (timeout = 5s)", false),
            (-32_000, "missing trie node 1f (path ) state is not available", false),
            (-32_000, "header not found", false),
            (-32_000, "required historical state unavailable (reexec=128)", false),
            (-32_601, "the method eth_call does not exist", false),
        ];
        for (code, message, reverted) in cases {
            let error = RpcError::Refused { code, message: message.to_owned(), data: None };
            assert_eq!(is_reverted(&error), reverted, "{message}");
        }
        assert!(!is_reverted(&RpcError::Unreachable("gone".into())));
    }
}
