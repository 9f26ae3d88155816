//! Nodes that tell each other of facts through Redis, which may do what it likes.

use crate::rig::{Client, Rig, WAIT, item_fact, mint_fact, rig_through};
use db::Db;
use devstack::{Redis, Signal};
use journal::NewFact;
use push::HubOptions;
use serde_json::json;
use std::net::SocketAddr;
use tempfile::TempDir;
use testkit::{eventually, eventually_within};

/// Nodes that read the database are told by it of new facts; others are not.
async fn eventually_reading(rig: &Rig, nodes: i64) {
    let sql = "select count(*) from pg_stat_activity
                where datname = current_database() and query like 'LISTEN%'";
    eventually_within(WAIT, "so many nodes read the database", || async {
        let reading: i64 = sqlx::query_scalar(sql).fetch_one(&rig.database.db).await.unwrap();
        (reading == nodes).then_some(())
    })
    .await;
}

async fn command(redis: &Redis, words: &[&str]) {
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    command.query_async::<redis::Value>(&mut connection).await.unwrap();
}

/// The stream of facts, of which there is one, when a node publishes.
async fn stream(redis: &Redis) -> Option<String> {
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut list = redis::cmd("KEYS");
    let keys = list.arg("stoa:facts:*:stream").query_async(&mut connection);
    let keys: Vec<String> = keys.await.unwrap();
    assert!(keys.len() < 2, "{keys:?}");
    keys.into_iter().next()
}

async fn eventually_leads(redis: &Redis) -> String {
    eventually("a node publishes", || stream(redis)).await
}

async fn own_connections(rig: &Rig) -> Db {
    db::connect(&rig.database.url, 4).await.unwrap()
}

struct Site {
    rig: Rig,
    redis: Redis,
    directory: TempDir,
}

/// The first node leads.
async fn site() -> Site {
    let directory = tempfile::tempdir().unwrap();
    let redis = Redis::start(directory.path()).unwrap();
    let rig = rig_through(HubOptions::default(), Some(&redis.url())).await;
    eventually_leads(&redis).await;
    Site { rig, redis, directory }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_follows_needs_no_database() {
    let Site { rig, redis, directory: _directory } = site().await;
    let own = own_connections(&rig).await;
    let second = rig.beside(&own, &redis.url()).await;
    let mut clients = Vec::new();
    for address in [rig.address, second.address] {
        let mut client = Client::connect(address, Some("key-ann")).await;
        client.subscribe("items", json!({})).await;
        clients.push(client);
    }
    eventually_reading(&rig, 1).await;
    own.close().await;
    for n in 1..=300 {
        rig.record(&[item_fact("ann", n), mint_fact("bob", n)]).await;
        for client in &mut clients {
            let told = client.message().await;
            assert_eq!((&told["seq"], &told["prev_seq"]), (&json!(n), &json!(n - 1)));
            assert_eq!(told["data"]["n"], n);
        }
    }
}

/// Everything, once and in order, as it was recorded.
async fn follow(address: SocketAddr, facts: i64) {
    let mut client = Client::connect(address, None).await;
    client.resume("items", json!({}), 0).await;
    for n in 1..=facts {
        let told = client.message().await;
        assert_eq!((&told["prev_seq"], &told["seq"]), (&json!(n - 1), &json!(n)));
        assert_eq!(told["data"]["n"], n);
    }
}

/// Facts without end, a few at a time.
async fn record(rig: &Rig, from: i64, upto: i64) {
    let mut n = from;
    while n <= upto {
        let some: Vec<NewFact> = (n..=upto.min(n + n % 7)).map(|n| item_fact("ann", n)).collect();
        n += some.len() as i64;
        rig.record(&some).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_redis_does_nothing_is_lost_or_doubled() {
    const EACH: i64 = 400;
    const STEPS: i64 = 6;
    let Site { rig, mut redis, directory } = site().await;
    let own = own_connections(&rig).await;
    let second = rig.beside(&own, &redis.url()).await;
    let trouble = async {
        let mut from = 1;
        for step in 0..STEPS {
            // Under load: facts come while it happens, and after.
            let facts = record(&rig, from, from + EACH - 1);
            from += EACH;
            match step {
                1 => {
                    let forgetting = async {
                        for _ in 0..10 {
                            command(&redis, &["FLUSHALL"]).await;
                        }
                    };
                    tokio::join!(facts, forgetting);
                }
                2 => {
                    let key = eventually_leads(&redis).await;
                    let trimming = async {
                        for _ in 0..50 {
                            command(&redis, &["XTRIM", &key, "MAXLEN", "0"]).await;
                        }
                    };
                    tokio::join!(facts, trimming);
                }
                3 => {
                    redis.signal(Signal::SIGSTOP);
                    facts.await;
                    eventually_reading(&rig, 2).await;
                    redis.signal(Signal::SIGCONT);
                    eventually_reading(&rig, 1).await;
                }
                4 => {
                    redis.signal(Signal::SIGKILL);
                    facts.await;
                    eventually_reading(&rig, 2).await;
                    redis = Redis::start(directory.path()).unwrap();
                    eventually_reading(&rig, 1).await;
                }
                _ => {
                    facts.await;
                    eventually_reading(&rig, 1).await;
                }
            }
        }
    };
    let all = STEPS * EACH;
    let early = [follow(rig.address, all), follow(second.address, all)];
    tokio::join!(trouble, futures_util::future::join_all(early));
    // And for whoever comes later.
    follow(second.address, all).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_can_not_read_the_log_does_not_speak_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let redis = Redis::start(directory.path()).unwrap();
    let rig = rig_through(HubOptions::default(), None).await;
    let own = own_connections(&rig).await;
    let _leads = rig.beside(&own, &redis.url()).await;
    eventually_leads(&redis).await;
    let second = rig.beside(&rig.database.db, &redis.url()).await;
    let mut client = Client::connect(second.address, None).await;
    client.subscribe("items", json!({})).await;
    // The node that has no Redis reads the database always.
    eventually_reading(&rig, 2).await;
    own.close().await;
    for n in 1..=50 {
        rig.record(&[item_fact("ann", n)]).await;
        assert_eq!(client.message().await["seq"], n);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_says_nothing_is_not_waited_for() {
    let Site { rig, redis, directory: _directory } = site().await;
    let own = own_connections(&rig).await;
    let second = rig.beside(&own, &redis.url()).await;
    let mut client = Client::connect(second.address, None).await;
    client.subscribe("items", json!({})).await;
    eventually_reading(&rig, 1).await;
    let leader = eventually_leads(&redis).await.replace(":stream", ":leader");
    command(&redis, &["SET", &leader, "somebody"]).await;
    for n in 1..=20 {
        rig.record(&[item_fact("ann", n)]).await;
        assert_eq!(client.message().await["seq"], n);
    }
    eventually_reading(&rig, 2).await;
    command(&redis, &["DEL", &leader]).await;
    eventually_reading(&rig, 1).await;
    rig.record(&[item_fact("ann", 21)]).await;
    assert_eq!(client.message().await["seq"], 21);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_gets_into_redis_can_not_make_facts_up() {
    let Site { rig, redis, directory: _directory } = site().await;
    let own = own_connections(&rig).await;
    let second = rig.beside(&own, &redis.url()).await;
    let mut client = Client::connect(second.address, None).await;
    client.subscribe("items", json!({})).await;
    eventually_reading(&rig, 1).await;
    let key = eventually_leads(&redis).await;
    for n in 1..=50 {
        let made_up = json!({ "facts": [{
            "topic": "items", "epoch": 1, "seq": n, "kind": "item_minted", "reverting": false,
            "attributes": {}, "chain_id": null, "block_number": null, "block_hash": null,
            "data": { "n": -1 }, "created_at": 0,
        }] });
        for seal in ["", "00000000000000000000000000000000"] {
            command(&redis, &["XADD", &key, "*", "t", &format!("{seal}{made_up}")]).await;
        }
        rig.record(&[item_fact("ann", n)]).await;
        let told = client.message().await;
        assert_eq!((&told["seq"], &told["data"]["n"]), (&json!(n), &json!(n)));
    }
}
