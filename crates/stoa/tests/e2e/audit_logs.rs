//! Both audit logs of a server, as the guide checks them.

use crate::server::{Home, Options, Server, fresh_address};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

fn verify(home: &Home, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_stoa"))
        .args(["audit", "verify", "--data-dir"])
        .arg(home.path())
        .args(arguments)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// What `stoa audit list` prints.
fn list(home: &Home, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_stoa"))
        .args(["audit", "list", "--data-dir"])
        .arg(home.path())
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Number of the fact that a line tells.
fn fact_of(entry: &Value) -> Option<i64> {
    let kinds = ["transaction", "taken_back", "decision"];
    kinds.iter().find_map(|kind| entry[*kind]["fact"].as_i64())
}

async fn transfer(server: &Server, key: &str) -> String {
    let body = json!({ "to": fresh_address(), "value": "1" });
    let (status, sent) = server.post("/transactions", Some(key), &body).await;
    assert!(status.is_success(), "{sent}");
    sent["id"].as_str().unwrap().to_owned()
}

fn file_in(directory: &Path) -> PathBuf {
    let mut files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.extension().is_some_and(|ext| ext == "jsonl")).unwrap()
}

fn lines(home: &Home) -> Vec<Value> {
    let text = std::fs::read_to_string(file_in(&home.path().join("audit"))).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Waits until the log has a line of the transaction.
async fn logged(home: &Home, id: &str) -> Value {
    let what = format!("{id} is in the log");
    testkit::eventually_within(std::time::Duration::from_secs(90), &what, || async {
        if !home.path().join("audit").exists()
            || home.path().join("audit").read_dir().ok()?.count() < 2
        {
            return None;
        }
        let found = |line: &Value| line["entry"]["transaction"]["transaction_id"] == id;
        lines(home).into_iter().find(found)
    })
    .await
}

#[tokio::test]
async fn both_logs_hold_over_kills_and_show_what_was_changed() {
    let home = Home::new();
    let server = home.start(&Options::default()).await;
    let first = transfer(&server, "one").await;
    let line = logged(&home, &first).await;
    let (_, shown) = server.get(&format!("/transactions/{first}")).await;
    let told = &line["entry"]["transaction"];
    for field in ["tx_hash", "kind", "nonce"] {
        assert_eq!(told[field], shown[field], "{field}");
    }
    assert!(told["signature"]["r"].is_string() && told["principal_id"].is_string(), "{told}");
    let signed =
        std::fs::read_to_string(file_in(&home.path().join("signer/signed.audit"))).unwrap();
    assert!(signed.contains(told["tx_hash"].as_str().unwrap()), "the logs meet in the hash");
    let (whole, said) = verify(&home, &[]);
    assert!(whole && said.contains("signatures: ") && said.contains("transactions: "), "{said}");

    // Who asked for it is in the same chain, and in the list that the command prints.
    let asked = lines(&home).into_iter().find(|line| {
        let decision = &line["entry"]["decision"];
        decision["object_id"] == first && decision["act"] == "requested"
    });
    let asked = asked.expect("a line of who asked for it");
    let decision = &asked["entry"]["decision"];
    assert_eq!(
        (&decision["by"]["via"], &decision["by"]["ip"]),
        (&json!("key"), &json!("127.0.0.1"))
    );
    assert_eq!(decision["principal_id"], told["principal_id"]);
    let listed = list(&home, &["--object-id", &first, "--json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(listed["items"][0]["seq"], decision["fact"]);
    assert!(list(&home, &["--action", "grant_role"]).contains("role_granted"));

    // Killed under way; what became final meanwhile is there once.
    let second = transfer(&server, "two").await;
    server.kill();
    let server = home.start(&Options::default()).await;
    logged(&home, &second).await;
    let all = lines(&home);
    let count = all.len();
    let mut facts: Vec<_> = all.iter().flat_map(|line| fact_of(&line["entry"])).collect();
    facts.dedup();
    assert_eq!(facts.len(), count, "each once");
    assert!(verify(&home, &[]).0);

    // The end is cut off: the chain holds, the database knows better.
    let file = file_in(&home.path().join("audit"));
    let good = std::fs::read_to_string(&file).unwrap();
    let cut = good.lines().take(count - 1).fold(String::new(), |text, line| text + line + "\n");
    std::fs::write(&file, cut).unwrap();
    let (whole, said) = verify(&home, &[]);
    assert!(!whole && said.contains("the end was cut off"), "{said}");
    let alone = home.path().join("audit").display().to_string();
    assert!(verify(&home, &[&alone]).0);
    assert!(!verify(&home, &[&alone, "--with-database"]).0);
    // What was sent, and who asked for it: whatever is edited breaks the chain at the line after.
    for (from, to) in [("\"final\"", "\"failed\""), ("\"via\":\"key\"", "\"via\":\"session\"")] {
        let edited = good.lines().position(|line| line.contains(from)).unwrap() + 1;
        std::fs::write(&file, good.replacen(from, to, 1)).unwrap();
        let (whole, said) = verify(&home, &[]);
        let place = format!("line {}:", edited + 1);
        assert!(!whole && said.contains("the chain is broken"), "{said}");
        assert!(said.contains(&place), "{place} {said}");
    }
    std::fs::write(&file, good).unwrap();
    assert!(verify(&home, &[]).0);
    assert_eq!(server.stop(), Some(0));
    let (whole, said) = verify(&home, &[]);
    assert!(whole && said.contains("is not running"), "{said}");
}

/// A log that was put elsewhere is no part of what `--fresh` throws away: it is set aside, whole,
/// and another begins.
#[tokio::test]
async fn a_log_kept_elsewhere_is_set_aside_by_a_fresh_start() {
    let (home, elsewhere) = (Home::new(), tempfile::tempdir().unwrap());
    let directory = elsewhere.path().join("kept");
    let options = Options { audit_dir: Some(&directory), ..Options::default() };
    let written = async |server: &Server, key: &str| {
        let id = transfer(server, key).await;
        let what = format!("{id} is in the log");
        testkit::eventually_within(std::time::Duration::from_secs(90), &what, || async {
            let files = std::fs::read_dir(&directory).ok()?.flatten().map(|entry| entry.path());
            let logs = files.filter(|path| path.extension().is_some_and(|ext| ext == "jsonl"));
            logs.into_iter()
                .any(|log| std::fs::read_to_string(log).unwrap().contains(&id))
                .then_some(())
        })
        .await;
    };
    let server = home.start(&options).await;
    written(&server, "one").await;
    assert_eq!(server.stop(), Some(0));
    let old = std::fs::read(file_in(&directory)).unwrap();
    std::fs::write(directory.join("notes.txt"), "the operator's own").unwrap();

    let server = home.start(&Options { fresh: true, ..options }).await;
    written(&server, "two").await;
    let own = directory.display().to_string();
    let (whole, said) = verify(&home, &["--audit-dir", &own]);
    assert!(whole, "{said}");
    assert_eq!(server.stop(), Some(0));
    let mut aside = std::fs::read_dir(&directory).unwrap().flatten().map(|entry| entry.path());
    let aside = aside.find(|path| path.is_dir()).expect("the old log");
    assert_eq!(std::fs::read(file_in(&aside)).unwrap(), old);
    assert!(verify(&home, &[&aside.display().to_string()]).0);
    assert!(directory.join("notes.txt").exists());
}
