//! Death at every step of a sponsored transaction, reorgs over its end, its deadline. Each time the
//! judge is the chain, and the sum: what is used of a sponsor is what is reserved and what was paid.

use crate::{
    server::{Home, Options, Server, fresh_address},
    sponsored::{PATH, Story, Wallet, sponsor},
};
use alloy_sol_types::sol;
use contracts::StoaCollection;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{NodeOptions, TestNode, eventually_within};
use vocab::{Address, Bytes, U256};

sol! {
    function nonces(address owner) external view returns (uint256);
}

const PATIENCE: Duration = Duration::from_secs(90);
/// Of the transactor, beside all of the application's own.
const BETWEEN: [&str; 4] = ["after_reserve", "after_bytes", "after_send", "after_mined"];
/// What is used in all, and what it should be; both of one moment.
const SUMS: &str = "select (s.used_wei = r.wei and d.wei = s.used_wei)::text
      from sponsors s,
      lateral (select sum(coalesce(cost_wei, reserved_wei)) as wei from forward_requests
                where sponsor_id = s.id) r,
      lateral (select sum(used_wei) as wei from sponsor_days
                where sponsor_id = s.id and user_address = '') d";

async fn adds_up(home: &Home) {
    let db = sqlx::PgPool::connect(&home.database_url()).await.unwrap();
    let sums: Vec<Option<String>> = sqlx::query_scalar(SUMS).fetch_all(&db).await.unwrap();
    assert!(sums.iter().flatten().all(|same| same == "true"), "{sums:?}");
    db.close().await;
}

async fn execute(home: &Home, sql: &'static str, id: &Value) {
    let db = sqlx::PgPool::connect(&home.database_url()).await.unwrap();
    let id: uuid::Uuid = id.as_str().unwrap().parse().unwrap();
    sqlx::query(sql).bind(id).execute(&db).await.unwrap();
    db.close().await;
}

impl Story {
    /// How many requests of the user the forwarder has executed.
    async fn executed(&self) -> U256 {
        let forwarder = self.server.dev["contracts"]["ERC2771Forwarder"].clone();
        let input: Bytes =
            alloy_sol_types::SolCall::abi_encode(&noncesCall { owner: self.user.address }).into();
        let call = json!([{ "to": forwarder, "input": input }, "latest"]);
        self.server.endpoint().call("eth_call", call).await.unwrap()
    }

    async fn approved(&self, operator: &str) -> bool {
        let (owner, operator) = (self.user.address, operator.parse().unwrap());
        self.read(StoaCollection::isApprovedForAllCall { owner, operator }).await
    }

    /// How many transactions the sponsors' wallet has sent.
    async fn sent(&self) -> u64 {
        let (_, wallets) = self.server.get("/wallets?role=sponsor").await;
        let wallet: Address =
            serde_json::from_value(wallets["items"][0]["address"].clone()).unwrap();
        self.server.endpoint().transaction_count(wallet).await.unwrap()
    }

    async fn used(&self) -> Value {
        let (_, shown) = self.server.get(&format!("/sponsors/{}", self.sponsor)).await;
        shown["used"].clone()
    }

    async fn shown(&self, sent: &Value) -> Value {
        self.server.get(&format!("{PATH}/{}", sent["id"].as_str().unwrap())).await.1
    }

    /// Wait until its transaction is in one of these states.
    async fn reaches(&self, sent: &Value, states: &[&str]) -> Value {
        eventually_within(PATIENCE, &format!("it is {states:?}"), || async {
            let shown = self.shown(sent).await;
            states.iter().any(|state| shown["status"] == *state).then_some(shown)
        })
        .await
    }
}

#[tokio::test]
async fn paid_once_whatever_kills_it_first_part() {
    survive(0).await;
}

#[tokio::test]
async fn paid_once_whatever_kills_it_second_part() {
    survive(1).await;
}

/// Kill one server after the other on the same data, each at the next point of our part.
async fn survive(part: usize) {
    let node = testkit::anvil(NodeOptions { block_time: Some(0.2), extra: vec![] }).await;
    let rpc = node.anvil.http_url();
    let home = Home::new();
    let options = Options { rpc: Some(&rpc), ..Options::default() };
    let server = home.start(&options).await;
    let mut story = Story { sponsor: sponsor(&server).await, server, user: Wallet::fresh() };
    // The set-up's own transactions pass no failpoint any more.
    node.mine(40).await;
    let mut costs = U256::ZERO;
    let points = app::FAILPOINTS.names().iter().chain(&BETWEEN).skip(part).step_by(2);
    for (count, point) in (1u64..).zip(points) {
        let operator = fresh_address();
        let prepared = story.approval(&operator).await;
        assert_eq!(story.server.stop(), Some(0), "{}", home.log());
        story.server = home.start(&Options { failpoint: Some(point), ..options }).await;
        let request = story.signed(&prepared);
        // It may die before or after it answers: a client can't know.
        let _ = story.server.try_post(PATH, Some(point), &request).await;
        dies(&node, &mut story.server, point).await;
        story.server = home.start(&options).await;
        let (status, sent) = story.server.post(PATH, Some(point), &request).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{point}: {sent}");
        adds_up(&home).await;
        let settled = story.settled(&sent).await;
        assert_eq!(settled["status"], "final", "{point}: {settled}");
        let cost = story.cost(&settled).await;
        assert_eq!(settled["cost"], cost.to_string(), "{point}");
        costs += cost;
        assert!(story.approved(&operator).await, "{point}");
        assert_eq!(story.executed().await, U256::from(count), "{point}: once");
        assert_eq!(story.sent().await, count, "{point}: no second transaction was paid for");
        assert_eq!(story.used().await["total"], costs.to_string(), "{point}");
        adds_up(&home).await;
        node.mine(40).await;
    }
    assert_eq!(story.server.stop(), Some(0));
}

async fn dies(node: &TestNode, server: &mut Server, point: &str) {
    eventually_within(PATIENCE, &format!("the server dies at {point}"), || {
        let ended = server.child.try_wait().unwrap();
        async move {
            // Settling waits for the end, that for blocks.
            node.mine(2).await;
            ended
        }
    })
    .await;
}

/// A reorg takes the end of a settled request back, and before that, one that had not ended.
#[tokio::test]
async fn what_a_reorg_takes_back_is_open_again_and_settled_once() {
    let home = Home::new();
    let server = home.start(&Options::default()).await;
    let story = Story { sponsor: sponsor(&server).await, server, user: Wallet::fresh() };
    let endpoint = story.server.endpoint();
    let head = async || endpoint.head().await.unwrap().number.to::<u64>();
    let created = head().await;
    eventually_within(PATIENCE, "the set-up is out of reach", || async {
        (head().await > created + 5).then_some(())
    })
    .await;
    let operator = fresh_address();
    let (status, sent) = story.send(&story.approval(&operator).await).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{sent}");
    let mut seen = story.reaches(&sent, &["tentative"]).await;
    for status in ["auditable", "final"] {
        let depth = head().await - seen["block"]["number"].as_u64().unwrap() + 2;
        let _: Value = endpoint.call("anvil_reorg", json!([depth, []])).await.unwrap();
        let back = eventually_within(PATIENCE, "it is taken back", || async {
            adds_up(&home).await;
            let shown = story.shown(&sent).await;
            (shown["block"] != seen["block"]).then_some(shown)
        })
        .await;
        assert_eq!(back["cost"], Value::Null, "{back}");
        assert_eq!(story.used().await["total"], sent["reserved"]);
        seen = story.reaches(&sent, &[status]).await;
        adds_up(&home).await;
        if status == "final" {
            break;
        }
    }
    let settled = story.settled(&sent).await;
    let depth = head().await - settled["block"]["number"].as_u64().unwrap() + 2;
    assert!(depth > 32, "{depth}");
    let _: Value = endpoint.call("anvil_reorg", json!([depth, []])).await.unwrap();
    eventually_within(PATIENCE, "what was settled is open again", || async {
        adds_up(&home).await;
        (story.shown(&sent).await["cost"].is_null()).then_some(())
    })
    .await;
    assert_eq!(story.used().await["total"], sent["reserved"]);
    let again = story.settled(&sent).await;
    assert_eq!((&again["status"], &again["tx_hash"]), (&json!("final"), &settled["tx_hash"]));
    assert_ne!(again["block"], settled["block"]);
    assert_eq!(again["cost"], story.cost(&again).await.to_string());
    assert_eq!(story.used().await["total"], again["cost"]);
    assert!(story.approved(&operator).await);
    assert_eq!((story.executed().await, story.sent().await), (U256::ONE, 1));
    adds_up(&home).await;
    assert_eq!(story.server.stop(), Some(0));
}

/// The deadline of a job passes: while it waits, at no cost; while its bytes are out, at that of
/// the void.
#[tokio::test]
async fn a_deadline_ends_a_request_at_the_cost_of_its_void() {
    const NOW: &str = "update transactions set deadline_at = now() where id = $1";
    let node = testkit::anvil(NodeOptions { block_time: Some(0.2), extra: vec![] }).await;
    let rpc = node.anvil.http_url();
    let home = Home::new();
    let server = home.start(&Options { rpc: Some(&rpc), ..Options::default() }).await;
    let story = Story { sponsor: sponsor(&server).await, server, user: Wallet::fresh() };
    let (_, wallets) = story.server.get("/wallets?role=sponsor").await;
    let wallet = wallets["items"][0]["address"].as_str().unwrap();
    let (pause, resume) =
        (format!("/wallets/31337/{wallet}/pause"), format!("/wallets/31337/{wallet}/resume"));

    let operator = fresh_address();
    assert!(story.server.post(&pause, None, &json!({})).await.0.is_success());
    let prepared = story.approval(&operator).await;
    let (_, waiting) = story.send(&prepared).await;
    let (_, job) = story
        .server
        .get(&format!("/transactions/{}", waiting["transaction_id"].as_str().unwrap()))
        .await;
    let deadline: i64 = prepared["request"]["deadline"].as_str().unwrap().parse().unwrap();
    let format = &time::format_description::well_known::Rfc3339;
    let given_up = time::OffsetDateTime::parse(job["deadline"].as_str().unwrap(), format).unwrap();
    assert_eq!(given_up.unix_timestamp(), deadline - 30, "before the forwarder's clock may say so");
    execute(&home, NOW, &waiting["transaction_id"]).await;
    let ended = story.settled(&waiting).await;
    assert_eq!((&ended["status"], &ended["cost"]), (&json!("expired"), &json!("0")), "{ended}");
    adds_up(&home).await;

    // Another operator: the same call with the same deadline would be the request that expired.
    let operator = fresh_address();
    node.call("evm_setIntervalMining", json!([0])).await;
    assert!(story.server.post(&resume, None, &json!({})).await.0.is_success());
    let (status, out) = story.send(&story.approval(&operator).await).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{out}");
    story.reaches(&out, &["submitted"]).await;
    execute(&home, NOW, &out["transaction_id"]).await;
    let path = format!("/transactions/{}", out["transaction_id"].as_str().unwrap());
    eventually_within(PATIENCE, "the void is out", || async {
        let (_, job) = story.server.get(&path).await;
        let voids = job["attempts"].as_array()?.iter().any(|attempt| attempt["void"] == true);
        if !voids {
            // Lanes look at each head; the node forgets the request, so as not to mine it in one.
            node.call("anvil_dropAllTransactions", json!([])).await;
            node.mine(1).await;
        }
        voids.then_some(())
    })
    .await;
    let ended = eventually_within(PATIENCE, "its end is settled", || async {
        node.mine(5).await;
        let shown = story.shown(&out).await;
        (!shown["cost"].is_null()).then_some(shown)
    })
    .await;
    adds_up(&home).await;
    if ended["status"] == "final" {
        // The request was quicker than its void.
        assert!(story.approved(&operator).await);
    } else {
        assert_eq!(ended["status"], "expired", "{ended}");
        assert!(!story.approved(&operator).await);
        assert_eq!(story.executed().await, U256::ZERO);
    }
    assert_eq!(ended["cost"], story.cost(&ended).await.to_string(), "mined, so paid for");
    assert_eq!(story.used().await["total"], ended["cost"]);
    assert_eq!(story.server.stop(), Some(0));
}
