//! A `stoa dev` process of one test, and a client for it.

use chain::{Endpoint, EndpointOptions};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// A data directory that outlives the servers started on it.
pub struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    pub fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("stoa-e2e").tempdir().unwrap();
        // Postgres runs as another user when we are root.
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { directory }
    }

    /// Below a directory that is its owner's alone, as root's home is.
    pub fn private() -> Self {
        let home = Self::new();
        let mode = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(home.directory.path(), mode).unwrap();
        home
    }

    pub fn path(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// The server's own database, for what the API does not allow.
    pub fn database_url(&self) -> String {
        let socket = self.path().join("postgres").display().to_string().replace('/', "%2F");
        format!("postgres://stoa@localhost/stoa?host={socket}&sslmode=disable")
    }

    /// Start a server and wait until it is ready.
    pub async fn start(&self, options: &Options<'_>) -> Server {
        let file = self.path().join("dev.json");
        // A server that was killed leaves its file behind.
        let _ = std::fs::remove_file(&file);
        let mut child = self.spawn(options);
        testkit::eventually_within(Duration::from_secs(90), "the server is ready", || {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "the server ended with {ended:?}:\n{}", self.log());
            std::future::ready(file.exists().then_some(()))
        })
        .await;
        let dev: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        chain::install_tls();
        Server { child, dev, http: reqwest::Client::new(), log: self.log_path() }
    }

    /// Start a server that may die before it is ready.
    pub fn spawn(&self, options: &Options<'_>) -> Child {
        let log = std::fs::File::options().create(true).append(true).open(self.log_path()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_stoa"));
        command
            .args(if options.own_log { &[][..] } else { &["--log", "info"] })
            .args(["dev", "--http", "127.0.0.1:0", "--data-dir"])
            .arg(self.path())
            .env("STOA_TOOLS", testkit::tools())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        if let Some(rpc) = options.rpc {
            command.args(["--rpc", rpc]);
        }
        if let Some(mark) = options.mark {
            command.env("STOA_TEST_MARK", mark);
        }
        if let Some(file) = options.endpoints {
            command.arg("--endpoints").arg(file);
        }
        if let Some(file) = options.config {
            command.arg("--config").arg(file);
        }
        if options.fresh {
            command.arg("--fresh");
        }
        if let Some(directory) = options.audit_dir {
            command.arg("--audit-dir").arg(directory);
        }
        if let Some(point) = options.failpoint {
            command.env("STOA_FAILPOINT", point);
        }
        command.args(["--block-time", options.block_time.unwrap_or("0.2")]);
        command.spawn().unwrap()
    }

    pub fn log(&self) -> String {
        let text = std::fs::read_to_string(self.log_path()).unwrap_or_default();
        let start = text.len().saturating_sub(6_000);
        text.get(start..).unwrap_or(&text).to_owned()
    }

    fn log_path(&self) -> PathBuf {
        self.directory.path().join("server.log")
    }
}

#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    pub rpc: Option<&'a str>,
    /// A file of endpoints, instead of `rpc`.
    pub endpoints: Option<&'a Path>,
    /// What the operator decides.
    pub config: Option<&'a Path>,
    pub failpoint: Option<&'a str>,
    /// Something to be found in the environment of what is started.
    pub mark: Option<&'a str>,
    pub block_time: Option<&'a str>,
    /// Throw away what is there.
    pub fresh: bool,
    /// Where the engine's audit log is.
    pub audit_dir: Option<&'a Path>,
    /// The log is as the configuration says.
    pub own_log: bool,
}

pub struct Server {
    pub child: Child,
    pub dev: Value,
    pub http: reqwest::Client,
    log: PathBuf,
}

impl Server {
    /// SIGKILL, at once.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGINT, as Ctrl-C; gives the exit code.
    pub fn stop(mut self) -> Option<i32> {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        kill(pid, Signal::SIGINT).unwrap();
        self.child.wait().unwrap().code()
    }

    pub fn text(&self, field: &str) -> String {
        self.dev[field].as_str().unwrap().to_owned()
    }

    pub fn endpoint(&self) -> Endpoint {
        let options = EndpointOptions { timeout: Duration::from_secs(60), ..Default::default() };
        Endpoint::new(&self.text("rpc_url"), options).unwrap()
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}/api/v1{path}", self.text("http")))
            .bearer_auth(self.text("operator_api_key"))
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.request(Method::GET, path)).await.unwrap()
    }

    /// POST under a fresh key, or under `key`.
    pub async fn post(&self, path: &str, key: Option<&str>, body: &Value) -> (StatusCode, Value) {
        self.try_post(path, key, body).await.unwrap()
    }

    pub async fn try_post(
        &self,
        path: &str,
        key: Option<&str>,
        body: &Value,
    ) -> reqwest::Result<(StatusCode, Value)> {
        let fresh = uuid::Uuid::now_v7().to_string();
        let request = self
            .request(Method::POST, path)
            .header("Idempotency-Key", key.unwrap_or(&fresh))
            .json(body);
        answer(request).await
    }

    /// Ask for a mint with its own metadata; the job's id.
    pub async fn mint(&self, key: &str, to: &str) -> String {
        let (status, body) = self.post("/mints", Some(key), &mint_request(key, to)).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{body}\n{}", self.log_tail());
        body["id"].as_str().unwrap().to_owned()
    }

    /// Wait until a mint has one of these states.
    pub async fn mint_reaches(&self, id: &str, states: &[&str]) -> Value {
        let what = format!("mint {id} reaches {states:?}");
        testkit::eventually_within(Duration::from_secs(90), &what, || async {
            let (_, body) = self.get(&format!("/mints/{id}")).await;
            let reached = states.iter().any(|state| body["status"] == *state);
            reached.then_some(body)
        })
        .await
    }

    /// Its metrics, as Prometheus reads them.
    pub async fn metrics(&self) -> String {
        let url = format!("{}/metrics", self.text("http"));
        self.http.get(url).send().await.unwrap().text().await.unwrap()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// A connection to the server's own database.
    pub async fn database(&self, home: &Home) -> db::Db {
        let directory = home.path().join("postgres").canonicalize().unwrap();
        let url = devstack::Postgres::attach(&directory).unwrap().url("stoa");
        db::connect(&url, 2).await.unwrap()
    }

    /// What the server has logged so far.
    pub fn log_lines(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// How many items of the default collection an address owns, as the chain says.
    pub async fn balance_on_chain(&self, owner: &str) -> u64 {
        let contract = self.dev["contracts"]["default_collection"].as_str().unwrap();
        let padded = format!("0x70a08231{:0>64}", owner.trim_start_matches("0x").to_lowercase());
        let call = json!([{ "to": contract, "input": padded }, "latest"]);
        let count: String = self.endpoint().call("eth_call", call).await.unwrap();
        u64::from_str_radix(count.trim_start_matches("0x"), 16).unwrap()
    }

    pub fn log_tail(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        text.get(text.len().saturating_sub(6_000)..).unwrap_or(&text).to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the end of the server's log:\n{}", self.log_tail());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn mint_request(name: &str, to: &str) -> Value {
    json!({ "to": to, "metadata": {
        "name": name,
        "image": "ipfs://bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
    }})
}

/// An address that nothing else uses.
pub fn fresh_address() -> String {
    let bytes: Vec<u8> = uuid::Uuid::now_v7().into_bytes().into();
    vocab::Address::left_padding_from(&bytes).to_string()
}

pub async fn answer(request: RequestBuilder) -> reqwest::Result<(StatusCode, Value)> {
    let response = request.timeout(Duration::from_secs(30)).send().await?;
    let status = response.status();
    Ok((status, response.json().await.unwrap_or(Value::Null)))
}

/// Is a process of this id there (and no zombie)?
pub fn runs(pid: u32) -> bool {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status"));
    status.is_ok_and(|text| !text.contains("State:\tZ"))
}

/// Processes started by `pid`, their children, and so on.
pub fn descendants(pid: u32) -> Vec<u32> {
    let listed = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| {
        let id: u32 = entry.file_name().to_str()?.parse().ok()?;
        let status = std::fs::read_to_string(entry.path().join("status")).ok()?;
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
        Some((id, parent.trim().parse::<u32>().ok()?))
    });
    let parents: Vec<(u32, u32)> = listed.collect();
    let mut found = vec![pid];
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        found.extend(parents.iter().filter(|(_, p)| *p == parent).map(|(id, _)| *id));
        next += 1;
    }
    found.remove(0);
    found
}
