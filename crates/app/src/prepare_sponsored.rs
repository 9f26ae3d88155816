//! What a user has to sign so that a sponsor pays: gas, nonce and deadline filled in.

use crate::{
    App, AppError, CallSpec, Caller, Field, SponsorRefusal, WriteSettings,
    once::maker,
    parse_address,
    request_sponsored::{domain, next_nonce, read_data, served},
    sponsored_call::{call, execute, is_trusted, silent, trust},
};
use abi::{Fault, parse_uint};
use alloy_sol_types::SolCall;
use auth::Action;
use chain::RpcError;
use contracts::ERC2771Forwarder::noncesCall;
use serde_json::{Value, json};
use sponsor::ForwardRequest;
use uuid::Uuid;
use vocab::{Address, B256, Bytes, U256};

/// How far ahead the deadline is put when none is asked for, in seconds.
const DEADLINE_AHEAD: u64 = 3_600;
/// Gas above the estimate, in hundredths of it: the state may change until it is mined.
const GAS_MARGIN: u64 = 30;

/// In the place of one to come: 65 bytes of which none is zero, and which can't be compressed
/// (rollups charge by the compressed size).
fn dearest_signature() -> Bytes {
    let noise = (0..3u8).flat_map(|place| vocab::keccak([place]).0);
    noise.take(65).map(|byte| byte.max(1)).collect::<Vec<u8>>().into()
}

/// A call that a user wants to make.
#[derive(Clone, Copy, Debug)]
pub struct PrepareSpec<'a> {
    pub sponsor_id: Uuid,
    pub consent: Option<&'a str>,
    /// The user.
    pub from: &'a str,
    pub call: CallSpec<'a>,
    /// In the place of a function and its arguments.
    pub data: Option<&'a str>,
    /// Estimated when absent.
    pub gas: Option<&'a Value>,
    /// Unix seconds; an hour ahead when absent.
    pub deadline: Option<&'a Value>,
}

/// What is to be signed.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub chain_id: u64,
    pub forwarder: Address,
    pub request: ForwardRequest,
    pub digest: B256,
    /// For `eth_signTypedData_v4`.
    pub typed_data: Value,
    /// What it can cost the sponsor at most, in wei.
    pub cost_max: U256,
}

impl App {
    /// Fill in what a user has to sign. Nothing is recorded; the sponsor's rules are applied, its
    /// budget is not.
    ///
    /// # Errors
    /// As for sending it, and those of encoding the call.
    pub async fn prepare_sponsored(
        &self,
        caller: Caller<'_>,
        spec: PrepareSpec<'_>,
    ) -> Result<Prepared, AppError> {
        let holder = maker(caller.actor, Action::RequestSponsored)?;
        served(spec.consent)?;
        let from = parse_address(spec.from, Field::From)?;
        let (row, rules) = self.spendable(holder, spec.sponsor_id).await?;
        let chain = self.sponsor_chain(&row, None, None)?;
        let mut request = self.asked(chain, &spec, from).await?;
        // The rules first: a stranger's call is not worth asking the chain. Gas is not known yet.
        let gas = request.gas;
        request.gas = row.gas_max.unsigned_abs();
        self.agree(chain, &row, &rules, &request)?;
        let role = chain.sponsor_role.as_deref().unwrap_or_default();
        let wallet = self.sender(chain, role, None).await?;
        let nonce = call(wallet, chain.forwarder, noncesCall { owner: from }.abi_encode());
        let questions = [nonce, call(wallet, request.to, trust(chain))];
        let mut answers = chain.node.read().simulate(&questions).await?.into_iter();
        let mut next = || answers.next().unwrap_or_else(|| Err(silent()));
        let (nonce, trusted) = (next()?, next());
        if !is_trusted(trusted)? {
            return Err(SponsorRefusal::Untrusting.into());
        }
        let nonce = noncesCall::abi_decode_returns(&nonce).ok();
        let nonce = nonce.and_then(|nonce| i64::try_from(nonce).ok()).ok_or_else(silent)?;
        request.nonce =
            next_nonce(&mut *self.connection().await?, chain, from, nonce.cast_unsigned()).await?;
        request.gas = if gas == 0 { self.gas_of(chain, &request).await? } else { gas };
        let digest = self.agree(chain, &row, &rules, &request)?;
        let input = execute(&request, &dearest_signature());
        let carried = self.carry(chain, wallet, input.into(), request.gas).await?;
        Ok(Prepared {
            chain_id: chain.chain_id.0,
            forwarder: chain.forwarder,
            typed_data: typed_data(chain, &request),
            digest,
            cost_max: carried.cost_max,
            request,
        })
    }

    /// The request as far as the caller tells it; gas 0 when it is to be estimated.
    async fn asked(
        &self,
        chain: &WriteSettings,
        spec: &PrepareSpec<'_>,
        from: Address,
    ) -> Result<ForwardRequest, AppError> {
        let mut faults = Vec::new();
        let now = u64::try_from(self.config().clock.now().unix_timestamp()).unwrap_or_default();
        let mut number = |field: &str, given: Option<&Value>, bits: usize, absent: u64| {
            let read = given.map_or(Ok(U256::from(absent)), |given| parse_uint(given, bits));
            let read = read.map_err(|detail| faults.push(Fault::new(field, detail)));
            read.unwrap_or_default().to::<u64>()
        };
        let gas = number("/gas", spec.gas, 63, 0);
        let deadline = number("/deadline", spec.deadline, 48, now + DEADLINE_AHEAD);
        if spec.gas.is_some() && gas == 0 {
            faults.push(Fault::new("/gas", "not 0; estimated when absent"));
        }
        if spec.data.is_some() == spec.call.function.is_some() {
            faults.push(Fault::new("/data", "give `function` with `args`, or `data`"));
        }
        let data = spec.data.map(read_data).transpose().unwrap_or_else(|detail| {
            faults.push(Fault::new("/data", detail));
            None
        });
        if !faults.is_empty() {
            return Err(SponsorRefusal::Request(faults).into());
        }
        let encoded = self.encode_call(chain, spec.call, "").await?;
        let data = data.unwrap_or_else(|| encoded.input.into());
        let (to, value) = (encoded.to, encoded.value);
        Ok(ForwardRequest { from, to, value, gas, nonce: 0, deadline, data })
    }

    /// What the call takes when the forwarder makes it for the user, and some more.
    async fn gas_of(
        &self,
        chain: &WriteSettings,
        request: &ForwardRequest,
    ) -> Result<u64, AppError> {
        let forwarded = request.forwarded_data();
        let calls = [call(chain.forwarder, request.to, forwarded.into())];
        let answers = chain.node.read().estimate_gas(&calls).await?;
        match answers.into_iter().next().unwrap_or_else(|| Err(silent())) {
            Ok(gas) => {
                let gas: u64 = gas.to();
                Ok(gas.saturating_add(gas.saturating_mul(GAS_MARGIN) / 100))
            }
            Err(error @ RpcError::Refused { .. }) => Err(self.fails(chain, request, error).await?),
            Err(error) => Err(error.into()),
        }
    }
}

/// As wallets take it (EIP-712). Numbers are decimal strings.
fn typed_data(chain: &WriteSettings, request: &ForwardRequest) -> Value {
    let field = |name: &str, kind: &str| json!({ "name": name, "type": kind });
    let domain = domain(chain);
    json!({
        "types": {
            "EIP712Domain": [
                field("name", "string"), field("version", "string"),
                field("chainId", "uint256"), field("verifyingContract", "address"),
            ],
            "ForwardRequest": [
                field("from", "address"), field("to", "address"), field("value", "uint256"),
                field("gas", "uint256"), field("nonce", "uint256"), field("deadline", "uint48"),
                field("data", "bytes"),
            ],
        },
        "primaryType": "ForwardRequest",
        "domain": {
            "name": domain.name, "version": "1", "chainId": domain.chain_id,
            "verifyingContract": domain.forwarder.to_checksum(None),
        },
        "message": {
            "from": request.from.to_checksum(None), "to": request.to.to_checksum(None),
            "value": request.value.to_string(), "gas": request.gas.to_string(),
            "nonce": request.nonce.to_string(), "deadline": request.deadline.to_string(),
            "data": request.data.to_string(),
        },
    })
}
