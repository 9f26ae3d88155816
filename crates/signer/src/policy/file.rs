//! The policy file, and what must hold of it.

use std::collections::{BTreeMap, HashSet};

use alloy_primitives::{Address, B256, U256};
use serde::Deserialize;

use super::{
    ApprovalRule, Listed, PolicyError, Role, TRANSFER_GAS,
    calls::CallRule,
    messages::{DomainRule, IdentityPart, MessageRule},
    role_name_is_valid,
};
use crate::{
    approval::DOMAIN_NAME,
    bounds::{BoundFile, Bounds, Path, SELF},
    calldata::{FunctionRule, Functions},
    eip712,
};

/// An approval that lasts longer is a standing order.
const EXPIRES_MAX_S: u64 = 31 * 86_400;

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
    fee_wei_max: Option<String>,
    value_wei_max: String,
    value_wei_hour_max: Option<String>,
    value_wei_day_max: String,
    #[serde(default)]
    calls: Vec<CallFile>,
    #[serde(default)]
    messages: Vec<MessageFile>,
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
    #[serde(default)]
    arguments: BTreeMap<String, BoundFile>,
    value_wei_max: Option<String>,
    approvals: Option<ApprovalFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageFile {
    #[serde(rename = "type")]
    of: String,
    domain: DomainFile,
    #[serde(default)]
    fields: BTreeMap<String, BoundFile>,
    #[serde(default)]
    identity: Vec<String>,
    approvals: Option<ApprovalFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DomainFile {
    name: Option<String>,
    version: Option<String>,
    chains: Option<Vec<u64>>,
    verifying_contract: Option<Names>,
    salt: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApprovalFile {
    from: Vec<String>,
    count: u32,
    expires_max_s: u64,
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

pub(super) fn parse_roles(text: &str) -> Result<BTreeMap<String, Role>, PolicyError> {
    let file: PolicyFile = toml::from_str(text)?;
    if file.version != 1 {
        return Err(PolicyError::Version(file.version));
    }
    let mut roles = BTreeMap::new();
    for (name, role) in file.roles {
        let parsed = if role_name_is_valid(&name) {
            parse_role(&name, role)
        } else {
            Err("a role's name is 1 to 32 of a-z, 0-9, - and _".to_owned())
        };
        let role = parsed.map_err(|reason| PolicyError::Role { role: name.clone(), reason })?;
        roles.insert(name, role);
    }
    Ok(roles)
}

fn parse_role(name: &str, file: RoleFile) -> Result<Role, String> {
    let max_fee_per_gas_max = file
        .max_fee_per_gas_max
        .parse()
        .map_err(|_| "max_fee_per_gas_max is no decimal number of wei".to_owned())?;
    let chains: HashSet<u64> = file.chains.into_iter().collect();
    let message = |(number, message)| {
        parse_message(message, &chains).map_err(|reason| format!("messages[{number}]: {reason}"))
    };
    let call =
        |(number, call)| parse_call(call).map_err(|reason| format!("calls[{number}]: {reason}"));
    let role = Role {
        name: name.to_owned(),
        keys_max: file.keys_max,
        signatures_per_minute: file.signatures_per_minute,
        value_wei_hour_max: parse_wei_opt("value_wei_hour_max", file.value_wei_hour_max)?,
        value_wei_day_max: parse_wei("value_wei_day_max", &file.value_wei_day_max)?,
        gas_limit_max: file.gas_limit_max,
        void_gas_limit_max: file.void_gas_limit_max,
        max_fee_per_gas_max,
        fee_wei_max: parse_wei_opt("fee_wei_max", file.fee_wei_max)?,
        value_wei_max: parse_wei("value_wei_max", &file.value_wei_max)?,
        calls: (0..).zip(file.calls).map(call).collect::<Result<_, String>>()?,
        messages: (0..).zip(file.messages).map(message).collect::<Result<_, String>>()?,
        create: parse_listed(file.create, |text| {
            text.parse().map_err(|_| format!("create: {text:?} is no 32-byte hash"))
        })?,
        chains,
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
    let bounds = match functions.values().next() {
        _ if file.arguments.is_empty() => Bounds::default(),
        Some(only) if functions.len() == 1 => Bounds::parse(&only.arguments(), file.arguments)?,
        _ => return Err("arguments are bounded in a rule with just one function".to_owned()),
    };
    Ok(CallRule {
        to: parse_listed(file.to, parse_address)?,
        functions,
        transfer: file.transfer,
        bounds,
        value_wei_max: parse_wei_opt("value_wei_max", file.value_wei_max)?,
        approvals: file.approvals.map(parse_approvals).transpose()?,
    })
}

fn parse_message(file: MessageFile, chains: &HashSet<u64>) -> Result<MessageRule, String> {
    let of = eip712::parse_type(&file.of)?;
    let mut identity = Vec::new();
    for text in &file.identity {
        identity.push(match text.as_str() {
            SELF => IdentityPart::Own,
            text => {
                let (path, shape) = Path::parse(&of, text)?;
                if !path.is_single() {
                    return Err(format!("identity: {text:?} is more than one value"));
                }
                IdentityPart::Field(path, shape.clone())
            }
        });
    }
    if !identity.is_empty() && identity.iter().all(|part| matches!(part, IdentityPart::Own)) {
        return Err("identity: the key alone would identify one message for ever".to_owned());
    }
    Ok(MessageRule {
        bounds: Bounds::parse(&of, file.fields)?,
        of,
        domain: parse_domain(file.domain, chains)?,
        identity,
        approvals: file.approvals.map(parse_approvals).transpose()?,
    })
}

fn parse_domain(file: DomainFile, chains: &HashSet<u64>) -> Result<DomainRule, String> {
    // Whoever may have such a message signed could approve their own acts.
    if file.name.as_deref() == Some(DOMAIN_NAME) {
        return Err(format!("domain: {DOMAIN_NAME:?} is the domain of approvals"));
    }
    let listed: Option<HashSet<u64>> = file.chains.map(|chains| chains.into_iter().collect());
    if listed.iter().flatten().any(|chain_id| !chains.contains(chain_id)) {
        return Err("domain: a chain that the role does not list".to_owned());
    }
    let domain = DomainRule {
        name: file.name,
        version: file.version,
        chains: listed,
        verifying_contract: file
            .verifying_contract
            .map(|names| parse_listed(names, parse_address))
            .transpose()?,
        salt: file
            .salt
            .map(|text| text.parse::<B256>().map_err(|_| "domain: salt is no 32 bytes".to_owned()))
            .transpose()?,
    };
    if domain.name.is_none() && domain.verifying_contract.is_none() {
        return Err("domain: neither name nor verifying_contract: it would be anybody's".to_owned());
    }
    Ok(domain)
}

fn parse_approvals(file: ApprovalFile) -> Result<ApprovalRule, String> {
    let from: HashSet<Address> =
        file.from.iter().map(|text| parse_address(text)).collect::<Result<_, _>>()?;
    if from.len() != file.from.len() {
        return Err("approvals: an operator stands twice".to_owned());
    }
    if file.count == 0 || file.count as usize > from.len() {
        return Err("approvals: count must be 1 to the number of operators".to_owned());
    }
    if !(1..=EXPIRES_MAX_S).contains(&file.expires_max_s) {
        return Err("approvals: expires_max_s must be 1 to 2678400 (31 days)".to_owned());
    }
    Ok(ApprovalRule { from, count: file.count, expires_max_s: file.expires_max_s })
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
pub(crate) fn parse_address(text: &str) -> Result<Address, String> {
    let digits = text.strip_prefix("0x").unwrap_or_default();
    let one_case = !digits.bytes().any(|b| b.is_ascii_uppercase())
        || !digits.bytes().any(|b| b.is_ascii_lowercase());
    let parsed = match one_case {
        true => text.parse().ok().filter(|_| !digits.is_empty()),
        false => Address::parse_checksummed(text, None).ok(),
    };
    parsed.ok_or_else(|| format!("{text:?} is no address, or its checksum is wrong"))
}

fn parse_wei(field: &str, text: &str) -> Result<U256, String> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let wei = if digits { U256::from_str_radix(text, 10).ok() } else { None };
    wei.ok_or_else(|| format!("{field} is no decimal number of wei"))
}

fn parse_wei_opt(field: &str, text: Option<String>) -> Result<Option<U256>, String> {
    text.map(|text| parse_wei(field, &text)).transpose()
}
