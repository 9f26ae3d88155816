use abi::{Contract, NoFunction, builtin_error};
use alloy_primitives::{Address, B256, Bytes, U256, aliases::U96, hex};
use alloy_sol_types::{Revert, SolCall, SolError, sol};
use contracts::{StoaCollection, StoaCollectionFactory};
use proptest::prelude::*;
use serde_json::{Value, json};

fn known(name: &str) -> Contract {
    let artifact = contracts::REGISTRY.iter().find(|a| a.name == name).unwrap();
    Contract::parse(&artifact.abi()).unwrap()
}

fn encode(contract: &Contract, function: &str, args: &Value) -> Vec<u8> {
    contract.function(function).unwrap().encode(args, "/args").unwrap()
}

fn number(n: U256) -> Value {
    match u64::try_from(n) {
        Ok(small) if small <= abi::NUMBER_MAX && small % 2 == 0 => json!(small),
        _ => json!(n.to_string()),
    }
}

fn amounts() -> impl Strategy<Value = U256> {
    prop_oneof![any::<u64>().prop_map(U256::from), any::<[u8; 32]>().prop_map(U256::from_be_bytes)]
}

proptest! {
    /// The same bytes as the bindings that the compiler checked, and back to the same JSON.
    #[test]
    fn mint_batch_is_encoded_as_by_the_bindings(
        word in amounts(), mask in amounts(),
        to in prop::collection::vec(any::<[u8; 20]>(), 0..20),
        contents in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let contract = known("StoaCollection");
        let to: Vec<Address> = to.into_iter().map(Address::from).collect();
        let call = StoaCollection::mintBatchCall {
            word, mask, recipients: to.clone(), contents: contents.clone().into(),
        };
        let names: Vec<String> = to.iter().map(|a| a.to_checksum(None)).collect();
        let lower: Vec<String> = names.iter().map(|a| a.to_lowercase()).collect();
        let contents = hex::encode_prefixed(&contents);
        let ordered = json!([number(word), number(mask), lower, contents]);
        let input = encode(&contract, "mintBatch", &ordered);
        prop_assert_eq!(&input, &call.abi_encode());
        let called = contract.decode_call(&input).unwrap();
        prop_assert_eq!(&called.args["recipients"], &json!(names));
        prop_assert_eq!(encode(&contract, &called.signature, &called.args), input);
    }

    /// Structs by position and by name.
    #[test]
    fn create_collection_is_encoded_as_by_the_bindings(
        name in ".{0,40}", symbol in "[A-Z]{0,6}", admin in any::<[u8; 20]>(),
        minters in prop::collection::vec(any::<[u8; 20]>(), 0..5), bps in 0u32..10_000,
        mode in 0u8..3, salt in any::<[u8; 32]>(),
    ) {
        let contract = known("StoaCollectionFactory");
        let (admin, salt) = (Address::from(admin), B256::from(salt));
        let minters: Vec<Address> = minters.into_iter().map(Address::from).collect();
        let init = StoaCollectionFactory::CollectionInit {
            name: name.clone(), symbol: symbol.clone(), contractURI: String::new(),
            baseURI: "ipfs://x".to_owned(), admin, minters: minters.clone(),
            trustedForwarder: Address::ZERO, royaltyReceiver: admin, royaltyBps: U96::from(bps),
            contentMode: mode,
        };
        let expected = StoaCollectionFactory::createCollectionCall { init, salt }.abi_encode();
        let minters: Vec<String> = minters.iter().map(ToString::to_string).collect();
        let init = json!({
            "name": name, "symbol": symbol, "contractURI": "", "baseURI": "ipfs://x",
            "admin": admin, "minters": minters, "trustedForwarder": Address::ZERO,
            "royaltyReceiver": admin, "royaltyBps": bps, "contentMode": mode.to_string(),
        });
        let by_name = json!({ "init": init, "salt": salt });
        prop_assert_eq!(encode(&contract, "createCollection", &by_name), expected.clone());
        let flat = json!([
            [name, symbol, "", "ipfs://x", admin, minters, Address::ZERO, admin, bps, mode], salt
        ]);
        prop_assert_eq!(encode(&contract, "createCollection", &flat), expected.clone());
        let called = contract.decode_call(&expected).unwrap();
        prop_assert_eq!(encode(&contract, &called.function, &called.args), expected);
    }

    /// No bytes from outside make decoding fail otherwise than by saying no.
    #[test]
    fn any_bytes_are_decoded_or_not(selector in 0usize..60, data in any::<Vec<u8>>()) {
        let contract = known("StoaCollection");
        let count = contract.functions().count();
        let function = contract.functions().nth(selector % count).unwrap();
        let input = [function.selector().as_slice(), &data].concat();
        let _ = contract.decode_call(&input);
        let _ = contract.decode_error(&input);
        let _ = builtin_error(&input);
        let _ = function.decode_answer(&data);
    }
}

sol! {
    interface Odd {
        function f(int8 a, int256 b, bytes3 c, bool d, uint8[2][] e, string f, bytes g);
        function overloaded(uint256 a);
        function overloaded(address a);
        error Broke(uint256 why, string text);
    }
}

fn odd() -> Contract {
    let params = |types: &[(&str, &str)]| -> Value {
        types.iter().map(|(name, ty)| json!({ "name": name, "type": ty })).collect()
    };
    let function = |name: &str, inputs: Value| {
        json!({ "type": "function", "name": name, "inputs": inputs, "outputs": [],
                "stateMutability": "nonpayable" })
    };
    let all = params(&[
        ("a", "int8"),
        ("b", "int256"),
        ("c", "bytes3"),
        ("d", "bool"),
        ("e", "uint8[2][]"),
        ("f", "string"),
        ("g", "bytes"),
    ]);
    Contract::parse(&json!([
        function("f", all),
        function("overloaded", params(&[("a", "uint256")])),
        function("overloaded", params(&[("", "address")])),
        { "type": "error", "name": "Broke",
          "inputs": params(&[("why", "uint256"), ("text", "string")]) },
        { "type": "event", "name": "E", "inputs": [], "anonymous": false },
        { "type": "constructor", "inputs": [], "stateMutability": "nonpayable" },
    ]))
    .unwrap()
}

#[test]
fn every_type_is_encoded() {
    let expected = Odd::fCall {
        a: -128,
        b: alloy_primitives::I256::MIN,
        c: [1, 2, 3].into(),
        d: true,
        e: vec![[1, 255], [0, 7]],
        f: "é".to_owned(),
        g: Bytes::from_static(&[9]),
    };
    let lowest = alloy_primitives::I256::MIN.to_string();
    let args = json!([-128, lowest, "0x010203", true, [[1, "255"], [0, 7]], "é", "0x09"]);
    assert_eq!(encode(&odd(), "f", &args), expected.abi_encode());
}

#[test]
fn each_fault_names_its_place() {
    let contract = odd();
    let good = json!({
        "a": 1, "b": "1", "c": "0x010203", "d": true, "e": [[1, 2]], "f": "x", "g": "0x"
    });
    assert!(contract.function("f").unwrap().encode(&good, "/args").is_ok());
    let cases = [
        ("a", json!(128), "/args/a", "outside of int8"),
        ("a", json!("-129"), "/args/a", "outside of int8"),
        ("a", json!(1.5), "/args/a", "an integer"),
        ("b", json!(9_007_199_254_740_993u64), "/args/b", "give it as a string"),
        ("b", json!("1e3"), "/args/b", "an integer"),
        ("b", json!(""), "/args/b", "an integer"),
        ("b", json!("0x10"), "/args/b", "an integer"),
        ("c", json!("0x0102"), "/args/c", "3 bytes are needed, 2"),
        ("c", json!("010203"), "/args/c", "bytes: `0x`"),
        ("d", json!("true"), "/args/d", "true or false"),
        ("d", json!(1), "/args/d", "true or false"),
        ("e", json!([[1, 2, 3]]), "/args/e/0", "2 elements are needed, not 3"),
        ("e", json!([[1, 2], [0, 256]]), "/args/e/1/1", "outside of uint8"),
        ("e", json!([[1, -2]]), "/args/e/0/1", "outside of uint8"),
        ("e", json!("x"), "/args/e", "an array of uint8[2]"),
        ("f", json!(null), "/args/f", "a string"),
        ("g", json!("0x0"), "/args/g", "an even number"),
        ("h~/", json!(1), "/args/h~0~1", "no such parameter"),
    ];
    for (name, value, pointer, detail) in cases {
        let mut args = good.clone();
        args[name] = value.clone();
        let faults = contract.function("f").unwrap().encode(&args, "/args").unwrap_err();
        assert_eq!(faults.len(), 1, "{name} {value}: {faults:?}");
        assert_eq!(faults[0].pointer, pointer);
        assert!(faults[0].detail.contains(detail), "{name} {value}: {faults:?}");
    }
    let all_at_once = contract.function("f").unwrap().encode(&json!({}), "/args").unwrap_err();
    assert_eq!(all_at_once.len(), 7, "{all_at_once:?}");
    for (args, pointer) in [(json!([1]), "/args"), (json!("x"), "/args"), (json!(null), "/args")] {
        let faults = contract.function("f").unwrap().encode(&args, "/args").unwrap_err();
        assert_eq!(faults[0].pointer, pointer);
    }
}

#[test]
fn functions_are_found_by_name_or_signature() {
    let contract = odd();
    assert_eq!(contract.function("f").unwrap().name(), "f");
    let by_address = contract.function("overloaded( address )").unwrap();
    assert_eq!(by_address.signature(), "overloaded(address)");
    let unnamed = by_address.encode(&json!({ "a": Address::ZERO }), "/args").unwrap_err();
    assert!(unnamed[0].detail.contains("in order"), "{unnamed:?}");
    let both = vec!["overloaded(uint256)".to_owned(), "overloaded(address)".to_owned()];
    assert_eq!(contract.function("overloaded").unwrap_err(), NoFunction::Ambiguous(both));
    for text in ["g", "f()", "", "f(int8", "overloaded(bool)"] {
        assert_eq!(contract.function(text).unwrap_err(), NoFunction::Unknown, "{text}");
    }
}

#[test]
fn errors_are_named() {
    let broke = Odd::Broke { why: U256::from(7), text: "so".to_owned() };
    let failed = odd().decode_error(&broke.abi_encode()).unwrap();
    assert_eq!(failed.signature, "Broke(uint256,string)");
    assert_eq!(failed.args, json!({ "why": "7", "text": "so" }));
    let cut = odd().decode_error(&broke.abi_encode()[..20]).unwrap();
    assert_eq!((cut.name.as_str(), cut.args), ("Broke", Value::Null));
    assert_eq!(odd().decode_error(&[1, 2, 3, 4]), None);
    let said = builtin_error(&Revert::from("no way").abi_encode()).unwrap();
    assert_eq!((said.name.as_str(), said.args), ("Error", json!(["no way"])));
    let panic = alloy_sol_types::Panic::from(0x11u64).abi_encode();
    assert_eq!(builtin_error(&panic).unwrap().args, json!(["17"]));
}

#[test]
fn every_known_contract_is_readable() {
    for artifact in contracts::REGISTRY {
        let contract = Contract::parse(&artifact.abi()).unwrap();
        assert!(contract.functions().count() > 0, "{}", artifact.name);
    }
}

#[test]
fn a_bare_signature_has_a_selector_in_its_canonical_form_only() {
    let known = [
        ("transfer(address,uint256)", [0xa9, 0x05, 0x9c, 0xbb]),
        ("balanceOf(address)", [0x70, 0xa0, 0x82, 0x31]),
        ("totalSupply()", [0x18, 0x16, 0x0d, 0xdd]),
        ("multicall(bytes[])", [0xac, 0x96, 0x50, 0xd8]),
        ("aggregate((address,bytes)[])", [0x25, 0x2d, 0xba, 0x42]),
    ];
    for (signature, selector) in known {
        assert_eq!(abi::selector_of(signature), Some(selector), "{signature}");
    }
    let none = [
        "",
        "transfer",
        "(address)",
        "transfer(address, uint256)",
        "transfer(address to,uint256 amount)",
        "transfer(address,uint)",
        "transfer(address,uint256",
        "transfer(address,uint256)[]",
        "transfer(adress)",
        "1f()",
        "f(((((((((((uint256)))))))))))",
    ];
    for signature in none {
        assert_eq!(abi::selector_of(signature), None, "{signature}");
    }
}
