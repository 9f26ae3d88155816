//! Each endpoint of each chain: of the right chain, at the head, telling what we need, and of one
//! mind with the others.

use super::{
    Patient,
    report::{Finding, chain, within},
};
use crate::{configuration::ChainConfiguration, nodes};
use ::chain::{Endpoint, PoolConfiguration};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::Duration;
use time::OffsetDateTime;
use vocab::ChainId;

/// A head older than so many block times is late, and one of so many is dead.
const LATE_BLOCKS: u32 = 20;
const DEAD_BLOCKS: u32 = 200;
/// However fast blocks come, a node may be so late.
const LATE_MIN: Duration = Duration::from_secs(30);
/// A block of the future by more says that our clock is behind.
const AHEAD_MAX: Duration = Duration::from_secs(15);

/// A chain whose nodes can be asked.
pub(super) struct Known {
    pub id: ChainId,
    /// Of those that are of this chain.
    pub endpoints: Vec<Endpoint>,
}

/// What one endpoint said.
struct Said {
    endpoint: Endpoint,
    id: ChainId,
    head: u64,
}

pub(super) async fn examine(of: &Patient) -> (Vec<Finding>, Vec<Known>) {
    let rpc = match (&of.options.rpc[..], &of.dev) {
        ([], Some(dev)) if of.loaded.settings.chain.endpoints.is_empty() => {
            vec![dev.rpc_url.clone()]
        }
        (named, _) => named.to_vec(),
    };
    // The node of a development server stands beside the chains of the configuration.
    let settings = &of.loaded.settings;
    let mut named = match nodes::named(settings, &[]) {
        Ok(named) => named,
        Err(error) => return (vec![Finding::fail("chain", format!("{error:#}"), "")], Vec::new()),
    };
    if !rpc.is_empty() && settings.chain.endpoints.is_empty() {
        named.insert(0, (&settings.chain, PoolConfiguration::of_urls(&rpc)));
    }
    if named.is_empty() {
        let why = "no node is named: --rpc, [[endpoints]] or [[chains]]";
        return (vec![Finding::skip("chain", why)], Vec::new());
    }
    let all = join_all(named.iter().map(|(of_chain, pool)| one(of, of_chain, pool))).await;
    let (mut findings, mut known) = (Vec::new(), Vec::new());
    for (found, chain) in all {
        findings.extend(found);
        known.extend(chain);
    }
    (findings, known)
}

async fn one(
    of: &Patient,
    configured: &ChainConfiguration,
    pool: &PoolConfiguration,
) -> (Vec<Finding>, Option<Known>) {
    let name = configured.id.map_or_else(|| "chain".to_owned(), |id| format!("chain {id}"));
    let pool = match pool.build_with(configured.pool.clone()) {
        Ok(pool) => pool,
        Err(error) => return (vec![Finding::fail(name, error.to_string(), "mend it")], None),
    };
    let asked = pool.iter().map(|endpoint| ask(of, configured, endpoint.clone(), &name));
    let (mut findings, mut said) = (Vec::new(), Vec::new());
    for (found, answer) in join_all(asked).await {
        findings.extend(found);
        said.extend(answer);
    }
    let id = configured.chain_id().or_else(|| said.first().map(|one| one.id));
    let Some(id) = id else { return (findings, None) };
    if said.iter().any(|one| one.id != id) {
        let todo = "name nodes of one chain only, and the chain's id";
        findings.push(Finding::fail(&name, "its endpoints are of several chains", todo));
        said.retain(|one| one.id == id);
    }
    findings.push(agreement(of, configured, &name, &said).await);
    let endpoints = said.into_iter().map(|one| one.endpoint).collect();
    (findings, Some(Known { id, endpoints }))
}

async fn ask(
    of: &Patient,
    configured: &ChainConfiguration,
    endpoint: Endpoint,
    name: &str,
) -> (Vec<Finding>, Option<Said>) {
    let check = format!("{name} at {}", endpoint.host());
    let asked = within(of.time, async {
        let id = endpoint.chain_id().await.map_err(|error| chain(&error))?;
        let head = endpoint.head().await.map_err(|error| chain(&error))?;
        Ok((id, head))
    });
    let (id, head) = match asked.await {
        Ok(answer) => answer,
        Err(why) => {
            let todo = "start the node, or mend its address and key; others of the chain are \
                        asked instead";
            return (vec![Finding::fail(check, why, todo)], None);
        }
    };
    if let Some(wanted) = configured.chain_id().filter(|wanted| *wanted != id) {
        let why = format!("it is of chain {id}, not {wanted}");
        return (vec![Finding::fail(check, why, "mend url or id: it is never asked")], None);
    }
    let number = head.number.to::<u64>();
    let mut findings = vec![age(&check, configured, number, head.timestamp.to())];
    findings.push(tells(of, &check, "EIP-1898", reads_by_hash(&endpoint, head.hash)).await);
    findings.push(tells(of, &check, "old state", reads_old_state(&endpoint)).await);
    let range = configured.indexer.range_max;
    findings.push(tells(of, &check, "log range", reads_logs(&endpoint, number, range)).await);
    (findings, Some(Said { endpoint, id, head: number }))
}

fn age(check: &str, configured: &ChainConfiguration, number: u64, timestamp: u64) -> Finding {
    let now = u64::try_from(OffsetDateTime::now_utc().unix_timestamp()).unwrap_or_default();
    if timestamp > now + AHEAD_MAX.as_secs() {
        let ahead = timestamp - now;
        let why = format!("its block {number} is {ahead} s in the future");
        return Finding::warn(check, why, "set this machine's clock (chrony), or the node's");
    }
    let old = Duration::from_secs(now.saturating_sub(timestamp));
    let why = format!("block {number} is {} s old", old.as_secs());
    let after = |blocks: u32| (configured.block_time * blocks).max(LATE_MIN);
    let todo = "see whether the node is syncing or has lost its peers; chain.block_time_ms says \
                how often blocks come";
    match old {
        old if old > after(DEAD_BLOCKS) => Finding::fail(check, why, todo),
        old if old > after(LATE_BLOCKS) => Finding::warn(check, why, todo),
        _ => Finding::ok(check, why),
    }
}

/// Whether a node tells what not all tell; that it does not is to be known, and no failure.
async fn tells(
    of: &Patient,
    check: &str,
    what: &'static str,
    work: impl Future<Output = Result<String, String>>,
) -> Finding {
    let check = format!("{check}, {what}");
    let todo = match what {
        "EIP-1898" => "balances of tokens that rebase can't be read by it: take another node too",
        "old state" => "no matter for minting; what reads old balances needs an archive node",
        _ => "set indexer.range_blocks_max to what it allows; it is asked for less by itself",
    };
    match within(of.time, work).await {
        Ok(why) => Finding::ok(check, why),
        Err(why) => Finding::warn(check, why, todo),
    }
}

const NOBODY: &str = "0x0000000000000000000000000000000000000001";

async fn balance(endpoint: &Endpoint, block: Value) -> Result<(), String> {
    let asked = endpoint.call::<Value>("eth_getBalance", json!([NOBODY, block])).await;
    asked.map(|_| ()).map_err(|error| chain(&error))
}

async fn reads_by_hash(endpoint: &Endpoint, hash: impl ToString) -> Result<String, String> {
    let block = json!({ "blockHash": hash.to_string(), "requireCanonical": true });
    balance(endpoint, block).await.map(|()| "reads state by a block's hash".to_owned())
}

async fn reads_old_state(endpoint: &Endpoint) -> Result<String, String> {
    balance(endpoint, json!("0x1")).await.map(|()| "has the state of block 1".to_owned())
}

async fn reads_logs(endpoint: &Endpoint, head: u64, range: u64) -> Result<String, String> {
    let from = head.saturating_sub(range.saturating_sub(1));
    let (first, last) = (format!("{from:#x}"), format!("{head:#x}"));
    // Of a contract that is none: an answer without logs.
    let filter = json!([{ "fromBlock": first, "toBlock": last, "address": NOBODY }]);
    let asked = endpoint.call::<Value>("eth_getLogs", filter).await;
    let count = head - from + 1;
    asked.map(|_| format!("{count} blocks at once")).map_err(|error| chain(&error))
}

/// Whether all name the same block, where none is at the head.
async fn agreement(
    of: &Patient,
    configured: &ChainConfiguration,
    name: &str,
    said: &[Said],
) -> Finding {
    let check = format!("{name}, agreement");
    let Some(lowest) = said.iter().map(|one| one.head).min() else {
        let todo = "nothing is indexed or sent on this chain: mend one of its endpoints";
        return Finding::fail(check, "no endpoint can be asked", todo);
    };
    if said.len() == 1 {
        let todo = "name a second one: what is decided by two has nobody to agree with";
        return match configured.chain_id() {
            Some(_) => Finding::warn(check, "there is one endpoint only", todo),
            None => Finding::ok(check, "one endpoint"),
        };
    }
    let number = lowest.saturating_sub(configured.finality.auditable);
    let hashes = join_all(said.iter().map(|one| async {
        let header = within(of.time, async {
            one.endpoint.header(number).await.map_err(|error| chain(&error))
        });
        header.await.ok().flatten().map(|header| (one.endpoint.host(), header.hash))
    }));
    let hashes: Vec<_> = hashes.await.into_iter().flatten().collect();
    let different = hashes.iter().find(|(_, hash)| hashes.first().is_some_and(|(_, h)| h != hash));
    match (different, hashes.first()) {
        (Some((one, _)), Some((other, _))) => {
            let why = format!("{one} and {other} name different blocks at height {number}");
            Finding::fail(
                check,
                why,
                "compare both with a block explorer, and remove the wrong one",
            )
        }
        _ => Finding::ok(check, format!("{} name the same block {number}", hashes.len())),
    }
}
