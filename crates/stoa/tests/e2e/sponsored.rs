//! A user without money acts on chain, and a sponsor pays exactly what it cost.

use crate::server::{Home, Options, Server, fresh_address};
use alloy_sol_types::SolCall;
use contracts::StoaCollection;
use reqwest::{Method, StatusCode};
use secp256k1::{Message, SecretKey, ecdsa::RecoverableSignature};
use serde_json::{Value, json};
use std::time::Duration;
use vocab::{Address, B256, Bytes, U256};

pub const PATH: &str = "/sponsored-transactions";
const ETHER: &str = "1000000000000000000";

/// The user's wallet.
pub struct Wallet {
    secret: SecretKey,
    pub address: Address,
}

impl Wallet {
    pub fn fresh() -> Self {
        let seed = vocab::keccak(fresh_address());
        let secret = SecretKey::from_secret_bytes(seed.0).unwrap();
        let public = secret.public_key().serialize_uncompressed();
        Self { secret, address: Address::from_raw_public_key(&public[1..]) }
    }

    fn sign(&self, digest: &Value) -> Bytes {
        let digest: B256 = serde_json::from_value(digest.clone()).unwrap();
        let message = Message::from_digest(digest.0);
        let signed = RecoverableSignature::sign_ecdsa_recoverable(message, &self.secret);
        let (id, body) = signed.serialize_compact();
        [&body[..], &[27 + id.to_u8()]].concat().into()
    }
}

pub struct Story {
    pub server: Server,
    pub sponsor: String,
    pub user: Wallet,
}

impl Story {
    pub async fn prepare(&self, function: &str, args: Value) -> Value {
        let asked = json!({ "sponsor_id": self.sponsor, "from": self.user.address,
            "contract": "default_collection", "function": function, "args": args });
        let path = "/sponsored-transactions/prepare";
        let (status, prepared) = self.server.post(path, None, &asked).await;
        assert_eq!(status, StatusCode::OK, "{prepared}");
        prepared
    }

    /// An approval, to be signed.
    pub async fn approval(&self, operator: &str) -> Value {
        self.prepare("setApprovalForAll", json!({ "operator": operator, "approved": true })).await
    }

    /// What is sent in for it.
    pub fn signed(&self, prepared: &Value) -> Value {
        let signature = self.user.sign(&prepared["digest"]);
        json!({ "sponsor_id": self.sponsor, "request": prepared["request"],
            "signature": signature })
    }

    pub async fn send(&self, prepared: &Value) -> (StatusCode, Value) {
        self.server.post(PATH, None, &self.signed(prepared)).await
    }

    pub async fn settled(&self, sent: &Value) -> Value {
        let path = format!("/sponsored-transactions/{}", sent["id"].as_str().unwrap());
        testkit::eventually_within(Duration::from_secs(90), "its cost is known", || async {
            let (_, shown) = self.server.get(&path).await;
            (!shown["cost"].is_null()).then_some(shown)
        })
        .await
    }

    pub async fn read<C: SolCall>(&self, call: C) -> C::Return {
        let contract = self.server.dev["contracts"]["default_collection"].clone();
        let call = json!([{ "to": contract, "input": Bytes::from(call.abi_encode()) }, "latest"]);
        let said: Bytes = self.server.endpoint().call("eth_call", call).await.unwrap();
        C::abi_decode_returns(&said).unwrap()
    }

    /// Gas and price of a mined transaction, as the node tells.
    pub async fn cost(&self, shown: &Value) -> U256 {
        let hash = json!([shown["tx_hash"]]);
        let receipt: Value =
            self.server.endpoint().call("eth_getTransactionReceipt", hash).await.unwrap();
        let number = |field: &str| receipt[field].as_str().unwrap().parse::<U256>().unwrap();
        number("gasUsed") * number("effectiveGasPrice")
    }
}

pub async fn sponsor(server: &Server) -> String {
    let collection = server.dev["contracts"]["default_collection"].clone();
    let wanted = json!({
        "name": "welcome", "day_budget": ETHER, "total_budget": ETHER, "user_day_budget": ETHER,
        "user_day_requests": 50,
        "rules": [
            { "target": collection, "function": "setApprovalForAll(address,bool)" },
            { "target": collection, "function": "transferFrom(address,address,uint256)" },
        ],
    });
    let (status, made) = server.post("/sponsors", None, &wanted).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    made["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_user_without_money_approves_and_gives_away_and_the_sponsor_pays() {
    let home = Home::new();
    let server = home.start(&Options::default()).await;
    let (user, receiver) = (Wallet::fresh(), fresh_address());
    let minted = server.mint("gift", &user.address.to_string()).await;
    let minted = server.mint_reaches(&minted, &["tentative", "auditable", "final"]).await;
    let token = minted["token_id"].as_str().unwrap();
    let story = Story { sponsor: sponsor(&server).await, server, user };
    let user = story.user.address;

    // Two at once: the second goes out behind the first.
    let approval = json!({ "operator": receiver, "approved": true });
    let (status, approval) = story.send(&story.prepare("setApprovalForAll", approval).await).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{approval}");
    let gift = story.prepare("transferFrom", json!([user, receiver, token])).await;
    assert_eq!(gift["request"]["nonce"], "1");
    let (status, gift) = story.send(&gift).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{gift}");

    let (approval, gift) = (story.settled(&approval).await, story.settled(&gift).await);
    for one in [&approval, &gift] {
        assert_eq!(one["status"], "final", "{one}");
        assert_eq!(one["cost"], story.cost(one).await.to_string());
    }
    let operator: Address = receiver.parse().unwrap();
    let approved = StoaCollection::isApprovedForAllCall { owner: user, operator };
    assert!(story.read(approved).await, "the user approved, not the forwarder");
    let owner = StoaCollection::ownerOfCall { tokenId: token.parse().unwrap() };
    assert_eq!(story.read(owner).await, operator);
    assert_eq!(story.server.endpoint().balance(user).await.unwrap(), U256::ZERO);
    assert_eq!(story.server.endpoint().transaction_count(user).await.unwrap(), 0);

    let (_, shown) = story.server.get(&format!("/sponsors/{}?user={user}", story.sponsor)).await;
    let spent = story.cost(&approval).await + story.cost(&gift).await;
    let left = ETHER.parse::<U256>().unwrap() - spent;
    for part in ["day", "total", "user_day"] {
        assert_eq!(shown["used"][part], spent.to_string(), "{part}");
        assert_eq!(shown["left"][part], left.to_string(), "{part}");
    }
    assert_eq!(shown["left"]["user_day_requests"], 48);
    loses_its_nonce(&story).await;
    assert_eq!(story.server.stop(), Some(0));
}

/// The user uses the nonce up elsewhere: the job fails when it is tried, and costs nothing.
async fn loses_its_nonce(story: &Story) {
    let path = format!("/sponsors/{}", story.sponsor);
    let (_, before) = story.server.get(&path).await;
    let (_, wallets) = story.server.get("/wallets").await;
    let of_sponsor = |wallet: &&Value| wallet["role"] == "sponsor";
    let wallet = wallets["items"].as_array().unwrap().iter().find(of_sponsor).unwrap();
    let pause = format!("/wallets/{}/{}", wallet["chain_id"], wallet["address"].as_str().unwrap());
    story.server.post(&format!("{pause}/pause"), None, &json!({})).await;
    let args = json!({ "operator": fresh_address(), "approved": true });
    let prepared = story.prepare("setApprovalForAll", args).await;
    let (status, sent) = story.send(&prepared).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{sent}");

    // Somebody else hands the very request to the forwarder.
    let id = sent["transaction_id"].as_str().unwrap();
    let (_, job) = story.server.get(&format!("/transactions/{id}")).await;
    let stranger = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
    let call = json!([{ "from": stranger, "to": sent["forwarder"], "input": job["input"] }]);
    let endpoint = story.server.endpoint();
    let hash: String = endpoint.call("eth_sendTransaction", call).await.unwrap();
    testkit::eventually("the stranger's transaction is mined", || async {
        let receipt: Value =
            endpoint.call("eth_getTransactionReceipt", json!([hash])).await.unwrap();
        (receipt["status"] == "0x1").then_some(())
    })
    .await;
    story.server.post(&format!("{pause}/resume"), None, &json!({})).await;
    let ended = story.settled(&sent).await;
    assert_eq!((&ended["status"], &ended["cost"]), (&json!("failed"), &json!("0")), "{ended}");
    let (_, after) = story.server.get(&path).await;
    assert_eq!(after["used"]["total"], before["used"]["total"]);
    let paused = story.server.request(Method::PATCH, &path).json(&json!({ "state": "paused" }));
    assert!(paused.send().await.unwrap().status().is_success());
    let (status, refused) = story.send(&prepared).await;
    assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("sponsor_paused")));
}
