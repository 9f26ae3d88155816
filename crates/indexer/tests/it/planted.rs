//! Faults planted on purpose. The same scenario holds without the fault and does not hold with it:
//! a suite that would not notice them proves nothing.

use alloy_primitives::{Address, B256};
use db::{DbError, PgConnection, index_sources::SourceRow, raw_logs::RawLog};
use futures_util::future::BoxFuture;
use indexer::{Batch, Fault, IndexerOptions, Orphaned, Projector, Recorded};
use journal::NewFact;
use projections::Projections;
use prove::storms::{self, Run, Site};
use rand::{SeedableRng, rngs::StdRng};
use std::{
    cell::RefCell,
    os::unix::process::ExitStatusExt,
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};
use testkit::{TestDatabase, eventually_within};
use vocab::ChainId;

/// Projections that forget to undo one of their tables.
#[derive(Debug)]
struct Forgetful(Projections);

impl Projector for Forgetful {
    fn topics(&self) -> Vec<B256> {
        self.0.topics()
    }

    fn load_sources<'a>(
        &'a self,
        db: &'a mut PgConnection,
        chain: ChainId,
    ) -> BoxFuture<'a, Result<Vec<Address>, DbError>> {
        self.0.load_sources(db, chain)
    }

    fn recorded(&self) -> Vec<SourceRow> {
        self.0.recorded()
    }

    fn recorded_as(&self, row: &SourceRow) -> Option<Recorded> {
        self.0.recorded_as(row)
    }

    fn discover(&self, log: &RawLog) -> Option<Address> {
        self.0.discover(log)
    }

    fn apply<'a>(
        &'a self,
        db: &'a mut PgConnection,
        batch: &'a Batch<'a>,
    ) -> BoxFuture<'a, Result<Vec<NewFact>, DbError>> {
        self.0.apply(db, batch)
    }

    fn unwind<'a>(
        &'a self,
        db: &'a mut PgConnection,
        orphaned: &'a Orphaned<'a>,
    ) -> BoxFuture<'a, Result<Vec<NewFact>, DbError>> {
        Box::pin(async move {
            let forget = "delete from undo_records where projection = 'items'";
            db::raw::execute(db, forget).await?;
            self.0.unwind(db, orphaned).await
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projection_that_is_not_undone_is_caught_by_storms() {
    let sound = Run::new(6, 64, 31);
    let found = sound.run().await.unwrap();
    assert!(found.holds(), "{found:?}");
    let planted = Run { making: |projections| Arc::new(Forgetful(projections)), ..sound };
    let found = planted.run().await.unwrap();
    assert!(!found.holds() && found.differing > 0, "{found:?}");
    assert!(found.examples.iter().all(|said| said.contains("items (")), "{found:?}");
}

/// The indexer in a process of its own: this test binary, told so by its environment. Without that
/// it has nothing to do.
#[tokio::test(flavor = "multi_thread")]
async fn process() {
    let Ok(url) = std::env::var("STOA_PROBE_DATABASE") else { return };
    let word = |name: &str| std::env::var(name).unwrap();
    let db = db::connect(&url, 8).await.unwrap();
    let [factory, token] =
        ["STOA_PROBE_FACTORY", "STOA_PROBE_TOKEN"].map(|name| word(name).parse().unwrap());
    let chain = storms::chain_at(&word("STOA_PROBE_RPC")).unwrap();
    let options = IndexerOptions {
        prove_settled: false,
        range_max: 12,
        stand_by: Duration::from_millis(50),
        planted: std::env::var_os("STOA_PROBE_PLANTED").map(|_| Fault::CheckpointEarly),
        ..IndexerOptions::default()
    };
    let projector = Arc::new(storms::projections(factory, token));
    indexer::run_to_head(db, chain, projector, options, std::future::pending()).await;
}

struct Probe(Child);

impl Drop for Probe {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(site: &Site, test: &TestDatabase, planted: bool, failpoint: Option<&str>) -> Probe {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["planted::process", "--exact", "--nocapture"])
        .env("STOA_PROBE_DATABASE", &test.url)
        .env("STOA_PROBE_RPC", site.node.anvil.http_url())
        .env("STOA_PROBE_FACTORY", site.factory().to_string())
        .env("STOA_PROBE_TOKEN", site.token().to_string())
        .env_remove("STOA_FAILPOINT")
        .env_remove("STOA_PROBE_PLANTED")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if planted {
        command.env("STOA_PROBE_PLANTED", "1");
    }
    if let Some(name) = failpoint {
        command.env("STOA_FAILPOINT", name);
    }
    Probe(command.spawn().unwrap())
}

async fn ended(mut probe: Probe) -> ExitStatus {
    let child = RefCell::new(&mut probe.0);
    eventually_within(Duration::from_secs(60), "the end of a process", || async {
        child.borrow_mut().try_wait().unwrap()
    })
    .await
}

/// Is the index right after a death in the middle of a commit, of settled blocks and of others?
async fn survives_a_death(planted: bool) -> bool {
    const ABORTED: i32 = 6;
    let mut site = Site::new().await.unwrap();
    let mut random = StdRng::seed_from_u64(5);
    for (busy, empty) in [(12, 150), (6, 10)] {
        site.grow(busy, empty, &mut random).await.unwrap();
    }
    let test = testkit::database().await;
    // The first range has the collections that are there from the beginning.
    for failpoint in ["range_begun", "blocks_begun"] {
        let status = ended(start(&site, &test, planted, Some(failpoint))).await;
        assert_eq!(status.signal(), Some(ABORTED), "{failpoint}: {status}");
    }
    let status = ended(start(&site, &test, planted, None)).await;
    assert!(status.success(), "{status}");
    let head = site.head().await.unwrap();
    let fresh = storms::fresh(&site, head).await.unwrap();
    let mut connection = test.db.acquire().await.unwrap();
    db::digest::load(&mut connection, site.node.chain_id).await.unwrap() == fresh
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_is_committed_before_its_rows_is_caught_by_kills() {
    assert!(survives_a_death(false).await);
    assert!(!survives_a_death(true).await);
}
