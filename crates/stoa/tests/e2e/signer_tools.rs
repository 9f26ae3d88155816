//! The operator's tools around a signer: check, approve, audit, as the guide shows them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use alloy_primitives::{Address, Bytes, U256};
use signer::{Approval, Client, Fee, Refusal, TxIntent, TxKind};

const POLICY: &str = r#"
version = 1
[roles.treasury]
chains = [31337]
keys_max = 1
signatures_per_minute = 10
gas_limit_max = 100000
max_fee_per_gas_max = "1000"
value_wei_max = "1000"
value_wei_day_max = "1000"
[[roles.treasury.calls]]
to = "any"
functions = ["transfer(address to, uint256 amount)"]
arguments.amount.max = "100"
"#;

/// `stoa sign` in a directory of its own; killed when dropped.
struct Signer {
    child: Child,
    client: Client,
}

impl Drop for Signer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn stoa(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_stoa")).args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

async fn start(dir: &Path, policy: &str) -> Signer {
    fs::create_dir_all(dir).unwrap();
    fs::write(dir.join("policy.toml"), policy).unwrap();
    signer::ensure_password_file(&dir.join("password")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_stoa"));
    command.arg("sign").stdout(Stdio::null()).stderr(Stdio::null());
    let path = |name: &str| dir.join(name);
    for (option, path) in [
        ("--socket", path("run/signer.sock")),
        ("--keystore", path("keys")),
        ("--password-file", path("password")),
        ("--policy", path("policy.toml")),
        ("--store", path("signed.redb")),
    ] {
        command.arg(option).arg(path);
    }
    let child = command.spawn().unwrap();
    let client = Client::connect_with_timeout(path("run/signer.sock"), Duration::from_secs(60));
    Signer { child, client }
}

fn shown(path: PathBuf) -> String {
    path.display().to_string()
}

#[tokio::test]
async fn an_operator_checks_approves_and_audits() {
    let dir = tempfile::tempdir().unwrap();
    let (home, desk) = (dir.path().join("signer"), dir.path().join("operator"));
    let operator = start(&desk, &POLICY.replace("treasury", "operator")).await;
    let address = operator.client.ensure_key("operator", 0).await.unwrap();
    let approvals = format!("{{ from = [\"{address}\"], count = 1, expires_max_s = 7200 }}");
    let rule = "[[roles.treasury.calls]]\nto = \"any\"\ntransfer = true";
    let signer = start(&home, &format!("{POLICY}{rule}\napprovals = {approvals}\n")).await;
    let key = signer.client.ensure_key("treasury", 0).await.unwrap();
    let policy = shown(home.join("policy.toml"));

    let digest = stoa(&["signer", "digest", &policy]);
    let health = signer.client.health().await.unwrap();
    assert_eq!(text(&digest).trim(), health.policy_digest.to_string());

    let to = Address::repeat_byte(7).to_string();
    let check = |amount: &str| {
        let arguments = format!("[\"{to}\", \"{amount}\"]");
        stoa(&[
            "signer",
            "check",
            &policy,
            "--chain",
            "31337",
            "--call",
            &to,
            "--function",
            "transfer(address to, uint256 amount)",
            "--args",
            &arguments,
        ])
    };
    let allowed = check("100");
    assert!(allowed.status.success(), "{}", text(&allowed));
    let denied = check("101");
    assert_eq!(denied.status.code(), Some(1));
    assert!(text(&denied).contains("amount: 101 is above 100"), "{}", text(&denied));

    let kind =
        TxKind::Call { to: Address::repeat_byte(7), value: U256::from(500), data: Bytes::new() };
    let fee = Fee::Legacy { gas_price: 1000 };
    let intent = TxIntent { key, chain_id: 31337, nonce: 0, kind, gas_limit: 21_000, fee };
    let asked = std::slice::from_ref(&intent);
    let refused = signer.client.sign_transactions(asked).await.unwrap().remove(0).unwrap_err();
    let Refusal::ApprovalRequired { act, .. } = refused else { panic!("{refused}") };
    let file = shown(dir.path().join("intent.json"));
    fs::write(&file, serde_json::to_string(&intent).unwrap()).unwrap();
    let (keystore, password) =
        (shown(desk.join("keys/operator.0.json")), shown(desk.join("password")));
    let approved = stoa(&[
        "signer",
        "approve",
        "--intent",
        &file,
        "--keystore",
        &keystore,
        "--password-file",
        &password,
    ]);
    assert!(approved.status.success(), "{}", text(&approved));
    let approval: Approval = serde_json::from_slice(&approved.stdout).unwrap();
    assert_eq!(approval.act, act, "the tool computes what the signer asks for");
    let signed = signer.client.sign_approved(asked, &[approval]).await.unwrap().remove(0);
    assert!(signed.is_ok(), "{signed:?}");

    let socket = shown(home.join("run/signer.sock"));
    let metrics = text(&stoa(&["signer", "metrics", "--socket", &socket]));
    assert!(metrics.contains("kind=\"transaction\",outcome=\"signed\"} 1"), "{metrics}");
    audit(&home, &signer).await;
}

async fn audit(home: &Path, signer: &Signer) {
    let log = home.join("signed.audit");
    let path = shown(log.clone());
    let health = signer.client.health().await.unwrap();
    let head = format!("{}:{}", health.audit_seq, alloy_primitives::hex::encode(health.audit_hash));
    let verified = stoa(&["audit", "verify", &path, "--head", &head]);
    assert!(verified.status.success(), "{}", text(&verified));
    let file = fs::read_dir(&log).unwrap().next().unwrap().unwrap().path();
    let good = fs::read_to_string(&file).unwrap();
    fs::write(&file, good.replace("\"index\":0", "\"index\":1")).unwrap();
    let verified = stoa(&["audit", "verify", &path]);
    assert_eq!(verified.status.code(), Some(1));
    assert!(text(&verified).contains("line 3"), "{}", text(&verified));
    // Without its last line the chain holds; only the head shows it.
    let cut = good.trim_end().rfind('\n').unwrap() + 1;
    fs::write(&file, &good[..cut]).unwrap();
    assert!(stoa(&["audit", "verify", &path]).status.success());
    assert!(!stoa(&["audit", "verify", &path, "--head", &head]).status.success());
}
