//! Measurements of the whole engine, from outside: it knows the public API and the node, and for
//! the signer's own measure its client, nothing else of ours. `cargo xtask bench` builds both and
//! runs this. No figure makes it fail; a lost or doubled item does.

mod api;
mod bare;
mod ceiling;
mod cpu;
mod crowd;
mod head;
mod index;
mod load;
mod mint;
mod node;
mod post;
mod quantile;
mod report;
mod server;
mod signatures;
mod stages;
mod stream;
mod subject;
mod tx;
mod webhooks;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::{
    io::{self, Write},
    process::ExitCode,
};

/// Measure Stoa.
#[derive(Parser, Debug)]
#[command(name = "bench")]
struct Cli {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand, Debug)]
enum Bench {
    /// Mints by the API, from request to stream, against raw pushes to the same node.
    Mint(mint::Options),
    /// Transfers by the API against raw pushes to the same node.
    Tx(tx::Options),
    /// Signatures by the signer's process, by custody, against bare ones in a loop.
    Signer(signatures::Options),
    /// Transfers of an ERC-20 and an ERC-721 from a node into an empty database.
    Index(index::Options),
    /// From a block's announcement by the node to its last event on the stream.
    Head(head::Options),
    /// Reads and writes at fixed rates, against bare handlers.
    Api(api::Options),
    /// One fact to thousands of clients, and connections that are cut, against a bare broadcaster.
    Stream(crowd::Options),
    /// Facts to many endpoints, without and with dead ones among them.
    Webhooks(webhooks::Options),
    /// Handlers that do nothing, or one statement: ceilings for others.
    #[command(hide = true)]
    Bare(bare::Options),
    /// A broadcaster and nothing else: a ceiling.
    #[command(hide = true)]
    BareStream(crowd::broadcaster::Options),
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let bench = Cli::parse().bench;
    // Only loopback is called; the provider is needed for an HTTP client to be built at all.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match bench {
        Bench::Mint(options) => runtime.block_on(mint::run(options)),
        Bench::Tx(options) => runtime.block_on(tx::run(options)),
        Bench::Signer(options) => runtime.block_on(signatures::run(options)),
        Bench::Index(options) => runtime.block_on(index::run(options)),
        Bench::Head(options) => runtime.block_on(head::run(options)),
        Bench::Api(options) => runtime.block_on(api::run(options)),
        Bench::Stream(options) => runtime.block_on(crowd::run(options)),
        Bench::Webhooks(options) => runtime.block_on(webhooks::run(options)),
        Bench::Bare(options) => runtime.block_on(bare::serve(options)),
        Bench::BareStream(options) => runtime.block_on(crowd::broadcaster::serve(options)),
    }
}

/// One line of the report. A closed pipe is no reason to fail.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
