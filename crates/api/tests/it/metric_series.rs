//! Series for charts: what samples of several processes become.

use crate::harness::{Api, body, issue, operator, principal, problem, start};
use auth::Scope;
use db::metric_samples;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

const SERIES: &str = "/api/v1/metrics/series";

fn text(time: OffsetDateTime) -> String {
    time.format(&Rfc3339).unwrap()
}

async fn ask(api: &Api, who: &str, query: &str) -> Value {
    body(api.get_as(who, &format!("{SERIES}?{query}")).send().await.unwrap(), 200).await
}

#[tokio::test]
async fn samples_of_all_processes_become_points() {
    let api = start().await;
    let who = operator(&api.database.db, &[Scope::TransactionsRead]).await;
    // A full hour of the clock that is over.
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let begin = OffsetDateTime::from_unix_timestamp(now.div_euclid(3_600) * 3_600 - 7_200).unwrap();
    let processes = [Uuid::now_v7(), Uuid::now_v7()];
    let mut db = api.database.db.acquire().await.unwrap();
    for (at, process, requests, depth, streams) in [
        (0, 0, 30.0, 4.0, 1.0),
        (10, 0, 90.0, 9.0, 3.0),
        (10, 1, 60.0, 7.0, 2.0),
        (60, 1, 6.0, 0.0, 5.0),
    ] {
        let place = (processes[process], begin + Duration::seconds(at));
        let samples = [("requests", requests), ("queue_depth", depth), ("streams", streams)];
        metric_samples::record(&mut db, place, &samples).await.unwrap();
        // A repetition is none.
        metric_samples::record(&mut db, place, &samples).await.unwrap();
    }
    let window = |from: i64, to: i64, step: i64| {
        let at = |minute| text(begin + Duration::minutes(minute));
        format!("from={}&to={}&step={step}", at(from), at(to))
    };
    let query = format!("names=requests,queue_depth,streams&{}", window(0, 3, 60));
    let shown = ask(&api, &who, &query).await;
    assert_eq!(shown["step_seconds"], 60);
    let points: Vec<&Value> =
        shown["items"].as_array().unwrap().iter().map(|one| &one["points"]).collect();
    assert_eq!(points[0], &json!([3.0, 0.1, null]), "180 in a minute, and 6");
    assert_eq!(points[1], &json!([9.0, 0.0, null]), "the deepest queue of all");
    assert_eq!(points[2], &json!([5.0, 5.0, null]), "3 of one process and 2 of the other");
    assert_eq!(shown["items"][0]["unit"], "1/s");
    let fine = ask(&api, &who, &format!("names=requests&{}", window(0, 1, 10))).await;
    assert_eq!(fine["items"][0]["points"], json!([3.0, 15.0, null, null, null, null]));
    let all = ask(&api, &who, "").await;
    assert_eq!(all["items"].as_array().unwrap().len(), app::SERIES.len());
    assert_eq!(all["items"][0]["points"].as_array().unwrap().len(), 60);

    // What is old is forgotten.
    let gone = metric_samples::delete_before(&mut db, begin + Duration::seconds(10), 100).await;
    assert_eq!(gone.unwrap(), 3);
    let left = ask(&api, &who, &format!("names=requests&{}", window(0, 1, 10))).await;
    assert_eq!(left["items"][0]["points"][0], Value::Null);
}

#[tokio::test]
async fn what_is_no_window_is_refused() {
    let api = start().await;
    let who = operator(&api.database.db, &[Scope::TransactionsRead]).await;
    for (query, pointer) in [
        ("names=secrets", "?names"),
        ("step=15", "?step"),
        ("step=0", "?step"),
        ("step=-10", "?step"),
        ("step=99999999999999999", "?step"),
        ("from=2026-01-01T00:00:00Z&to=2026-11-01T00:00:00Z&step=10", "?step"),
        ("from=2126-01-01T00:00:00Z", "?from"),
        ("from=noon", "?from"),
        ("to=1", "?to"),
    ] {
        let refused = api.get_as(&who, &format!("{SERIES}?{query}")).send().await.unwrap();
        let told = problem(refused, "get_metric_series", "query_invalid").await;
        assert_eq!(told["errors"][0]["pointer"], pointer, "{query}");
    }
    let machine = issue(&api.database.db, principal(&api.database.db).await, &[Scope::Admin]).await;
    let refused = api.get_as(&machine, SERIES).send().await.unwrap();
    problem(refused, "get_metric_series", "operator_only").await;
}
