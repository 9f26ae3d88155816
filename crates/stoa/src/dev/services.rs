//! The services under the engine: Postgres, the chain's node and the signer.

use super::{DevOptions, cluster};
use crate::configuration::Settings;
use anyhow::{Context, Result};
use chain::{Chain, PoolConfiguration};
use devstack::{Anvil, AnvilOptions, Child, Postgres, PostgresOptions};
use nix::sys::signal::Signal;
use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};
use vocab::ChainId;

/// For the signer to unlock its keys; a busy machine takes its time.
const SIGNER_START: Duration = Duration::from_secs(60);

/// Of the node that is started here, unless the file says otherwise.
const DEV_CHAIN: u64 = 31_337;

/// Of Postgres: ours, and room for commands and other processes; more for each further chain.
const CONNECTIONS: u16 = 100;
const PER_CHAIN: u16 = 12;

const POLICY: &str = include_str!("policy.toml");
const OPERATOR_ROLE: &str = "[roles.operator]";

/// Everything that ends with us.
pub(super) struct Services {
    pub postgres: Postgres,
    pub node: Option<Anvil>,
    /// Held for its end only: it stops when this is dropped.
    pub _signer: Child,
    pub signer_socket: PathBuf,
    pub rpc_url: String,
    pub chain: Chain,
    /// Chains that are indexed and read, in the order of the configuration.
    pub others: Vec<Chain>,
}

impl Services {
    /// All of them, the own one first.
    pub(super) fn chains(&self) -> Vec<Chain> {
        [&self.chain].into_iter().chain(&self.others).cloned().collect()
    }
}

/// Start Postgres and the node, side by side: each takes a second at the first start.
pub(super) async fn start_storage(
    options: &DevOptions,
    settings: &Settings,
) -> Result<(Postgres, Option<Anvil>)> {
    let cluster = PostgresOptions {
        directory: cluster::place(&options.data_dir)?,
        durable: true,
        connections_max: settings.chains.iter().fold(CONNECTIONS, |all, _| all + PER_CHAIN),
    };
    let postgres = tokio::task::spawn_blocking(move || {
        let postgres = Postgres::start(&cluster)?;
        postgres.ensure_database("stoa").map(|()| postgres)
    });
    let others = !options.rpc.is_empty()
        || options.endpoints.is_some()
        || !settings.chain.endpoints.is_empty();
    let node = match others {
        true => None,
        false => Some(node_options(options, settings)?),
    };
    let node =
        tokio::task::spawn_blocking(move || node.map(|node| Anvil::start(&node)).transpose());
    let (postgres, node) = tokio::try_join!(postgres, node)?;
    Ok((postgres.context("Postgres did not start")?, node.context("the node did not start")?))
}

fn node_options(options: &DevOptions, settings: &Settings) -> Result<AnvilOptions> {
    Ok(AnvilOptions {
        program: find_anvil()?,
        directory: options.data_dir.join("chain"),
        block_time: Some(settings.chain.block_time.as_secs_f64()),
        chain_id: settings.chain.id.unwrap_or(DEV_CHAIN),
        keep_state: true,
        extra: vec!["--gas-limit".to_owned(), options.block_gas_limit.to_string()],
    })
}

/// `STOA_TOOLS`, the checkout's `tools/bin` above the binary or the working directory, or PATH.
fn find_anvil() -> Result<PathBuf> {
    let mut places: Vec<PathBuf> =
        env::var_os("STOA_TOOLS").map(PathBuf::from).into_iter().collect();
    let roots = [env::current_dir().ok(), env::current_exe().ok()];
    for root in roots.iter().flatten().flat_map(|start| start.ancestors()) {
        places.push(root.join("tools/bin"));
    }
    places.extend(env::var_os("PATH").iter().flat_map(env::split_paths));
    places
        .into_iter()
        .map(|place| place.join("anvil"))
        .find(|program| program.exists())
        .context("anvil is not installed: run `make tools`, or give a node with --rpc URL")
}

/// Where the chain's nodes are: as configured, else the node that we started.
pub(super) fn endpoints(
    options: &DevOptions,
    settings: &Settings,
    node: Option<&Anvil>,
) -> Result<PoolConfiguration> {
    if let Some(configured) = settings.chain_endpoints() {
        return Ok(configured);
    }
    if let Some(path) = &options.endpoints {
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        // The error of the parser would quote lines, and those hold addresses.
        return toml::from_str(&text).map_err(|error| {
            anyhow::anyhow!("{} is no list of endpoints: {}", path.display(), error.message())
        });
    }
    let started = || node.map(Anvil::http_url).into_iter().collect();
    let urls = if options.rpc.is_empty() { started() } else { options.rpc.clone() };
    Ok(PoolConfiguration::of_urls(&urls))
}

/// Start this same binary as the signer, and wait until it answers.
pub(super) async fn start_signer(
    data_dir: &Path,
    chain: ChainId,
    (log, log_json): (&str, bool),
) -> Result<(Child, PathBuf)> {
    let home = data_dir.join("signer");
    super::secrets::private_directory(&home)?;
    let policy = home.join("policy.toml");
    ensure_policy(&policy, chain)?;
    let password = home.join("password");
    signer::ensure_password_file(&password)?;
    let socket = socket_path(&home)?;
    let mut arguments = vec!["--log".to_owned(), log.to_owned()];
    if log_json {
        arguments.push("--log-json".to_owned());
    }
    arguments.push("sign".to_owned());
    for (name, value) in [
        ("--socket", socket.clone()),
        ("--keystore", home.join("keys")),
        ("--password-file", password),
        ("--policy", policy),
        ("--store", home.join("signed.redb")),
        ("--parent", PathBuf::from(std::process::id().to_string())),
    ] {
        arguments.push(name.to_owned());
        arguments.push(value.display().to_string());
    }
    let program = env::current_exe()?;
    let log = home.join("signer.log");
    let mut child = tokio::task::spawn_blocking(move || {
        devstack::spawn_tied(&program, &arguments, None, Signal::SIGTERM, &log)
    })
    .await??;
    let client = signer::Client::connect(&socket);
    let ready = async {
        while client.health().await.is_err() {
            if !child.is_running() {
                anyhow::bail!("the signer ended:\n{}", child.log_tail());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    };
    tokio::time::timeout(SIGNER_START, ready).await.context("the signer is silent")??;
    Ok((child, socket))
}

/// The policy of development. A directory of an earlier version gets the roles that came later;
/// what is there stays as somebody may have changed it.
fn ensure_policy(path: &Path, chain: ChainId) -> Result<()> {
    let ours = POLICY.replace("CHAIN_ID", &chain.to_string());
    let Ok(present) = fs::read_to_string(path) else { return Ok(fs::write(path, ours)?) };
    let later = ours.find(OPERATOR_ROLE).map(|start| &ours[start..]).unwrap_or_default();
    if !present.contains(OPERATOR_ROLE) {
        fs::write(path, format!("{present}\n{later}"))?;
    }
    Ok(())
}

/// Unix socket paths are limited to 107 bytes: below a deep directory, the runtime directory of
/// the system serves instead.
pub(super) fn socket_path(home: &Path) -> Result<PathBuf> {
    let near = home.canonicalize()?.join("run/signer.sock");
    if near.as_os_str().len() < 100 {
        return Ok(near);
    }
    let mark = hex::encode(&vocab::keccak(near.as_os_str().as_encoded_bytes())[..8]);
    Ok(env::temp_dir().join(format!("stoa-{mark}/signer.sock")))
}
