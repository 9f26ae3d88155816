//! A node with our contracts whose blocks are made, and taken back, one by one.

use super::plan::Again;
use alloy_primitives::{Address, B256, Bytes, U64, U256, hex, keccak256};
use alloy_sol_types::SolCall;
use anyhow::{Context, Result, ensure};
use chain::{Chain, Endpoint, EndpointOptions, RpcError};
use contracts::{Contents, StoaCollection, StoaCollectionFactory};
use projections::{Projections, Source, Standard};
use rand::{Rng, rngs::StdRng, seq::SliceRandom};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};
use testkit::{ACCOUNTS, NodeOptions, TestNode};
use vocab::{BlockRef, ChainId, Finality};

/// Blocks above the contracts before the first storm, so that none reaches them.
const BASE: u64 = 70;
/// Most transactions of one sender that come again when only some do.
const SOME_MAX: usize = 4;
/// Of a site that is of no other.
const CHAIN: ChainId = ChainId(31_337);
const GAS: &str = "0x2dc6c0";
/// 2 gwei; the base fee starts at one and falls.
const GAS_PRICE: &str = "0x77359400";
/// Collections that may come to be: few, so that one that was taken back is made again.
const COLLECTIONS: u8 = 6;
/// Those of them that are there before the first storm.
const LASTING: u8 = 3;

/// The node and what was put on it. Its branch follows from the draws of the caller's generator.
#[derive(Debug)]
pub struct Site {
    pub node: TestNode,
    factory: Address,
    implementation: Address,
    token: Address,
    /// By salt.
    intents: [u64; COLLECTIONS as usize],
    /// Transactions of our branch, by block, as they were executed.
    sent: BTreeMap<u64, Vec<Sent>>,
    head: u64,
    /// The highest block that was ever shown.
    highest: u64,
    base: u64,
}

#[derive(Clone, Debug)]
struct Sent {
    raw: Bytes,
    /// Place in [`ACCOUNTS`].
    sender: usize,
}

/// An item and who has it.
type Owned = (Address, U256, usize);

impl Site {
    /// # Errors
    /// When the node refuses what it must take; so do the other methods.
    pub async fn new() -> Result<Self> {
        Self::of(CHAIN).await
    }

    /// Of another chain; the same contracts are at the same addresses.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub async fn of(chain: ChainId) -> Result<Self> {
        let extra = ["--no-mining", "--order", "fifo", "--gas-limit", "2000000000"];
        let options = NodeOptions { block_time: None, extra: extra.map(str::to_owned).to_vec() };
        let node = testkit::anvil_of(chain, options).await;
        let implementation = deploy(&node, contracts::collection_creation()).await?;
        let factory = deploy(&node, contracts::factory_creation(implementation)).await?;
        let token = deploy(&node, token_code()?).await?;
        let head = node.endpoint.head().await?.number.to();
        let mut site = Self {
            node,
            factory,
            implementation,
            token,
            intents: [0; COLLECTIONS as usize],
            sent: BTreeMap::new(),
            head,
            highest: head,
            base: head,
        };
        let nonces = site.nonces().await?;
        let creations = (0..LASTING)
            .zip(nonces[0]..)
            .map(|(salt, nonce)| transaction(0, site.factory, &create(salt), nonce))
            .collect();
        let creations = site.sign(creations).await?;
        site.include(creations).await?;
        site.mine(BASE).await;
        site.base = site.head;
        Ok(site)
    }

    /// The chain, with nothing known of its endpoint yet but what its health tells.
    pub fn chain(&self) -> Chain {
        let ws_urls = vec![self.node.anvil.ws_url()];
        Chain { ws_urls, id: self.node.chain_id, ..chain_of(self.node.endpoint.clone()) }
    }

    #[must_use]
    pub fn factory(&self) -> Address {
        self.factory
    }

    /// A contract of somebody else.
    #[must_use]
    pub fn token(&self) -> Address {
        self.token
    }

    /// What the node says of its head.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn head(&self) -> Result<BlockRef> {
        Ok(self.node.endpoint.head().await?.block())
    }

    /// Mine `busy` blocks with transactions, and `empty` ones between and after them.
    pub async fn grow(&mut self, busy: u64, empty: u64, random: &mut StdRng) -> Result<()> {
        let mut owned = self.owned(random).await?;
        let mut nonces = self.nonces().await?;
        let mut left = empty;
        for _ in 0..busy {
            let gap = random.random_range(0..=left.min(empty / busy + 1));
            self.mine(gap).await;
            left -= gap;
            let count = random.random_range(1..6);
            let mut calls = Vec::with_capacity(count);
            for _ in 0..count {
                let (sender, to, data) = self.call(&mut owned, random);
                calls.push(transaction(sender, to, &data, nonces[sender]));
                nonces[sender] += 1;
            }
            let sent = self.sign(calls).await?;
            self.include(sent).await?;
        }
        self.mine(left).await;
        Ok(())
    }

    /// Replace what lies less than `depth` below the highest block ever shown, by as many blocks.
    pub async fn reorg(&mut self, depth: u64, again: Again, random: &mut StdRng) -> Result<()> {
        let (ancestor, placed) = self.take_back(depth, again, random);
        self.mark_branch(random).await;
        let taken = self.head - ancestor;
        let pairs: Vec<Value> =
            placed.iter().map(|(sent, place)| json!([sent.raw, place])).collect();
        self.node.call("anvil_reorg", json!([taken, pairs])).await;
        for (sent, place) in placed {
            self.sent.entry(ancestor + 1 + place).or_default().push(sent);
        }
        let head = self.head().await?.number;
        ensure!(head == self.head, "the node's head is {head}, not {}", self.head);
        Ok(())
    }

    /// The same, by a branch that grows block by block and stays shorter.
    pub async fn shrink(&mut self, depth: u64, again: Again, random: &mut StdRng) -> Result<()> {
        let (ancestor, placed) = self.take_back(depth, again, random);
        let taken = self.head - ancestor;
        self.node.call("anvil_rollback", json!([taken])).await;
        self.mark_branch(random).await;
        self.head = ancestor;
        let length = random.random_range(1..=taken);
        let mut blocks: BTreeMap<u64, Vec<Sent>> = BTreeMap::new();
        for (sent, place) in placed {
            blocks.entry(place.min(length - 1)).or_default().push(sent);
        }
        for (place, sent) in blocks {
            self.mine((ancestor + place).saturating_sub(self.head)).await;
            self.include(sent).await?;
        }
        self.mine((ancestor + length).saturating_sub(self.head)).await;
        Ok(())
    }

    /// The ancestor, and what of the blocks above it comes again, in order, with places.
    fn take_back(
        &mut self,
        depth: u64,
        again: Again,
        random: &mut StdRng,
    ) -> (u64, Vec<(Sent, u64)>) {
        let ancestor = self.highest.saturating_sub(depth).min(self.head - 1).max(self.base);
        let length = self.head - ancestor;
        let gone = self.sent.split_off(&(ancestor + 1));
        let gone = gone.into_iter().flat_map(|(number, sent)| {
            sent.into_iter().map(move |sent| (sent, number - ancestor - 1))
        });
        (ancestor, place(gone.collect(), length, again, random))
    }

    /// Its blocks are others than those of any branch before, even when they are empty.
    async fn mark_branch(&self, random: &mut StdRng) {
        let coinbase = Address::from(random.random::<[u8; 20]>());
        self.node.call("anvil_setCoinbase", json!([coinbase])).await;
    }

    /// One block with these transactions.
    async fn include(&mut self, sent: Vec<Sent>) -> Result<()> {
        let raws: Vec<Bytes> = sent.iter().map(|sent| sent.raw.clone()).collect();
        for answer in self.node.endpoint.send_raw(&raws).await? {
            answer.context("the node takes no transaction")?;
        }
        self.mine(1).await;
        self.sent.insert(self.head, sent);
        Ok(())
    }

    async fn mine(&mut self, count: u64) {
        if count > 0 {
            self.node.mine(count).await;
            self.head += count;
            self.highest = self.highest.max(self.head);
        }
    }

    async fn nonces(&self) -> Result<Vec<u64>> {
        let mut nonces = Vec::new();
        for (_, nonce) in self.node.endpoint.accounts(&ACCOUNTS).await? {
            nonces.push(nonce?);
        }
        Ok(nonces)
    }

    async fn sign(&self, mut calls: Vec<(usize, Value)>) -> Result<Vec<Sent>> {
        for (_, call) in &mut calls {
            call["chainId"] = json!(U64::from(self.node.chain_id.0));
        }
        let asked: Vec<(&str, Value)> =
            calls.iter().map(|(_, call)| ("eth_signTransaction", json!([call]))).collect();
        let signed = self.node.endpoint.batch::<Bytes>(&asked).await?;
        let mut sent = Vec::with_capacity(signed.len());
        for (raw, (sender, _)) in signed.into_iter().zip(calls) {
            sent.push(Sent { raw: raw?, sender });
        }
        Ok(sent)
    }

    /// Some items that somebody has.
    async fn owned(&self, random: &mut StdRng) -> Result<VecDeque<Owned>> {
        let ids: Vec<(Address, U256)> = (0..12)
            .map(|_| {
                let salt = random.random_range(0..COLLECTIONS);
                let minted = self.intents[usize::from(salt)].max(1);
                (self.collection(salt), U256::from(random.random_range(1..=minted)))
            })
            .collect();
        let asked: Vec<(&str, Value)> = ids
            .iter()
            .map(|(collection, id)| {
                let data = Bytes::from(StoaCollection::ownerOfCall { tokenId: *id }.abi_encode());
                ("eth_call", json!([{ "to": collection, "input": data }, "latest"]))
            })
            .collect();
        let mut owned = VecDeque::new();
        let answers = self.node.endpoint.batch::<Bytes>(&asked).await?;
        for ((collection, id), answer) in ids.into_iter().zip(answers) {
            let owner = match answer {
                Ok(word) if word.len() == 32 => Address::from_slice(&word[12..]),
                // There is no such item, or no such collection.
                Ok(_) | Err(RpcError::Refused { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            if let Some(sender) = ACCOUNTS.iter().position(|account| *account == owner) {
                owned.push_back((collection, id, sender));
            }
        }
        Ok(owned)
    }

    /// Something to do: who, with which contract, what. It may be refused on chain, and then does
    /// nothing.
    fn call(
        &mut self,
        owned: &mut VecDeque<Owned>,
        random: &mut StdRng,
    ) -> (usize, Address, Vec<u8>) {
        let salt = random.random_range(0..COLLECTIONS);
        let anybody = random.random_range(0..ACCOUNTS.len());
        match random.random_range(0..100) {
            0..12 => (0, self.factory, create(salt)),
            12..45 => {
                let count = random.random_range(1..5);
                (anybody, self.collection(salt), self.mint(salt, count, random))
            }
            45..85 => match owned.pop_front() {
                Some((collection, id, owner)) if random.random_bool(0.15) => {
                    let burn = StoaCollection::burnCall { tokenId: id };
                    (owner, collection, burn.abi_encode())
                }
                Some((collection, id, from)) => {
                    // It may go on to somebody else, in the same block or a later one.
                    owned.push_back((collection, id, anybody));
                    let (from_, to) = (ACCOUNTS[from], ACCOUNTS[anybody]);
                    let transfer =
                        StoaCollection::transferFromCall { from: from_, to, tokenId: id };
                    (from, collection, transfer.abi_encode())
                }
                None => (0, self.factory, create(salt)),
            },
            _ => {
                let count = U256::from(random.random_range(0..5u64));
                (anybody, self.token, count.to_be_bytes_vec())
            }
        }
    }

    fn mint(&mut self, salt: u8, count: u64, random: &mut StdRng) -> Vec<u8> {
        let next = &mut self.intents[usize::from(salt)];
        // A batch is of one word.
        if *next % 256 + count > 256 {
            *next = next.next_multiple_of(256);
        }
        let first = *next;
        *next += count;
        let bits = (U256::from(1) << count) - U256::from(1);
        let digests = (first..first + count).map(|n| B256::from(U256::from(n)));
        let recipients =
            (0..count).map(|_| ACCOUNTS[random.random_range(0..ACCOUNTS.len())]).collect();
        StoaCollection::mintBatchCall {
            word: U256::from(first / 256),
            mask: bits << (first % 256),
            recipients,
            contents: Contents::Digests(digests.collect()).encode(),
        }
        .abi_encode()
    }

    /// One of its collections; those below 3 are there from the beginning.
    #[must_use]
    pub fn collection(&self, salt: u8) -> Address {
        let salt = B256::repeat_byte(salt);
        contracts::collection_address(self.factory, self.implementation, ACCOUNTS[0], salt)
    }
}

/// The chain of a node at `url`.
///
/// # Errors
/// When that is no address.
pub fn chain_at(url: &str) -> Result<Chain> {
    Ok(chain_of(Endpoint::new(url, EndpointOptions::default())?))
}

fn chain_of(endpoint: Endpoint) -> Chain {
    Chain {
        id: CHAIN,
        endpoints: vec![endpoint].into(),
        ws_urls: Vec::new(),
        finality: Finality::default(),
        block_time: Duration::from_millis(200),
    }
}

/// What is made of a site's logs.
#[must_use]
pub fn projections(factory: Address, token: Address) -> Projections {
    let token = Source::new(token, Standard::Erc20, 1);
    Projections::new(vec![factory]).recording(vec![token])
}

/// What of `gone` (in order, with its place above the ancestor) comes again on a branch of
/// `length` blocks. Nonces stay in order: of each sender the first ones come.
fn place(
    gone: Vec<(Sent, u64)>,
    length: u64,
    again: Again,
    random: &mut StdRng,
) -> Vec<(Sent, u64)> {
    let kept: Vec<(Sent, u64)> = match again {
        Again::Dropped => Vec::new(),
        Again::Same => return gone,
        Again::Some => {
            let most: Vec<usize> =
                ACCOUNTS.iter().map(|_| random.random_range(0..=SOME_MAX)).collect();
            let mut counts = [0; ACCOUNTS.len()];
            gone.into_iter()
                .filter(|(sent, _)| {
                    counts[sent.sender] += 1;
                    counts[sent.sender] <= most[sent.sender]
                })
                .collect()
        }
        Again::Shuffled => {
            let mut queues: Vec<VecDeque<(Sent, u64)>> = vec![VecDeque::new(); ACCOUNTS.len()];
            let mut order: Vec<usize> = gone.iter().map(|(sent, _)| sent.sender).collect();
            gone.into_iter().for_each(|one| queues[one.0.sender].push_back(one));
            order.shuffle(random);
            order.into_iter().filter_map(|sender| queues[sender].pop_front()).collect()
        }
    };
    let mut places: Vec<u64> = kept.iter().map(|_| random.random_range(0..length)).collect();
    places.sort_unstable();
    kept.into_iter().zip(places).map(|((sent, _), place)| (sent, place)).collect()
}

fn transaction(sender: usize, to: Address, data: &[u8], nonce: u64) -> (usize, Value) {
    let call = json!({
        "from": ACCOUNTS[sender], "to": to, "input": hex::encode_prefixed(data), "gas": GAS,
        "gasPrice": GAS_PRICE, "nonce": U64::from(nonce),
    });
    (sender, call)
}

fn create(salt: u8) -> Vec<u8> {
    let init = StoaCollectionFactory::CollectionInit {
        name: format!("Pictures {salt}"),
        symbol: "PIC".into(),
        contractURI: String::new(),
        baseURI: String::new(),
        admin: ACCOUNTS[0],
        minters: ACCOUNTS.to_vec(),
        trustedForwarder: Address::ZERO,
        royaltyReceiver: ACCOUNTS[0],
        royaltyBps: alloy_primitives::aliases::U96::ZERO,
        contentMode: 0,
    };
    let salt = B256::repeat_byte(salt);
    StoaCollectionFactory::createCollectionCall { init, salt }.abi_encode()
}

/// Creation code of [`Site::token`]. Tells of n transfers from the caller, of the values n-1 to 0,
/// where n is the call's data.
///
/// # Errors
/// None that input could cause.
pub fn token_code() -> Result<Bytes> {
    let transfer = hex::encode(keccak256("Transfer(address,address,uint256)"));
    // loop: n == 0 → end; n -= 1; mem[0] = n; log3(mem[0..32], transfer, caller, n)
    let run = format!("6000355b8015603c57600190038060005280337f{transfer}60206000a36003565b00");
    Ok(hex::decode(format!("603e600c600039603e6000f3{run}"))?.into())
}

async fn deploy(node: &TestNode, code: Bytes) -> Result<Address> {
    let call = json!([{ "from": ACCOUNTS[0], "input": code, "gas": "0xf00000" }]);
    let hash: B256 = node.endpoint.call("eth_sendTransaction", call).await?;
    node.mine(1).await;
    let receipt = node.endpoint.receipts(&[hash]).await?.remove(0)?;
    let receipt = receipt.context("a deployment was not mined")?;
    ensure!(receipt.succeeded(), "a deployment failed: {receipt:?}");
    receipt.contract_address.context("a deployment without an address")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn gone() -> Vec<(Sent, u64)> {
        let one = |n: u8| Sent { raw: vec![n].into(), sender: usize::from(n) % ACCOUNTS.len() };
        (0..40).map(|n| (one(n), u64::from(n / 3))).collect()
    }

    /// Bytes of each sender's transactions in order.
    fn by_sender(placed: &[(Sent, u64)], sender: usize) -> Vec<u8> {
        placed.iter().filter(|(s, _)| s.sender == sender).map(|(s, _)| s.raw[0]).collect()
    }

    #[test]
    fn senders_keep_their_order_and_places_rise() {
        let mut random = StdRng::seed_from_u64(3);
        for again in [Again::Dropped, Again::Some, Again::Same, Again::Shuffled] {
            let placed = place(gone(), 16, again, &mut random);
            assert!(placed.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{again:?}");
            assert!(placed.iter().all(|(_, place)| *place < 16));
            for sender in 0..ACCOUNTS.len() {
                let (before, now) = (by_sender(&gone(), sender), by_sender(&placed, sender));
                assert!(before.starts_with(&now), "{again:?} {before:?} {now:?}");
            }
            let all = placed.len() == 40;
            assert_eq!(all, matches!(again, Again::Same | Again::Shuffled), "{again:?}");
        }
    }
}
