//! Short versions of the long proofs (`make prove`): each accepted job takes effect exactly once.

use clap::Parser;
use prove::{Found, faults, kills, reorgs};

/// Lets the proofs' options take their defaults.
#[derive(Parser)]
struct Words<T: clap::Args> {
    #[command(flatten)]
    options: T,
}

fn options<T: clap::Args>(words: &[&str]) -> T {
    let stoa = ["proof", "--stoa", env!("CARGO_BIN_EXE_stoa")];
    Words::parse_from(stoa.iter().chain(words)).options
}

fn holds(found: &Found) {
    assert!(found.holds(), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_survive_twenty_kills() {
    holds(&kills::run(&options(&["--kills", "20", "--seed", "11"])).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_survive_reorgs_under_load() {
    let words = ["--reorgs", "8", "--depth", "32", "--seed", "12"];
    holds(&reorgs::run(&options(&words)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_survive_a_node_that_lies_about_what_it_took() {
    let kinds = "send_timeout_after_accept,send_already_known_lie,send_nonce_too_low_after_accept,\
                 receipts_missing,head_stale_20,flapping,pool_forgets";
    let words = ["--only", kinds, "--fault-ms", "1500", "--seed", "13"];
    holds(&faults::run(&options(&words)).await.unwrap());
}
