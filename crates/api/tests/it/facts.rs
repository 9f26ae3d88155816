use crate::harness::{ALICE, URI, body, issue, principal, problem, start};
use auth::Scope;
use journal::{SequencerOptions, run_sequencer};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_mint_leaves_a_fact_for_those_who_may_see_it() {
    let api = start().await;
    let sequencer = tokio::spawn(run_sequencer(
        api.database.db.clone(),
        SequencerOptions::default(),
        std::future::pending(),
    ));
    let mut ids = Vec::new();
    for i in 0..3 {
        let job = api.mint(&format!("k{i}"), &json!({ "to": ALICE, "uri": URI })).await;
        ids.push(body(job, 202).await["id"].clone());
    }
    let api = &api;
    let page = testkit::eventually("three facts", || async move {
        let response = api.get("/api/v1/facts?topic=mints&after=0").send().await.unwrap();
        let page = body(response, 200).await;
        (page["facts"].as_array().unwrap().len() == 3).then_some(page)
    })
    .await;
    sequencer.abort();
    let facts = page["facts"].as_array().unwrap();
    for (i, fact) in facts.iter().enumerate() {
        assert_eq!(
            (fact["seq"].as_u64(), fact["prev_seq"].as_u64()),
            (Some(i as u64 + 1), Some(i as u64))
        );
        assert_eq!(fact["kind"], "mint_requested");
        assert_eq!(fact["type"], "delta");
        assert_eq!(fact["data"]["mint_id"], ids[i]);
        assert_eq!(fact["data"]["status"], "queued");
        assert!(fact["data"].get("principal_id").is_none());
    }
    assert_eq!(page["next_after"], 3);
    let rest = api.get("/api/v1/facts?topic=mints&after=2&limit=1").send().await.unwrap();
    assert_eq!(body(rest, 200).await["facts"].as_array().unwrap().len(), 1);

    let other = principal(&api.database.db).await;
    for (scope, count) in [(Scope::MintsRead, 0), (Scope::Admin, 3)] {
        let key = issue(&api.database.db, other, &[scope]).await;
        let request = api.request(Method::GET, "/api/v1/facts?topic=mints").bearer_auth(key);
        let page = body(request.send().await.unwrap(), 200).await;
        assert_eq!(page["facts"].as_array().unwrap().len(), count, "{scope}");
    }
    for query in ["topic=items&after=-1", "topic=items&limit=0", "topic=items&from=1", ""] {
        let response = api.get(&format!("/api/v1/facts?{query}")).send().await.unwrap();
        problem(response, "list_facts", "query_invalid").await;
    }
}
