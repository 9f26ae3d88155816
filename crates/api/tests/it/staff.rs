//! Staff sign in with a provider of identities: a real one, a browser, and all that can be wrong.

use crate::{
    harness::{Api, PAGE, Setup, body, problem, start_as},
    principals::grant,
    sign_in::{REFRESH, SESSIONS, text},
};
use app::StaffOptions;
use auth::Role;
use oidc::{Options, Provider};
use reqwest::{Method, Url};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::identity_provider::{
    Browser, CLIENT_ID, CLIENT_SECRET, IdentityProvider, identity_provider, location,
};
use time::OffsetDateTime;
use vocab::Clock;
use zeroize::Zeroizing;

const START: &str = "/api/v1/auth/oidc/start";
const CALLBACK: &str = "/api/v1/auth/oidc/callback";
const FINISH: &str = "finish_staff_sign_in";
/// Registered with the provider; the browser of these tests takes it to the API.
const REDIRECT: &str = "http://127.0.0.1:1/api/v1/auth/oidc/callback";
const BINDER: &str = "__Host-stoa_provider";

struct Office {
    api: Api,
    provider: IdentityProvider,
}

fn options(issuer: &str) -> Options {
    Options {
        issuer: issuer.to_owned(),
        client_id: CLIENT_ID.to_owned(),
        client_secret: Some(Zeroizing::new(CLIENT_SECRET.to_owned())),
        redirect_url: REDIRECT.to_owned(),
        scopes: vec!["profile".to_owned(), "groups".to_owned()],
        claim: "groups".to_owned(),
        answer_time: Duration::from_secs(2),
        kept: Duration::from_secs(600),
        leeway: time::Duration::seconds(30),
    }
}

fn staff(options: Options) -> StaffOptions {
    let roles = [("admins", Role::Admin), ("ops", Role::Operator), ("sellers", Role::Organizer)];
    StaffOptions {
        provider: Provider::new(options).unwrap(),
        roles: roles.map(|(value, role)| (value.to_owned(), role)).into(),
        session_time: time::Duration::hours(12),
    }
}

impl Office {
    async fn open() -> Self {
        let provider = identity_provider(REDIRECT).await;
        let staff = Some(staff(options(&provider.issuer)));
        let api = start_as(Setup { staff, ..Setup::default() }).await;
        // The provider goes by the time of day.
        api.clock.advance(OffsetDateTime::now_utc() - api.clock.now());
        Self { api, provider }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.api.url)
    }

    /// Go to the provider and come back: where the browser is sent to, not yet asked.
    async fn to_provider(&self, browser: &mut Browser, query: &str) -> String {
        let back = browser.follow(&self.url(&format!("{START}{query}")), REDIRECT).await;
        back.replace("http://127.0.0.1:1", &self.api.url)
    }

    async fn sign_in(&self, browser: &mut Browser) -> Value {
        let back = self.to_provider(browser, "?mode=token").await;
        body(browser.get(&back).await, 200).await
    }

    /// The code of the refusal of a sign-in with a token that was made into something else.
    async fn twisted(&self, twist: Value) -> Value {
        self.provider.control(json!({ "twist": twist })).await;
        let mut browser = Browser::default();
        let back = self.to_provider(&mut browser, "?mode=token").await;
        problem(browser.get(&back).await, FINISH, "provider_token_refused").await
    }

    async fn roles(&self, token: &str) -> Vec<Role> {
        let actor = self.api.authenticator.authenticate(token, None).await.unwrap();
        actor.user().unwrap().roles.clone()
    }
}

#[tokio::test]
async fn staff_sign_in_and_are_what_their_groups_say() {
    let office = Office::open().await;
    let api = &office.api;
    office.provider.account("ada", "Ada Lovelace", &["ops", "choir"]).await;
    let first = office.sign_in(&mut Browser::default()).await;
    let session = &first["session"];
    assert_eq!((&session["method"], &session["mode"]), (&json!("provider"), &json!("token")));
    assert_eq!((&session["address"], &session["chain_id"]), (&Value::Null, &Value::Null));
    let access = text(&first, "access_token");
    body(api.get_as(access, "/api/v1/transactions").send().await.unwrap(), 200).await;
    let refused = api.get_as(access, "/api/v1/principals").send().await.unwrap();
    problem(refused, "list_principals", "key_only").await;

    // The session is one like any other: it is refreshed, listed and ended.
    let refresh = json!({ "refresh_token": text(&first, "refresh_token") });
    let next = body(api.plain(REFRESH, &refresh).await, 200).await;
    let access = text(&next, "access_token").to_owned();
    let list = body(api.get_as(&access, SESSIONS).send().await.unwrap(), 200).await;
    assert_eq!(list["items"][0]["method"], "provider");
    let path = format!("{SESSIONS}/{}", text(session, "id"));

    // The same person again, with other groups: what is gone is gone at once, everywhere.
    office.provider.account("ada", "Ada Lovelace", &["admins"]).await;
    let second = office.sign_in(&mut Browser::default()).await;
    assert_eq!(second["session"]["principal_id"], session["principal_id"]);
    assert_eq!(office.roles(&access).await, [Role::Admin]);
    let shown = format!("/api/v1/principals/{}", text(session, "principal_id"));
    let shown = body(api.get_as(&access, &shown).send().await.unwrap(), 200).await;
    assert_eq!((&shown["name"], &shown["kind"]), (&json!("Ada Lovelace"), &json!("user")));
    assert_eq!(shown["roles"][0]["source"], "claimed");

    let ended = api.request(Method::DELETE, &path).bearer_auth(&access).send().await.unwrap();
    assert_eq!(ended.status(), 204);
    let gone = api.get_as(&access, SESSIONS).send().await.unwrap();
    problem(gone, "list_sessions", "session_ended").await;
    // Somebody else is somebody else.
    office.provider.account("bob", "bob@example.org", &["ops"]).await;
    let other = office.sign_in(&mut Browser::default()).await;
    assert_ne!(other["session"]["principal_id"], session["principal_id"]);
    let names = sqlx::query_scalar::<_, String>("select name from principals where kind = 'user'");
    let names = names.fetch_all(&api.database.db).await.unwrap();
    assert!(names.iter().all(|name| !name.contains('@')), "{names:?}");
}

#[tokio::test]
async fn what_a_provider_says_ends_with_it_and_what_is_granted_here_stays() {
    let office = Office::open().await;
    let api = &office.api;
    office.provider.account("ada", "Ada", &["ops"]).await;
    let opened = office.sign_in(&mut Browser::default()).await;
    let access = text(&opened, "access_token");
    let id = text(&opened["session"], "principal_id").parse().unwrap();
    assert_eq!(office.roles(access).await, [Role::Operator]);

    // The claim is gone: nobody is signed in, and the role is dropped where it was used.
    office.provider.account("ada", "Ada", &["choir"]).await;
    let mut browser = Browser::default();
    let back = office.to_provider(&mut browser, "?mode=token").await;
    problem(browser.get(&back).await, FINISH, "staff_only").await;
    assert_eq!(office.roles(access).await, []);
    let refused = api.get_as(access, "/api/v1/transactions").send().await.unwrap();
    problem(refused, "list_transactions", "key_only").await;
    problem(browser.get(&back).await, FINISH, "provider_state_spent").await;

    // Granted here: it needs no claim, and none takes it away.
    grant(api, id, Role::Organizer).await;
    let again = office.sign_in(&mut Browser::default()).await;
    assert_eq!(office.roles(text(&again, "access_token")).await, [Role::Organizer]);
    office.provider.account("ada", "Ada", &["ops", "sellers"]).await;
    let both = office.sign_in(&mut Browser::default()).await;
    let access = text(&both, "access_token");
    let mut roles = office.roles(access).await;
    roles.dedup();
    assert_eq!(roles, [Role::Operator, Role::Organizer]);
    let query = "select role || ' ' || source from principal_roles order by 1";
    let stored = sqlx::query_scalar::<_, String>(query).fetch_all(&api.database.db).await.unwrap();
    assert_eq!(stored, ["operator claimed", "organizer claimed", "organizer granted"]);

    // What the provider said ends with the session, without anybody's doing.
    let actor = |token: String| async move { api.authenticator.authenticate(&token, None).await };
    api.clock.advance(time::Duration::hours(13));
    assert!(actor(access.to_owned()).await.is_err());
    let now = api.clock.now();
    let mut db = api.database.db.acquire().await.unwrap();
    let left = db::principal_roles::load(&mut db, &[id], now).await.unwrap();
    let left: Vec<&str> = left.iter().map(|grant| grant.source.as_str()).collect();
    assert_eq!(left, ["granted"]);
}

#[tokio::test]
async fn a_browser_comes_back_to_its_page() {
    let office = Office::open().await;
    office.provider.account("ada", "Ada", &["ops"]).await;
    let mut browser = Browser::default();
    let started = browser.get(&office.url(&format!("{START}?return_to=/console?tab=1"))).await;
    assert_eq!(started.status(), 303);
    assert_eq!(started.headers()["cache-control"], "no-store");
    let set = started.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(set.ends_with("; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax"), "{set}");
    let asked: Url = location(&started).unwrap().parse().unwrap();
    let asked: std::collections::BTreeMap<_, _> = asked.query_pairs().into_owned().collect();
    assert_eq!(asked["code_challenge_method"], "S256");
    assert_eq!((&*asked["response_type"], &*asked["client_id"]), ("code", CLIENT_ID));
    assert!(asked["nonce"].len() >= 43 && asked["state"].len() >= 43);
    // Two tabs at once, and both come back.
    let back = office.to_provider(&mut browser, "?return_to=/console?tab=1").await;
    let other = office.to_provider(&mut browser, "").await;
    let opened = browser.get(&back).await;
    assert_eq!(opened.status(), 303);
    assert_eq!(location(&opened).unwrap(), format!("{PAGE}/console?tab=1"));
    assert_eq!(opened.headers()["referrer-policy"], "no-referrer");
    let access = browser.cookie(&office.api.url, "__Host-stoa_access").unwrap().to_owned();
    let list = browser.get(&office.url(SESSIONS)).await;
    assert_eq!(body(list, 200).await["items"][0]["mode"], "cookie");
    // What it keeps changes nothing from a page of others.
    let forged = office.api.request(Method::DELETE, SESSIONS);
    let forged = forged.header("cookie", format!("__Host-stoa_access={access}"));
    let forged = forged.header("origin", "https://evil.example").send().await.unwrap();
    problem(forged, "end_other_sessions", "cross_origin").await;
    assert_eq!(location(&browser.get(&other).await).unwrap(), format!("{PAGE}/"));
}

#[tokio::test]
async fn nobody_is_sent_elsewhere() {
    let office = Office::open().await;
    for path in [
        "//evil.example",
        "/%5Cevil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "evil.example",
        "/%0d%0aSet-Cookie:x=1",
        "/%09/evil.example",
        "",
    ] {
        let sent = Browser::default().get(&office.url(&format!("{START}?return_to={path}"))).await;
        assert!(location(&sent).is_none(), "{path}");
        problem(sent, "start_staff_sign_in", "query_invalid").await;
    }
    for origin in ["https://evil.example", "https://app.example.org.evil.example", "null", ""] {
        let sent = Browser::default().get(&office.url(&format!("{START}?origin={origin}"))).await;
        problem(sent, "start_staff_sign_in", "origin_refused").await;
    }
}

#[tokio::test]
async fn a_sign_in_is_of_one_browser_and_is_finished_once() {
    let office = Office::open().await;
    office.provider.account("ada", "Ada", &["ops"]).await;
    let mut browser = Browser::default();
    let back = office.to_provider(&mut browser, "?mode=token").await;
    let invalid = |response| problem(response, FINISH, "provider_state_invalid");

    // Login CSRF: whoever is led to the end of another's sign-in is not signed in as them.
    invalid(Browser::default().get(&back).await).await;
    let mut victim = Browser::default();
    office.to_provider(&mut victim, "?mode=token").await;
    invalid(victim.get(&back).await).await;
    let mut forged = Browser::default();
    forged.set_cookie(&office.api.url, BINDER, &"A".repeat(43));
    invalid(forged.get(&back).await).await;

    // A state that is not ours, none, and one that was changed on the way.
    let url: Url = back.parse().unwrap();
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let with = |name: &str, value: Option<&str>| {
        let mut changed = url.clone();
        let rest = pairs.iter().filter(|(key, _)| key != name).cloned();
        let own = value.map(|value| (name.to_owned(), value.to_owned()));
        changed.query_pairs_mut().clear().extend_pairs(rest.chain(own));
        changed.to_string()
    };
    let state = &pairs.iter().find(|(name, _)| name == "state").unwrap().1;
    for bad in ["x", "", &format!("{state}x"), &state.replacen('e', "f", 1)] {
        invalid(browser.get(&with("state", Some(bad))).await).await;
    }
    problem(browser.get(&with("state", None)).await, FINISH, "query_invalid").await;
    invalid(browser.get(&with("code", None)).await).await;
    invalid(browser.get(&with("iss", Some("https://other.example"))).await).await;
    let refused = browser.get(&with("code", Some("made-up"))).await;
    problem(refused, FINISH, "provider_code_refused").await;

    // None of that spent it; now it is finished, and again it is not.
    body(browser.get(&back).await, 200).await;
    problem(browser.get(&back).await, FINISH, "provider_state_spent").await;
    // The code alone is nothing either: with the state of another sign-in it is of another verifier.
    let second = office.to_provider(&mut browser, "?mode=token").await;
    let code = &pairs.iter().find(|(name, _)| name == "code").unwrap().1;
    let mixed = second.parse::<Url>().unwrap();
    let rest: Vec<_> = mixed.query_pairs().into_owned().filter(|(key, _)| key != "code").collect();
    let mut replayed = mixed.clone();
    replayed.query_pairs_mut().clear().extend_pairs(rest).append_pair("code", code);
    problem(browser.get(replayed.as_str()).await, FINISH, "provider_code_refused").await;

    // Too late.
    let late = office.to_provider(&mut browser, "?mode=token").await;
    office.api.clock.advance(time::Duration::minutes(11));
    invalid(browser.get(&late).await).await;
}

#[tokio::test]
async fn a_code_is_good_for_its_own_sign_in_only() {
    let office = Office::open().await;
    office.provider.account("ada", "Ada", &["ops"]).await;
    // A fresh code of one sign-in put into another of the same browser: PKCE and the nonce bind it.
    let mut browser = Browser::default();
    let one: Url = office.to_provider(&mut browser, "?mode=token").await.parse().unwrap();
    let other: Url = office.to_provider(&mut browser, "?mode=token").await.parse().unwrap();
    let part = |url: &Url, name: &str| {
        url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned()
    };
    let mixed = format!(
        "{}?state={}&code={}",
        office.url(CALLBACK),
        part(&one, "state"),
        part(&other, "code")
    );
    problem(browser.get(&mixed).await, FINISH, "provider_code_refused").await;
}

#[tokio::test]
async fn only_a_token_of_this_sign_in_counts() {
    let office = Office::open().await;
    office.provider.account("ada", "Ada", &["admins"]).await;
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let cases = [
        (json!({ "claims": { "nonce": "of another" } }), "it is of another sign-in"),
        (json!({ "claims": { "nonce": null } }), "it is of another sign-in"),
        (json!({ "claims": { "aud": "somebody-else" } }), "it is for another client"),
        (json!({ "claims": { "aud": ["stoa", "somebody-else"] } }), "it is for another client"),
        (json!({ "claims": { "azp": "somebody-else" } }), "it was issued to another client"),
        (json!({ "claims": { "iss": "https://other.example" } }), "it is of another issuer"),
        (json!({ "claims": { "exp": now - 60 } }), "it has expired"),
        (json!({ "claims": { "iat": now + 600 } }), "it was not issued just now"),
        (json!({ "claims": { "iat": now - 3_600 } }), "it was not issued just now"),
        (json!({ "alg": "none" }), "its algorithm is not one of those taken"),
        (json!({ "alg": "HS256" }), "its algorithm is not one of those taken"),
        (json!({ "key": "another" }), "its signature is wrong"),
        (
            json!({ "key": "another", "kid": "unheard-of" }),
            "it is signed by no key of the provider",
        ),
        (json!({ "drop": true }), "there is none, or it is not one"),
    ];
    for (twist, reason) in cases {
        let told = office.twisted(twist.clone()).await;
        assert_eq!(told["detail"], reason, "{twist}");
    }
    let opened = sqlx::query_scalar::<_, i64>("select count(*) from user_sessions");
    assert_eq!(opened.fetch_one(&office.api.database.db).await.unwrap(), 0);
    // As it comes, it counts, and a little skew of clocks does no harm.
    office.provider.control(json!({ "twist": { "claims": { "exp": now - 5 } } })).await;
    office.sign_in(&mut Browser::default()).await;
}

#[tokio::test]
async fn a_provider_that_takes_another_key_is_understood_at_once() {
    let office = Office::open().await;
    office.provider.account("ada", "Ada", &["ops"]).await;
    office.sign_in(&mut Browser::default()).await;
    office.provider.control(json!({ "rotate": true })).await;
    office.sign_in(&mut Browser::default()).await;
}

#[tokio::test]
async fn without_the_provider_nobody_is_signed_in_and_told_so() {
    let mut office = Office::open().await;
    office.provider.account("ada", "Ada", &["ops"]).await;
    let mut browser = Browser::default();
    // It hangs, and is left after its time.
    office.provider.control(json!({ "hang": true })).await;
    let hung = browser.get(&office.url(START)).await;
    assert_eq!(hung.headers()["retry-after"], "1");
    let told = problem(hung, "start_staff_sign_in", "provider_unavailable").await;
    assert_eq!(told["detail"], "it did not answer in time");
    // It tells more than anybody wants to know; it is asked anew only after a pause.
    office.provider.control(json!({ "hang": false, "flood": true })).await;
    testkit::eventually("the pause is over", async || {
        let told = Browser::default().get(&office.url(START)).await;
        let told = problem(told, "start_staff_sign_in", "provider_unavailable").await;
        (told["detail"] == "its answer is too large or broke off").then_some(())
    })
    .await;
    office.provider.control(json!({ "flood": false })).await;
    testkit::eventually("it is back", async || {
        (Browser::default().get(&office.url(START)).await.status() == 303).then_some(())
    })
    .await;
    // It says no, or the user does.
    office.provider.control(json!({ "deny": true })).await;
    let back = office.to_provider(&mut browser, "").await;
    let told = problem(browser.get(&back).await, FINISH, "provider_denied").await;
    assert_eq!(told["detail"], "the provider says access_denied");
    // It dies while somebody is on the way.
    office.provider.control(json!({ "deny": false })).await;
    let back = office.to_provider(&mut browser, "?mode=token").await;
    office.provider.kill().await;
    let told = problem(browser.get(&back).await, FINISH, "provider_unavailable").await;
    assert_eq!(told["detail"], "it can't be reached");
}

#[tokio::test]
async fn a_provider_that_calls_itself_otherwise_is_none() {
    let provider = identity_provider(REDIRECT).await;
    let elsewhere = provider.issuer.replace("127.0.0.1", "localhost");
    let setup = Setup { staff: Some(staff(options(&elsewhere))), ..Setup::default() };
    let api = start_as(setup).await;
    let told = api.request(Method::GET, START).send().await.unwrap();
    let told = problem(told, "start_staff_sign_in", "provider_unavailable").await;
    assert_eq!(told["detail"], "its document names another issuer");
    // And without one there is nothing to start.
    let api = crate::harness::start().await;
    for (path, operation) in [(START, "start_staff_sign_in"), (CALLBACK, FINISH)] {
        let told = api.request(Method::GET, &format!("{path}?state=x")).send().await.unwrap();
        let code = if path == START { "query_invalid" } else { "provider_absent" };
        problem(told, operation, code).await;
    }
    let told = api.request(Method::GET, START).send().await.unwrap();
    problem(told, "start_staff_sign_in", "provider_absent").await;
}

/// A provider may take one code twice; of two sign-ins that finish at once with it one is it.
#[tokio::test]
async fn of_two_rivals_one_spends_the_state() {
    use db::user_subjects::record_spent;
    let database = testkit::database().await;
    let (mac, ends_at) = ([7; 32], OffsetDateTime::now_utc() + time::Duration::minutes(5));
    let mut first = db::begin(&database.db).await.unwrap();
    assert!(record_spent(&mut first, &mac, ends_at).await.unwrap());
    let db = database.db.clone();
    let rival = tokio::spawn(async move {
        let mut second = db::begin(&db).await.unwrap();
        record_spent(&mut second, &mac, ends_at).await.unwrap()
    });
    testkit::eventually("the rival waits for the first", || async {
        let waiting = "select count(*) from pg_locks where not granted";
        let count: i64 = sqlx::query_scalar(waiting).fetch_one(&database.db).await.unwrap();
        (count > 0).then_some(())
    })
    .await;
    first.commit().await.unwrap();
    assert!(!rival.await.unwrap());
}
