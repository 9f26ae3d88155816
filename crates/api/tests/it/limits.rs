//! Who is charged for what, and what they are told, over two servers with one Redis.

use crate::harness::{ALICE, Api, Setup, URI, body, problem, start_as};
use devstack::Redis;
use limits::{Limiter, Options, Quota, RedisBuckets};
use reqwest::{Method, Response};
use serde_json::json;
use std::time::Duration;

/// So long that nothing comes back during a test.
const LONG: Duration = Duration::from_secs(1_000_000);

fn options(ip: u32, key: u32) -> Options {
    let quota = |units| Quota { units, window: LONG };
    Options { ip: quota(ip), key: quota(key), wallet: quota(5), ..Options::unlimited() }
}

async fn start(ip: u32, key: u32) -> Api {
    let limiter = Some(Limiter::new(options(ip, key), None));
    let trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    start_as(Setup { limiter, trusted_proxies, ..Setup::default() }).await
}

/// Without a credential, from this address.
async fn get_from(api: &Api, address: &str, path: &str) -> Response {
    let request = api.request(Method::GET, path).header("x-forwarded-for", address);
    request.send().await.unwrap()
}

fn left(response: &Response) -> &str {
    response.headers()["ratelimit"].to_str().unwrap()
}

#[tokio::test]
async fn an_address_is_charged_until_it_has_nothing_left() {
    let api = start(3, 100).await;
    for remaining in [2, 1, 0] {
        let response = get_from(&api, "203.0.113.7", "/api/v1/items").await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["ratelimit-policy"], "\"ip\";q=3;w=1000000");
        assert!(left(&response).starts_with(&format!("\"ip\";r={remaining};t=")));
    }
    // Pages for people, and paths that there are not, are no way around it.
    for path in ["/api/v1/items", "/docs", "/nowhere"] {
        let response = get_from(&api, "203.0.113.7", path).await;
        let wait: u32 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((300_000..=333_334).contains(&wait), "{wait}");
        assert!(left(&response).starts_with("\"ip\";r=0;t="));
        let operation = if path.ends_with("items") { "list_items" } else { "" };
        let problem = problem(response, operation, "rate_limited").await;
        let detail = problem["detail"].as_str().unwrap();
        assert_eq!(detail, "3 units in 1000000 seconds are allowed per ip");
    }
    let others = ["203.0.113.8", "2001:db8:0:1::7"];
    for address in others {
        assert_eq!(get_from(&api, address, "/api/v1/items").await.status(), 200, "{address}");
    }
    // Of IPv6 a network is one caller.
    let response = get_from(&api, "2001:db8:0:1::8", "/api/v1/items").await;
    assert!(left(&response).starts_with("\"ip\";r=1;"));
    for probe in ["/health", "/ready", "/metrics"] {
        let response = get_from(&api, "203.0.113.7", probe).await;
        assert_ne!(response.status(), 429, "{probe}");
        assert!(!response.headers().contains_key("ratelimit"), "{probe}");
    }
    // Who has a key is another caller than their address.
    let request = api.get("/api/v1/items").header("x-forwarded-for", "203.0.113.7");
    let response = request.send().await.unwrap();
    assert_eq!(
        response.status(),
        429,
        "but this one must be looked up, which the address pays for"
    );
    assert_eq!(api.get("/api/v1/items").send().await.unwrap().status(), 200);
    let request = api.get("/api/v1/items").header("x-forwarded-for", "203.0.113.7");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200, "now it is known");
    assert_eq!(response.headers()["ratelimit-policy"], "\"key\";q=100;w=1000000");
}

#[tokio::test]
async fn writes_cost_more_and_what_is_refused_is_not_done() {
    let api = start(100, 28).await;
    let mint = json!({ "to": ALICE, "uri": URI });
    let response = api.mint("a", &mint).await;
    assert!(left(&response).starts_with("\"key\";r=23;"), "{response:?}");
    body(response, 202).await;
    // A batch costs more than is left by now; it is not begun.
    let many = || api.post("/api/v1/mints/batch", "b").json(&json!({ "mints": [mint] }));
    let response = many().send().await.unwrap();
    assert!(left(&response).starts_with("\"key\";r=3;"), "{response:?}");
    let refused = problem(many().send().await.unwrap(), "request_mints", "rate_limited").await;
    assert_eq!(refused["detail"], "28 units in 1000000 seconds are allowed per key");
    problem(api.mint("c", &mint).await, "request_mint", "rate_limited").await;
    let listed = body(api.get("/api/v1/mints").send().await.unwrap(), 200).await;
    let jobs = listed["items"].as_array().unwrap().len();
    assert!((1..=2).contains(&jobs), "{listed}");
    let response = api.get("/api/v1/mints").send().await.unwrap();
    assert!(left(&response).starts_with("\"key\";r=1;"), "what was refused cost nothing");
}

/// Guessing runs out soon, and from then on reaches no database.
#[tokio::test]
async fn guesses_are_charged_to_their_address() {
    let api = start(40, 100).await;
    let guess = async |key: &str| {
        let request = api.get_as(key, "/api/v1/mints").header("x-forwarded-for", "203.0.113.7");
        request.send().await.unwrap()
    };
    // Well-formed, of a key that there is not: a look and a wrong guess.
    let unknown = auth::KeyText::generate("test").reveal().to_owned();
    for _ in 0..3 {
        problem(guess(&unknown).await, "list_mints", "key_invalid").await;
    }
    problem(guess(&unknown).await, "list_mints", "rate_limited").await;
    // What is not even well-formed is no cheaper.
    problem(guess("nonsense").await, "list_mints", "rate_limited").await;
    // A header that means nothing here frees nobody of being charged.
    let request = api.get_as("nonsense", "/docs").header("x-forwarded-for", "203.0.113.9");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(left(&response).starts_with("\"ip\";r=29;"), "{response:?}");
}

#[tokio::test]
async fn two_servers_with_one_redis_charge_the_same_buckets() {
    let directory = tempfile::tempdir().unwrap();
    let redis = Redis::start(directory.path()).unwrap();
    let limiter = || {
        let shared = RedisBuckets::new(&redis.url()).unwrap();
        Some(Limiter::new(options(4, 100), Some(shared)))
    };
    let one = start_as(Setup { limiter: limiter(), ..Setup::default() }).await;
    let other = start_as(Setup { limiter: limiter(), ..Setup::default() }).await;
    for (api, remaining) in [(&one, 3), (&other, 2), (&one, 1), (&other, 0)] {
        let response = api.request(Method::GET, "/api/v1/items").send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(left(&response).starts_with(&format!("\"ip\";r={remaining};")), "{response:?}");
    }
    for api in [&one, &other] {
        let response = api.request(Method::GET, "/api/v1/items").send().await.unwrap();
        problem(response, "list_items", "rate_limited").await;
    }
    drop(redis);
    let response = one.request(Method::GET, "/api/v1/items").send().await.unwrap();
    assert_eq!(response.status(), 200, "each goes on with its own");
}
