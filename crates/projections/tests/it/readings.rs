//! ERC-20s whose events do not tell balances: what is indexed of them is what they say themselves.

use crate::{
    followed::text,
    proxy::Proxy,
    rebuild::{SMALL, rebuild, register},
    rig::{self, Rig, call_of, height},
    solidity::compile,
    spot::MULTICALL,
};
use alloy_primitives::{Address, Bytes, U256, address};
use alloy_sol_types::{SolCall, sol};
use db::{Db, digest::TableDigest};
use projections::{
    Source, Standard,
    rebuild::{self, Subject},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use testkit::{ACCOUNTS, eventually};

/// Accounts that the token with fees refuses to tell of, and burns all gas for.
const REFUSED: Address = address!("00000000000000000000000000000000000dead1");
const BURNING: Address = address!("00000000000000000000000000000000000dead2");
/// WETH9's events and ways; a token that keeps a hundredth of what is moved; one whose balances
/// are shares of something that grows without a log.
const SOURCE: &str = "
contract Wrapped {
    mapping(address => uint256) public balanceOf;
    event Deposit(address indexed dst, uint256 wad);
    event Withdrawal(address indexed src, uint256 wad);
    event Transfer(address indexed src, address indexed dst, uint256 wad);
    function deposit() external payable {
        balanceOf[msg.sender] += msg.value;
        emit Deposit(msg.sender, msg.value);
    }
    function withdraw(uint256 wad) external {
        balanceOf[msg.sender] -= wad;
        payable(msg.sender).transfer(wad);
        emit Withdrawal(msg.sender, wad);
    }
    function transfer(address dst, uint256 wad) external {
        balanceOf[msg.sender] -= wad;
        balanceOf[dst] += wad;
        emit Transfer(msg.sender, dst, wad);
    }
}
contract Fee {
    mapping(address => uint256) kept;
    address constant TREASURY = address(0xfee);
    event Transfer(address indexed from, address indexed to, uint256 value);
    function balanceOf(address account) external view returns (uint256) {
        require(account != address(0xdead1), \"no\");
        while (account == address(0xdead2)) {}
        return kept[account];
    }
    function mint(address to, uint256 value) external {
        kept[to] += value;
        emit Transfer(address(0), to, value);
    }
    function transfer(address to, uint256 value) external {
        uint256 fee = value / 100;
        kept[msg.sender] -= value;
        kept[to] += value - fee;
        kept[TREASURY] += fee;
        emit Transfer(msg.sender, to, value);
        emit Transfer(msg.sender, TREASURY, fee);
    }
}
contract Rebasing {
    mapping(address => uint256) shares;
    uint256 perShare = 1000;
    event Transfer(address indexed from, address indexed to, uint256 value);
    function balanceOf(address account) external view returns (uint256) {
        return shares[account] * perShare / 1000;
    }
    function mint(address to, uint256 value) external {
        shares[to] += value * 1000 / perShare;
        emit Transfer(address(0), to, value);
    }
    function transfer(address to, uint256 value) external {
        uint256 moved = value * 1000 / perShare;
        shares[msg.sender] -= moved;
        shares[to] += moved;
        emit Transfer(msg.sender, to, value);
    }
    function rebase(uint256 to) external { perShare = to; }
}";

sol! {
    function mint(address to, uint256 value);
    function transfer(address to, uint256 value);
    function rebase(uint256 to);
    function deposit();
    function withdraw(uint256 wad);
    function balanceOf(address account) returns (uint256);
}

/// A chain with one token of each kind.
pub struct Place {
    pub rig: Rig,
    pub tokens: [Address; 3],
    rng: StdRng,
}

impl Place {
    pub async fn new(seed: u64) -> Self {
        let compiled = compile(SOURCE);
        let mut rig = Rig::new().await;
        rig.options.prove_settled = false;
        rig.options.reread_blocks = 8;
        let kinds = [
            ("Wrapped", Standard::Erc20),
            ("Fee", Standard::Erc20Fee),
            ("Rebasing", Standard::Erc20Rebasing),
        ];
        let mut tokens = [Address::ZERO; 3];
        for (token, (name, standard)) in tokens.iter_mut().zip(kinds) {
            *token = rig::deploy(&rig.node, compiled.creation(name)).await;
            rig.sources.push(Source::new(*token, standard, 1));
        }
        let place = Self { rig, tokens, rng: StdRng::seed_from_u64(seed) };
        for account in ACCOUNTS {
            let value = U256::from(1_000_000);
            for token in &place.tokens[1..] {
                place.rig.send(*token, mintCall { to: account, value }.abi_encode()).await;
            }
        }
        let deposit = place.deposit();
        place.send(deposit).await;
        place
    }

    /// The same, with Multicall3 where it always is.
    pub async fn with_multicall(seed: u64) -> Self {
        let place = Self::new(seed).await;
        let code = compile("").deployed("Together");
        place.rig.node.call("anvil_setCode", json!([MULTICALL, code])).await;
        place.rig.node.mine(1).await;
        place
    }

    fn deposit(&self) -> Value {
        let mut call = call_of(self.tokens[0], depositCall {}.abi_encode());
        call["value"] = json!("0x3e8");
        call
    }

    async fn send(&self, call: Value) {
        let _: Value = self.rig.node.call("eth_sendTransaction", json!([call])).await;
    }

    fn drawn(&mut self) -> Value {
        let value = U256::from(self.rng.random_range(100..200u64));
        let to = match self.rng.random_range(0..7) {
            0 => Address::repeat_byte(self.rng.random_range(1..255)),
            n => ACCOUNTS[n % 4],
        };
        let [wrapped, fee, rebasing] = self.tokens;
        match self.rng.random_range(0..8) {
            0 => self.deposit(),
            1 => call_of(wrapped, withdrawCall { wad: U256::from(7) }.abi_encode()),
            2 => call_of(wrapped, transferCall { to, value: U256::from(9) }.abi_encode()),
            3 | 4 => call_of(fee, transferCall { to, value }.abi_encode()),
            5 => {
                let to = U256::from(self.rng.random_range(900..1_100u64));
                call_of(rebasing, rebaseCall { to }.abi_encode())
            }
            _ => call_of(rebasing, transferCall { to, value }.abi_encode()),
        }
    }

    /// So many blocks with a call each.
    pub async fn live(&mut self, blocks: u64) {
        for _ in 0..blocks {
            let call = self.drawn();
            self.send(call).await;
        }
    }

    /// Wait until the index stands at the head, and knows all that it can.
    async fn read(&self, db: &Db) {
        self.rig.joined(db).await;
        eventually("no balance that is to be read", || async {
            let unread = "select count(*)::text from balances b where unreliable and not exists (
                              select 1 from balance_readings r
                               where r.account = b.account and r.contract = b.contract
                                 and r.block_number >= b.updated_block)";
            (text(db, unread).await == ["0"]).then_some(())
        })
        .await;
    }

    pub async fn fresh(&self) -> Vec<TableDigest> {
        let fresh = testkit::database().await;
        let running = self.rig.start(&fresh.db);
        self.read(&fresh.db).await;
        running.kill().await;
        self.rig.digest(&fresh.db).await
    }

    /// What each account that is indexed has, of whose contract is asked.
    async fn truth(&self, db: &Db) -> Vec<String> {
        let rows = "select encode(contract, 'hex') || encode(account, 'hex') from balances
                     order by contract, account";
        let mut truth = Vec::new();
        for row in text(db, rows).await {
            let (contract, account) = row.split_at(40);
            let account: Address = account.parse().unwrap();
            let input = Bytes::from(balanceOfCall { account }.abi_encode());
            let call = json!([{ "to": format!("0x{contract}"), "input": input, "gas": "0x2dc6c0" },
                              "latest"]);
            let said = self.rig.node.endpoint.call::<U256>("eth_call", call).await;
            let said = said.map_or("none".to_owned(), |balance| balance.to_string());
            truth.push(format!("{row} {said}"));
        }
        truth
    }

    pub async fn rows(&self, db: &Db) -> Vec<String> {
        let rows = "select encode(contract, 'hex') || encode(account, 'hex') || ' ' ||
                           case when unreliable then 'none' else balance::text end
                      from balances order by contract, account";
        text(db, rows).await
    }

    /// Wait until every account had its turn, and compare.
    async fn compare(&self, db: &Db) {
        self.rig.node.mine(self.rig.options.reread_blocks).await;
        self.read(db).await;
        assert_eq!(self.rows(db).await, self.truth(db).await);
    }
}

/// Read by ranges, block by block, and over reorgs of any depth, balances are what contracts say,
/// and the index is what a fresh one is.
#[tokio::test(flavor = "multi_thread")]
async fn balances_are_what_contracts_say_over_reorgs() {
    let mut place = Place::with_multicall(5).await;
    place.live(40).await;
    place.rig.node.mine(70).await;
    let test = testkit::database().await;
    let _running = place.rig.start(&test.db);
    place.compare(&test.db).await;
    let rows = place.rows(&test.db).await;
    assert!(rows.len() > 15 && rows.iter().all(|row| !row.ends_with("none")), "{rows:?}");
    for depth in [1, 2, 5, 12, 31, 45] {
        place.live(depth).await;
        place.read(&test.db).await;
        let again: Vec<(Value, u64)> = (0..depth.min(8)).map(|n| (place.drawn(), n)).collect();
        place.rig.reorg(depth, &again).await;
        place.read(&test.db).await;
        let digest = place.rig.digest(&test.db).await;
        assert_eq!(digest, place.fresh().await, "after a reorg of depth {depth}");
        place.compare(&test.db).await;
    }
}

/// Accounts of which a contract refuses to tell, and burns all gas, have no balance; their
/// neighbours have theirs, and nothing is asked again and again.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_contract_refuses_to_tell_is_not_known() {
    for multicall in [false, true] {
        let place = if multicall { Place::with_multicall(1).await } else { Place::new(1).await };
        for to in [REFUSED, BURNING] {
            let call = transferCall { to, value: U256::from(500) };
            place.rig.send(place.tokens[1], call.abi_encode()).await;
        }
        place.rig.node.mine(70).await;
        let test = testkit::database().await;
        let _running = place.rig.start(&test.db);
        for round in 0..2 {
            place.compare(&test.db).await;
            let rows = place.rows(&test.db).await;
            let unknown = rows.iter().filter(|row| row.ends_with("none")).count();
            assert_eq!(unknown, 2, "{round} {rows:?}");
            let call = transferCall { to: REFUSED, value: U256::from(500) };
            place.rig.send(place.tokens[1], call.abi_encode()).await;
        }
    }
}

/// Tables made anew have what was read, with the undo of it, and verify finds them equal.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_anew_has_what_was_read() {
    let mut place = Place::new(9).await;
    place.live(30).await;
    place.rig.node.mine(70).await;
    let test = testkit::database().await;
    register(&place.rig, &test.db).await;
    let _running = place.rig.start(&test.db);
    for depth in [3, 20] {
        place.live(depth).await;
        place.read(&test.db).await;
        let wanted = place.rig.digest(&test.db).await;
        let all = Subject::all();
        let verdict = rebuild::verify(&test.db, &all, (100, 1), SMALL, &mut |_| {}).await.unwrap();
        assert!(verdict.is_equal(), "{verdict:?}");
        let [found] = verdict.chains.as_slice() else { panic!("{verdict:?}") };
        let spot = rebuild::spot_check(&place.rig.chain(), found.block, &found.samples).await;
        let spot = spot.unwrap();
        assert!(spot.asked > 5 && spot.mismatches.is_empty(), "{spot:?}");
        for name in ["asset_balances", "all"] {
            rebuild(&test.db, name).await.unwrap();
            assert_eq!(place.rig.digest(&test.db).await, wanted, "{name}");
        }
        place.rig.reorg(depth, &[]).await;
        place.read(&test.db).await;
        assert_eq!(place.rig.digest(&test.db).await, place.fresh().await);
    }
    let planted = "update balances set balance = balance + 1
                    where contract in (select address from index_sources where kind = 'erc20_fee')";
    db::raw::execute(&mut test.db.acquire().await.unwrap(), planted).await.unwrap();
    let all = Subject::all();
    let verdict = rebuild::verify(&test.db, &all, (0, 1), SMALL, &mut |_| {}).await.unwrap();
    assert!(!verdict.is_equal(), "a difference goes unnoticed");
}

/// A contract that comes later is read like one that was there from the start.
#[tokio::test(flavor = "multi_thread")]
async fn a_contract_that_comes_later_is_read_too() {
    let mut place = Place::new(3).await;
    place.live(30).await;
    place.rig.node.mine(70).await;
    place.live(10).await;
    let all = place.rig.sources.clone();
    place.rig.sources.truncate(1);
    let test = testkit::database().await;
    let running = place.rig.start(&test.db);
    place.read(&test.db).await;
    running.kill().await;
    place.rig.sources = all;
    let _running = place.rig.start(&test.db);
    place.read(&test.db).await;
    assert_eq!(place.rig.digest(&test.db).await, place.fresh().await);
    place.rig.reorg(7, &[]).await;
    place.read(&test.db).await;
    assert_eq!(place.rig.digest(&test.db).await, place.fresh().await);
    place.compare(&test.db).await;
}

/// A node that lacks the state of a block is waited for: nothing is committed that it does not know.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_the_state_holds_the_index_and_makes_nothing_up() {
    let mut place = Place::new(4).await;
    place.rig.node.mine(70).await;
    place.rig.options.back_off_max = std::time::Duration::from_millis(100);
    let proxy = Proxy::before(&place.rig.node.endpoint).await;
    let test = testkit::database().await;
    let _running = place.rig.start_at(&test.db, place.rig.chain_at(vec![proxy.endpoint.clone()]));
    place.read(&test.db).await;
    let (rows, before) = (place.rows(&test.db).await, height(&test.db, &place.rig).await);
    proxy.refuse("eth_call", "missing trie node 1f (path ) state is not available");
    let call = transferCall { to: ACCOUNTS[1], value: U256::from(100) };
    place.rig.send(place.tokens[1], call.abi_encode()).await;
    eventually("three vain attempts", || async { (proxy.refused() > 3).then_some(()) }).await;
    assert_eq!(height(&test.db, &place.rig).await, before);
    assert_eq!(place.rows(&test.db).await, rows);
    proxy.be_honest();
    place.compare(&test.db).await;
    assert_ne!(place.rows(&test.db).await, rows);
}
