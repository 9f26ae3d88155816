//! From what an operator asks for to a call: target, value and calldata.

use crate::{App, AppError, KnownContract, Refusal, WriteSettings};
use abi::{Fault, Function, NoFunction, parse_address, parse_uint};
use serde_json::{Value, json};
use vocab::{Address, U256};

/// Nodes and the signer take no more.
const INPUT_BYTES_MAX: usize = 128 * 1024;

/// A call by name and types, or a plain transfer.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallSpec<'a> {
    /// An address. One of `to` and `contract`.
    pub to: Option<&'a str>,
    /// A name of the registry.
    pub contract: Option<&'a str>,
    /// Name or signature; none for a plain transfer.
    pub function: Option<&'a str>,
    /// By position or by name.
    pub args: Option<&'a Value>,
    /// Wei: a decimal string, or a number up to 2^53.
    pub value: Option<&'a Value>,
}

/// What goes to the chain.
#[derive(Clone, Debug)]
pub(crate) struct EncodedCall {
    pub(crate) to: Address,
    pub(crate) value: U256,
    pub(crate) input: Vec<u8>,
    /// What stands at `to`; not looked up for transfers.
    pub(crate) target: Option<KnownContract>,
    /// The function's signature.
    pub(crate) function: Option<Function>,
}

impl App {
    /// Encode a call; faults point into the body below `at`, which is empty for the body itself.
    ///
    /// # Errors
    /// [`Refusal::TransactionInvalid`], [`Refusal::ContractUnknown`], [`Refusal::AbiUnknown`],
    /// [`Refusal::FunctionUnknown`], [`Refusal::ArgumentsInvalid`]
    pub(crate) async fn encode_call(
        &self,
        chain: &WriteSettings,
        spec: CallSpec<'_>,
        at: &str,
    ) -> Result<EncodedCall, AppError> {
        let mut faults = Vec::new();
        let mut note = |field: &str, detail: String| {
            faults.push(Fault::new(format!("{at}/{field}"), detail));
        };
        let value = spec.value.map_or(Ok(U256::ZERO), |value| parse_uint(value, 256));
        let value = value.map_err(|detail| note("value", detail)).unwrap_or_default();
        let to = spec.to.map(parse_address).transpose();
        let to = to.map_err(|detail| note("to", detail)).unwrap_or_default();
        match (spec.to, spec.contract, spec.function) {
            (Some(_), Some(_), _) => note("contract", "give `to` or `contract`, not both".into()),
            (None, None, _) => note("to", "is missing: an address, or `contract`".into()),
            (_, Some(_), None) => note("function", "is missing: which function to call".into()),
            _ => {}
        }
        if spec.function.is_none() && spec.args.is_some() {
            note("args", "means nothing without `function`".into());
        }
        if !faults.is_empty() {
            return Err(Refusal::TransactionInvalid(faults).into());
        }
        let Some(function) = spec.function else {
            let to = to.unwrap_or_default();
            return Ok(EncodedCall { to, value, input: Vec::new(), target: None, function: None });
        };
        let target = match (to, spec.contract) {
            (Some(to), _) => {
                let found = self.contract_at(chain.chain_id, to).await?;
                found.ok_or(Refusal::AbiUnknown)?
            }
            (None, name) => self.contract_named(chain, name.unwrap_or_default()).await?,
        };
        let found = find(&target, function, at)?.clone();
        if found.refuses_value() && !value.is_zero() {
            let fault = Fault::new(format!("{at}/value"), "the function takes no value");
            return Err(Refusal::TransactionInvalid(vec![fault]).into());
        }
        let nothing = json!([]);
        let args = spec.args.unwrap_or(&nothing);
        let input = found.encode(args, &format!("{at}/args")).map_err(Refusal::ArgumentsInvalid)?;
        if input.len() > INPUT_BYTES_MAX {
            let detail = format!("encoded more than {INPUT_BYTES_MAX} bytes");
            let fault = Fault::new(format!("{at}/args"), detail);
            return Err(Refusal::ArgumentsInvalid(vec![fault]).into());
        }
        let to = target.address;
        Ok(EncodedCall { to, value, input, target: Some(target), function: Some(found) })
    }
}

fn find<'a>(target: &'a KnownContract, text: &str, at: &str) -> Result<&'a Function, AppError> {
    target.contract.function(text).map_err(|error| {
        let detail = match error {
            NoFunction::Unknown => format!("{} has no such function", target.name),
            NoFunction::Ambiguous(all) => format!("one of {}", all.join(", ")),
        };
        Refusal::FunctionUnknown(Fault::new(format!("{at}/function"), detail)).into()
    })
}
