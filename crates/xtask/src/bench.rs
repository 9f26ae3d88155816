//! Measurements: builds what they need, optimised, and runs them.

use crate::workspace::{command, output, run as run_command, target};
use anyhow::Result;

/// `bench` decides what its words mean; we add what it cannot know.
pub fn run(words: &[&str]) -> Result<()> {
    // Together, so that both agree on the features of what they use, and nothing is built twice.
    let packages = ["build", "--release", "--package", "stoa", "--package", "bench"];
    run_command(command("cargo", &packages))?;
    let release = target().join("release");
    let mut bench = command(&release.join("bench").display().to_string(), words);
    let with_server = ["mint", "signer", "tx", "index", "head", "api", "stream", "webhooks"];
    if words.first().is_some_and(|word| with_server.contains(word)) {
        let revision = output(command("git", &["describe", "--always", "--dirty"]));
        bench.arg("--stoa").arg(release.join("stoa"));
        bench.args(["--revision", revision.unwrap_or_default().trim()]);
    }
    run_command(bench)
}
