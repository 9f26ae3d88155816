//! What a subscription without `from_seq` starts with.

use crate::{
    harness::{
        ALICE, Api, BOB, DIGEST, FREE, PENDING, Setup, URI, body, issue, operator, principal,
        start_as,
    },
    sponsored::User,
};
use auth::Scope;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};
use tokio::{net::TcpStream, sync::oneshot};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

async fn streaming() -> Api {
    start_as(Setup { stream: true, ..Setup::default() }).await
}

pub struct Listener(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Listener {
    pub async fn connect(api: &Api, key: Option<&str>) -> Self {
        let header = key.map(|key| ("authorization", format!("Bearer {key}")));
        Self::open(api, header.as_slice()).await.unwrap()
    }

    /// With these headers; the status when it is not opened.
    pub async fn open(api: &Api, headers: &[(&'static str, String)]) -> Result<Self, u16> {
        let url = format!("{}/api/v1/stream", api.url.replacen("http", "ws", 1));
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        match connect_async(request).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("no handshake: {error}"),
        }
    }

    /// The answer to a subscription, and the snapshot if it was accepted.
    pub async fn subscribe(&mut self, id: &str, topic: &str, filter: Value) -> (Value, Value) {
        let frame = json!({"op": "subscribe", "id": id, "topic": topic, "filter": filter});
        self.0.send(Message::text(frame.to_string())).await.unwrap();
        // Deltas of earlier subscriptions may come between.
        let answer = self.find(|m| m["op"] == "subscribed" || m["op"] == "error").await;
        if answer["op"] == "error" {
            return (answer, Value::Null);
        }
        let snapshot = self.find(|m| m["type"] == "snapshot").await;
        assert_eq!((&snapshot["subscription"], &snapshot["prev_seq"]), (&json!(id), &json!(0)));
        assert_eq!(snapshot["seq"], answer["seq"]);
        (answer, snapshot)
    }

    /// The code that the server closes with.
    pub async fn end(&mut self) -> u16 {
        loop {
            let next = tokio::time::timeout(Duration::from_secs(60), self.0.next());
            let message = next.await.expect("nothing came").expect("the end").unwrap();
            if let Message::Close(close) = message {
                return close.map_or(1005, |close| close.code.into());
            }
        }
    }

    /// Follow everything after `from_seq`.
    pub async fn resume(&mut self, id: &str, topic: &str, from_seq: i64) {
        let frame = json!({"op": "subscribe", "id": id, "topic": topic, "from_seq": from_seq});
        self.0.send(Message::text(frame.to_string())).await.unwrap();
        self.find(|m| m["op"] == "subscribed").await;
    }

    pub async fn find(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let found = async {
            loop {
                let message = self.0.next().await.expect("the end").unwrap();
                if let Message::Text(text) = message {
                    let message = serde_json::from_str(&text).unwrap();
                    if wanted(&message) {
                        return message;
                    }
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), found).await.expect("it did not come")
    }
}

/// What is said to somebody who shows this key in a frame.
pub async fn first_answer(api: &Api, key: &str) -> Value {
    let mut listener = Listener::connect(api, None).await;
    let frame = json!({ "op": "auth", "key": key });
    listener.0.send(Message::text(frame.to_string())).await.unwrap();
    listener.find(|m| m["op"] == "error" || m["op"] == "authenticated").await
}

async fn mint(api: &Api, key: &str, to: &str) -> String {
    let job = body(api.mint(key, &json!({ "to": to, "uri": URI })).await, 202).await;
    job["id"].as_str().unwrap().to_owned()
}

fn ids(snapshot: &Value) -> Vec<&str> {
    let items = snapshot["data"]["items"].as_array().unwrap();
    items.iter().map(|item| item["id"].as_str().unwrap()).collect()
}

/// Mints are asked for while clients subscribe: whatever a client has, from its snapshot and the
/// deltas after it, is everything; and what was numbered up to the snapshot's `seq` is in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_falls_between_a_snapshot_and_its_deltas() {
    const MINTS: usize = 80;
    let api = &streaming().await;
    // The first listens when some have been asked for, and others have not.
    let (some_asked, begin) = oneshot::channel();
    let (one_listens, go_on) = oneshot::channel();
    let asking = async {
        let mut all = BTreeSet::new();
        let (mut some_asked, mut go_on) = (Some(some_asked), Some(go_on));
        for n in 0..MINTS {
            if n == MINTS / 4 {
                some_asked.take().unwrap().send(()).unwrap();
            }
            if n == MINTS / 2 {
                go_on.take().unwrap().await.unwrap();
            }
            all.insert(mint(api, &format!("k{n}"), ALICE).await);
        }
        all
    };
    let listening = async {
        let mut listeners = Vec::new();
        let mut one_listens = Some(one_listens);
        begin.await.unwrap();
        for _ in 0..12 {
            let mut listener = Listener::connect(api, Some(&api.key)).await;
            let (_, snapshot) = listener.subscribe("a", "mints", json!({})).await;
            listeners.push((listener, snapshot));
            if let Some(one_listens) = one_listens.take() {
                one_listens.send(()).unwrap();
            }
        }
        listeners
    };
    let (all, listeners) = tokio::join!(asking, listening);
    let page = testkit::eventually("all are numbered", || async {
        let response = api.get("/api/v1/facts?topic=mints&limit=200").send().await.unwrap();
        let page = body(response, 200).await;
        (page["facts"].as_array().unwrap().len() == MINTS).then_some(page)
    })
    .await;
    let mut between = 0;
    for (mut listener, snapshot) in listeners {
        let seq = snapshot["seq"].as_i64().unwrap();
        let shown: BTreeSet<String> = ids(&snapshot).into_iter().map(str::to_owned).collect();
        for fact in page["facts"].as_array().unwrap() {
            let id = fact["data"]["mint_id"].as_str().unwrap();
            let numbered = fact["seq"].as_i64().unwrap() <= seq;
            assert!(!numbered || shown.contains(id), "fact {} is in snapshot {seq}", fact["seq"]);
        }
        between += usize::from((1..MINTS).contains(&shown.len()));
        let (mut known, mut last) = (shown, seq);
        while last < MINTS as i64 {
            let delta = listener.find(|m| m["type"] == "delta").await;
            assert_eq!(delta["prev_seq"], last, "the deltas start right after the snapshot");
            last = delta["seq"].as_i64().unwrap();
            known.insert(delta["data"]["mint_id"].as_str().unwrap().to_owned());
        }
        assert_eq!(known, all);
    }
    assert!(between > 0, "some client subscribed in the middle");
}

/// The log's heads are locked while a snapshot is read, and a mint is committed and numbered before
/// they are free: whether state or number is read first, they must fit together.
#[tokio::test]
async fn what_is_committed_during_a_snapshot_is_in_it_or_follows() {
    let api = streaming().await;
    mint(&api, "first", ALICE).await;
    testkit::eventually("it is numbered", || async {
        let page = api.get("/api/v1/facts?topic=mints").send().await.unwrap();
        (body(page, 200).await["head"] == 1).then_some(())
    })
    .await;
    let mut listener = Listener::connect(&api, Some(&api.key)).await;
    let mut held = api.database.db.begin().await.unwrap();
    let lock = "lock table topics in access exclusive mode";
    db::raw::execute(&mut held, lock).await.unwrap();
    let committing = async {
        // Two wait for the heads: the feed of the stream, and the snapshot.
        let waiting = "do $$ begin
             if (select count(*) from pg_stat_activity
                  where datname = current_database() and wait_event_type = 'Lock'
                    and query like '%from topics%') < 2 then raise 'not yet'; end if; end $$";
        testkit::eventually("the snapshot waits", || async {
            let mut connection = api.database.db.acquire().await.unwrap();
            db::raw::execute(&mut connection, waiting).await.ok()
        })
        .await;
        for change in [
            "insert into mint_jobs (id, principal_id, request_id, fingerprint, chain_id, contract,
                                    recipient)
             select gen_random_uuid(), principal_id, 'second', fingerprint, chain_id, contract,
                    recipient from mint_jobs",
            "insert into facts (topic, seq, kind, reverting, attributes, data, created_at)
             select topic, 2, kind, false, attributes, data, now() from facts
              where topic = 'mints'",
            "update topics set seq = 2 where topic = 'mints'",
        ] {
            db::raw::execute(&mut held, change).await.unwrap();
        }
        held.commit().await.unwrap();
    };
    let ((_, snapshot), ()) = tokio::join!(listener.subscribe("a", "mints", json!({})), committing);
    let seq = usize::try_from(snapshot["seq"].as_i64().unwrap()).unwrap();
    assert!(ids(&snapshot).len() >= seq, "the job of each fact up to {seq}: {snapshot}");
    if seq == 1 {
        assert_eq!(listener.find(|m| m["type"] == "delta").await["seq"], 2);
    }
}

#[tokio::test]
async fn a_snapshot_shows_what_the_caller_may_read() {
    let api = streaming().await;
    let mine = mint(&api, "k", ALICE).await;
    let other = principal(&api.database.db).await;
    let key = |scopes: Vec<Scope>| {
        let db = api.database.db.clone();
        async move { issue(&db, other, &scopes).await }
    };
    let mut own = Listener::connect(&api, Some(&api.key)).await;
    assert_eq!(ids(&own.subscribe("a", "mints", json!({})).await.1), [mine.as_str()]);
    let refused = own.subscribe("t", "transactions", json!({})).await.0;
    assert_eq!(refused["code"], "denied");
    let refused = own.subscribe("p", "mints", json!({"principal_id": other})).await.0;
    assert_eq!(refused["code"], "filter_not_allowed");

    let reader = key(vec![Scope::MintsRead]).await;
    let mut stranger = Listener::connect(&api, Some(&reader)).await;
    let (_, snapshot) = stranger.subscribe("a", "mints", json!({"mint_id": mine})).await;
    assert_eq!(ids(&snapshot), Vec::<&str>::new(), "the jobs of others are not shown");

    let writer = key(vec![Scope::ContentWrite]).await;
    let mut unfit = Listener::connect(&api, Some(&writer)).await;
    assert_eq!(unfit.subscribe("a", "mints", json!({})).await.0["code"], "denied");

    let mut nobody = Listener::connect(&api, None).await;
    for topic in ["mints", "transactions"] {
        let refused = nobody.subscribe("a", topic, json!({})).await.0;
        assert_eq!(refused["code"], "unauthenticated");
    }
    for topic in ["items", "collections", "chain"] {
        assert_eq!(nobody.subscribe(topic, topic, json!({})).await.1["type"], "snapshot");
    }

    let admin = operator(&api.database.db, &[Scope::Admin]).await;
    let mut admin = Listener::connect(&api, Some(&admin)).await;
    assert_eq!(ids(&admin.subscribe("a", "mints", json!({})).await.1), [mine.as_str()]);
    let collection = json!({ "name": "x", "symbol": "X", "content_mode": "digest" });
    let asked = api.post("/api/v1/collections", "c").json(&collection).send().await.unwrap();
    body(asked, 202).await;
    let filter = json!({"kind": "create_collection", "status": "queued"});
    let (_, snapshot) = admin.subscribe("t", "transactions", filter).await;
    assert_eq!(snapshot["data"]["items"][0]["kind"], "create_collection");
    assert!(snapshot["data"]["items"][0]["request_id"].is_string());
}

/// What may be read of a transaction over HTTP may be followed on the stream, and no more.
#[tokio::test]
async fn transactions_are_followed_by_whom_they_are_shown_to() {
    let api = streaming().await;
    let db = &api.database.db;
    let machine = principal(db).await;
    let keys = [
        (operator(db, &[Scope::TransactionsRead]).await, true),
        (operator(db, &[Scope::TransactionsWrite]).await, true),
        (operator(db, &[Scope::Admin]).await, true),
        (operator(db, &[Scope::WalletsWrite, Scope::MintsRead]).await, false),
        (issue(db, machine, &[Scope::TransactionsRead]).await, false),
        (issue(db, machine, &[Scope::Admin]).await, false),
    ];
    for (place, (key, may)) in keys.iter().enumerate() {
        let status = async |path| api.get_as(key, path).send().await.unwrap().status().as_u16();
        let expected = if *may { 200 } else { 403 };
        assert_eq!(status("/api/v1/transactions").await, expected, "key {place}: over HTTP");
        assert_eq!(
            status("/api/v1/facts?topic=transactions").await,
            expected,
            "key {place}: facts"
        );
        let mut listener = Listener::connect(&api, Some(key)).await;
        let told = listener.subscribe("t", "transactions", json!({})).await;
        if *may {
            assert_eq!(told.1["type"], "snapshot", "key {place}: {told:?}");
        } else {
            assert_eq!(told.0["code"], "denied", "key {place}: {told:?}");
        }
    }
}

#[tokio::test]
async fn snapshots_keep_to_the_filters_and_to_their_bound() {
    let api = streaming().await;
    let mut newest = String::new();
    for n in 0..101 {
        newest = mint(&api, &format!("k{n}"), if n == 0 { BOB } else { ALICE }).await;
    }
    let mut listener = Listener::connect(&api, Some(&api.key)).await;
    let (_, all) = listener.subscribe("all", "mints", json!({})).await;
    assert_eq!((ids(&all).len(), ids(&all)[0]), (100, newest.as_str()), "newest first");
    assert_eq!(all["data"]["truncated"], true);
    assert_eq!(all["data"]["more"], "/api/v1/mints");
    let shown = body(api.get(&format!("/api/v1/mints/{newest}")).send().await.unwrap(), 200).await;
    assert_eq!(all["data"]["items"][0], shown, "as the API shows it");
    let cases = [
        (json!({"to": BOB}), 1),
        (json!({"to": ALICE, "status": "queued"}), 100),
        (json!({"to": BOB.to_lowercase()}), 0),
        (json!({"mint_id": newest}), 1),
        (json!({"status": "final"}), 0),
        (json!({"status": "no such status"}), 0),
        (json!({"contract": FREE}), 0),
        (json!({"contract": DIGEST, "chain_id": "31337", "to": BOB}), 1),
        (json!({"chain_id": "1"}), 0),
        (json!({"token_id": "1"}), 0),
    ];
    for (n, (filter, count)) in cases.into_iter().enumerate() {
        let (_, snapshot) = listener.subscribe(&n.to_string(), "mints", filter.clone()).await;
        assert_eq!(
            (ids(&snapshot).len(), &snapshot["data"]["truncated"]),
            (count, &json!(false)),
            "{filter}"
        );
    }
}

#[tokio::test]
async fn what_the_chain_shows_is_in_the_snapshot() {
    let api = streaming().await;
    let mut connection = api.database.db.acquire().await.unwrap();
    let rows = "with alice as (select decode('70997970C51812dc3A010C7d01b50e0d17dc79C8', 'hex') a),
         d as (select decode('e7f1725E7734CE288F8367e1Bb143E90bb3F0512', 'hex') d),
         checkpoint as (insert into checkpoints (chain_id, height, hash, epoch)
                        values (31337, 18, decode(repeat('11', 32), 'hex'), 1))
         insert into items (chain_id, contract, token_id, owner, uri, minted_block, minted_tx,
                            updated_block)
         select 31337, d, n, a, 'https://example.org', 5, decode(repeat('33', 32), 'hex'), 5
           from generate_series(1, 102) n, alice, d";
    db::raw::execute(&mut connection, rows).await.unwrap();
    let mut listener = Listener::connect(&api, None).await;
    let count = |snapshot: &Value| snapshot["data"]["items"].as_array().unwrap().len();
    let (_, items) = listener.subscribe("i", "items", json!({"owner": ALICE})).await;
    assert_eq!(count(&items), 100);
    let more = items["data"]["more"].as_str().unwrap();
    assert_eq!(more, format!("/api/v1/items?owner={ALICE}"));
    let page = body(api.get(&format!("{more}&limit=200")).send().await.unwrap(), 200).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 102, "the link leads to all of them");
    let one = json!({"contract": DIGEST, "token_id": "102"});
    let (_, item) = listener.subscribe("o", "items", one).await;
    assert_eq!(item["data"]["items"][0]["token_id"], "102");
    let cases = [json!({"owner": BOB}), json!({"from": ALICE}), json!({"token_id": "0102"})];
    for (n, filter) in cases.into_iter().enumerate() {
        let (_, snapshot) = listener.subscribe(&n.to_string(), "items", filter.clone()).await;
        assert_eq!(count(&snapshot), 0, "{filter}");
    }
    let (_, collections) = listener.subscribe("c", "collections", json!({})).await;
    assert_eq!(count(&collections), 3);
    let (_, pending) = listener.subscribe("p", "collections", json!({"contract": PENDING})).await;
    assert_eq!(pending["data"]["items"][0]["status"], "submitted");
    let (_, none) = listener.subscribe("n", "collections", json!({"creator": ALICE})).await;
    assert_eq!(count(&none), 0);
    let (_, chain) = listener.subscribe("h", "chain", json!({"chain_id": "31337"})).await;
    assert_eq!(chain["data"]["items"][0]["block"]["number"], 18);
    assert_eq!(chain["data"]["items"][0]["live"], true);
}

/// A signed-in user follows what is public and what is theirs, until the token ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_follows_until_the_token_ends() {
    let api = streaming().await;
    mint(&api, "theirs", ALICE).await;
    let opened = api.signed_in(&User::new(7)).await;
    let token = opened["access_token"].as_str().unwrap();
    api.clock.advance(time::Duration::seconds(598));
    let mut listener = Listener::connect(&api, Some(token)).await;
    let (_, items) = listener.subscribe("i", "items", json!({})).await;
    assert_eq!(items["type"], "snapshot");
    let (_, mints) = listener.subscribe("m", "mints", json!({})).await;
    assert!(ids(&mints).is_empty(), "nobody else's");
    let (denied, _) = listener.subscribe("t", "transactions", json!({})).await;
    assert_eq!(denied["code"], "denied", "{denied}");
    let closed = async {
        loop {
            if let Some(Ok(Message::Close(Some(frame)))) = listener.0.next().await {
                break u16::from(frame.code);
            }
        }
    };
    let code = tokio::time::timeout(Duration::from_secs(30), closed).await;
    assert_eq!(code.expect("it is closed"), 4401);
    // One that has ended is refused at the door.
    api.clock.advance(time::Duration::seconds(7));
    let url = format!("{}/api/v1/stream", api.url.replacen("http", "ws", 1));
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let refused = connect_async(request).await.expect_err("it has expired");
    assert!(refused.to_string().contains("401"), "{refused}");
}

/// A connection lives no longer than what opened it, however that was shown.
#[tokio::test]
async fn a_revoked_key_ends_its_connections() {
    let heartbeat = Some(Duration::from_millis(50));
    let api = start_as(Setup { stream: true, heartbeat, ..Setup::default() }).await;
    let who = principal(&api.database.db).await;
    let admin = issue(&api.database.db, who, &[Scope::Admin]).await;
    let key = issue(&api.database.db, who, &[Scope::MintsRead]).await;
    let other = issue(&api.database.db, who, &[Scope::MintsRead]).await;
    let mut by_header = Listener::connect(&api, Some(&key)).await;
    let mut by_frame = Listener::connect(&api, None).await;
    let frame = json!({ "op": "auth", "key": key });
    by_frame.0.send(Message::text(frame.to_string())).await.unwrap();
    let mut stays = Listener::connect(&api, Some(&other)).await;
    for listener in [&mut by_header, &mut by_frame, &mut stays] {
        listener.subscribe("a", "mints", json!({})).await;
        // It holds over some heartbeats.
        for _ in 0..3 {
            listener.find(|m| m["type"] == "heartbeat").await;
        }
    }
    let id = auth::KeyText::parse(&key).unwrap().id().to_owned();
    let path = format!("/api/v1/api-keys/{id}");
    let revoke = api.request(reqwest::Method::DELETE, &path).bearer_auth(&admin);
    assert_eq!(revoke.send().await.unwrap().status(), 204);
    for mut listener in [by_header, by_frame] {
        assert_eq!(listener.end().await, 4401);
    }
    stays.find(|m| m["type"] == "heartbeat").await;
    // One whose scopes are taken, too.
    let id = auth::KeyText::parse(&other).unwrap().id().to_owned();
    let change = api.request(reqwest::Method::PATCH, &format!("/api/v1/api-keys/{id}"));
    let change = change.bearer_auth(&admin).json(&json!({ "scopes": ["content:write"] }));
    assert_eq!(change.send().await.unwrap().status(), 200);
    assert_eq!(stays.end().await, 4401);
}
