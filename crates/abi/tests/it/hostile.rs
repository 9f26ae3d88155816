use abi::Contract;
use alloy_primitives::U256;
use serde_json::{Value, json};

fn with(ty: &str, components: Value) -> Value {
    json!([{ "type": "function", "name": "f", "outputs": [], "stateMutability": "view",
             "inputs": [{ "name": "a", "type": ty, "components": components }] }])
}

fn nested(depth: usize) -> Value {
    let mut components = json!([{ "name": "x", "type": "uint256" }]);
    for _ in 0..depth {
        components = json!([{ "name": "x", "type": "tuple", "components": components }]);
    }
    components
}

#[test]
fn abis_that_make_no_sense_are_refused() {
    let many: Vec<Value> =
        (0..=abi::ABI_ITEMS_MAX).map(|_| json!({ "type": "fallback" })).collect();
    let wide: Vec<Value> = (0..65).map(|_| json!({ "name": "", "type": "bool" })).collect();
    let cases = [
        (json!({ "abi": [] }), ""),
        (json!("[]"), ""),
        (json!(many), ""),
        (json!([1]), "/0"),
        (json!([{ "type": "function" }]), "/0"),
        (json!([{ "type": "spell", "name": "f", "inputs": [], "outputs": [] }]), "/0"),
        (json!([{ "type": "function", "name": "no name", "inputs": [], "outputs": [] }]), "/0"),
        (json!([{ "type": "error", "name": "E", "inputs": wide }]), "/0"),
        (with("uint7", json!([])), "/0"),
        (with("uint256[0]", json!([])), "/0"),
        (with("uint256[1025]", json!([])), "/0"),
        (with("uint256[99999999999999999999999]", json!([])), "/0"),
        (with("uint256[][][][][][][][][]", json!([])), "/0"),
        (with("tuple", json!([])), "/0"),
        (with("tuple", nested(8)), "/0"),
        (with("function", json!([])), "/0"),
        (with("fixed128x18", json!([])), "/0"),
    ];
    for (abi, pointer) in cases {
        let faults = Contract::parse(&abi).unwrap_err();
        assert_eq!(faults[0].pointer, pointer, "{abi}: {faults:?}");
    }
    let twice = with("bool", json!([]));
    let twice = json!([twice[0], twice[0]]);
    assert_eq!(Contract::parse(&twice).unwrap_err()[0].pointer, "/1");
    assert!(Contract::parse(&with("tuple[2][]", nested(4))).is_ok());
}

/// Offsets of an array's parts may all point at one place: a few words that would decode into
/// 40⁵ elements.
#[test]
fn answers_that_fold_into_themselves_are_left_alone() {
    let abi = json!([{ "type": "function", "name": "f", "inputs": [], "stateMutability": "view",
                       "outputs": [{ "name": "", "type": "uint256[][][][][]" }] }]);
    let contract = Contract::parse(&abi).unwrap();
    let count = 40u64;
    let mut words = vec![U256::from(32)];
    for _ in 0..5 {
        words.push(U256::from(count));
        words.extend((0..count).map(|_| U256::from(count * 32)));
    }
    let data: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes::<32>()).collect();
    assert_eq!(contract.function("f").unwrap().decode_answer(&data), None);
}

#[test]
fn deep_arguments_are_refused_where_they_are() {
    let contract = Contract::parse(&with("uint256[][]", json!([]))).unwrap();
    let mut deep = json!(1);
    for _ in 0..60 {
        deep = json!([deep]);
    }
    let faults = contract.function("f").unwrap().encode(&json!([deep]), "/args").unwrap_err();
    assert_eq!(faults[0].pointer, "/args/0/0/0");
    let broad: Vec<Value> = (0..1_000).map(|_| json!("x")).collect();
    let faults = contract.function("f").unwrap().encode(&json!([[broad]]), "/args").unwrap_err();
    assert_eq!(faults.len(), 20, "not one for each");
}
