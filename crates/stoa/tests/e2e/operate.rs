//! What an operator does and sees: probes, logs, keys.

use crate::server::{Home, Options, Server, fresh_address, mint_request};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    process::{Command, Output},
    time::Duration,
};

async fn ready(server: &Server) -> (StatusCode, Value) {
    let request = server.http.get(format!("{}/ready", server.text("http")));
    crate::server::answer(request).await.unwrap()
}

/// The indexer can't commit while somebody holds its checkpoint; the chain goes on.
#[tokio::test]
async fn a_stalled_indexer_is_not_ready() {
    let home = Home::new();
    let server = home.start(&Options::default()).await;
    testkit::eventually("it is ready, and near the head", || async {
        let (status, shown) = ready(&server).await;
        (status == StatusCode::OK && shown["chains"][0]["lag"].as_u64()? <= 10).then_some(())
    })
    .await;
    let db = server.database(&home).await;
    let mut stall = db.begin().await.unwrap();
    db::raw::execute(&mut stall, "select 1 from checkpoints for update").await.unwrap();
    let told = testkit::eventually("the lag is told", || async {
        let (status, told) = ready(&server).await;
        (status == StatusCode::SERVICE_UNAVAILABLE).then_some(told)
    })
    .await;
    assert_eq!(told["code"], "not_ready");
    assert_eq!(told["errors"][0]["pointer"], "/chains/31337/index");
    let detail = told["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("blocks behind the chain"), "{detail}");
    stall.rollback().await.unwrap();
    testkit::eventually("it catches up", || async {
        (ready(&server).await.0 == StatusCode::OK).then_some(())
    })
    .await;
}

/// Several requests share a transaction; each is found from its answer to its transaction's lines.
#[tokio::test]
async fn a_request_is_followed_through_the_log_to_its_transaction() {
    let home = Home::new();
    let server = &home.start(&Options::default()).await;
    let to = &fresh_address();
    let ask = |n: usize| async move {
        let request = format!("trace-me-{n}");
        let sent = server
            .request(Method::POST, "/mints")
            .header("Idempotency-Key", &request)
            .header("x-request-id", &request)
            .json(&mint_request(&request, to));
        let (status, job) = crate::server::answer(sent).await.unwrap();
        assert_eq!(status, StatusCode::ACCEPTED, "{job}");
        assert_eq!(job["request_id"], request);
        (request, job["id"].as_str().unwrap().to_owned())
    };
    let jobs = futures_util::future::join_all((0..12).map(ask)).await;
    for (request, id) in &jobs {
        let job = server.mint_reaches(id, &["tentative", "auditable", "final"]).await;
        assert_eq!(job["request_id"], *request);
        let transaction = job["transaction_id"].as_str().unwrap();
        let lines = server.log_lines();
        // Whole words: `trace-me-1` is not `trace-me-11`.
        let naming = |word: &str, line: &String| {
            line.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').any(|part| part == word)
        };
        let own: Vec<&String> = lines.iter().filter(|line| naming(request, line)).collect();
        for step in ["mint accepted", "mints batched", "status=submitted"] {
            assert!(own.iter().any(|line| line.contains(step)), "{request}: {step}: {own:#?}");
        }
        let batched = own.iter().find(|line| line.contains("mints batched")).unwrap();
        assert!(batched.contains(transaction), "{batched}");
        let moved = lines.iter().any(|line| {
            line.contains(transaction)
                && line.contains("transaction moved")
                && line.contains("to=submitted")
        });
        assert!(moved, "the transactor's own line names {transaction}");
        let (_, page) = server.get("/facts?topic=mints&limit=200&after=0").await;
        let told = page["facts"].as_array().unwrap().iter().filter(|f| f["data"]["mint_id"] == *id);
        assert!(told.clone().count() >= 3);
        assert!(told.into_iter().all(|fact| fact["data"]["request_id"] == *request));
    }
    let noise = server.log_lines().into_iter().find(|l| l.contains("no transaction in progress"));
    assert_eq!(noise, None);
}

fn stoa(home: &Home, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_stoa"))
        .args(arguments)
        .arg("--data-dir")
        .arg(home.path())
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

async fn list_mints(server: &Server, key: &str) -> StatusCode {
    let url = format!("{}/api/v1/mints", server.text("http"));
    server.http.get(url).bearer_auth(key).send().await.unwrap().status()
}

#[tokio::test]
async fn keys_are_made_shown_and_revoked_by_command() {
    let home = Home::new();
    let server = home.start(&Options::default()).await;
    let made = stoa(
        &home,
        &[
            "key",
            "create",
            "--name",
            "shop",
            "--scope",
            "mints:read",
            "--scope",
            "content:write",
            "--expires-in",
            "1d",
        ],
    );
    let key = said(&made).trim().to_owned();
    assert!(key.starts_with("sk_dev_"), "the key alone is on standard output");
    assert!(!String::from_utf8_lossy(&made.stderr).contains(&key), "it is printed once");
    assert_eq!(list_mints(&server, &key).await, StatusCode::OK);
    // What its scopes do not open stays shut.
    let mint = server.http.post(format!("{}/api/v1/mints", server.text("http")));
    let mint = mint.bearer_auth(&key).header("Idempotency-Key", "k");
    let mint = mint.json(&json!({ "to": fresh_address(), "uri": "ipfs://x" }));
    assert_eq!(mint.send().await.unwrap().status(), StatusCode::FORBIDDEN);

    let listed = said(&stoa(&home, &["key", "list"]));
    let id = key.split('_').nth(2).unwrap().to_owned();
    let line = listed.lines().find(|line| line.starts_with(&id)).unwrap();
    for part in ["valid", "shop", "mints:read content:write"] {
        assert!(line.contains(part), "{line}");
    }
    assert!(!listed.contains(key.rsplit('_').next().unwrap()), "no secret is shown");
    let principal = line.split_whitespace().find(|word| word.len() == 36).unwrap();
    let second = ["key", "create", "--principal", principal, "--scope", "mints:read"];
    let second = said(&stoa(&home, &second)).trim().to_owned();

    assert!(said(&stoa(&home, &["key", "revoke", &id])).contains("revoked"));
    assert!(said(&stoa(&home, &["key", "revoke", &id])).contains("before"));
    testkit::eventually_within(Duration::from_secs(30), "the key ends", || async {
        (list_mints(&server, &key).await == StatusCode::UNAUTHORIZED).then_some(())
    })
    .await;
    assert_eq!(list_mints(&server, &second).await, StatusCode::OK, "the other key goes on");
    let listed = said(&stoa(&home, &["key", "list"]));
    assert!(listed.lines().any(|line| line.starts_with(&id) && line.contains("revoked")));

    let nobody = "01932c5e-7f3a-7000-8000-000000000000";
    for refused in [
        &["key", "create", "--name", "x"][..],
        &["key", "create", "--name", "x", "--scope", "everything"],
        &["key", "create", "--name", "", "--scope", "admin"],
        &["key", "create", "--scope", "admin"],
        &["key", "create", "--principal", nobody, "--scope", "admin"],
        &["key", "create", "--name", "x", "--scope", "admin", "--expires-in", "0d"],
        &["key", "create", "--name", "x", "--scope", "admin", "--database-url", "postgres://x/y"],
        &["key", "revoke", "0000000000000000"],
        &["key", "revoke", &key],
        &["chain", "resume", "31337"],
        &["chain", "resume", "1"],
    ] {
        let output = stoa(&home, refused);
        assert!(!output.status.success(), "{refused:?}");
        assert!(!String::from_utf8_lossy(&output.stderr).contains(&key), "no secret is repeated");
    }
    let known = said(&stoa(&home, &["key", "list"]));
    assert_eq!(known.lines().count(), listed.lines().count(), "a refused command makes nothing");
    assert_eq!(server.stop(), Some(0));
    let stopped = stoa(&home, &["key", "list"]);
    assert!(String::from_utf8_lossy(&stopped.stderr).contains("is not running"));
}

/// The address in the answer is where the chain has the collection in the end.
#[tokio::test]
async fn collections_stand_where_they_were_said_to() {
    let home = Home::new();
    let server = home.start(&Options::default()).await;
    let endpoint = server.endpoint();
    let implementation = server.dev["contracts"]["StoaCollection"].as_str().unwrap();
    // ERC-1167: the implementation's address is in the clone's code.
    let wanted = implementation.trim_start_matches("0x").to_lowercase();
    let mut addresses = vec![server.dev["contracts"]["default_collection"].clone()];
    for (mode, base) in [("digest", None), ("free_uri", None), ("base_uri", Some("https://x/"))] {
        let asked = json!({ "name": format!("Of {mode}"), "symbol": "OF", "content_mode": mode,
                            "base_uri": base });
        let (status, made) = server.post("/collections", Some(mode), &asked).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{made}");
        assert_eq!(made["deployed"], false);
        addresses.push(made["contract"].clone());
    }
    for contract in addresses {
        let contract = contract.as_str().unwrap();
        let path = format!("/collections/31337/{contract}");
        let found = testkit::eventually("the collection is indexed", || async {
            let (_, found) = server.get(&path).await;
            (found["deployed"] == true).then_some(found)
        })
        .await;
        assert_eq!(found["contract"], contract);
        let code = endpoint.code(contract.parse().unwrap()).await.unwrap().to_string();
        assert!(code.contains(&wanted), "no clone of ours at {contract}: {code}");
        // name(), as the contract itself says it.
        let call = json!([{ "to": contract, "input": "0x06fdde03" }, "latest"]);
        let name: String = endpoint.call("eth_call", call).await.unwrap();
        let said = abi_text(&name);
        assert_eq!(found["name"], said, "{contract}");
    }
    assert_eq!(server.stop(), Some(0));
}

/// An ABI-encoded string: offset, length, bytes.
fn abi_text(encoded: &str) -> String {
    let bytes = hex::decode(encoded.trim_start_matches("0x")).unwrap();
    let length = usize::from(bytes[63]);
    String::from_utf8(bytes[64..64 + length].to_vec()).unwrap()
}

/// A key bound to networks and given another secret, and a principal given a role, each by command.
#[tokio::test]
async fn keys_are_replaced_and_roles_granted_by_command() {
    let home = Home::new();
    let server = home.start(&Options::default()).await;
    let create = |place: &'static str| {
        let scopes = ["--scope", "mints:read", "--scope", "transactions:read"];
        let arguments = [&["key", "create", "--name", "shop", "--allow-ip", place], &scopes[..]];
        said(&stoa(&home, &arguments.concat())).trim().to_owned()
    };
    assert_eq!(list_mints(&server, &create("192.0.2.0/24")).await, StatusCode::FORBIDDEN);
    let key = create("127.0.0.0/8");
    assert_eq!(list_mints(&server, &key).await, StatusCode::OK);
    let id = key.split('_').nth(2).unwrap().to_owned();
    let second = said(&stoa(&home, &["key", "rotate", &id, "--overlap", "1h"])).trim().to_owned();
    let third = said(&stoa(&home, &["key", "rotate", &id, "--overlap", "0"])).trim().to_owned();
    assert!(second != key && third != second && third.starts_with(&format!("sk_dev_{id}_")));
    testkit::eventually_within(Duration::from_secs(30), "secrets change", || async {
        let ended = list_mints(&server, &key).await == StatusCode::UNAUTHORIZED
            && list_mints(&server, &second).await == StatusCode::UNAUTHORIZED;
        (ended && list_mints(&server, &third).await == StatusCode::OK).then_some(())
    })
    .await;

    let get = async |key: &str, path: &str| {
        let url = format!("{}/api/v1/{path}", server.text("http"));
        server.http.get(url).bearer_auth(key).send().await.unwrap().status()
    };
    let listed = said(&stoa(&home, &["key", "list"]));
    let line = listed.lines().find(|line| line.starts_with(&id)).unwrap();
    assert!(line.contains("127.0.0.0/8"), "{line}");
    let shop = line.split_whitespace().find(|word| word.len() == 36).unwrap();
    assert_eq!(get(&third, "transactions").await, StatusCode::FORBIDDEN);
    said(&stoa(&home, &["principal", "grant", shop, "operator", "--expires-in", "1d"]));
    let listed = said(&stoa(&home, &["principal", "list", "--role", "operator"]));
    assert!(listed.lines().any(|line| line.starts_with(shop) && line.contains("operator (shop)")));
    testkit::eventually_within(Duration::from_secs(30), "the role counts", || async {
        (get(&third, "transactions").await == StatusCode::OK).then_some(())
    })
    .await;
    said(&stoa(&home, &["principal", "revoke", shop, "operator"]));
    testkit::eventually_within(Duration::from_secs(30), "it counts no more", || async {
        (get(&third, "transactions").await == StatusCode::FORBIDDEN).then_some(())
    })
    .await;
    // The operator of the server is its first admin.
    let admin = server.text("operator_api_key");
    assert_eq!(get(&admin, "principals").await, StatusCode::OK);
    assert_eq!(get(&third, "principals").await, StatusCode::FORBIDDEN);
    for refused in [
        &["key", "create", "--name", "x", "--scope", "admin", "--allow-ip", "10.0.0.1/8"][..],
        &["key", "rotate", "0000000000000000"],
        &["key", "rotate", &id, "--overlap", "8d"],
        &["principal", "grant", shop, "root"],
        &["principal", "grant", "01932c5e-7f3a-7000-8000-000000000000", "admin"],
    ] {
        assert!(!stoa(&home, refused).status.success(), "{refused:?}");
    }
    assert_eq!(server.stop(), Some(0));
}
