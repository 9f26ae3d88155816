//! Pages of the index from a standby: what the primary would show, or the primary itself.

use crate::{
    harness::{Api, CHAIN, Setup, body, start_as},
    hot::item,
};
use app::{Changes, Replica};
use devstack::{Postgres, PostgresOptions};
use reqwest::Method;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

/// A server on a primary with a standby.
struct Pair {
    api: Api,
    changes: Changes,
    primary: Postgres,
    standby: Postgres,
    _directory: tempfile::TempDir,
}

fn options(directory: &Path, name: &str) -> PostgresOptions {
    PostgresOptions { directory: directory.join(name), durable: false, connections_max: 60 }
}

async fn pair() -> Pair {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let primary = Postgres::start(&options(directory.path(), "primary")).unwrap();
    primary.ensure_database("stoa").unwrap();
    let db = db::connect(&primary.url("stoa"), 10).await.unwrap();
    db::migrate(&db).await.unwrap();
    let standby = primary.standby(&options(directory.path(), "standby")).unwrap();
    let changes = Changes::default();
    let replica = Replica::new(&standby.url("stoa"), 4, changes.clone()).unwrap();
    let (replica, noted) = (Some(Arc::new(replica)), changes.clone());
    let setup = Setup { beside: Some(db), replica, changes: noted, ..Setup::default() };
    Pair { api: start_as(setup).await, changes, primary, standby, _directory: directory }
}

impl Pair {
    /// As the index does: an item, and the block that it is in, in one commit.
    fn commit(&self, token: usize) {
        let sql = format!(
            "begin; {}; insert into checkpoints (chain_id, height, hash, epoch)
             values ({CHAIN}, {token}, decode(repeat('{token:02x}', 32), 'hex'), 1)
             on conflict (chain_id) do update set height = excluded.height, hash = excluded.hash;
             commit",
            item(token)
        );
        self.primary.psql("stoa", &sql).unwrap();
    }

    /// Replay of the log on the standby.
    fn replay(&self, what: &str) {
        self.standby.psql("stoa", &format!("select pg_wal_replay_{what}()")).unwrap();
    }

    async fn caught_up(&self) {
        let counted = |cluster: &Postgres| cluster.psql("stoa", "select count(*) from items").ok();
        testkit::eventually("the standby has it", || async {
            (counted(&self.standby) == counted(&self.primary)).then_some(())
        })
        .await;
    }

    async fn items(&self) -> usize {
        let page = self.api.request(Method::GET, "/api/v1/items").send().await.unwrap();
        let page = body(page, 200).await;
        page["items"].as_array().unwrap().len()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_come_from_a_standby_that_shows_what_the_primary_would() {
    let pair = pair().await;
    pair.commit(0);
    pair.caught_up().await;
    assert_eq!(pair.items().await, 1, "by the primary, which was not asked before");
    pair.replay("pause");
    pair.commit(1);
    // Of what nobody has told of, the standby knows nothing, and nobody can hold it against it.
    assert_eq!(pair.items().await, 1);
    pair.changes.note();
    for _ in 0..10 {
        assert_eq!(pair.items().await, 2, "it was told of: the standby is behind that");
    }
    pair.replay("resume");
    pair.caught_up().await;
    pair.replay("pause");
    // Who was found behind is left alone for a moment.
    let found_behind = Instant::now();
    testkit::eventually("a moment has passed", || async {
        (found_behind.elapsed() > Duration::from_millis(50)).then_some(())
    })
    .await;
    pair.commit(2);
    assert_eq!(pair.items().await, 2, "the standby is asked again");
    pair.changes.note();
    assert_eq!(pair.items().await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_dies_costs_nobody_anything() {
    let mut pair = pair().await;
    pair.commit(0);
    pair.caught_up().await;
    for _ in 0..3 {
        assert_eq!(pair.items().await, 1);
    }
    pair.standby.stop();
    for token in 1..4 {
        pair.commit(token);
        pair.changes.note();
        for _ in 0..3 {
            assert_eq!(pair.items().await, token + 1);
        }
    }
}
