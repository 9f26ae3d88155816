//! `stoa chain`: what an operator may do about a chain.

use crate::{database::DatabaseOptions, say, terminal::changed_chain};
use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use db::{Db, checkpoints};
use indexer::RewindError;
use projections::Projections;
use serde_json::json;
use vocab::{ChainId, topic};

#[derive(Subcommand, Debug)]
pub(crate) enum ChainCommand {
    /// Let a chain go on that the indexer has stopped (`reorg_too_deep`), after what was wrong with
    /// the node was mended. It stops again if the node still shows another chain.
    Resume(ResumeOptions),
}

#[derive(Args, Debug)]
pub(crate) struct ResumeOptions {
    /// EIP-155 id of the chain.
    chain_id: u64,
    /// The chain itself has changed: throw away what is indexed of it, and index it from nothing.
    #[arg(long)]
    anew: bool,
    #[command(flatten)]
    database: DatabaseOptions,
}

pub(crate) async fn run(command: ChainCommand) -> Result<()> {
    let ChainCommand::Resume(options) = command;
    let chain = ChainId(options.chain_id);
    let db = options.database.connect().await?;
    if options.anew { begin_anew(&db, chain).await } else { resume(&db, chain).await }
}

async fn begin_anew(db: &Db, chain: ChainId) -> Result<()> {
    let projections = Projections::new(Vec::new());
    let states = (json!({ "state": "stopped" }), json!({ "state": "begun_anew" }));
    let decided = [changed_chain("begun_anew", chain, states)];
    let with = (&projections as &dyn indexer::Projector, &decided[..]);
    let stood = match indexer::begin_anew(db, chain, with).await {
        Ok(stood) => stood,
        Err(RewindError::Unknown) => bail!("nothing of chain {chain} is indexed"),
        Err(RewindError::NotStopped(height)) => {
            bail!("chain {chain} is not stopped: it is indexed to block {height}")
        }
        Err(error) => return Err(error.into()),
    };
    say(&format!(
        "what was indexed of chain {chain} up to block {} is thrown away; whoever indexes it \
         begins anew within 5 s",
        stood.number
    ));
    Ok(())
}

async fn resume(db: &Db, chain: ChainId) -> Result<()> {
    let mut transaction = db::begin(db).await?;
    let Some(before) = checkpoints::load(&mut transaction, chain).await? else {
        bail!("nothing of chain {chain} is indexed");
    };
    let Some(found) = checkpoints::record_resumed(&mut transaction, chain).await? else {
        bail!("chain {chain} is not stopped: it is indexed to block {}", before.block.number);
    };
    let resumed = journal::NewFact {
        topic: topic::CHAIN,
        kind: "chain_resumed",
        reverting: false,
        attributes: json!({ "chain_id": chain.to_string() }),
        chain_id: Some(chain),
        block: Some(found.block),
        data: json!({ "chain_id": chain.to_string(), "stopped_by": before.stopped }),
    };
    let states = (json!({ "state": "stopped", "stopped_by": before.stopped }), json!({}));
    let decided = changed_chain("resumed", chain, states);
    journal::record(&mut transaction, &[resumed, decided]).await?;
    transaction.commit().await?;
    say(&format!(
        "chain {chain} goes on from block {} within 5 s, if the node has this block: {}",
        found.block.number, found.block.hash
    ));
    Ok(())
}
