//! The long proofs.

use crate::{
    steps::Steps,
    test::in_contracts,
    workspace::{command, run as run_command, target, tools},
};
use anyhow::Result;
use std::time::Instant;

/// What `cargo xtask prove` runs beside the contracts; all of it takes less than an hour.
const ALL: [(&str, &[&str]); 5] = [
    ("kills", &["tx", "--kills", "600", "--seed", "1"]),
    ("reorgs", &["reorg", "--reorgs", "60", "--depth", "32", "--seeds", "2"]),
    ("storms over the index", &["reorg", "--storms", "300", "--depth", "64", "--seed", "1"]),
    ("a lying node", &["rpc", "--seeds", "2"]),
    ("one lying node of two", &["rpc", "--endpoints", "2", "--seeds", "2"]),
];

/// Requests per operation and caller that are made of the API's document.
const SCHEMA_EXAMPLES: &str = "40";

/// All proofs, or the one that `words` name, with its options.
pub fn run(words: &[&str]) -> Result<()> {
    // A debug build: only that dies at failpoints.
    run_command(command("cargo", &["build", "--package", "stoa", "--package", "prove"]))?;
    if !words.is_empty() {
        return one(words);
    }
    let start = Instant::now();
    let mut steps = Steps::default();
    steps.run("contracts at depth", || {
        let mut forge = in_contracts("forge", &["test"]);
        forge.env("FOUNDRY_PROFILE", "long");
        run_command(forge)
    });
    for (name, words) in ALL {
        steps.run(name, || one(words));
    }
    steps.run("the API against its document", || {
        let test = "test(no_request_breaks_the_api)";
        let mut test = command("cargo", &["nextest", "run", "--package", "stoa", "-E", test]);
        test.env("STOA_SCHEMA_EXAMPLES", SCHEMA_EXAMPLES);
        run_command(test)
    });
    steps.finish(start.elapsed())
}

fn one(words: &[&str]) -> Result<()> {
    let built = target().join("debug");
    let mut prove = command(&built.join("prove").display().to_string(), words);
    prove.env("STOA_TOOLS", tools());
    if words.first() != Some(&"faults") {
        prove.arg("--stoa").arg(built.join("stoa"));
    }
    run_command(prove)
}
