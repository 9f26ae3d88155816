//! `stoa chain`: what an operator may do about a chain.

use crate::{database::DatabaseOptions, say};
use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use db::checkpoints;
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
    #[command(flatten)]
    database: DatabaseOptions,
}

pub(crate) async fn run(command: ChainCommand) -> Result<()> {
    let ChainCommand::Resume(options) = command;
    let chain = ChainId(options.chain_id);
    let db = options.database.connect().await?;
    let mut transaction = db::begin(&db).await?;
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
    journal::record(&mut transaction, &[resumed]).await?;
    transaction.commit().await?;
    say(&format!(
        "chain {chain} goes on from block {} within 5 s, if the node has this block: {}",
        found.block.number, found.block.hash
    ));
    Ok(())
}
