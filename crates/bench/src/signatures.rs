//! Signatures by the signer's process, over its socket and with its record on disk, against bare
//! signatures in a loop.

use crate::{
    quantile::{Quantiles, rounded},
    say,
    subject::Subject,
};
use alloy_primitives::{Address, Bytes, U256, keccak256};
use anyhow::{Context, Result, ensure};
use clap::Args;
use devstack::{Child, spawn_tied};
use nix::sys::signal::Signal;
use secp256k1::{Message, SecretKey, ecdsa::RecoverableSignature};
use serde::Serialize;
use signer::{Client, Fee, TxIntent, TxKind};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{task::JoinSet, time::sleep};

const START_MAX: Duration = Duration::from_secs(60);
const CHAIN: u64 = 31_337;
const MODULES: [&str; 3] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];
const PIN: &str = "pin-of-a-measurement";
const POLICY: &str = r#"version = 1
[roles.minter]
chains = [31337]
keys_max = 1
signatures_per_minute = 1000000000
gas_limit_max = 21000
max_fee_per_gas_max = "500000000000"
value_wei_max = "1"
value_wei_day_max = "1000000000000"
[[roles.minter.calls]]
to = "any"
transfer = true
"#;

#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Signatures to measure, of each custody.
    #[arg(long, default_value_t = 20_000)]
    signatures: u32,
    /// Transactions in one request.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=256))]
    batch: u32,
    /// Clients that ask at once.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    clients: u32,
    #[command(flatten)]
    subject: Subject,
    /// Print the JSON line alone.
    #[arg(long)]
    json_only: bool,
}

/// The last line.
#[derive(Clone, Debug, Serialize)]
struct Summary {
    bench: &'static str,
    revision: String,
    batch: u32,
    clients: u32,
    cores: usize,
    /// Bare signatures per second, by one thread and by one per core.
    raw: f64,
    raw_all_cores: f64,
    custodies: Vec<Custody>,
    /// What this machine has no parts for.
    left_out: Vec<&'static str>,
}

#[derive(Clone, Debug, Serialize)]
struct Custody {
    custody: &'static str,
    signatures: u32,
    signatures_per_second: f64,
    /// Of the bare loop by one thread.
    raw_ratio: f64,
    /// From a request to its answer.
    request: Quantiles,
}

pub async fn run(options: Options) -> Result<()> {
    let stoa = options.subject.program()?;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let (raw, raw_all_cores) = (bare(1, options.signatures), bare(cores, options.signatures));
    let mut summary = Summary {
        bench: "signer",
        revision: options.subject.revision.clone(),
        batch: options.batch,
        clients: options.clients,
        cores,
        raw,
        raw_all_cores,
        custodies: Vec::new(),
        left_out: vec!["aws_kms: it signs as fast as AWS answers"],
    };
    let module = MODULES.into_iter().find(|path| Path::new(path).exists());
    for (custody, module) in [("keystore", None), ("pkcs11", module)] {
        if custody == "pkcs11" && module.is_none() {
            summary.left_out.push("pkcs11: SoftHSM is not installed");
            continue;
        }
        let home = Home::new(&stoa, module)?;
        summary.custodies.push(measure(&home, custody, raw, &options).await?);
    }
    if !options.json_only {
        say(&format!("bare loop: {raw}/s by one thread, {raw_all_cores}/s by {cores}"));
        for one in &summary.custodies {
            say(&format!(
                "{}: {}/s, {} of the bare loop, {} ms per request of {} (p50), {} (p99)",
                one.custody,
                one.signatures_per_second,
                one.raw_ratio,
                one.request.p50_ms,
                options.batch,
                one.request.p99_ms,
            ));
        }
    }
    say(&serde_json::to_string(&summary)?);
    Ok(())
}

/// Signatures per second of digests that are there already, and of nothing else.
fn bare(threads: usize, count: u32) -> f64 {
    let started = Instant::now();
    let each = (count as usize).div_ceil(threads);
    thread::scope(|scope| {
        for part in 0..threads {
            scope.spawn(move || {
                let key = SecretKey::from_secret_bytes([7; 32]).expect("invariant: it is in range");
                let mut digest = keccak256(part.to_be_bytes());
                for _ in 0..each {
                    let signed = RecoverableSignature::sign_ecdsa_recoverable(
                        Message::from_digest(digest.0),
                        &key,
                    );
                    // So that none of them may be left out.
                    digest.0[..32].copy_from_slice(&signed.serialize_compact().1[..32]);
                }
            });
        }
    });
    rounded((each * threads) as f64 / started.elapsed().as_secs_f64())
}

/// Files of one signer.
struct Home {
    directory: TempDir,
    stoa: PathBuf,
    /// With a key in a token, not in the keystore.
    token: bool,
}

impl Home {
    fn new(stoa: &Path, module: Option<&str>) -> Result<Self> {
        let home = Self {
            directory: tempfile::Builder::new().prefix("stoa-bench-signer").tempdir()?,
            stoa: stoa.to_owned(),
            token: module.is_some(),
        };
        fs::write(home.path("policy.toml"), POLICY)?;
        signer::ensure_password_file(&home.path("password"))?;
        if let Some(module) = module {
            home.make_token(module)?;
        }
        Ok(home)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Where its keys are, as options.
    fn keys(&self) -> Vec<String> {
        let mut words = Vec::new();
        let places =
            [("keystore", "keys"), ("password-file", "password"), ("store", "signed.redb")];
        for (option, name) in places {
            words.extend([format!("--{option}"), self.text(name)]);
        }
        if self.token {
            words.extend(["--backends".to_owned(), self.text("backends.toml")]);
        }
        words
    }

    fn make_token(&self, module: &str) -> Result<()> {
        fs::create_dir(self.path("tokens"))?;
        let place = format!("directories.tokendir = {}\nlog.level = ERROR\n", self.text("tokens"));
        fs::write(self.path("softhsm2.conf"), place)?;
        fs::write(self.path("pin"), PIN)?;
        fs::set_permissions(self.path("pin"), fs::Permissions::from_mode(0o600))?;
        let token = ["--init-token", "--free", "--label", "stoa", "--so-pin", "so-pin-1", "--pin"];
        self.tool("softhsm2-util", token.into_iter().chain([PIN]).map(str::to_owned))?;
        let section = format!(
            "version = 1\n[pkcs11.hsm]\nmodule = {module:?}\ntoken = \"stoa\"\npin_file = {:?}\n",
            self.text("pin")
        );
        fs::write(self.path("backends.toml"), &section)?;
        let stoa = self.stoa.display().to_string();
        let words = |words: &[&str]| {
            let words = words.iter().map(|word| (*word).to_owned());
            words.chain(self.keys()).collect::<Vec<String>>()
        };
        let key = ["signer", "key", "generate", "--backend", "hsm", "--id", "minter-0"];
        self.tool(&stoa, words(&key))?;
        let key = "[[keys]]\nrole = \"minter\"\nindex = 0\nbackend = \"hsm\"\nid = \"minter-0\"\n";
        fs::write(self.path("backends.toml"), section + key)?;
        self.tool(&stoa, words(&["signer", "key", "adopt"]))
    }

    fn tool(&self, program: &str, words: impl IntoIterator<Item = String>) -> Result<()> {
        let done = Command::new(program)
            .args(words)
            .env("SOFTHSM2_CONF", self.path("softhsm2.conf"))
            .output()
            .with_context(|| format!("{program} can't be run"))?;
        let said = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.success(), "{program} failed: {said}");
        Ok(())
    }

    fn client(&self) -> Client {
        Client::connect_with_timeout(self.path("run/signer.sock"), START_MAX)
    }

    /// Its process, once it answers.
    async fn start(&self) -> Result<Child> {
        let mut words = vec![
            format!("SOFTHSM2_CONF={}", self.text("softhsm2.conf")),
            self.stoa.display().to_string(),
            "sign".to_owned(),
            "--socket".to_owned(),
            self.text("run/signer.sock"),
            "--policy".to_owned(),
            self.text("policy.toml"),
            "--keep-env".to_owned(),
            "SOFTHSM2_CONF".to_owned(),
        ];
        words.extend(self.keys());
        let log = self.path("signer.log");
        let child = spawn_tied(Path::new("env"), &words, None, Signal::SIGTERM, &log)?;
        let started = Instant::now();
        while self.client().health().await.is_err() {
            let said = fs::read_to_string(&log).unwrap_or_default();
            ensure!(started.elapsed() < START_MAX, "the signer does not answer: {said}");
            sleep(Duration::from_millis(50)).await;
        }
        Ok(child)
    }
}

async fn measure(
    home: &Home,
    custody: &'static str,
    raw: f64,
    options: &Options,
) -> Result<Custody> {
    let _process = home.start().await?;
    let key = home.client().ensure_key("minter", 0).await?;
    let (batch, clients) = (u64::from(options.batch), u64::from(options.clients));
    let requests = u64::from(options.signatures).div_ceil(batch * clients).max(1);
    // Not counted: the first of each client opens its connection.
    let warm = ask(home, key, batch, (0..clients).map(|part| (part, 1)).collect()).await?;
    let first = warm.len() as u64;
    let started = Instant::now();
    let parts = (0..clients).map(|part| (first + part * requests, requests)).collect();
    let times = ask(home, key, batch, parts).await?;
    let taken = started.elapsed().as_secs_f64();
    let signatures = requests * clients * batch;
    let rate = signatures as f64 / taken;
    Ok(Custody {
        custody,
        signatures: u32::try_from(signatures).unwrap_or(u32::MAX),
        signatures_per_second: rounded(rate),
        raw_ratio: (rate / raw * 1_000.0).round() / 1_000.0,
        request: Quantiles::of(times),
    })
}

/// Each client asks for its `(first, count)` batches, one after the other. How long each took.
async fn ask(
    home: &Home,
    key: Address,
    batch: u64,
    parts: Vec<(u64, u64)>,
) -> Result<Vec<Duration>> {
    let mut clients = JoinSet::new();
    for (first, count) in parts {
        let client = home.client();
        clients.spawn(async move {
            let mut times = Vec::new();
            for request in first..first + count {
                let nonces = request * batch..(request + 1) * batch;
                let intents: Vec<TxIntent> = nonces.map(|nonce| transfer(key, nonce)).collect();
                let asked = Instant::now();
                let outcomes = client.sign_transactions(&intents).await?;
                times.push(asked.elapsed());
                for outcome in outcomes {
                    outcome.map_err(|refusal| anyhow::anyhow!("it refused: {refusal}"))?;
                }
            }
            Ok::<_, anyhow::Error>(times)
        });
    }
    let mut times = Vec::new();
    while let Some(done) = clients.join_next().await {
        times.extend(done??);
    }
    Ok(times)
}

fn transfer(key: Address, nonce: u64) -> TxIntent {
    let kind =
        TxKind::Call { to: Address::repeat_byte(1), value: U256::from(1), data: Bytes::new() };
    let fee =
        Fee::Eip1559 { max_fee_per_gas: 2_000_000_000, max_priority_fee_per_gas: 1_000_000_000 };
    TxIntent { key, chain_id: CHAIN, nonce, kind, gas_limit: 21_000, fee }
}
