//! The project's own chores: `cargo xtask <chore>`.

mod bench;
mod prove;
mod services;
mod sqlx;
mod steps;
mod test;
mod tidy;
mod workspace;

use anyhow::{Result, bail};
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask CHORE

  services         start the services that tests share, until the test runner ends
  sqlx [--check]   renew (or compare) the committed query answers in .sqlx/
  test [--quick]   run every test and check (quick: without the contracts)
  bench NAME       measure mint, tx, signer, index or head beside a peer or a ceiling
                   (`bench index --help`: options)
  tidy             check the rules of STYLE.md and ARCHITECTURE.md
  prove            all long proofs: the contracts at depth, and those below; within an hour
  prove tx|reorg|rpc   kills, reorgs, a lying node (`prove tx --help`: options)
  audit            known vulnerabilities of dependencies
";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["services"] => services::start(),
        ["services", "watch", directory, runner] => services::watch(directory, runner),
        ["sqlx"] => sqlx::prepare(false),
        ["sqlx", "--check"] => sqlx::prepare(true),
        ["test"] => test::all(false),
        ["test", "--quick"] => test::all(true),
        ["bench", rest @ ..] => bench::run(rest),
        ["tidy"] => tidy::check(&workspace::root()),
        ["prove", rest @ ..] => prove::run(rest),
        ["audit"] => test::audit(),
        [] | ["help" | "--help" | "-h"] => {
            eprint!("{HELP}");
            Ok(())
        }
        [chore, ..] => bail!("unknown chore `{chore}`\n\n{HELP}"),
    }
}
