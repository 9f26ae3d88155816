//! A second person's consent, by the commands of the guide.

use crate::server::{Home, Options, Server, fresh_address};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use std::{fs, path::Path, process::Command};

/// An operator's keystore file and password in `place`; gives the operator's address.
fn operator(place: &Path) -> String {
    let secret = [0x42u8; 32];
    eth_keystore::encrypt_key(
        place,
        &mut rand_core::OsRng,
        secret,
        "two persons",
        Some("operator.json"),
    )
    .unwrap();
    fs::write(place.join("operator.password"), "two persons\n").unwrap();
    let act = vocab::B256::ZERO;
    let (key, password) = (place.join("operator.json"), place.join("operator.password"));
    signer::approve(act, 1, &key, &password).unwrap().0.to_string()
}

/// From now on the role `operator` needs consent for transfers of more than 100 wei.
async fn require_approvals(home: &Home, operator: &str) {
    let path = home.path().join("signer/policy.toml");
    let policy = fs::read_to_string(&path).unwrap();
    let head = "[[roles.operator.calls]]\nto = \"any\"\ntransfer = true\n";
    assert!(policy.contains(head), "{policy}");
    let rules = format!(
        "[[roles.operator.calls]]\nto = \"any\"\ntransfer = true\napprovals = {{ from = \
         [\"{operator}\"], count = 1, expires_max_s = 3600 }}\n\n{head}value_wei_max = \"100\"\n"
    );
    fs::write(&path, policy.replace(head, &rules)).unwrap();
    let client = signer::Client::connect_with_timeout(
        home.path().join("signer/run/signer.sock"),
        std::time::Duration::from_secs(60),
    );
    let before = client.health().await.unwrap();
    kill(Pid::from_raw(i32::try_from(before.pid).unwrap()), Signal::SIGHUP).unwrap();
    testkit::eventually("the policy is in force", || async {
        (client.health().await.unwrap().policy_digest != before.policy_digest).then_some(())
    })
    .await;
}

async fn send(server: &Server, to: &str, value: &str) -> String {
    let (status, sent) =
        server.post("/transactions", None, &json!({ "to": to, "value": value })).await;
    assert!(status.is_success(), "{sent}");
    sent["id"].as_str().unwrap().to_owned()
}

async fn until(server: &Server, id: &str, what: &str, is: fn(&Value) -> bool) -> Value {
    testkit::eventually_within(std::time::Duration::from_secs(60), what, || async {
        let (_, shown) = server.get(&format!("/transactions/{id}")).await;
        is(&shown).then_some(shown)
    })
    .await
}

#[tokio::test]
async fn a_second_person_approves_as_the_guide_says() {
    let home = Home::new();
    let server = home.start(&Options::default()).await;
    let place = home.path().parent().unwrap().to_owned();
    let operator = operator(&place);
    require_approvals(&home, &operator).await;
    std::os::unix::fs::symlink(home.path(), place.join(".dev")).unwrap();
    fs::create_dir_all(place.join("target/debug")).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_stoa"), place.join("target/debug/stoa"))
        .unwrap();

    let to = fresh_address();
    let id = send(&server, &to, "1000").await;
    let waits = until(&server, &id, "it waits", |t| t["approval"]["wanted_at"].is_string()).await;
    assert_eq!(waits["status"], "queued");
    assert_eq!(waits["approval"]["operators"], json!([operator]));
    assert!(waits["reason"].as_str().unwrap().starts_with("approval_required"), "{waits}");
    let small = send(&server, &fresh_address(), "1").await;
    until(&server, &small, "another passes", |t| t["block"].is_object()).await;

    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operate/signer.md");
    let guide = fs::read_to_string(guide).unwrap();
    let commands = guide
        .split("```sh\n")
        .map(|rest| rest.split("```").next().unwrap_or_default())
        .find(|block| block.contains("stoa tx approve"))
        .unwrap()
        .to_owned();
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", &commands]).current_dir(&place).env("ID", &id);
    command.env_remove("STOA_SERVER").env_remove("STOA_API_KEY");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("approval wanted") && said.contains(&operator), "{said}");
    let mined = until(&server, &id, "it is mined", |t| t["block"].is_object()).await;
    assert_eq!(mined["approval"]["given"][0]["operator"], json!(operator));
    assert_eq!(mined["approval"]["wanted_at"], json!(null));
    let balance = server.endpoint().balance(to.parse().unwrap()).await.unwrap();
    assert_eq!(balance.to::<u64>(), 1000);
    let log = fs::read_dir(home.path().join("signer/signed.audit")).unwrap().next().unwrap();
    let log = fs::read_to_string(log.unwrap().path()).unwrap();
    let signed = log.lines().filter(|line| line.contains("approved_by")).count();
    assert_eq!(signed, 1, "signed with consent, once");
    assert_eq!(server.stop(), Some(0));
}
