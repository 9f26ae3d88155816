use crate::harness::{Setup, body, problem, start, start_as, start_with};
use reqwest::Method;
use std::time::{Duration, Instant};
use testkit::{Fault, FaultProxy, NodeOptions, Rule};
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
    let started = Instant::now();
    let mut stream = TcpStream::connect(api.url.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut answer));
    let _ = read.await.expect("the server hangs up");
    assert!(started.elapsed() >= Duration::from_millis(150), "{:?}", started.elapsed());
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn who_takes_nothing_of_an_answer_is_cut() {
    let connections =
        api::ConnectionLimits { stall_time: Duration::from_millis(300), ..Default::default() };
    let api = start_with(api::Limits { connections, ..Default::default() }).await;
    let mut stream = TcpStream::connect(api.url.strip_prefix("http://").unwrap()).await.unwrap();
    // A megabyte each: far more than the kernel keeps for a client.
    let wanted = "GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(50);
    stream.write_all(wanted.as_bytes()).await.unwrap();
    let cut = async {
        while stream.write_all(b"GET").await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), cut).await.expect("the server hangs up");
}

#[tokio::test]
async fn one_address_cannot_have_all_connections() {
    let connections = api::ConnectionLimits { per_address_max: 3, ..Default::default() };
    let api = start_with(api::Limits { connections, ..Default::default() }).await;
    let address = api.url.strip_prefix("http://").unwrap();
    let mut held = Vec::new();
    let refused = loop {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // One that is let in is asked for nothing more than this.
        let _ = stream.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let mut answer = [0; 12];
        match stream.read_exact(&mut answer).await {
            Ok(_) => {
                assert_eq!(&answer, b"HTTP/1.1 200");
                held.push(stream);
            }
            Err(_) => break held.len(),
        }
    };
    assert_eq!(refused, 3);
    held.pop();
    testkit::eventually("there is room again", || async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").await.ok()?;
        stream.read_exact(&mut [0; 12]).await.ok()
    })
    .await;
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
    let read = tokio::time::timeout(Duration::from_secs(60), stream.read_exact(&mut answer));
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

/// The measure is the node's head. A stalled index knows no head but its own.
#[tokio::test]
async fn readiness_compares_the_index_with_the_node() {
    let node = testkit::anvil(NodeOptions::default()).await;
    node.mine(10).await;
    let proxy = FaultProxy::start(&node.anvil.http_url()).await;
    let endpoint =
        chain::Endpoint::new(&proxy.http_url(), chain::EndpointOptions::default()).unwrap();
    let begun = Instant::now();
    let api = start_as(Setup { nodes: vec![endpoint], ..Setup::default() }).await;
    let ready = || async { api.request(Method::GET, "/ready").send().await.unwrap() };
    let told = problem(ready().await, "get_readiness", "not_ready").await;
    assert_eq!(told["errors"][0]["detail"], "nothing is indexed yet");

    let mut connection = api.database.db.acquire().await.unwrap();
    let checkpoint = "insert into checkpoints (chain_id, height, hash, epoch)
                      values (31337, 8, decode(repeat('11', 32), 'hex'), 1)";
    db::raw::execute(&mut connection, checkpoint).await.unwrap();
    let shown = body(ready().await, 200).await["chains"][0].clone();
    assert_eq!(
        (&shown["height"], &shown["head"], &shown["lag"]),
        (&8.into(), &10.into(), &2.into())
    );

    // The index stands still while the chain goes on.
    node.mine(20).await;
    let told = testkit::eventually("the lag is seen", || async {
        let response = ready().await;
        (response.status() == 503).then_some(response)
    });
    let told = problem(told.await, "get_readiness", "not_ready").await;
    assert_eq!(told["errors"][0]["pointer"], "/chains/31337/index");
    let detail = told["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("indexed to 8, 22 blocks behind"), "{detail}");

    let stop = "update checkpoints set state = 'reorg_too_deep', height = 30";
    db::raw::execute(&mut connection, stop).await.unwrap();
    let told = problem(ready().await, "get_readiness", "not_ready").await;
    assert_eq!(told["errors"][0]["pointer"], "/chains/31337/index");
    db::raw::execute(&mut connection, "update checkpoints set state = 'live'").await.unwrap();
    body(ready().await, 200).await;

    // A node that takes questions and answers none must not hold up the probe.
    let asked = proxy.count("eth_getBlockByNumber");
    let most = 10 + begun.elapsed().as_secs();
    assert!(asked < most, "the head is asked for at most once a second, not {asked} times");
    proxy.add(Rule::new(Fault::Swallow));
    let within = Duration::from_secs(60);
    let silent = testkit::eventually_within(within, "the silence is told", || async {
        let started = Instant::now();
        let response = ready().await;
        assert!(started.elapsed() < Duration::from_secs(5), "a probe has its answer in time");
        (response.status() == 503).then_some(response)
    });
    let told = problem(silent.await, "get_readiness", "not_ready").await;
    assert_eq!(told["errors"][0]["pointer"], "/chains/31337/node");
    proxy.heal();
    testkit::eventually("it is ready again", || async {
        (ready().await.status() == 200).then_some(())
    })
    .await;
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

/// Everything that reaches us is answered by a problem; what the parser already refuses is answered
/// bare, with the right status, and the connection ends.
#[tokio::test]
async fn oversized_and_malformed_requests() {
    let api = start().await;
    let long = |length: usize| format!("/api/v1/items?cursor={}", "x".repeat(length));
    let send = |method: &str, path: &str, headers: Vec<(String, String)>| {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = headers
            .into_iter()
            .fold(api.request(method, path), |request, (n, v)| request.header(n, v));
        request.send()
    };
    let header = |length: usize| vec![("x-long".to_owned(), "x".repeat(length))];
    let many = |count: usize| (0..count).map(|n| (format!("x-{n}"), "x".to_owned())).collect();
    let cases = [
        ("GET", long(9_000), vec![], "uri_too_long"),
        ("GET", "/".repeat(9_000), vec![], "uri_too_long"),
        ("GET", "/health".to_owned(), header(17_000), "headers_too_large"),
        ("GET", "/api/v1/items".to_owned(), many(80), "headers_too_large"),
        ("BREW", "/api/v1/items".to_owned(), vec![], "method_not_allowed"),
        ("PATCH", "/api/v1/mints".to_owned(), vec![], "method_not_allowed"),
        ("BREW", "/coffee".to_owned(), vec![], "route_unknown"),
        ("OPTIONS", "/coffee".to_owned(), vec![], "route_unknown"),
    ];
    for (method, path, headers, code) in cases {
        problem(send(method, &path, headers).await.unwrap(), "", code).await;
    }
    let large = api.post("/api/v1/collections", "k").header("content-type", "application/json");
    let large = large.body(vec![b' '; 200_000]).send().await.unwrap();
    problem(large, "request_collection", "body_too_large").await;

    let bare = [
        ("no http at all\r\n\r\n".to_owned(), "400"),
        ("GET /health HTTP/9.9\r\n\r\n".to_owned(), "400"),
        ("G\u{1}T /health HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), "400"),
        (
            format!("GET /health HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "x".repeat(70_000)),
            "431",
        ),
    ];
    for (request, status) in bare {
        let address = api.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        // The server may hang up before all of it is sent.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut answer));
        let _ = read.await.expect("the server hangs up");
        let told = String::from_utf8_lossy(&answer);
        let head = format!("HTTP/1.1 {status}");
        assert!(told.is_empty() || told.starts_with(&head), "{status}: {told}");
    }
    // Such a client harms nobody else.
    body(api.request(Method::GET, "/health").send().await.unwrap(), 200).await;
}

#[tokio::test]
async fn a_stream_that_is_not_opened_is_a_problem() {
    let api = start_as(Setup { stream: true, ..Setup::default() }).await;
    let plain = api.request(Method::GET, "/api/v1/stream").send().await.unwrap();
    problem(plain, "", "upgrade_required").await;
    let upgrade = |key: &str| {
        api.request(Method::GET, "/api/v1/stream")
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .bearer_auth(key)
            .send()
    };
    problem(upgrade("sk_test_wrong").await.unwrap(), "", "key_invalid").await;
    assert_eq!(upgrade(&api.key).await.unwrap().status(), 101);
    let events = |query: &str| api.request(Method::GET, &format!("/api/v1/events?{query}")).send();
    for query in ["", "topic=nonsense", "topic=items&from_seq=x", "topic=items&colour=red"] {
        problem(events(query).await.unwrap(), "", "query_invalid").await;
    }
    problem(events("topic=mints").await.unwrap(), "", "key_missing").await;
    let denied = api.get("/api/v1/events?topic=transactions").send().await.unwrap();
    problem(denied, "", "scope_missing").await;
    let told = api.get("/api/v1/events?topic=mints").send().await.unwrap();
    assert_eq!(told.headers()["content-type"], "text/event-stream");
    assert_eq!(told.headers()["cache-control"], "no-store");
}
