//! Decisions that could lose or double something: two endpoints must say the same, else nothing is
//! decided and the next look asks again.

use crate::{
    confirm::Found, lane::Lane, moves::Move, planted::Fault, send::OpenNonce, take::CALLS_MAX,
};
use alloy_primitives::U64;
use chain::{Agreement, Endpoint, RpcError};
use futures_util::{FutureExt, future::join_all};
use serde_json::json;
use std::collections::HashSet;
use uuid::Uuid;
use vocab::{Address, B256, BlockRef, JobStatus};

/// Blocks below our headers that are asked for in one look.
const OLD_BLOCKS_MAX: usize = 32;

impl Lane {
    /// Which of these nonces were used at `height`, a final one, without a receipt of ours. None
    /// when the endpoints differ in anything, or one did not answer.
    pub(crate) async fn agree_lost<'n>(
        &self,
        nonces: Vec<&'n OpenNonce>,
        height: u64,
    ) -> Vec<&'n OpenNonce> {
        let hashes: Vec<B256> = nonces.iter().flat_map(|nonce| nonce.hashes()).collect();
        let (address, known) = (self.address(), hashes.as_slice());
        let deaf = self.planted(Fault::ErrorIsMissing);
        let call = |endpoint: Endpoint| {
            async move { use_of(&endpoint, address, height, known, deaf).await }.boxed()
        };
        let agreed = self.context.config.chain.agree("lost_nonce", call).await.agreed();
        let Some(Use { count, mined, .. }) = agreed else { return Vec::new() };
        nonces
            .into_iter()
            .filter(|nonce| {
                nonce.nonce < count && !nonce.hashes().any(|hash| mined.contains(&hash))
            })
            .collect()
    }

    /// Reverts that another endpoint contradicts.
    pub(crate) async fn disputed_reverts(&self, found: &Found) -> HashSet<B256> {
        let reverted: Vec<B256> =
            found.receipts.iter().filter(|(_, r)| !r.succeeded()).map(|(hash, _)| *hash).collect();
        if self.context.config.chain.endpoints.len() < 2 {
            return HashSet::new();
        }
        let agreements = join_all(reverted.iter().map(|hash| self.agree_on_receipt(*hash))).await;
        let pairs = reverted.into_iter().zip(agreements);
        let differ = pairs.filter(|(_, agreement)| *agreement == Agreement::Disagree);
        differ.map(|(hash, _)| hash).collect()
    }

    /// Leave out moves that fail a job for good while its receipt is not agreed upon. A revert that
    /// one endpoint told when no other could deny it, and that all deny now, is taken back: the job
    /// is final with its effect. `voids` were mined as voids, which have none whatever is agreed.
    pub(crate) async fn hold_disputed(&self, moves: Vec<Move>, voids: &HashSet<Uuid>) -> Vec<Move> {
        let mut kept = Vec::with_capacity(moves.len());
        // After one that is not known the rest is not asked for: a lane must not wait that often.
        let mut silent = false;
        for one in moves {
            let Some(hash) = one.tx_hash.filter(|_| one.to == JobStatus::Failed) else {
                kept.push(one);
                continue;
            };
            let said = match silent {
                true => Agreement::Unknown,
                false => self.agree_on_receipt(hash).await,
            };
            silent |= said == Agreement::Unknown;
            let ours = one.block.map(|block| block.hash);
            let said = said.agreed().flatten().filter(|(block, _)| Some(*block) == ours);
            match said {
                Some((_, status)) if status != U64::ONE || voids.contains(&one.id) => {
                    kept.push(one);
                }
                Some(_) => {
                    tracing::error!(transaction.id = %one.id, tx_hash = %hash,
                        "an endpoint told of a revert that all deny now; the job took effect");
                    metrics::counter!("transactor_reverts_denied_total").increment(1);
                    kept.push(Move { to: JobStatus::Final, reason: None, reverted: false, ..one });
                }
                None => {
                    tracing::warn!(transaction.id = %one.id, tx_hash = %hash,
                        "a revert is not agreed upon; the job does not fail yet");
                    metrics::counter!("transactor_failures_held_total").increment(1);
                }
            }
        }
        kept
    }

    /// Block and status of a receipt; none when there is none.
    async fn agree_on_receipt(&self, hash: B256) -> Agreement<Option<(B256, U64)>> {
        let call = |endpoint: Endpoint| {
            async move {
                let mut answers = endpoint.receipts(&[hash]).await?;
                let receipt = answers.pop().unwrap_or(Ok(None))?;
                Ok(receipt.map(|receipt| (receipt.block_hash, receipt.status)))
            }
            .boxed()
        };
        self.context.config.chain.agree("revert", call).await
    }
}

impl Lane {
    /// Hashes of those blocks that endpoints agree are on their chain. Of very many, the lowest:
    /// the next look asks about the others.
    pub(crate) async fn agree_on_blocks(&self, mut blocks: Vec<BlockRef>) -> Vec<B256> {
        blocks.sort_unstable_by_key(|block| block.number);
        blocks.truncate(OLD_BLOCKS_MAX);
        let mut agreed = Vec::new();
        for block in blocks {
            let call = |endpoint: Endpoint| {
                async move { Ok(endpoint.header(block.number).await?.map(|header| header.hash)) }
                    .boxed()
            };
            match self.context.config.chain.agree("old_block", call).await {
                Agreement::Agreed(hash) => agreed.extend(hash.filter(|hash| *hash == block.hash)),
                Agreement::Disagree => {}
                // A lane must not wait for a silent endpoint as often as there are blocks.
                Agreement::Unknown => break,
            }
        }
        agreed
    }
}

/// What an endpoint knows about an account's past.
#[derive(PartialEq)]
struct Use {
    /// It must be the same history.
    block: B256,
    /// Nonce after that block.
    count: u64,
    /// Of the hashes asked for, those with a receipt.
    mined: HashSet<B256>,
}

/// `deaf`, which is planted, hears no error.
async fn use_of(
    endpoint: &Endpoint,
    address: Address,
    height: u64,
    hashes: &[B256],
    deaf: bool,
) -> Result<Use, RpcError> {
    let count: U64 =
        endpoint.call("eth_getTransactionCount", json!([address, U64::from(height)])).await?;
    let lacking = || RpcError::Malformed(format!("it lacks block {height}"));
    let block = endpoint.header(height).await?.ok_or_else(lacking)?.hash;
    let mut mined = HashSet::new();
    for chunk in hashes.chunks(CALLS_MAX) {
        for (hash, answer) in chunk.iter().zip(endpoint.receipts(chunk).await?) {
            if answer.or_else(|error| if deaf { Ok(None) } else { Err(error) })?.is_some() {
                mined.insert(*hash);
            }
        }
    }
    Ok(Use { block, count: count.to(), mined })
}
