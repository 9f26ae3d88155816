//! `stoa index rebuild` and `verify`: projections made anew of stored logs, to take the place of
//! the live ones or to be compared with them.

use crate::{
    configuration::ConfigurationOptions, database::DatabaseOptions, nodes, note, say,
    terminal::changed_chain,
};
use anyhow::{Result, anyhow, bail};
use chain::Chain;
use clap::Args;
use futures_util::future::try_join_all;
use journal::NewFact;
use projections::rebuild::{
    self, ChainVerdict, Mismatch, Pace, Phase, Progress, RebuildError, Rebuilt, SpotChecked,
    Subject, TableVerdict, Verdict,
};
use serde_json::{Value, json};
use std::{
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, SystemTime},
};
use vocab::{BlockRef, ChainId};

#[derive(Args, Debug)]
pub(crate) struct RebuildOptions {
    /// What is made anew: a projection, `collections`, `undecoded_logs`, or `all`.
    #[arg(required_unless_present = "discard")]
    name: Option<String>,
    /// Drop what a rebuild that was not ended has left.
    #[arg(long, conflicts_with = "name")]
    discard: bool,
    /// As JSON, one object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseOptions,
}

#[derive(Args, Debug)]
pub(crate) struct VerifyOptions {
    /// What is compared: a projection, `collections`, `undecoded_logs`, or `all`.
    #[arg(default_value = "all")]
    name: String,
    /// A node of the chain, to ask contracts whether balances and owners are so; several for
    /// failover. Else those of the configuration, of all its chains; without any, nothing is asked.
    #[arg(long, value_name = "URL")]
    rpc: Vec<String>,
    // Of it `[pool]`, `[[endpoints]]`, `[[chains]]` and `[database]` hold here.
    #[command(flatten)]
    configuration: ConfigurationOptions,
    /// How many balances, and how many owners, are asked about.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    samples: u16,
    /// Draw those that were drawn with this number before.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u32>,
    /// As JSON, one object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseOptions,
}

pub(crate) async fn rebuild(options: RebuildOptions) -> Result<()> {
    let db = options.database.connect().await?;
    let Some(name) = &options.name else {
        match rebuild::discard(&db).await.map_err(explained)? {
            Some(name) => say(&format!("what was made of `{name}` is dropped")),
            None => say("there is nothing to discard"),
        }
        return Ok(());
    };
    let subject = subject(name)?;
    let stops = AtomicBool::new(true);
    let mut tell = |progress: Progress| {
        stops.store(progress.phase != Phase::Exchanging, Ordering::Relaxed);
        tell(progress, options.json);
    };
    let facts_of = |chains: &[(ChainId, BlockRef)]| rebuilt_facts(&subject, chains);
    let work = rebuild::rebuild(&db, &subject, Pace::default(), &mut tell, &facts_of);
    let Some(rebuilt) = unless_interrupted(work, &stops).await? else {
        bail!("interrupted; the live tables are untouched. {}", how_to_go_on(name));
    };
    say(&if options.json { rebuilt_json(&rebuilt) } else { rebuilt_text(&rebuilt) });
    Ok(())
}

pub(crate) async fn verify(options: VerifyOptions) -> Result<()> {
    let subject = subject(&options.name)?;
    let chains = open_chains(&options).await?;
    let db = options.database.connect().await?;
    let seed = options.seed.unwrap_or_else(chance);
    let samples = if chains.is_empty() { 0 } else { i64::from(options.samples) };
    let mut tell = |progress| tell(progress, options.json);
    let drawn = (samples, i64::from(seed));
    let work = rebuild::verify(&db, &subject, drawn, Pace::default(), &mut tell);
    let Some(verdict) = unless_interrupted(work, &AtomicBool::new(true)).await? else {
        bail!("interrupted; nothing is known. {}", how_to_go_on(&options.name));
    };
    let spot = spot_check(&chains, &verdict).await?;
    if options.json {
        say(&verdict_json(&verdict, spot.as_ref(), seed));
    } else {
        tell_verdict(&verdict, spot.as_ref(), seed);
    }
    if !verdict.is_equal() {
        bail!("the live tables are not what their logs say; `stoa index rebuild` makes them anew");
    }
    if spot.is_some_and(|spot| !spot.mismatches.is_empty()) {
        bail!("contracts have other balances or owners than their logs tell");
    }
    Ok(())
}

/// That somebody here did it, for the record of each chain.
fn rebuilt_facts(subject: &Subject, chains: &[(ChainId, BlockRef)]) -> Vec<NewFact> {
    let tables = subject.tables();
    let fact = |(chain, block): &(ChainId, BlockRef)| {
        let after = json!({ "tables": tables, "block": block.number });
        changed_chain("rebuilt", *chain, (Value::Null, after))
    };
    chains.iter().map(fact).collect()
}

fn subject(name: &str) -> Result<Subject> {
    let names = || Subject::names().join(", ");
    Subject::named(name).ok_or_else(|| anyhow!("there is no `{name}`; there are {}", names()))
}

/// None where no node is named.
async fn open_chains(options: &VerifyOptions) -> Result<Vec<Chain>> {
    let settings = options.configuration.layers().load()?.settings;
    let named = nodes::named(&settings, &options.rpc)?;
    try_join_all(named.iter().map(|(of, endpoints)| nodes::open(endpoints, None, of))).await
}

/// What contracts say of each chain that has a node; none where none is named.
async fn spot_check(chains: &[Chain], verdict: &Verdict) -> Result<Option<Spot>> {
    let mut spot = Spot::default();
    for chain in chains {
        let of_chain = |found: &&ChainVerdict| found.chain == chain.id;
        let Some(found) = verdict.chains.iter().find(of_chain) else {
            bail!("the node is of chain {}, of which nothing is indexed", chain.id);
        };
        let asked = rebuild::spot_check(chain, found.block, &found.samples).await;
        let SpotChecked { asked, mismatches, .. } = asked.map_err(|error| {
            let (chain, block) = (chain.id, found.block.number);
            anyhow!(error).context(format!("no node of chain {chain} can tell of block {block}"))
        })?;
        spot.asked += asked;
        spot.mismatches.extend(mismatches.into_iter().map(|found| (chain.id, found)));
    }
    Ok((!chains.is_empty()).then_some(spot))
}

/// What contracts were asked, and what is not as their logs tell.
#[derive(Default)]
struct Spot {
    asked: usize,
    mismatches: Vec<(ChainId, Mismatch)>,
}

/// The work's outcome; none when the operator has ended it. While it must not be cut off it goes
/// on.
async fn unless_interrupted<T>(
    work: impl Future<Output = Result<T, RebuildError>>,
    stops: &AtomicBool,
) -> Result<Option<T>> {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            outcome = &mut work => return outcome.map(Some).map_err(explained),
            signal = tokio::signal::ctrl_c() => {
                signal?;
                if stops.load(Ordering::Relaxed) {
                    return Ok(None);
                }
                note("the tables are being exchanged; this ends by itself");
            }
        }
    }
}

/// An error, and what may be done about it.
fn explained(error: RebuildError) -> anyhow::Error {
    match &error {
        RebuildError::Unfinished { name, .. } => anyhow!("{error}. {}", how_to_go_on(name)),
        RebuildError::Changed(_) => anyhow!("{error} (`stoa index rebuild --discard`)"),
        _ => error.into(),
    }
}

fn how_to_go_on(name: &str) -> String {
    format!(
        "`stoa index rebuild {name}` goes on with what was made, `stoa index rebuild --discard` \
         drops it"
    )
}

fn chance() -> u32 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.subsec_nanos())
}

fn tell(progress: Progress, as_json: bool) {
    let Progress { phase, percent, logs, logs_per_second, eta } = progress;
    if as_json {
        let line = json!({
            "phase": phase.as_str(), "percent": percent, "logs": logs,
            "logs_per_second": logs_per_second, "eta_s": eta.map(|eta| eta.as_secs()),
        });
        return say(&line.to_string());
    }
    let left = eta.map(|eta| format!(", {} s left", eta.as_secs())).unwrap_or_default();
    say(&format!(
        "{}: {percent:.1} %, {logs} logs, {logs_per_second:.0} a second{left}",
        phase.as_str()
    ));
}

fn rebuilt_json(rebuilt: &Rebuilt) -> String {
    let chains = rebuilt.chains.iter();
    let chains: Vec<Value> = chains
        .map(|(chain, block)| json!({ "chain_id": chain.0, "block": block.number }))
        .collect();
    json!({
        "rebuilt": rebuilt.tables, "chains": chains, "logs": rebuilt.logs,
        "held_ms": rebuilt.held.as_millis(),
    })
    .to_string()
}

fn rebuilt_text(rebuilt: &Rebuilt) -> String {
    let chains = rebuilt.chains.iter();
    let chains: Vec<String> =
        chains.map(|(chain, block)| format!("block {} of chain {chain}", block.number)).collect();
    format!(
        "{} are made anew, as of {}; {} logs were read, and commits were held for {} ms",
        rebuilt.tables.join(", "),
        chains.join(", "),
        rebuilt.logs,
        rebuilt.held.max(Duration::from_millis(1)).as_millis(),
    )
}

fn verdict_json(verdict: &Verdict, spot: Option<&Spot>, seed: u32) -> String {
    let table = |table: &TableVerdict| {
        json!({
            "table": table.live.table, "rows": table.live.rows, "sha256": table.live.sha256,
            "rows_of_logs": table.made.rows, "sha256_of_logs": table.made.sha256,
            "equal": table.live == table.made, "different_rows": table.differences.count,
            "first": table.differences.first,
        })
    };
    let chain = |chain: &ChainVerdict| {
        json!({
            "chain_id": chain.chain.0, "block": chain.block.number,
            "undo_differences": chain.undo_differences,
            "tables": chain.tables.iter().map(table).collect::<Vec<_>>(),
        })
    };
    let row = |(chain, found): &(ChainId, Mismatch)| {
        json!({
            "chain_id": chain.0, "contract": found.sample.contract, "standard": found.sample.kind,
            "token_id": found.sample.token_id.to_string(), "account": found.sample.account,
            "balance": found.sample.balance.to_string(), "contract_says": found.said,
        })
    };
    let spot = spot.map(|spot| {
        json!({
            "asked": spot.asked, "seed": seed,
            "mismatches": spot.mismatches.iter().map(row).collect::<Vec<_>>(),
        })
    });
    json!({
        "equal": verdict.is_equal(), "logs": verdict.logs,
        "chains": verdict.chains.iter().map(chain).collect::<Vec<_>>(), "spot_check": spot,
    })
    .to_string()
}

fn tell_verdict(verdict: &Verdict, spot: Option<&Spot>, seed: u32) {
    for chain in &verdict.chains {
        say(&format!("chain {}, block {}", chain.chain, chain.block.number));
        for table in &chain.tables {
            let name = table.live.table;
            if table.live == table.made {
                say(&format!("  {name}: {} rows, equal", table.live.rows));
                continue;
            }
            let count = table.differences.count;
            say(&format!(
                "  {name}: {count} rows differ ({} live, {} of the logs)",
                table.live.rows, table.made.rows
            ));
            for row in &table.differences.first {
                say(&format!("    {row}"));
            }
        }
        if chain.undo_differences > 0 {
            say(&format!("  undo records: {} differ", chain.undo_differences));
        }
    }
    let Some(spot) = spot else {
        return say("no contract was asked: no node is named (--rpc, --config)");
    };
    say(&format!(
        "{} balances and owners were asked for (seed {seed}), {} are not so",
        spot.asked,
        spot.mismatches.len()
    ));
    for (chain, Mismatch { sample, said }) in &spot.mismatches {
        let says = said.as_deref().unwrap_or("nothing");
        say(&format!(
            "    chain {chain}: {} {}, token id {}, account {}: {} by its logs; the contract says \
             {says}",
            sample.kind, sample.contract, sample.token_id, sample.account, sample.balance
        ));
    }
}
