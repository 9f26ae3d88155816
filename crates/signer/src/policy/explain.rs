//! What a policy says to one act, line by line: the same judgement as when signing.

use std::fmt;

use alloy_primitives::{B256, Bytes};
use serde_json::Value;

use super::{Grant, Policy, PolicyError, Role, calls::Verdict};
use crate::{
    approval::{message_act, transaction_act},
    calldata::FunctionRule,
    refusal::Refusal,
    wire::{TxIntent, TxKind, TypedIntent},
};

/// What the signer may be asked to sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// A transaction.
    Transaction(TxIntent),
    /// An EIP-712 message.
    Message(TypedIntent),
}

impl Act {
    /// Reads either intent as it travels to the signer; one with a `domain` is a message.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        let json: Value = serde_json::from_str(text)?;
        Ok(match json.get("domain") {
            Some(_) => Self::Message(serde_json::from_str(text)?),
            None => Self::Transaction(serde_json::from_str(text)?),
        })
    }
}

/// Calldata for a function, `transfer(address to, uint256 amount)`, and its arguments as a JSON
/// array or, where all are named, an object.
pub fn encode_call(signature: &str, arguments: &Value) -> Result<Bytes, String> {
    let rule = FunctionRule::parse(signature)?;
    let values = rule.arguments().read(arguments, "")?;
    rule.encode(values.as_tuple().unwrap_or_default()).map(Bytes::from)
}

/// A policy's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Digest of the policy.
    pub policy: B256,
    /// Whether some role that was asked about allows it.
    pub allowed: bool,
    /// What operators would approve: of a message only if a role knows its type.
    pub act: Option<B256>,
    /// For people: each rule and what it says.
    pub lines: Vec<String>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "policy {}", self.policy)?;
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        if let Some(act) = self.act {
            writeln!(f, "act {act}")?;
        }
        f.write_str(if self.allowed { "allowed" } else { "denied" })
    }
}

/// Asks a policy about an act, for one role or for each. Budgets (rate, value per hour and day),
/// nonces, identities and approvals depend on what was signed before, and are not judged.
pub fn explain(text: &str, role: Option<&str>, act: &Act) -> Result<Explanation, PolicyError> {
    let policy = Policy::parse(text)?;
    let mut found =
        Explanation { policy: policy.digest, allowed: false, act: None, lines: Vec::new() };
    if let Some(name) = role
        && !policy.roles.contains_key(name)
    {
        found.lines.push(format!("deny  no role {name:?} in the policy"));
    }
    for rules in policy.roles.values().filter(|rules| role.is_none_or(|name| rules.name == name)) {
        found.lines.push(format!("role {}", rules.name));
        let judged = match act {
            Act::Transaction(intent) => {
                found.act = Some(transaction_act(intent.key, intent.chain_id, &intent.kind));
                explain_transaction(rules, intent, &mut found.lines);
                rules.check(intent).map(|_| ())
            }
            Act::Message(intent) => {
                explain_message(rules, intent, &mut found.lines);
                rules.check_message(intent).map(|(digest, _)| {
                    found.act = Some(message_act(intent.key, digest));
                })
            }
        };
        found.allowed |= judged.is_ok();
        found.lines.push(match judged {
            Ok(()) => format!("  role {} allows it", rules.name),
            Err(refusal) => {
                format!("  role {} denies it: {}: {refusal}", rules.name, refusal.code())
            }
        });
    }
    Ok(found)
}

fn explain_transaction(role: &Role, intent: &TxIntent, lines: &mut Vec<String>) {
    for (what, judged) in role.limits(intent) {
        lines.push(line(what, judged));
    }
    match &intent.kind {
        TxKind::Void {} => lines.push("  ok    a void is always allowed".to_owned()),
        TxKind::Create { init_code, .. } => {
            lines.push(line("create", role.check_create(init_code)));
        }
        TxKind::Call { .. } if role.calls.is_empty() => {
            lines.push("  deny  no calls are listed".to_owned());
        }
        TxKind::Call { .. } => {
            for (number, rule) in (0..).zip(&role.calls) {
                let number: usize = number;
                lines.push(verdict(&format!("calls[{number}]"), rule.judge(intent)));
            }
        }
    }
}

fn explain_message(role: &Role, intent: &TypedIntent, lines: &mut Vec<String>) {
    if role.messages.is_empty() {
        lines.push("  deny  no messages are listed".to_owned());
    }
    for (number, rule) in (0..).zip(&role.messages) {
        let number: usize = number;
        let name = format!("messages[{number}]");
        let judged = match rule.judge(&role.name, intent) {
            Verdict::Yes((_, grant)) => Verdict::Yes(grant),
            Verdict::No(refusal) => Verdict::No(refusal),
            Verdict::Elsewhere(what) => Verdict::Elsewhere(what),
        };
        lines.push(verdict(&name, judged));
    }
}

fn line(what: &str, judged: Result<(), Refusal>) -> String {
    match judged {
        Ok(()) => format!("  ok    {what}"),
        Err(refusal) => format!("  deny  {what}: {refusal}"),
    }
}

fn verdict(name: &str, verdict: Verdict<Grant<'_>>) -> String {
    match verdict {
        Verdict::Elsewhere(what) => format!("  skip  {name}: {what}"),
        Verdict::No(refusal) => format!("  deny  {name}: {refusal}"),
        Verdict::Yes(Grant { approvals: None, .. }) => format!("  ok    {name}"),
        Verdict::Yes(Grant { approvals: Some(rule), .. }) => format!(
            "  ok    {name}, once {} of {} operators approve for at most {} s",
            rule.count,
            rule.from.len(),
            rule.expires_max_s
        ),
    }
}
