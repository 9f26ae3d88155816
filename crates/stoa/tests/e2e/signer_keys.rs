//! `stoa signer key …`, and the operator's guide to a PKCS#11 token, run as written there.

use serde_json::Value;
use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

const KNOWN: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const KNOWN_ADDRESS: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const POLICY: &str = r#"
version = 1
[roles.minter]
chains = [31337]
keys_max = 4
signatures_per_minute = 1000
gas_limit_max = 100000
max_fee_per_gas_max = "1000000000000"
value_wei_max = "0"
value_wei_day_max = "0"
"#;

struct Site(tempfile::TempDir);

impl Site {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("policy.toml"), POLICY).unwrap();
        signer::ensure_password_file(&dir.path().join("password")).unwrap();
        Self(dir)
    }

    fn dir(&self) -> &Path {
        self.0.path()
    }

    fn files(&self) -> [String; 6] {
        let at = |name: &str| self.dir().join(name).display().to_string();
        let [keys, password, store] = [at("keys"), at("password"), at("signed.redb")];
        let names = ["--keystore", "--password-file", "--store"].map(str::to_owned);
        let [a, b, c] = names;
        [a, keys, b, password, c, store]
    }

    fn key(&self, command: &str, rest: &[&str], input: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_stoa"))
            .args(["signer", "key", command])
            .args(self.files())
            .args(rest)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that refuses may have ended before it read anything.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    fn list(&self) -> Value {
        let output = self.key("list", &["--json"], "");
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn start(&self, more: &[String], environment: &[(&str, String)]) -> Running {
        let dir = self.dir();
        let child = Command::new(env!("CARGO_BIN_EXE_stoa"))
            .args(["--log", "warn", "sign", "--socket"])
            .arg(dir.join("run/signer.sock"))
            .args(self.files())
            .arg("--policy")
            .arg(dir.join("policy.toml"))
            .args(more)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .spawn()
            .unwrap();
        Running(child)
    }

    async fn client(&self) -> signer::Client {
        let client = signer::Client::connect_with_timeout(
            self.dir().join("run/signer.sock"),
            Duration::from_secs(60),
        );
        client.health().await.unwrap();
        client
    }
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_imported_listed_and_retired_by_the_operator() {
    let site = Site::new();
    let place = ["--role", "minter", "--index", "1"];
    for bad in ["", "0x12", "not a key", &"00".repeat(32)] {
        let output = site.key("import", &place, bad);
        assert!(!output.status.success(), "{bad:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(bad.is_empty() || !said.contains(bad), "it repeats what it was given: {said}");
    }
    let output = site.key("import", &place, &format!("{KNOWN}\n"));
    assert!(output.status.success(), "{output:?}");
    assert!(!site.key("import", &place, KNOWN).status.success(), "twice");
    assert_eq!(site.list()[0]["address"], KNOWN_ADDRESS);
    assert_eq!(site.list()[0]["state"], "active");

    let treasury = "0x00000000000000000000000000000000000000AA";
    let retire = [&place[..], &["--drain-to", treasury]].concat();
    assert!(site.key("retire", &retire, "").status.success());
    assert_eq!(site.list()[0]["state"], "retired");
    assert_eq!(site.list()[0]["drain_to"], treasury);

    let _running = site.start(&[], &[("A_SECRET_OF_SOMEBODY", "value".to_owned())]);
    let client = site.client().await;
    let pid = client.health().await.unwrap().pid;
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap();
    let environment = String::from_utf8_lossy(&environment);
    let kept = environment.split('\0').filter(|variable| !variable.is_empty());
    let known = ["STOA_LOG=", "RUST_BACKTRACE=", "TZ="];
    let strange: Vec<_> = kept.filter(|v| !known.iter().any(|k| v.starts_with(k))).collect();
    assert!(strange.is_empty(), "it kept {strange:?}");
    let beside = site.key("list", &[], "");
    let said = String::from_utf8_lossy(&beside.stderr).into_owned();
    assert!(!beside.status.success() && said.contains("another signer"), "{said}");
    let made = Command::new(env!("CARGO_BIN_EXE_stoa"))
        .args(["signer", "key", "create", "--role", "minter", "--index", "0", "--socket"])
        .arg(site.dir().join("run/signer.sock"))
        .output()
        .unwrap();
    let address = String::from_utf8(made.stdout).unwrap();
    assert_eq!(client.ensure_key("minter", 0).await.unwrap().to_string(), address.trim());
}

/// The block of commands in the guide's section on PKCS#11.
fn guide() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operate/signer.md");
    let text = fs::read_to_string(path).unwrap();
    let section = text.split("### PKCS#11").nth(1).unwrap();
    section.split("```sh\n").nth(1).unwrap().split("```").next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_to_a_token_works_as_written() {
    let site = Site::new();
    let dir = site.dir().display().to_string();
    let declared = format!("{} --backends {dir}/backends.toml", site.files().join(" "));
    let program = env!("CARGO_BIN_EXE_stoa");
    let script = guide()
        .replace("KEYS", &declared)
        .replace("DIR", &dir)
        .replace("stoa sign", &format!("exec {program} sign"));
    let script = script.replace(&format!("exec {program} signer"), &format!("{program} signer"));
    let file = site.dir().join("guide.sh");
    fs::write(&file, format!("set -e\n{script}")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o700)).unwrap();
    let _running = Running(Command::new("bash").arg(&file).spawn().unwrap());
    testkit::eventually_within(Duration::from_secs(60), "the socket is there", || {
        std::future::ready(site.dir().join("run/signer.sock").exists().then_some(()))
    })
    .await;
    let client = site.client().await;
    let key = client.ensure_key("minter", 0).await.unwrap();
    let intent = signer::TxIntent {
        key,
        chain_id: 31_337,
        nonce: 0,
        kind: signer::TxKind::Void {},
        gas_limit: 21_000,
        fee: signer::Fee::Legacy { gas_price: 1 },
    };
    let outcomes = client.sign_transactions(&[intent]).await.unwrap();
    assert!(outcomes[0].is_ok(), "{outcomes:?}");
    assert!(!site.dir().join("keys/minter.0.json").exists(), "held by the token alone");
}
