//! `stoa index rewind`: back to an earlier block of the window.

use crate::{database::DatabaseOptions, index::the_chain, say, terminal::changed_chain};
use anyhow::{Result, bail};
use clap::Args;
use db::registry;
use indexer::RewindError;
use projections::Projections;
use serde_json::json;

#[derive(Args, Debug)]
pub(crate) struct RewindOptions {
    /// The block that the index is to stand at.
    block: u64,
    /// EIP-155 id of the chain, when several are indexed.
    #[arg(long, value_name = "ID")]
    chain: Option<u64>,
    #[command(flatten)]
    database: DatabaseOptions,
}

pub(crate) async fn rewind(options: RewindOptions) -> Result<()> {
    let db = options.database.connect().await?;
    let mut connection = db.acquire().await?;
    let (chain, checkpoint) = the_chain(&mut connection, options.chain).await?;
    let factories = registry::load(&mut connection, chain).await?;
    drop(connection);
    let name = contracts::COLLECTION_FACTORY.name;
    let factories = factories.iter().filter(|row| row.name == name).map(|row| row.address);
    let projections = Projections::new(factories.collect());
    let from = checkpoint.block;
    let states = (json!({ "block": from.number }), json!({ "block": options.block }));
    let decided = [changed_chain("rewound", chain, states)];
    let with = (&projections as &dyn indexer::Projector, &decided[..]);
    let rewound = match indexer::rewind(&db, chain, with, options.block).await {
        Ok(rewound) => rewound,
        Err(RewindError::BelowWindow(oldest)) => bail!(
            "blocks below {oldest} of chain {chain} are settled: what they did can't be taken \
             back. To begin lower, index the chain into an empty database"
        ),
        Err(error) => return Err(error.into()),
    };
    let from = rewound.from.number;
    say(&format!(
        "chain {chain} stands at block {}: {} logs of the blocks to {from} were taken back{}",
        rewound.to.number,
        rewound.logs,
        if checkpoint.paused {
            "; it is paused"
        } else {
            "; whoever indexes it goes on from there"
        },
    ));
    Ok(())
}
