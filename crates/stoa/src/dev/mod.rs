//! `stoa dev`: everything on one machine, from nothing, with real parts.

mod bootstrap;
mod cluster;
mod engine;
mod file;
pub(crate) mod handles;
mod people;
mod roles;
mod secrets;
mod services;
mod sign_in;
mod telemetry;
mod tls;
mod webhooks;

pub(crate) use file::{DevFile, write_private};
pub(crate) use secrets::private_directory;

use crate::{
    cli::LogOptions,
    configuration::{
        ConfigurationOptions, Layers, Loaded, MINTER, OPERATOR, Profile, Reloader, SPONSOR,
        Settings,
    },
    index::run::watch_configuration,
    nodes,
};
use anyhow::{Context, Result, bail};
use clap::Args;
use devstack::Anvil;
use runtime::LogFilter;
use services::Services;
use std::{
    fs,
    net::{IpAddr, SocketAddr},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};
use tokio::signal::unix::{SignalKind, signal};

/// The engine's audit log in a data directory.
pub(crate) const AUDIT: &str = "audit";

/// Where the signer of a data directory listens.
pub(crate) fn signer_socket(data_dir: &Path) -> Result<PathBuf> {
    services::socket_path(&data_dir.join("signer"))
}

#[derive(Args, Clone, Debug)]
pub(crate) struct DevOptions {
    /// Where all data is kept; made when missing.
    #[arg(long, default_value = ".dev", value_name = "DIR")]
    pub data_dir: PathBuf,
    /// Address of the API and its pages; port 0 picks a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR:PORT")]
    pub http: Option<SocketAddr>,
    /// Serve on an address that others can reach. The development keys are public knowledge.
    #[arg(long)]
    pub force_public: bool,
    /// Use this node instead of starting one. Repeat it for more endpoints of the same chain, the
    /// preferred one first.
    #[arg(long, value_name = "URL")]
    pub rpc: Vec<String>,
    /// The chain's endpoints with their settings, instead of --rpc: a TOML file. Others do not see
    /// its addresses in the list of processes.
    #[arg(long, value_name = "FILE", conflicts_with = "rpc")]
    pub endpoints: Option<PathBuf>,
    #[command(flatten)]
    pub configuration: ConfigurationOptions,
    /// Seconds between blocks of the node we start [default: 1]
    #[arg(long, value_name = "SECONDS", value_parser = block_time)]
    pub block_time: Option<f64>,
    /// Gas of a block of the node we start.
    #[arg(long, default_value_t = 30_000_000, value_name = "GAS")]
    #[arg(value_parser = clap::value_parser!(u64).range(1_000_000..=10_000_000_000))]
    pub block_gas_limit: u64,
    /// Wallets that mint [default: 2]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub wallets: Option<u32>,
    /// Wallets for calls of operators (`stoa tx send`) [default: 2]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub operator_wallets: Option<u32>,
    /// Wallets that carry what users signed and sponsors pay for [default: 1]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub sponsor_wallets: Option<u32>,
    /// Where the engine's audit log is kept. Default: `audit` in the data directory.
    #[arg(long, value_name = "DIR")]
    pub audit_dir: Option<PathBuf>,
    /// Throw away the data of earlier runs first.
    #[arg(long)]
    pub fresh: bool,
}

fn block_time(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.05..=3_600.0).contains(&seconds) => Ok(seconds),
        _ => Err("a block time is 0.05 to 3600 seconds".to_owned()),
    }
}

pub(crate) fn run(options: DevOptions, logs: &LogOptions) -> Result<()> {
    let mut layers = options.layers();
    logs.above(&mut layers);
    let mut loaded = layers.load()?;
    options.check(&loaded)?;
    let telemetry = logs.install(&loaded.settings.telemetry)?;
    let connections = &mut loaded.settings.api.connections.connections_max;
    *connections = handles::provide(*connections);
    loaded.log_warnings();
    let filter = telemetry.filter.clone();
    let served = crate::block_on(serve(options, Configured { layers, loaded, filter }, logs));
    telemetry.end();
    served
}

/// What was decided, and how it can be changed.
struct Configured {
    layers: Layers,
    loaded: Loaded,
    filter: LogFilter,
}

impl DevOptions {
    /// The command line above what the file says.
    fn layers(&self) -> Layers {
        let mut layers = self.configuration.layers();
        if let Some(seconds) = self.block_time {
            let millis = Duration::from_secs_f64(seconds).as_millis();
            layers.flag("--block-time", "chain.block_time_ms", millis.to_string());
        }
        if let Some(address) = self.http {
            layers.flag("--http", "api.listen", address.to_string());
        }
        let of_roles = [
            ("--wallets", MINTER, self.wallets),
            ("--operator-wallets", OPERATOR, self.operator_wallets),
            ("--sponsor-wallets", SPONSOR, self.sponsor_wallets),
        ];
        for (flag, role, wallets) in of_roles {
            if let Some(wallets) = wallets {
                layers.flag(flag, &format!("roles.{role}.wallets"), wallets.to_string());
            }
        }
        layers
    }

    fn check(&self, Loaded { settings, profile, .. }: &Loaded) -> Result<()> {
        if *profile == Profile::Prod {
            bail!(
                "the development server makes its own database, signer and secrets: it is not for \
                 the profile prod"
            );
        }
        let http = settings.listen.0.context("api.listen is missing")?;
        if !http.ip().is_loopback() && !self.force_public {
            bail!(
                "{http} can be reached by others, and the keys of a development chain are public \
                 knowledge: use a loopback address, or --force-public"
            );
        }
        let named_here = !self.rpc.is_empty() || self.endpoints.is_some();
        if named_here && !settings.chain.endpoints.is_empty() {
            bail!("the configuration names [[endpoints]]: leave out --rpc and --endpoints");
        }
        Ok(())
    }
}

async fn serve(mut options: DevOptions, configured: Configured, logs: &LogOptions) -> Result<()> {
    let started = Instant::now();
    let Configured { layers, loaded, filter } = configured;
    let settings = &loaded.settings;
    let _guard = open_data_dir(&mut options)?;
    let http = settings.listen.0.context("api.listen is missing")?;
    let listeners = engine::Listeners::bind(http, settings).await?;
    let services = start_services(&options, settings, logs).await?;
    let mut ready = engine::start(&options, settings, services, listeners).await?;
    let limiter = Some(ready.limiter.clone());
    let reloader = Reloader::new(layers, loaded.clone(), filter, limiter, ready.db.clone());
    watch_configuration(&mut ready.supervisor, reloader);
    let path = ready.file.store(&options.data_dir)?;
    greet(&ready.file, &path, settings, started.elapsed());
    let ended = ready.supervisor.run(stop_signal(), Duration::from_secs(10)).await;
    remove(&path)?;
    // Postgres, the node and the signer stop, in this order, as they are dropped.
    drop(ready.services);
    match ended.cause {
        None => Ok(()),
        Some((task, error)) => {
            let cause = error.map_or_else(|| "it returned".to_owned(), |e| e.to_string());
            bail!("the task `{task}` ended: {cause}")
        }
    }
}

async fn start_services(
    options: &DevOptions,
    settings: &Settings,
    logs: &LogOptions,
) -> Result<Services> {
    let (postgres, node) = services::start_storage(options, settings).await?;
    let configuration = services::endpoints(options, settings, node.as_ref())?;
    let rpc_url = configuration.endpoints.first().map(|e| e.url.clone()).unwrap_or_default();
    let ws = node.as_ref().map(Anvil::ws_url);
    let (own, others) = tokio::join!(
        nodes::open(&configuration, ws, &settings.chain),
        nodes::open_all(&settings.chains)
    );
    let (chain, others) = (own?, others?);
    if others.iter().any(|other| other.id == chain.id) {
        bail!("[[chains]] names chain {}, which is the server's own", chain.id);
    }
    let (signer, signer_socket) = services::start_signer(
        &options.data_dir,
        chain.id,
        (&settings.telemetry.log, logs.log_json),
    )
    .await?;
    Ok(Services { postgres, node, _signer: signer, signer_socket, rpc_url, chain, others })
}

/// The data directory, made when missing and held by us alone until the guard is dropped.
fn open_data_dir(options: &mut DevOptions) -> Result<fs::File> {
    let directory = &options.data_dir;
    // Postgres runs as another user when we are root, and must get through.
    fs::create_dir_all(directory)
        .with_context(|| format!("cannot make {}", directory.display()))?;
    options.data_dir = directory.canonicalize()?;
    let guard = lock(&options.data_dir)?;
    if options.fresh {
        if let Some(elsewhere) = &options.audit_dir {
            set_aside(elsewhere)?;
        }
        cluster::remove(&options.data_dir)?;
        for name in ["chain", "signer", "secrets", "content", AUDIT, file::NAME] {
            remove(&options.data_dir.join(name))?;
        }
    }
    // A reader must not take the last run's file for this one's.
    remove(&options.data_dir.join(file::NAME))?;
    Ok(guard)
}

/// A log outside the data directory was put there to be kept: its files go into a directory beside
/// the new log, which begins anew because it tells of another database.
fn set_aside(directory: &Path) -> Result<()> {
    let named = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(&format!("{}-", auditor::NAME)) && name.ends_with(".jsonl")
    };
    let files = match fs::read_dir(directory) {
        Ok(files) => files.collect::<Result<Vec<_>, _>>(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => Err(error),
    };
    let files = files.with_context(|| format!("cannot read {}", directory.display()))?;
    let files: Vec<PathBuf> =
        files.into_iter().map(|file| file.path()).filter(|path| named(path)).collect();
    if files.is_empty() {
        return Ok(());
    }
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_millis();
    let aside = directory.join(format!("before-{since}"));
    let fail = || format!("cannot set the audit log aside into {}", aside.display());
    fs::DirBuilder::new().mode(0o700).create(&aside).with_context(fail)?;
    for file in files {
        let name = file.file_name().unwrap_or_default();
        fs::rename(&file, aside.join(name)).with_context(fail)?;
    }
    tracing::warn!(to = %aside.display(), "the audit log of earlier runs is set aside");
    Ok(())
}

fn lock(directory: &Path) -> Result<fs::File> {
    let file = fs::File::create(directory.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => {
            bail!("another server is running on {}", directory.display())
        }
        Err(fs::TryLockError::Error(error)) => Err(error).context("cannot lock the data directory"),
    }
}

fn remove(path: &Path) -> Result<()> {
    let done = if path.is_dir() && !path.is_symlink() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match done {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

fn greet(file: &DevFile, path: &Path, settings: &Settings, took: Duration) {
    // Scheme and host: keys of providers follow them.
    let node = file.rpc_url.split('/').take(3).collect::<Vec<_>>().join("/");
    let others = settings.chains.iter().map(|of| format!("  Indexed    {}", of.title()));
    let head = [
        String::new(),
        format!("Stoa is ready after {:.1} s.", took.as_secs_f64()),
        format!("  API        {}/api/v1", file.http),
        format!("  Reference  {}/docs", file.http),
        format!("  Stream     {}", file.stream),
        format!("  Content    {}/ipfs/…", file.content),
        format!("  Chain      {node} (id {})", file.chain_id),
    ];
    let tail = [
        format!("  Keys       {}", path.display()),
        String::new(),
        "Mint a picture:  stoa demo --picture FILE".to_owned(),
        "Stop:            Ctrl-C".to_owned(),
        String::new(),
    ];
    for line in head.into_iter().chain(others).chain(tail) {
        crate::say(&line);
    }
}

/// Ends when we are asked to stop (Ctrl-C or SIGTERM).
pub(crate) async fn stop_signal() {
    let mut terminate = match signal(SignalKind::terminate()) {
        Ok(terminate) => terminate,
        Err(error) => {
            tracing::error!(%error, "signals cannot be received");
            return;
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// For messages: an address that a browser on this machine can open.
pub(crate) fn origin(address: SocketAddr, tls: bool) -> String {
    let scheme = if tls { "https" } else { "http" };
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => format!("{scheme}://127.0.0.1:{}", address.port()),
        _ => format!("{scheme}://{address}"),
    }
}
