//! Requests that are signed (RFC 9421): what is taken, what is refused, and how often.

use crate::harness::{ALICE, Api, Setup, URI, body, issue, principal, problem, start, start_as};
use auth::{KeyText, Scope};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::future::join_all;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Method, Response};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::atomic::{AtomicU64, Ordering};
use time::Duration;

const MINTS: &str = "/api/v1/mints";

#[derive(Clone)]
enum Secret {
    Hmac(String),
    Ed25519([u8; 32]),
}

/// A key that signs.
#[derive(Clone)]
struct Signer {
    id: String,
    /// What is shown beside the signature, if anything.
    bearer: Option<String>,
    secret: Secret,
}

/// A request to sign. What is sent may be changed afterwards.
#[derive(Clone)]
struct Draft {
    method: Method,
    path: String,
    body: Option<Vec<u8>>,
    media: String,
    idempotency: Option<String>,
    covered: Vec<&'static str>,
    created: i64,
    nonce: String,
    more: String,
}

/// A signed request, as headers and body.
#[derive(Clone)]
struct Signed {
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Option<Vec<u8>>,
}

fn nonce() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("nonce-{:020}", NEXT.fetch_add(1, Ordering::Relaxed))
}

impl Draft {
    fn get(api: &Api, path: &str) -> Self {
        Self {
            method: Method::GET,
            path: path.to_owned(),
            body: None,
            media: "application/json".to_owned(),
            idempotency: None,
            covered: vec!["@method", "@target-uri"],
            created: api.authenticator.now().unix_timestamp(),
            nonce: nonce(),
            more: String::new(),
        }
    }

    fn post(api: &Api, path: &str, key: &str, request: &Value) -> Self {
        Self {
            method: Method::POST,
            body: Some(request.to_string().into_bytes()),
            idempotency: Some(key.to_owned()),
            covered: vec!["@method", "@target-uri", "content-digest", "idempotency-key"],
            ..Self::get(api, path)
        }
    }

    fn mint(api: &Api, key: &str) -> Self {
        Self::post(api, MINTS, key, &json!({ "to": ALICE, "uri": URI }))
    }

    fn sign(&self, api: &Api, signer: &Signer) -> Signed {
        let digest = self.body.as_ref().map(|body| {
            let hash: [u8; 32] = Sha256::digest(body).into();
            format!("sha-256=:{}:", STANDARD.encode(hash))
        });
        let authority = api.url.strip_prefix("http://").unwrap();
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let algorithm = match signer.secret {
            Secret::Hmac(_) => "hmac-sha256",
            Secret::Ed25519(_) => "ed25519",
        };
        let list: Vec<String> = self.covered.iter().map(|name| format!("\"{name}\"")).collect();
        let params = format!(
            "({});created={};keyid=\"{}\";nonce=\"{}\";alg=\"{algorithm}\"{}",
            list.join(" "),
            self.created,
            signer.id,
            self.nonce,
            self.more
        );
        let mut base = String::new();
        for name in &self.covered {
            let value = match *name {
                "@method" => self.method.to_string(),
                "@target-uri" => format!("{}{}", api.url, self.path),
                "@authority" => authority.to_owned(),
                "@path" => path.to_owned(),
                "@query" => format!("?{query}"),
                "content-digest" => digest.clone().unwrap_or_default(),
                "idempotency-key" => self.idempotency.clone().unwrap_or_default(),
                "content-type" => self.media.clone(),
                other => panic!("{other}"),
            };
            base.push_str(&format!("\"{name}\": {value}\n"));
        }
        base.push_str(&format!("\"@signature-params\": {params}"));
        let signature = match &signer.secret {
            Secret::Hmac(secret) => {
                let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret.as_bytes()).unwrap();
                mac.chain_update(&base).finalize().into_bytes().to_vec()
            }
            Secret::Ed25519(seed) => {
                let pair = Ed25519KeyPair::from_seed_unchecked(seed).unwrap();
                pair.sign(base.as_bytes()).as_ref().to_vec()
            }
        };
        let mut headers = vec![
            ("signature-input", format!("sig={params}")),
            ("signature", format!("sig=:{}:", STANDARD.encode(signature))),
        ];
        headers.extend(digest.map(|digest| ("content-digest", digest)));
        headers.extend(self.idempotency.clone().map(|key| ("idempotency-key", key)));
        headers.extend(self.body.is_some().then(|| ("content-type", self.media.clone())));
        let bearer = signer.bearer.as_ref().map(|key| ("authorization", format!("Bearer {key}")));
        headers.extend(bearer);
        let (method, path) = (self.method.clone(), self.path.clone());
        Signed { method, path, headers, body: self.body.clone() }
    }
}

impl Signed {
    async fn send(&self, api: &Api) -> Response {
        let mut request = api.request(self.method.clone(), &self.path);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if let Some(body) = &self.body {
            request = request.body(body.clone());
        }
        request.send().await.unwrap()
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        let header = self.headers.iter_mut().find(|(known, _)| *known == name).unwrap();
        value.clone_into(&mut header.1);
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self
    }
}

/// A key made by request, with the given terms beside its scopes.
async fn signer(api: &Api, scopes: &[Scope], terms: Value) -> Signer {
    let who = principal(&api.database.db).await;
    let admin = issue(&api.database.db, who, &[Scope::Admin]).await;
    let mut request = terms;
    request["scopes"] = json!(scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>());
    let made = api.post_as(&admin, "/api/v1/api-keys", &nonce()).json(&request).send();
    let made = body(made.await.unwrap(), 201).await;
    Signer {
        id: made["api_key"]["id"].as_str().unwrap().to_owned(),
        bearer: made["key"].as_str().map(str::to_owned),
        secret: Secret::Hmac(made["signing_secret"].as_str().unwrap().to_owned()),
    }
}

fn public_key(seed: &[u8; 32]) -> String {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).unwrap();
    STANDARD.encode(pair.public_key().as_ref())
}

const BOTH: [Scope; 2] = [Scope::MintsWrite, Scope::ContentWrite];

async fn mints(api: &Api) -> i64 {
    let count = sqlx::query_scalar("select count(*) from mint_jobs");
    count.fetch_one(&api.database.db).await.unwrap()
}

#[tokio::test]
async fn a_signature_is_enough() {
    let api = start().await;
    let by_secret = signer(&api, &BOTH, json!({ "signature_required": true })).await;
    let seed = [9; 32];
    let terms = json!({ "signature_required": true, "public_key": public_key(&seed) });
    let by_key = signer(&api, &BOTH, terms).await;
    let by_key = Signer { secret: Secret::Ed25519(seed), ..by_key };
    let mut made = 0;
    for signer in [by_secret, by_key] {
        for bearer in [signer.bearer.clone(), None] {
            let signer = Signer { bearer, ..signer.clone() };
            let mint = Draft::mint(&api, &format!("k{made}")).sign(&api, &signer);
            let job = body(mint.send(&api).await, 202).await;
            made += 1;
            let id = job["id"].as_str().unwrap();
            let look = Draft::get(&api, &format!("{MINTS}/{id}")).sign(&api, &signer);
            body(look.send(&api).await, 200).await;
            // Parts instead of the whole target, a query, more than must be.
            let parts = vec!["@method", "@authority", "@path", "@query"];
            let draft = Draft {
                covered: parts,
                ..Draft::get(&api, &format!("{MINTS}?limit=1&status=queued"))
            };
            body(draft.sign(&api, &signer).send(&api).await, 200).await;
            let draft = Draft {
                covered: vec!["@method", "@path", "@query", "@authority"],
                ..Draft::get(&api, MINTS)
            };
            body(draft.sign(&api, &signer).send(&api).await, 200).await;
            let mut draft = Draft::mint(&api, &format!("k{made}"));
            draft.covered.push("content-type");
            draft.more = ";tag=\"shop\"".to_owned();
            body(draft.sign(&api, &signer).send(&api).await, 202).await;
            made += 1;
        }
    }
    assert_eq!(mints(&api).await, made);
}

#[tokio::test]
async fn who_must_sign_is_told_so() {
    let api = start().await;
    let signs =
        signer(&api, &[Scope::MintsWrite, Scope::KeysWrite], json!({ "signature_required": true }));
    let signs = signs.await;
    let key = signs.bearer.clone().unwrap();
    let mint = json!({ "to": ALICE, "uri": URI });
    let refused = api.post_as(&key, MINTS, "a").json(&mint).send().await.unwrap();
    problem(refused, "request_mint", "request_signature_required").await;
    // Whoever has only the secret that is shown can't get the other one, nor lift the need for it.
    let own = format!("/api/v1/api-keys/{}", signs.id);
    let turn =
        api.post_as(&key, &format!("{own}/rotate"), "b").json(&json!({})).send().await.unwrap();
    problem(turn, "rotate_api_key", "request_signature_required").await;
    let change = api.request(Method::PATCH, &own).bearer_auth(&key);
    let change = change.json(&json!({ "signature_required": false })).send().await.unwrap();
    problem(change, "change_api_key", "request_signature_required").await;
    assert_eq!(api.get_as(&key, MINTS).send().await.unwrap().status(), 200, "reading needs none");
    assert_eq!(mints(&api).await, 0);
    // All keys, where the operator says so.
    let strict = start_as(Setup { signatures_required: true, ..Setup::default() }).await;
    let plain = signer_of_issued(&strict, &BOTH).await;
    let refused = strict.post_as(&plain, MINTS, "a").json(&mint).send().await.unwrap();
    problem(refused, "request_mint", "request_signature_required").await;
    let stored = strict.post_as(&plain, "/api/v1/metadata", "b");
    let stored = stored.json(&json!({ "name": "x", "image": URI })).send().await.unwrap();
    assert_eq!(stored.status(), 201, "nothing of value");
}

async fn signer_of_issued(api: &Api, scopes: &[Scope]) -> String {
    let who = principal(&api.database.db).await;
    issue(&api.database.db, who, scopes).await
}

/// Each change of what was signed, and each signature that is not quite one.
#[tokio::test]
async fn what_was_altered_is_refused() {
    let api = start().await;
    let own = signer(&api, &BOTH, json!({})).await;
    let bare = Signer { bearer: None, ..own.clone() };
    let other = signer(&api, &BOTH, json!({})).await;
    let seed = [7; 32];
    let keyed = signer(&api, &BOTH, json!({ "public_key": public_key(&seed) })).await;
    let draft = || Draft::mint(&api, "k");
    let sound = || draft().sign(&api, &bare);
    let unknown = KeyText::generate("test").id().to_owned();
    let now = draft().created;
    let longer = json!({ "to": ALICE, "uri": URI, "chain_id": 31337 }).to_string().into_bytes();
    let wrong = "request_signature_wrong";
    let of = |signer: &Signer| draft().sign(&api, signer);
    let cases: Vec<(&str, Signed, &str)> = vec![
        ("path", Signed { path: "/api/v1/collections".to_owned(), ..sound() }, wrong),
        ("query", Signed { path: format!("{MINTS}?x=1"), ..sound() }, wrong),
        ("method", Signed { method: Method::GET, ..sound() }, wrong),
        ("idempotency key", sound().with("idempotency-key", "l"), wrong),
        (
            "digest",
            sound()
                .with("content-digest", "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"),
            wrong,
        ),
        ("body", Signed { body: Some(longer), ..sound() }, "content_digest_mismatch"),
        ("body cut", Signed { body: Some(b"{}".to_vec()), ..sound() }, "content_digest_mismatch"),
        (
            "digest of SHA-512",
            sound().with("content-digest", "sha-512=:AAAA:"),
            "content_digest_invalid",
        ),
        ("no digest", sound().without("content-digest"), "request_signature_incomplete"),
        ("no input", sound().without("signature-input"), "request_signature_malformed"),
        ("no signature", sound().without("signature"), "request_signature_malformed"),
        ("no bytes", sound().with("signature", "sig=\"abc\""), "request_signature_malformed"),
        ("other bytes", sound().with("signature", "sig=:AAAA:"), wrong),
        ("another label", sound().with("signature", "gis=:AAAA:"), "request_signature_malformed"),
        ("unknown key", of(&Signer { id: unknown, ..bare.clone() }), wrong),
        ("no key's id", of(&Signer { id: "x".to_owned(), ..bare.clone() }), wrong),
        ("another's id", of(&Signer { id: other.id.clone(), ..bare.clone() }), wrong),
        (
            "another's key beside",
            of(&Signer { bearer: other.bearer.clone(), ..own.clone() }),
            wrong,
        ),
        (
            "no key beside",
            of(&Signer { bearer: Some("sk_x".to_owned()), ..own.clone() }),
            "key_invalid",
        ),
        ("a secret where a key is set", of(&Signer { bearer: None, ..keyed.clone() }), wrong),
        (
            "another Ed25519 key",
            of(&Signer { secret: Secret::Ed25519([8; 32]), ..keyed.clone() }),
            wrong,
        ),
        (
            "Ed25519 where none is set",
            of(&Signer { secret: Secret::Ed25519(seed), ..bare.clone() }),
            wrong,
        ),
        (
            "old",
            Draft { created: now - 31, ..draft() }.sign(&api, &bare),
            "request_signature_expired",
        ),
        (
            "of the future",
            Draft { created: now + 31, ..draft() }.sign(&api, &bare),
            "request_signature_expired",
        ),
        (
            "expired",
            Draft { more: format!(";expires={now}"), ..draft() }.sign(&api, &bare),
            "request_signature_expired",
        ),
        (
            "short nonce",
            Draft { nonce: "short".to_owned(), ..draft() }.sign(&api, &bare),
            "request_signature_malformed",
        ),
        (
            "method not covered",
            Draft { covered: vec!["@target-uri", "content-digest", "idempotency-key"], ..draft() }
                .sign(&api, &bare),
            "request_signature_incomplete",
        ),
        (
            "target not covered",
            Draft {
                covered: vec!["@method", "@path", "content-digest", "idempotency-key"],
                ..draft()
            }
            .sign(&api, &bare),
            "request_signature_incomplete",
        ),
        (
            "body not covered",
            Draft { covered: vec!["@method", "@target-uri", "idempotency-key"], ..draft() }
                .sign(&api, &bare),
            "request_signature_incomplete",
        ),
        (
            "key not covered",
            Draft { covered: vec!["@method", "@target-uri", "content-digest"], ..draft() }
                .sign(&api, &bare),
            "request_signature_incomplete",
        ),
    ];
    for (what, signed, code) in &cases {
        let response = signed.send(&api).await;
        let operation =
            if signed.path == MINTS && signed.method == Method::POST { "request_mint" } else { "" };
        let told = problem(response, operation, code).await;
        assert!(
            told["detail"].is_string()
                || code.starts_with("request")
                || code.starts_with("content")
                || *code == "key_invalid",
            "{what}"
        );
    }
    assert_eq!(mints(&api).await, 0);
    let spent: i64 = sqlx::query_scalar("select count(*) from request_nonces")
        .fetch_one(&api.database.db)
        .await
        .unwrap();
    assert_eq!(spent, 2, "only what was signed spends a nonce: the two whose body was changed");
    body(sound().send(&api).await, 202).await;
}

#[tokio::test]
async fn a_signed_request_is_taken_once() {
    let api = start().await;
    let signs = signer(&api, &BOTH, json!({})).await;
    let signed = Draft::mint(&api, "k").sign(&api, &signs);
    let all = join_all((0..1_000).map(|_| signed.send(&api))).await;
    let mut taken = 0;
    for response in all {
        match response.status().as_u16() {
            202 => taken += 1,
            401 => drop(problem(response, "request_mint", "request_signature_replayed").await),
            // More at once than the server bears: not even looked at.
            503 => drop(problem(response, "request_mint", "overloaded").await),
            other => panic!("{other}"),
        }
    }
    assert_eq!((taken, mints(&api).await), (1, 1));
    // Signed anew it is the same request still, by its Idempotency-Key.
    let again = Draft::mint(&api, "k").sign(&api, &signs).send(&api).await;
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    // Another key may use the same nonce; and this one only when its row is gone with its time.
    let other = signer(&api, &BOTH, json!({})).await;
    let draft = Draft { nonce: "0123456789abcdef".to_owned(), ..Draft::get(&api, MINTS) };
    for signer in [&signs, &other] {
        body(draft.sign(&api, signer).send(&api).await, 200).await;
        let again = draft.sign(&api, signer).send(&api).await;
        problem(again, "list_mints", "request_signature_replayed").await;
    }
    assert_eq!(api.authenticator.purge_nonces().await.unwrap(), 0);
    api.clock.advance(Duration::minutes(2));
    let late = draft.sign(&api, &signs).send(&api).await;
    problem(late, "list_mints", "request_signature_expired").await;
    assert_eq!(api.authenticator.purge_nonces().await.unwrap(), 4);
    let draft = Draft { created: Draft::get(&api, MINTS).created, ..draft };
    body(draft.sign(&api, &signs).send(&api).await, 200).await;
}

#[tokio::test]
async fn bodies_are_bounded_and_held_against_their_digest() {
    let api = start().await;
    let signs = signer(&api, &BOTH, json!({})).await;
    let large = json!({ "to": ALICE, "uri": "x".repeat(2 << 20) });
    let refused = Draft::post(&api, MINTS, "l", &large).sign(&api, &signs).send(&api).await;
    problem(refused, "request_mint", "body_too_large").await;
    // A form is read piece by piece, and what stands behind its end was signed, too.
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(64, 64).write_to(&mut png, image::ImageFormat::Png).unwrap();
    let head = b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";
    let form = [&head[..], png.get_ref(), b"\r\n--b--\r\n"].concat();
    let media = "multipart/form-data; boundary=b";
    let draft = |key: &str, form: &[u8]| Draft {
        body: Some(form.to_vec()),
        media: media.to_owned(),
        ..Draft::post(&api, "/api/v1/uploads", key, &json!({}))
    };
    let longer = [&form[..], b"and more"].concat();
    let mut other = form.clone();
    other[head.len() + 60] ^= 1;
    for (key, sent) in [("longer", &longer), ("other", &other)] {
        let signed = Signed { body: Some(sent.clone()), ..draft(key, &form).sign(&api, &signs) };
        let refused = signed.send(&api).await;
        problem(refused, "upload_picture", "content_digest_mismatch").await;
    }
    let stored: i64 = sqlx::query_scalar("select count(*) from contents")
        .fetch_one(&api.database.db)
        .await
        .unwrap();
    assert_eq!(stored, 0);
    body(draft("sound", &form).sign(&api, &signs).send(&api).await, 201).await;
    body(draft("epilogue", &longer).sign(&api, &signs).send(&api).await, 201).await;
}

#[tokio::test]
async fn a_replaced_signing_secret_ends_with_its_key() {
    let api = start().await;
    let old = signer(&api, &[Scope::MintsRead, Scope::KeysWrite], json!({})).await;
    let path = format!("/api/v1/api-keys/{}/rotate", old.id);
    let turn = Draft::post(&api, &path, "r", &json!({ "overlap_seconds": 60 }));
    let told = body(turn.sign(&api, &old).send(&api).await, 200).await;
    let secret = Secret::Hmac(told["signing_secret"].as_str().unwrap().to_owned());
    let new = Signer { secret, bearer: None, ..old.clone() };
    let old = Signer { bearer: None, ..old };
    let look = async |signer: &Signer| {
        Draft::get(&api, MINTS).sign(&api, signer).send(&api).await.status().as_u16()
    };
    assert_eq!((look(&old).await, look(&new).await), (200, 200));
    api.clock.advance(Duration::seconds(60));
    assert_eq!((look(&old).await, look(&new).await), (401, 200));
}
