//! `stoa index add`: a contract for an index under way.

use crate::{configuration::SourceSettings, database::DatabaseOptions, index::the_chain, say};
use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use db::index_sources;

#[derive(Args, Debug)]
pub(crate) struct AddOptions {
    /// The contract.
    address: String,
    /// What its logs mean: erc20, erc721 or erc1155.
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
    };
    let source = settings.read().map_err(|(option, detail)| anyhow!("{option}: {detail}"))?;
    let row = source.row(false);
    let db = options.database.connect().await?;
    let mut tx = db::begin(&db).await?;
    let (chain, checkpoint) = the_chain(&mut tx, options.chain).await?;
    let contract = row.address;
    match index_sources::find(&mut tx, chain, contract).await? {
        None => {
            if let Some(factory) = index_sources::find_factory(&mut tx, chain, contract).await? {
                bail!("{contract} is in the index of chain {chain} already: {factory} made it");
            }
        }
        Some(found) if found.agrees(&row) => {
            say(&format!("{contract} is in the index of chain {chain} already"));
            return Ok(());
        }
        Some(found) => bail!(
            "{contract} is in the index of chain {chain} as {} from block {}, which can't be \
             changed",
            found.kind,
            found.start_block,
        ),
    }
    indexer::record_added(&mut tx, chain, checkpoint.block, &[row]).await?;
    tx.commit().await.context("it is not known whether the contract was added")?;
    say(&format!(
        "{contract} is read from block {} on, beside what chain {chain} goes on with; `stoa index \
         status` says how far it is",
        source.start_block,
    ));
    Ok(())
}
