//! `stoa index run`: a process that indexes chains and does nothing else.

use crate::{
    cli::LogOptions,
    configuration::{ChainConfiguration, ConfigurationOptions, Reloader},
    database::DatabaseOptions,
    nodes, note,
};
use anyhow::{Context, Result, bail};
use chain::Chain;
use clap::Args;
use db::{Db, index_sources, registry};
use futures_util::future::try_join_all;
use indexer::IndexerOptions;
use projections::Projections;
use runtime::{CancellationToken, Ended, Importance, Metrics, Supervisor};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Barrier};
use vocab::Address;

/// How often histograms are folded, which bounds their memory.
const UPKEEP: Duration = Duration::from_secs(5);
/// How long a scrape under way may take when all ends.
const DRAIN: Duration = Duration::from_secs(2);
/// Connections of a process that indexes one chain, and for each further one: its lock, its
/// commits, and what is read beside them. No chain waits for the connections of another.
const CONNECTIONS: u32 = 8;
pub(crate) const CONNECTIONS_PER_CHAIN: u32 = 5;

#[derive(Args, Debug)]
pub(crate) struct RunOptions {
    /// A node of the chain; several for failover. Else those of the configuration.
    #[arg(long, value_name = "URL")]
    rpc: Vec<String>,
    // Of it `[chain]`, `[pool]`, `[indexer]`, `[[endpoints]]`, `[[sources]]`, `[[chains]]`,
    // `[telemetry]` and `[database]` hold here. All chains that it names are indexed.
    #[command(flatten)]
    configuration: ConfigurationOptions,
    /// End once the index of each chain stands at its node's head.
    #[arg(long)]
    until_head: bool,
    /// Serve `GET /metrics` here, without a key; 0 takes a free port, and prints it.
    #[arg(long, value_name = "ADDR:PORT")]
    http: Option<SocketAddr>,
    #[command(flatten)]
    database: DatabaseOptions,
}

/// A chain, and what is to be indexed of it.
pub(crate) struct Task {
    pub chain: Chain,
    pub projections: Projections,
    pub options: IndexerOptions,
}

pub(crate) async fn run(options: RunOptions, logs: &LogOptions) -> Result<()> {
    let mut layers = options.configuration.layers();
    logs.above(&mut layers);
    let loaded = layers.load()?;
    let settings = &loaded.settings;
    let telemetry = logs.install(&settings.telemetry)?;
    loaded.log_warnings();
    let named = nodes::named(settings, &options.rpc)?;
    if named.is_empty() {
        bail!("name a node: --rpc URL, or [[endpoints]] or [[chains]] of --config FILE");
    }
    if settings.chain.endpoints.is_empty()
        && options.rpc.is_empty()
        && !settings.chain.sources.is_empty()
    {
        bail!("[[sources]] are of the chain of [[endpoints]], and the configuration names none");
    }
    let mut supervisor = Supervisor::new(CancellationToken::new());
    if let Some(address) = options.http {
        serve_metrics(&mut supervisor, address).await?;
    }
    let chains = named.iter().map(|(of, endpoints)| nodes::open(endpoints, None, of));
    let chains = try_join_all(chains).await?;
    let further = u32::try_from(chains.len().saturating_sub(1)).unwrap_or_default();
    let connections = CONNECTIONS + further * CONNECTIONS_PER_CHAIN;
    let db = options.database.above(settings).connect_migrating(connections).await?;
    let mut tasks = Vec::new();
    for (chain, (of, _)) in chains.into_iter().zip(&named) {
        tasks.push(what(&db, chain, of).await?);
    }
    let all_there = options.until_head.then(|| Arc::new(Barrier::new(tasks.len())));
    for task in tasks {
        spawn(&mut supervisor, &db, task, all_there.clone());
    }
    watch_configuration(
        &mut supervisor,
        Reloader::new(layers, loaded.clone(), telemetry.filter, None, db.clone()),
    );
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

/// Each chain has a task of its own: what holds one up is nothing to the others. With `all_there`
/// it ends when all of them have stood at their heads.
fn spawn(supervisor: &mut Supervisor, db: &Db, task: Task, all_there: Option<Arc<Barrier>>) {
    let Task { chain, projections, options } = task;
    if all_there.is_none() {
        watch_endpoints(supervisor, chain.clone());
    }
    let (db, token) = (db.clone(), supervisor.token());
    let shutdown = move || token.clone().cancelled_owned();
    supervisor.spawn("indexer", Importance::Critical, async move {
        let projector = Arc::new(projections);
        if let Some(barrier) = all_there {
            let to_head = indexer::run_to_head(
                db.clone(),
                chain.clone(),
                projector.clone(),
                options,
                shutdown(),
            );
            to_head.await;
            // The chain is still followed until the last one is there.
            tokio::select! {
                biased;
                _ = barrier.wait() => {}
                () = indexer::run(db, chain, projector, options, shutdown()) => {}
            }
        } else {
            indexer::run(db, chain, projector, options, shutdown()).await;
        }
        Ok(())
    });
}

/// What is to be indexed of this chain.
///
/// # Errors
/// That is nothing.
pub(crate) async fn what(db: &Db, chain: Chain, of: &ChainConfiguration) -> Result<Task> {
    let mut connection = db.acquire().await?;
    let deployed = registry::load(&mut connection, chain.id).await?;
    let name = contracts::COLLECTION_FACTORY.name;
    let ours = deployed.iter().filter(|row| row.name == name);
    let factories: Vec<Address> = ours.map(|row| row.address).collect();
    let first = deployed.iter().map(|row| row.deploy_block.unsigned_abs()).min();
    let sources = of.index_sources();
    let added = index_sources::load(&mut connection, chain.id).await?;
    if first.is_none() && sources.is_empty() && added.is_empty() {
        bail!(
            "nothing is to be indexed of chain {}: the configuration names no contract of it \
             ([[sources]], or [[chains.sources]])",
            chain.id
        );
    }
    let start_block = of.start_block(first.unwrap_or(u64::MAX));
    Ok(Task {
        projections: Projections::new(factories).recording(sources),
        options: IndexerOptions { start_block, ..of.indexer },
        chain,
    })
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

/// Takes what of the configuration is changed while all runs.
pub(crate) fn watch_configuration(supervisor: &mut Supervisor, reloader: Reloader) {
    let token = supervisor.token();
    supervisor.spawn("configuration", Importance::Critical, async move {
        reloader.run(token.cancelled_owned()).await;
        Ok(())
    });
}

/// Watches how the chain's endpoints are.
pub(crate) fn watch_endpoints(supervisor: &mut Supervisor, chain: Chain) {
    let token = supervisor.token();
    supervisor.spawn("endpoints", Importance::Critical, async move {
        tokio::select! {
            () = token.cancelled() => Ok(()),
            never = chain.watch_endpoints() => match never {},
        }
    });
}
