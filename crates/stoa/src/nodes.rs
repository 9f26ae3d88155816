//! Chains as the configuration names them, and whether their nodes are of them.

use crate::configuration::{ChainConfiguration, Settings};
use anyhow::{Context, Error, Result, bail, ensure};
use chain::{Chain, Pool, PoolConfiguration};
use futures_util::future::{join_all, try_join_all};
use std::time::Duration;
use tokio::time::timeout;
use vocab::ChainId;

/// How long the start waits for nodes to say who they are, where the configuration says it too.
const ASKED: Duration = Duration::from_secs(3);

/// A chain, after asking all its endpoints who they are: one that is away may come back, one of
/// another chain is a mistake. `ws_url` tells of new heads besides those that are configured.
///
/// # Errors
/// An endpoint is of another chain; or none answers, and nothing else says which chain it is.
pub(crate) async fn open(
    configuration: &PoolConfiguration,
    ws_url: Option<String>,
    of: &ChainConfiguration,
) -> Result<Chain> {
    let endpoints = configuration.build_with(of.pool.clone())?;
    let id = match of.chain_id() {
        Some(id) => check(of, id, &endpoints).await.map(|()| id),
        None => ask(&endpoints).await,
    }?;
    Ok(Chain {
        id,
        endpoints,
        ws_urls: configuration.ws_urls().chain(ws_url).collect(),
        finality: of.finality,
        block_time: of.block_time,
    })
}

/// The chains of a file that have endpoints, or the one of `--rpc`; the engine's own comes first.
///
/// # Errors
/// Both name endpoints.
pub(crate) fn named<'a>(
    settings: &'a Settings,
    rpc: &[String],
) -> Result<Vec<(&'a ChainConfiguration, PoolConfiguration)>> {
    if !rpc.is_empty() {
        if !settings.chain.endpoints.is_empty() {
            bail!("the configuration names [[endpoints]]: leave out --rpc");
        }
        if !settings.chains.is_empty() {
            bail!("the configuration names [[chains]]: name the nodes there instead of --rpc");
        }
        return Ok(vec![(&settings.chain, PoolConfiguration::of_urls(rpc))]);
    }
    let own = settings.chain_endpoints().map(|endpoints| (&settings.chain, endpoints));
    let others = settings.chains.iter();
    let others = others.filter_map(|chain| Some((chain, chain.pool_configuration()?)));
    Ok(own.into_iter().chain(others).collect())
}

/// Further chains, all at once: none waits for the nodes of another.
///
/// # Errors
/// An endpoint is of another chain than the configuration says.
pub(crate) async fn open_all(chains: &[ChainConfiguration]) -> Result<Vec<Chain>> {
    let opened = chains.iter().map(async |of| {
        let endpoints = of.pool_configuration();
        let endpoints = endpoints.with_context(|| format!("{} has no endpoint", of.title()))?;
        open(&endpoints, None, of).await
    });
    try_join_all(opened).await
}

/// Which chain the endpoints are of.
async fn ask(endpoints: &Pool) -> Result<ChainId> {
    let mut id: Option<ChainId> = None;
    let mut trouble = None;
    for endpoint in endpoints.iter() {
        match (endpoint.chain_id().await, id) {
            (Ok(other), Some(id)) => ensure!(
                other == id,
                "the endpoint {} is of chain {other}, the ones before are of chain {id}",
                endpoint.host()
            ),
            (Ok(first), None) => id = Some(first),
            (Err(error), _) => {
                tracing::warn!(
                    endpoint = endpoint.host(),
                    error = &error as &dyn std::error::Error,
                    "an endpoint does not answer"
                );
                let what = format!("no answer from the node at {}", endpoint.host());
                trouble = Some(Error::new(error).context(what));
            }
        }
    }
    match (id, trouble) {
        (Some(id), _) => Ok(id),
        (None, Some(trouble)) => Err(trouble),
        (None, None) => bail!("the chain has no endpoint"),
    }
}

/// Do those that answer say that they are of this chain? The others may answer later: whoever
/// uses them then asks again, and leaves out one of another chain.
async fn check(of: &ChainConfiguration, id: ChainId, endpoints: &Pool) -> Result<()> {
    let asked = endpoints.iter().map(|endpoint| timeout(ASKED, endpoint.chain_id()));
    let answers = join_all(asked).await;
    for (endpoint, answer) in endpoints.iter().zip(answers) {
        let host = endpoint.host();
        match answer {
            Ok(Ok(other)) => {
                ensure!(
                    other == id,
                    "the endpoint {host} is of chain {other}, the configuration names it for {}",
                    of.title()
                );
            }
            Ok(Err(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(chain.id = %id, endpoint = host, error,
                    "an endpoint does not answer");
            }
            Err(_) => {
                tracing::warn!(chain.id = %id, endpoint = host, "an endpoint does not answer");
            }
        }
    }
    Ok(())
}
