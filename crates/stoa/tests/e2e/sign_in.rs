//! `docs/guide/sign-in.md`: its commands are run as they are written there, with a wallet of `cast`;
//! and what an operator's configuration says of signing in holds.

use crate::server::{Home, Options, Server, answer};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Command,
};

/// A checkout as the guide takes it for granted, around the data directory of a server.
pub fn checkout(home: &Home) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    symlink(home.path(), place.path().join(".dev")).unwrap();
    std::fs::create_dir_all(place.path().join("target/debug")).unwrap();
    symlink(env!("CARGO_BIN_EXE_stoa"), place.path().join("target/debug/stoa")).unwrap();
    std::fs::create_dir(place.path().join("tools")).unwrap();
    symlink(testkit::tools(), place.path().join("tools/bin")).unwrap();
    place
}

async fn follow(place: &Path, more: &str) -> String {
    follow_guide(place, "sign-in.md", more).await
}

/// All commands of a guide, and some of ours behind them, in one shell; what they print.
pub async fn follow_guide(place: &Path, name: &str, more: &str) -> String {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide").join(name);
    let guide = std::fs::read_to_string(guide).unwrap();
    let blocks = guide.split("```sh\n").skip(1);
    let commands: String = blocks.map(|rest| rest.split("```").next().unwrap()).collect();
    let mut shell = Command::new("bash");
    shell.args(["-euo", "pipefail", "-c", &format!("{commands}\n{more}")]).current_dir(place);
    let output = tokio::task::spawn_blocking(move || shell.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complained}");
    said
}

async fn keys(server: &Server) -> Vec<Value> {
    let address = format!("{}/.well-known/jwks.json", server.text("http"));
    let (_, keys) = answer(server.http.get(address)).await.unwrap();
    keys["keys"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_signs_in_refreshes_and_logs_out() {
    let home = Home::new();
    let server = home.start(&Options::default()).await;
    let place = checkout(&home);
    let ask = "echo; echo \"ended $(curl -sS -o /dev/null -w '%{http_code}' \"$AUTH/sessions\" \
               -H \"Authorization: Bearer $ACCESS\")\"";
    let said = follow(place.path(), ask).await;
    assert!(said.contains("wants you to sign in with your Ethereum account:"), "{said}");
    assert!(said.contains("\"iss\":\"http://127.0.0.1:"), "{said}");
    assert!(said.contains("\"current\":true"), "{said}");
    assert!(said.trim_end().ends_with("ended 401"), "{said}");
    // The operator's list, with the wallet and its client.
    assert!(said.contains("127.0.0.1") && said.contains("curl/"), "{said}");
    let own = keys(&server).await;
    let directory = home.path().join("secrets/token_keys");
    let mode = std::fs::metadata(&directory).unwrap().permissions().mode();
    assert_eq!((own.len(), mode & 0o777), (1, 0o700));
    drop(server);

    // With the operator's own key and another page; sessions of before are known to the database.
    let file = place.path().join("stoa.toml");
    let given = home.path().join("token-keys").display().to_string();
    let text = format!(
        "[auth]\norigins = [\"https://app.example.org\"]\nstatement = \"I accept the terms.\"\n\
         audience = \"shop\"\nkeys_directory = \"{given}\"\n"
    );
    std::fs::write(&file, text).unwrap();
    let server = home.start(&Options { config: Some(&file), ..Options::default() }).await;
    let other = keys(&server).await;
    assert_eq!(other.len(), 1);
    assert_ne!(other[0]["kid"], own[0]["kid"]);
    let address = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
    let ask = server
        .http
        .request(Method::POST, format!("{}/api/v1/auth/challenges", server.text("http")));
    let (status, asked) = answer(ask.json(&json!({ "address": address }))).await.unwrap();
    assert_eq!(status, StatusCode::CREATED, "{asked}");
    let message = asked["message"].as_str().unwrap();
    assert!(message.starts_with("https://app.example.org wants"), "{message}");
    assert!(message.contains("\nI accept the terms.\n"), "{message}");
}

/// `stoa session`: an operator sees who is signed in, and ends it.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_ends_sessions() {
    let home = Home::new();
    let server = home.start(&Options::default()).await;
    let place = checkout(&home);
    // Signed in twice; the guide's own session has ended by then.
    let more = r#"
sign_in() {
  curl -sSf "$AUTH/challenges" -H "$JSON" -d '{"address": "'$ADDRESS'"}' > .dev/challenge.json
  SIGNATURE=$(cast wallet sign --private-key $WALLET "$(field message < .dev/challenge.json)")
  python3 -c 'import json,sys; print(json.dumps({"signature": sys.argv[1],
    "message": json.load(open(".dev/challenge.json"))["message"]}))' $SIGNATURE |
    curl -sSf "$AUTH/sessions" -H "$JSON" -d @-
}
FIRST=$(sign_in); sign_in > /dev/null
ID=$(echo "$FIRST" | field session id); USER=$(echo "$FIRST" | field session principal_id)
echo "open $(target/debug/stoa session list --user $USER | grep -c $ADDRESS)"
target/debug/stoa session end $ID
echo "open $(target/debug/stoa session list --user $USER | grep -c $ADDRESS)"
target/debug/stoa session end --user $USER
target/debug/stoa session end $ID 2>&1 && exit 1
target/debug/stoa session list --user $USER | grep -c $ADDRESS && exit 1
REFRESH=$(echo "$FIRST" | field refresh_token)
echo "refresh $(curl -sS "$AUTH/refresh" -H "$JSON" -d '{"refresh_token": "'$REFRESH'"}' | field code)"
"#;
    let said = follow(place.path(), more).await;
    for line in
        ["open 2", "open 1", "there is no such open session", "refresh refresh_token_invalid"]
    {
        assert!(said.contains(line), "{line}\n{said}");
    }
    assert_eq!(said.matches("\nended ").count(), 2, "{said}");
    testkit::eventually("both ends are told for the audit log", || async {
        let (_, page) = server.get("/facts?topic=transactions&limit=200").await;
        let told =
            page["facts"].as_array().unwrap().iter().filter(|fact| {
                fact["kind"] == "decided" && fact["data"]["before"]["state"] == "open"
            });
        (told.count() == 2).then_some(())
    })
    .await;
}
