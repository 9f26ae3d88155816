//! `stoa sign`: the signer process; `stoa signer …`: tools around it.

mod tools;

use anyhow::{Context, Result, bail};
use clap::Args;
use std::{
    env,
    ffi::{OsStr, OsString},
    net::SocketAddr,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::Command,
};

/// What the signer's process keeps of its environment, besides what `--keep-env` names.
const KEPT: [&str; 3] = ["STOA_LOG", "RUST_BACKTRACE", "TZ"];

pub(crate) use tools::{SignerCommand, run as run_tool};

#[derive(Args, Debug)]
pub(crate) struct SignOptions {
    /// Unix socket to serve; its directory is made with mode 0700, or must have it.
    #[arg(long)]
    socket: PathBuf,
    /// What each role may sign (TOML).
    #[arg(long)]
    policy: PathBuf,
    #[command(flatten)]
    keys: KeyOptions,
    /// User id that may connect to the socket besides our own; may be repeated.
    #[arg(long = "peer-uid")]
    peer_uids: Vec<u32>,
    #[command(flatten)]
    tls: TlsOptions,
    /// Name of a variable to keep in the environment; may be repeated. All others are dropped.
    #[arg(long = "keep-env")]
    keep_env: Vec<OsString>,
    /// Take over keys that the store has never seen, and an audit log that disagrees with the
    /// store. Only where no key here has signed before: see the operator's guide.
    #[arg(long)]
    adopt: bool,
    /// End when this process, our parent, ends.
    #[arg(long)]
    parent: Option<u32>,
}

/// Where keys are, and the record of what they signed.
#[derive(Args, Clone, Debug)]
pub(crate) struct KeyOptions {
    /// Directory of keystore files (version 3).
    #[arg(long)]
    keystore: PathBuf,
    /// File with the keystore's password, mode 0600.
    #[arg(long)]
    password_file: PathBuf,
    /// The signer's own record of what it signed at each nonce.
    #[arg(long)]
    store: PathBuf,
    /// Keys held by AWS KMS or a PKCS#11 token (TOML).
    #[arg(long)]
    backends: Option<PathBuf>,
}

impl KeyOptions {
    pub(crate) fn config(self, socket: PathBuf, policy: PathBuf) -> signer::Config {
        signer::Config {
            backends_file: self.backends,
            ..signer::Config::new(socket, self.keystore, self.password_file, policy, self.store)
        }
    }
}

#[derive(Args, Debug)]
struct TlsOptions {
    /// Serve other machines too, at this address and port: TLS 1.3 with certificates on both sides.
    #[arg(long, requires_all = ["tls_cert", "tls_key", "client_ca"])]
    listen: Option<SocketAddr>,
    /// Our certificate (PEM).
    #[arg(long, requires = "listen")]
    tls_cert: Option<PathBuf>,
    /// Its private key (PEM), mode 0600.
    #[arg(long, requires = "listen")]
    tls_key: Option<PathBuf>,
    /// The authority of clients' certificates (PEM).
    #[arg(long, requires = "listen")]
    client_ca: Option<PathBuf>,
    /// SHA-256 of a client's certificate that may connect, in hexadecimal; may be repeated.
    /// Without any, all certificates of the authority may.
    #[arg(long = "client-fingerprint", requires = "listen")]
    client_fingerprints: Vec<String>,
}

impl TlsOptions {
    fn config(self) -> Result<Option<signer::TlsConfig>> {
        let (Some(listen), Some(certificate), Some(key), Some(client_ca)) =
            (self.listen, self.tls_cert, self.tls_key, self.client_ca)
        else {
            return Ok(None);
        };
        let mut client_fingerprints = Vec::with_capacity(self.client_fingerprints.len());
        for text in self.client_fingerprints {
            // As OpenSSL prints it, too.
            let digits = text.replace(':', "");
            let Ok(print) = digits.parse() else {
                bail!("{text:?} is no SHA-256 fingerprint of 64 hexadecimal digits");
            };
            client_fingerprints.push(print);
        }
        Ok(Some(signer::TlsConfig { listen, certificate, key, client_ca, client_fingerprints }))
    }
}

pub(crate) fn run(options: SignOptions) -> Result<()> {
    scrub_environment(&options.keep_env)?;
    let config = signer::Config {
        parent: options.parent,
        adopt_keys: options.adopt,
        peer_uids: options.peer_uids,
        tls: options.tls.config()?,
        ..options.keys.config(options.socket, options.policy)
    };
    crate::block_on(async {
        signer::serve(config, crate::dev::stop_signal()).await.context("the signer ended")
    })
}

/// Starts this program anew, in this same process, without what it does not need of its
/// environment: removing a variable would leave its bytes where the kernel put them.
fn scrub_environment(keep: &[OsString]) -> Result<()> {
    let is_kept = |name: &OsStr| {
        KEPT.iter().any(|k| name == *k) || keep.iter().any(|k| name == k.as_os_str())
    };
    if env::vars_os().all(|(name, _)| is_kept(&name)) {
        return Ok(());
    }
    let mut arguments = env::args_os();
    let name = arguments.next().unwrap_or_else(|| "stoa".into());
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0(name)
        .args(arguments)
        .env_clear()
        .envs(env::vars_os().filter(|(name, _)| is_kept(name)));
    // Comes back only if it fails.
    Err(command.exec()).context("starting anew with an empty environment")
}
