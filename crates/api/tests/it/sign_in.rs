//! Signing in with keys: every field, every form of a signature, every message once.

use crate::{
    harness::{ALICE, Api, CHAIN, PAGE, Setup, URI, body, origins, problem, start, start_as},
    sponsored::User,
};
use alloy_primitives::eip191_hash_message;
use app::SignInOptions;
use auth::Scope;
use futures_util::future::join_all;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use time::Duration;
use vocab::{Address, Bytes, U256};

pub const CHALLENGES: &str = "/api/v1/auth/challenges";
pub const SESSIONS: &str = "/api/v1/auth/sessions";
pub const REFRESH: &str = "/api/v1/auth/refresh";
pub const LOGOUT: &str = "/api/v1/auth/logout";

impl Api {
    /// As a program, which names no page.
    pub async fn plain(&self, path: &str, request: &Value) -> Response {
        self.request(Method::POST, path).json(request).send().await.unwrap()
    }

    /// A message for `address` to sign.
    pub async fn challenge(&self, address: Address) -> String {
        let request = json!({ "address": address.to_string() });
        let asked = body(self.plain(CHALLENGES, &request).await, 201).await;
        asked["message"].as_str().unwrap().to_owned()
    }

    pub async fn open(&self, message: &str, signature: &[u8]) -> Response {
        let signature = Bytes::copy_from_slice(signature);
        self.plain(SESSIONS, &json!({ "message": message, "signature": signature })).await
    }

    /// Sign in; session and tokens.
    pub async fn signed_in(&self, user: &User) -> Value {
        let message = self.challenge(user.address).await;
        body(self.open(&message, &personal(user, &message)).await, 201).await
    }
}

/// What a wallet's `personal_sign` makes.
pub fn personal(user: &User, message: &str) -> [u8; 65] {
    user.sign(eip191_hash_message(message))
}

pub fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_else(|| panic!("{field} of {value}"))
}

async fn refused(response: Response, code: &str) -> Value {
    problem(response, "open_session", code).await
}

#[tokio::test]
async fn a_wallet_signs_in_and_is_known() {
    let api = start().await;
    let user = User::new(7);
    let request = json!({ "address": user.address.to_string(), "chain_id": CHAIN });
    let asked = body(api.plain(CHALLENGES, &request).await, 201).await;
    assert_eq!(asked["expires_at"], "2026-11-20T12:05:00.000Z");
    assert_eq!(text(&asked, "nonce").len(), 24);
    let message = text(&asked, "message");
    assert!(message.starts_with("https://app.example.org wants you to sign in"), "{message}");
    let response = api.open(message, &personal(&user, message)).await;
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert!(!response.headers().contains_key("set-cookie"));
    let first = body(response, 201).await;
    assert_eq!((&first["token_type"], &first["expires_in"]), (&json!("Bearer"), &json!(600)));
    let session = &first["session"];
    assert_eq!(session["address"], user.address.to_string());
    assert_eq!((&session["contract"], &session["mode"]), (&json!(false), &json!("token")));
    assert_eq!(session["expires_at"], "2026-12-20T12:00:00.000Z");
    // The same user each time, whatever the chain; another wallet is another user.
    let again = api.signed_in(&user).await;
    assert_eq!(again["session"]["principal_id"], session["principal_id"]);
    assert_ne!(again["session"]["id"], session["id"]);
    let other = api.signed_in(&User::new(8)).await;
    assert_ne!(other["session"]["principal_id"], session["principal_id"]);
    let list = api.get_as(text(&first, "access_token"), SESSIONS).send().await.unwrap();
    assert_eq!(body(list, 200).await["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn users_read_and_do_nothing_of_keys() {
    let api = start().await;
    let signed_in = api.signed_in(&User::new(7)).await;
    let token = text(&signed_in, "access_token");
    for path in ["/api/v1/items", "/api/v1/mints", "/api/v1/facts?topic=mints", SESSIONS] {
        body(api.get_as(token, path).send().await.unwrap(), 200).await;
    }
    // What somebody's key asked for is not theirs.
    let asked = json!({ "to": ALICE, "uri": URI });
    let minted = body(api.mint("k", &asked).await, 202).await;
    let list = body(api.get_as(token, "/api/v1/mints").send().await.unwrap(), 200).await;
    assert_eq!(list["items"], json!([]));
    let path = format!("/api/v1/mints/{}", text(&minted, "id"));
    problem(api.get_as(token, &path).send().await.unwrap(), "get_mint", "mint_unknown").await;
    let mint = api.post_as(token, "/api/v1/mints", "k").json(&asked).send().await.unwrap();
    // Who may mint the chain says, and no node of this test tells.
    problem(mint, "request_mint", "role_unchecked").await;
    for (path, operation) in [
        ("/api/v1/transactions", "list_transactions"),
        ("/api/v1/wallets", "list_wallets"),
        ("/api/v1/sponsors", "list_sponsors"),
        ("/api/v1/facts?topic=transactions", "list_facts"),
    ] {
        problem(api.get_as(token, path).send().await.unwrap(), operation, "key_only").await;
    }
    // And a key is no user, whatever its scopes.
    let admin = crate::harness::operator(&api.database.db, &[Scope::Admin]).await;
    let list = api.get_as(&admin, SESSIONS).send().await.unwrap();
    problem(list, "list_sessions", "user_only").await;
    let none = api.request(Method::GET, SESSIONS).send().await.unwrap();
    problem(none, "list_sessions", "key_missing").await;
}

/// `s` in the other half of the order, which recovers the same key.
fn twin(signature: [u8; 65]) -> [u8; 65] {
    let order: U256 =
        "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141".parse().unwrap();
    let s = order - U256::from_be_slice(&signature[32..64]);
    let mut twin = signature;
    twin[32..64].copy_from_slice(&s.to_be_bytes::<32>());
    twin[64] = 55 - signature[64];
    twin
}

/// No contract stands at the address, so that only its key counts.
#[tokio::test]
async fn only_the_one_form_of_the_keys_signature_counts() {
    let node = testkit::anvil(testkit::NodeOptions::default()).await;
    let api = start_as(Setup { nodes: vec![node.endpoint.clone()], ..Setup::default() }).await;
    let user = User::new(7);
    let message = api.challenge(user.address).await;
    let good = personal(&user, &message);
    let with = |v: u8| [&good[..64], &[v]].concat();
    // EIP-2098: the parity is the highest bit of s.
    let compact = {
        let mut short = good[..64].to_vec();
        short[32] |= (good[64] - 27) << 7;
        short
    };
    let raw = alloy_primitives::keccak256(&message);
    let cases: [(&str, Vec<u8>); 14] = [
        ("another's", personal(&User::new(8), &message).to_vec()),
        ("of another message", personal(&user, &format!("{message} ")).to_vec()),
        ("without the prefix of EIP-191", user.sign(raw).to_vec()),
        ("malleable", twin(good).to_vec()),
        ("v of 0 or 1", with(good[64] - 27)),
        ("v of the other parity", with(55 - good[64])),
        ("v of 29", with(29)),
        ("v with a chain", with(good[64] + 10)),
        ("compact", compact),
        ("short", good[..64].to_vec()),
        ("long", [&good[..], &[0]].concat()),
        ("zeros", vec![0; 65]),
        ("empty", vec![]),
        ("a wrapper around it", [&good[..], &[0x64, 0x92].repeat(16)].concat()),
    ];
    for (name, signature) in cases {
        let said = refused(api.open(&message, &signature).await, "wallet_signature_invalid").await;
        assert_eq!(said["errors"][0]["pointer"], "/signature", "{name}");
    }
    for wrong in ["", "0x1", "signed", &format!("0x{}", "00".repeat(8_193))] {
        let request = json!({ "message": message, "signature": wrong });
        refused(api.plain(SESSIONS, &request).await, "wallet_signature_invalid").await;
    }
    let huge = json!({ "message": message, "signature": format!("0x{}", "00".repeat(40_000)) });
    refused(api.plain(SESSIONS, &huge).await, "body_too_large").await;
    // The message is still good for the true one.
    body(api.open(&message, &good).await, 201).await;
}

#[tokio::test]
async fn only_the_message_that_was_asked_for_counts() {
    let api = start().await;
    let user = User::new(7);
    let message = api.challenge(user.address).await;
    let other = User::new(8).address.to_string();
    let mine = user.address.to_string();
    let ends = "\nExpiration Time: 2026-11-20T12:05:00Z";
    let cases = [
        ("https://app.example.org wants", "https://evil.example wants", "domain"),
        ("https://app.example.org wants", "http://app.example.org wants", "scheme"),
        ("https://app.example.org wants", "https://a@app.example.org wants", "domain"),
        (mine.as_str(), other.as_str(), "address"),
        ("Sign in to Stoa.", "Sign in to evil.", "statement"),
        ("URI: https://app.example.org", "URI: https://evil.example", "uri"),
        ("Chain ID: 31337", "Chain ID: 1", "chain-id"),
        ("Issued At: 2026-11-20T12:00:00Z", "Issued At: 2026-11-20T11:00:00Z", "issued-at"),
        ("Issued At: 2026-11-20T12:00:00Z", "Issued At: 2026-11-20T13:00:00Z", "issued-at"),
        (ends, "\nExpiration Time: 2026-11-20T11:00:00Z", "expiration-time"),
        (ends, "\nNot Before: 2026-11-20T12:01:00Z", "not-before"),
        (ends, "\nResources:\n- https://app.example.org/all", "resources"),
        (ends, "\nRequest ID: 1", "request-id"),
    ];
    for (old, new, field) in cases {
        let changed = message.replacen(old, new, 1);
        assert_ne!(changed, message);
        // Well signed, so that it is the message that is refused.
        let said = refused(api.open(&changed, &personal(&user, &changed)).await, "message_refused");
        let said = said.await;
        let detail = said["errors"][0]["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with(field), "{new}: {said}");
    }
    let lower = mine.to_lowercase();
    let malformed = [
        ("\n\nURI", "\n\n\nURI"),
        ("Stoa.\n\n", "Stoa.\n\nURI: https://evil.example\n\n"),
        ("Version: 1", "Version: 2"),
        ("Chain ID: 31337", "Chain ID: 031337"),
        (mine.as_str(), lower.as_str()),
        (ends, "\nExpiration Time: never"),
    ];
    for (old, new) in malformed {
        let changed = message.replacen(old, new, 1);
        let opened = api.open(&changed, &personal(&user, &changed)).await;
        let said = refused(opened, "message_malformed").await;
        assert_eq!(said["errors"][0]["pointer"], "/message", "{new}");
    }
    // A nonce of one's own making.
    let nonce = message.split("Nonce: ").nth(1).unwrap().split('\n').next().unwrap().to_owned();
    let own = message.replace(&nonce, "aaaaaaaaaaaaaaaaaaaaaaaa");
    refused(api.open(&own, &personal(&user, &own)).await, "challenge_unknown").await;
    // A message of one's own writing, within what was asked for.
    let written = message
        .replace("https://app.example.org wants", "app.example.org wants")
        .replace("URI: https://app.example.org", "URI: https://app.example.org/login")
        .replace(ends, "");
    body(api.open(&written, &personal(&user, &written)).await, 201).await;
}

#[tokio::test]
async fn a_message_signs_in_once_and_in_time() {
    let api = start().await;
    let user = User::new(7);
    let message = api.challenge(user.address).await;
    let signature = personal(&user, &message);
    body(api.open(&message, &signature).await, 201).await;
    refused(api.open(&message, &signature).await, "challenge_spent").await;

    let late = api.challenge(user.address).await;
    api.clock.advance(Duration::minutes(5));
    let said = refused(api.open(&late, &personal(&user, &late)).await, "message_refused").await;
    assert!(said["errors"].to_string().contains("expired"), "{said}");
    assert_eq!(api.sign_in.purge_expired().await.unwrap(), 2);
    refused(api.open(&late, &personal(&user, &late)).await, "challenge_unknown").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_thousand_with_one_message_one_signs_in() {
    let api = start().await;
    let user = User::new(7);
    let message = api.challenge(user.address).await;
    let signature = personal(&user, &message);
    let racers = (0..1_000).map(|_| api.open(&message, &signature));
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    for response in join_all(racers).await {
        let outcome = match response.status().as_u16() {
            201 => "signed in".to_owned(),
            _ => text(&response.json().await.unwrap(), "code").to_owned(),
        };
        *outcomes.entry(outcome).or_default() += 1;
    }
    let expected = [("challenge_spent".to_owned(), 999), ("signed in".to_owned(), 1)];
    assert_eq!(outcomes, BTreeMap::from(expected));
    let mut db = api.database.db.acquire().await.unwrap();
    let all = db::user_sessions::list(&mut db, None, None, crate::harness::START, 10).await;
    assert_eq!(all.unwrap().len(), 1);
}

/// First sign-ins of one wallet at the same time make one user.
#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_is_one_user_from_the_first_moment() {
    let api = start().await;
    let user = User::new(7);
    let all = join_all((0..9).map(|_| api.signed_in(&user))).await;
    let ids: std::collections::BTreeSet<&str> =
        all.iter().map(|one| text(&one["session"], "principal_id")).collect();
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn what_is_asked_for_must_make_sense() {
    let api = start().await;
    let user = User::new(7).address.to_string();
    let with = |field: &str, value: Value| {
        let mut request = json!({ "address": user });
        request[field] = value;
        request
    };
    let lower = user.to_lowercase();
    let mut wrong = lower.clone().into_bytes();
    wrong[2..].iter_mut().take(20).for_each(u8::make_ascii_uppercase);
    let wrong = String::from_utf8(wrong).unwrap();
    let cases = [
        (with("address", json!("0x12")), "address_invalid"),
        (with("address", json!(wrong)), "address_checksum"),
        (with("chain_id", json!(5)), "chain_unknown"),
        (with("chain_id", json!("5")), "body_invalid"),
        (with("origin", json!("https://evil.example")), "origin_refused"),
        (with("origin", json!("https://app.example.org/")), "origin_refused"),
        (with("nonce", json!("mine")), "body_invalid"),
        (json!([]), "body_invalid"),
    ];
    for (request, code) in cases {
        problem(api.plain(CHALLENGES, &request).await, "ask_challenge", code).await;
    }
    // A page asks for itself, and for no other.
    let from = |page: &'static str, request: Value| {
        api.request(Method::POST, CHALLENGES).header("origin", page).json(&request).send()
    };
    let asked = from("http://localhost:3000", with("chain_id", Value::Null)).await.unwrap();
    let message = body(asked, 201).await;
    assert!(text(&message, "message").contains("URI: http://localhost:3000\n"), "{message}");
    for (page, request) in [
        ("https://evil.example", with("chain_id", Value::Null)),
        ("https://evil.example", with("origin", json!(PAGE))),
        ("http://localhost:3000", with("origin", json!(PAGE))),
        ("null", with("chain_id", Value::Null)),
    ] {
        let asked = from(page, request).await.unwrap();
        problem(asked, "ask_challenge", "origin_refused").await;
    }
    // Nor does it show what another page was given.
    let signed = User::new(7);
    let message = text(&message, "message").to_owned();
    let signature = Bytes::copy_from_slice(&personal(&signed, &message));
    let shown = json!({ "message": message, "signature": signature });
    let opened =
        api.request(Method::POST, SESSIONS).header("origin", PAGE).json(&shown).send().await;
    refused(opened.unwrap(), "origin_refused").await;
    body(api.plain(SESSIONS, &shown).await, 201).await;
}

#[tokio::test]
async fn messages_are_bounded() {
    let sign_in = SignInOptions {
        challenges_per_client_max: 5,
        challenges_per_client_and_address_max: 2,
        ..SignInOptions::new(origins())
    };
    let api = start_as(Setup { sign_in: Some(sign_in), ..Setup::default() }).await;
    let ask = |seed: u8| {
        let request = json!({ "address": User::new(seed).address.to_string() });
        let api = &api;
        async move { api.plain(CHALLENGES, &request).await }
    };
    for seed in [1, 1, 2, 2] {
        body(ask(seed).await, 201).await;
    }
    let refused = ask(1).await;
    assert_eq!(refused.headers()["retry-after"], "300");
    problem(refused, "ask_challenge", "challenges_too_many").await;
    body(ask(3).await, 201).await;
    problem(ask(4).await, "ask_challenge", "challenges_too_many").await;
    api.clock.advance(Duration::minutes(5));
    body(ask(4).await, 201).await;
    assert_eq!(api.sign_in.purge_expired().await.unwrap(), 5);
}

/// Behind a proxy that is trusted each client has its own share; what anybody else says of itself
/// counts for nothing.
#[tokio::test]
async fn a_trusted_proxy_tells_who_asks() {
    for (trusted, others_may) in [(vec!["127.0.0.1".parse().unwrap()], true), (vec![], false)] {
        let sign_in =
            SignInOptions { challenges_per_client_max: 2, ..SignInOptions::new(origins()) };
        let setup = Setup { sign_in: Some(sign_in), trusted_proxies: trusted, ..Setup::default() };
        let api = start_as(setup).await;
        let user = User::new(7);
        let ask = |client: &'static str| {
            let request = json!({ "address": user.address.to_string() });
            let asked = api.request(Method::POST, CHALLENGES).header("x-forwarded-for", client);
            asked.json(&request).send()
        };
        for _ in 0..2 {
            body(ask("203.0.113.9, 198.51.100.1").await.unwrap(), 201).await;
        }
        let third = ask("192.0.2.1, 198.51.100.1").await.unwrap();
        problem(third, "ask_challenge", "challenges_too_many").await;
        let other = ask("198.51.100.2").await.unwrap();
        assert_eq!(other.status() == 201, others_may, "{}", other.status());
    }
}
