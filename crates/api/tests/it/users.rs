//! Users of themselves: profile, several wallets, what these hold, and what of it is stored how.

use crate::{
    harness::{ALICE, Api, CHAIN, FIELD_KEY, PAGE, Setup, body, problem, start, start_as},
    sign_in::{CHALLENGES, SESSIONS, personal, text},
    sponsored::User,
};
use app::{Rotated, rotate_fields};
use fields::{FieldKey, KeyRing};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use vocab::{Bytes, Clock};

pub const ME: &str = "/api/v1/me";
const WALLETS: &str = "/api/v1/me/wallets";
const LINKS: &str = "/api/v1/me/wallets/challenges";

impl Api {
    pub fn as_user(&self, token: &str, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).bearer_auth(token)
    }

    pub async fn me(&self, token: &str) -> Value {
        body(self.as_user(token, Method::GET, ME).send().await.unwrap(), 200).await
    }

    async fn link_message(&self, token: &str, wallet: &User) -> String {
        let asked = json!({ "address": wallet.address.to_string() });
        let asked = self.as_user(token, Method::POST, LINKS).json(&asked).send().await.unwrap();
        text(&body(asked, 201).await, "message").to_owned()
    }

    async fn link_with(&self, token: &str, message: &str, signature: &[u8]) -> Response {
        let signature = Bytes::copy_from_slice(signature);
        let signed = json!({ "message": message, "signature": signature });
        self.as_user(token, Method::POST, WALLETS).json(&signed).send().await.unwrap()
    }

    async fn link(&self, token: &str, wallet: &User) -> Response {
        let message = self.link_message(token, wallet).await;
        self.link_with(token, &message, &personal(wallet, &message)).await
    }
}

async fn token(api: &Api, seed: u8) -> String {
    text(&api.signed_in(&User::new(seed)).await, "access_token").to_owned()
}

#[tokio::test]
async fn users_say_who_they_are() {
    let api = start().await;
    let user = token(&api, 7).await;
    let empty = api.me(&user).await;
    for field in ["display_name", "locale", "avatar", "contact", "email"] {
        assert_eq!(empty[field], Value::Null, "{field}");
    }
    let picture = testkit::picture::png(3, 2, 1);
    let part = reqwest::multipart::Part::bytes(picture);
    let form = reqwest::multipart::Form::new().part("file", part);
    let stored = api.post("/api/v1/uploads", "p").multipart(form).send().await.unwrap();
    let cid = text(&body(stored, 201).await, "cid").to_owned();
    let change = |change: Value| api.as_user(&user, Method::PATCH, ME).json(&change).send();
    let told = json!({ "display_name": "Ada", "locale": "pt-BR", "avatar": cid,
        "contact": "+49 170 0000000" });
    let after = body(change(told.clone()).await.unwrap(), 200).await;
    for (field, value) in told.as_object().unwrap() {
        assert_eq!(&after[field], value);
    }
    // The same again; a part of it; and nothing at all.
    assert_eq!(body(change(told).await.unwrap(), 200).await, after);
    let cleared = body(change(json!({ "locale": null })).await.unwrap(), 200).await;
    assert_eq!((&cleared["locale"], &cleared["contact"]), (&Value::Null, &after["contact"]));
    assert_eq!(body(change(json!({})).await.unwrap(), 200).await, cleared);

    let wrong =
        json!({ "display_name": "", "locale": "de_DE", "avatar": "bafy", "contact": "a\nb" });
    let told = problem(change(wrong).await.unwrap(), "change_me", "profile_invalid").await;
    let pointers: Vec<&str> =
        told["errors"].as_array().unwrap().iter().map(|error| text(error, "pointer")).collect();
    assert_eq!(pointers, ["/display_name", "/locale", "/contact", "/avatar"]);
    let unknown = change(json!({ "email": "ada@example.org" })).await.unwrap();
    problem(unknown, "change_me", "body_invalid").await;
    assert_eq!(api.me(&user).await, cleared, "nothing of it remains");
    // Of somebody else nothing is seen, and keys have no profile.
    assert_eq!(api.me(&token(&api, 8).await).await["display_name"], Value::Null);
    problem(api.get(ME).send().await.unwrap(), "get_me", "user_only").await;
}

#[tokio::test]
async fn a_user_has_several_wallets() {
    let api = start().await;
    let (first, second) = (User::new(7), User::new(8));
    let opened = api.signed_in(&first).await;
    let access = text(&opened, "access_token").to_owned();
    let linked = body(api.link(&access, &second).await, 201).await;
    assert_eq!(linked["address"], second.address.to_string());
    assert_eq!(linked["contract_chain_id"], Value::Null);
    // Whichever signs in, it is the same user.
    let other = api.signed_in(&second).await;
    assert_eq!(other["session"]["principal_id"], opened["session"]["principal_id"]);
    body(api.link(&access, &second).await, 201).await;
    let list = api.as_user(&access, Method::GET, WALLETS).send().await.unwrap();
    let list = body(list, 200).await;
    let addresses: Vec<&str> =
        list["items"].as_array().unwrap().iter().map(|item| text(item, "address")).collect();
    assert_eq!(addresses, [first.address.to_string(), second.address.to_string()]);

    // A wallet is let go of: what it opened ends, what others opened goes on.
    let unlink = |address: String| {
        api.as_user(&access, Method::DELETE, &format!("{WALLETS}/{address}")).send()
    };
    assert_eq!(unlink(second.address.to_string()).await.unwrap().status(), 204);
    let gone = api.get_as(text(&other, "access_token"), SESSIONS).send().await.unwrap();
    problem(gone, "list_sessions", "session_ended").await;
    api.me(&access).await;
    let again = unlink(second.address.to_string()).await.unwrap();
    problem(again, "unlink_wallet", "wallet_not_linked").await;
    problem(unlink(ALICE.to_owned()).await.unwrap(), "unlink_wallet", "wallet_not_linked").await;
    problem(unlink("0x12".to_owned()).await.unwrap(), "unlink_wallet", "address_invalid").await;
    let last = unlink(first.address.to_string()).await.unwrap();
    problem(last, "unlink_wallet", "last_sign_in").await;
    // It is somebody else from then on.
    let stranger = api.signed_in(&second).await;
    assert_ne!(stranger["session"]["principal_id"], opened["session"]["principal_id"]);
    // And is not taken from them.
    problem(api.link(&access, &second).await, "link_wallet", "wallet_taken").await;
}

#[tokio::test]
async fn a_message_links_the_user_that_it_names_and_nobody_else() {
    let api = start().await;
    let (mine, theirs) = (token(&api, 7).await, token(&api, 8).await);
    let wallet = User::new(9);
    let message = api.link_message(&mine, &wallet).await;
    assert!(message.contains("\n\nLink this wallet to the user "), "{message}");
    let signature = personal(&wallet, &message);
    // It signs nobody in, and links to nobody else, who can't even tell that it is there.
    problem(api.open(&message, &signature).await, "open_session", "challenge_unknown").await;
    let stolen = api.link_with(&theirs, &message, &signature).await;
    problem(stolen, "link_wallet", "challenge_unknown").await;
    // Nor does one that signs in link.
    let sign_in = api.challenge(wallet.address).await;
    let signed = personal(&wallet, &sign_in);
    problem(api.link_with(&mine, &sign_in, &signed).await, "link_wallet", "challenge_unknown")
        .await;
    // With the statement of the other kind it is not what was asked for.
    let nonce =
        |text: &str| text.lines().find_map(|line| line.strip_prefix("Nonce: ")).unwrap().to_owned();
    let mixed = sign_in.replace(&nonce(&sign_in), &nonce(&message));
    let forged = api.link_with(&mine, &mixed, &personal(&wallet, &mixed)).await;
    problem(forged, "link_wallet", "message_refused").await;
    let mixed = message.replace(&nonce(&message), &nonce(&sign_in));
    let forged = api.open(&mixed, &personal(&wallet, &mixed)).await;
    problem(forged, "open_session", "message_refused").await;
    // Another wallet's signature proves nothing; the right one links, once.
    let node_less = api.link_with(&mine, &message, &personal(&User::new(10), &message)).await;
    problem(node_less, "link_wallet", "signature_unchecked").await;
    body(api.link_with(&mine, &message, &signature).await, 201).await;
    let again = api.link_with(&mine, &message, &signature).await;
    problem(again, "link_wallet", "challenge_spent").await;
    // From another page than the one that asked.
    let message = api.link_message(&mine, &wallet).await;
    let signature = Bytes::copy_from_slice(&personal(&wallet, &message));
    let signed = json!({ "message": message, "signature": signature });
    let from = |page: &'static str| {
        api.as_user(&mine, Method::POST, WALLETS).header("origin", page).json(&signed).send()
    };
    let refused = from("http://localhost:3000").await.unwrap();
    problem(refused, "link_wallet", "origin_refused").await;
    body(from(PAGE).await.unwrap(), 201).await;
    let asked = json!({ "address": "0x12" });
    let asked = api.as_user(&mine, Method::POST, LINKS).json(&asked).send().await.unwrap();
    problem(asked, "ask_link_challenge", "address_invalid").await;
    assert_eq!(CHALLENGES, "/api/v1/auth/challenges");
}

#[tokio::test]
async fn of_rivals_for_a_wallet_one_gets_it() {
    let api = start().await;
    let wallet = User::new(30);
    let mut links = Vec::new();
    for seed in 31..39 {
        let user = token(&api, seed).await;
        let message = api.link_message(&user, &wallet).await;
        links.push((user, message));
    }
    let api = &api;
    let tried = links.iter().map(|(user, message)| {
        let signature = personal(&wallet, message);
        async move { api.link_with(user, message, &signature).await.status().as_u16() }
    });
    let statuses = futures_util::future::join_all(tried).await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 201 | 409)), "{statuses:?}");
}

#[tokio::test]
async fn what_wallets_hold_is_told_chain_by_chain() {
    let api = start_as(Setup { read_only: true, ..Setup::default() }).await;
    let user = token(&api, 7).await;
    let told = api.as_user(&user, Method::GET, "/api/v1/me/balances").send().await.unwrap();
    let told = body(told, 200).await;
    assert_eq!(told["chains"].as_array().unwrap().len(), 2);
    let second = User::new(8);
    body(api.link(&user, &second).await, 201).await;
    for (account, amount) in [(User::new(7).address, 5), (second.address, 7)] {
        let query = "insert into balances (chain_id, contract, token_id, account, balance,
                         unreliable, updated_block)
                     values ($1, decode(repeat('aa', 20), 'hex'), 0, $2, $3, false, 1)";
        sqlx::query(query)
            .bind(CHAIN as i64)
            .bind(account.as_slice())
            .bind(amount)
            .execute(&api.database.db)
            .await
            .unwrap();
    }
    let told = api.as_user(&user, Method::GET, "/api/v1/me/balances").send().await.unwrap();
    let told = body(told, 200).await;
    let own = told["chains"].as_array().unwrap().iter().find(|c| c["chain_id"] == CHAIN).unwrap();
    let amounts: Vec<&str> =
        own["items"].as_array().unwrap().iter().map(|item| text(item, "balance")).collect();
    assert_eq!(amounts, ["5", "7"]);
    assert_eq!(own["more"], false);
}

/// What was told in confidence stands nowhere in the open, and opens in its own row only.
#[tokio::test]
async fn what_is_personal_is_stored_sealed_for_its_row() {
    let api = start().await;
    let (ada, bob) = (token(&api, 7).await, token(&api, 8).await);
    for (user, contact) in [(&ada, "canary-contact-ada"), (&bob, "canary-contact-bob")] {
        let change = json!({ "contact": contact });
        let done = api.as_user(user, Method::PATCH, ME).json(&change).send().await.unwrap();
        assert_eq!(body(done, 200).await["contact"], contact);
    }
    let dump = dump(&api).await;
    assert!(dump.contains("<user_profiles>") && !dump.contains("canary-contact"));
    // Each in the other's row: neither is told to anybody.
    let swap = "update user_profiles p set contact = q.contact, contact_key_id = q.contact_key_id
                  from user_profiles q where p.principal_id <> q.principal_id";
    sqlx::query(swap).execute(&api.database.db).await.unwrap();
    for user in [&ada, &bob] {
        let told = api.as_user(user, Method::GET, ME).send().await.unwrap();
        let told = problem(told, "get_me", "internal").await;
        assert!(!told.to_string().contains("canary"), "{told}");
    }
}

/// The whole database as text, and what stands in the open inside its bytes.
pub async fn dump(api: &Api) -> String {
    let mut connection = api.database.db.acquire().await.unwrap();
    sqlx::query("set xmlbinary to hex").execute(&mut *connection).await.unwrap();
    let all = "select schema_to_xml('public', true, false, '')::text";
    let all = sqlx::query_scalar::<_, String>(all).fetch_one(&mut *connection).await.unwrap();
    let runs = all.split(|c: char| !c.is_ascii_hexdigit()).filter(|run| run.len() >= 16);
    let open = runs.filter_map(|run| hex::decode(run).ok());
    let open: Vec<String> = open.map(|b| String::from_utf8_lossy(&b).into_owned()).collect();
    format!("{all}\n{}", open.join("\n"))
}

fn ring(api: &Api, keys: &[(&str, u8)]) -> KeyRing {
    let start = api.clock.now();
    let key = |(place, (id, byte)): (usize, &(&str, u8))| {
        let at = start - time::Duration::hours(9) + time::Duration::hours(place as i64);
        FieldKey::new(id, &[*byte; 32], at).unwrap()
    };
    KeyRing::new(keys.iter().enumerate().map(key).collect())
}

#[tokio::test]
async fn a_rotation_that_dies_in_the_middle_is_begun_again() {
    let api = start().await;
    let db = &api.database.db;
    let mut users = Vec::new();
    for seed in 40..65 {
        let user = token(&api, seed).await;
        let change = json!({ "contact": format!("contact of {seed}") });
        let done = api.as_user(&user, Method::PATCH, ME).json(&change).send().await.unwrap();
        body(done, 200).await;
        users.push((user, format!("contact of {seed}")));
    }
    let (old, new) = (("first", FIELD_KEY[0]), ("second", 99));
    let both = ring(&api, &[old, new]);
    let now = api.clock.now();
    // It dies after its second commit.
    let (db_of, keys) = (db.clone(), both.clone());
    let dying = tokio::spawn(async move {
        let mut commits = 0;
        let tell = |_, _| {
            commits += 1;
            assert!(commits < 2, "dies on purpose");
        };
        rotate_fields(&db_of, &keys, now, 10, tell).await
    });
    assert!(dying.await.is_err());
    let count = |key: &'static str| async move {
        let query = "select count(*) from user_profiles where contact_key_id = $1";
        sqlx::query_scalar::<_, i64>(query).bind(key).fetch_one(db).await.unwrap()
    };
    assert_eq!((count("first").await, count("second").await), (5, 20), "two batches are done");
    let done = rotate_fields(db, &both, now, 10, |_, _| ()).await.unwrap();
    assert_eq!(done, Rotated { resealed: 5, ..Rotated::default() });
    assert_eq!(count("first").await, 0);
    let again = rotate_fields(db, &both, now, 10, |_, _| ()).await.unwrap();
    assert_eq!(again, Rotated::default());
    // With the new key alone all is told as before.
    api.fields.replace(vec![FieldKey::new("second", &[99; 32], now).unwrap()]);
    for (user, contact) in &users {
        assert_eq!(&api.me(user).await["contact"], contact);
    }
    // What does not open is left as it is, and counted.
    let broken = "update user_profiles set contact = contact || '\\x00', contact_key_id = 'first'
                   where principal_id = (select principal_id from user_profiles limit 1)";
    sqlx::query(broken).execute(db).await.unwrap();
    let done = rotate_fields(db, &both, now, 10, |_, _| ()).await.unwrap();
    assert_eq!(done, Rotated { unopened: 1, ..Rotated::default() });
}
