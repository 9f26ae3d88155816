//! `stoa index add` and `remove`: contracts of an index under way.

use crate::{
    configuration::SourceSettings, database::DatabaseOptions, index::the_chain, note, say,
    terminal::changed_index,
};
use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use db::{
    Db, PgConnection, checkpoints,
    index_sources::{self, SourceRow},
};
use indexer::{PurgeError, RemoveError, Removed};
use journal::NewFact;
use projections::{Events, Projections, Source};
use serde_json::{Value, json};
use vocab::{Address, ChainId};

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
    let (mut new, mut again) = (Vec::new(), Vec::new());
    for source in &sources {
        let row = source.row(false);
        match find_same(&mut tx, chain, &row).await? {
            None => new.push(row),
            Some(found) => again.extend(Some(found).filter(|found| found.last_block.is_some())),
        }
    }
    if new.is_empty() && again.is_empty() {
        say(&format!("{} is in the index of chain {chain} already", settings.address));
        return Ok(());
    }
    let mut block = checkpoint.block;
    if !again.is_empty() {
        // Where they go on is a block that nobody may move meanwhile.
        let held = checkpoints::raise_epoch(&mut tx, chain).await?;
        block = held.context("the index was thrown away meanwhile")?.block;
        for row in &again {
            // Nor may they have begun to be deleted, or be gone.
            let found = find_same(&mut tx, chain, row).await?;
            found.context("it was deleted meanwhile: add it again")?;
        }
    }
    let told: Vec<NewFact> = again.iter().chain(&new).map(|row| added(chain, row)).collect();
    journal::record(&mut tx, &told).await?;
    indexer::record_followed_again(&mut tx, chain, block, &again).await?;
    let projections = Projections::new(Vec::new());
    indexer::record_added(&mut tx, chain, block, (&projections, new)).await?;
    tx.commit().await.context("it is not known whether the contract was added")?;
    let first = again.iter().filter_map(|row| row.last_block).min();
    say(&format!(
        "{} is read from block {} on, beside what chain {chain} goes on with; `stoa index status` \
         says how far it is",
        settings.address,
        first.map_or(settings.start_block, |last| last.min(block.number) + 1),
    ));
    Ok(())
}

/// For the record.
fn added(chain: ChainId, row: &SourceRow) -> NewFact {
    let before = match row.last_block {
        Some(last) => json!({ "removed_at_block": last }),
        None => Value::Null,
    };
    let after = json!({
        "standard": row.kind, "start_block": row.start_block, "projected": row.projected,
        "anywhere": row.anywhere, "factory_event": row.factory.as_ref().map(|one| &one.event),
    });
    let about = ("source", row.address.to_string());
    changed_index(("added", chain), about, (before, after))
}

/// The same in the index, if it has it.
async fn find_same(
    db: &mut PgConnection,
    chain: ChainId,
    row: &SourceRow,
) -> Result<Option<SourceRow>> {
    let contract = row.address;
    if let Some(found) = index_sources::find(db, chain, contract).await? {
        if found.purging {
            bail!(
                "what was indexed of {contract} on chain {chain} is being deleted: {}",
                how_to_purge(&contract.to_string())
            );
        }
        if found.agrees(row) {
            return Ok(Some(found));
        }
        bail!(
            "{contract} is in the index of chain {chain} as {} from block {}{}: it can't be \
             changed",
            found.kind,
            found.start_block,
            found.last_block.map_or(String::new(), |last| format!(" to {last}")),
        );
    }
    if let Some(factory) = index_sources::find_factory(db, chain, contract).await? {
        bail!("{contract} is in the index of chain {chain} already: {factory} made it");
    }
    Ok(None)
}

#[derive(Args, Debug)]
pub(crate) struct RemoveOptions {
    /// The contract; `*` with an event: what was added so.
    address: String,
    /// The event of `*`, as Solidity declares it.
    #[arg(long, value_name = "EVENT")]
    event: Option<String>,
    /// Delete what is indexed of one that was removed before. Cut off, the same command goes on.
    #[arg(long)]
    purge: bool,
    /// EIP-155 id of the chain, when several are indexed.
    #[arg(long, value_name = "ID")]
    chain: Option<u64>,
    #[command(flatten)]
    database: DatabaseOptions,
}

impl RemoveOptions {
    /// What stands for it in the index.
    fn contract(&self) -> Result<Address> {
        match (self.address.as_str(), &self.event) {
            ("*", Some(event)) => {
                let events =
                    Events::parse(&[event]).map_err(|detail| anyhow!("event: {detail}"))?;
                let sources = Source::anywhere(&events, 0);
                Ok(sources.first().context("event: there is none")?.address)
            }
            ("*", None) => bail!("name the event of `*`: --event EVENT"),
            (_, Some(_)) => bail!("--event goes with `*`: of a contract all of it is removed"),
            (text, None) => text.parse().map_err(|_| anyhow!("address: must be 0x and 40 digits")),
        }
    }
}

pub(crate) async fn remove(options: RemoveOptions) -> Result<()> {
    let contract = options.contract()?;
    let db = options.database.connect().await?;
    let (chain, _) = the_chain(&mut *db.acquire().await?, options.chain).await?;
    let name = &options.address;
    if options.purge {
        return purge(&db, chain, contract, name).await;
    }
    let about = ("source", contract.to_string());
    let states = (json!({ "followed": true }), json!({ "followed": false }));
    let told = changed_index(("removed", chain), about, states);
    let removed = match indexer::remove(&db, chain, contract, &[told]).await {
        Ok(removed) => removed,
        Err(RemoveError::NotIndexed) => bail!("{name} is not in the index of chain {chain}"),
        Err(RemoveError::Configured) => bail!(
            "the configuration names {name}: take it out of [[sources]] there, and start again \
             what indexes chain {chain}"
        ),
        Err(RemoveError::MadeBy(factory)) => bail!(
            "{factory} made {name}, and has what it makes followed: only that factory can be \
             removed"
        ),
        Err(RemoveError::Purging) => bail!(
            "what was indexed of {name} on chain {chain} is being deleted: {}",
            how_to_purge(name)
        ),
        Err(error) => return Err(error.into()),
    };
    say(&match removed {
        Removed::At(last) => format!(
            "{name} is followed no more on chain {chain}: what it told to block {last} stays, and \
             `stoa index add` goes on from there"
        ),
        Removed::Unread => format!("{name} is gone from chain {chain}: nothing of it was read yet"),
        Removed::Before(last) => {
            format!("{name} was removed from chain {chain} before, at block {last}")
        }
    });
    Ok(())
}

/// Delete what is indexed of a contract that was removed.
async fn purge(db: &Db, chain: ChainId, contract: Address, name: &str) -> Result<()> {
    let mut told = |logs: u64| note(&format!("{logs} logs are deleted"));
    let projections = Projections::new(Vec::new());
    let about = ("source", contract.to_string());
    let states = (json!({ "followed": false }), Value::Null);
    let begun = changed_index(("purged", chain), about, states);
    let with = (&projections as &dyn indexer::Projector, std::slice::from_ref(&begun));
    let logs = match indexer::purge(db, chain, contract, with, &mut told).await {
        Ok(logs) => logs,
        Err(PurgeError::NotIndexed) => bail!("{name} is not in the index of chain {chain}"),
        Err(PurgeError::Followed) => bail!(
            "{name} is followed on chain {chain}: remove it first (`stoa index remove`, or in the \
             configuration)"
        ),
        Err(PurgeError::MadeBy(factory)) => bail!(
            "{factory} made {name}: only what is left of that factory can be deleted, with all \
             that it made"
        ),
        Err(PurgeError::Unsettled { last, oldest }) => bail!(
            "{name} was followed to block {last} of chain {chain}, which a reorg could still \
             reach: wait until the window, which begins at block {oldest}, has gone past it"
        ),
        Err(PurgeError::Ours) => {
            bail!("{name} is a collection of our factory, whose rows stay in any case")
        }
        Err(PurgeError::Claimed { contract, by }) => bail!(
            "{by} has named {contract}, too, which would be its own without {name}: remove and \
             delete {by} as well, then add it again"
        ),
        Err(error) => return Err(error.into()),
    };
    say(&format!("{name} is gone from chain {chain}: {logs} logs were deleted"));
    Ok(())
}

fn how_to_purge(name: &str) -> String {
    format!("`stoa index remove '{name}' --purge` ends that")
}
