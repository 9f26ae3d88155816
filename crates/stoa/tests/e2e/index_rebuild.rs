//! `stoa index rebuild` and `verify`, as an operator uses them.

use db::registry;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use prove::storms::Site;
use rand::{SeedableRng, rngs::StdRng};
use serde_json::Value;
use std::{
    os::unix::process::ExitStatusExt,
    process::{Command, Output, Stdio},
};
use testkit::{TestDatabase, eventually};
use vocab::B256;

struct Place {
    site: Site,
    test: TestDatabase,
}

impl Place {
    /// Collections of ours and a contract of somebody else, indexed up to the head.
    async fn new() -> Self {
        let mut site = Site::new().await.unwrap();
        site.grow(20, 120, &mut StdRng::seed_from_u64(9)).await.unwrap();
        let test = testkit::database().await;
        let factory = registry::Deployment {
            name: contracts::COLLECTION_FACTORY.name.to_owned(),
            version: 1,
            address: site.factory(),
            deploy_block: 1,
            code_hash: B256::ZERO,
        };
        let mut connection = test.db.acquire().await.unwrap();
        registry::record(&mut connection, site.node.chain_id, &factory).await.unwrap();
        drop(connection);
        Self { site, test }
    }

    async fn index(&self) {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("stoa.toml");
        let token = self.site.token();
        let text =
            format!("[[sources]]\naddress = \"{token}\"\nstandard = \"erc20\"\nstart_block = 1\n");
        std::fs::write(&config, text).unwrap();
        let (url, config) = (self.site.node.anvil.http_url(), config.display().to_string());
        self.run(&["run", "--until-head", "--rpc", &url, "--config", &config]).await.unwrap();
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stoa"));
        command.arg("index").args(words).args(["--database-url", &self.test.url]);
        command.stdin(Stdio::null()).env_remove("STOA_FAILPOINT");
        command
    }

    /// What it printed; where it ended badly, and what it complained of.
    async fn run(&self, words: &[&str]) -> Result<String, String> {
        let mut command = self.command(words);
        let Output { status, stdout, stderr } =
            tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (said, complained) = (text(&stdout), text(&stderr));
        if status.success() { Ok(said) } else { Err(format!("{said}{complained}")) }
    }

    async fn execute(&self, sql: &'static str) {
        db::raw::execute(&mut self.test.db.acquire().await.unwrap(), sql).await.unwrap();
    }
}

fn refused(outcome: Result<String, String>, why: &str) {
    let said = outcome.unwrap_err();
    assert!(said.contains(why), "{why}: {said}");
}

fn last_line(text: &str) -> Value {
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &lines[..lines.len() - 1] {
        assert!(line["phase"].is_string() && line["percent"].is_number(), "{line}");
    }
    lines.last().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_index_is_made_anew_and_verified() {
    let place = Place::new().await;
    refused(place.run(&["rebuild", "all"]).await, "nothing is indexed");
    refused(place.run(&["rebuild"]).await, "required");
    place.index().await;
    refused(
        place.run(&["rebuild", "sums"]).await,
        "there is no `sums`; there are all, collections",
    );
    refused(place.run(&["verify", "sums"]).await, "there is no `sums`");
    let head = place.site.head().await.unwrap().number;

    let rebuilt = last_line(&place.run(&["rebuild", "all", "--json"]).await.unwrap());
    assert_eq!(rebuilt["chains"][0]["block"], head, "{rebuilt}");
    assert_eq!(rebuilt["rebuilt"].as_array().unwrap().len(), 9, "{rebuilt}");
    let verdict = last_line(&place.run(&["verify", "--json"]).await.unwrap());
    assert_eq!((&verdict["equal"], &verdict["spot_check"]), (&true.into(), &Value::Null));
    let said = place.run(&["rebuild", "asset_balances"]).await.unwrap();
    assert!(said.contains(&format!("balances are made anew, as of block {head}")), "{said}");

    let url = place.site.node.anvil.http_url();
    let asked = ["verify", "collections", "--rpc", url.as_str(), "--samples", "7", "--seed", "3"];
    let said = place.run(&asked).await.unwrap();
    assert!(said.contains("owners were asked for (seed 3), 0 are not so"), "{said}");

    place.execute("update balances set balance = balance + 1 where not unreliable").await;
    let said = place.run(&["verify"]).await.unwrap_err();
    for part in ["balances: ", "rows differ", "different: contract \\x", "transfers: ", "anew"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    place.run(&["rebuild", "asset_balances"]).await.unwrap();
    place.run(&["verify"]).await.unwrap();

    // Each exchange is on record, in its own commit; what only looked is not.
    let told: Vec<Value> =
        sqlx::query_scalar("select attributes || data from outbox where kind = $1 order by id")
            .bind(db::audit_logs::DECIDED)
            .fetch_all(&place.test.db)
            .await
            .unwrap();
    assert_eq!(told.len(), 3, "{told:?}");
    for one in &told {
        assert_eq!((&one["act"], &one["by"]["via"]), (&"rebuilt".into(), &"terminal".into()));
        assert_eq!(one["after"]["block"], head, "{one}");
    }
    assert!(told[0]["after"]["tables"].as_array().unwrap().len() == 9);
}

/// Killed, interrupted, gone on with and discarded.
#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_that_was_cut_off_is_told_of() {
    let place = Place::new().await;
    place.index().await;
    assert!(place.run(&["rebuild", "--discard"]).await.unwrap().contains("nothing to discard"));
    let mut killed = place.command(&["rebuild", "all"]);
    killed.env("STOA_FAILPOINT", "rebuild_settled").stdout(Stdio::null()).stderr(Stdio::null());
    let status = tokio::task::spawn_blocking(move || killed.status().unwrap()).await.unwrap();
    assert_eq!(status.signal(), Some(6));
    eventually("it is told of", || async {
        let said = place.run(&["rebuild", "allowances"]).await.unwrap_err();
        if said.contains("another process") {
            return None;
        }
        assert!(said.contains("`stoa index rebuild all` goes on with what was made"), "{said}");
        Some(())
    })
    .await;
    assert!(place.run(&["rebuild", "--discard"]).await.unwrap().contains("`all` is dropped"));

    // Nothing can be read, so it waits until it is interrupted.
    let mut holder = place.test.db.begin().await.unwrap();
    db::raw::execute(&mut holder, "lock table raw_logs in access exclusive mode").await.unwrap();
    let mut command = place.command(&["rebuild", "all"]);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let waiting = command.spawn().unwrap();
    eventually("it waits", || async {
        let mut connection = place.test.db.acquire().await.unwrap();
        let sql = "select 'waits' from pg_locks l join pg_database d on d.oid = l.database
                    where not l.granted and d.datname = current_database()";
        (!db::raw::texts(&mut connection, sql).await.unwrap().is_empty()).then_some(())
    })
    .await;
    kill(Pid::from_raw(i32::try_from(waiting.id()).unwrap()), Signal::SIGINT).unwrap();
    let ended =
        tokio::task::spawn_blocking(move || waiting.wait_with_output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("interrupted; the live tables are untouched"), "{said}");
    holder.rollback().await.unwrap();
    eventually("it goes on", || async {
        match place.run(&["rebuild", "all"]).await {
            Ok(said) => {
                assert!(said.contains("made anew"), "{said}");
                Some(())
            }
            Err(said) => {
                assert!(said.contains("another process"), "{said}");
                None
            }
        }
    })
    .await;
    place.run(&["verify"]).await.unwrap();
}
