//! Signing in with contract accounts, on a real node: those that stand (ERC-1271), those that do not
//! yet (ERC-6492), and keys with code (EIP-7702).

use crate::{
    harness::{Api, CHAIN, Setup, body, problem, start_as},
    sign_in::{SESSIONS, personal, text},
    sponsored::{User, transact},
};
use alloy_primitives::{address, hex, keccak256};
use alloy_sol_types::{SolCall, SolValue, sol};
use chain::{Endpoint, EndpointOptions};
use serde_json::{Value, json};
use std::{
    io::Write,
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use testkit::{ACCOUNTS, Fault, FaultProxy, NodeOptions, Rule, TestNode};
use vocab::{Address, B256, Bytes};

const SOURCE: &str = r#"
pragma solidity ^0.8.20;
contract OneKey {
    address public owner;
    constructor(address owner_) { owner = owner_; }
    function hand(address to) external { owner = to; }
    function isValidSignature(bytes32 digest, bytes calldata signature)
        external view returns (bytes4)
    {
        if (signature.length != 65) return 0xffffffff;
        address signer = ecrecover(digest, uint8(signature[64]), bytes32(signature[:32]),
                                   bytes32(signature[32:64]));
        return signer != address(0) && signer == owner ? bytes4(0x1626ba7e) : bytes4(0xffffffff);
    }
}
contract Factory {
    function make(address owner, bytes32 salt) external { new OneKey{salt: salt}(owner); }
}
// What a key delegates to: it has no storage of its own, and trusts one other key.
contract Delegate {
    address immutable helper;
    constructor(address helper_) { helper = helper_; }
    function isValidSignature(bytes32 digest, bytes calldata signature)
        external view returns (bytes4)
    {
        if (signature.length != 65) return 0xffffffff;
        address signer = ecrecover(digest, uint8(signature[64]), bytes32(signature[:32]),
                                   bytes32(signature[32:64]));
        return signer == helper ? bytes4(0x1626ba7e) : bytes4(0xffffffff);
    }
}
contract Yes { fallback() external { assembly { mstore(0, shl(224, 0x1626ba7e)) return(0, 32) } } }
contract Burner { fallback() external { while (true) {} } }
contract Bomb { fallback() external { assembly { return(0, 5000000) } } }
"#;

sol! {
    function make(address owner, bytes32 salt) external;
    function hand(address to) external;
}

const NAMES: [&str; 6] = ["OneKey", "Factory", "Delegate", "Yes", "Burner", "Bomb"];

/// Creation code by name.
fn compiled() -> impl Fn(&str) -> Vec<u8> {
    let input = json!({
        "language": "Solidity", "sources": { "Test.sol": { "content": SOURCE } },
        "settings": { "outputSelection": { "*": { "*": ["evm.bytecode.object"] } } },
    });
    let mut solc = Command::new(testkit::tools().join("solc"))
        .arg("--standard-json")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    solc.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let output = solc.wait_with_output().unwrap().stdout;
    let built: Value = serde_json::from_slice(&output).unwrap();
    assert!(NAMES.iter().all(|name| built["contracts"]["Test.sol"][name].is_object()), "{built}");
    move |name| {
        let code = &built["contracts"]["Test.sol"][name]["evm"]["bytecode"]["object"];
        hex::decode(code.as_str().unwrap()).unwrap()
    }
}

async fn deploy(node: &TestNode, code: &[u8]) -> Address {
    let receipt = transact(node, ACCOUNTS[0], None, code).await;
    serde_json::from_value(receipt["contractAddress"].clone()).unwrap()
}

fn with_owner(code: Vec<u8>, owner: Address) -> Vec<u8> {
    [code, owner.abi_encode()].concat()
}

fn wrapped(factory: Address, data: &[u8], signature: &[u8]) -> Vec<u8> {
    let parts = (factory, Bytes::copy_from_slice(data), Bytes::copy_from_slice(signature));
    [parts.abi_encode_params(), [0x64, 0x92].repeat(16)].concat()
}

/// Sign in for `account`, with a signature made of the message.
async fn sign_in(api: &Api, account: Address, sign: impl Fn(&str) -> Vec<u8>) -> reqwest::Response {
    let message = api.challenge(account).await;
    api.open(&message, &sign(&message)).await
}

async fn signed_in(api: &Api, account: Address, sign: impl Fn(&str) -> Vec<u8>) -> Value {
    let tokens = body(sign_in(api, account, sign).await, 201).await;
    // What was opened works.
    let list = api.get_as(text(&tokens, "access_token"), SESSIONS).send().await.unwrap();
    assert_eq!(body(list, 200).await["items"][0]["address"], account.to_string());
    tokens["session"].clone()
}

async fn refused(api: &Api, account: Address, sign: impl Fn(&str) -> Vec<u8>) {
    let response = sign_in(api, account, sign).await;
    problem(response, "open_session", "wallet_signature_invalid").await;
}

fn setup(nodes: Vec<Endpoint>) -> Setup {
    Setup { nodes, ..Setup::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_accounts_sign_in_as_they_say() {
    let node = testkit::anvil(NodeOptions::default()).await;
    let api = start_as(setup(vec![node.endpoint.clone()])).await;
    let code = compiled();
    let (owner, other) = (User::new(7), User::new(8));
    let by = |user: &'static str| {
        let user = if user == "owner" { User::new(7) } else { User::new(8) };
        move |message: &str| personal(&user, message).to_vec()
    };

    // ERC-1271: the owner signs for the account, until it has another one.
    let account = deploy(&node, &with_owner(code("OneKey"), owner.address)).await;
    let session = signed_in(&api, account, by("owner")).await;
    assert_eq!((&session["contract"], &session["chain_id"]), (&json!(true), &json!(CHAIN)));
    assert_eq!(session["expires_at"], "2026-11-21T12:00:00.000Z", "a day, not a month");
    refused(&api, account, by("other")).await;
    refused(&api, account, |_| vec![0; 4_000]).await;
    transact(&node, ACCOUNTS[0], Some(account), &handCall { to: other.address }.abi_encode()).await;
    refused(&api, account, by("owner")).await;
    let again = signed_in(&api, account, by("other")).await;
    assert_eq!(again["principal_id"], session["principal_id"], "the account is the user");
    // The owner's own address is another user.
    let own = api.signed_in(&owner).await;
    assert_ne!(own["session"]["principal_id"], session["principal_id"]);

    // ERC-6492: the same before the account stands, and after.
    let factory = deploy(&node, &code("Factory")).await;
    let salt = B256::repeat_byte(1);
    let made = factory.create2(salt, keccak256(with_owner(code("OneKey"), owner.address)));
    let call = makeCall { owner: owner.address, salt }.abi_encode();
    let wrap = |user: &User, message: &str| wrapped(factory, &call, &personal(user, message));
    let before = signed_in(&api, made, |message| wrap(&owner, message)).await;
    assert_eq!(before["contract"], true);
    assert!(node.endpoint.code(made).await.unwrap().is_empty(), "nothing was deployed by asking");
    refused(&api, made, |message| wrap(&other, message)).await;
    refused(&api, made, |message| personal(&owner, message).to_vec()).await;
    // Another's factory call makes another account; one that does nothing makes none.
    refused(&api, made, |message| wrapped(factory, &[], &personal(&owner, message))).await;
    refused(&api, other.address, |message| wrap(&owner, message)).await;
    transact(&node, ACCOUNTS[0], Some(factory), &call).await;
    let after = signed_in(&api, made, |message| wrap(&owner, message)).await;
    assert_eq!(after["principal_id"], before["principal_id"]);
    signed_in(&api, made, by("owner")).await;
    // Where there is an account, the factory of a stranger's choosing is not called: it could hand
    // it to another owner.
    let hand = handCall { to: other.address }.abi_encode();
    refused(&api, made, |message| wrapped(made, &hand, &personal(&other, message))).await;

    // What answers strangely.
    let yes = deploy(&node, &code("Yes")).await;
    signed_in(&api, yes, |_| Vec::new()).await;
    for name in ["Burner", "Bomb"] {
        let hostile = deploy(&node, &code(name)).await;
        refused(&api, hostile, by("owner")).await;
        refused(&api, other.address, |message| wrapped(hostile, &[], &personal(&owner, message)))
            .await;
    }
    refused(&api, address!("0000000000000000000000000000000000000004"), by("owner")).await;
}

/// A key with code: its own signature counts as the key's, on every chain; what its code accepts
/// counts as a contract's, on this one.
#[tokio::test(flavor = "multi_thread")]
async fn a_delegated_key_signs_in_by_itself_and_by_its_code() {
    let node = testkit::anvil(NodeOptions {
        extra: vec!["--hardfork".to_owned(), "prague".to_owned()],
        ..NodeOptions::default()
    })
    .await;
    let api = start_as(setup(vec![node.endpoint.clone()])).await;
    let (user, helper) = (User::new(7), User::new(8));
    let code = compiled();
    let before = api.signed_in(&user).await["session"].clone();
    let delegate = deploy(&node, &with_owner(code("Delegate"), helper.address)).await;
    refused(&api, user.address, |message| personal(&helper, message).to_vec()).await;

    node.call("anvil_setBalance", json!([user.address, "0xde0b6b3a7640000"])).await;
    let sent = Command::new(testkit::tools().join("cast"))
        .args(["send", &ACCOUNTS[1].to_string(), "--auth", &delegate.to_string()])
        .args(["--private-key", &format!("0x{}", "07".repeat(32))])
        .args(["--rpc-url", &node.anvil.http_url()])
        .output()
        .unwrap();
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    let placed = node.endpoint.code(user.address).await.unwrap();
    assert_eq!(placed.as_ref(), [&[0xef, 0x01, 0x00][..], delegate.as_slice()].concat());

    let by_key = signed_in(&api, user.address, |message| personal(&user, message).to_vec()).await;
    assert_eq!(by_key["contract"], false);
    assert_eq!(by_key["principal_id"], before["principal_id"]);
    let by_code =
        signed_in(&api, user.address, |message| personal(&helper, message).to_vec()).await;
    assert_eq!(by_code["contract"], true);
    assert_ne!(by_code["principal_id"], before["principal_id"], "its code is not its key");
    refused(&api, user.address, |message| personal(&User::new(9), message).to_vec()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_must_say_so_and_a_slow_one_holds_nobody() {
    let node = testkit::anvil(NodeOptions::default()).await;
    let first = FaultProxy::start(&node.anvil.http_url()).await;
    let second = FaultProxy::start(&node.anvil.http_url()).await;
    let endpoint =
        |proxy: &FaultProxy| Endpoint::new(&proxy.http_url(), EndpointOptions::default()).unwrap();
    let api = start_as(setup(vec![endpoint(&first), endpoint(&second)])).await;
    let code = compiled();
    let owner = User::new(7);
    let account = deploy(&node, &with_owner(code("OneKey"), owner.address)).await;
    let message = api.challenge(account).await;
    let good = personal(&owner, &message);
    let bad = personal(&User::new(8), &message);

    // One node that says yes to everything decides nothing.
    let yes = Fault::Answer(json!(B256::with_last_byte(1)));
    second.add(Rule::new(yes).on("eth_call"));
    let response = api.open(&message, &bad).await;
    assert_eq!(response.headers()["retry-after"], "1");
    problem(response, "open_session", "signature_unchecked").await;
    second.heal();
    // One that never answers costs a few seconds.
    second.add(Rule::new(Fault::Swallow).on("eth_call"));
    let started = Instant::now();
    problem(api.open(&message, &good).await, "open_session", "signature_unchecked").await;
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    second.heal();
    // A key needs none of them.
    first.add(Rule::new(Fault::Drop));
    second.add(Rule::new(Fault::Drop));
    api.signed_in(&owner).await;
    problem(api.open(&message, &good).await, "open_session", "signature_unchecked").await;
    first.heal();
    second.heal();
    // The message was not spent by any of this.
    testkit::eventually("the nodes are trusted again", || async {
        (api.open(&message, &good).await.status() == 201).then_some(())
    })
    .await;
}
