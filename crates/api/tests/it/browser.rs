//! Sessions that a browser keeps, and what pages of others may do.

use crate::{
    harness::{Api, PAGE, Setup, body, problem, start, start_as},
    sign_in::{LOGOUT, REFRESH, SESSIONS, personal, text},
    sponsored::User,
    stream::Listener,
};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use vocab::Bytes;

/// What a browser was told to keep: name to value and attributes.
fn cookies(response: &Response) -> BTreeMap<String, (String, String)> {
    let lines = response.headers().get_all("set-cookie").iter();
    lines
        .map(|line| {
            let (pair, rest) = line.to_str().unwrap().split_once("; ").unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            (name.to_owned(), (value.to_owned(), rest.to_owned()))
        })
        .collect()
}

/// As a browser sends them back.
fn jar(cookies: &BTreeMap<String, (String, String)>) -> String {
    let pairs: Vec<String> =
        cookies.iter().map(|(name, (value, _))| format!("{name}={value}")).collect();
    pairs.join("; ")
}

async fn shown(api: &Api, user: &User) -> Value {
    let message = api.challenge(user.address).await;
    let signature = Bytes::copy_from_slice(&personal(user, &message));
    json!({ "message": message, "signature": signature, "mode": "cookie" })
}

/// From a page of ours, in a browser that has these cookies.
fn from_page(api: &Api, method: Method, path: &str, jar: &str) -> RequestBuilder {
    api.request(method, path).header("cookie", jar).header("origin", PAGE)
}

#[tokio::test]
async fn a_browser_stays_signed_in_without_a_script_seeing_a_token() {
    let api = start().await;
    let request = shown(&api, &User::new(7)).await;
    // Without a page, or from another's, a browser could be signed in as somebody else.
    problem(api.plain(SESSIONS, &request).await, "open_session", "origin_refused").await;
    let open = |page: &'static str| {
        api.request(Method::POST, SESSIONS).header("origin", page).json(&request).send()
    };
    for page in ["http://localhost:3000", "https://evil.example"] {
        problem(open(page).await.unwrap(), "open_session", "origin_refused").await;
    }
    let opened = open(PAGE).await.unwrap();
    let kept = cookies(&opened);
    let names: Vec<&str> = kept.keys().map(String::as_str).collect();
    assert_eq!(names, ["__Host-stoa_access", "__Host-stoa_refresh"]);
    let attributes = |name: &str| kept[name].1.as_str();
    assert_eq!(
        attributes("__Host-stoa_access"),
        "Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax"
    );
    assert_eq!(
        attributes("__Host-stoa_refresh"),
        "Path=/; Max-Age=2592000; Secure; HttpOnly; SameSite=Strict"
    );
    let told = body(opened, 201).await;
    assert_eq!(told["session"]["mode"], "cookie");
    assert!(told.get("access_token").is_none() && told.get("refresh_token").is_none(), "{told}");

    let jar_of = jar(&kept);
    let list = api.request(Method::GET, SESSIONS).header("cookie", &jar_of).send().await.unwrap();
    assert_eq!(body(list, 200).await["items"][0]["current"], true);
    // The refresh token is no use to a client that shows it by itself, nor the other way round.
    let stolen = json!({ "refresh_token": kept["__Host-stoa_refresh"].0 });
    let shown = api.plain(REFRESH, &stolen).await;
    problem(shown, "refresh_session", "refresh_token_invalid").await;

    let refreshed = from_page(&api, Method::POST, REFRESH, &jar_of).json(&json!({}));
    let refreshed = refreshed.send().await.unwrap();
    let next = cookies(&refreshed);
    assert_ne!(next["__Host-stoa_refresh"].0, kept["__Host-stoa_refresh"].0);
    assert!(body(refreshed, 200).await.get("refresh_token").is_none());

    let left = from_page(&api, Method::POST, LOGOUT, &jar(&next)).json(&json!({}));
    let left = left.send().await.unwrap();
    assert_eq!(left.status(), 204);
    assert!(
        cookies(&left)
            .values()
            .all(|(value, rest)| value.is_empty() && rest.contains("Max-Age=0;"))
    );
    let list =
        api.request(Method::GET, SESSIONS).header("cookie", jar(&next)).send().await.unwrap();
    problem(list, "list_sessions", "session_ended").await;
}

#[tokio::test]
async fn pages_of_others_change_nothing() {
    let api = start().await;
    let request = shown(&api, &User::new(7)).await;
    let opened = api.request(Method::POST, SESSIONS).header("origin", PAGE).json(&request).send();
    let opened = opened.await.unwrap();
    let jar = jar(&cookies(&opened));
    let id = text(&body(opened, 201).await["session"], "id").to_owned();
    let sources: [&[(&str, &str)]; 7] = [
        &[],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "https://app.example.org.evil.example")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", PAGE), ("origin", "https://evil.example")],
    ];
    let path = format!("{SESSIONS}/{id}");
    let changes = [
        (Method::DELETE, path.as_str(), "end_session"),
        (Method::DELETE, SESSIONS, "end_other_sessions"),
        (Method::POST, REFRESH, "refresh_session"),
        (Method::POST, LOGOUT, "log_out"),
        (Method::POST, "/api/v1/mints", "request_mint"),
    ];
    for headers in sources {
        for (method, path, operation) in &changes {
            let mut request = api.request(method.clone(), path).header("cookie", &jar);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let sent = request.json(&json!({})).send().await.unwrap();
            problem(sent, operation, "cross_origin").await;
        }
    }
    // A key in the header is nobody's cookie: it needs no page.
    let with_key = api.post("/api/v1/mints", "k").header("cookie", &jar).json(&json!({}));
    assert_ne!(with_key.send().await.unwrap().status(), 403);
    // By a page of ours, and by this very one, all goes.
    let mine = from_page(&api, Method::DELETE, SESSIONS, &jar).send().await.unwrap();
    assert_eq!(body(mine, 200).await["ended"], 0);
    let same = api.request(Method::DELETE, &path).header("cookie", &jar);
    let same = same.header("sec-fetch-site", "same-origin").send().await.unwrap();
    assert_eq!(same.status(), 204);
}

#[tokio::test]
async fn only_pages_of_ours_may_read_answers() {
    let api = start().await;
    let ask = |page: &'static str, method: Method, path: &'static str| {
        let request = api.request(method.clone(), path).header("origin", page);
        let request = match method {
            Method::OPTIONS => request.header("access-control-request-method", "POST"),
            _ => request,
        };
        async move { request.send().await.unwrap() }
    };
    for page in [PAGE, "http://localhost:3000"] {
        let asked = ask(page, Method::OPTIONS, "/api/v1/mints").await;
        assert_eq!(asked.status(), 204);
        let headers = asked.headers();
        assert_eq!(headers["access-control-allow-origin"], page);
        assert_eq!(headers["access-control-allow-credentials"], "true");
        assert!(
            headers["access-control-allow-headers"].to_str().unwrap().contains("idempotency-key")
        );
        assert!(headers.contains_key("x-request-id"));
        // Refusals can be read, too.
        for path in ["/api/v1/items", "/api/v1/mints", "/nowhere"] {
            let read = ask(page, Method::GET, path).await;
            assert_eq!(read.headers()["access-control-allow-origin"], page, "{path}");
            assert_eq!(read.headers()["vary"], "origin");
        }
    }
    for page in ["https://evil.example", "null", "http://app.example.org", "*"] {
        let asked = ask(page, Method::OPTIONS, "/api/v1/mints").await;
        assert_eq!(asked.status(), 405, "as without any page");
        for response in [asked, ask(page, Method::GET, "/api/v1/items").await] {
            let names = response.headers().keys();
            assert!(names.into_iter().all(|name| !name.as_str().starts_with("access-control-")));
        }
    }
    // What is user content is read by no page at all.
    let content = api.client.get(format!("{}/ipfs/x", api.content_url)).header("origin", PAGE);
    let content = content.send().await.unwrap();
    assert!(!content.headers().contains_key("access-control-allow-origin"));
}

/// Any page may open a WebSocket to anywhere, with the cookies that go there, and read what comes.
#[tokio::test]
async fn pages_of_others_hear_nothing() {
    let api = start_as(Setup { stream: true, ..Setup::default() }).await;
    let request = shown(&api, &User::new(7)).await;
    let opened = api.request(Method::POST, SESSIONS).header("origin", PAGE).json(&request).send();
    let opened = opened.await.unwrap();
    let jar = jar(&cookies(&opened));
    body(opened, 201).await;
    let with = |pairs: &[(&'static str, &str)]| -> Vec<(&'static str, String)> {
        let own = ("cookie", jar.clone());
        pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).chain([own]).collect()
    };
    let mut listener = Listener::open(&api, &with(&[("origin", PAGE)])).await.unwrap();
    let (answer, _) = listener.subscribe("s", "mints", json!({})).await;
    assert_eq!(answer["op"], "subscribed", "its own mints");
    let events = |pairs: &[(&'static str, &str)]| {
        let events = api.request(Method::GET, "/api/v1/events?topic=mints");
        with(pairs).into_iter().fold(events, |events, (name, value)| events.header(name, value))
    };
    // A page does not name itself to its own server, but the browser says that it is the same.
    for pair in [("origin", PAGE), ("sec-fetch-site", "same-origin")] {
        let answer = events(&[pair]).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), pair), (200, pair));
    }
    let sources: [&[(&str, &str)]; 7] = [
        &[],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "https://app.example.org.evil.example")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", PAGE), ("origin", "https://evil.example")],
    ];
    for source in sources {
        let refused = Listener::open(&api, &with(source)).await.err();
        assert_eq!(refused, Some(403), "{source:?}");
        problem(events(source).send().await.unwrap(), "follow_events", "cross_origin").await;
    }
    // Without cookies nothing is asked of pages: public topics are anybody's.
    let evil = [("origin", "https://evil.example".to_owned())];
    let mut listener = Listener::open(&api, &evil).await.unwrap();
    let (answer, _) = listener.subscribe("s", "mints", json!({})).await;
    assert_eq!(answer["code"], "unauthenticated");
}

#[tokio::test]
async fn a_stream_by_cookie_ends_with_its_session() {
    let beat = Some(std::time::Duration::from_millis(100));
    let setup = Setup { stream: true, heartbeat: beat, ..Setup::default() };
    let api = start_as(setup).await;
    let request = shown(&api, &User::new(7)).await;
    let opened = api.request(Method::POST, SESSIONS).header("origin", PAGE).json(&request).send();
    let jar = jar(&cookies(&opened.await.unwrap()));
    let from_here = [("cookie", jar.clone()), ("origin", PAGE.to_owned())];
    let mut listener = Listener::open(&api, &from_here).await.unwrap();
    listener.subscribe("s", "mints", json!({})).await;
    let left = from_page(&api, Method::POST, LOGOUT, &jar).json(&json!({}));
    assert_eq!(left.send().await.unwrap().status(), 204);
    assert_eq!(listener.end().await, 4401);
    assert_eq!(Listener::open(&api, &from_here).await.err(), Some(401));
}
