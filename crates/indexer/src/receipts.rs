//! Receipts as witnesses. A block's header commits to them, and they hold its logs: so they tell
//! whether logs were left out, put in or changed, where the bloom filter can't.

use crate::{IndexError, fetch::inconsistent};
use alloy_consensus::{
    Eip658Value, Receipt, ReceiptEnvelope, ReceiptWithBloom, TxType, proofs::calculate_receipt_root,
};
use alloy_primitives::LogData;
use chain::{BlockReceipt, Endpoint, Header, Log, RpcError};
use vocab::B256;

/// The logs that an endpoint's receipts of a block hold, and whether the header commits to them.
pub(crate) struct Witness {
    pub(crate) logs: Vec<Log>,
    /// None where the chain's receipts are not encoded as Ethereum's.
    pub(crate) proven: Option<bool>,
}

/// What the endpoint's receipts say; none when it has none to give.
pub(crate) async fn load(
    endpoint: &Endpoint,
    header: &Header,
) -> Result<Option<Witness>, RpcError> {
    let receipts = match endpoint.block_receipts(header.hash).await {
        Ok(Some(receipts)) => receipts,
        // It does not have the block, or does not know the method.
        Ok(None) | Err(RpcError::Refused { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let proven = header.receipts_root.and_then(|root| Some(root_of(&receipts)? == root));
    let logs = receipts.into_iter().flat_map(|receipt| receipt.logs).collect();
    Ok(Some(Witness { logs, proven }))
}

impl Witness {
    /// Are these the logs of the block? `logs` in order of their places, all of the block.
    pub(crate) fn agrees<'a>(&self, logs: impl ExactSizeIterator<Item = &'a Log>) -> bool {
        logs.len() == self.logs.len() && logs.zip(&self.logs).all(|(a, b)| is_same(a, b))
    }

    /// What it means that an endpoint gave other logs.
    pub(crate) fn against(&self, number: u64) -> IndexError {
        match self.proven {
            Some(true) => IndexError::Lied(format!("its logs of block {number} are others")),
            _ => inconsistent(format!("receipts of block {number} have other logs")),
        }
    }
}

/// All that a log is on chain. Not every node says its time, and in both places.
fn is_same(a: &Log, b: &Log) -> bool {
    let key = |log: &Log| {
        (log.block_hash, log.log_index, log.transaction_hash, log.transaction_index, log.address)
    };
    key(a) == key(b) && a.topics == b.topics && a.data == b.data
}

/// Root of the trie of receipts; none when one is of a kind that is not known here: those of
/// rollups' own transactions hold more, and those before Byzantium something else.
fn root_of(receipts: &[BlockReceipt]) -> Option<B256> {
    let receipts: Option<Vec<ReceiptEnvelope>> = receipts.iter().map(envelope).collect();
    Some(calculate_receipt_root(&receipts?))
}

fn envelope(receipt: &BlockReceipt) -> Option<ReceiptEnvelope> {
    let kind = u8::try_from(receipt.kind.unwrap_or_default().to::<u64>()).ok()?;
    let kind = TxType::try_from(kind).ok()?;
    let log = |log: &Log| alloy_primitives::Log {
        address: log.address,
        data: LogData::new_unchecked(log.topics.clone(), log.data.clone()),
    };
    let inner = Receipt {
        status: Eip658Value::Eip658(receipt.status?.to::<u64>() == 1),
        cumulative_gas_used: receipt.cumulative_gas_used.to(),
        logs: receipt.logs.iter().map(log).collect(),
    };
    let logs_bloom = receipt.logs_bloom;
    Some(ReceiptEnvelope::from_typed(kind, ReceiptWithBloom { receipt: inner, logs_bloom }))
}
