//! `stoa index`: chains into a database, and what an operator may do about it.

mod rewind;
pub(crate) mod run;
mod sources;

use crate::{
    cli::LogOptions,
    database::DatabaseOptions,
    index_rebuild::{self, RebuildOptions, VerifyOptions},
    say,
    terminal::changed_chain,
};
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use db::{
    checkpoints::{self, Checkpoint},
    index_progress::{self, ChainIndex},
    index_sources::SourceRow,
};
use journal::NewFact;
use serde_json::{Value, json};
use vocab::{ChainId, topic};

#[derive(Subcommand, Debug)]
pub(crate) enum IndexCommand {
    /// Index a chain, or all chains of a configuration, until told to end. Brings the schema up to
    /// date first; of a chain that another process indexes it stands by, and indexes the others.
    Run(Box<run::RunOptions>),
    /// How far each chain is.
    Status(StatusOptions),
    /// Have the indexer of a chain wait: once this has ended, nothing of it is committed.
    Pause(ChainOptions),
    /// Let a paused chain go on.
    Resume(ChainOptions),
    /// Add a contract to the index of a chain: it is read beside what goes on, up to the head.
    Add(Box<sources::AddOptions>),
    /// Follow a contract no more that `add` has added: what is indexed of it stays as it is, until
    /// it is deleted (`--purge`).
    Remove(sources::RemoveOptions),
    /// Take the index of a chain back to a block of its reorg window.
    Rewind(rewind::RewindOptions),
    /// Make projections anew of the stored logs, while the index goes on.
    Rebuild(RebuildOptions),
    /// Compare projections with what the stored logs say, and balances and owners with what their
    /// contracts say.
    Verify(VerifyOptions),
}

#[derive(Args, Debug)]
pub(crate) struct StatusOptions {
    /// As JSON, one object a chain.
    #[arg(long)]
    json: bool,
    /// EIP-155 id of the only chain that is shown.
    #[arg(long, value_name = "ID")]
    chain: Option<u64>,
    #[command(flatten)]
    database: DatabaseOptions,
}

#[derive(Args, Debug)]
pub(crate) struct ChainOptions {
    /// EIP-155 id of the chain, when several are indexed.
    #[arg(conflicts_with = "chain")]
    chain_id: Option<u64>,
    /// The same.
    #[arg(long, value_name = "ID")]
    chain: Option<u64>,
    #[command(flatten)]
    database: DatabaseOptions,
}

pub(crate) async fn run(command: IndexCommand, logs: &LogOptions) -> Result<()> {
    match command {
        IndexCommand::Run(options) => run::run(*options, logs).await,
        IndexCommand::Status(options) => status(options).await,
        IndexCommand::Pause(options) => pause(options).await,
        IndexCommand::Resume(options) => resume(options).await,
        IndexCommand::Add(options) => sources::add(*options).await,
        IndexCommand::Remove(options) => sources::remove(options).await,
        IndexCommand::Rewind(options) => rewind::rewind(options).await,
        IndexCommand::Rebuild(options) => index_rebuild::rebuild(options).await,
        IndexCommand::Verify(options) => index_rebuild::verify(options).await,
    }
}

/// The chain with this id, or the only one that is indexed.
async fn the_chain(db: &mut db::PgConnection, id: Option<u64>) -> Result<(ChainId, Checkpoint)> {
    let known: Vec<ChainId> =
        index_progress::load(db).await?.into_iter().map(|index| index.chain).collect();
    let chain = match (id, &known[..]) {
        (Some(id), _) => ChainId(id),
        (None, [one]) => *one,
        (None, []) => bail!("nothing is indexed yet"),
        (None, _) => bail!("several chains are indexed ({}): name one, --chain ID", ids(&known)),
    };
    let checkpoint = checkpoints::load(db, chain).await?;
    let checkpoint = checkpoint.with_context(|| not_indexed(chain, &known))?;
    Ok((chain, checkpoint))
}

fn not_indexed(chain: ChainId, known: &[ChainId]) -> String {
    match known {
        [] => format!("nothing of chain {chain} is indexed"),
        _ => format!("nothing of chain {chain} is indexed, only of {}", ids(known)),
    }
}

fn ids(chains: &[ChainId]) -> String {
    chains.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

async fn status(options: StatusOptions) -> Result<()> {
    let db = options.database.connect().await?;
    let mut chains = index_progress::load(&mut *db.acquire().await?).await?;
    if let Some(id) = options.chain.map(ChainId) {
        let known: Vec<ChainId> = chains.iter().map(|index| index.chain).collect();
        chains.retain(|index| index.chain == id);
        if chains.is_empty() {
            bail!("{}", not_indexed(id, &known));
        }
    }
    for chain in &chains {
        say(&if options.json { as_json(chain) } else { as_text(chain) });
    }
    if chains.is_empty() && !options.json {
        say("nothing is indexed yet");
    }
    Ok(())
}

fn as_json(index: &ChainIndex) -> String {
    let run = index.progress.as_ref().map(|run| {
        json!({
            "base_block": run.base, "target_block": run.target, "logs": run.logs,
            "percent": run.percent(index.block.number),
            "logs_per_second": run.logs_per_second(),
            "waited_ms": {
                "node": run.node.as_millis(), "decode": run.decode.as_millis(),
                "database": run.database.as_millis(),
            },
        })
    });
    let height = index.block.number;
    let sources: Vec<Value> = index.sources.iter().map(|one| source_json(one, height)).collect();
    json!({
        "chain_id": index.chain.0, "block": index.block.number, "state": index.state,
        "detail": index.detail, "settled": run,
        "sources": sources,
    })
    .to_string()
}

fn source_json(source: &SourceRow, height: u64) -> Value {
    json!({
        "contract": named(source), "standard": source.kind, "events": source.event_names(),
        "start_block": source.start_block, "projected": source.projected,
        "configured": source.configured,
        "state": match (source.beside, source.last_block) {
            _ if source.purging => "purging",
            (Some(_), _) => "backfilling",
            (None, Some(_)) => "removed",
            (None, None) => "live",
        },
        "block": source.reached(height),
        "percent": source.percent(height),
        "factory_event": source.factory.as_ref().map(|factory| &factory.event),
    })
}

fn as_text(index: &ChainIndex) -> String {
    let mut text = format!("chain {}: block {}, {}", index.chain, index.block.number, index.state);
    if let Some(detail) = &index.detail {
        text.push_str(&format!(" ({detail})"));
    }
    if let Some(run) = &index.progress {
        text.push_str(&format!(
            "; settled blocks to {}: {:.1} %, {} logs, {:.0} a second",
            run.target,
            run.percent(index.block.number),
            run.logs,
            run.logs_per_second(),
        ));
        if let Some(left) = run.eta(index.block.number) {
            text.push_str(&format!(", {} s left", left.as_secs()));
        }
    }
    for source in &index.sources {
        let contract = named(source);
        let made = if source.factory.is_some() { "factory of " } else { "" };
        let kind = format!("{made}{}", source.kind);
        let state = match (source.beside, source.last_block) {
            _ if source.purging => "what is left is being deleted".to_owned(),
            (Some(at), _) => {
                format!("at block {}, {:.1} %", at.height, source.percent(index.block.number))
            }
            (None, Some(last)) => format!("removed at block {last}"),
            (None, None) => "live".to_owned(),
        };
        text.push_str(&format!("\n  {contract} {kind} from {}: {state}", source.start_block));
    }
    text
}

/// What the operator calls it.
fn named(source: &SourceRow) -> String {
    if source.anywhere { "*".to_owned() } else { source.address.to_string() }
}

async fn pause(options: ChainOptions) -> Result<()> {
    let db = options.database.connect().await?;
    let mut transaction = db::begin(&db).await?;
    let (chain, _) = the_chain(&mut transaction, options.chain_id.or(options.chain)).await?;
    let Some(paused) = checkpoints::record_paused(&mut transaction, chain).await? else {
        bail!("{}", refusal(&mut transaction, chain).await?);
    };
    let block = paused.block;
    let states = (json!({ "paused": false }), json!({ "paused": true }));
    let decided = changed_chain("paused", chain, states);
    journal::record(&mut transaction, &[fact("chain_paused", chain, block), decided]).await?;
    transaction.commit().await.context("it is not known whether the chain is paused")?;
    say(&format!("chain {chain} is paused at block {}", block.number));
    Ok(())
}

async fn resume(options: ChainOptions) -> Result<()> {
    let db = options.database.connect().await?;
    let mut transaction = db::begin(&db).await?;
    let (chain, _) = the_chain(&mut transaction, options.chain_id.or(options.chain)).await?;
    let Some(resumed) = checkpoints::record_unpaused(&mut transaction, chain).await? else {
        bail!("{}", refusal(&mut transaction, chain).await?);
    };
    let block = resumed.block;
    let states = (json!({ "paused": true }), json!({ "paused": false }));
    let decided = changed_chain("resumed", chain, states);
    journal::record(&mut transaction, &[fact("chain_resumed", chain, block), decided]).await?;
    transaction.commit().await.context("it is not known whether the chain goes on")?;
    say(&format!("chain {chain} goes on from block {}", block.number));
    Ok(())
}

/// Why a chain was neither paused nor let go on.
async fn refusal(db: &mut db::PgConnection, chain: ChainId) -> Result<String> {
    let Some(checkpoint) = checkpoints::load(db, chain).await? else {
        return Ok(not_indexed(chain, &[]));
    };
    Ok(match (checkpoint.paused, checkpoint.stopped) {
        (true, _) => format!("chain {chain} is paused already"),
        (false, Some(why)) => {
            format!("chain {chain} is stopped ({why}); `stoa chain resume` lets it go on")
        }
        (false, None) => format!("chain {chain} is not paused"),
    })
}

fn fact(kind: &'static str, chain: ChainId, block: vocab::BlockRef) -> NewFact {
    NewFact {
        topic: topic::CHAIN,
        kind,
        reverting: false,
        attributes: json!({ "chain_id": chain.to_string() }),
        chain_id: Some(chain),
        block: Some(block),
        data: json!({ "chain_id": chain.to_string() }),
    }
}
