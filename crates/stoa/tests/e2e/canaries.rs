//! Secrets are planted everywhere that a server takes them, and looked for in all that it tells:
//! its logs at the most that can be logged, its metrics, its errors, and what its tools print.

use crate::{
    server::{Home, Options, mint_request},
    sign_in::{checkout, follow},
};
use aho_corasick::AhoCorasick;
use reqwest::Method;
use serde_json::json;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};
use testkit::{
    NodeOptions,
    identity_provider::{Browser, CLIENT_SECRET, IdentityProvider, identity_provider},
};

const RPC: &str = "canary-rpc-7f3a91";
const REDIS: &str = "canary-redis-0c44be";
const DATABASE: &str = "canary-database-5e1d20";
const COLLECTOR: &str = "canary-collector-4d77c2";
const HOOK: &str = "canary-hook-93be10";
const GIVEN: [&str; 6] = [
    "canary-wrong-key-a81f",
    "canary-wrong-token-b92e",
    "canary-basic-c03d",
    "canary-cookie-d14c",
    "canary-body-e25b",
    "canary-query-f36a",
];

/// What must be found nowhere, by what it is.
#[derive(Default)]
struct Secrets(Vec<(String, String)>);

impl Secrets {
    fn add(&mut self, what: &str, secret: &str) {
        let secret = secret.trim();
        assert!(secret.len() >= 12, "{what} is too short to be looked for");
        self.0.push((what.to_owned(), secret.to_owned()));
    }

    /// All files of secrets of a data directory.
    fn add_files(&mut self, data: &Path) {
        let mut paths = vec![data.join("signer/password")];
        for directory in ["secrets", "secrets/token_keys", "secrets/field_keys", "signer/keys"] {
            let files = fs::read_dir(data.join(directory)).unwrap().flatten();
            let hidden =
                |path: &PathBuf| path.file_name().is_some_and(|n| n.as_encoded_bytes()[0] == b'.');
            let paths_of = files.map(|file| file.path());
            paths.extend(paths_of.filter(|path| path.is_file() && !hidden(path)));
        }
        for path in paths {
            let text = fs::read_to_string(&path).unwrap();
            let what = path.display().to_string();
            if let Ok(keystore) = serde_json::from_str::<serde_json::Value>(&text) {
                self.add(&what, keystore["crypto"]["ciphertext"].as_str().unwrap());
            } else if let Some((_, seed)) = text.split_once(' ') {
                self.add(&what, seed);
            } else {
                self.add(&what, &text);
            }
        }
        assert!(self.0.len() > 6, "there are files of secrets");
    }

    /// The first that a text tells: what it is, and the line.
    fn first_in(&self, text: &str) -> Option<(&str, String)> {
        let searcher = AhoCorasick::new(self.0.iter().map(|(_, secret)| secret)).unwrap();
        let found = searcher.find(text)?;
        let start = text[..found.start()].rfind('\n').map_or(0, |end| end + 1);
        let line = text[start..].lines().next().unwrap_or_default();
        Some((&self.0[found.pattern().as_usize()].0, line.chars().take(600).collect()))
    }

    #[track_caller]
    fn are_not_in(&self, place: &str, text: &str) {
        if let Some((what, line)) = self.first_in(text) {
            panic!("{what} is told in {place}: {line}");
        }
    }
}

/// Everything that is logged below a directory.
fn logs(below: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut places = vec![below.to_owned()];
    while let Some(place) = places.pop() {
        for entry in fs::read_dir(place).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.is_symlink() {
                places.push(path);
            } else if path.extension().is_some_and(|end| end == "log") {
                let bytes = fs::read(&path).unwrap_or_default();
                found.push((path, String::from_utf8_lossy(&bytes).into_owned()));
            }
        }
    }
    found
}

fn variables() -> [(&'static str, String); 5] {
    [
        ("STOA_TELEMETRY__OTLP_ENDPOINT", format!("http://127.0.0.1:9/{COLLECTOR}")),
        ("STOA_TELEMETRY__OTLP_AUTHORIZATION", format!("Bearer {COLLECTOR}")),
        ("STOA_REDIS__URL", format!("redis://:{REDIS}@127.0.0.1:9/0")),
        ("STOA_DATABASE__URL", format!("postgres://stoa:{DATABASE}@127.0.0.1:9/stoa")),
        ("STOA_LOG", "trace".to_owned()),
    ]
}

/// A tool's whole output.
fn tool(arguments: &[&str], config: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stoa"));
    command.args(arguments).arg(config).envs(variables());
    let output = command.output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

/// Where the provider sends browsers back to; the test takes them to the server.
const REDIRECT: &str = "http://127.0.0.1:1/api/v1/auth/oidc/callback";

/// Staff sign in by their provider: everything that is secret of it.
async fn sign_in_as_staff(provider: &IdentityProvider, origin: &str, secrets: &mut Secrets) {
    provider.account("ada", "Ada", &["ops"]).await;
    let mut browser = Browser::default();
    let start = format!("{origin}/api/v1/auth/oidc/start?mode=token");
    let back = browser.follow(&start, REDIRECT).await;
    let back = back.replace("http://127.0.0.1:1", origin);
    let url: reqwest::Url = back.parse().unwrap();
    for (name, value) in url.query_pairs().filter(|(name, _)| name == "code" || name == "state") {
        secrets.add(&format!("the provider's {name}"), &value);
    }
    let binder = browser.cookie(origin, "__Host-stoa_provider").unwrap();
    secrets.add("what binds the browser", binder);
    let opened = browser.get(&back).await;
    assert_eq!(opened.status(), 200);
    let opened: serde_json::Value = opened.json().await.unwrap();
    for token in ["access_token", "refresh_token"] {
        secrets.add("a token of staff", opened[token].as_str().unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_told_however_much_is_logged() {
    let node = testkit::anvil(NodeOptions { block_time: Some(0.2), extra: vec![] }).await;
    let home = Home::new();
    fs::create_dir_all(home.path()).unwrap();
    let config = home.path().join("stoa.toml");
    let endpoint = format!("[[endpoints]]\nurl = \"{}/?k={RPC}\"\n", node.anvil.http_url());
    let provider = identity_provider(REDIRECT).await;
    let secret = home.path().join("client_secret");
    fs::write(&secret, CLIENT_SECRET).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let oidc = format!(
        "[oidc]\nissuer = \"{}\"\nclient_id = \"stoa\"\nscopes = [\"groups\"]\n\
         client_secret_file = \"{}\"\nredirect_url = \"{REDIRECT}\"\nroles = [\"ops=operator\"]\n",
        provider.issuer,
        secret.display()
    );
    let with_redis = format!(
        "[redis]\nurl = \"redis://:{REDIS}@127.0.0.1:9/0\"\n\
         [telemetry]\notlp_endpoint = \"http://127.0.0.1:9/{COLLECTOR}\"\n{oidc}{endpoint}"
    );
    fs::write(&config, &with_redis).unwrap();
    let options = Options { config: Some(&config), log: Some("trace"), ..Options::default() };
    let server = home.start(&options).await;

    let mut secrets = Secrets::default();
    for (what, secret) in [("the node's key", RPC), ("Redis's password", REDIS)] {
        secrets.add(what, secret);
    }
    secrets.add("the database's password", DATABASE);
    secrets.add("the collector's key", COLLECTOR);
    secrets.add("the provider's client secret", CLIENT_SECRET);
    for given in GIVEN {
        secrets.add("what a client sent", given);
    }
    secrets.add_files(&home.path());
    secrets.add("the operator's key", &server.text("operator_api_key"));

    // Where they stand they are found: it is they that are looked for.
    for path in ["stoa.toml", "dev.json", "signer/password", "secrets/cursor_key"] {
        let text = fs::read_to_string(home.path().join(path)).unwrap();
        assert!(secrets.first_in(&text).is_some(), "{path}");
    }

    // A user signs in, refreshes and logs out, by the guide.
    let place = checkout(&home);
    let ask = "for secret in \"$ACCESS\" \"$REFRESH\" \"$SIGNATURE\" \
               \"$(field nonce < .dev/challenge.json)\" \"${WALLET#0x}\" \
               \"$(field refresh_token < .dev/tokens.json)\"; do echo \"CANARY $secret\"; done";
    let said = follow(place.path(), ask).await;
    let tokens: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("CANARY ")).collect();
    assert_eq!(tokens.len(), 6, "{said}");
    tokens.iter().for_each(|token| secrets.add("what signing in gave", token));

    sign_in_as_staff(&provider, &server.text("http"), &mut secrets).await;

    // What is accepted, and what is wrong in every place that takes a secret.
    let id = server.mint("canaries", "0x70997970C51812dc3A010C7d01b50e0d17dc79C8").await;
    server.mint_reaches(&id, &["tentative", "auditable", "final"]).await;
    let mut errors = Vec::new();
    let url = format!("{}/api/v1", server.text("http"));
    let wrong = [
        server.http.get(format!("{url}/wallets")).bearer_auth(GIVEN[0]),
        server
            .http
            .get(format!("{url}/wallets"))
            .bearer_auth(format!("eyJhbGciOiJFZERTQSJ9.{}.x", GIVEN[1])),
        server.http.get(format!("{url}/wallets")).basic_auth("user", Some(GIVEN[2])),
        server
            .http
            .get(format!("{url}/auth/sessions"))
            .header("cookie", format!("__Host-stoa_access={}; __Host-stoa_refresh={0}", GIVEN[3])),
        server.http.post(format!("{url}/auth/refresh")).json(&json!({ "refresh_token": GIVEN[4] })),
        server
            .http
            .post(format!("{url}/auth/sessions"))
            .json(&json!({ "message": GIVEN[4], "signature": format!("0x{}", "ab".repeat(65)) })),
        server.request(Method::GET, &format!("/items?cursor={}", GIVEN[5])),
        server
            .request(Method::POST, "/mints")
            .header("Idempotency-Key", "x")
            .json(&json!({ "to": GIVEN[4] })),
    ];
    for request in wrong {
        let response = request.send().await.unwrap();
        assert!(response.status().is_client_error(), "{}", response.status());
        errors.push(format!(
            "{:?}\n{}",
            response.headers().clone(),
            response.text().await.unwrap()
        ));
    }
    let good = server.request(Method::POST, "/mints").header("Idempotency-Key", "again");
    let good = good.json(&mint_request("again", "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"));
    assert!(good.send().await.unwrap().status().is_success());

    // Of a webhook: its secrets, old and new, and the address past its host.
    let hook = json!({ "url": format!("https://hooks.invalid/{HOOK}?k={HOOK}"),
        "topics": ["mints"] });
    secrets.add("the address of a webhook", HOOK);
    let (status, made) = server.post("/webhooks", Some("hook"), &hook).await;
    assert!(status.is_success(), "{status}");
    secrets.add("the secret of a webhook", made["secret"].as_str().unwrap());
    let hook = format!("/webhooks/{}", made["id"].as_str().unwrap());
    let rotate = format!("{hook}/rotate-secret");
    let (_, rotated) = server.post(&rotate, Some("rotate"), &json!({})).await;
    secrets.add("another secret of it", rotated["secret"].as_str().unwrap());
    let (_, tried) = server.post(&format!("{hook}/test"), None, &json!({})).await;
    assert_ne!(tried["outcome"], "delivered", "{tried}");
    server.mint("hooked", "0x70997970C51812dc3A010C7d01b50e0d17dc79C8").await;
    testkit::eventually("its delivery was tried", || async {
        let (_, found) = server.get(&format!("{hook}/deliveries")).await;
        (found["items"][0]["attempts"].as_u64()? > 0).then_some(())
    })
    .await;

    // Who did that is recorded, without them; in the list and in the log.
    let records = testkit::eventually("the audit trail has all of it", || async {
        let (_, records) = server.get("/audit?action=change_webhook").await;
        (records["items"].as_array()?.len() >= 3).then_some(records)
    })
    .await;
    secrets.are_not_in("the audit trail", &records.to_string());

    for error in &errors {
        secrets.are_not_in("an error", error);
    }
    secrets.are_not_in("the metrics", &server.metrics().await);
    let path = config.display().to_string();
    let data = home.path().display().to_string();
    for arguments in [
        &["config", "show", "--json"][..],
        &["config", "show"],
        &["config", "check", "--profile", "prod"],
        &["doctor", "--timeout", "5", "--data-dir", &data, "--config"],
        &["doctor", "--json", "--timeout", "5", "--data-dir", &data, "--config"],
        &["index", "run", "--until-head", "--config"],
    ] {
        secrets.are_not_in(&arguments.join(" "), &tool(arguments, &config));
    }
    // What is refused is not repeated: the file is good TOML no more.
    fs::write(&config, format!("{with_redis}url = {RPC}\nkey = \"{REDIS}")).unwrap();
    secrets.are_not_in("config check", &tool(&["config", "check"], Path::new(&path)));
    assert_eq!(server.stop(), Some(0));

    let logs = logs(home.path().parent().unwrap());
    let all: usize = logs.iter().map(|(_, text)| text.len()).sum();
    assert!(logs.len() >= 2 && all > 100_000, "the logs are there: {all} bytes");
    assert!(logs.iter().any(|(_, text)| text.contains("TRACE")), "everything is logged");
    let audited = fs::read_dir(home.path().join("audit")).unwrap().flatten();
    let audited = audited.filter_map(|entry| fs::read_to_string(entry.path()).ok());
    let audited: String = audited.collect();
    assert!(audited.contains("change_webhook") && audited.contains("rotated"), "{audited}");
    secrets.are_not_in("the audit log", &audited);
    for (path, text) in &logs {
        secrets.are_not_in(&path.display().to_string(), text);
    }
}
