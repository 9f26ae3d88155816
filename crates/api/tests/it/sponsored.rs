//! Calls that users sign, on a real forwarder and a real collection. The transactor is away: a test
//! hands the call over itself, and says what became of the job.

use crate::harness::{Api, CHAIN, Setup, body, operator, start_as};
use alloy_sol_types::{SolCall, sol_data::Uint};
use auth::Scope;
use chain::Endpoint;
use contracts::{
    ERC2771Forwarder, StoaCollection,
    StoaCollectionFactory::{CollectionInit, createCollectionCall},
};
use reqwest::{Method, Response};
use secp256k1::{Message, SecretKey, ecdsa::RecoverableSignature};
use serde_json::{Value, json};
use testkit::{ACCOUNTS, NodeOptions, TestNode};
use vocab::{Address, B256, Bytes, ChainId, Clock, SystemClock, U256};

pub const PATH: &str = "/api/v1/sponsored-transactions";
pub const WALLET: Address = Address::repeat_byte(0x57);
const ETHER: &str = "1000000000000000000";

/// Sponsors, and days of them, whose use is not the sum of reservations and costs.
const SUMS: &str = "
    with sums as (
        select sponsor_id, day, user_address, sum(coalesce(cost_wei, reserved_wei)) as wei,
               count(*) as requests
          from forward_requests group by sponsor_id, rollup (day, user_address))
    select format('%s %s %s: %s', s.sponsor_id, s.day, s.user_address, s.wei) from sums s
      left join sponsors p on s.day is null and p.id = s.sponsor_id and p.used_wei = s.wei
      left join sponsor_days d on d.sponsor_id = s.sponsor_id and d.day = s.day
           and d.user_address = coalesce(s.user_address, ''::bytea)
           and d.used_wei = s.wei and d.requests = s.requests
     where p.id is null and d.day is null";

/// A user, who has a key and no money.
pub struct User {
    secret: SecretKey,
    pub address: Address,
}

impl User {
    pub fn new(seed: u8) -> Self {
        let secret = SecretKey::from_secret_bytes([seed; 32]).unwrap();
        let public = secret.public_key().serialize_uncompressed();
        Self { secret, address: Address::from_raw_public_key(&public[1..]) }
    }

    pub fn sign(&self, digest: B256) -> [u8; 65] {
        let message = Message::from_digest(digest.0);
        let signed = RecoverableSignature::sign_ecdsa_recoverable(message, &self.secret);
        let (id, body) = signed.serialize_compact();
        let mut bytes = [0; 65];
        bytes[..64].copy_from_slice(&body);
        bytes[64] = 27 + id.to_u8();
        bytes
    }
}

/// An API beside a chain with our contracts, and a sponsor.
pub struct Desk {
    pub api: Api,
    pub node: TestNode,
    pub who: String,
    pub forwarder: Address,
    pub collection: Address,
    pub sponsor: String,
}

pub async fn transact(node: &TestNode, from: Address, to: Option<Address>, input: &[u8]) -> Value {
    let input = Bytes::copy_from_slice(input);
    let call = json!([{ "from": from, "to": to, "input": input, "gas": "0x1000000" }]);
    let hash = node.call("eth_sendTransaction", call).await;
    let receipt = mined(node, &hash).await;
    assert_eq!(receipt["status"], "0x1", "{receipt}");
    receipt
}

async fn mined(node: &TestNode, hash: &Value) -> Value {
    testkit::eventually("it is mined", || async {
        let receipt = node.call("eth_getTransactionReceipt", json!([hash])).await;
        (!receipt.is_null()).then_some(receipt)
    })
    .await
}

fn created(receipt: &Value) -> Address {
    serde_json::from_value(receipt["contractAddress"].clone()).unwrap()
}

/// Forwarder and a collection that trusts it.
pub async fn deploy(node: &TestNode) -> (Address, Address) {
    let [from, ..] = ACCOUNTS;
    let forwarder = created(&transact(node, from, None, &contracts::forwarder_creation()).await);
    let implementation =
        created(&transact(node, from, None, &contracts::collection_creation()).await);
    let factory = contracts::factory_creation(implementation);
    let factory = created(&transact(node, from, None, &factory).await);
    let init = CollectionInit {
        name: "Pictures".to_owned(),
        symbol: "PICT".to_owned(),
        contractURI: String::new(),
        baseURI: String::new(),
        admin: from,
        minters: vec![from],
        trustedForwarder: forwarder,
        royaltyReceiver: from,
        royaltyBps: Default::default(),
        contentMode: contracts::ContentMode::Digest as u8,
    };
    let create = createCollectionCall { init, salt: B256::ZERO }.abi_encode();
    transact(node, from, Some(factory), &create).await;
    let collection = contracts::collection_address(factory, implementation, from, B256::ZERO);
    (forwarder, collection)
}

pub async fn read<C: SolCall>(node: &TestNode, to: Address, call: C) -> C::Return {
    let input = Bytes::from(call.abi_encode());
    let said = node.call("eth_call", json!([{ "to": to, "input": input }, "latest"])).await;
    let said: Bytes = serde_json::from_value(said).unwrap();
    C::abi_decode_returns(&said).unwrap()
}

impl Desk {
    pub async fn new() -> Self {
        let node = testkit::anvil(NodeOptions::default()).await;
        let endpoint = node.endpoint.clone();
        Self::on(node, endpoint).await
    }

    /// An API that sees the node through this endpoint.
    pub async fn on(node: TestNode, endpoint: Endpoint) -> Self {
        Self::beside(node, endpoint, None).await
    }

    /// The same beside another chain, which is seen through `other`.
    pub async fn beside(node: TestNode, endpoint: Endpoint, other: Option<Endpoint>) -> Self {
        let (forwarder, collection) = deploy(&node).await;
        let forwarder_of = Some(forwarder);
        let setup =
            Setup { nodes: vec![endpoint], forwarder: forwarder_of, other, ..Setup::default() };
        let api = start_as(setup).await;
        // The chain has the time of day.
        api.clock.advance(SystemClock.now() - api.clock.now());
        let wallet = db::wallets::Wallet {
            address: WALLET,
            role: "sponsor".to_owned(),
            in_flight_max: 16,
            draining: false,
            paused_reason: None,
        };
        let mut connection = api.database.db.acquire().await.unwrap();
        db::wallets::record(&mut connection, ChainId(CHAIN), &wallet).await.unwrap();
        drop(connection);
        node.call("anvil_setBalance", json!([WALLET, "0x56bc75e2d63100000"])).await;
        node.call("anvil_impersonateAccount", json!([WALLET])).await;
        let scopes = [Scope::SponsorsWrite, Scope::SponsoredWrite, Scope::TransactionsRead];
        let who = operator(&api.database.db, &scopes).await;
        let mut desk = Self { api, node, who, forwarder, collection, sponsor: String::new() };
        let sponsor = desk.create("welcome", json!({})).await;
        sponsor["id"].as_str().unwrap().clone_into(&mut desk.sponsor);
        desk
    }

    /// A sponsor of approvals and transfers, with one ether of everything, or as said otherwise.
    pub async fn create(&self, name: &str, changes: Value) -> Value {
        let mut request = json!({
            "chain_id": CHAIN, "name": name, "day_budget": ETHER, "total_budget": ETHER, "user_day_budget": ETHER,
            "user_day_requests": 1000, "gas_max": 500_000,
            "rules": [
                { "target": self.collection, "function": "setApprovalForAll(address,bool)" },
                { "target": self.collection, "function": "transferFrom(address,address,uint256)" },
            ],
        });
        for (field, value) in changes.as_object().unwrap() {
            request[field] = value.clone();
        }
        let sent = self.api.post_as(&self.who, "/api/v1/sponsors", name).json(&request);
        body(sent.send().await.unwrap(), 201).await
    }

    pub async fn prepare(&self, user: &User, data: &[u8]) -> Response {
        let request = json!({ "sponsor_id": self.sponsor, "from": user.address,
            "to": self.collection, "data": Bytes::copy_from_slice(data) });
        let path = format!("{PATH}/prepare");
        let sent = self.api.request(Method::POST, &path).bearer_auth(&self.who).json(&request);
        sent.send().await.unwrap()
    }

    /// What is to be sent in for an approval by this user.
    pub async fn approval(&self, user: &User, operator: Address) -> Value {
        let prepared = body(self.prepare(user, &approve(operator)).await, 200).await;
        self.signed(user, &prepared["request"])
    }

    /// A request, signed by this user for our forwarder.
    pub fn signed(&self, user: &User, request: &Value) -> Value {
        self.signed_for(user, request, self.forwarder)
    }

    pub fn signed_for(&self, user: &User, request: &Value, forwarder: Address) -> Value {
        let signature = Bytes::from(user.sign(digest(request, forwarder)));
        json!({ "sponsor_id": self.sponsor, "request": request, "signature": signature })
    }

    pub async fn send(&self, key: &str, request: &Value) -> Response {
        self.api.post_as(&self.who, PATH, key).json(request).send().await.unwrap()
    }

    pub async fn sponsor(&self, query: &str) -> Value {
        let path = format!("/api/v1/sponsors/{}{query}", self.sponsor);
        body(self.api.get_as(&self.who, &path).send().await.unwrap(), 200).await
    }

    pub async fn get(&self, path: &str) -> Value {
        body(self.api.get_as(&self.who, path).send().await.unwrap(), 200).await
    }

    /// What is used of every sponsor, in all, on a day and by a user, is what is open and settled.
    pub async fn adds_up(&self) {
        let wrong: Vec<String> =
            sqlx::query_scalar(SUMS).fetch_all(&self.api.database.db).await.unwrap();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    /// Hand the call of a job over, as its lane would; the receipt.
    pub async fn carry(&self, transaction: &Value) -> Value {
        let path =
            format!("/api/v1/transactions/{}", transaction["transaction_id"].as_str().unwrap());
        let job = self.get(&path).await;
        assert_eq!((&job["kind"], &job["role"]), (&json!("sponsored_call"), &json!("sponsor")));
        let input: Bytes = serde_json::from_value(job["input"].clone()).unwrap();
        let call = json!([{ "from": WALLET, "to": self.forwarder, "input": input,
            "gas": format!("{:#x}", job["gas_limit"].as_u64().unwrap()) }]);
        let hash = self.node.call("eth_sendTransaction", call).await;
        mined(&self.node, &hash).await
    }

    /// Say what became of a job.
    pub async fn end(&self, transaction: &Value, status: &str, receipt: Option<&Value>) {
        let bytes = |field: &str| {
            let hash: Option<B256> =
                receipt.map(|r| serde_json::from_value(r[field].clone()).unwrap());
            hash.map(|hash| hash.to_vec())
        };
        let id: uuid::Uuid = transaction["transaction_id"].as_str().unwrap().parse().unwrap();
        sqlx::query(
            "update transactions set status = $2, tx_hash = $3, block_hash = $4,
                    block_number = case when $4 is null then null else 1 end where id = $1",
        )
        .bind(id)
        .bind(status)
        .bind(bytes("transactionHash"))
        .bind(bytes("blockHash"))
        .execute(&self.api.database.db)
        .await
        .unwrap();
    }
}

/// EIP-712, spelled out: a second reading of the standard beside that of the product.
pub fn digest(request: &Value, forwarder: Address) -> B256 {
    let word = |text: &str| U256::from_be_bytes(vocab::keccak(text).0).to_be_bytes::<32>();
    let account = |value: &Value| {
        let address: Address = serde_json::from_value(value.clone()).unwrap();
        address.into_word().0
    };
    let number = |value: &Value| -> [u8; 32] {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text.parse::<U256>().unwrap().to_be_bytes()
    };
    let data: Bytes = serde_json::from_value(request["data"].clone()).unwrap();
    let domain = [
        word("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
        word("StoaForwarder"),
        word("1"),
        U256::from(CHAIN).to_be_bytes(),
        forwarder.into_word().0,
    ];
    let message = [
        word(
            "ForwardRequest(address from,address to,uint256 value,uint256 gas,uint256 nonce,uint48 \
             deadline,bytes data)",
        ),
        account(&request["from"]),
        account(&request["to"]),
        number(&request["value"]),
        number(&request["gas"]),
        number(&request["nonce"]),
        number(&request["deadline"]),
        vocab::keccak(&data).0,
    ];
    let parts = [vocab::keccak(domain.concat()), vocab::keccak(message.concat())];
    vocab::keccak([&[0x19, 0x01][..], &parts[0][..], &parts[1][..]].concat())
}

pub fn approve(operator: Address) -> Vec<u8> {
    StoaCollection::setApprovalForAllCall { operator, approved: true }.abi_encode()
}

fn wei(value: &Value) -> U256 {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_user_without_money_acts_and_the_sponsor_pays_what_it_cost() {
    let desk = Desk::new().await;
    let user = User::new(7);
    let prepared = body(desk.prepare(&user, &approve(WALLET)).await, 200).await;
    let request = &prepared["request"];
    assert_eq!((&request["nonce"], &request["value"]), (&json!("0"), &json!("0")));
    assert_eq!(prepared["digest"], digest(request, desk.forwarder).to_string());
    assert_eq!(prepared["typed_data"]["message"]["gas"], request["gas"]);
    let signed = desk.signed(&user, request);

    // The contract's own word on the digest.
    let number = |field: &str| request[field].as_str().unwrap().parse::<U256>().unwrap();
    let forwarded = ERC2771Forwarder::ForwardRequestData {
        from: user.address,
        to: desk.collection,
        value: U256::ZERO,
        gas: number("gas"),
        deadline: <Uint<48> as alloy_sol_types::SolType>::abi_decode(
            &number("deadline").to_be_bytes::<32>(),
        )
        .unwrap(),
        data: approve(WALLET).into(),
        signature: serde_json::from_value(signed["signature"].clone()).unwrap(),
    };
    let verify = ERC2771Forwarder::verifyCall { request: forwarded };
    assert!(read(&desk.node, desk.forwarder, verify).await);

    let response = desk.send("first", &signed).await;
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let taken = body(response, 202).await;
    assert_eq!(location, format!("{PATH}/{}", taken["id"].as_str().unwrap()));
    assert_eq!((&taken["status"], &taken["cost"]), (&json!("queued"), &Value::Null));
    assert_eq!(desk.get(&location).await, taken);
    let reserved = wei(&taken["reserved"]);
    // A signature's bytes are priced as if none were zero.
    assert!(reserved <= wei(&prepared["cost_max"]), "{prepared}");
    assert_eq!(wei(&desk.sponsor("").await["used"]["day"]), reserved);

    // The same again is the same; the next request of the user comes after it.
    assert_eq!(body(desk.send("first", &signed).await, 202).await, taken);
    let next = desk.approval(&user, desk.collection).await;
    assert_eq!(next["request"]["nonce"], "1");
    let second = body(desk.send("second", &next).await, 202).await;
    let user_query = format!("?user={}", user.address);
    let both = desk.sponsor(&user_query).await;
    assert_eq!(both["used"]["user_day_requests"], 2);
    assert_eq!(wei(&both["used"]["user_day"]), reserved + wei(&second["reserved"]));
    assert_eq!(
        wei(&both["left"]["day"]) + wei(&both["used"]["day"]),
        ETHER.parse::<U256>().unwrap()
    );

    let receipt = desk.carry(&taken).await;
    assert_eq!(receipt["status"], "0x1", "{receipt}");
    let owner = user.address;
    let approved = StoaCollection::isApprovedForAllCall { owner, operator: WALLET };
    assert!(read(&desk.node, desk.collection, approved).await, "the user acted");
    assert_eq!(desk.node.endpoint.balance(owner).await.unwrap(), U256::ZERO);

    desk.end(&taken, "final", Some(&receipt)).await;
    desk.end(&second, "expired", None).await;
    assert_eq!(desk.api.app.settle_sponsored().await.unwrap(), 2);
    assert_eq!(desk.api.app.settle_sponsored().await.unwrap(), 0, "each is settled once");
    let hex = |field: &str| -> U256 { receipt[field].as_str().unwrap().parse().unwrap() };
    let cost = hex("gasUsed") * hex("effectiveGasPrice");
    assert!(cost < reserved && !cost.is_zero());
    assert_eq!(wei(&desk.get(&location).await["cost"]), cost);
    let used = desk.sponsor(&user_query).await["used"].clone();
    let expected = json!({ "day": cost.to_string(), "total": cost.to_string(),
        "user_day": cost.to_string(), "user_day_requests": 2 });
    assert_eq!(used, expected, "what never went out costs nothing, and still counts as asked");
}

#[tokio::test]
async fn a_reservation_waits_for_the_receipt_of_its_block() {
    let desk = Desk::new().await;
    let user = User::new(8);
    let signed = desk.approval(&user, WALLET).await;
    let taken = body(desk.send("a", &signed).await, 202).await;
    let mut receipt = desk.carry(&taken).await;
    let true_block = receipt["blockHash"].clone();
    // A node that knows it in another block than ours does not tell the cost.
    receipt["blockHash"] = json!(B256::repeat_byte(9));
    desk.end(&taken, "final", Some(&receipt)).await;
    assert_eq!(desk.api.app.settle_sponsored().await.unwrap(), 0);
    assert_eq!(desk.sponsor("").await["used"]["total"], taken["reserved"]);
    receipt["blockHash"] = true_block;
    // Not yet an end: a reorg may still take it back.
    desk.end(&taken, "auditable", Some(&receipt)).await;
    assert_eq!(desk.api.app.settle_sponsored().await.unwrap(), 0);
    desk.end(&taken, "failed", Some(&receipt)).await;
    let app = &desk.api.app;
    let (a, b) = tokio::join!(app.settle_sponsored(), app.settle_sponsored());
    assert_eq!(a.unwrap() + b.unwrap(), 1, "two settlers, one settlement");
    let shown = desk.get(&format!("{PATH}/{}", taken["id"].as_str().unwrap())).await;
    assert_eq!(
        desk.sponsor("").await["used"]["total"],
        shown["cost"],
        "mined costs, failed or not"
    );
}

#[tokio::test]
async fn sponsored_transactions_are_listed_by_sponsor_user_and_status() {
    let desk = Desk::new().await;
    let users = [User::new(1), User::new(2)];
    let mut ids = Vec::new();
    for (place, user) in users.iter().chain(&users).enumerate() {
        let signed =
            desk.approval(user, Address::repeat_byte(1 + u8::try_from(place).unwrap())).await;
        ids.push(body(desk.send(&place.to_string(), &signed).await, 202).await["id"].clone());
    }
    ids.reverse();
    let found = |list: &Value| -> Vec<Value> {
        list["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect()
    };
    let page = desk.get(&format!("{PATH}?limit=3")).await;
    assert_eq!(found(&page), ids[..3]);
    let cursor = page["next_cursor"].as_str().unwrap();
    assert_eq!(found(&desk.get(&format!("{PATH}?limit=3&cursor={cursor}")).await), ids[3..]);
    let of_user = desk.get(&format!("{PATH}?user={}", users[0].address)).await;
    assert_eq!(found(&of_user), [ids[1].clone(), ids[3].clone()]);
    assert_eq!(found(&desk.get(&format!("{PATH}?status=queued")).await).len(), 4);
    assert_eq!(found(&desk.get(&format!("{PATH}?status=final")).await).len(), 0);
    let of_sponsor = desk.get(&format!("{PATH}?sponsor_id={}", desk.sponsor)).await;
    assert_eq!(found(&of_sponsor), ids);
    // Another's key sees none of it.
    let stranger = crate::harness::principal(&desk.api.database.db).await;
    let key =
        crate::harness::issue(&desk.api.database.db, stranger, &[Scope::SponsoredWrite]).await;
    let list = desk.api.get_as(&key, PATH).send().await.unwrap();
    assert_eq!(body(list, 200).await["items"], json!([]));
}
