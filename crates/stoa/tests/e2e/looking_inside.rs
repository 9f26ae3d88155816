//! What a running server tells of itself to who looks after it: series for charts, and by its port
//! for profiles where its time and memory go.

use crate::server::{Home, Options, Server, fresh_address};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::eventually_within;

/// Samples are of ten seconds each.
const PATIENCE: Duration = Duration::from_secs(90);

/// The highest point of a series in the last minutes; none: nobody has told yet.
async fn highest(server: &Server, name: &str) -> Option<f64> {
    let (status, found) = server.get(&format!("/metrics/series?names={name}&step=10")).await;
    assert!(status.is_success(), "{found}");
    let points = found["items"][0]["points"].as_array()?;
    points.iter().filter_map(Value::as_f64).reduce(f64::max)
}

#[tokio::test]
async fn series_tell_how_a_running_server_gets_on() {
    let home = Home::new();
    let server = home.start(&Options::default()).await;
    let request = json!({ "to": fresh_address(), "value": "1" });
    let (status, sent) = server.post("/transactions", Some("one"), &request).await;
    assert!(status.is_success(), "{sent}");
    for name in ["requests", "transactions_accepted", "transactions_confirmed", "facts"] {
        eventually_within(PATIENCE, &format!("{name} is above nothing"), || async {
            highest(&server, name).await.filter(|value| *value > 0.0)
        })
        .await;
    }
    // What did not happen is told as that, and not as unknown.
    assert_eq!(highest(&server, "errors").await, Some(0.0));
    assert!(highest(&server, "index_lag").await.is_some());
    assert!(highest(&server, "request_p99").await.is_some_and(|seconds| seconds > 0.0));
    assert_eq!(server.stop(), Some(0));
}

/// Of the port for profiles.
async fn profile(server: &Server, path: &str) -> reqwest::Response {
    let url = format!("{}/profile/{path}", server.text("profile"));
    server.http.get(url).send().await.unwrap()
}

#[tokio::test]
async fn a_profile_is_taken_of_a_running_server() {
    let home = Home::new();
    let file = home.path().with_extension("toml");
    std::fs::write(&file, "[telemetry]\nprofile_listen = \"127.0.0.1:0\"\n").unwrap();
    let server = home.start(&Options { config: Some(&file), ..Options::default() }).await;
    let memory: Value = profile(&server, "memory").await.json().await.unwrap();
    let of = |field: &str| memory[field].as_u64().unwrap();
    assert!(of("resident") > 1 << 20 && of("resident_peak") >= of("resident") / 2, "{memory}");
    assert!(of("heap") + of("arenas") > 0 && of("threads") > 1, "{memory}");

    // While it works, its own functions are seen; and there is one look at a time.
    let look = || profile(&server, "cpu?seconds=3&hertz=500");
    let work = async {
        for _ in 0..300 {
            server.metrics().await;
        }
    };
    let (one, other, ()) = tokio::join!(look(), look(), work);
    let (stacks, refused) = if one.status() == 200 { (one, other) } else { (other, one) };
    assert_eq!((stacks.status().as_u16(), refused.status().as_u16()), (200, 409));
    let stacks = stacks.text().await.unwrap();
    let seen = |name: &str| stacks.lines().any(|line| line.contains(name));
    assert!(seen("api::") || seen("metrics_exporter_prometheus::"), "{stacks}");
    let counted = |line: &str| line.rsplit_once(' ').is_some_and(|(_, n)| n.parse::<u64>().is_ok());
    assert!(stacks.lines().all(counted), "{stacks}");
    for bad in ["cpu?seconds=0", "cpu?seconds=61", "cpu?hertz=0", "cpu?hertz=5000", "cpu?x=1"] {
        assert_eq!(profile(&server, bad).await.status(), 400, "{bad}");
    }
    // A page under another name is not answered, and the public port knows nothing of it.
    let url = format!("{}/profile/memory", server.text("profile"));
    let foreign = server.http.get(url).header("host", "attacker.example").send().await.unwrap();
    assert_eq!(foreign.status(), 403);
    let public = format!("{}/profile/memory", server.text("http"));
    assert_eq!(server.http.get(public).send().await.unwrap().status(), 404);
    assert_eq!(server.stop(), Some(0));
}
