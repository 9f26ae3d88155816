//! The JSON-RPC methods that we call, typed.

use crate::{
    BlockReceipt, Endpoint, FeeHistory, Header, Large, Log, Receipt, RpcError, ask::is_reverted,
};
use alloy_primitives::{Address, B256, Bytes, U64, U128, U256};
use serde::Serialize;
use serde_json::{Value, json};
use vocab::ChainId;

/// Which logs of which blocks. No address means any; no topic list means any.
#[derive(Clone, Debug, Default)]
pub struct LogFilter {
    pub addresses: Vec<Address>,
    /// Alternatives for the first topic.
    pub topics0: Vec<B256>,
}

/// A call to simulate.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallRequest {
    pub from: Address,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Address>,
    pub value: U256,
    #[serde(rename = "input")]
    pub data: Bytes,
}

impl LogFilter {
    fn fields(&self) -> Value {
        let mut fields = json!({});
        if !self.addresses.is_empty() {
            fields["address"] = json!(self.addresses);
        }
        if !self.topics0.is_empty() {
            fields["topics"] = json!([self.topics0]);
        }
        fields
    }
}

/// Each method fails as [`RpcError`] says.
impl Endpoint {
    pub async fn chain_id(&self) -> Result<ChainId, RpcError> {
        let id: U64 = self.call("eth_chainId", json!([])).await?;
        Ok(ChainId(id.to()))
    }

    pub async fn head(&self) -> Result<Header, RpcError> {
        let header: Option<Header> =
            self.call("eth_getBlockByNumber", json!(["latest", false])).await?;
        header.ok_or_else(|| RpcError::Malformed("the node has no head".into()))
    }

    /// The last block that can't be given up, as the node sees it; none when it does not say.
    pub async fn finalized(&self) -> Result<Option<Header>, RpcError> {
        self.call("eth_getBlockByNumber", json!(["finalized", false])).await
    }

    pub async fn header(&self, number: u64) -> Result<Option<Header>, RpcError> {
        self.call("eth_getBlockByNumber", json!([U64::from(number), false])).await
    }

    pub async fn header_by_hash(&self, hash: B256) -> Result<Option<Header>, RpcError> {
        self.call("eth_getBlockByHash", json!([hash, false])).await
    }

    /// Headers of `first..=last` in order, in one request; fails if any is missing.
    pub async fn headers(&self, first: u64, last: u64) -> Result<Vec<Header>, RpcError> {
        let calls: Vec<_> = (first..=last)
            .map(|n| ("eth_getBlockByNumber", json!([U64::from(n), false])))
            .collect();
        let answers = self.batch::<Option<Header>>(&calls).await?;
        let missing = || RpcError::Malformed("a header is missing".into());
        answers.into_iter().map(|answer| answer?.ok_or_else(missing)).collect()
    }

    /// Headers of these blocks in the order asked, in one request; fails if any is missing.
    pub async fn headers_at(&self, numbers: &[u64]) -> Result<Vec<Header>, RpcError> {
        let call = |n: &u64| ("eth_getBlockByNumber", json!([U64::from(*n), false]));
        let calls: Vec<_> = numbers.iter().map(call).collect();
        let answers = self.batch::<Option<Header>>(&calls).await?;
        let missing = || RpcError::Malformed("a header is missing".into());
        answers.into_iter().map(|answer| answer?.ok_or_else(missing)).collect()
    }

    /// [`Self::logs`] where there may be many: decoded beside, with what it took.
    pub async fn many_logs(
        &self,
        filter: &LogFilter,
        first: u64,
        last: u64,
    ) -> Result<Large<Vec<Log>>, RpcError> {
        let mut fields = filter.fields();
        fields["fromBlock"] = json!(U64::from(first));
        fields["toBlock"] = json!(U64::from(last));
        self.call_large("eth_getLogs", json!([fields])).await
    }

    /// Logs of the blocks `first..=last`.
    pub async fn logs(
        &self,
        filter: &LogFilter,
        first: u64,
        last: u64,
    ) -> Result<Vec<Log>, RpcError> {
        let mut fields = filter.fields();
        fields["fromBlock"] = json!(U64::from(first));
        fields["toBlock"] = json!(U64::from(last));
        self.call("eth_getLogs", json!([fields])).await
    }

    /// Logs of one block named by its hash (EIP-234): the node fails rather than answer for
    /// another block of that height.
    pub async fn logs_of_block(
        &self,
        filter: &LogFilter,
        hash: B256,
    ) -> Result<Vec<Log>, RpcError> {
        let mut fields = filter.fields();
        fields["blockHash"] = json!(hash);
        self.call("eth_getLogs", json!([fields])).await
    }

    /// [`Self::logs_of_block`] for many blocks in one request, in the order asked.
    pub async fn logs_of_blocks(
        &self,
        filter: &LogFilter,
        hashes: &[B256],
    ) -> Result<Vec<Result<Vec<Log>, RpcError>>, RpcError> {
        let fields = filter.fields();
        let calls: Vec<_> = hashes
            .iter()
            .map(|hash| {
                let mut fields = fields.clone();
                fields["blockHash"] = json!(hash);
                ("eth_getLogs", json!([fields]))
            })
            .collect();
        self.batch(&calls).await
    }

    /// Receipts in the order asked; none for a transaction that is in no block.
    pub async fn receipts(
        &self,
        hashes: &[B256],
    ) -> Result<Vec<Result<Option<Receipt>, RpcError>>, RpcError> {
        let calls: Vec<_> =
            hashes.iter().map(|hash| ("eth_getTransactionReceipt", json!([hash]))).collect();
        self.batch(&calls).await
    }

    /// Receipts of all transactions of a block, in order; none for a block that it does not have.
    pub async fn block_receipts(&self, hash: B256) -> Result<Option<Vec<BlockReceipt>>, RpcError> {
        self.call("eth_getBlockReceipts", json!([hash])).await
    }

    /// Hand over signed bytes; one answer each. Only [`RpcError::Refused`] means that the node
    /// itself answered no.
    pub async fn send_raw(
        &self,
        transactions: &[Bytes],
    ) -> Result<Vec<Result<B256, RpcError>>, RpcError> {
        let calls: Vec<_> =
            transactions.iter().map(|raw| ("eth_sendRawTransaction", json!([raw]))).collect();
        self.batch(&calls).await
    }

    /// Run calls at the head without a transaction. A revert is [`RpcError::Refused`] with data.
    pub async fn simulate(
        &self,
        calls: &[CallRequest],
    ) -> Result<Vec<Result<Bytes, RpcError>>, RpcError> {
        let calls: Vec<_> = calls.iter().map(|c| ("eth_call", json!([c, "latest"]))).collect();
        self.batch(&calls).await
    }

    /// [`Self::simulate`] as of a block named by its hash (EIP-1898): the node fails rather than
    /// answer for another block of that height.
    pub async fn simulate_at(
        &self,
        calls: &[CallRequest],
        block: B256,
    ) -> Result<Vec<Result<Bytes, RpcError>>, RpcError> {
        let block = json!({ "blockHash": block });
        let calls: Vec<_> = calls.iter().map(|c| ("eth_call", json!([c, block]))).collect();
        self.batch(&calls).await
    }

    /// Run creation code as of the block with this hash (EIP-1898), as `from` and with so much gas;
    /// what its constructor returns. None when it fails: an answer, other than that of a node which
    /// can't tell.
    ///
    /// # Errors
    /// [`RpcError`] when the node can't tell.
    pub async fn run_creation(
        &self,
        from: Address,
        code: &Bytes,
        gas: u64,
        block: B256,
    ) -> Result<Option<Bytes>, RpcError> {
        let call = json!({ "from": from, "input": code, "gas": U64::from(gas) });
        let at = json!({ "blockHash": block });
        match self.call::<Bytes>("eth_call", json!([call, at])).await {
            Ok(returned) => Ok(Some(returned)),
            Err(error) if is_reverted(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gas that calls use at the head. The block is named, because clients differ in what they take
    /// when it is not: anvil executes its whole pool for each call (`api.rs`, 1.7.1), geth and reth
    /// do not.
    pub async fn estimate_gas(
        &self,
        calls: &[CallRequest],
    ) -> Result<Vec<Result<U64, RpcError>>, RpcError> {
        let calls: Vec<_> =
            calls.iter().map(|c| ("eth_estimateGas", json!([c, "latest"]))).collect();
        self.batch(&calls).await
    }

    /// Nonce after the latest block.
    pub async fn transaction_count(&self, address: Address) -> Result<u64, RpcError> {
        let count: U64 = self.call("eth_getTransactionCount", json!([address, "latest"])).await?;
        Ok(count.to())
    }

    pub async fn balance(&self, address: Address) -> Result<U256, RpcError> {
        self.call("eth_getBalance", json!([address, "latest"])).await
    }

    /// Balance in wei and next nonce of each account, in one request.
    pub async fn accounts(
        &self,
        addresses: &[Address],
    ) -> Result<Vec<(Result<U256, RpcError>, Result<u64, RpcError>)>, RpcError> {
        let calls: Vec<_> = addresses
            .iter()
            .flat_map(|address| {
                ["eth_getBalance", "eth_getTransactionCount"]
                    .map(|method| (method, json!([address, "latest"])))
            })
            .collect();
        let mut answers = self.batch::<U256>(&calls).await?.into_iter();
        let mut accounts = Vec::with_capacity(addresses.len());
        while let (Some(balance), Some(nonce)) = (answers.next(), answers.next()) {
            accounts.push((balance, nonce.map(|nonce| nonce.saturating_to())));
        }
        Ok(accounts)
    }

    pub async fn code(&self, address: Address) -> Result<Bytes, RpcError> {
        self.call("eth_getCode", json!([address, "latest"])).await
    }

    /// The node's suggested priority fee, wei per gas.
    pub async fn priority_fee(&self) -> Result<u128, RpcError> {
        let fee: U128 = self.call("eth_maxPriorityFeePerGas", json!([])).await?;
        Ok(fee.to())
    }

    /// What the last `blocks` blocks up to the head paid, with tips at these percentiles (0 to 100,
    /// rising).
    pub async fn fee_history(
        &self,
        blocks: u16,
        percentiles: &[f64],
    ) -> Result<FeeHistory, RpcError> {
        self.call("eth_feeHistory", json!([U64::from(blocks), "latest", percentiles])).await
    }

    /// The node's suggested price for a chain without a base fee, wei per gas.
    pub async fn gas_price(&self) -> Result<u128, RpcError> {
        let price: U128 = self.call("eth_gasPrice", json!([])).await?;
        Ok(price.to())
    }
}
