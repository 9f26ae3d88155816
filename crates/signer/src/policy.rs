//! What each role may sign: a TOML file, default deny.

use std::collections::{BTreeMap, HashSet};

use alloy_primitives::{Address, B256, U256, keccak256};
use serde::Deserialize;

use crate::{
    calldata::{FunctionRule, Functions},
    tx,
    wire::{DATA_BYTES_MAX, Fee, Refusal, TxIntent, TxKind},
};

/// Gas of a plain transfer, and with it of a void, where a chain counts as Ethereum does.
const TRANSFER_GAS: u64 = 21_000;
const ROLE_BYTES_MAX: usize = 32;

/// Why a policy file is refused.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// No TOML, an unknown field, or a field of the wrong type.
    #[error("the policy file cannot be read")]
    Syntax(#[from] toml::de::Error),
    /// Readable, but it makes no sense.
    #[error("policy, role {role:?}: {reason}")]
    Role {
        /// The role.
        role: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Another version of the format.
    #[error("policy version {0} is not known, only 1")]
    Version(u32),
}

#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) digest: B256,
    roles: BTreeMap<String, Role>,
}

/// One role's rules.
#[derive(Debug)]
pub(crate) struct Role {
    pub(crate) keys_max: u32,
    pub(crate) signatures_per_minute: u32,
    pub(crate) value_wei_day_max: U256,
    chains: HashSet<u64>,
    gas_limit_max: u64,
    void_gas_limit_max: u64,
    max_fee_per_gas_max: u128,
    value_wei_max: U256,
    calls: Vec<CallRule>,
    create: Listed<B256>,
}

#[derive(Debug)]
struct CallRule {
    to: Listed<Address>,
    functions: Functions,
    transfer: bool,
}

#[derive(Debug)]
enum Listed<T> {
    Any,
    Only(HashSet<T>),
}

impl<T: Eq + std::hash::Hash> Listed<T> {
    fn holds(&self, item: &T) -> bool {
        match self {
            Self::Any => true,
            Self::Only(items) => items.contains(item),
        }
    }
}

impl Policy {
    pub(crate) fn parse(text: &str) -> Result<Self, PolicyError> {
        let file: PolicyFile = toml::from_str(text)?;
        if file.version != 1 {
            return Err(PolicyError::Version(file.version));
        }
        let mut roles = BTreeMap::new();
        for (name, role) in file.roles {
            let parsed = if role_name_is_valid(&name) {
                parse_role(role)
            } else {
                Err("a role's name is 1 to 32 of a-z, 0-9, - and _".to_owned())
            };
            let role = parsed.map_err(|reason| PolicyError::Role { role: name.clone(), reason })?;
            roles.insert(name, role);
        }
        Ok(Self { digest: keccak256(text), roles })
    }

    pub(crate) fn role(&self, name: &str) -> Result<&Role, Refusal> {
        self.roles.get(name).ok_or_else(|| Refusal::UnknownRole { role: name.to_owned() })
    }
}

/// Role names become file names.
pub(crate) fn role_name_is_valid(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= ROLE_BYTES_MAX
        && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
}

impl Role {
    /// Everything that can be judged without knowing what was signed before.
    pub(crate) fn check(&self, intent: &TxIntent) -> Result<(), Refusal> {
        if !self.chains.contains(&intent.chain_id) {
            return Err(Refusal::ChainNotAllowed { chain_id: intent.chain_id });
        }
        self.check_gas(intent)?;
        let value = tx::value(&intent.kind);
        if value > self.value_wei_max {
            return Err(Refusal::OverValueLimit { asked: value, limit: self.value_wei_max });
        }
        match &intent.kind {
            TxKind::Void {} => Ok(()),
            TxKind::Create { init_code, .. } => {
                check_size(init_code)?;
                let init_code_hash = keccak256(init_code);
                if !self.create.holds(&init_code_hash) {
                    return Err(Refusal::CreateNotAllowed { init_code_hash });
                }
                Ok(())
            }
            TxKind::Call { to, data, .. } => {
                check_size(data)?;
                self.check_call(*to, data)
            }
        }
    }

    fn check_gas(&self, intent: &TxIntent) -> Result<(), Refusal> {
        if let Fee::Eip1559 { max_fee_per_gas, max_priority_fee_per_gas } = intent.fee
            && max_priority_fee_per_gas > max_fee_per_gas
        {
            return Err(malformed("the priority fee is above the whole fee"));
        }
        let asked = intent.fee.per_gas_max();
        if asked > self.max_fee_per_gas_max {
            return Err(Refusal::OverFeeLimit { asked, limit: self.max_fee_per_gas_max });
        }
        let limit = match intent.kind {
            TxKind::Void {} => self.void_gas_limit_max,
            TxKind::Call { .. } | TxKind::Create { .. } => self.gas_limit_max,
        };
        let asked = intent.gas_limit;
        if asked < TRANSFER_GAS {
            return Err(malformed("the gas limit is below 21000"));
        }
        if asked > limit {
            return Err(Refusal::OverGasLimit { asked, limit });
        }
        Ok(())
    }

    fn check_call(&self, to: Address, data: &[u8]) -> Result<(), Refusal> {
        let at_target = self.calls.iter().filter(|rule| rule.to.holds(&to));
        if data.is_empty() {
            return match at_target.into_iter().any(|rule| rule.transfer) {
                true => Ok(()),
                false => Err(Refusal::CallNotAllowed { to, selector: None }),
            };
        }
        let Some((selector, arguments)) = data.split_first_chunk::<4>() else {
            return Err(malformed("calldata shorter than a selector"));
        };
        let mut refused = Refusal::CallNotAllowed { to, selector: Some(selector.into()) };
        for function in at_target.filter_map(|rule| rule.functions.get(selector)) {
            match function.check_arguments(arguments) {
                Ok(()) => return Ok(()),
                Err(reason) => refused = malformed(&reason),
            }
        }
        Err(refused)
    }
}

fn check_size(data: &[u8]) -> Result<(), Refusal> {
    if data.len() > DATA_BYTES_MAX {
        return Err(malformed("more than 131072 bytes of data"));
    }
    Ok(())
}

fn malformed(reason: &str) -> Refusal {
    Refusal::MalformedCall { reason: reason.to_owned() }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    version: u32,
    #[serde(default)]
    roles: BTreeMap<String, RoleFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleFile {
    chains: Vec<u64>,
    keys_max: u32,
    signatures_per_minute: u32,
    gas_limit_max: u64,
    #[serde(default = "default_void_gas")]
    void_gas_limit_max: u64,
    max_fee_per_gas_max: String,
    value_wei_max: String,
    value_wei_day_max: String,
    #[serde(default)]
    calls: Vec<CallFile>,
    #[serde(default)]
    create: Names,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallFile {
    to: Names,
    #[serde(default)]
    functions: Vec<String>,
    #[serde(default)]
    transfer: bool,
}

/// One name (which may be `"any"`) or a list of names (which may not hold `"any"`).
#[derive(Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Many(Vec<String>),
}

impl Default for Names {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

fn default_void_gas() -> u64 {
    TRANSFER_GAS
}

fn parse_role(file: RoleFile) -> Result<Role, String> {
    let max_fee_per_gas_max = file
        .max_fee_per_gas_max
        .parse()
        .map_err(|_| "max_fee_per_gas_max is no decimal number of wei".to_owned())?;
    let role = Role {
        keys_max: file.keys_max,
        signatures_per_minute: file.signatures_per_minute,
        value_wei_day_max: parse_wei("value_wei_day_max", &file.value_wei_day_max)?,
        chains: file.chains.into_iter().collect(),
        gas_limit_max: file.gas_limit_max,
        void_gas_limit_max: file.void_gas_limit_max,
        max_fee_per_gas_max,
        value_wei_max: parse_wei("value_wei_max", &file.value_wei_max)?,
        calls: file.calls.into_iter().map(parse_call).collect::<Result<_, _>>()?,
        create: parse_listed(file.create, |text| {
            text.parse().map_err(|_| format!("create: {text:?} is no 32-byte hash"))
        })?,
    };
    if role.void_gas_limit_max < TRANSFER_GAS {
        return Err("void_gas_limit_max is below 21000".to_owned());
    }
    Ok(role)
}

fn parse_call(file: CallFile) -> Result<CallRule, String> {
    if file.functions.is_empty() && !file.transfer {
        return Err("a call that allows neither functions nor transfer".to_owned());
    }
    let mut functions = Functions::new();
    for signature in &file.functions {
        let rule = FunctionRule::parse(signature)?;
        if functions.insert(rule.selector(), rule).is_some() {
            return Err(format!("function {signature:?} shares its selector with another"));
        }
    }
    Ok(CallRule { to: parse_listed(file.to, parse_address)?, functions, transfer: file.transfer })
}

fn parse_listed<T: Eq + std::hash::Hash>(
    names: Names,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Listed<T>, String> {
    match names {
        Names::One(name) if name == "any" => Ok(Listed::Any),
        Names::One(name) => Ok(Listed::Only(HashSet::from([parse(&name)?]))),
        Names::Many(names) => {
            names.iter().map(|name| parse(name)).collect::<Result<_, _>>().map(Listed::Only)
        }
    }
}

/// With mixed case the EIP-55 checksum must hold, so that a mistyped address is caught.
fn parse_address(text: &str) -> Result<Address, String> {
    let digits = text.strip_prefix("0x").unwrap_or_default();
    let one_case = !digits.bytes().any(|b| b.is_ascii_uppercase())
        || !digits.bytes().any(|b| b.is_ascii_lowercase());
    let parsed = match one_case {
        true => text.parse().ok().filter(|_| !digits.is_empty()),
        false => Address::parse_checksummed(text, None).ok(),
    };
    parsed.ok_or_else(|| format!("to: {text:?} is no address, or its checksum is wrong"))
}

fn parse_wei(field: &str, text: &str) -> Result<U256, String> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let wei = if digits { U256::from_str_radix(text, 10).ok() } else { None };
    wei.ok_or_else(|| format!("{field} is no decimal number of wei"))
}

#[cfg(test)]
mod tests;
