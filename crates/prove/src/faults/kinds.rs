//! The ways in which a node fails.

use std::time::Duration;
use testkit::{Fault, Rule};

/// One way.
pub struct Kind {
    pub name: &'static str,
    pub act: Act,
}

/// What is done.
pub enum Act {
    /// These rules hold for a while.
    Rules(fn() -> Vec<Rule>),
    /// This fault comes and goes.
    Flapping(Fault),
    /// The pool forgets what it took.
    Evict,
    /// The base fee is high.
    Expensive,
    /// No block for a while.
    NoBlocks,
    /// Many empty blocks at once.
    Burst,
}

const SEND: &str = "eth_sendRawTransaction";
const RECEIPT: &str = "eth_getTransactionReceipt";
const COUNT: &str = "eth_getTransactionCount";
const BLOCK: &str = "eth_getBlockByNumber";

pub const KINDS: &[Kind] = &[
    rules("send_timeout_after_accept", || vec![often(Rule::new(Fault::Swallow).on(SEND))]),
    rules("send_cut_before", || vec![often(Rule::new(Fault::Drop).on(SEND))]),
    rules("send_cut_after", || vec![often(Rule::new(Fault::Truncate).on(SEND))]),
    rules("send_502", || vec![often(Rule::new(Fault::Status(502)).on(SEND))]),
    rules("send_429", || vec![often(Rule::new(Fault::Status(429)).on(SEND))]),
    rules("send_already_known_lie", || vec![often(refuse(SEND, "already known"))]),
    rules("send_nonce_too_low_lie", || vec![often(refuse(SEND, "nonce too low"))]),
    rules("send_nonce_too_low_after_accept", || vec![often(lie(SEND, "nonce too low"))]),
    rules("send_nonce_too_high_lie", || vec![often(refuse(SEND, "nonce too high"))]),
    rules("send_underpriced_lie", || {
        vec![often(refuse(SEND, "replacement transaction underpriced"))]
    }),
    rules("send_funds_lie", || {
        vec![often(refuse(SEND, "insufficient funds for gas * price + value"))]
    }),
    rules("send_pool_full", || vec![often(refuse(SEND, "txpool is full"))]),
    rules("send_error_after_accept", || vec![often(lie(SEND, "internal error"))]),
    rules("receipts_error", || vec![often(refuse(RECEIPT, "header not found"))]),
    rules("receipts_missing", || vec![often(Rule::new(Fault::Null).on(RECEIPT))]),
    rules("receipts_cut", || vec![often(Rule::new(Fault::Truncate).on(RECEIPT))]),
    rules("receipts_slow", || vec![Rule::new(delay(700)).on(RECEIPT)]),
    rules("nonce_stale", || vec![often(Rule::new(Fault::Stale(3)).on(COUNT))]),
    rules("nonce_error", || vec![often(refuse(COUNT, "missing trie node"))]),
    rules("head_stale_1", || vec![Rule::new(Fault::Stale(1))]),
    rules("head_stale_5", || vec![often(Rule::new(Fault::Stale(5)))]),
    rules("head_stale_20", || vec![Rule::new(Fault::Stale(20))]),
    rules("head_missing", || vec![often(Rule::new(Fault::Null).on(BLOCK))]),
    rules("simulation_error", || {
        vec![
            often(refuse("eth_call", "header not found")),
            often(refuse("eth_estimateGas", "server busy")),
        ]
    }),
    rules("wrong_chain_id", || vec![Rule::new(Fault::ChainId(1))]),
    rules("logs_missing", || vec![often(Rule::new(Fault::NoLogs))]),
    rules("all_slow", || vec![Rule::new(delay(300))]),
    rules("all_cut_now_and_then", || vec![Rule::new(Fault::Drop).with_probability(0.3)]),
    rules("all_dead", || vec![Rule::new(Fault::Drop)]),
    rules("all_silent", || vec![Rule::new(Fault::Swallow)]),
    Kind { name: "flapping", act: Act::Flapping(Fault::Status(503)) },
    Kind { name: "pool_forgets", act: Act::Evict },
    Kind { name: "base_fee_soars", act: Act::Expensive },
    Kind { name: "no_blocks", act: Act::NoBlocks },
    Kind { name: "empty_blocks", act: Act::Burst },
];

const fn rules(name: &'static str, rules: fn() -> Vec<Rule>) -> Kind {
    Kind { name, act: Act::Rules(rules) }
}

/// Two calls of three.
fn often(rule: Rule) -> Rule {
    rule.with_probability(0.66)
}

fn refuse(method: &str, message: &str) -> Rule {
    Rule::new(Fault::Refuse { code: -32_000, message: message.to_owned() }).on(method)
}

fn lie(method: &str, message: &str) -> Rule {
    Rule::new(Fault::Lie { code: -32_000, message: message.to_owned() }).on(method)
}

fn delay(milliseconds: u64) -> Fault {
    Fault::Delay(Duration::from_millis(milliseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_there_are_enough() {
        let mut names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), KINDS.len());
        assert!(names.len() >= 25);
    }
}
