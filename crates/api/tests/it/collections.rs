use crate::harness::{ALICE, Api, CHAIN, DIGEST, NOWHERE, PENDING, URI, body, problem, start};
use contracts::collection_address;
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;
use vocab::ChainId;

fn request() -> Value {
    json!({ "name": "Harbour", "symbol": "HARB", "content_mode": "free_uri",
            "royalty_receiver": ALICE, "royalty_bps": 250 })
}

async fn ask(api: &Api, key: &str, request: &Value) -> reqwest::Response {
    api.post("/api/v1/collections", key).json(request).send().await.unwrap()
}

#[tokio::test]
async fn a_collection_is_asked_for_at_an_address_known_beforehand() {
    let api = start().await;
    let response = ask(&api, "c", &request()).await;
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let made = body(response, 202).await;
    assert_eq!(made["status"], "queued");
    assert_eq!(made["royalty"], json!({ "receiver": ALICE, "bps": 250 }), "as asked for");
    assert_eq!(body(api.get(&location).send().await.unwrap(), 200).await, made);
    let contract = made["contract"].as_str().unwrap();

    let mut connection = api.database.db.acquire().await.unwrap();
    let address = contract.parse().unwrap();
    let row = db::collection_requests::load(&mut connection, ChainId(CHAIN), address);
    let row = row.await.unwrap().unwrap();
    let settings = &api.chain;
    assert_eq!(
        collection_address(settings.factory, settings.implementation, settings.creator, row.salt),
        address
    );
    let call = db::transactions::load(&mut connection, row.transaction_id.unwrap()).await.unwrap();
    let call = call.unwrap();
    assert_eq!((call.kind.as_str(), call.status.as_str()), ("create_collection", "queued"));
    assert_eq!(call.wallet.unwrap().0, settings.creator);

    let mint = json!({ "to": ALICE, "uri": URI, "collection": contract });
    problem(api.mint("m", &mint).await, "request_mint", "collection_not_ready").await;

    let again = ask(&api, "c", &request()).await;
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(body(again, 202).await, made);
    api.clock.advance(Duration::days(2));
    let late = ask(&api, "c", &request()).await;
    assert_eq!(late.headers()["idempotent-replayed"], "true");
    assert_eq!(body(late, 202).await["contract"], made["contract"]);
    let mut other = request();
    other["symbol"] = json!("HARC");
    let refused = ask(&api, "c", &other).await;
    problem(refused, "request_collection", "idempotency_key_reused").await;
    let second = body(ask(&api, "d", &request()).await, 202).await;
    assert_ne!(second["contract"], made["contract"]);
}

#[tokio::test]
async fn collections_are_listed_and_found() {
    let api = start().await;
    let mut path = "/api/v1/collections?limit=1".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = body(api.request(Method::GET, &path).send().await.unwrap(), 200).await;
        seen.extend(page["items"].as_array().unwrap().iter().map(|c| c["contract"].to_string()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/v1/collections?limit=1&cursor={cursor}");
    }
    assert_eq!(seen.len(), 3);
    let found = api.get(&format!("/api/v1/collections/31337/{PENDING}")).send().await.unwrap();
    assert_eq!(body(found, 200).await["status"], "submitted");
    let cases = [
        (format!("31337/{NOWHERE}"), "collection_unknown"),
        (format!("5/{DIGEST}"), "chain_unknown"),
        ("31337/zero".to_owned(), "address_invalid"),
    ];
    for (path, code) in cases {
        let response = api.get(&format!("/api/v1/collections/{path}")).send().await.unwrap();
        problem(response, "get_collection", code).await;
    }
}

#[tokio::test]
async fn impossible_collections_are_refused() {
    let api = start().await;
    let with = |field: &str, value: Value| {
        let mut request = request();
        request[field] = value;
        request
    };
    let zero = "0x0000000000000000000000000000000000000000";
    let cases = [
        (with("name", json!("")), "collection_invalid", "/name"),
        (with("name", json!("n".repeat(101))), "collection_invalid", "/name"),
        (with("symbol", json!("A B")), "collection_invalid", "/symbol"),
        (with("base_uri", json!("https://x/")), "collection_invalid", "/base_uri"),
        (with("content_mode", json!("base_uri")), "collection_invalid", "/base_uri"),
        (with("royalty_bps", json!(1001)), "collection_invalid", "/royalty_bps"),
        (with("royalty_receiver", json!(zero)), "collection_invalid", "/royalty_receiver"),
        (with("admin", json!(zero)), "collection_invalid", "/admin"),
        (with("admin", json!("me")), "address_invalid", "/admin"),
        (with("content_mode", json!("video")), "body_invalid", "/content_mode"),
        (with("royalty_bps", json!(-1)), "body_invalid", "/royalty_bps"),
    ];
    for (i, (request, code, pointer)) in cases.iter().enumerate() {
        let response = ask(&api, &format!("bad-{i}"), request).await;
        let told = problem(response, "request_collection", code).await;
        assert_eq!(told["errors"][0]["pointer"], *pointer, "{told}");
    }
}
