//! `stoa index add`: a contract for an index under way.

use crate::{configuration::SourceSettings, database::DatabaseOptions, index::the_chain, say};
use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use db::{
    PgConnection,
    index_sources::{self, SourceRow},
};
use projections::Projections;
use vocab::ChainId;

#[derive(Args, Debug)]
pub(crate) struct AddOptions {
    /// The contract; `*` with events: every one that tells of them.
    address: String,
    /// What its logs mean: erc20, erc721 or erc1155; erc20_fee or erc20_rebasing, whose balances
    /// are read of the contract; or how they are read: events (those of `--event`), abi (the one
    /// that was uploaded).
    #[arg(long)]
    standard: String,
    /// The first block whose logs are kept: the one that made it.
    #[arg(long, default_value_t = 1, value_name = "N")]
    start_block: u64,
    /// Only keep its logs, and make nothing of them.
    #[arg(long)]
    logs_only: bool,
    /// It is a factory: the event that names a contract that it made, as Solidity declares it.
    #[arg(long, value_name = "EVENT", requires = "factory_parameter")]
    factory_event: Option<String>,
    /// Which of that event's arguments is the contract. `--standard` is that of those contracts.
    #[arg(long, value_name = "NAME", requires = "factory_event")]
    factory_parameter: Option<String>,
    /// An event that is read, as Solidity declares it; may be repeated.
    #[arg(long = "event", value_name = "EVENT")]
    events: Vec<String>,
    /// EIP-155 id of the chain, when several are indexed.
    #[arg(long, value_name = "ID")]
    chain: Option<u64>,
    #[command(flatten)]
    database: DatabaseOptions,
}

pub(crate) async fn add(options: AddOptions) -> Result<()> {
    let settings = SourceSettings {
        address: options.address,
        standard: options.standard,
        start_block: options.start_block,
        projected: !options.logs_only,
        factory_event: options.factory_event,
        factory_parameter: options.factory_parameter,
        events: options.events,
    };
    let sources = settings.read().map_err(|(option, detail)| anyhow!("{option}: {detail}"))?;
    let db = options.database.connect().await?;
    let mut tx = db::begin(&db).await?;
    let (chain, checkpoint) = the_chain(&mut tx, options.chain).await?;
    let mut new = Vec::new();
    for source in &sources {
        let row = source.row(false);
        if is_new(&mut tx, chain, &row).await? {
            new.push(row);
        }
    }
    if new.is_empty() {
        say(&format!("{} is in the index of chain {chain} already", settings.address));
        return Ok(());
    }
    let projections = Projections::new(Vec::new());
    indexer::record_added(&mut tx, chain, checkpoint.block, (&projections, new)).await?;
    tx.commit().await.context("it is not known whether the contract was added")?;
    say(&format!(
        "{} is read from block {} on, beside what chain {chain} goes on with; `stoa index status` \
         says how far it is",
        settings.address, settings.start_block,
    ));
    Ok(())
}

/// False when the index has it.
async fn is_new(db: &mut PgConnection, chain: ChainId, row: &SourceRow) -> Result<bool> {
    let contract = row.address;
    if let Some(found) = index_sources::find(db, chain, contract).await? {
        if found.agrees(row) {
            return Ok(false);
        }
        bail!(
            "{contract} is in the index of chain {chain} as {} from block {}: it can't be changed",
            found.kind,
            found.start_block,
        );
    }
    if let Some(factory) = index_sources::find_factory(db, chain, contract).await? {
        bail!("{contract} is in the index of chain {chain} already: {factory} made it");
    }
    Ok(true)
}
