use crate::harness::{ALICE, PEPPER, START, URI, body, issue, principal, problem, start};
use auth::{KeyText, NewKey, Pepper, Scope};
use reqwest::Method;
use serde_json::json;
use time::Duration;

#[tokio::test]
async fn only_a_valid_key_opens() {
    let api = start().await;
    let list = |header: Option<String>| {
        let request = api.request(Method::GET, "/api/v1/mints");
        match header {
            Some(value) => request.header("authorization", value),
            None => request,
        }
        .send()
    };
    let missing = list(None).await.unwrap();
    assert_eq!(missing.headers()["www-authenticate"], "Bearer");
    problem(missing, "list_mints", "key_missing").await;

    let unknown = KeyText::generate("test").reveal().to_owned();
    // A secret of our own making under the id of a real key.
    let forged = forge(&api.key);
    for value in [
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Basic dXNlcjpwYXNz".to_owned(),
        "Bearer sk_test_x".to_owned(),
        format!("Bearer {}x", api.key),
        format!("Bearer {}", &api.key[..api.key.len() - 1]),
        format!("Bearer {unknown}"),
        format!("Bearer {forged}"),
    ] {
        let refused = list(Some(value)).await.unwrap();
        problem(refused, "list_mints", "key_invalid").await;
    }
    body(list(Some(format!("bearer {}", api.key))).await.unwrap(), 200).await;
}

/// The id of `key`, with the secret and checksum of another key of the same id length: the
/// checksum is made right by trying.
fn forge(key: &str) -> String {
    let other = KeyText::generate("test");
    let parts: Vec<&str> = key.split('_').collect();
    let tail = other.reveal().rsplit('_').next().unwrap();
    let body = format!("{}_{}_{}_{}", parts[0], parts[1], parts[2], &tail[..43]);
    let mut sum = crc32(body.as_bytes());
    let mut digits = Vec::new();
    let alphabet = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    for _ in 0..6 {
        digits.push(char::from(alphabet[(sum % 62) as usize]));
        sum /= 62;
    }
    let forged = format!("{body}{}", digits.iter().rev().collect::<String>());
    assert!(KeyText::parse(&forged).is_ok(), "well-formed, so that only the MAC refuses it");
    forged
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}

#[tokio::test]
async fn keys_end() {
    let api = start().await;
    let db = &api.database.db;
    let who = principal(db).await;
    let get = |key: String| api.request(Method::GET, "/api/v1/mints").bearer_auth(key).send();
    let mut connection = db.acquire().await.unwrap();
    let expires_at = Some(START + Duration::hours(1));
    let new = NewKey { env: "test", principal: who, scopes: &[Scope::MintsRead], expires_at };
    let key = auth::issue_key(&mut connection, &Pepper::new(PEPPER), new).await.unwrap();
    let text = key.reveal().to_owned();
    body(get(text.clone()).await.unwrap(), 200).await;
    api.clock.advance(Duration::hours(1));
    problem(get(text).await.unwrap(), "list_mints", "key_invalid").await;

    let revoked = issue(db, who, &[Scope::MintsRead]).await;
    let id = KeyText::parse(&revoked).unwrap().id().to_owned();
    assert!(auth::revoke_key(&mut connection, &id, START).await.unwrap());
    assert!(!auth::revoke_key(&mut connection, &id, START).await.unwrap());
    problem(get(revoked).await.unwrap(), "list_mints", "key_invalid").await;
}

/// Every operation as every kind of key: the policy table, seen from outside.
#[tokio::test]
async fn scopes_open_what_the_policy_says() {
    let api = start().await;
    let who = principal(&api.database.db).await;
    let nowhere = "/api/v1/mints/01932c5e-7f3a-7000-8000-000000000000";
    let operations: [(Method, &str, &[Scope]); 5] = [
        (Method::POST, "/api/v1/metadata", &[Scope::ContentWrite]),
        (Method::POST, "/api/v1/mints", &[Scope::MintsWrite]),
        (Method::POST, "/api/v1/collections", &[Scope::CollectionsWrite]),
        (Method::GET, nowhere, &[Scope::MintsRead, Scope::MintsWrite]),
        (Method::GET, "/api/v1/facts?topic=mints", &[Scope::MintsRead, Scope::MintsWrite]),
    ];
    for scope in Scope::ALL {
        let key = issue(&api.database.db, who, &[scope]).await;
        for (i, (method, path, opens)) in operations.iter().enumerate() {
            let request = api.request(method.clone(), path).bearer_auth(&key);
            let request = request.header("idempotency-key", format!("{scope}{i}"));
            let sent = match *path {
                "/api/v1/metadata" => request.json(&json!({ "name": "x", "image": URI })),
                "/api/v1/mints" => request.json(&json!({ "to": ALICE, "uri": URI })),
                "/api/v1/collections" => {
                    request.json(&json!({ "name": "x", "symbol": "X", "content_mode": "digest" }))
                }
                _ => request,
            };
            let response = sent.send().await.unwrap();
            let allowed = opens.contains(&scope) || scope == Scope::Admin;
            assert_eq!(response.status() != 403, allowed, "{scope} × {method} {path}");
            if !allowed {
                problem(response, "", "scope_missing").await;
            }
        }
    }
    for path in ["/api/v1/items", "/api/v1/collections", "/api/v1/facts?topic=items"] {
        body(api.request(Method::GET, path).send().await.unwrap(), 200).await;
    }
    let nobody = api.request(Method::GET, "/api/v1/facts?topic=mints").send().await.unwrap();
    problem(nobody, "list_facts", "key_missing").await;
}
