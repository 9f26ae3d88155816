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

/// The index is at block 100, and says that blocks up to 69 are final and up to 89 auditable. Block 60 was given up
/// and came back; 61 gave way to another; 88 is given up, which has no number yet.
const TOLD: [&str; 3] = [
    "insert into checkpoints (chain_id, height, hash, epoch, auditable_height, final_height)
     values (31337, 100, decode(repeat('11', 32), 'hex'), 1, 89, 69)",
    "insert into facts (topic, seq, kind, reverting, attributes, chain_id, block_number, block_hash,
                        data, created_at)
     select 'transfers', seq, 'told', reverting, '{}', 31337, number,
            decode(repeat(hash, 32), 'hex'), '{}', now()
       from (values (1, 60, 'a0', false), (2, 61, 'a1', false), (3, 61, 'a1', true),
                    (4, 60, 'a0', true), (5, 60, 'a0', false), (6, 61, 'b1', false),
                    (7, 88, 'b8', false), (8, 89, 'b9', false), (9, 90, 'ba', false))
            as told (seq, number, hash, reverting)",
    "insert into outbox (topic, kind, reverting, chain_id, block_number, block_hash, data)
     values ('transfers', 'told', true, 31337, 88, decode(repeat('b8', 32), 'hex'), '{}')",
];

#[tokio::test]
async fn facts_are_had_when_they_are_sure_enough() {
    let api = start().await;
    let mut connection = api.database.db.acquire().await.unwrap();
    for sql in TOLD {
        db::raw::execute(&mut connection, sql).await.unwrap();
    }
    let read = async |query: &str| {
        let path = format!("/api/v1/facts?topic=transfers{query}");
        let page = body(api.get(&path).send().await.unwrap(), 200).await;
        let facts = page["facts"].as_array().unwrap().iter();
        let facts = facts.map(|fact| (fact["seq"].as_u64().unwrap(), fact["level"].clone()));
        (facts.collect::<Vec<_>>(), page["next_after"].as_u64().unwrap())
    };
    let (all, next) = read("").await;
    let levels: Vec<_> = all.iter().map(|(_, level)| level.as_str()).collect();
    let (sure, nearly) = (Some("final"), Some("auditable"));
    let open = Some("tentative");
    assert_eq!(levels, [None, None, None, None, sure, sure, None, nearly, open]);
    assert_eq!(next, 9);
    let seqs = |facts: &[(u64, serde_json::Value)]| -> Vec<u64> {
        facts.iter().map(|(seq, _)| *seq).collect()
    };
    for (query, expect, upto) in [
        ("&level=final", vec![5, 6], 7),
        ("&level=auditable", vec![5, 6, 8], 8),
        ("&level=tentative", vec![5, 6, 8, 9], 9),
        ("&level=final&limit=1", vec![5], 5),
        ("&level=final&after=5", vec![6], 7),
        ("&level=final&after=7", vec![], 7),
        ("&level=tentative&after=9", vec![], 9),
    ] {
        let (facts, next) = read(query).await;
        assert_eq!((seqs(&facts), next), (expect, upto), "{query}");
    }
    // Twenty blocks later.
    let advance = "update checkpoints set height = 120, auditable_height = 109, final_height = 89";
    db::raw::execute(&mut connection, advance).await.unwrap();
    let (facts, next) = read("&level=final&after=7").await;
    assert_eq!((seqs(&facts), next), (vec![8], 8));
    let unfit = api.get("/api/v1/facts?topic=chain&level=final").send().await.unwrap();
    problem(unfit, "list_facts", "query_invalid").await;
    let unknown = api.get("/api/v1/facts?topic=items&level=sure").send().await.unwrap();
    problem(unknown, "list_facts", "query_invalid").await;
}
