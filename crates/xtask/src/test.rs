//! `cargo xtask test`: everything that must hold before a change goes in.
//!
//! The wall time of a cold run decides the shape. Rust is compiled once: clippy works as the
//! compiler of our own crates (so there is no separate `cargo clippy`, whose check-only build of
//! all dependencies shares nothing with the tests), and the same build asks a live database
//! whether the queries fit the schema. The contracts are tested beside it.

use crate::{
    sqlx,
    steps::Steps,
    tidy,
    workspace::{command, installed, root, run, target, tools},
};
use anyhow::{Context, Result, ensure};
use std::{
    fs,
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// Run all steps; `quick` leaves out the contracts.
pub fn all(quick: bool) -> Result<()> {
    let start = Instant::now();
    let mut steps = Steps::default();
    let contracts = (!quick).then(|| thread::spawn(contracts));
    steps.run("format", || run(command("cargo", &["fmt", "--all", "--check"])));
    steps.run("tidy", || tidy::check(&root()));
    if build(&mut steps)? {
        steps.run("tests", || run(tests(&[])));
        if has_doctests()? {
            let doctests = || run(cargo(&["test", "--workspace", "--doc"]));
            steps.run("documentation tests", doctests);
        }
    }
    if let Some(contracts) = contracts {
        for (name, took, outcome) in contracts.join().ok().context("the contracts' thread died")? {
            steps.note(name, took, outcome);
        }
    }
    steps.finish(start.elapsed())
}

/// Compile and lint everything; and compare the query answers when they may have changed.
fn build(steps: &mut Steps) -> Result<bool> {
    let live = if sqlx::fresh() { None } else { Some(sqlx::Live::start()?) };
    let built = steps.run("build and lint", || {
        let mut build = tests(&["--no-run"]);
        if let Some(live) = &live {
            live.enter(&mut build)?;
        }
        run(build)
    });
    if let (true, Some(live)) = (built, &live) {
        steps.run("query answers", || live.compare());
    }
    Ok(built)
}

fn tests(more: &[&str]) -> Command {
    // Doubles as the fall-back on a machine without nextest: slower, and one cluster per binary.
    let runner: &[&str] = if installed("cargo-nextest") { &["nextest", "run"] } else { &["test"] };
    cargo(&[runner, &["--workspace", "--all-targets"], more].concat())
}

/// Cargo with clippy as the compiler of workspace crates, its warnings as errors.
fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = command("cargo", arguments);
    cargo
        .env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver")
        .env("CLIPPY_ARGS", "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__")
        .env("SQLX_OFFLINE", "true");
    cargo
}

/// Starting `cargo test --doc` costs seconds per crate, so it is left out while there are none.
fn has_doctests() -> Result<bool> {
    let files = crate::tidy::Repository::files(&root())?;
    Ok(files.iter().filter(|file| file.path.ends_with(".rs")).any(|file| {
        let fence = |line: &str| {
            let line = line.trim_start();
            let docs = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
            docs.is_some_and(|docs| matches!(docs.trim(), "```rust" | "```no_run"))
        };
        file.text.lines().any(fence)
    }))
}

type Outcome = (&'static str, Duration, Result<()>);

/// The contracts' steps. Their output is kept apart, not to mix with the build's.
fn contracts() -> Vec<Outcome> {
    let steps: [(&'static str, &str, &[&str]); 3] = [
        ("contracts: format, artifacts, gas", "./check.sh", &[]),
        ("contracts: tests", "forge", &["test", "--no-match-path", "test/gas/*"]),
        ("contracts: coverage", "./check.sh", &["coverage"]),
    ];
    let timed = |(name, program, arguments): (_, &str, &[&str])| {
        let start = Instant::now();
        let outcome = quietly(in_contracts(program, arguments), name);
        (name, start.elapsed(), outcome)
    };
    steps.into_iter().map(timed).collect()
}

pub(crate) fn in_contracts(program: &str, arguments: &[&str]) -> Command {
    let mut command = command(program, arguments);
    // A run compares gas figures; it never rewrites them.
    command.current_dir(root().join("contracts")).env("FORGE_SNAPSHOT_EMIT", "false");
    command
}

/// Run with the output in a file, shown only on failure.
fn quietly(mut command: Command, name: &str) -> Result<()> {
    ensure!(tools().join("forge").exists(), "no forge: run `make tools`");
    fs::create_dir_all(target())?;
    let name = format!("{}.log", name.replace([' ', ':', ','], "-"));
    let log = target().join(name);
    let file = fs::File::create(&log)?;
    let status = command.stderr(file.try_clone()?).stdout(file).status()?;
    if !status.success() {
        let text = fs::read_to_string(&log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(100)..].join("\n");
        anyhow::bail!("{status}\n{tail}");
    }
    Ok(())
}

/// Known vulnerabilities and yanked versions. Needs the network, so it is no part of `test`.
pub fn audit() -> Result<()> {
    let tools: [(&str, &[&str]); 2] =
        [("cargo-deny", &["deny", "check", "advisories"]), ("cargo-audit", &["audit"])];
    let Some((name, arguments)) = tools.into_iter().find(|(name, _)| installed(name)) else {
        eprintln!(
            "Compares Cargo.lock with the public advisory database. Neither cargo-deny nor \
             cargo-audit is installed; either will do:\n\n  cargo install --locked cargo-audit\n"
        );
        anyhow::bail!("no auditing tool");
    };
    eprintln!("{name}: Cargo.lock against the public advisory database");
    run(command("cargo", arguments))
}
