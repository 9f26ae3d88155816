//! The reads of a chain, typed: each is answered by the best endpoint that can.

use super::race::Read;
use crate::{CallRequest, Chain, Endpoint, FeeHistory, Header, Log, LogFilter, Receipt, RpcError};
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use futures_util::{FutureExt, future::BoxFuture};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;

/// How long a second endpoint may take to tell what the first lacks.
const SECOND: Duration = Duration::from_secs(2);

/// Reads with failover, hedging and heads that do not go backwards: what one endpoint has shown,
/// as of its last head that we heard of, no other takes back. Each fails as [`RpcError`] says when
/// no endpoint answers within the deadline of [`crate::PoolOptions`].
#[derive(Clone, Copy, Debug)]
pub struct Reads<'a>(pub(crate) &'a Chain);

type Batch<T> = Vec<Result<T, RpcError>>;

/// No call of the batch could fare better elsewhere.
fn whole<T>(answers: &Batch<T>) -> bool {
    !answers.iter().any(|answer| answer.as_ref().is_err_and(RpcError::may_pass_elsewhere))
}

impl<'a> Reads<'a> {
    async fn ask<T: Send + 'a>(
        self,
        call: impl Fn(Endpoint) -> BoxFuture<'a, Result<T, RpcError>>,
    ) -> Result<T, RpcError> {
        self.0.race(Read { call: |_, endpoint| call(endpoint), is_whole: |_| true }).await
    }

    async fn ask_many<T: Send + 'a>(
        self,
        call: impl Fn(Endpoint) -> BoxFuture<'a, Result<Batch<T>, RpcError>>,
    ) -> Result<Batch<T>, RpcError> {
        self.0.race(Read { call: |_, endpoint| call(endpoint), is_whole: whole }).await
    }

    /// The head; never lower than one given before, while any endpoint may have that one.
    ///
    /// # Errors
    /// See [`Reads`].
    pub async fn head(self) -> Result<Header, RpcError> {
        let pool = &self.0.endpoints;
        let call = |place, endpoint: Endpoint| {
            async move {
                let head = endpoint.head().await?;
                pool.show_head(place, head.number.to())?;
                Ok(head)
            }
            .boxed()
        };
        self.0.race(Read { call, is_whole: |_| true }).await
    }

    /// Any method, for what has no typed one.
    ///
    /// # Errors
    /// See [`Reads`].
    pub async fn call<R: DeserializeOwned + Send + 'a>(
        self,
        method: &'a str,
        params: Value,
    ) -> Result<R, RpcError> {
        self.ask(move |e| {
            let params = params.clone();
            async move { e.call(method, params).await }.boxed()
        })
        .await
    }

    /// None only when no endpoint has it.
    ///
    /// # Errors
    /// See [`Reads`].
    pub async fn header(self, number: u64) -> Result<Option<Header>, RpcError> {
        let call = |_, e: Endpoint| async move { e.header(number).await }.boxed();
        self.0.race(Read { call, is_whole: Option::is_some }).await
    }

    /// None only when no endpoint has it.
    ///
    /// # Errors
    /// See [`Reads`].
    pub async fn header_by_hash(self, hash: B256) -> Result<Option<Header>, RpcError> {
        let call = |_, e: Endpoint| async move { e.header_by_hash(hash).await }.boxed();
        self.0.race(Read { call, is_whole: Option::is_some }).await
    }

    /// # Errors
    /// See [`Reads`].
    pub async fn logs(
        self,
        filter: &'a LogFilter,
        first: u64,
        last: u64,
    ) -> Result<Vec<Log>, RpcError> {
        self.ask(move |e| async move { e.logs(filter, first, last).await }.boxed()).await
    }

    /// As [`Endpoint::receipts`]; what one endpoint lacks is asked of a second. That neither has a
    /// receipt decides nothing yet: see [`Chain::agree`].
    ///
    /// # Errors
    /// See [`Reads`].
    pub async fn receipts(self, hashes: &'a [B256]) -> Result<Batch<Option<Receipt>>, RpcError> {
        let call = move |e: Endpoint| async move { e.receipts(hashes).await }.boxed();
        let mut answers = self.ask_many(call).await?;
        let lacks = |answer: &Result<Option<Receipt>, RpcError>| !matches!(answer, Ok(Some(_)));
        let open: Vec<usize> = (0..answers.len()).filter(|i| lacks(&answers[*i])).collect();
        let second = self.0.endpoints.order().get(1).copied();
        let Some(second) = second.filter(|_| !open.is_empty()) else { return Ok(answers) };
        let wanted: Vec<B256> =
            open.iter().filter_map(|place| hashes.get(*place).copied()).collect();
        for (place, found) in open.into_iter().zip(self.receipts_of(second, &wanted).await) {
            if let Ok(Some(_)) = found {
                answers[place] = found;
            }
        }
        Ok(answers)
    }

    /// What one endpoint has; nothing when it does not tell soon.
    async fn receipts_of(self, place: usize, hashes: &[B256]) -> Batch<Option<Receipt>> {
        let Some(endpoint) = self.0.endpoints.get(place) else { return Vec::new() };
        let asked = timeout(SECOND, async {
            self.0.check_before(place).await?;
            endpoint.receipts(hashes).await
        });
        asked
            .await
            .unwrap_or_else(|_| {
                endpoint.note_missed();
                Ok(Vec::new())
            })
            .unwrap_or_default()
    }

    /// As [`Endpoint::simulate`].
    ///
    /// # Errors
    /// See [`Reads`].
    pub async fn simulate(self, calls: &'a [CallRequest]) -> Result<Batch<Bytes>, RpcError> {
        self.ask_many(move |e| async move { e.simulate(calls).await }.boxed()).await
    }

    /// As [`Endpoint::simulate_at`].
    ///
    /// # Errors
    /// See [`Reads`].
    pub async fn simulate_at(
        self,
        calls: &'a [CallRequest],
        block: B256,
    ) -> Result<Batch<Bytes>, RpcError> {
        self.ask_many(move |e| async move { e.simulate_at(calls, block).await }.boxed()).await
    }

    /// As [`Endpoint::estimate_gas`].
    ///
    /// # Errors
    /// See [`Reads`].
    pub async fn estimate_gas(self, calls: &'a [CallRequest]) -> Result<Batch<U64>, RpcError> {
        self.ask_many(move |e| async move { e.estimate_gas(calls).await }.boxed()).await
    }

    /// Nonce after the latest block.
    ///
    /// # Errors
    /// See [`Reads`].
    pub async fn transaction_count(self, address: Address) -> Result<u64, RpcError> {
        self.ask(move |e| async move { e.transaction_count(address).await }.boxed()).await
    }

    /// # Errors
    /// See [`Reads`].
    pub async fn balance(self, address: Address) -> Result<U256, RpcError> {
        self.ask(move |e| async move { e.balance(address).await }.boxed()).await
    }

    /// # Errors
    /// See [`Reads`].
    pub async fn code(self, address: Address) -> Result<Bytes, RpcError> {
        self.ask(move |e| async move { e.code(address).await }.boxed()).await
    }

    /// The suggested priority fee, wei per gas.
    ///
    /// # Errors
    /// See [`Reads`].
    pub async fn priority_fee(self) -> Result<u128, RpcError> {
        self.ask(move |e| async move { e.priority_fee().await }.boxed()).await
    }

    /// As [`Endpoint::fee_history`].
    ///
    /// # Errors
    /// See [`Reads`].
    pub async fn fee_history(
        self,
        blocks: u16,
        percentiles: &'a [f64],
    ) -> Result<FeeHistory, RpcError> {
        self.ask(move |e| async move { e.fee_history(blocks, percentiles).await }.boxed()).await
    }

    /// The suggested price for a chain without a base fee, wei per gas.
    ///
    /// # Errors
    /// See [`Reads`].
    pub async fn gas_price(self) -> Result<u128, RpcError> {
        self.ask(move |e| async move { e.gas_price().await }.boxed()).await
    }
}
