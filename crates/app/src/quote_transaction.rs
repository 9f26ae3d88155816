//! What a call would do and cost at the head, without sending it.

use crate::{
    App, AppError, CallSpec, Caller, Field, KnownContract, Refusal, WriteSettings,
    address::parse_address, encode_call::EncodedCall, read_transactions::explain,
    resolve_contract::known_error,
};
use abi::Fault;
use auth::{Action, authorize};
use chain::{CallRequest, RpcError};
use db::wallets::{self, Sender};
use serde_json::Value;
use transactor::{ErrorNames, Quote as Price, QuoteError};
use vocab::{Address, Bytes, U256, Urgency};

/// A call to be quoted.
#[derive(Clone, Copy, Debug, Default)]
pub struct QuoteSpec<'a> {
    pub chain_id: Option<u64>,
    pub role: Option<&'a str>,
    pub wallet: Option<&'a str>,
    /// None: the chain's.
    pub urgency: Option<Urgency>,
    pub call: CallSpec<'a>,
}

/// What a call would do and cost.
#[derive(Clone, Debug)]
pub struct Quote {
    pub chain_id: u64,
    pub from: Address,
    pub to: Address,
    pub value: U256,
    pub input: Bytes,
    /// Gas and fees, as the transactor would offer them now; none when the call fails.
    pub price: Option<Price>,
    /// What the function answered.
    pub returns: Option<Value>,
    pub return_data: Option<Bytes>,
    pub failure: Option<Failure>,
}

/// Why a call fails.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// `reverted`, `panicked`, `refused` by the node, or the name of a contract's error.
    pub code: String,
    pub text: String,
    /// Of the error: its signature and arguments, when its ABI is known.
    pub signature: Option<String>,
    pub args: Option<Value>,
    pub data: Option<Bytes>,
}

impl Failure {
    /// Without an error of a contract.
    pub(crate) fn told(code: &str, text: String) -> Self {
        Self { code: code.to_owned(), text, signature: None, args: None, data: None }
    }
}

impl App {
    /// Run a call at the head as if the wallet sent it. Nothing is recorded or sent.
    ///
    /// # Errors
    /// As [`App::request_transaction`]; [`AppError::Node`] when the node does not tell.
    pub async fn quote_transaction(
        &self,
        caller: Caller<'_>,
        spec: QuoteSpec<'_>,
    ) -> Result<Quote, AppError> {
        authorize(caller.actor, Action::QuoteTransaction)?;
        let chain = self.writable(spec.chain_id)?;
        let role = call_role(chain, spec.role)?;
        let call = self.encode_call(chain, spec.call, "").await?;
        let from = self.sender(chain, role, spec.wallet).await?;
        let request = CallRequest {
            from,
            to: Some(call.to),
            value: call.value,
            data: call.input.clone().into(),
        };
        let answer = one(chain.node.read().simulate(std::slice::from_ref(&request)).await)?;
        let mut quote = Quote {
            chain_id: chain.chain_id.0,
            from,
            to: call.to,
            value: call.value,
            input: request.data.clone(),
            price: None,
            returns: None,
            return_data: None,
            failure: None,
        };
        match answer {
            Ok(data) => {
                let decode = |function: &abi::Function| function.decode_answer(&data);
                quote.returns = call.function.as_ref().and_then(decode);
                quote.return_data = Some(data);
                match price(chain, &request, spec.urgency.unwrap_or(chain.urgency)).await? {
                    Ok(price) => quote.price = Some(price),
                    Err(Unpriced::Node(error)) => quote.failure = Some(failure(&call, error)?),
                    Err(Unpriced::Call(reason)) => {
                        quote.failure = Some(explain(&reason, call.target.as_ref()));
                    }
                }
            }
            Err(error) => quote.failure = Some(failure(&call, error)?),
        }
        Ok(quote)
    }

    /// The wallet that a call goes from: the named one, or any of the role that takes jobs or will
    /// again.
    ///
    /// # Errors
    /// [`Refusal::WalletUnknown`]; [`Refusal::WalletState`] for one that never takes a job again.
    pub(crate) async fn sender(
        &self,
        chain: &WriteSettings,
        role: &str,
        named: Option<&str>,
    ) -> Result<Address, AppError> {
        let named = named.map(|text| parse_address(text, Field::Wallet)).transpose()?;
        let mut connection = self.connection().await?;
        let of_role = wallets::load_senders(&mut connection, chain.chain_id, role).await?;
        let meant = |wallet: &&Sender| named.is_none_or(|address| wallet.address == address);
        let mut meant = of_role.iter().filter(meant).peekable();
        if meant.peek().is_none() {
            return Err(Refusal::WalletUnknown.into());
        }
        let found = meant.find(|wallet| wallet.state != "retiring");
        let detail = || match named {
            Some(address) => format!("{address} is retired, and takes nothing new"),
            None => format!("all wallets of role {role} are retired"),
        };
        Ok(found.ok_or_else(|| Refusal::WalletState { detail: detail() })?.address)
    }
}

/// The named role, if operators may use it; the default one otherwise.
pub(crate) fn call_role<'a>(
    chain: &'a WriteSettings,
    named: Option<&str>,
) -> Result<&'a str, AppError> {
    let found = match named {
        Some(name) => chain.call_roles.iter().find(|role| *role == name),
        None => chain.call_roles.first(),
    };
    let detail = || format!("one of {}", chain.call_roles.join(", "));
    let fault = || Refusal::TransactionInvalid(vec![Fault::new("/role", detail())]);
    Ok(found.ok_or_else(fault)?.as_str())
}

/// Why a call has no price.
pub(crate) enum Unpriced {
    /// The node refused to try it.
    Node(RpcError),
    /// It fails; the reason in its stored form.
    Call(String),
}

/// What a transaction with this call would be offered now, by the transactor.
pub(crate) async fn price(
    chain: &WriteSettings,
    request: &CallRequest,
    urgency: Urgency,
) -> Result<Result<Price, Unpriced>, AppError> {
    let names = ErrorNames::default();
    match transactor::quote_with(&chain.node, request, urgency, &chain.offers, &names).await {
        Ok(price) => Ok(Ok(price)),
        Err(QuoteError::Rpc(error)) if error.is_refusal() => Ok(Err(Unpriced::Node(error))),
        Err(QuoteError::Rpc(error)) => Err(error.into()),
        Err(QuoteError::Reverts(reason)) => Ok(Err(Unpriced::Call(reason.to_string()))),
        Err(QuoteError::GasAboveLimit(gas)) => {
            Ok(Err(Unpriced::Call(format!("gas_above_limit: it takes {gas} gas"))))
        }
    }
}

/// The one answer of a batch of one.
fn one<T>(
    answers: Result<Vec<Result<T, RpcError>>, RpcError>,
) -> Result<Result<T, RpcError>, AppError> {
    let answer = answers?.into_iter().next();
    answer.ok_or_else(|| AppError::Node(RpcError::Malformed("no answer to a call".into())))
}

/// What a node's refusal says about the call; any other trouble is the node's.
fn failure(call: &EncodedCall, error: RpcError) -> Result<Failure, AppError> {
    of_refusal(call.target.as_ref(), error)
}

/// The same of a call to `target`.
pub(crate) fn of_refusal(
    target: Option<&KnownContract>,
    error: RpcError,
) -> Result<Failure, AppError> {
    let RpcError::Refused { message, data, .. } = error else { return Err(error.into()) };
    let data = data.and_then(|data| data.parse::<Bytes>().ok());
    let reverted = data.is_some() || message.to_ascii_lowercase().contains("revert");
    let mut failure = Failure {
        code: if reverted { "reverted" } else { "refused" }.to_owned(),
        text: message.chars().take(500).collect(),
        signature: None,
        args: None,
        data: data.clone(),
    };
    let target = target.map(|target| &*target.contract);
    if let Some(error) = data.and_then(|data| known_error(target, &data)) {
        describe(&mut failure, error);
    }
    Ok(failure)
}

/// Tell a decoded error.
pub(crate) fn describe(failure: &mut Failure, error: abi::Failed) {
    let first = error.args.get(0).and_then(Value::as_str).unwrap_or_default().to_owned();
    match error.signature.as_str() {
        "Error(string)" => first.clone_into(&mut failure.text),
        "Panic(uint256)" => {
            "panicked".clone_into(&mut failure.code);
            failure.text = format!("panic code {first}");
        }
        _ => failure.code.clone_from(&error.name),
    }
    failure.signature = Some(error.signature);
    failure.args = Some(error.args);
}
