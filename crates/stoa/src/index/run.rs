//! `stoa index run`: a process that indexes one chain and does nothing else.

use crate::{configuration::Settings, database::DatabaseOptions, note};
use anyhow::{Context, Result, bail};
use chain::{Chain, PoolConfiguration};
use clap::Args;
use db::{Db, index_sources, registry};
use indexer::IndexerOptions;
use projections::Projections;
use runtime::{CancellationToken, Ended, Importance, Metrics, Supervisor};
use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tokio::net::TcpListener;

/// How often histograms are folded, which bounds their memory.
const UPKEEP: Duration = Duration::from_secs(5);
/// How long a scrape under way may take when all ends.
const DRAIN: Duration = Duration::from_secs(2);

#[derive(Args, Debug)]
pub(crate) struct RunOptions {
    /// A node of the chain; several for failover. Else those of the configuration.
    #[arg(long, value_name = "URL")]
    rpc: Vec<String>,
    /// What is decided of the engine; of it `[chain]`, `[pool]`, `[indexer]`, `[[endpoints]]` and
    /// `[[sources]]` hold here.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// End once the index stands at the node's head.
    #[arg(long)]
    until_head: bool,
    /// Serve `GET /metrics` here, without a key; 0 takes a free port, and prints it.
    #[arg(long, value_name = "ADDR:PORT")]
    http: Option<SocketAddr>,
    #[command(flatten)]
    database: DatabaseOptions,
}

pub(crate) async fn run(options: RunOptions) -> Result<()> {
    let settings = Settings::load(options.config.as_deref())?;
    let endpoints = match settings.chain_endpoints() {
        Some(_) if !options.rpc.is_empty() => {
            bail!("the configuration names [[endpoints]]: leave out --rpc")
        }
        Some(configured) => configured,
        None if options.rpc.is_empty() => bail!("name a node: --rpc URL"),
        None => PoolConfiguration::of_urls(&options.rpc),
    };
    let mut supervisor = Supervisor::new(CancellationToken::new());
    if let Some(address) = options.http {
        serve_metrics(&mut supervisor, address).await?;
    }
    let chain = crate::dev::open_chain(&endpoints, None, &settings).await?;
    let db = options.database.connect_migrating().await?;
    let (projections, start_block) = what(&db, &chain, &settings).await?;
    let indexer = IndexerOptions { start_block, ..settings.indexer };
    if !options.until_head {
        watch_endpoints(&mut supervisor, chain.clone());
    }
    let shutdown = supervisor.token().cancelled_owned();
    let until_head = options.until_head;
    supervisor.spawn("indexer", Importance::Critical, async move {
        let projector = Arc::new(projections);
        if until_head {
            indexer::run_to_head(db, chain, projector, indexer, shutdown).await;
        } else {
            indexer::run(db, chain, projector, indexer, shutdown).await;
        }
        Ok(())
    });
    let told = async {
        // Without a handler for signals there is only the hard way, which does no harm.
        let _ = tokio::signal::ctrl_c().await;
    };
    match supervisor.run(told, DRAIN).await {
        Ended { cause: Some((task, Some(error))), .. } => {
            Err(anyhow::Error::from_boxed(error)).with_context(|| format!("{task} failed"))
        }
        _ => Ok(()),
    }
}

/// What is indexed of this chain, and from which block on.
async fn what(db: &Db, chain: &Chain, settings: &Settings) -> Result<(Projections, u64)> {
    let deployed = registry::load(&mut *db.acquire().await?, chain.id).await?;
    let name = contracts::COLLECTION_FACTORY.name;
    let factories = deployed.iter().filter(|row| row.name == name).map(|row| row.address).collect();
    let first = deployed.iter().map(|row| row.deploy_block.unsigned_abs()).min();
    let sources = settings.index_sources();
    let added = index_sources::load(&mut *db.acquire().await?, chain.id).await?;
    if first.is_none() && sources.is_empty() && added.is_empty() {
        bail!("nothing is to be indexed: the configuration names no [[sources]]");
    }
    let start_block = settings.start_block(first.unwrap_or(u64::MAX));
    Ok((Projections::new(factories).recording(sources), start_block))
}

async fn serve_metrics(supervisor: &mut Supervisor, address: SocketAddr) -> Result<()> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address} (another one: --http ADDR:PORT)"))?;
    let metrics = runtime::install_metrics()?;
    note(&format!("metrics: http://{}/metrics", listener.local_addr()?));
    let (token, kept) = (supervisor.token(), metrics.clone());
    let served = api::serve_metrics(listener, metrics, token.clone());
    supervisor.spawn("metrics", Importance::Critical, async { Ok(served.await?) });
    supervisor.spawn("housekeeper", Importance::Critical, async move {
        tokio::select! {
            () = token.cancelled() => {}
            () = keep(kept) => {}
        }
        Ok(())
    });
    Ok(())
}

async fn keep(metrics: Metrics) {
    loop {
        tokio::time::sleep(UPKEEP).await;
        metrics.upkeep();
    }
}

/// Watches how the chain's endpoints are.
fn watch_endpoints(supervisor: &mut Supervisor, chain: Chain) {
    let token = supervisor.token();
    supervisor.spawn("endpoints", Importance::Critical, async move {
        tokio::select! {
            () = token.cancelled() => Ok(()),
            never = chain.watch_endpoints() => match never {},
        }
    });
}
