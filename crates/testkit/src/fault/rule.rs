//! Which call gets which fault.

use std::time::Duration;

/// What goes wrong with a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Answered, but late.
    Delay(Duration),
    /// Refused with a JSON-RPC error; the node never sees it.
    Refuse { code: i64, message: String },
    /// The node does it, but the caller is told this JSON-RPC error.
    Lie { code: i64, message: String },
    /// The result is `null`, as for a thing that the node does not know.
    Null,
    /// The whole HTTP request gets this status; the node never sees it.
    Status(u16),
    /// A request of more calls than this gets status 413; the node never sees it.
    BatchMax(usize),
    /// The whole HTTP request gets status 429, and `Retry-After` with so many seconds.
    Limited(u64),
    /// This result, whatever the node knows; it never sees the call.
    Answer(serde_json::Value),
    /// The node does it, the caller never hears: the answer is swallowed and the connection stays
    /// open, silent.
    Swallow,
    /// The node does it; the answer stops in the middle and the connection is cut.
    Truncate,
    /// The connection is cut before the node sees anything.
    Drop,
    /// Heads and account nonces are those of this many blocks ago: `eth_blockNumber`, the `latest`
    /// block, and nonces at `latest` or `pending`.
    Stale(u64),
    /// `eth_getLogs` finds nothing; receipts have no logs.
    NoLogs,
    /// `eth_getLogs` that finds more logs than this is refused, as providers do.
    LogsMax(usize),
    /// `eth_chainId` and `net_version` say this.
    ChainId(u64),
}

/// A fault with the calls it meets.
#[derive(Clone, Debug)]
pub struct Rule {
    pub(super) fault: Fault,
    /// Of any method when none.
    pub(super) method: Option<String>,
    /// Calls to leave alone before the first.
    pub(super) skip: u64,
    /// Calls left to meet; no limit when none.
    pub(super) times: Option<u64>,
    pub(super) probability: f64,
}

impl Rule {
    /// Every call of every method.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self { fault, method: None, skip: 0, times: None, probability: 1.0 }
    }

    /// Only calls of `method`.
    #[must_use]
    pub fn on(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only the first `times` calls (after those skipped).
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Only the `nth` call, from 1.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        (self.skip, self.times) = (nth.saturating_sub(1), Some(1));
        self
    }

    /// Each call with this probability, drawn from the proxy's seed.
    #[must_use]
    pub fn with_probability(mut self, probability: f64) -> Self {
        self.probability = probability;
        self
    }

    /// Whether this call of `method` is met; counts it. `draw` lies in 0..1.
    pub(super) fn meets(&mut self, method: &str, draw: f64) -> bool {
        if self.method.as_deref().is_some_and(|mine| mine != method) || self.times == Some(0) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        if draw >= self.probability {
            return false;
        }
        self.times = self.times.map(|times| times - 1);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(mut rule: Rule, methods: &[&str]) -> Vec<bool> {
        methods.iter().map(|method| rule.meets(method, 0.5)).collect()
    }

    #[test]
    fn rules_count_the_calls_they_meet() {
        let rule = || Rule::new(Fault::Drop);
        assert_eq!(met(rule(), &["a", "b"]), [true, true]);
        assert_eq!(met(rule().on("b"), &["a", "b"]), [false, true]);
        assert_eq!(met(rule().times(1), &["a", "b"]), [true, false]);
        assert_eq!(met(rule().on("a").nth(2), &["a", "b", "a", "a"]), [false, false, true, false]);
        assert_eq!(met(rule().with_probability(0.4), &["a"]), [false]);
        assert_eq!(met(rule().with_probability(0.6), &["a"]), [true]);
    }
}
