//! Two nodes behind one Postgres and one Redis: what one does, the other knows.

use crate::{
    harness::{ALICE, Api, Setup, URI, body, problem, start_as},
    hot::{change, tokens},
    sign_in::{REFRESH, SESSIONS, text},
    sponsored::User,
    stream::Listener,
};
use devstack::Redis;
use futures_util::future::join_all;
use limits::{Limiter, Options, Quota, RedisBuckets};
use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};
use vocab::topic;

struct Deployment {
    nodes: [Api; 2],
    redis: Redis,
    _directory: tempfile::TempDir,
}

/// With so many units for a key.
async fn deployment(units: u32) -> Deployment {
    let directory = tempfile::tempdir().unwrap();
    let redis = Redis::start(directory.path()).unwrap();
    let setup = |beside| {
        let quota = Quota { units, window: Duration::from_secs(1_000_000) };
        let shared = RedisBuckets::new(&redis.url()).unwrap();
        let options = Options { key: quota, ..Options::unlimited() };
        let limiter = Some(Limiter::new(options, Some(shared)));
        let redis = Some(redis.url());
        Setup { limiter, beside, redis, stream: true, hot: true, ..Setup::default() }
    };
    let one = start_as(setup(None)).await;
    let other = start_as(setup(Some(one.database.db.clone()))).await;
    Deployment { nodes: [one, other], redis, _directory: directory }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_sent_to_both_is_done_once() {
    let deployment = deployment(100_000).await;
    let [one, other] = &deployment.nodes;
    let mint = json!({ "to": ALICE, "uri": URI });
    for n in 0..10 {
        let key = format!("k{n}");
        let ask = |api: &Api| api.post_as(&one.key, "/api/v1/mints", &key).json(&mint).send();
        let both = join_all([one, other, one, other].map(ask)).await;
        let mut ids = BTreeSet::new();
        for response in both {
            let response = response.unwrap();
            match response.status().as_u16() {
                202 => {
                    let job = body(response, 202).await;
                    ids.insert(text(&job, "id").to_owned());
                }
                _ => drop(problem(response, "request_mint", "idempotency_in_progress").await),
            }
        }
        assert_eq!(ids.len(), 1);
        let different = json!({ "to": ALICE, "uri": URI, "chain_id": 31337 });
        let ask = other.post_as(&one.key, "/api/v1/mints", &key).json(&different);
        problem(ask.send().await.unwrap(), "request_mint", "idempotency_key_reused").await;
    }
    let listed = body(other.get_as(&one.key, "/api/v1/mints").send().await.unwrap(), 200).await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn a_session_lives_and_ends_on_both() {
    let deployment = deployment(100_000).await;
    let [one, other] = &deployment.nodes;
    let user = User::new(7);
    let message = one.challenge(user.address).await;
    let signature = crate::sign_in::personal(&user, &message);
    let opened = body(other.open(&message, &signature).await, 201).await;
    let again = one.open(&message, &signature).await;
    problem(again, "open_session", "challenge_spent").await;
    let access = text(&opened, "access_token");
    for api in [one, other] {
        body(api.get_as(access, SESSIONS).send().await.unwrap(), 200).await;
    }
    let refresh = json!({ "refresh_token": text(&opened, "refresh_token") });
    let next = body(one.plain(REFRESH, &refresh).await, 200).await;
    let next = json!({ "refresh_token": text(&next, "refresh_token") });
    body(other.plain(REFRESH, &next).await, 200).await;
    // Used again long after, on another node: the whole family ends, everywhere.
    deployment.nodes.iter().for_each(|api| api.clock.advance(time::Duration::seconds(30)));
    problem(one.plain(REFRESH, &refresh).await, "refresh_session", "refresh_token_reused").await;
    // Where it did not end itself a session is looked at again within ten seconds.
    for api in [one, other] {
        testkit::eventually("the session has ended", || async {
            let answer = api.get_as(access, SESSIONS).send().await.unwrap();
            (answer.status() == 401).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_moves_from_one_to_the_other_misses_nothing() {
    const MINTS: usize = 60;
    let deployment = deployment(100_000).await;
    let [one, other] = &deployment.nodes;
    let mint = json!({ "to": ALICE, "uri": URI });
    let asking = async {
        for n in 0..MINTS {
            let api = if n % 2 == 0 { one } else { other };
            let key = format!("k{n}");
            let ask = api.post_as(&one.key, "/api/v1/mints", &key).json(&mint);
            body(ask.send().await.unwrap(), 202).await;
        }
    };
    let following = async {
        let (mut seen, mut turn) = (Vec::<i64>::new(), 0);
        while seen.len() < MINTS {
            let api = [one, other][turn % 2];
            turn += 1;
            let mut listener = Listener::connect(api, Some(&one.key)).await;
            let from = seen.last().copied().unwrap_or_default();
            listener.resume("s", topic::MINTS, from).await;
            for _ in 0..7.min(MINTS - seen.len()) {
                let told = listener.find(|m| m["type"] == "delta").await;
                assert_eq!(told["prev_seq"], seen.last().copied().unwrap_or_default());
                seen.push(told["seq"].as_i64().unwrap());
            }
        }
        seen
    };
    let (seen, ()) = tokio::join!(following, asking);
    assert_eq!(seen, (1..=MINTS as i64).collect::<Vec<_>>());
}

/// As `FLUSHALL` does, for as long as there is one to do it.
async fn forget(redis: &Redis) {
    let url = redis.url();
    let socket = url.strip_prefix("redis+unix://").unwrap();
    if let Ok(mut stream) = UnixStream::connect(socket).await {
        stream.write_all(b"FLUSHALL\r\n").await.unwrap();
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"+OK\r\n");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_redis_forgets_and_its_death_cost_nothing() {
    const MINTS: usize = 60;
    let deployment = deployment(100_000).await;
    let [one, other] = &deployment.nodes;
    let user = User::new(7);
    let message = one.challenge(user.address).await;
    let signature = crate::sign_in::personal(&user, &message);
    let opened = body(other.open(&message, &signature).await, 201).await;
    let access = text(&opened, "access_token");
    let mint = json!({ "to": ALICE, "uri": URI });
    let ask = async |api: &Api, n: usize| {
        let ask = api.post_as(&one.key, "/api/v1/mints", &format!("k{n}")).json(&mint);
        body(ask.send().await.unwrap(), 202).await
    };
    for n in 0..MINTS {
        let first = ask(one, n).await;
        match n {
            40 => deployment.redis.signal(Signal::SIGSTOP),
            50 => deployment.redis.signal(Signal::SIGKILL),
            0..40 => forget(&deployment.redis).await,
            _ => {}
        }
        let again = ask(other, n).await;
        assert_eq!(text(&again, "id"), text(&first, "id"), "{n}");
        body(one.get_as(access, SESSIONS).send().await.unwrap(), 200).await;
    }
    let listed = "/api/v1/mints?limit=100";
    let listed = body(other.get_as(&one.key, listed).send().await.unwrap(), 200).await;
    assert_eq!(listed["items"].as_array().unwrap().len(), MINTS);
    let again = other.open(&message, &signature).await;
    problem(again, "open_session", "challenge_spent").await;
}

/// Facts reach one of them through Redis. It, too, forgets what it keeps before it tells anybody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hears_of_a_change_on_either_sees_it_there() {
    let deployment = deployment(100_000).await;
    let mut listeners = Vec::new();
    for api in &deployment.nodes {
        let mut listener = Listener::connect(api, None).await;
        listener.subscribe("s", topic::ITEMS, json!({})).await;
        listeners.push(listener);
    }
    for token in 0..50_usize {
        for api in &deployment.nodes {
            assert_eq!(tokens(api).await, token, "filled");
        }
        change(&deployment.nodes[0], token).await;
        for (api, listener) in deployment.nodes.iter().zip(&mut listeners) {
            listener.find(|m| m["type"] == "delta" && m["data"]["kind"] == "item_minted").await;
            assert_eq!(tokens(api).await, token + 1);
        }
    }
}

#[tokio::test]
async fn what_is_spent_on_one_is_spent_on_the_other() {
    let deployment = deployment(10).await;
    let [one, other] = &deployment.nodes;
    let read = async |api: &Api| {
        api.request(Method::GET, "/api/v1/mints").bearer_auth(&one.key).send().await.unwrap()
    };
    for n in 0..10 {
        let api = [one, other][n % 2];
        let page: Value = body(read(api).await, 200).await;
        assert_eq!(page["items"], json!([]));
    }
    for api in [one, other] {
        problem(read(api).await, "list_mints", "rate_limited").await;
    }
}
