//! Staying signed in: access tokens, refresh tokens, and the end of both.

use crate::{
    harness::{Api, PAGE, START, Setup, body, origins, problem, start, start_as},
    sign_in::{LOGOUT, REFRESH, SESSIONS, text},
    sponsored::User,
};
use app::SignInOptions;
use auth::{Subject, TokenKey, TokenPolicy, Tokens};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc};
use time::Duration;
use vocab::{ChainId, FixedClock, PrincipalId};

impl Api {
    async fn refresh(&self, token: &str) -> Response {
        self.plain(REFRESH, &json!({ "refresh_token": token })).await
    }

    async fn sessions(&self, access_token: &str) -> Response {
        self.get_as(access_token, SESSIONS).send().await.unwrap()
    }

    async fn end(&self, access_token: &str, path: &str) -> Response {
        self.request(Method::DELETE, path).bearer_auth(access_token).send().await.unwrap()
    }
}

async fn refused(response: Response, code: &str) {
    problem(response, "refresh_session", code).await;
}

async fn ended(api: &Api, access_token: &str) {
    problem(api.sessions(access_token).await, "list_sessions", "session_ended").await;
}

#[tokio::test]
async fn an_access_token_is_one_of_ours_and_of_now() {
    let api = start().await;
    let user = User::new(7);
    let opened = api.signed_in(&user).await;
    let token = text(&opened, "access_token");
    let session = &opened["session"];
    let parts: Vec<&str> = token.split('.').collect();
    let read = |part: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let (header, claims) = (read(parts[0]), read(parts[1]));
    assert_eq!((&header["typ"], &header["alg"]), (&json!("at+jwt"), &json!("EdDSA")));
    assert_eq!((&claims["sub"], &claims["sid"]), (&session["principal_id"], &session["id"]));
    assert_eq!(
        (&claims["iss"], &claims["aud"]),
        (&json!("https://stoa.example.org"), &json!("stoa"))
    );
    assert_eq!(claims["client_id"], PAGE);
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 600);
    let keys = api.request(Method::GET, "/.well-known/jwks.json").send().await.unwrap();
    assert_eq!(keys.headers()["cache-control"], "public, max-age=300");
    let keys = body(keys, 200).await;
    assert_eq!(keys["keys"][0]["kid"], header["kid"]);
    assert!(keys["keys"][0].get("d").is_none(), "the public half only");

    // Of the same session, and yet not ours.
    let subject = Subject {
        principal: PrincipalId(text(session, "principal_id").parse().unwrap()),
        session: text(session, "id").parse().unwrap(),
        client: PAGE,
        wallet: Some((user.address, ChainId(31_337))),
    };
    let policy = api.tokens.policy().clone();
    let made = |policy: TokenPolicy, seed: u8, ahead: Duration| {
        let clock = Arc::new(FixedClock::at(START + ahead));
        let key = TokenKey::new(&[seed; 32], START - Duration::DAY).unwrap();
        Tokens::new(policy, clock, vec![key]).issue(subject).unwrap().0
    };
    let none = json!({ "alg": "none", "typ": "at+jwt", "kid": header["kid"] }).to_string();
    let none = URL_SAFE_NO_PAD.encode(none);
    let cases = [
        ("alg none", format!("{none}.{}.", parts[1]), "token_invalid"),
        ("alg none, signed", format!("{none}.{}.{}", parts[1], parts[2]), "token_invalid"),
        ("unsigned", format!("{}.{}.", parts[0], parts[1]), "token_invalid"),
        ("another key", made(policy.clone(), 6, Duration::ZERO), "token_invalid"),
        (
            "another audience",
            made(TokenPolicy { audience: "other".into(), ..policy.clone() }, 5, Duration::ZERO),
            "token_invalid",
        ),
        (
            "another issuer",
            made(TokenPolicy { issuer: "other".into(), ..policy.clone() }, 5, Duration::ZERO),
            "token_invalid",
        ),
        ("future", made(policy.clone(), 5, Duration::seconds(6)), "token_invalid"),
        ("expired", made(policy.clone(), 5, Duration::seconds(-605)), "token_expired"),
        ("a dot", ".".to_owned(), "token_invalid"),
        ("a refresh token", format!("{}.", text(&opened, "refresh_token")), "token_invalid"),
    ];
    for (name, token, code) in cases {
        let response = api.sessions(&token).await;
        assert_eq!(response.headers()["www-authenticate"], "Bearer", "{name}");
        let said = problem(response, "list_sessions", code).await;
        assert!(!said.to_string().contains("dalek"), "{name}");
    }
    // Clocks may differ by 5 s.
    for near in [Duration::seconds(5), Duration::seconds(-604)] {
        body(api.sessions(&made(policy.clone(), 5, near)).await, 200).await;
    }
    problem(api.sessions(text(&opened, "refresh_token")).await, "list_sessions", "key_invalid")
        .await;
    body(api.sessions(token).await, 200).await;
    api.clock.advance(Duration::seconds(605));
    problem(api.sessions(token).await, "list_sessions", "token_expired").await;
}

#[tokio::test]
async fn a_refresh_token_is_good_once() {
    let api = start().await;
    let opened = api.signed_in(&User::new(7)).await;
    let first = text(&opened, "refresh_token").to_owned();
    api.clock.advance(Duration::minutes(9));
    let second = body(api.refresh(&first).await, 200).await;
    assert_eq!(second["session"]["id"], opened["session"]["id"]);
    assert_eq!(second["session"]["expires_at"], opened["session"]["expires_at"], "no longer life");
    assert_ne!(text(&second, "refresh_token"), first);
    // Its answer may have been lost: within 10 s the same one is told again.
    api.clock.advance(Duration::seconds(10));
    let again = body(api.refresh(&first).await, 200).await;
    assert_eq!(again["refresh_token"], second["refresh_token"]);
    assert_ne!(again["access_token"], second["access_token"]);
    api.clock.advance(Duration::seconds(1));
    body(api.sessions(text(&second, "access_token")).await, 200).await;
    // Later somebody else has it.
    refused(api.refresh(&first).await, "refresh_token_reused").await;
    refused(api.refresh(text(&second, "refresh_token")).await, "refresh_token_invalid").await;
    refused(api.refresh(&first).await, "refresh_token_invalid").await;
    ended(&api, text(&second, "access_token")).await;
    ended(&api, text(&opened, "access_token")).await;
}

/// Who has an old token while its successor was used has no right to the next one, however soon.
#[tokio::test]
async fn a_used_successor_ends_the_repeats() {
    let api = start().await;
    let opened = api.signed_in(&User::new(7)).await;
    let first = text(&opened, "refresh_token");
    let second = body(api.refresh(first).await, 200).await;
    let third = body(api.refresh(text(&second, "refresh_token")).await, 200).await;
    refused(api.refresh(first).await, "refresh_token_reused").await;
    refused(api.refresh(text(&third, "refresh_token")).await, "refresh_token_invalid").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_used_by_many_at_once_has_one_successor() {
    let api = start().await;
    let opened = api.signed_in(&User::new(7)).await;
    let first = text(&opened, "refresh_token");
    let all = join_all((0..50).map(|_| api.refresh(first))).await;
    let mut successors = BTreeSet::new();
    for response in all {
        successors.insert(text(&body(response, 200).await, "refresh_token").to_owned());
    }
    assert_eq!(successors.len(), 1);
    let next = successors.pop_first().unwrap();
    body(api.refresh(&next).await, 200).await;
}

#[tokio::test]
async fn what_is_no_refresh_token_of_ours_is_refused_and_harms_nobody() {
    let api = start().await;
    let opened = api.signed_in(&User::new(7)).await;
    let good = text(&opened, "refresh_token");
    // Of the right session, with a secret of one's own.
    let mut bytes = URL_SAFE_NO_PAD.decode(&good["stoa_rt_".len()..]).unwrap();
    bytes[30] ^= 1;
    let forged = format!("stoa_rt_{}", URL_SAFE_NO_PAD.encode(bytes));
    let cut = &good[..good.len() - 1];
    for bad in ["", "stoa_rt_", &forged, cut, text(&opened, "access_token"), &api.key] {
        refused(api.refresh(bad).await, "refresh_token_invalid").await;
    }
    refused(api.plain(REFRESH, &json!({})).await, "refresh_token_invalid").await;
    refused(api.plain(REFRESH, &json!({ "token": good })).await, "body_invalid").await;
    // A page of another origin than that of the session.
    let page = api.request(Method::POST, REFRESH).header("origin", "http://localhost:3000");
    let shown = page.json(&json!({ "refresh_token": good })).send().await.unwrap();
    refused(shown, "origin_refused").await;
    body(api.refresh(good).await, 200).await;
}

#[tokio::test]
async fn a_session_has_an_end() {
    let api = start().await;
    let opened = api.signed_in(&User::new(7)).await;
    let mut token = text(&opened, "refresh_token").to_owned();
    for _ in 0..30 {
        let next = body(api.refresh(&token).await, 200).await;
        token = text(&next, "refresh_token").to_owned();
        api.clock.advance(Duration::days(1));
    }
    refused(api.refresh(&token).await, "refresh_token_invalid").await;
    assert_eq!(api.sign_in.purge_expired().await.unwrap(), 2, "the session and its message");
}

#[tokio::test]
async fn users_see_and_end_their_own_sessions() {
    let api = start().await;
    let user = User::new(7);
    let mut all = Vec::new();
    for _ in 0..4 {
        all.push(api.signed_in(&user).await);
    }
    let other = api.signed_in(&User::new(8)).await;
    let token = |place: usize| text(&all[place], "access_token");
    let id = |opened: &Value| text(&opened["session"], "id").to_owned();
    let first =
        body(api.get_as(token(3), &format!("{SESSIONS}?limit=3")).send().await.unwrap(), 200);
    let first = first.await;
    let ids: Vec<&str> = first["items"].as_array().unwrap().iter().map(|s| text(s, "id")).collect();
    assert_eq!(ids, [id(&all[3]), id(&all[2]), id(&all[1])]);
    assert_eq!(first["items"][0]["current"], true);
    assert_eq!(first["items"][1]["current"], false);
    assert_eq!(first["items"][0]["client"], "127.0.0.1");
    let cursor = text(&first, "next_cursor");
    let path = format!("{SESSIONS}?limit=3&cursor={cursor}");
    let rest = body(api.get_as(token(3), &path).send().await.unwrap(), 200).await;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next_cursor"]), (1, &Value::Null));
    // A cursor is its owner's.
    let stolen = api.get_as(text(&other, "access_token"), &path).send().await.unwrap();
    problem(stolen, "list_sessions", "cursor_invalid").await;

    let of_other = format!("{SESSIONS}/{}", id(&other));
    problem(api.end(token(3), &of_other).await, "end_session", "session_unknown").await;
    problem(api.end(token(3), &format!("{SESSIONS}/x")).await, "end_session", "path_invalid").await;
    // At once: it was used a moment ago and is in the cache.
    body(api.sessions(token(0)).await, 200).await;
    let path = format!("{SESSIONS}/{}", id(&all[0]));
    assert_eq!(api.end(token(3), &path).await.status(), 204);
    ended(&api, token(0)).await;
    refused(api.refresh(text(&all[0], "refresh_token")).await, "refresh_token_invalid").await;
    problem(api.end(token(3), &path).await, "end_session", "session_unknown").await;

    let said = body(api.end(token(3), SESSIONS).await, 200).await;
    assert_eq!(said["ended"], 2);
    for place in [1, 2] {
        ended(&api, token(place)).await;
    }
    body(api.sessions(token(3)).await, 200).await;
    body(api.sessions(text(&other, "access_token")).await, 200).await;
}

#[tokio::test]
async fn logging_out_ends_the_session() {
    let api = start().await;
    let by_access = api.signed_in(&User::new(7)).await;
    let token = text(&by_access, "access_token");
    let leave = || api.request(Method::POST, LOGOUT).bearer_auth(token).json(&json!({})).send();
    assert_eq!(leave().await.unwrap().status(), 204);
    ended(&api, token).await;
    problem(leave().await.unwrap(), "log_out", "session_ended").await;

    // With the refresh token alone, and as often as one likes.
    let by_refresh = api.signed_in(&User::new(7)).await;
    let shown = json!({ "refresh_token": text(&by_refresh, "refresh_token") });
    for _ in 0..2 {
        assert_eq!(api.plain(LOGOUT, &shown).await.status(), 204);
        ended(&api, text(&by_refresh, "access_token")).await;
    }
    problem(api.plain(LOGOUT, &json!({})).await, "log_out", "key_missing").await;
    let wrong = json!({ "refresh_token": "stoa_rt_x" });
    problem(api.plain(LOGOUT, &wrong).await, "log_out", "refresh_token_invalid").await;
}

#[tokio::test]
async fn one_user_has_so_many_sessions() {
    let sign_in = SignInOptions { sessions_per_user_max: 2, ..SignInOptions::new(origins()) };
    let api = start_as(Setup { sign_in: Some(sign_in), ..Setup::default() }).await;
    let user = User::new(7);
    let first = api.signed_in(&user).await;
    api.clock.advance(Duration::seconds(1));
    let second = api.signed_in(&user).await;
    api.clock.advance(Duration::seconds(1));
    // Used since.
    body(api.refresh(text(&first, "refresh_token")).await, 200).await;
    api.clock.advance(Duration::seconds(1));
    let third = api.signed_in(&user).await;
    ended(&api, text(&second, "access_token")).await;
    body(api.sessions(text(&first, "access_token")).await, 200).await;
    body(api.sessions(text(&third, "access_token")).await, 200).await;
}

/// What another process ended is over here within 10 s: that long the row may be remembered.
#[tokio::test]
async fn a_session_that_was_ended_elsewhere_is_over_here_soon() {
    let api = start().await;
    let opened = api.signed_in(&User::new(7)).await;
    let token = text(&opened, "access_token");
    body(api.sessions(token).await, 200).await;
    let mut db = api.database.db.acquire().await.unwrap();
    let filter = db::user_sessions::SessionFilter {
        id: Some(text(&opened["session"], "id").parse().unwrap()),
        ..Default::default()
    };
    let gone = db::user_sessions::record_end(&mut db, filter, "operator", START).await.unwrap();
    assert_eq!(gone.len(), 1);
    refused(api.refresh(text(&opened, "refresh_token")).await, "refresh_token_invalid").await;
    let within = std::time::Duration::from_secs(12);
    testkit::eventually_within(within, "it is refused", || async {
        (api.sessions(token).await.status() == 401).then_some(())
    })
    .await;
}

/// Any token of a session shown at any time: what is answered follows from what came before by the
/// rule of the guide, and there is never more than one living line of tokens.
#[tokio::test]
async fn refreshing_follows_its_rule_in_any_order() {
    let seed = std::env::var("STOA_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let mut state: u64 = seed.unwrap_or_else(|| uuid::Uuid::now_v7().as_u64_pair().1);
    eprintln!("STOA_TEST_SEED={state}");
    let mut draw = |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let api = start().await;
    for _ in 0..12 {
        let opened = api.signed_in(&User::new(7)).await;
        let mut tokens = vec![text(&opened, "refresh_token").to_owned()];
        // Seconds since the present one was given out; none: the session is over.
        let mut since = Some(0);
        for _ in 0..25 {
            let pass = [0, 1, 5, 6, 60][draw(5) as usize];
            api.clock.advance(Duration::seconds(pass));
            since = since.map(|since| since + pass);
            // Mostly the last ones.
            let back = [0, 0, 0, 0, 1, 1, 2, 3][draw(8) as usize].min(tokens.len() - 1);
            let shown = tokens.len() - 1 - back;
            let response = api.refresh(&tokens[shown]).await;
            let said = (response.status().as_u16(), response.json::<Value>().await.unwrap());
            match (since, back) {
                (None, _) => assert_eq!(said.1["code"], "refresh_token_invalid", "{said:?}"),
                (Some(_), 0) => {
                    assert_eq!(said.0, 200, "{said:?}");
                    let next = text(&said.1, "refresh_token").to_owned();
                    assert!(!tokens.contains(&next));
                    tokens.push(next);
                    since = Some(0);
                }
                (Some(0..=10), 1) => {
                    assert_eq!(said.0, 200, "{said:?}");
                    assert_eq!(text(&said.1, "refresh_token"), tokens[shown + 1]);
                }
                (Some(_), _) => {
                    assert_eq!(said.1["code"], "refresh_token_reused", "{said:?}");
                    since = None;
                }
            }
        }
    }
}
