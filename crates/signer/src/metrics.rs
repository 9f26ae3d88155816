//! Counts of what was asked and how long it took, as Prometheus text.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

/// Upper ends of the buckets of latencies, in seconds.
const SECONDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];
/// Upper ends of the buckets of batch sizes.
const SIZES: [f64; 8] = [1.0, 4.0, 16.0, 64.0, 128.0, 256.0, 512.0, 1024.0];

#[derive(Debug)]
pub(crate) struct Metrics {
    /// (role, what, outcome) → number. Roles are those of the policy, so the set is bounded.
    outcomes: BTreeMap<(String, &'static str, &'static str), u64>,
    batch: Histogram<8>,
    latency: Histogram<10>,
    reloads: [u64; 2],
}

#[derive(Debug)]
struct Histogram<const N: usize> {
    ends: [f64; N],
    counts: [u64; N],
    count: u64,
    sum: f64,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let histogram = Histogram { ends: SIZES, counts: [0; 8], count: 0, sum: 0.0 };
        Self {
            outcomes: BTreeMap::new(),
            batch: histogram,
            latency: Histogram { ends: SECONDS, counts: [0; 10], count: 0, sum: 0.0 },
            reloads: [0; 2],
        }
    }

    /// One intent: `outcome` is `signed`, `known` (signed before, not counted against limits) or
    /// a refusal's code.
    pub(crate) fn intent(&mut self, role: &str, what: &'static str, outcome: &'static str) {
        *self.outcomes.entry((role.to_owned(), what, outcome)).or_default() += 1;
    }

    /// One batch of intents with one sync.
    pub(crate) fn batch(&mut self, intents: usize) {
        self.batch.add(intents as f64);
    }

    /// One request, from when it was read to when its answer was ready.
    pub(crate) fn request(&mut self, taken: Duration) {
        self.latency.add(taken.as_secs_f64());
    }

    pub(crate) fn reload(&mut self, taken: bool) {
        self.reloads[usize::from(taken)] += 1;
    }

    /// `gauges`: names without prefix, and values.
    pub(crate) fn render(&self, policy: &str, gauges: &[(&str, u64)]) -> String {
        let mut text = String::new();
        let mut line = |args: std::fmt::Arguments<'_>| {
            // Writing to a string can't fail.
            let _ = text.write_fmt(args);
            text.push('\n');
        };
        line(format_args!("# TYPE signer_intents_total counter"));
        for ((role, what, outcome), count) in &self.outcomes {
            line(format_args!(
                "signer_intents_total{{role=\"{role}\",kind=\"{what}\",outcome=\"{outcome}\"}} \
                 {count}"
            ));
        }
        self.batch.render("signer_batch_intents", &mut line);
        self.latency.render("signer_request_seconds", &mut line);
        line(format_args!("# TYPE signer_policy_reloads_total counter"));
        for (result, count) in ["refused", "taken"].iter().zip(self.reloads) {
            line(format_args!("signer_policy_reloads_total{{result=\"{result}\"}} {count}"));
        }
        line(format_args!("# TYPE signer_policy_info gauge"));
        line(format_args!("signer_policy_info{{digest=\"{policy}\"}} 1"));
        for (name, value) in gauges {
            line(format_args!("# TYPE signer_{name} gauge"));
            line(format_args!("signer_{name} {value}"));
        }
        text
    }
}

impl<const N: usize> Histogram<N> {
    fn add(&mut self, value: f64) {
        if let Some(at) = self.ends.iter().position(|end| value <= *end) {
            self.counts[at] += 1;
        }
        self.count += 1;
        self.sum += value;
    }

    fn render(&self, name: &str, line: &mut impl FnMut(std::fmt::Arguments<'_>)) {
        line(format_args!("# TYPE {name} histogram"));
        let mut below = 0;
        for (end, count) in self.ends.iter().zip(self.counts) {
            below += count;
            line(format_args!("{name}_bucket{{le=\"{end}\"}} {below}"));
        }
        line(format_args!("{name}_bucket{{le=\"+Inf\"}} {}", self.count));
        line(format_args!("{name}_sum {}", self.sum));
        line(format_args!("{name}_count {}", self.count));
    }
}
