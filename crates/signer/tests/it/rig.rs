//! A signer in a directory of its own, in this process or in a child.

use std::{
    collections::HashMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use secp256k1::{
    Message,
    ecdsa::{RecoverableSignature, RecoveryId},
};
use signer::{
    Client, Clock, Config, Fee, Refusal, Safe, ServeError, SignOutcome, TxIntent, TxKind,
    ensure_password_file, serve,
};
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle};

pub(crate) const CHAIN: u64 = 31337;
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
pub(crate) const DIR_VARIABLE: &str = "SIGNER_TEST_DIR";
pub(crate) const PARENT_VARIABLE: &str = "SIGNER_TEST_PARENT";
/// 2026-11-20 12:00 UTC.
pub(crate) const NOON_MS: u64 = 1_795_176_000_000;

pub(crate) const POLICY: &str = r#"
version = 1
[roles.minter]
chains = [31337]
keys_max = 4
signatures_per_minute = 1000000
gas_limit_max = 16000000
max_fee_per_gas_max = "500000000000"
value_wei_max = "1000"
value_wei_day_max = "1000000"
[[roles.minter.calls]]
to = "any"
functions = ["transfer(address,uint256)", "mintBatch(uint256,uint256,address[],bytes)"]
transfer = true
"#;

/// Files of one signer. They outlive the servers started on them.
pub(crate) struct Rig {
    pub(crate) dir: TempDir,
    pub(crate) now_ms: Arc<AtomicU64>,
    /// What a child gets besides, for the module of its token.
    pub(crate) environment: HashMap<String, PathBuf>,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with_policy(POLICY)
    }

    pub(crate) fn with_policy(policy: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("policy.toml"), policy).unwrap();
        ensure_password_file(&dir.path().join("password")).unwrap();
        Self { dir, now_ms: Arc::new(AtomicU64::new(NOON_MS)), environment: HashMap::new() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path("run/signer.sock")
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect_with_timeout(self.socket(), DEADLINE)
    }

    pub(crate) fn config(&self) -> Config {
        let now_ms = self.now_ms.clone();
        Config {
            harden: false,
            clock: Clock::new(move || now_ms.load(Ordering::Relaxed)),
            ..config_in(self.dir.path())
        }
    }

    /// Starts a server in this process.
    pub(crate) fn start(&self) -> Server {
        self.start_with(self.config())
    }

    pub(crate) fn start_with(&self, config: Config) -> Server {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve(config, async {
            let _ = stopped.await;
        }));
        Server { stop, task }
    }

    /// What the operator does while no signer runs.
    pub(crate) async fn operate<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Safe) -> T + Send + 'static,
    ) -> T {
        self.operate_with(self.config(), work).await.unwrap()
    }

    pub(crate) async fn operate_with<T: Send + 'static>(
        &self,
        config: Config,
        work: impl FnOnce(&mut Safe) -> T + Send + 'static,
    ) -> Result<T, ServeError> {
        let runtime = tokio::runtime::Handle::current();
        let open = move || Safe::open(&config, runtime).map(|mut safe| work(&mut safe));
        tokio::task::spawn_blocking(open).await.unwrap()
    }

    /// Makes the signer take declared keys that it has never seen.
    pub(crate) async fn adopt(&self) {
        let config = Config { adopt_keys: true, ..self.config() };
        self.operate_with(config, |_| ()).await.unwrap();
    }

    /// A server that is expected not to start.
    pub(crate) async fn start_error(&self) -> ServeError {
        let end = serve(self.config(), std::future::pending());
        tokio::time::timeout(DEADLINE, end).await.unwrap().unwrap_err()
    }

    /// Starts a server in a child process, hardened, on the system's clock.
    pub(crate) fn spawn(&self) -> Process {
        let mut command = child_command(self.dir.path());
        command.env(PARENT_VARIABLE, std::process::id().to_string()).envs(&self.environment);
        Process(command.spawn().unwrap())
    }
}

pub(crate) fn config_in(dir: &Path) -> Config {
    let backends = dir.join("backends.toml");
    Config {
        backends_file: backends.exists().then_some(backends),
        ..Config::new(
            dir.join("run/signer.sock"),
            dir.join("keys"),
            dir.join("password"),
            dir.join("policy.toml"),
            dir.join("store.redb"),
        )
    }
}

/// This test binary, told to be a signer: see `process::starts_and_answers`.
pub(crate) fn child_command(dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "process::starts_and_answers", "--nocapture"])
        .env(DIR_VARIABLE, dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

pub(crate) struct Server {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ServeError>>,
}

impl Server {
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        tokio::time::timeout(DEADLINE, self.task).await.unwrap().unwrap().unwrap();
    }
}

pub(crate) struct Process(pub(crate) Child);

impl Process {
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until `done` holds, or fails.
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !done() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

pub(crate) fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

pub(crate) fn fee(gwei: u128) -> Fee {
    let max_fee_per_gas = gwei * 1_000_000_000;
    Fee::Eip1559 { max_fee_per_gas, max_priority_fee_per_gas: max_fee_per_gas / 10 }
}

/// A plain transfer of `value` wei to an address made of `to`.
pub(crate) fn send(key: Address, nonce: u64, to: u8, value: u64) -> TxIntent {
    let kind =
        TxKind::Call { to: Address::repeat_byte(to), value: U256::from(value), data: Bytes::new() };
    TxIntent { key, chain_id: CHAIN, nonce, kind, gas_limit: 21_000, fee: fee(2) }
}

pub(crate) fn void(key: Address, nonce: u64) -> TxIntent {
    TxIntent { kind: TxKind::Void {}, ..send(key, nonce, 0, 0) }
}

pub(crate) async fn sign_one(client: &Client, intent: &TxIntent) -> SignOutcome {
    let mut outcomes = client.sign_transactions(std::slice::from_ref(intent)).await.unwrap();
    assert_eq!(outcomes.len(), 1);
    outcomes.remove(0)
}

/// The key's back end gave no signature: to be asked again.
pub(crate) fn is_away(outcome: &SignOutcome) -> bool {
    matches!(outcome, Err(refusal @ Refusal::KeyUnavailable { .. }) if refusal.is_temporary())
}

pub(crate) fn is_conflict(outcome: &SignOutcome) -> bool {
    matches!(outcome, Err(Refusal::NonceConflict { .. }))
}

/// Who signed `digest`; 65 bytes with v as 27 or 28.
pub(crate) fn signer_of(digest: B256, signature: &[u8]) -> Address {
    assert_eq!(signature.len(), 65);
    let id = RecoveryId::try_from(i32::from(signature[64]) - 27).unwrap();
    let public = RecoverableSignature::from_compact(&signature[..64], id)
        .unwrap()
        .recover(Message::from_digest(digest.0))
        .unwrap();
    Address::from_slice(&keccak256(&public.serialize_uncompressed()[1..])[12..])
}
