//! What breaks under a running server.

use crate::server::{Home, Options, Server, fresh_address, mint_request};
use futures_util::future::join_all;
use nix::{sys::signal::Signal, unistd::Pid};
use reqwest::StatusCode;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

/// On chain; on a slow machine the first look may come late.
const MINED: &[&str] = &["tentative", "auditable", "final"];

/// Postgres is shut down under load; what was acknowledged is there, and nothing twice.
#[tokio::test(flavor = "multi_thread")]
async fn no_accepted_mint_is_lost_when_the_database_is_restarted() {
    let home = Home::new();
    let server = home.start(&Options::default()).await;
    let to = fresh_address();
    let mut accepted: BTreeMap<String, String> = BTreeMap::new();
    for n in 0..60 {
        if n == 20 {
            cut_connections(&home);
        }
        let key = format!("restart-{n}");
        let id = accepted_in_the_end(&server, &key, &to).await;
        accepted.insert(key, id);
    }
    for id in accepted.values() {
        server.mint_reaches(id, &["tentative", "auditable", "final"]).await;
    }
    assert_eq!(server.balance_on_chain(&to).await, 60, "{}", server.log_tail());
    assert_eq!(server.stop(), Some(0));
}

/// The postmaster itself is stopped under load, first in order (fast: rollback and checkpoint), then
/// without (immediate: recovery from the log), and another one is started. The server stays up and
/// goes on by itself.
#[tokio::test(flavor = "multi_thread")]
async fn no_accepted_mint_is_lost_when_the_postmaster_is_stopped_and_started() {
    const LANES: usize = 4;
    const EACH: usize = 20;
    let home = &Home::new();
    let server = &home.start(&Options::default()).await;
    let to = &fresh_address();
    let accepted = &AtomicUsize::new(0);
    let lane = |lane: usize| async move {
        let mut ids = Vec::new();
        for n in 0..EACH {
            let key = format!("stopped-{lane}-{n}");
            ids.push(accepted_in_the_end(server, &key, to).await);
            accepted.fetch_add(1, Ordering::Relaxed);
        }
        ids
    };
    let stopping = async {
        let mut clusters = Vec::new();
        for (count, how) in [(15, Signal::SIGINT), (40, Signal::SIGQUIT)] {
            testkit::eventually("some mints are accepted", || async {
                (accepted.load(Ordering::Relaxed) >= count).then_some(())
            })
            .await;
            clusters.push(restart_postgres(home, how).await);
        }
        clusters
    };
    let (lanes, clusters) = tokio::join!(join_all((0..LANES).map(lane)), stopping);
    let ids: Vec<String> = lanes.into_iter().flatten().collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), LANES * EACH);
    for id in &ids {
        server.mint_reaches(id, &["tentative", "auditable", "final"]).await;
    }
    let all = (LANES * EACH) as u64;
    assert_eq!(server.balance_on_chain(to).await, all, "{}", server.log_tail());
    let ready = testkit::eventually("it is ready again", || async {
        let answer = server.http.get(format!("{}/ready", server.text("http"))).send().await.ok()?;
        (answer.status() == StatusCode::OK).then_some(())
    });
    ready.await;
    drop(clusters);
}

/// A client retries with the same key until it has an answer.
async fn accepted_in_the_end(server: &Server, key: &str, to: &str) -> String {
    testkit::eventually_within(Duration::from_secs(120), "the mint is accepted", || async {
        let (status, body) =
            server.try_post("/mints", Some(key), &mint_request(key, to)).await.ok()?;
        (status == StatusCode::ACCEPTED).then(|| body["id"].as_str().unwrap().to_owned())
    })
    .await
}

fn postmaster(home: &Home) -> u32 {
    let file = home.path().join("postgres/data/postmaster.pid");
    std::fs::read_to_string(file).unwrap().lines().next().unwrap().trim().parse().unwrap()
}

/// Stop the postmaster by this signal and start another on the same data.
async fn restart_postgres(home: &Home, how: Signal) -> devstack::Postgres {
    let pid = postmaster(home);
    nix::sys::signal::kill(Pid::from_raw(i32::try_from(pid).unwrap()), how).unwrap();
    testkit::eventually("the postmaster is gone", || async {
        (!crate::server::runs(pid)).then_some(())
    })
    .await;
    let options = devstack::PostgresOptions {
        directory: home.path().join("postgres"),
        durable: true,
        connections_max: 100,
    };
    tokio::task::spawn_blocking(move || devstack::Postgres::start(&options)).await.unwrap().unwrap()
}

/// Postgres' own crash restart: one of its backends is killed, and the postmaster ends all the
/// others, recovers from the log, and accepts connections again.
fn cut_connections(home: &Home) {
    let backend = crate::server::descendants(postmaster(home)).into_iter().find(|pid| {
        std::fs::read_to_string(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|c| c.contains("stoa stoa"))
    });
    let backend = Pid::from_raw(i32::try_from(backend.expect("a backend")).unwrap());
    nix::sys::signal::kill(backend, Signal::SIGKILL).unwrap();
}

#[tokio::test]
async fn a_reorg_takes_a_mint_back_and_brings_it_again_once() {
    comes_back_from(MINED).await;
}

/// Deeper than what we call final, but inside the window of headers: a chain that does this has
/// broken its promise, and the mint comes back all the same.
#[tokio::test]
async fn a_reorg_deeper_than_finality_brings_a_final_mint_again_once() {
    comes_back_from(&["final"]).await;
}

/// The collection is created by one wallet and minted into by another: a reorg of both may bring
/// the mint back first, as a call to an address without code, which succeeds and mints nothing.
#[tokio::test]
async fn a_mint_survives_a_reorg_that_takes_its_collection_too() {
    let home = Home::new();
    let server = home.start(&Options::default()).await;
    let to = fresh_address();
    let id = server.mint("reorganised", &to).await;
    server.mint_reaches(&id, MINED).await;
    let created = collection_block(&server).await;
    reorganise(&server, created, 1).await;
    server.mint_reaches(&id, &["final"]).await;
    assert_eq!(server.balance_on_chain(&to).await, 1, "{}", server.log_tail());
    assert_eq!(server.stop(), Some(0));
}

async fn collection_block(server: &Server) -> u64 {
    let contract = server.dev["contracts"]["default_collection"].as_str().unwrap();
    let (_, body) = server.get(&format!("/collections/31337/{contract}")).await;
    body["created_block"].as_u64().unwrap()
}

/// Replace the blocks from this one on, and some below it. The node goes on mining meanwhile, so one
/// attempt may not reach down to it.
async fn reorganise(server: &Server, block: u64, below: u64) {
    let node = server.endpoint();
    let hash = || async { node.header(block).await.unwrap().map(|header| header.hash) };
    let before = hash().await.expect("the block is there");
    testkit::eventually("the block is replaced", || async {
        let head = node.head().await.unwrap().number.to::<u64>();
        let call = serde_json::json!([head - block + below, []]);
        let _: serde_json::Value = node.call("anvil_reorg", call).await.unwrap();
        (hash().await != Some(before)).then_some(())
    })
    .await;
}

async fn comes_back_from(states: &[&str]) {
    let home = Home::new();
    let server = home.start(&Options::default()).await;
    let created = collection_block(&server).await;
    testkit::eventually("the collection is out of the reorg's reach", || async {
        let head = server.endpoint().head().await.unwrap().number.to::<u64>();
        (head > created + 3).then_some(())
    })
    .await;
    let to = fresh_address();
    let id = server.mint("reorganised", &to).await;
    let mined = server.mint_reaches(&id, states).await;
    let block = mined["block"]["number"].as_u64().unwrap();
    reorganise(&server, block, 2).await;
    let again =
        testkit::eventually_within(Duration::from_secs(60), "it is mined again", || async {
            let (_, body) = server.get(&format!("/mints/{id}")).await;
            let other =
                body["block"]["hash"] != mined["block"]["hash"] && body["token_id"].is_string();
            other.then_some(body)
        })
        .await;
    assert_eq!(again["tx_hash"], mined["tx_hash"], "the same bytes were sent again");
    server.mint_reaches(&id, &["final"]).await;
    assert_eq!(server.balance_on_chain(&to).await, 1);
    assert_eq!(server.stop(), Some(0));
}
