//! `stoa doctor`: what is well is said to be, and what is broken is found, with what to do.

use crate::server::{Home, Options};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Command,
};
use testkit::NodeOptions;

struct Said {
    code: Option<i32>,
    findings: Vec<Value>,
    text: String,
}

impl Said {
    /// The finding of this check whose reason holds this.
    #[track_caller]
    fn finding(&self, verdict: &str, check: &str, why: &str) -> &Value {
        let found = self.findings.iter().find(|finding| {
            finding["verdict"] == verdict
                && finding["check"].as_str().unwrap().starts_with(check)
                && finding["why"].as_str().unwrap().contains(why)
        });
        let found = found.unwrap_or_else(|| panic!("{verdict} {check}: {why}\n{}", self.text));
        let must = matches!(verdict, "fail" | "warn");
        assert_eq!(found["todo"].is_string(), must, "what to do is said where it is: {found}");
        found
    }

    #[track_caller]
    fn fails(&self, check: &str, why: &str) {
        self.finding("fail", check, why);
        assert_eq!(self.code, Some(1), "{}", self.text);
    }
}

fn doctor(home: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stoa"));
    command.args(["doctor", "--json", "--data-dir"]).arg(home);
    if !arguments.contains(&"--timeout") {
        command.args(["--timeout", "20"]);
    }
    let output = command.args(arguments).envs(variables.iter().copied()).output().unwrap();
    let text = String::from_utf8([output.stdout.clone(), output.stderr].concat()).unwrap();
    assert!(!text.contains("hush"), "a secret is told: {text}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{text}"));
    let findings = report["findings"].as_array().unwrap().clone();
    assert_eq!(report["well"], output.status.success(), "{text}");
    Said { code: output.status.code(), findings, text }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_well_is_said_to_be_and_a_lost_key_is_found() {
    let home = Home::new();
    let server = home.start(&Options::default()).await;
    let said = doctor(&home.path(), &[], &[]);
    assert_eq!(said.code, Some(0), "{}\n{}", said.text, server.log_tail());
    for (check, why) in [
        ("configuration", "good for the profile dev"),
        ("disk", " GB left"),
        ("permissions", "files of secrets are private"),
        ("content", "can be written"),
        ("port", "is ready"),
        ("database", "answers in"),
        ("database.durability", "fsync on"),
        ("database.schema", "of this program's version"),
        ("database.privileges", "all tables"),
        ("database.clock", "differ by"),
        ("signer", "holds"),
        ("signer.policy", "as in the file"),
        ("chain at 127.0.0.1", "s old"),
        ("chain at 127.0.0.1", "reads state by a block's hash"),
        ("wallets.keys", "the signer has the keys of all"),
        ("wallets on 31337", "have enough"),
    ] {
        if check != "disk" {
            said.finding("ok", check, why);
        }
    }
    said.finding("skip", "redis", "not configured");
    let key = server.text("operator_api_key");
    let password = fs::read_to_string(home.path().join("signer/password")).unwrap();
    assert!(
        !said.text.contains(key.trim()) && !said.text.contains(password.trim()),
        "{}",
        said.text
    );
    // For people the same, in lines.
    let mut command = Command::new(env!("CARGO_BIN_EXE_stoa"));
    let output = command.args(["doctor", "--data-dir"]).arg(home.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("ok    database.schema") && text.contains(", 0 fail, "), "{text}");

    // A wallet that the signer has no key of, and that has no money.
    let db = server.database(&home).await;
    let wallet = db::wallets::Wallet {
        address: "0x00000000000000000000000000000000000000AA".parse().unwrap(),
        role: "operator".to_owned(),
        in_flight_max: 1,
        draining: true,
        paused_reason: None,
    };
    let mut connection = db.acquire().await.unwrap();
    db::wallets::record(&mut connection, vocab::ChainId(31_337), &wallet).await.unwrap();
    drop(connection);
    // New wallets are given money, once.
    let node = server.endpoint();
    testkit::eventually("it has been given money", || async {
        let balance: String =
            node.call("eth_getBalance", json!([wallet.address, "latest"])).await.unwrap();
        (balance != "0x0").then_some(())
    })
    .await;
    let balance = json!([wallet.address, "0x0"]);
    let _: Value = node.call("anvil_setBalance", balance).await.unwrap();
    let said = doctor(&home.path(), &[], &[]);
    said.fails("wallets.keys", "the signer lacks the keys of 1 wallets");
    said.fails("wallets on 31337", "has nothing");

    // The policy that is in force is not the one of the file any more.
    let policy = home.path().join("signer/policy.toml");
    let text = fs::read_to_string(&policy).unwrap();
    fs::write(&policy, format!("{text}\n# changed\n")).unwrap();
    doctor(&home.path(), &[], &[]).finding("warn", "signer.policy", "the file is");
    fs::write(&policy, "nonsense = [").unwrap();
    doctor(&home.path(), &[], &[]).fails("signer.policy", "is no policy");

    // Everything ends with the server, and each is said to be away.
    server.kill();
    let said = doctor(&home.path(), &[], &[]);
    said.fails("database", "");
    said.fails("signer", "");
    said.fails("chain", "");
    said.finding("skip", "wallets", "the database can't be asked");
}

/// What stands on this machine alone.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_on_the_machine_is_found() {
    let home = Home::new();
    let data = home.path();
    fs::create_dir_all(data.join("secrets")).unwrap();
    fs::create_dir_all(data.join("signer")).unwrap();
    let secret = data.join("secrets/cursor_key");
    fs::write(&secret, "hush").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
    // Not even root writes there.
    symlink("/proc", data.join("content")).unwrap();
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = doctor(&data, &["--timeout", "2", "--set", &format!("api.listen={address}")], &[]);
    said.fails("permissions", "others may read or write 1 of 1");
    said.fails("content", "can't be written");
    said.fails("port", "is taken");
    said.fails("signer", "there is no socket");
    said.fails("database", "no development server has run");
    said.finding("skip", "chain", "no node is named");
    drop(taken);
    let listen = format!("api.listen={address}");
    doctor(&data, &["--set", &listen], &[]).finding("ok", "port", "is free");
    doctor(&data, &["--set", "api.listen=192.0.2.1:80"], &[]).fails("port", "cannot listen");

    let bad = doctor(&data, &["--set", "limits.ip_unitz=1", "--set", "fees.cap_wei=x"], &[]);
    bad.fails("configuration", "did you mean ip_units?");
    bad.fails("configuration", "fees.cap_wei: must be wei");
    assert_eq!(bad.findings.len(), 2, "nothing else can be checked");
    let warned = doctor(&data, &["--profile", "staging"], &[("STOA_LIMITS__IP_UNITS", "0")]);
    warned.finding("warn", "configuration", "limits.ip_units: must not be 0");
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_that_are_not_as_they_should_be_are_found() {
    let home = Home::new();
    let closed = [("STOA_DATABASE__URL", "postgres://stoa:hush@127.0.0.1:9/stoa")];
    doctor(&home.path(), &[], &closed).fails("database", "not reachable");
    // The cluster of tests keeps nothing: that is what is to be found.
    let database = testkit::database().await;
    let ask = || doctor(&home.path(), &["--database-url", &database.url], &[]);
    let said = ask();
    said.fails("database.durability", "fsync is off");
    said.finding("ok", "database.schema", "of this program's version");
    let run = async |sql: &'static str| {
        sqlx::raw_sql(sql).execute(&database.db).await.unwrap();
    };
    run("delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)")
        .await;
    ask().fails("database.schema", "");
    run("create role stoa_reader login; grant usage on schema public to stoa_reader").await;
    let user = reqwest::Url::parse(&database.url).unwrap().username().to_owned();
    let reader = database.url.replacen(&format!("//{user}"), "//stoa_reader", 1);
    let said = doctor(&home.path(), &["--database-url", &reader], &[]);
    run("drop owned by stoa_reader; drop role stoa_reader").await;
    said.fails("database.privileges", "tables may not be read or written");
    said.finding("warn", "database.role", "may not make tables");
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_are_away_or_wrong_are_found() {
    let home = Home::new();
    let node = |extra: &[&str]| {
        let extra = extra.iter().map(|text| (*text).to_owned()).collect();
        testkit::anvil(NodeOptions { block_time: None, extra })
    };
    let one = node(&[]).await;
    let other = node(&["--gas-limit", "20000000"]).await;
    let old = node(&["--timestamp", "1700000000"]).await;
    let ahead = node(&["--timestamp", "4000000000"]).await;
    let url = |node: &testkit::TestNode| format!("{}/?key=hush", node.anvil.http_url());
    let ask = |id: &str, urls: &[String]| {
        let file = home.path().with_extension("toml");
        let list: Vec<String> =
            urls.iter().map(|url| format!("[[endpoints]]\nurl = \"{url}\"\n")).collect();
        fs::write(&file, format!("[chain]\nid = {id}\n{}", list.concat())).unwrap();
        doctor(&home.path(), &["--config", file.to_str().unwrap()], &[])
    };
    let said = ask("31337", &[url(&one)]);
    said.finding("ok", "chain 31337 at 127.0.0.1", "s old");
    said.finding("ok", "chain 31337 at 127.0.0.1", "blocks at once");
    said.finding("warn", "chain 31337, agreement", "there is one endpoint only");
    ask("10", &[url(&one)]).fails("chain 10 at 127.0.0.1", "it is of chain 31337, not 10");
    let away = "http://127.0.0.1:9/hush".to_owned();
    let said = ask("31337", &[url(&one), away.clone()]);
    said.fails("chain 31337 at 127.0.0.1:9", "could not be reached");
    ask("31337", &[away]).fails("chain 31337, agreement", "no endpoint can be asked");
    ask("31337", &[url(&one), url(&other)]).fails("chain 31337, agreement", "different blocks");
    ask("31337", &[url(&old)]).fails("chain 31337 at 127.0.0.1", "s old");
    ask("31337", &[url(&ahead)]).finding("warn", "chain 31337 at", "in the future");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_there_away_or_silent_is_told() {
    let home = Home::new();
    let directory = tempfile::Builder::new().prefix("stoa-e2e").tempdir().unwrap();
    let redis = devstack::Redis::start(directory.path()).unwrap();
    let url = redis.url();
    let ask = |url: &str| {
        let variables = [("STOA_REDIS__URL", url)];
        doctor(&home.path(), &["--timeout", "2"], &variables)
    };
    let said = ask(&url);
    said.finding("ok", "redis.eviction", "noeviction");
    // A loaded machine may take its time.
    assert!(said.findings.iter().any(|f| f["check"] == "redis" && f["verdict"] != "fail"));
    redis.signal(devstack::Signal::SIGSTOP);
    ask(&url).fails("redis", "");
    redis.signal(devstack::Signal::SIGCONT);
    drop(redis);
    ask(&url).fails("redis", "");
    ask("redis://:hush@127.0.0.1:9").fails("redis", "");
}
