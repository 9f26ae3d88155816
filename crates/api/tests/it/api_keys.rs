//! Keys by request: what they may do, from where, how they are replaced, and who may change them.

use crate::harness::{Api, Setup, body, issue, operator, principal, problem, start, start_as};
use auth::{KeyText, Scope};
use limits::{Limiter, Options, Quota};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::time::Duration as StdDuration;
use time::Duration;
use vocab::PrincipalId;

const KEYS: &str = "/api/v1/api-keys";
const MINTS: &str = "/api/v1/mints";

/// Of a machine, with these scopes.
async fn machine(api: &Api, scopes: &[Scope]) -> (PrincipalId, String) {
    let who = principal(&api.database.db).await;
    (who, issue(&api.database.db, who, scopes).await)
}

fn id_of(key: &str) -> String {
    KeyText::parse(key).unwrap().id().to_owned()
}

impl Api {
    async fn make_key(&self, who: &str, under: &str, request: &Value) -> Response {
        self.post_as(who, KEYS, under).json(request).send().await.unwrap()
    }

    async fn change_key(&self, who: &str, id: &str, change: &Value) -> Response {
        let request = self.request(Method::PATCH, &format!("{KEYS}/{id}")).bearer_auth(who);
        request.json(change).send().await.unwrap()
    }

    async fn revoke_by(&self, who: &str, id: &str) -> Response {
        let request = self.request(Method::DELETE, &format!("{KEYS}/{id}"));
        request.bearer_auth(who).send().await.unwrap()
    }

    async fn rotate_by(&self, who: &str, under: &str, id: &str, request: &Value) -> Response {
        let path = format!("{KEYS}/{id}/rotate");
        self.post_as(who, &path, under).json(request).send().await.unwrap()
    }

    /// What the key itself may do, as a stranger sees it.
    async fn status_of(&self, key: &str) -> u16 {
        self.get_as(key, MINTS).send().await.unwrap().status().as_u16()
    }

    async fn status_from(&self, key: &str, address: &str) -> Response {
        let request = self.get_as(key, MINTS).header("x-forwarded-for", address);
        request.send().await.unwrap()
    }

    /// What was told about a key, oldest first: the act and both states.
    async fn told_of(&self, id: &str) -> Vec<(String, Value)> {
        let rows: Vec<(Value, Value)> = sqlx::query_as(
            "select attributes, data from outbox where kind = 'decided'
                and attributes->>'object' = 'api_key' and attributes->>'object_id' = $1
              order by id",
        )
        .bind(id)
        .fetch_all(&self.database.db)
        .await
        .unwrap();
        rows.into_iter()
            .map(|(attributes, data)| (attributes["act"].as_str().unwrap().to_owned(), data))
            .collect()
    }
}

#[tokio::test]
async fn a_key_lives() {
    let api = start().await;
    let (who, maker) = machine(&api, &[Scope::KeysWrite, Scope::MintsRead]).await;
    let request = json!({ "name": "till 1", "scopes": ["mints:read"],
        "expires_at": "2027-01-01T00:00:00Z" });
    let response = api.make_key(&maker, "a", &request).await;
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(response.headers()["cache-control"], "no-store");
    let made = body(response, 201).await;
    let (key, shown) = (made["key"].as_str().unwrap(), &made["api_key"]);
    let id = id_of(key);
    assert_eq!(location, format!("{KEYS}/{id}"));
    assert!(key.starts_with("sk_test_"), "of the environment of its maker");
    assert!(made["signing_secret"].as_str().unwrap().starts_with(&format!("sks_test_{id}_")));
    assert_eq!((&shown["name"], &shown["id"]), (&json!("till 1"), &json!(id)));
    assert_eq!(shown["principal_id"], who.to_string());
    assert_eq!(shown["expires_at"], "2027-01-01T00:00:00.000Z");
    assert_eq!((&shown["allowed_ips"], &shown["last_used_at"]), (&json!([]), &Value::Null));
    assert_eq!(api.status_of(key).await, 200);
    let again = body(api.get_as(&maker, &location).send().await.unwrap(), 200).await;
    assert_eq!(&again, shown);
    let list =
        body(api.get_as(&maker, &format!("{KEYS}?limit=1")).send().await.unwrap(), 200).await;
    assert_eq!(list["items"][0]["id"], id);
    let next = format!("{KEYS}?limit=1&cursor={}", list["next_cursor"].as_str().unwrap());
    let list = body(api.get_as(&maker, &next).send().await.unwrap(), 200).await;
    assert_eq!(list["items"][0]["id"], id_of(&maker));
    assert_eq!(list["next_cursor"], Value::Null);

    let change = json!({ "name": "till 2", "expires_at": null });
    let changed = body(api.change_key(&maker, &id, &change).await, 200).await;
    assert_eq!((&changed["name"], &changed["expires_at"]), (&json!("till 2"), &Value::Null));
    assert_eq!(changed["scopes"], json!(["mints:read"]), "what was not named stays");
    assert_eq!(api.revoke_by(&maker, &id).await.status(), 204);
    assert_eq!(api.status_of(key).await, 401, "at once");
    assert_eq!(api.revoke_by(&maker, &id).await.status(), 204, "again does nothing");
    for response in [
        api.change_key(&maker, &id, &change).await,
        api.rotate_by(&maker, "r", &id, &json!({})).await,
    ] {
        problem(response, "change_api_key", "api_key_revoked").await;
    }
    let told = api.told_of(&id).await;
    let acts: Vec<&str> = told.iter().map(|(act, _)| act.as_str()).collect();
    assert_eq!(acts, ["created", "changed", "revoked"]);
    let data = &told[1].1;
    assert_eq!(
        (&data["before"]["name"], &data["after"]["name"]),
        (&json!("till 1"), &json!("till 2"))
    );
    assert_eq!(data["key_id"], id_of(&maker));
    let text =
        serde_json::to_string(&told.iter().map(|(_, data)| data).collect::<Vec<_>>()).unwrap();
    assert!(!text.contains(key.rsplit('_').next().unwrap()), "no secret is told");
}

#[tokio::test]
async fn what_is_wrong_is_told_at_once() {
    let api = start().await;
    let (_, maker) = machine(&api, &[Scope::KeysWrite, Scope::MintsRead]).await;
    let request = json!({ "name": "a\u{0}b", "scopes": ["mints:read", "mints:read", "root"],
        "allowed_ips": ["192.0.2.1", "10.0.0.1/8"], "expires_at": "2020-01-01T00:00:00Z",
        "public_key": "AAAA" });
    let told =
        problem(api.make_key(&maker, "a", &request).await, "create_api_key", "api_key_invalid");
    let told = told.await;
    let pointers: Vec<&str> =
        told["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    let expected =
        ["/name", "/scopes/1", "/scopes/2", "/allowed_ips/1", "/public_key", "/expires_at"];
    assert_eq!(pointers, expected);
    for (field, value) in [
        ("scopes", json!([])),
        ("allowed_ips", json!(vec!["192.0.2.1"; 65])),
        ("expires_at", json!("2046-01-01T00:00:00Z")),
        ("expires_at", json!("tomorrow")),
        // The neutral point, with which every message has a signature.
        ("public_key", json!("AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")),
    ] {
        let mut request = json!({ "scopes": ["mints:read"] });
        request[field] = value;
        let response = api.make_key(&maker, "a", &request).await;
        let told = problem(response, "create_api_key", "api_key_invalid").await;
        assert!(told["errors"][0]["pointer"].as_str().unwrap().starts_with(&format!("/{field}")));
    }
    let unknown = json!({ "scopes": ["mints:read"], "secret": "mine" });
    problem(api.make_key(&maker, "a", &unknown).await, "create_api_key", "body_invalid").await;
    let nowhere = api.change_key(&maker, "0000000000000000", &json!({})).await;
    problem(nowhere, "change_api_key", "api_key_unknown").await;
    let long = json!({ "overlap_seconds": 604_801 });
    let refused = api.rotate_by(&maker, "r", &id_of(&maker), &long).await;
    problem(refused, "rotate_api_key", "api_key_invalid").await;
}

/// Whatever a key may not do, no key that it makes or changes may.
#[tokio::test]
async fn nobody_gives_what_they_have_not() {
    let api = start().await;
    let (who, admin) = machine(&api, &[Scope::Admin]).await;
    let bound = json!({ "scopes": ["keys:write", "mints:read"], "allowed_ips": ["127.0.0.0/8"],
        "expires_at": "2027-01-01T00:00:00Z", "signature_required": false });
    let bound = body(api.make_key(&admin, "bound", &bound).await, 201).await;
    let bound = bound["key"].as_str().unwrap();
    let sound = json!({ "scopes": ["mints:read"], "allowed_ips": ["127.0.0.1"],
        "expires_at": "2026-12-31T00:00:00Z" });
    let child = body(api.make_key(bound, "sound", &sound).await, 201).await;
    let child = child["api_key"]["id"].as_str().unwrap();
    let too_much = [
        ("scopes", json!(["mints:read", "mints:write"])),
        ("scopes", json!(["admin"])),
        ("allowed_ips", json!([])),
        ("allowed_ips", json!(["127.0.0.1", "192.0.2.1"])),
        ("expires_at", Value::Null),
        ("expires_at", json!("2027-01-01T00:00:01Z")),
    ];
    for (place, (field, value)) in too_much.iter().enumerate() {
        let mut request = sound.clone();
        request[*field] = value.clone();
        let made = api.make_key(bound, &format!("more{place}"), &request).await;
        problem(made, "create_api_key", "api_key_exceeds").await;
        let changed = api.change_key(bound, child, &json!({ *field: value })).await;
        problem(changed, "change_api_key", "api_key_exceeds").await;
        // Nor for itself.
        let changed = api.change_key(bound, &id_of(bound), &json!({ *field: value })).await;
        problem(changed, "change_api_key", "api_key_exceeds").await;
    }
    // A key of the same principal that can do more is not this one's to take over.
    let strong = issue(&api.database.db, who, &[Scope::MintsWrite]).await;
    let strong = id_of(&strong);
    let taken = api.rotate_by(bound, "t", &strong, &json!({})).await;
    problem(taken, "rotate_api_key", "api_key_exceeds").await;
    problem(api.revoke_by(bound, &strong).await, "revoke_api_key", "api_key_exceeds").await;
    // One that must sign makes none that need not: it would have to sign that.
    let signs = json!({ "signature_required": true });
    body(api.change_key(&admin, &id_of(bound), &signs).await, 200).await;
    let made = api.make_key(bound, "unsigned", &sound).await;
    problem(made, "create_api_key", "request_signature_required").await;
}

#[tokio::test]
async fn keys_of_others_are_an_admins() {
    let api = start().await;
    let db = &api.database.db;
    let (_, admin) = machine(&api, &[Scope::Admin]).await;
    let (other, key) = machine(&api, &[Scope::KeysWrite, Scope::MintsRead]).await;
    let (_, stranger) = machine(&api, &[Scope::KeysWrite, Scope::MintsRead]).await;
    let id = id_of(&key);
    let path = format!("{KEYS}/{id}");
    let look = api.get_as(&stranger, &path).send().await.unwrap();
    problem(look, "get_api_key", "api_key_unknown").await;
    problem(api.revoke_by(&stranger, &id).await, "revoke_api_key", "api_key_unknown").await;
    let change = api.change_key(&stranger, &id, &json!({ "name": "mine" })).await;
    problem(change, "change_api_key", "api_key_unknown").await;
    let listed = format!("{KEYS}?principal_id={other}");
    let list = body(api.get_as(&stranger, &listed).send().await.unwrap(), 200).await;
    assert_eq!(list["items"], json!([]));
    let list = body(api.get_as(&admin, &listed).send().await.unwrap(), 200).await;
    assert_eq!(list["items"][0]["id"], id);
    let for_other = json!({ "scopes": ["mints:read"], "principal_id": other });
    let refused = api.make_key(&stranger, "a", &for_other).await;
    problem(refused, "create_api_key", "api_key_exceeds").await;
    let made = body(api.make_key(&admin, "a", &for_other).await, 201).await;
    assert_eq!(made["api_key"]["principal_id"], other.to_string());
    let new = json!({ "scopes": ["mints:write"], "principal_name": "a shop" });
    let refused = api.make_key(&stranger, "b", &new).await;
    problem(refused, "create_api_key", "api_key_exceeds").await;
    let made = body(api.make_key(&admin, "b", &new).await, 201).await;
    assert_eq!(made["api_key"]["principal_name"], "a shop");
    // A machine's admin is none over operators.
    let theirs = operator(db, &[Scope::TransactionsRead]).await;
    let owner =
        body(api.get_as(&admin, &format!("{KEYS}/{}", id_of(&theirs))).send().await.unwrap(), 200);
    let owner = owner.await["principal_id"].clone();
    let for_operator = json!({ "scopes": ["transactions:write"], "principal_id": owner });
    let refused = api.make_key(&admin, "c", &for_operator).await;
    problem(refused, "create_api_key", "api_key_exceeds").await;
    let taken = api.rotate_by(&admin, "d", &id_of(&theirs), &json!({})).await;
    problem(taken, "rotate_api_key", "api_key_exceeds").await;
    let chief = operator(db, &[Scope::Admin]).await;
    body(api.make_key(&chief, "e", &for_operator).await, 201).await;
    for nobody in ["01932c5e-7f3a-7000-8000-000000000000"] {
        let request = json!({ "scopes": ["mints:read"], "principal_id": nobody });
        let refused = api.make_key(&chief, "f", &request).await;
        problem(refused, "create_api_key", "api_key_invalid").await;
    }
    let user = api.signed_in(&crate::sponsored::User::new(3)).await;
    let request =
        json!({ "scopes": ["mints:read"], "principal_id": user["session"]["principal_id"] });
    problem(api.make_key(&chief, "g", &request).await, "create_api_key", "api_key_invalid").await;
    let token = user["access_token"].as_str().unwrap();
    let refused = api.make_key(token, "h", &json!({ "scopes": ["mints:read"] })).await;
    problem(refused, "create_api_key", "key_only").await;
}

#[tokio::test]
async fn a_secret_is_told_once() {
    let api = start().await;
    let (_, maker) = machine(&api, &[Scope::KeysWrite, Scope::MintsRead]).await;
    let request = json!({ "scopes": ["mints:read"] });
    let first = body(api.make_key(&maker, "same", &request).await, 201).await;
    let id = first["api_key"]["id"].as_str().unwrap().to_owned();
    let repeat = api.make_key(&maker, "same", &request).await;
    assert_eq!(repeat.headers()["idempotent-replayed"], "true");
    let repeat = body(repeat, 201).await;
    assert_eq!(repeat["api_key"], first["api_key"]);
    assert!(repeat.get("key").is_none() && repeat.get("signing_secret").is_none());
    let other = json!({ "scopes": ["keys:write"] });
    let refused = api.make_key(&maker, "same", &other).await;
    problem(refused, "create_api_key", "idempotency_key_reused").await;

    let second = body(api.rotate_by(&maker, "turn", &id, &json!({})).await, 200).await;
    let repeat = body(api.rotate_by(&maker, "turn", &id, &json!({})).await, 200).await;
    assert!(repeat.get("key").is_none());
    let (old, new) = (first["key"].as_str().unwrap(), second["key"].as_str().unwrap());
    assert_ne!(old, new);
    assert_eq!((api.status_of(old).await, api.status_of(new).await), (200, 200));
    // Nothing of it is stored, in whatever form it was told.
    let secrets = [&first, &second].map(|told| {
        ["key", "signing_secret"]
            .map(|field| told[field].as_str().unwrap().rsplit('_').next().unwrap().to_owned())
    });
    let tables = ["idempotency_keys", "api_keys", "api_key_secrets", "outbox"];
    for table in tables {
        let query = format!("select coalesce(string_agg(t::text, ' '), '') from {table} t");
        let stored: String = sqlx::query_scalar(sqlx::AssertSqlSafe(query))
            .fetch_one(&api.database.db)
            .await
            .unwrap();
        for secret in secrets.iter().flatten() {
            let hex = hex::encode(secret);
            assert!(!stored.contains(secret) && !stored.contains(&hex), "{table}");
        }
    }
}

#[tokio::test]
async fn replaced_secrets_end_in_their_time() {
    let api = start().await;
    let (_, maker) = machine(&api, &[Scope::KeysWrite, Scope::MintsRead]).await;
    let made = api.make_key(&maker, "0", &json!({ "scopes": ["mints:read"] })).await;
    let made = body(made, 201).await;
    let id = made["api_key"]["id"].as_str().unwrap().to_owned();
    let turn = async |under: &str, seconds: u32| {
        let request = json!({ "overlap_seconds": seconds });
        let told = body(api.rotate_by(&maker, under, &id, &request).await, 200).await;
        told["key"].as_str().unwrap().to_owned()
    };
    let first = made["key"].as_str().unwrap().to_owned();
    let second = turn("1", 3_600).await;
    // Another turn leaves the first its hour: an answer that was lost locks nobody out.
    let third = turn("2", 60).await;
    let state = async |keys: [&String; 3]| {
        let mut all = Vec::new();
        for key in keys {
            all.push(api.status_of(key).await);
        }
        all
    };
    assert_eq!(state([&first, &second, &third]).await, [200, 200, 200]);
    api.clock.advance(Duration::seconds(60));
    assert_eq!(state([&first, &second, &third]).await, [200, 401, 200]);
    api.clock.advance(Duration::seconds(3_540));
    assert_eq!(state([&first, &second, &third]).await, [401, 401, 200]);
    let fourth = turn("3", 604_800).await;
    let fifth = turn("4", 0).await;
    assert_eq!(state([&third, &fourth, &fifth]).await, [401, 401, 200], "without overlap all end");
    // However often it turns, only so many go on.
    let mut keys = vec![fifth];
    for round in 0..6 {
        keys.push(turn(&format!("5.{round}"), 604_800).await);
    }
    let mut open = 0;
    for key in &keys {
        open += usize::from(api.status_of(key).await == 200);
    }
    assert_eq!(open, 5, "the present one and four before it");
    assert_eq!(api.status_of(keys.last().unwrap()).await, 200);
}

#[tokio::test]
async fn a_key_opens_from_its_networks_only() {
    let long = StdDuration::from_secs(1_000_000);
    let quota = |units| Quota { units, window: long };
    let options = Options { ip: quota(40), ..Options::unlimited() };
    let limiter = Some(Limiter::new(options, None));
    let trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    let api = start_as(Setup { limiter, trusted_proxies, stream: true, ..Setup::default() }).await;
    let (_, maker) = machine(&api, &[Scope::KeysWrite, Scope::MintsRead]).await;
    let request = json!({ "scopes": ["mints:read"],
        "allowed_ips": ["203.0.113.0/24", "2001:db8:1::/48"] });
    let made = body(api.make_key(&maker, "a", &request).await, 201).await;
    assert_eq!(made["api_key"]["allowed_ips"], request["allowed_ips"]);
    let (key, id) = (made["key"].as_str().unwrap(), made["api_key"]["id"].as_str().unwrap());
    for good in ["203.0.113.7", "::ffff:203.0.113.8", "2001:db8:1:ffff::9"] {
        assert_eq!(api.status_from(key, good).await.status(), 200, "{good}");
    }
    // One that is wrong costs its address as a guess does: 1 + 10 of 40.
    for bad in ["198.51.100.1", "2001:db8:2::1"] {
        for _ in 0..3 {
            problem(api.status_from(key, bad).await, "list_mints", "place_refused").await;
        }
        problem(api.status_from(key, bad).await, "list_mints", "rate_limited").await;
    }
    // What a client says of itself before the proxy that we trust does not count.
    let lied = api.status_from(key, "203.0.113.7, 198.51.100.2").await;
    problem(lied, "list_mints", "place_refused").await;
    // A wrong secret is told nothing about places.
    let other = KeyText::with_id("sk_test", id);
    problem(api.status_from(other.reveal(), "198.51.100.3").await, "list_mints", "key_invalid")
        .await;
    // On the stream, too, by the first frame.
    let refused = crate::stream::first_answer(&api, key).await;
    assert_eq!(refused["code"], "unauthenticated", "{refused}");

    let change = json!({ "allowed_ips": ["198.51.100.0/24"] });
    body(api.change_key(&maker, id, &change).await, 200).await;
    assert_eq!(api.status_from(key, "198.51.100.200").await.status(), 200, "at once");
    problem(api.status_from(key, "203.0.113.7").await, "list_mints", "place_refused").await;
    body(api.change_key(&maker, id, &json!({ "allowed_ips": [] })).await, 200).await;
    assert_eq!(api.status_from(key, "192.0.2.99").await.status(), 200);
}

#[tokio::test]
async fn uses_are_noted_beside_the_requests() {
    let trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    let api = start_as(Setup { trusted_proxies, ..Setup::default() }).await;
    let (_, maker) = machine(&api, &[Scope::KeysRead, Scope::MintsRead]).await;
    let path = format!("{KEYS}/{}", id_of(&maker));
    let shown = async || body(api.get_as(&maker, &path).send().await.unwrap(), 200).await;
    assert_eq!(api.status_from(&maker, "2001:db8::7").await.status(), 200);
    let before = shown().await;
    assert_eq!(before["last_used_at"], Value::Null, "no request waits for it");
    // The last use counts, which was that look from this machine.
    assert_eq!(api.status_from(&maker, "2001:db8::7").await.status(), 200);
    assert_eq!(api.authenticator.record_key_uses().await.unwrap(), 1);
    let noted = shown().await;
    assert_eq!(noted["last_used_at"], "2026-11-20T12:00:00.000Z");
    assert_eq!(noted["last_used_ip"], "2001:db8::7");
    api.clock.advance(Duration::seconds(59));
    shown().await;
    assert_eq!(api.authenticator.record_key_uses().await.unwrap(), 0, "once a minute");
    api.clock.advance(Duration::seconds(1));
    shown().await;
    assert_eq!(api.authenticator.record_key_uses().await.unwrap(), 1);
    assert_eq!(shown().await["last_used_at"], "2026-11-20T12:01:00.000Z");
    // A key that was refused was not used.
    let refused = KeyText::with_id("sk_test", &id_of(&maker));
    assert_eq!(api.status_of(refused.reveal()).await, 401);
}

/// Another process that has just seen a key hears of its end within 10 s.
#[tokio::test]
async fn a_revocation_reaches_other_processes() {
    let api = start().await;
    let (_, maker) = machine(&api, &[Scope::KeysWrite, Scope::MintsRead]).await;
    let made = api.make_key(&maker, "a", &json!({ "scopes": ["mints:read"] })).await;
    let made = body(made, 201).await;
    let (key, id) = (made["key"].as_str().unwrap(), made["api_key"]["id"].as_str().unwrap());
    let db = api.database.db.clone();
    let pepper = auth::Pepper::new(crate::harness::PEPPER);
    let elsewhere = auth::Authenticator::new(db, pepper, api.clock.clone());
    elsewhere.authenticate(key, None).await.unwrap();
    assert_eq!(api.revoke_by(&maker, id).await.status(), 204);
    assert_eq!(api.status_of(key).await, 401);
    testkit::eventually_within(StdDuration::from_secs(60), "the other hears of it", || async {
        elsewhere.authenticate(key, None).await.is_err().then_some(())
    })
    .await;
}
