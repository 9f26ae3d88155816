use crate::harness::{body, problem, start, start_with};
use reqwest::Method;
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::test]
async fn every_error_is_a_problem() {
    let api = start().await;
    let id = "a-request.of:mine_1";
    let cases = [
        (Method::GET, "/nowhere", "route_unknown"),
        (Method::GET, "/api/v1/nowhere", "route_unknown"),
        (Method::DELETE, "/api/v1/mints", "method_not_allowed"),
        (Method::GET, "/panic", "internal"),
        (Method::GET, "/ready", "not_ready"),
        (Method::GET, "/api/v1/facts", "query_invalid"),
        (Method::GET, "/api/v1/facts?topic=gossip", "topic_unknown"),
        (Method::GET, "/api/v1/items/x/y/z", "path_invalid"),
        (Method::GET, "/api/v1/mints", "key_missing"),
    ];
    for (method, path, code) in cases {
        let request = api.request(method.clone(), path).header("x-request-id", id);
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["x-request-id"], id);
        let problem = problem(response, "", code).await;
        assert!(!problem.to_string().contains("on purpose"), "the text of a panic stays inside");
        insta::assert_json_snapshot!(format!("{method} {path}"), problem);
    }
}

#[tokio::test]
async fn request_ids_are_ours_unless_sane() {
    let api = start().await;
    for bad in ["", "two words", &"x".repeat(129), "semi;colon"] {
        let request = api.request(Method::GET, "/health").header("x-request-id", bad);
        let response = request.send().await.unwrap();
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        let id: uuid::Uuid = id.parse().unwrap();
        assert_eq!(id.get_version_num(), 7, "{bad}");
        assert_eq!(body(response, 200).await["status"], "ok");
    }
}

#[tokio::test]
async fn who_does_not_finish_headers_is_cut() {
    let connections =
        api::ConnectionLimits { header_time: Duration::from_millis(200), ..Default::default() };
    let api = start_with(api::Limits { connections, ..Default::default() }).await;
    let mut stream = TcpStream::connect(api.url.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.unwrap();
    let started = Instant::now();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer));
    let _ = read.await.expect("the server hangs up");
    assert!(started.elapsed() >= Duration::from_millis(150), "{:?}", started.elapsed());
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn who_does_not_finish_a_body_is_told() {
    let limits = api::Limits { request_time: Duration::from_millis(300), ..Default::default() };
    let api = start_with(limits).await;
    let mut stream = TcpStream::connect(api.url.strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!(
        "POST /api/v1/mints HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Idempotency-Key: k\r\nAuthorization: Bearer {}\r\nContent-Length: 100\r\n\r\n{{",
        api.key
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_exact(&mut answer));
    read.await.expect("an answer").unwrap();
    assert_eq!(answer, b"HTTP/1.1 408");
}

#[tokio::test]
async fn too_much_at_once_is_shed_but_probes_are_answered() {
    let api = start_with(api::Limits { requests_max: 0, ..Default::default() }).await;
    let shed = api.get("/api/v1/items").send().await.unwrap();
    assert_eq!(shed.headers()["retry-after"], "1");
    problem(shed, "list_items", "overloaded").await;
    body(api.get("/health").send().await.unwrap(), 200).await;
}

#[tokio::test]
async fn readiness_follows_the_index() {
    let api = start().await;
    let ready = || async { api.request(Method::GET, "/ready").send().await.unwrap() };
    problem(ready().await, "get_readiness", "not_ready").await;
    let mut connection = api.database.db.acquire().await.unwrap();
    let checkpoint = "insert into checkpoints (chain_id, height, hash, epoch)
                      values (31337, 10, decode(repeat('11', 32), 'hex'), 1)";
    db::raw::execute(&mut connection, checkpoint).await.unwrap();
    let shown = body(ready().await, 200).await;
    assert_eq!(shown["chains"][0]["height"], 10);
    let block = "insert into blocks (chain_id, number, hash, parent_hash, mined_at)
                 values (31337, 16, decode(repeat('22', 32), 'hex'),
                         decode(repeat('11', 32), 'hex'), now())";
    db::raw::execute(&mut connection, block).await.unwrap();
    problem(ready().await, "get_readiness", "not_ready").await;
    let stop = "update checkpoints set state = 'reorg_too_deep', height = 16";
    db::raw::execute(&mut connection, stop).await.unwrap();
    let told = problem(ready().await, "get_readiness", "not_ready").await;
    assert_eq!(told["errors"][0]["pointer"], "/chains/31337");
}

#[tokio::test]
async fn a_lost_database_is_said_as_unavailable() {
    let api = start().await;
    api.database.db.close().await;
    let response = api.request(Method::GET, "/api/v1/items").send().await.unwrap();
    problem(response, "list_items", "unavailable").await;
    let ready = api.request(Method::GET, "/ready").send().await.unwrap();
    let told = problem(ready, "get_readiness", "not_ready").await;
    assert_eq!(told["errors"][0]["pointer"], "/database");
}
