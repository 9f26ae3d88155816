//! Balances and owners against what contracts say of themselves.

use crate::{
    followed::TRANSFER,
    rebuild::{SMALL, register},
    rig::{self, Rig},
    solidity::compile,
    speaker::{self, Told, topic, word},
};
use alloy_primitives::{Address, U256, address};
use alloy_sol_types::{SolCall, sol};
use db::index_samples::Sample;
use projections::{
    Source, Standard,
    rebuild::{self, SpotChecked, Subject},
};
use serde_json::json;
use testkit::ACCOUNTS;

pub const MULTICALL: Address = address!("cA11bde05977b3631167028862bE2a173976CA11");
/// A token whose owner may take from it and tell nobody.
const SOURCE: &str = "
contract Taken {
    mapping(address => uint256) public balanceOf;
    event Transfer(address indexed from, address indexed to, uint256 value);
    function mint(address to, uint256 value) external {
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }
    function take(address from, uint256 value) external { balanceOf[from] -= value; }
}";

sol! {
    function mint(address to, uint256 value);
    function take(address from, uint256 value);
}

async fn checked(rig: &Rig, db: &db::Db) -> SpotChecked {
    let verdict = rebuild::verify(db, &Subject::all(), (100, 1), SMALL, &mut |_| {}).await.unwrap();
    assert!(verdict.is_equal(), "{verdict:?}");
    let [found] = verdict.chains.as_slice() else { panic!("{verdict:?}") };
    rebuild::spot_check(&rig.chain(), found.block, &found.samples).await.unwrap()
}

/// By single calls and by Multicall3: what is so is confirmed, a silent change and a contract that
/// makes logs up are found.
#[tokio::test(flavor = "multi_thread")]
async fn contracts_that_do_not_tell_the_truth_are_found() {
    let compiled = compile(SOURCE);
    let together = compiled.deployed("Together");
    let mut rig = Rig::new().await;
    let token = rig::deploy(&rig.node, compiled.creation("Taken")).await;
    let liar = speaker::deploy(&rig).await;
    rig.sources =
        vec![Source::new(token, Standard::Erc20, 1), Source::new(liar, Standard::Erc721, 1)];
    let mut collection = rig.create(1).await;
    rig.mint(&mut collection, 3).await;
    for account in ACCOUNTS {
        let call = mintCall { to: account, value: U256::from(1_000) };
        rig.send(token, call.abi_encode()).await;
    }
    let test = testkit::database().await;
    register(&rig, &test.db).await;
    let _running = rig.start(&test.db);
    for code in [json!("0x"), together] {
        rig.node.call("anvil_setCode", json!([MULTICALL, code])).await;
        rig.node.mine(1).await;
        rig.indexed(&test.db).await;
        let known = if code == "0x" { 0 } else { 2 };
        let spot = checked(&rig, &test.db).await;
        assert_eq!(spot.asked, 4 + 3 + known / 2, "{spot:?}");
        assert_eq!(spot.mismatches.len(), known, "{spot:?}");
        assert_eq!(spot.together, if code == "0x" { 0 } else { spot.asked }, "{spot:?}");
        if known > 0 {
            break;
        }
        let taken = takeCall { from: ACCOUNTS[2], value: U256::from(1) };
        rig.send(token, taken.abi_encode()).await;
        let told = Told::new(TRANSFER, &[topic(0), topic(0xabc), topic(5)], vec![]);
        speaker::say(&rig, liar, &[told]).await;
        rig.indexed(&test.db).await;
        let spot = checked(&rig, &test.db).await;
        let wrong = |contract: Address| {
            let mut all = spot.mismatches.iter();
            all.find(|found| found.sample.contract == contract).cloned().unwrap()
        };
        let Sample { account, balance, .. } = wrong(token).sample;
        assert_eq!((account, balance), (ACCOUNTS[2], U256::from(1_000)));
        assert_eq!(wrong(token).said.as_deref(), Some("999"));
        assert_eq!(wrong(liar).said, None);
        assert_eq!(word(5), wrong(liar).sample.token_id.to_be_bytes_vec());
        assert_eq!(spot.mismatches.len(), 2, "{spot:?}");
    }
}
