//! A run of named, timed steps, with a table at the end.

use anyhow::{Result, bail};
use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

/// What happened so far.
#[derive(Default)]
pub struct Steps(Vec<Step>);

struct Step {
    name: &'static str,
    took: Duration,
    error: Option<String>,
}

impl Steps {
    /// Do `work` under a heading; true when it succeeded.
    pub fn run(&mut self, name: &'static str, work: impl FnOnce() -> Result<()>) -> bool {
        eprintln!("\n── {name}");
        let start = Instant::now();
        let outcome = work();
        self.note(name, start.elapsed(), outcome)
    }

    /// Take in the outcome of a step that ran elsewhere.
    pub fn note(&mut self, name: &'static str, took: Duration, outcome: Result<()>) -> bool {
        let error = outcome.err().map(|error| format!("{error:#}"));
        match &error {
            Some(error) => {
                eprintln!("── {name}: failed after {:.1} s: {error}", took.as_secs_f64())
            }
            None => eprintln!("── {name}: {:.1} s", took.as_secs_f64()),
        }
        let succeeded = error.is_none();
        self.0.push(Step { name, took, error });
        succeeded
    }

    /// Print the table.
    ///
    /// # Errors
    /// When a step failed: the list of those.
    pub fn finish(self, total: Duration) -> Result<()> {
        eprint!("\n{}", self.table());
        let total = total.as_secs_f64();
        let failed: Vec<&str> =
            self.0.iter().filter(|step| step.error.is_some()).map(|step| step.name).collect();
        if !failed.is_empty() {
            bail!("failed after {total:.0} s: {}", failed.join(", "));
        }
        eprintln!("all {} steps passed in {total:.0} s", self.0.len());
        Ok(())
    }

    fn table(&self) -> String {
        let mut table = String::new();
        for Step { name, took, error } in &self.0 {
            let verdict = if error.is_some() { "FAILED" } else { "ok" };
            let _ = writeln!(table, "{verdict:>6}  {:>7.1} s  {name}", took.as_secs_f64());
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_does_not_stop_the_next_and_fails_the_whole() {
        let mut steps = Steps::default();
        assert!(!steps.run("one", || bail!("no")));
        assert!(steps.run("two", || Ok(())));
        let table = steps.table();
        assert!(table.contains("FAILED") && table.contains("two"), "{table}");
        let error = steps.finish(Duration::from_secs(1)).unwrap_err().to_string();
        assert!(error.ends_with(": one"), "{error}");
    }
}
