//! A call on a command line.

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

/// What to call, and from which wallet.
#[derive(Args, Clone, Debug)]
pub(crate) struct CallOptions {
    /// An address, or a contract by its name in `GET /api/v1/abis`.
    #[arg(value_name = "TARGET")]
    target: String,
    /// Name or signature of the function; none for a plain transfer.
    #[arg(value_name = "FUNCTION")]
    function: Option<String>,
    /// One each, in order. Arrays, tuples, true, false and quoted strings are read as JSON; all
    /// else is taken as it stands.
    #[arg(value_name = "ARGUMENT", allow_negative_numbers = true)]
    arguments: Vec<String>,
    /// All arguments as one JSON array, or as an object by name, instead of one each.
    #[arg(long, value_name = "JSON", conflicts_with = "arguments", requires = "function")]
    args: Option<String>,
    /// Wei to send along.
    #[arg(long, value_name = "WEI")]
    value: Option<String>,
    /// Which wallets may send it [default: the server's first role for calls]
    #[arg(long)]
    role: Option<String>,
    /// The one wallet that must send it.
    #[arg(long, value_name = "ADDRESS")]
    wallet: Option<String>,
    /// Id of the chain [default: the server's first]
    #[arg(long, value_name = "ID")]
    chain: Option<u64>,
    #[arg(long, value_enum)]
    urgency: Option<Urgency>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Urgency {
    Low,
    Normal,
    High,
    Urgent,
}

impl Urgency {
    pub(super) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// On which terms it goes out.
#[derive(Args, Clone, Debug)]
pub(crate) struct Terms {
    /// Gas [default: estimated, plus a fifth]
    #[arg(long, value_name = "GAS")]
    gas_limit: Option<u64>,
    /// Never offer more than this, wei per gas.
    #[arg(long, value_name = "WEI")]
    fee_cap: Option<String>,
    /// Not before this time (RFC 3339).
    #[arg(long, value_name = "TIME")]
    not_before: Option<String>,
    /// Ends as expired when it is not mined by then (RFC 3339).
    #[arg(long, value_name = "TIME")]
    deadline: Option<String>,
    /// -1000 to 1000; higher goes first.
    #[arg(long, allow_hyphen_values = true)]
    priority: Option<i16>,
    /// Transactions with one key go out one after the other.
    #[arg(long, value_name = "KEY")]
    ordering_key: Option<String>,
    /// What its failure means for those behind it.
    #[arg(long, value_parser = ["block", "free"], requires = "ordering_key")]
    on_failure: Option<String>,
    /// The call that undoes it, as JSON: {"to": …, "function": …, "args": …, "value": …}
    #[arg(long, value_name = "JSON")]
    compensation: Option<String>,
}

impl CallOptions {
    /// The body that quotes take, and that transactions extend.
    pub(super) fn body(&self) -> Result<Value> {
        let mut body = json!({});
        let place = if self.target.starts_with("0x") { "to" } else { "contract" };
        body[place] = json!(self.target);
        if let Some(function) = &self.function {
            body["function"] = json!(function);
            body["args"] = match &self.args {
                Some(text) => serde_json::from_str(text).context("--args is not JSON")?,
                None => self.arguments.iter().map(|text| argument(text)).collect::<Result<_>>()?,
            };
        }
        set(&mut body, "value", self.value.as_ref());
        set(&mut body, "role", self.role.as_ref());
        set(&mut body, "wallet", self.wallet.as_ref());
        set(&mut body, "chain_id", self.chain);
        set(&mut body, "urgency", self.urgency.map(Urgency::name));
        Ok(body)
    }

    /// The body of a transaction.
    pub(super) fn body_with(&self, terms: &Terms) -> Result<Value> {
        let mut body = self.body()?;
        set(&mut body, "gas_limit", terms.gas_limit);
        set(&mut body, "fee_cap", terms.fee_cap.as_ref());
        set(&mut body, "not_before", terms.not_before.as_ref());
        set(&mut body, "deadline", terms.deadline.as_ref());
        set(&mut body, "priority", terms.priority);
        set(&mut body, "ordering_key", terms.ordering_key.as_ref());
        set(&mut body, "on_failure", terms.on_failure.as_ref());
        if let Some(text) = &terms.compensation {
            body["compensation"] =
                serde_json::from_str(text).context("--compensation is not JSON")?;
        }
        Ok(body)
    }
}

pub(super) fn set(body: &mut Value, field: &str, value: Option<impl serde::Serialize>) {
    if let Some(value) = value {
        body[field] = json!(value);
    }
}

fn argument(text: &str) -> Result<Value> {
    if text.starts_with(['[', '{', '"']) || matches!(text, "true" | "false") {
        return serde_json::from_str(text)
            .with_context(|| format!("the argument {text} is not JSON"));
    }
    Ok(json!(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read() {
        let cases = [
            ("0x12", Some(json!("0x12"))),
            ("17", Some(json!("17"))),
            ("-5", Some(json!("-5"))),
            ("a text", Some(json!("a text"))),
            ("\"true\"", Some(json!("true"))),
            ("true", Some(json!(true))),
            ("[1,[\"2\"]]", Some(json!([1, ["2"]]))),
            ("[1", None),
        ];
        for (text, value) in cases {
            assert_eq!(argument(text).ok(), value, "{text}");
        }
    }
}
