//! Roles: granted and taken back by request, and what they let people do.

use crate::{
    harness::{Api, CHAIN, Setup, URI, body, issue, operator, principal, problem, start, start_as},
    sign_in::text,
    sponsored::{User, deploy, transact},
};
use alloy_sol_types::{SolCall, sol};
use auth::{PrincipalKind, Role, Scope};
use chain::{Endpoint, EndpointOptions};
use db::principal_roles::{self, GrantRow};
use futures_util::future::join_all;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use testkit::{ACCOUNTS, Fault, FaultProxy, NodeOptions, Rule};
use time::Duration;
use uuid::Uuid;
use vocab::{Address, B256, PrincipalId, keccak};

const PRINCIPALS: &str = "/api/v1/principals";
const MINTS: &str = "/api/v1/mints";

sol! {
    function grantRole(bytes32 role, address account) external;
    function revokeRole(bytes32 role, address account) external;
}

/// Grant a role by the database, as somebody at a terminal does.
pub async fn grant(api: &Api, id: Uuid, role: Role) {
    let grant = GrantRow {
        principal_id: id,
        role: role.to_string(),
        source: principal_roles::GRANTED.to_owned(),
        granted_by: None,
        granted_at: api.authenticator.now(),
        expires_at: None,
    };
    let mut connection = api.database.db.acquire().await.unwrap();
    principal_roles::record(&mut connection, &grant).await.unwrap();
    api.authenticator.forget_principal(PrincipalId(id));
}

/// A key with all scopes of an operator who is an admin.
pub async fn admin(api: &Api) -> String {
    let id = PrincipalId::new();
    let mut connection = api.database.db.acquire().await.unwrap();
    let kind = PrincipalKind::Operator.as_str();
    db::principals::record(&mut connection, id, "an admin", kind).await.unwrap();
    drop(connection);
    grant(api, id.0, Role::Admin).await;
    issue(&api.database.db, id, &[Scope::Admin]).await
}

/// Signed in with this wallet: principal and access token.
async fn signed_in(api: &Api, user: &User) -> (Uuid, String) {
    let opened = api.signed_in(user).await;
    let id = text(&opened["session"], "principal_id").parse().unwrap();
    (id, text(&opened, "access_token").to_owned())
}

impl Api {
    async fn put_role(&self, who: &str, id: Uuid, role: &str, request: &Value) -> Response {
        let path = format!("{PRINCIPALS}/{id}/roles/{role}");
        let request = self.request(Method::PUT, &path).bearer_auth(who).json(request);
        request.send().await.unwrap()
    }

    async fn end_role(&self, who: &str, id: Uuid, role: &str) -> Response {
        let path = format!("{PRINCIPALS}/{id}/roles/{role}");
        self.request(Method::DELETE, &path).bearer_auth(who).send().await.unwrap()
    }
}

#[tokio::test]
async fn roles_are_granted_and_taken_back() {
    let api = start().await;
    let admin = admin(&api).await;
    let (id, token) = signed_in(&api, &User::new(5)).await;
    let transactions = "/api/v1/transactions";
    let may = async || api.get_as(&token, transactions).send().await.unwrap().status().as_u16();
    assert_eq!(may().await, 403);
    let until = json!({ "expires_at": "2026-11-20T13:00:00Z" });
    let granted = body(api.put_role(&admin, id, "operator", &until).await, 200).await;
    assert_eq!((&granted["kind"], &granted["id"]), (&json!("user"), &json!(id)));
    assert_eq!(granted["roles"][0]["role"], "operator");
    assert_eq!(granted["roles"][0]["expires_at"], "2026-11-20T13:00:00.000Z");
    assert_eq!(may().await, 200, "at once");
    body(api.put_role(&admin, id, "operator", &until).await, 200).await;
    let path = format!("{PRINCIPALS}?role=operator");
    let listed = body(api.get_as(&admin, &path).send().await.unwrap(), 200).await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(listed["items"][0], granted);
    // Nobody else sees or grants anything: not even an operator with all scopes.
    let plain = operator(&api.database.db, &[Scope::Admin]).await;
    let refused = api.put_role(&plain, id, "admin", &json!({})).await;
    problem(refused, "grant_role", "admin_only").await;
    let refused = api.put_role(&token, id, "admin", &json!({})).await;
    problem(refused, "grant_role", "key_only").await;
    let refused = api.get_as(&plain, PRINCIPALS).send().await.unwrap();
    problem(refused, "list_principals", "admin_only").await;
    // It ends in its time, and another when it is taken back.
    api.clock.advance(Duration::hours(1));
    let (_, token) = signed_in(&api, &User::new(5)).await;
    let may = async || api.get_as(&token, transactions).send().await.unwrap().status().as_u16();
    assert_eq!(may().await, 403, "its time is over");
    body(api.put_role(&admin, id, "operator", &json!({})).await, 200).await;
    assert_eq!(may().await, 200);
    assert_eq!(api.end_role(&admin, id, "operator").await.status(), 204);
    assert_eq!(may().await, 403, "at once");
    assert_eq!(api.end_role(&admin, id, "operator").await.status(), 204, "again does nothing");
    let shown = format!("{PRINCIPALS}/{id}");
    let shown = body(api.get_as(&admin, &shown).send().await.unwrap(), 200).await;
    assert_eq!(shown["roles"], json!([]));
    let acts: Vec<String> = sqlx::query_scalar(
        "select attributes->>'act' from outbox where attributes->>'object' = 'principal'
            order by id",
    )
    .fetch_all(&api.database.db)
    .await
    .unwrap();
    assert_eq!(acts, ["role_granted", "role_granted", "role_ended"]);
}

#[tokio::test]
async fn what_is_no_grant_is_refused() {
    let api = start().await;
    let admin = admin(&api).await;
    let who = principal(&api.database.db).await.0;
    let nobody = Uuid::nil();
    let unknown = api.put_role(&admin, nobody, "admin", &json!({})).await;
    problem(unknown, "grant_role", "principal_unknown").await;
    let unknown = api.end_role(&admin, nobody, "admin").await;
    problem(unknown, "end_role", "principal_unknown").await;
    for role in ["root", "user", "machine", "Admin"] {
        let refused = api.put_role(&admin, who, role, &json!({})).await;
        problem(refused, "grant_role", "path_invalid").await;
    }
    for expiry in ["yesterday", "2026-11-20T12:00:00Z", "2046-11-20T12:00:00Z"] {
        let refused = api.put_role(&admin, who, "admin", &json!({ "expires_at": expiry })).await;
        problem(refused, "grant_role", "body_invalid").await;
    }
    let pages = async |query: &str| {
        body(api.get_as(&admin, &format!("{PRINCIPALS}?{query}")).send().await.unwrap(), 200).await
    };
    let first = pages("limit=1").await;
    let cursor = text(&first, "next_cursor").to_owned();
    let second = pages(&format!("limit=1&cursor={cursor}")).await;
    assert_ne!(first["items"][0]["id"], second["items"][0]["id"]);
    let operators = pages("kind=operator").await;
    assert!(operators["items"].as_array().unwrap().iter().all(|one| one["kind"] == "operator"));
    let foreign = format!("{PRINCIPALS}?limit=1&kind=operator&cursor={cursor}");
    let refused = api.get_as(&admin, &foreign).send().await.unwrap();
    problem(refused, "list_principals", "cursor_invalid").await;
}

/// A machine that was made an operator does what is for operators, as far as its scopes go; and
/// another machine's admin gets no key of it.
#[tokio::test]
async fn a_role_counts_for_keys_too() {
    let api = start().await;
    let db = &api.database.db;
    let who = principal(db).await;
    let key = issue(db, who, &[Scope::TransactionsRead]).await;
    let list = async || api.get_as(&key, "/api/v1/transactions").send().await.unwrap();
    problem(list().await, "list_transactions", "operator_only").await;
    grant(&api, who.0, Role::Operator).await;
    assert_eq!(list().await.status(), 200);
    let other = principal(db).await;
    let machine_admin = issue(db, other, &[Scope::Admin]).await;
    let request = json!({ "scopes": ["wallets:write"], "principal_id": who });
    let made = api.post_as(&machine_admin, "/api/v1/api-keys", "a").json(&request);
    problem(made.send().await.unwrap(), "create_api_key", "api_key_exceeds").await;
    // An operator's admin makes it, but none of an admin's.
    let chief = operator(db, &[Scope::Admin]).await;
    let made = api.post_as(&chief, "/api/v1/api-keys", "b").json(&request);
    body(made.send().await.unwrap(), 201).await;
    grant(&api, who.0, Role::Admin).await;
    let made = api.post_as(&chief, "/api/v1/api-keys", "c").json(&request);
    problem(made.send().await.unwrap(), "create_api_key", "api_key_exceeds").await;
    // Who is an admin and signed in makes any.
    let (id, token) = signed_in(&api, &User::new(6)).await;
    grant(&api, id, Role::Admin).await;
    let made = api.post_as(&token, "/api/v1/api-keys", "d").json(&request);
    body(made.send().await.unwrap(), 201).await;
}

#[tokio::test]
async fn organizers_work_on_what_is_theirs() {
    let api = start().await;
    let (id, token) = signed_in(&api, &User::new(7)).await;
    let metadata = async |key: &str| {
        let document = json!({ "name": "x", "image": URI });
        api.post_as(&token, "/api/v1/metadata", key).json(&document).send().await.unwrap()
    };
    problem(metadata("a").await, "store_metadata", "key_only").await;
    grant(&api, id, Role::Organizer).await;
    assert_eq!(metadata("b").await.status(), 201);
    let collection = json!({ "name": "Fair", "symbol": "FAIR", "content_mode": "digest" });
    let asked = api.post_as(&token, "/api/v1/collections", "c").json(&collection);
    let asked = body(asked.send().await.unwrap(), 202).await;
    let own = text(&asked, "contract").to_owned();
    sqlx::query("update collection_requests set status = 'final'")
        .execute(&api.database.db)
        .await
        .unwrap();
    let mint = async |key: &str, collection: Option<&str>| {
        let mut request = json!({ "to": crate::harness::ALICE, "uri": URI });
        request["collection"] = json!(collection);
        api.post_as(&token, MINTS, key).json(&request).send().await.unwrap()
    };
    body(mint("d", Some(&own)).await, 202).await;
    // Of another's collection no node of this test tells whether they may.
    problem(mint("e", None).await, "request_mint", "role_unchecked").await;
}

/// With `MINTER_ROLE` a wallet mints by request; what the chain said is known for 300 s.
#[tokio::test]
async fn the_chain_says_who_may_mint() {
    let node = testkit::anvil(NodeOptions::default()).await;
    let (_, collection) = deploy(&node).await;
    let proxy = FaultProxy::start(&node.anvil.http_url()).await;
    let endpoint = Endpoint::new(&proxy.http_url(), EndpointOptions::default()).unwrap();
    let api = start_as(Setup { nodes: vec![endpoint], ..Setup::default() }).await;
    know(&api, collection).await;
    let user = User::new(8);
    let (_, token) = signed_in(&api, &user).await;
    let mint = async |key: &str| {
        let request = json!({ "to": user.address, "uri": URI, "collection": collection });
        api.post_as(&token, MINTS, key).json(&request).send().await.unwrap()
    };
    problem(mint("a").await, "request_mint", "minter_only").await;
    let change = async |input: Vec<u8>| {
        transact(&node, ACCOUNTS[0], Some(collection), &input).await;
    };
    let role: B256 = keccak("MINTER_ROLE");
    change(grantRoleCall { role, account: user.address }.abi_encode()).await;
    problem(mint("b").await, "request_mint", "minter_only").await;
    api.clock.advance(Duration::seconds(10));
    let job = body(mint("c").await, 202).await;
    let look = api.get_as(&token, &format!("{MINTS}/{}", text(&job, "id"))).send().await.unwrap();
    assert_eq!(body(look, 200).await["collection"], job["collection"]);
    // Many in one request, all of it where they may.
    let item = json!({ "id": "one", "to": user.address, "uri": URI, "collection": collection });
    let many = json!({ "items": [item] });
    let batch = async |key: &str, request: &Value| {
        api.post_as(&token, "/api/v1/mints/batch", key).json(request).send().await.unwrap()
    };
    body(batch("d", &many).await, 202).await;
    let elsewhere = json!({ "id": "two", "to": user.address, "uri": URI });
    let mixed = json!({ "items": [many["items"][0], elsewhere] });
    let refused = batch("e", &mixed).await;
    problem(refused, "request_mints", "minter_only").await;
    // Another wallet has no part in it, whatever it says.
    let (_, other) = signed_in(&api, &User::new(9)).await;
    let request = json!({ "to": user.address, "uri": URI, "collection": collection });
    let refused = api.post_as(&other, MINTS, "x").json(&request).send().await.unwrap();
    problem(refused, "request_mint", "minter_only").await;
    // Nothing is asked again for 300 s, and then once, whoever comes at the same time.
    let asked = proxy.count("eth_call");
    change(revokeRoleCall { role, account: user.address }.abi_encode()).await;
    body(mint("f").await, 202).await;
    api.clock.advance(Duration::seconds(299));
    body(mint("g").await, 202).await;
    assert_eq!(proxy.count("eth_call"), asked);
    api.clock.advance(Duration::seconds(1));
    let keys: Vec<String> = (0..20).map(|n| format!("h{n}")).collect();
    for refused in join_all(keys.iter().map(|key| mint(key))).await {
        problem(refused, "request_mint", "minter_only").await;
    }
    assert_eq!(proxy.count("eth_call") - asked, 1);
    // A node that does not tell decides nothing.
    api.clock.advance(Duration::seconds(10));
    proxy.add(Rule::new(Fault::Drop));
    let response = mint("i").await;
    assert_eq!(response.headers()["retry-after"], "1");
    problem(response, "request_mint", "role_unchecked").await;
}

/// What one node alone says of two decides nothing.
#[tokio::test]
async fn two_nodes_must_say_who_may_mint() {
    let node = testkit::anvil(NodeOptions::default()).await;
    let (_, collection) = deploy(&node).await;
    let first = FaultProxy::start(&node.anvil.http_url()).await;
    let second = FaultProxy::start(&node.anvil.http_url()).await;
    let endpoint =
        |proxy: &FaultProxy| Endpoint::new(&proxy.http_url(), EndpointOptions::default()).unwrap();
    let nodes = vec![endpoint(&first), endpoint(&second)];
    let api = start_as(Setup { nodes, ..Setup::default() }).await;
    know(&api, collection).await;
    let (_, token) = signed_in(&api, &User::new(8)).await;
    let yes = Fault::Answer(json!(B256::with_last_byte(1)));
    second.add(Rule::new(yes).on("eth_call"));
    let request = json!({ "to": crate::harness::ALICE, "uri": URI, "collection": collection });
    let refused = api.post_as(&token, MINTS, "a").json(&request).send().await.unwrap();
    problem(refused, "request_mint", "role_unchecked").await;
}

/// A collection that stands, asked for by somebody else.
async fn know(api: &Api, contract: Address) {
    let who = principal(&api.database.db).await;
    let request = db::collection_requests::NewCollectionRequest {
        id: vocab::CollectionRequestId::new(),
        principal_id: who,
        chain_id: vocab::ChainId(CHAIN),
        contract,
        salt: contract.into_word(),
        name: "Pictures",
        symbol: "PICT",
        content_mode: "digest",
        base_uri: "",
        settings: &json!({}),
        status: vocab::JobStatus::Final,
        transaction_id: None,
        now: api.authenticator.now(),
    };
    let mut connection = api.database.db.acquire().await.unwrap();
    assert!(db::collection_requests::record(&mut connection, &request).await.unwrap());
}
