use crate::{
    harness::{ALICE, Api, BOB, body, operator, principal, problem, start},
    sponsored::{Desk, PATH, User, WALLET, approve},
};
use auth::Scope;
use reqwest::{Method, Response};
use serde_json::{Value, json};

const SPONSORS: &str = "/api/v1/sponsors";

async fn rig() -> (Api, String) {
    let api = start().await;
    let who = operator(&api.database.db, &[Scope::SponsorsWrite]).await;
    (api, who)
}

async fn create(api: &Api, who: &str, key: &str, request: &Value) -> Response {
    api.post_as(who, SPONSORS, key).json(request).send().await.unwrap()
}

async fn change(api: &Api, who: &str, id: &str, request: &Value) -> Response {
    let path = format!("{SPONSORS}/{id}");
    api.request(Method::PATCH, &path).bearer_auth(who).json(request).send().await.unwrap()
}

#[tokio::test]
async fn a_sponsor_is_made_changed_and_listed() {
    let (api, who) = rig().await;
    let request = json!({ "name": "welcome", "day_budget": "5", "total_budget": 7,
        "user_day_budget": "3", "user_day_requests": 2, "gas_max": 100_000,
        "rules": [{ "target": ALICE, "function": "transfer(address,uint256)" }] });
    let response = create(&api, &who, "a", &request).await;
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let made = body(response, 201).await;
    let id = made["id"].as_str().unwrap();
    assert_eq!(location, format!("{SPONSORS}/{id}"));
    assert_eq!(made["limits"], made["left"]);
    assert_eq!((&made["state"], &made["rules"]), (&json!("active"), &request["rules"]));
    assert_eq!(body(create(&api, &who, "a", &request).await, 201).await, made, "once per key");
    problem(create(&api, &who, "b", &request).await, "create_sponsor", "sponsor_exists").await;

    let rules = json!([{ "target": BOB, "function": "0xa9059cbb" }]);
    let wanted = json!({ "state": "paused", "day_budget": "9", "rules": rules });
    let changed = body(change(&api, &who, id, &wanted).await, 200).await;
    assert_eq!((&changed["state"], &changed["rules"]), (&json!("paused"), &rules));
    assert_eq!(changed["limits"]["day"], "9");
    assert_eq!(changed["limits"]["total"], "7", "what is not named stays");
    let nothing = body(create(&api, &who, "c", &json!({ "name": "bare" })).await, 201).await;
    assert_eq!((&nothing["rules"], &nothing["left"]["day"]), (&json!([]), &json!("0")));
    let list = body(api.get_as(&who, SPONSORS).send().await.unwrap(), 200).await;
    assert_eq!(list["items"], json!([nothing, changed]));
}

#[tokio::test]
async fn what_a_sponsor_cannot_be() {
    let (api, who) = rig().await;
    let rule = |target: &str, function: &str| json!([{ "target": target, "function": function }]);
    let forwarder = api.chain.forwarder.to_string();
    let cases = [
        (json!({ "name": "" }), "/name"),
        (json!({ "name": " padded" }), "/name"),
        (json!({ "day_budget": "-1" }), "/day_budget"),
        (json!({ "total_budget": 1.5 }), "/total_budget"),
        (
            json!({ "user_day_budget": "340282366920938463463374607431768211456" }),
            "/user_day_budget",
        ),
        (json!({ "user_day_requests": 4_294_967_295u32 }), "/user_day_requests"),
        (json!({ "gas_max": 16_777_217 }), "/gas_max"),
        (json!({ "owner": uuid::Uuid::nil() }), "/owner"),
        (json!({ "rules": rule("0x12", "f()") }), "/rules/0/target"),
        (json!({ "rules": rule(&forwarder, "f()") }), "/rules/0/target"),
        (json!({ "rules": rule(ALICE, "f") }), "/rules/0/function"),
        (json!({ "rules": rule(ALICE, "f(uint)") }), "/rules/0/function"),
        (json!({ "rules": rule(ALICE, "0x12") }), "/rules/0/function"),
        (json!({ "rules": rule(ALICE, "multicall(bytes[])") }), "/rules/0/function"),
        (json!({ "rules": rule(ALICE, "0xac9650d8") }), "/rules/0/function"),
    ];
    for (mut request, pointer) in cases {
        if request.get("name").is_none() {
            request["name"] = json!("x");
        }
        let refused = create(&api, &who, "k", &request).await;
        let said = problem(refused, "create_sponsor", "sponsor_invalid").await;
        assert_eq!(said["errors"][0]["pointer"], pointer, "{request}");
    }
    let nobody = change(&api, &who, &uuid::Uuid::now_v7().to_string(), &json!({})).await;
    problem(nobody, "change_sponsor", "sponsor_unknown").await;
    let odd = json!({ "name": "x", "limit": 1 });
    problem(create(&api, &who, "k", &odd).await, "create_sponsor", "body_invalid").await;
    let machine = principal(&api.database.db).await;
    let scopes = [Scope::Admin];
    let key = crate::harness::issue(&api.database.db, machine, &scopes).await;
    let refused = create(&api, &key, "k", &json!({ "name": "x" })).await;
    problem(refused, "create_sponsor", "operator_only").await;
    let list = body(api.get_as(&who, SPONSORS).send().await.unwrap(), 200).await;
    assert_eq!(list["items"], json!([]));
}

#[tokio::test]
async fn pauses_and_limits_hold() {
    let desk = Desk::new().await;
    let (user, other) = (User::new(7), User::new(8));
    let first = desk.approval(&user, WALLET).await;
    let (api, who) = (&desk.api, &desk.who);
    let set = async |wanted: Value| {
        body(change(api, who, &desk.sponsor, &wanted).await, 200).await;
    };
    set(json!({ "state": "paused" })).await;
    let refused = desk.send("k", &first).await;
    problem(refused, "request_sponsored", "sponsor_paused").await;
    let refused = desk.prepare(&user, &approve(WALLET)).await;
    problem(refused, "prepare_sponsored", "sponsor_paused").await;
    set(json!({ "state": "active", "user_day_requests": 1 })).await;
    body(desk.send("k", &first).await, 202).await;
    let second = desk.approval(&user, desk.collection).await;
    let over = async |request: &Value, what: &str| {
        let refused = desk.send("over", request).await;
        let said = problem(refused, "request_sponsored", "budget_exceeded").await;
        assert_eq!(said["detail"], what);
    };
    over(&second, "the user's requests of today").await;
    set(json!({ "user_day_requests": 9, "user_day_budget": "1000" })).await;
    over(&second, "the user's budget of today").await;
    // Below what is used already.
    set(json!({ "user_day_budget": "1000000000000000000", "day_budget": "1" })).await;
    assert_eq!(desk.sponsor("").await["left"]["day"], "0");
    over(&desk.approval(&other, WALLET).await, "the sponsor's budget of today").await;
    set(json!({ "day_budget": "1000000000000000000", "total_budget": "1" })).await;
    over(&second, "the sponsor's budget").await;
    set(json!({ "total_budget": "1000000000000000000", "user_day_requests": 1 })).await;
    over(&second, "the user's requests of today").await;
    // Another day, another budget.
    api.clock.advance(time::Duration::days(1));
    desk.node.call("evm_increaseTime", json!([86_400])).await;
    desk.node.mine(1).await;
    let third = desk.approval(&user, desk.collection).await;
    body(desk.send("third", &third).await, 202).await;
    let list = body(api.get_as(who, PATH).send().await.unwrap(), 200).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn operators_may_cancel_but_not_drive_again_or_raise_the_price() {
    let desk = Desk::new().await;
    let signed = desk.approval(&User::new(7), WALLET).await;
    let taken = body(desk.send("k", &signed).await, 202).await;
    let who = operator(&desk.api.database.db, &[Scope::TransactionsWrite]).await;
    let path = format!("/api/v1/transactions/{}", taken["transaction_id"].as_str().unwrap());
    let act = async |what: &str, request: Value| {
        let path = format!("{path}/{what}");
        desk.api.post_as(&who, &path, what).json(&request).send().await.unwrap()
    };
    let dearer = act("speed-up", json!({ "fee_cap": "900000000000" })).await;
    problem(dearer, "speed_up_transaction", "transaction_owned").await;
    body(act("cancel", json!({})).await, 202).await;
    problem(act("redrive", json!({})).await, "redrive_transaction", "transaction_owned").await;
    assert_eq!(desk.api.app.settle_sponsored().await.unwrap(), 1);
    assert_eq!(desk.sponsor("").await["used"]["total"], "0");
    let shown = desk.get(&format!("{PATH}/{}", taken["id"].as_str().unwrap())).await;
    assert_eq!((&shown["status"], &shown["cost"]), (&json!("cancelled"), &json!("0")));
}
