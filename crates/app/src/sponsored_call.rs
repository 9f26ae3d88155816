//! What the chain says to a forward request, and the call that carries it.

use crate::{
    App, AppError, Failure, SponsorRefusal, WriteSettings,
    quote_transaction::{Unpriced, of_refusal, price},
    read_transactions::explain,
};
use alloy_primitives::aliases::U48;
use alloy_sol_types::{SolCall, sol};
use chain::{CallRequest, RpcError};
use contracts::ERC2771Forwarder::{ForwardRequestData, executeCall, noncesCall};
use sponsor::{ForwardRequest, carrying_gas};
use transactor::L1Charge;
use vocab::{Address, Bytes, U256, Urgency};

sol! {
    function isTrustedForwarder(address forwarder) external view returns (bool);
}

/// Of the function that carries requests.
pub(crate) const FORWARDED: &str = "execute((address,address,uint256,uint256,uint48,bytes,bytes))";

/// The call that carries a request, and what it can take at the very most.
#[derive(Clone, Debug)]
pub(crate) struct Carried {
    pub(crate) input: Bytes,
    pub(crate) gas_limit: u64,
    /// Wei per gas.
    pub(crate) max_fee_wei: u128,
    pub(crate) cost_max: U256,
}

/// What the chain says.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    /// The forwarder's, of the user.
    pub(crate) chain_nonce: u64,
    pub(crate) carried: Carried,
}

impl App {
    /// Ask the chain about a request: nonce and trust, and a trial unless requests of the same user
    /// are to come before it; then price it. One batch, then the questions of a quote.
    ///
    /// # Errors
    /// [`SponsorRefusal::Untrusting`], [`SponsorRefusal::Fails`], [`SponsorRefusal::Nonce`] for one
    /// that is used; [`AppError::Node`].
    pub(crate) async fn check_on_chain(
        &self,
        chain: &WriteSettings,
        request: &ForwardRequest,
        signature: &Bytes,
    ) -> Result<Checked, AppError> {
        let role = chain.sponsor_role.as_deref().unwrap_or_default();
        let wallet = self.sender(chain, role, None).await?;
        let input: Bytes = execute(request, signature).into();
        let calls = [
            call(wallet, chain.forwarder, noncesCall { owner: request.from }.abi_encode()),
            call(wallet, request.to, trust(chain)),
            call(chain.forwarder, request.to, request.forwarded_data().into()),
            call(wallet, chain.forwarder, input.to_vec()),
        ];
        let mut answers = chain.node.read().simulate(&calls).await?.into_iter();
        let mut next = || answers.next().unwrap_or_else(|| Err(silent()));
        let (nonce, trusted, inner, whole) = (next()?, next(), next(), next());
        let chain_nonce = noncesCall::abi_decode_returns(&nonce)
            .ok()
            .and_then(|nonce| i64::try_from(nonce).ok())
            .ok_or_else(silent)?
            .cast_unsigned();
        if !is_trusted(trusted)? {
            return Err(SponsorRefusal::Untrusting.into());
        }
        if request.nonce == chain_nonce {
            // The forwarder hides why the call fails; the call itself tells.
            if let Err(error) = whole {
                return Err(self.fails(chain, request, inner.err().unwrap_or(error)).await?);
            }
        } else if request.nonce < chain_nonce {
            return Err(SponsorRefusal::Nonce { expected: chain_nonce }.into());
        }
        let carried = self.carry(chain, wallet, input, request.gas).await?;
        Ok(Checked { chain_nonce, carried })
    }

    /// Why the call fails, decoded where the target's ABI is known.
    pub(crate) async fn fails(
        &self,
        chain: &WriteSettings,
        request: &ForwardRequest,
        error: RpcError,
    ) -> Result<AppError, AppError> {
        let target = self.contract_at(chain.chain_id, request.to).await?;
        let failure = of_refusal(target.as_ref(), error)?;
        Ok(SponsorRefusal::Fails(Box::new(failure)).into())
    }

    /// Gas and price of the carrying call: from the gas that the user granted, so that the target
    /// gets all of it whatever the state is by then.
    pub(crate) async fn carry(
        &self,
        chain: &WriteSettings,
        wallet: Address,
        input: Bytes,
        gas: u64,
    ) -> Result<Carried, AppError> {
        let too_much = || {
            let text = "carrying it takes more gas than a transaction may".to_owned();
            AppError::from(SponsorRefusal::Fails(Box::new(Failure::told("gas_above_limit", text))))
        };
        // Fees, and what a rollup takes for the bytes: nothing is there that could refuse them.
        let bytes = call(wallet, Address::ZERO, input.to_vec());
        let quote = match price(chain, &bytes, Urgency::Normal).await? {
            Ok(quote) => quote,
            Err(Unpriced::Node(error)) => return Err(error.into()),
            Err(Unpriced::Call(reason)) => {
                return Err(SponsorRefusal::Fails(Box::new(explain(&reason, None))).into());
            }
        };
        let own = carrying_gas(gas, input.len()).ok_or_else(too_much)?;
        let (gas_limit, apart) = match quote.l1_charge {
            L1Charge::None => (own, U256::ZERO),
            // No transaction can limit it: twice today's price, as in quotes.
            L1Charge::OpStack => (own, quote.l1_fee_wei.saturating_mul(U256::from(2))),
            // It is paid in gas, which the estimate for the bytes holds.
            L1Charge::Arbitrum => (own.saturating_add(quote.gas_limit), U256::ZERO),
        };
        if gas_limit > GAS_MAX {
            return Err(too_much());
        }
        let max_fee_wei = quote.max_fee_wei.saturating_mul(FEE_ROOM.0) / FEE_ROOM.1;
        let cost = U256::from(gas_limit).saturating_mul(U256::from(max_fee_wei));
        Ok(Carried { input, gas_limit, max_fee_wei, cost_max: cost.saturating_add(apart) })
    }
}

/// EIP-7825.
const GAS_MAX: u64 = 1 << 24;
/// By how much a job may raise its first offer: enough for two replacements of an eighth each.
/// With none, one that is stuck could neither be priced anew nor voided, and would hold up all
/// behind it.
const FEE_ROOM: (u128, u128) = (13, 10);

pub(crate) fn call(from: Address, to: Address, data: Vec<u8>) -> CallRequest {
    CallRequest { from, to: Some(to), value: U256::ZERO, data: data.into() }
}

pub(crate) fn trust(chain: &WriteSettings) -> Vec<u8> {
    isTrustedForwarderCall { forwarder: chain.forwarder }.abi_encode()
}

/// Did the target say, in so many words, that it trusts the forwarder? What it does not know how to
/// answer is a no; a node that does not answer is trouble.
pub(crate) fn is_trusted(answer: Result<Bytes, RpcError>) -> Result<bool, AppError> {
    match answer {
        Ok(said) => Ok(said.len() == 32 && U256::from_be_slice(&said) == U256::ONE),
        Err(error) if error.is_refusal() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn silent() -> RpcError {
    RpcError::Malformed("no answer to a call".into())
}

/// `ERC2771Forwarder.execute(request)`.
pub(crate) fn execute(request: &ForwardRequest, signature: &Bytes) -> Vec<u8> {
    let request = ForwardRequestData {
        from: request.from,
        to: request.to,
        value: request.value,
        gas: U256::from(request.gas),
        deadline: U48::from(request.deadline & ((1 << 48) - 1)),
        data: request.data.clone(),
        signature: signature.clone(),
    };
    executeCall { request }.abi_encode()
}
