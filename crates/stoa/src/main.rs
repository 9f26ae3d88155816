//! The binary: reads the command line, wires the parts, decides nothing.

mod audit_log;
mod chain;
mod cli;
mod configuration;
mod database;
mod demo;
mod dev;
mod doctor;
mod field_keys;
mod fields;
mod index;
mod index_rebuild;
mod key;
mod nodes;
mod operate;
mod principal;
mod session;
mod sign;
mod signer_keys;
mod terminal;
mod token_keys;

use anyhow::Result;
use std::{io::Write, process::ExitCode};
use tikv_jemallocator::Jemalloc;

/// The futures of requests are some kilobytes each, which the allocator of the C library makes and
/// forgets slowly: with it a kept answer takes half as long again.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    match cli::run() {
        Ok(code) => code,
        Err(error) => {
            // The whole chain, once, at the boundary that handles it.
            let _ = writeln!(std::io::stderr(), "stoa: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// One line for the person at the terminal. A closed pipe is no reason to fail.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// One line beside the output, for the person who watches.
pub(crate) fn note(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A runtime of our own, so that `main` and children's death signals stay on one thread.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}
