//! The project's own chores: `cargo xtask <chore>`.

mod services;
mod sqlx;

use anyhow::{Result, bail};

const HELP: &str = "\
cargo xtask CHORE

  services         start the services that tests share, until the test runner ends
  sqlx [--check]   renew (or compare) the committed query answers in .sqlx/
";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["services"] => services::start(),
        ["services", "watch", directory, runner] => services::watch(directory, runner),
        ["sqlx"] => sqlx::prepare(false),
        ["sqlx", "--check"] => sqlx::prepare(true),
        [] | ["help" | "--help" | "-h"] => {
            eprint!("{HELP}");
            Ok(())
        }
        [chore, ..] => bail!("unknown chore `{chore}`\n\n{HELP}"),
    }
}
