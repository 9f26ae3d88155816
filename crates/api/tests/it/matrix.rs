//! The policy, seen from outside: every operation of the document as everybody there is, and as the
//! owner of an object and as a stranger to it. What is expected follows from the action that the
//! operation declares, and from the table of `auth`, which has a test of its own that says the
//! whole table a second time.

use crate::{
    harness::{ALICE, Api, Setup, URI, body, issue, operator, principal, start_as},
    principals::{admin, grant},
    sign_in::text,
    sponsored::{Desk, User},
};
use auth::{Action, Actor, Role, Scope, authorize_at_all};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Of answers that the policy gives.
const DENIALS: [&str; 7] = [
    "key_missing",
    "scope_missing",
    "operator_only",
    "admin_only",
    "key_only",
    "user_only",
    "minter_only",
];

struct Operation {
    id: String,
    method: Method,
    /// With `{…}`.
    path: String,
    /// None: open to everybody, beside the policy.
    action: Option<Action>,
}

/// All operations of the document. One that does not declare what it does fails here.
fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(&api::openapi_json()).unwrap();
    let mut all = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let id = text(operation, "operationId").to_owned();
            let declared = operation["x-stoa-action"].as_str();
            let declared = declared.unwrap_or_else(|| {
                panic!("{id} declares no action: see crates/api/src/openapi/actions.rs")
            });
            let action = Action::ALL.into_iter().find(|action| action.name() == declared);
            assert!(action.is_some() || declared == "open", "{id}: {declared}");
            let method = method.to_uppercase().parse().unwrap();
            all.push(Operation { id, method, path: path.clone(), action });
        }
    }
    all
}

/// A path of the document with something in the place of its parts.
fn target(operation: &Operation, id: &str) -> String {
    let parts = operation.path.split('/').map(|part| match part {
        "{id}" => id,
        "{chain_id}" => "31337",
        "{contract}" | "{address}" | "{owner}" => ALICE,
        "{token_id}" => "1",
        "{delivery_id}" => "00000000-0000-7000-8000-000000000000",
        "{role}" => "organizer",
        part if part.starts_with('{') => panic!("{part} of {}", operation.path),
        part => part,
    });
    let path = parts.collect::<Vec<_>>().join("/");
    if operation.id == "list_facts" { format!("{path}?topic=items") } else { path }
}

struct Caller {
    name: String,
    token: Option<String>,
    actor: Actor,
}

impl Caller {
    async fn new(api: &Api, name: impl Into<String>, token: Option<String>) -> Self {
        let actor = match &token {
            Some(token) => api.authenticator.authenticate(token, None).await.unwrap(),
            None => Actor::Anonymous,
        };
        Self { name: name.into(), token, actor }
    }

    fn is_user(&self) -> bool {
        matches!(self.actor, Actor::User(_))
    }

    fn principal(&self) -> Uuid {
        self.actor.principal().unwrap().0
    }

    async fn send(
        &self,
        api: &Api,
        method: &Method,
        path: &str,
        content: Option<Value>,
    ) -> Response {
        let mut request = api.request(method.clone(), path);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(content) = content {
            let key = fresh();
            request = request.header("idempotency-key", key).json(&content);
        }
        request.send().await.unwrap()
    }
}

/// Used once.
fn fresh() -> String {
    Uuid::now_v7().to_string()
}

/// Signed in with a wallet of this seed, with a role or none.
async fn user(api: &Api, seed: u8, role: Option<Role>) -> String {
    let opened = api.signed_in(&User::new(seed)).await;
    if let Some(role) = role {
        let id = text(&opened["session"], "principal_id").parse().unwrap();
        grant(api, id, role).await;
    }
    text(&opened, "access_token").to_owned()
}

async fn users(api: &Api) -> Vec<Caller> {
    let mut all = vec![Caller::new(api, "user", Some(user(api, 20, None).await)).await];
    for (seed, role) in (21..).zip(Role::ALL) {
        let token = Some(user(api, seed, Some(role)).await);
        all.push(Caller::new(api, role.as_str(), token).await);
    }
    all
}

async fn everybody(api: &Api) -> Vec<Caller> {
    let db = &api.database.db;
    let machine = principal(db).await;
    let mut all = users(api).await;
    all.push(Caller::new(api, "anonymous", None).await);
    all.push(Caller::new(api, "machine", Some(issue(db, machine, &[]).await)).await);
    all.push(Caller::new(api, "operator's key", Some(operator(db, &[]).await)).await);
    all.push(Caller::new(api, "admin's key", Some(admin(api).await)).await);
    for scope in Scope::ALL {
        let key = issue(db, machine, &[scope]).await;
        all.push(Caller::new(api, format!("machine, {scope}"), Some(key)).await);
        let key = operator(db, &[scope]).await;
        all.push(Caller::new(api, format!("operator's key, {scope}"), Some(key)).await);
    }
    all
}

#[tokio::test]
async fn every_operation_as_everybody() {
    let api = start_as(Setup { stream: true, ..Setup::default() }).await;
    let (operations, callers) = (operations(), everybody(&api).await);
    let (mut tried, mut denials) = (0, BTreeSet::new());
    for operation in &operations {
        let path = target(operation, "01932c5e-7f3a-7000-8000-000000000000");
        for caller in &callers {
            let response = caller.send(&api, &operation.method, &path, None).await;
            let status = response.status().as_u16();
            let said = response.text().await.unwrap();
            let told: Value = serde_json::from_str(&said).unwrap_or_default();
            let code = told["code"].as_str().unwrap_or_default();
            let allowed = operation
                .action
                .is_none_or(|action| authorize_at_all(&caller.actor, action).is_ok());
            let place = format!("{} as {}: {status} {code}", operation.id, caller.name);
            if allowed {
                assert!(!matches!(status, 401 | 403), "{place}");
            } else {
                let expected = if caller.token.is_none() { 401 } else { 403 };
                assert!(status == expected && DENIALS.contains(&code), "{place}");
                denials.insert((operation.id.clone(), code.to_owned()));
            }
            tried += 1;
        }
    }
    for (operation, code) in &denials {
        assert!(api::declares(operation, code), "{operation} does not declare {code}");
    }
    let all = operations.len() * callers.len();
    println!("routes × roles: {tried} of {all} ({} × {})", operations.len(), callers.len());
    assert_eq!(tried, all);
}

/// Whose objects nobody else sees, but for some.
fn is_owned(action: Action) -> bool {
    matches!(
        action,
        Action::ReadMint
            | Action::ReadSponsor
            | Action::ReadSponsored
            | Action::ReadApiKey
            | Action::ChangeApiKey
            | Action::ReadWebhook
            | Action::ChangeWebhook
            | Action::EndSession
    )
}

/// Does the caller reach objects of this kind that are others'?
fn reaches_others(caller: &Caller, action: Action) -> bool {
    match action {
        Action::EndSession => false,
        Action::ReadSponsor | Action::ReadSponsored if caller.actor.is_operator() => true,
        _ => caller.actor.reach() == Ok(None),
    }
}

/// An object of the kind that an action is about, made for `owner`.
async fn object(desk: &Desk, action: Action, owner: Uuid) -> String {
    let (api, db) = (&desk.api, &desk.api.database.db);
    let (id, table) = match action {
        Action::ReadMint => {
            let key = fresh();
            let job = body(api.mint(&key, &json!({ "to": ALICE, "uri": URI })).await, 202).await;
            (text(&job, "id").to_owned(), "mint_jobs")
        }
        Action::ReadSponsor => {
            let name = fresh();
            let sponsor = desk.create(&name, json!({})).await;
            (text(&sponsor, "id").to_owned(), "sponsors")
        }
        Action::ReadSponsored => {
            let sponsored =
                sqlx::query_scalar::<_, Uuid>("select id from forward_requests limit 1");
            let id = sponsored.fetch_one(db).await.unwrap();
            sqlx::query("update sponsors set principal_id = $1 where id = $2")
                .bind(owner)
                .bind(desk.sponsor.parse::<Uuid>().unwrap())
                .execute(db)
                .await
                .unwrap();
            return id.to_string();
        }
        Action::ReadApiKey | Action::ChangeApiKey => {
            let key = issue(db, principal(db).await, &[Scope::MintsRead]).await;
            (auth::KeyText::parse(&key).unwrap().id().to_owned(), "api_keys")
        }
        Action::ReadWebhook | Action::ChangeWebhook => {
            let id = Uuid::now_v7();
            let made = "insert into webhook_endpoints
                    (id, principal_id, url, description, state, topics, kinds, chain_ids,
                     contracts, addresses, signature, salt, secret_version)
                 values ($1, $2, 'https://hooks.invalid/', '', 'active', '{items}', '{}', '{}',
                         '{}', '{}', 'hmac', decode(repeat('00', 32), 'hex'), 1)";
            sqlx::query(made).bind(id).bind(owner).execute(db).await.unwrap();
            (id.to_string(), "webhook_endpoints")
        }
        Action::EndSession => {
            let opened = api.signed_in(&User::new(99)).await;
            (text(&opened["session"], "id").to_owned(), "user_sessions")
        }
        other => panic!("no object for {other:?}: say here how one is made"),
    };
    let query = format!("update {table} set principal_id = $1 where id::text = $2");
    let moved = sqlx::query(AssertSqlSafe(query)).bind(owner).bind(&id).execute(db).await.unwrap();
    assert_eq!(moved.rows_affected(), 1);
    id
}

/// Who may do something does it with what is theirs, and finds nothing of what is others'.
#[tokio::test]
async fn everybody_finds_their_own() {
    let desk = Desk::new().await;
    let (api, db) = (&desk.api, &desk.api.database.db);
    let approval = desk.approval(&User::new(3), desk.collection).await;
    body(desk.send("once", &approval).await, 202).await;
    let but_admin: Vec<Scope> =
        Scope::ALL.into_iter().filter(|scope| *scope != Scope::Admin).collect();
    let machine = issue(db, principal(db).await, &but_admin).await;
    let machine_admin = issue(db, principal(db).await, &[Scope::Admin]).await;
    let mut callers = users(api).await;
    for (name, key) in [
        ("machine", machine),
        ("machine, admin", machine_admin),
        ("operator's key", operator(db, &but_admin).await),
        ("operator's key, admin", operator(db, &[Scope::Admin]).await),
    ] {
        callers.push(Caller::new(api, name, Some(key)).await);
    }
    let operations = operations();
    // A delivery is found by way of its webhook.
    let of_one = |path: &str| path.contains("{id}") && !path.contains("{delivery_id}");
    let on_objects = operations.iter().filter(|operation| of_one(&operation.path));
    let mut tried = BTreeSet::new();
    for operation in on_objects {
        let Some(action) = operation.action.filter(|action| is_owned(*action)) else { continue };
        for caller in &callers {
            if authorize_at_all(&caller.actor, action).is_err() {
                continue;
            }
            for own in [true, false] {
                // No user holds a key: theirs is an operator's at most.
                if own && caller.is_user() && action == Action::ChangeApiKey {
                    continue;
                }
                let stranger = principal(db).await.0;
                let owner = if own { caller.principal() } else { stranger };
                let path = target(operation, &object(&desk, action, owner).await);
                let content = match operation.id.as_str() {
                    "replay_webhook" => Some(json!({ "topic": "items", "from_seq": 0 })),
                    _ => (operation.method != Method::GET).then(|| json!({})),
                };
                let response = caller.send(api, &operation.method, &path, content).await;
                let status = response.status().as_u16();
                let place = format!("{} as {}, own: {own}: {status}", operation.id, caller.name);
                if own || reaches_others(caller, action) {
                    // This webhook has told nobody of anything that could be told again.
                    let nothing = operation.id == "replay_webhook" && status == 422;
                    assert!((200..300).contains(&status) || nothing, "{place}");
                } else {
                    assert_eq!(status, 404, "{place}");
                }
                tried.insert((operation.id.clone(), caller.name.clone(), own));
            }
        }
    }
    println!("objects × owners: {}", tried.len());
    let seen: BTreeSet<&str> = tried.iter().map(|(id, ..)| id.as_str()).collect();
    let owned = [
        "change_api_key",
        "change_webhook",
        "delete_webhook",
        "end_session",
        "get_api_key",
        "get_mint",
        "get_sponsor",
        "get_sponsored",
        "get_webhook",
        "list_deliveries",
        "replay_webhook",
        "revoke_api_key",
        "rotate_api_key",
        "rotate_webhook_secret",
        "try_webhook",
    ];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), owned);
}
