//! What a call would cost.

use crate::{
    ErrorNames, Options, Reason,
    fees::{
        self, Fees, L1Charge, Market,
        l1::{self, ARB_GAS_INFO, GAS_PRICE_ORACLE, NODE_INTERFACE},
    },
    funds,
    pulse::load_market,
    take::spread,
};
use alloy_primitives::U256;
use chain::{CallRequest, Chain, RpcError};
use vocab::Urgency;

/// What a call would cost if it were queued now. Amounts in wei.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// What it used in a trial at the head; on Arbitrum with the gas that pays for L1.
    pub gas_estimate: u64,
    /// What it would be sent with: a fifth more.
    pub gas_limit: u64,
    /// Of the next block, per unit of gas; none on a chain without.
    pub base_fee_wei: Option<u128>,
    /// The offer per unit of gas.
    pub max_fee_wei: u128,
    /// Equal to `max_fee_wei` in a legacy transaction.
    pub max_priority_fee_wei: u128,
    /// A transaction of type 0.
    pub legacy: bool,
    pub l1_charge: L1Charge,
    /// For publishing on L1, at today's prices, with the operator's fee if the rollup has one.
    pub l1_fee_wei: U256,
    /// Sent along.
    pub value_wei: U256,
    /// What it would take from the wallet if it were mined in the next block.
    pub likely_wei: U256,
    /// What it could take at the very most from what is offered; for L1 data, which no transaction
    /// can limit, twice today's price.
    pub worst_wei: U256,
}

/// Why there is no quote.
#[derive(Debug, thiserror::Error)]
pub enum QuoteError {
    #[error("the node")]
    Rpc(#[from] RpcError),
    /// The call fails at the head.
    #[error("the call fails: {0}")]
    Reverts(Reason),
    #[error("it takes {0} gas, more than a transaction may")]
    GasAboveLimit(u64),
}

/// Quote a call as from `call.from`, by the chain's head and default options.
///
/// # Errors
/// [`QuoteError`].
pub async fn quote(
    chain: &Chain,
    call: &CallRequest,
    urgency: Urgency,
) -> Result<Quote, QuoteError> {
    quote_with(chain, call, urgency, &Options::default(), &ErrorNames::default()).await
}

/// Quote a call by the options of its chain's transactor, so that the offer is the one that a job
/// would make. Caps are not applied: a job whose worst case is above them waits.
///
/// # Errors
/// [`QuoteError`], with the names of our contracts' errors.
pub async fn quote_with(
    chain: &Chain,
    call: &CallRequest,
    urgency: Urgency,
    options: &Options,
    names: &ErrorNames,
) -> Result<Quote, QuoteError> {
    let (market, estimates) = futures_util::future::join(
        load_market(chain, options.tip_min_wei),
        chain.read().estimate_gas(std::slice::from_ref(call)),
    )
    .await;
    let market = market?;
    let mut estimates = spread(estimates, 1);
    let gas_estimate: u64 = match estimates.remove(0) {
        Ok(gas) => gas.to(),
        Err(error) => {
            return Err(names.of_call(&error).map_or(QuoteError::Rpc(error), QuoteError::Reverts));
        }
    };
    let gas_limit = fees::gas_limit(gas_estimate).ok_or(QuoteError::GasAboveLimit(gas_estimate))?;
    let fees = fees::offer(&market, urgency, u128::MAX)
        .ok_or_else(|| RpcError::Malformed("no price holds so much".into()))?;
    let unsigned = l1::Unsigned {
        chain_id: chain.id.0,
        to: call.to,
        value: call.value,
        data: call.data.clone(),
        gas_limit,
        fees,
    };
    let (l1_charge, l1_fee_wei) = load_l1_fee(chain, &unsigned).await?;
    Ok(add_up(&market, gas_estimate, &unsigned, l1_charge, l1_fee_wei))
}

fn add_up(
    market: &Market,
    gas_estimate: u64,
    call: &l1::Unsigned,
    l1_charge: L1Charge,
    l1_fee_wei: U256,
) -> Quote {
    let Fees { max, tip, legacy } = call.fees;
    let paid = market.base.map_or(max, |base| base.saturating_add(tip).min(max));
    // Arbitrum's is in the gas already.
    let apart = match l1_charge {
        L1Charge::OpStack => l1_fee_wei,
        L1Charge::None | L1Charge::Arbitrum => U256::ZERO,
    };
    let likely = funds::cost(gas_estimate, Fees { max: paid, ..call.fees }, call.value);
    let worst = funds::cost(call.gas_limit, call.fees, call.value);
    Quote {
        gas_estimate,
        gas_limit: call.gas_limit,
        base_fee_wei: market.base,
        max_fee_wei: max,
        max_priority_fee_wei: tip,
        legacy,
        l1_charge,
        l1_fee_wei,
        value_wei: call.value,
        likely_wei: likely.saturating_add(apart),
        worst_wei: worst.saturating_add(apart.saturating_mul(U256::from(2))),
    }
}

/// Which rollup this is shows by its predeployed contracts.
async fn load_l1_fee(chain: &Chain, call: &l1::Unsigned) -> Result<(L1Charge, U256), RpcError> {
    let read = chain.read();
    let (oracle, info) =
        futures_util::future::join(read.code(GAS_PRICE_ORACLE), read.code(ARB_GAS_INFO)).await;
    let (op_stack, arbitrum) = (!oracle?.is_empty(), !info?.is_empty());
    let ask = |to, data| CallRequest { from: to, to: Some(to), value: U256::ZERO, data };
    let nonsense = || RpcError::Malformed("no answer to the question for the L1 fee".into());
    if op_stack {
        let asked = [
            ask(GAS_PRICE_ORACLE, call.ask_op_stack()),
            ask(GAS_PRICE_ORACLE, call.ask_operator_fee()),
        ];
        let mut answers = read.simulate(&asked).await?.into_iter();
        let fee = answers.next().ok_or_else(nonsense)??;
        let fee = l1::read_fee(&fee).ok_or_else(nonsense)?;
        // An oracle from before the operator's fee reverts on the question.
        let operator = match answers.next() {
            Some(Ok(answer)) => l1::read_fee(&answer).unwrap_or_default(),
            Some(Err(error)) if ErrorNames::default().of_call(&error).is_some() => U256::ZERO,
            Some(Err(error)) => return Err(error),
            None => return Err(nonsense()),
        };
        return Ok((L1Charge::OpStack, fee.saturating_add(operator)));
    }
    if arbitrum {
        let asked = [ask(NODE_INTERFACE, call.ask_arbitrum())];
        let answer = read.simulate(&asked).await?.into_iter().next().ok_or_else(nonsense)??;
        let fee = l1::read_arbitrum(&answer).ok_or_else(nonsense)?;
        return Ok((L1Charge::Arbitrum, fee));
    }
    Ok((L1Charge::None, U256::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::Bytes;

    #[test]
    fn a_quote_adds_up() {
        let fees = Fees { max: 202, tip: 2, legacy: false };
        let call = l1::Unsigned {
            chain_id: 1,
            to: None,
            value: U256::from(5),
            data: Bytes::new(),
            gas_limit: 120,
            fees,
        };
        let market = Market { base: Some(100), tips: [2; 4] };
        let l1 = U256::from(1_000);
        let cases = [
            (L1Charge::None, U256::ZERO, 10_205, 24_245),
            (L1Charge::OpStack, l1, 11_205, 26_245),
            (L1Charge::Arbitrum, l1, 10_205, 24_245),
        ];
        for (charge, fee, likely, worst) in cases {
            let quote = add_up(&market, 100, &call, charge, fee);
            assert_eq!(quote.likely_wei, U256::from(likely), "{charge:?}");
            assert_eq!(quote.worst_wei, U256::from(worst), "{charge:?}");
            assert_eq!(quote.l1_fee_wei, fee);
        }
    }
}
