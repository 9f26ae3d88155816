use alloy_dyn_abi::{DynSolType, DynSolValue, JsonAbiExt};
use alloy_primitives::{Address, B256, I256, U256, hex};
use proptest::prelude::*;

use super::FunctionRule;

fn word(number: u64) -> String {
    format!("{number:064x}")
}

fn check(signature: &str, words: &[String]) -> Result<(), String> {
    let arguments = hex::decode(words.concat()).unwrap();
    FunctionRule::parse(signature).unwrap().decode(&arguments).map(|_| ())
}

#[test]
fn only_the_canonical_encoding_passes() {
    let full = "f".repeat(64);
    let text = |bytes: &str| format!("{bytes:0<64}");
    let cases: &[(&str, &[String], Option<&str>)] = &[
        ("f()", &[], None),
        ("f()", &[word(0)], Some("after the arguments")),
        ("f(uint256)", &[word(7)], None),
        ("f(uint256)", &[], Some("too early")),
        ("f(uint256)", &[word(7)[..62].to_owned()], Some("too early")),
        ("f(uint256)", &[word(7), "00".to_owned()], Some("after the arguments")),
        ("f(uint8)", &[word(255)], None),
        ("f(uint8)", &[word(256)], Some("outside")),
        ("f(int8)", &[word(127)], None),
        ("f(int8)", &[word(128)], Some("outside")),
        ("f(int16)", &[word(0x8000)], Some("outside")),
        ("f(int256)", std::slice::from_ref(&full), None),
        ("f(uint256)", std::slice::from_ref(&full), None),
        ("f(uint8[2])", &[word(1), word(256)], Some("outside")),
        ("f((uint8,bool),bool)", &[word(1), word(1), word(2)], Some("outside")),
        ("f((uint8,bool),bool)", &[word(1), word(2), word(1)], Some("outside")),
        ("f(bool[])", &[word(32), word(2), word(1), word(2)], Some("outside")),
        ("f(function)", &[word(1)], Some("outside")),
        ("f(bytes32)", std::slice::from_ref(&full), None),
        ("f(int8)", std::slice::from_ref(&full), None),
        ("f(address)", std::slice::from_ref(&full), Some("outside")),
        ("f(bool)", &[word(2)], Some("outside")),
        ("f(bytes4)", &[word(1)], Some("outside")),
        ("f(bytes)", &[word(32), word(3), text("010203")], None),
        ("f(bytes)", &[word(32), word(3), text("01020304")], Some("padding")),
        ("f(bytes)", &[word(32), word(0)], None),
        ("f(string)", &[word(32), word(1), text("ff")], Some("not canonically")),
        ("f(bytes)", &[word(32), word(33), full.clone()], Some("too early")),
        ("f(bytes)", &[word(64), word(0), word(0)], Some("offset")),
        ("f(bytes)", std::slice::from_ref(&full), Some("too large")),
        ("f(bytes)", &[word(32), full.clone()], Some("too large")),
        ("f(bytes)", &[word(32), word(u64::MAX)], Some("too early")),
        ("f(uint256[])", &[word(32), word(2), word(1), word(2)], None),
        ("f(uint256[])", &[word(32), word(1), word(1), word(2)], Some("after the arguments")),
        ("f(uint256[])", &[word(32), word(u64::MAX)], Some("too early")),
        ("f((uint8,bytes)[])", &[word(32), word(1), word(32), word(9), word(64), word(0)], None),
        // Both parts point at the same tail.
        ("f(bytes,bytes)", &[word(64), word(64), word(0)], Some("offset")),
        // Tails in the wrong order.
        (
            "f(bytes,bytes)",
            &[word(128), word(64), word(1), text("bb"), word(1), text("aa")],
            Some("offset"),
        ),
    ];
    for (signature, words, expected) in cases {
        let judged = check(signature, words);
        match expected {
            None => assert_eq!(judged, Ok(()), "{signature} {words:?}"),
            Some(part) => {
                let reason = judged.expect_err(signature);
                assert!(reason.contains(part), "{signature} {words:?}: {reason} without {part}");
            }
        }
    }
}

/// 16,000 pointers at one array of 16,000 pointers would decode into 2^28 values.
#[test]
fn overlapping_offsets_cost_no_more_than_their_bytes() {
    let count = 1000u64;
    let mut words = vec![word(32), word(count)];
    words.extend((0..count).map(|_| word(32 * count)));
    words.push(word(count));
    words.extend((0..count).map(|_| word(32 * count)));
    words.push(word(count));
    words.extend((0..count).map(word));
    assert!(check("f(uint256[][][])", &words).unwrap_err().contains("offset"));
}

#[test]
fn unusable_signatures_are_refused() {
    for signature in
        ["", "f", "f(", "f(uint257)", "f(Foo)", "f(uint256[0])", "f(()[])", "f(uint256[0][])"]
    {
        assert!(FunctionRule::parse(signature).is_err(), "{signature}");
    }
    let rule = FunctionRule::parse("transfer(address,uint256)").unwrap();
    assert_eq!(rule.selector(), [0xa9, 0x05, 0x9c, 0xbb]);
}

fn types() -> impl Strategy<Value = DynSolType> {
    let leaf = prop_oneof![
        Just(DynSolType::Bool),
        Just(DynSolType::Address),
        Just(DynSolType::Uint(256)),
        Just(DynSolType::Uint(8)),
        Just(DynSolType::Int(64)),
        Just(DynSolType::FixedBytes(7)),
        Just(DynSolType::Bytes),
        Just(DynSolType::String),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|part| DynSolType::Array(Box::new(part))),
            (inner.clone(), 1usize..3)
                .prop_map(|(part, count)| DynSolType::FixedArray(Box::new(part), count)),
            proptest::collection::vec(inner, 1..3).prop_map(DynSolType::Tuple),
        ]
    })
}

/// A value of the type, made of the numbers `seed` yields.
fn value(part: &DynSolType, seed: &mut impl FnMut() -> u64) -> DynSolValue {
    match part {
        DynSolType::Bool => DynSolValue::Bool(seed() & 1 == 1),
        DynSolType::Address => DynSolValue::Address(Address::repeat_byte(seed() as u8)),
        DynSolType::Uint(8) => DynSolValue::Uint(U256::from(seed() as u8), 8),
        DynSolType::Uint(bits) => DynSolValue::Uint(U256::from(seed()), *bits),
        DynSolType::Int(bits) => DynSolValue::Int(I256::try_from(seed() as i32).unwrap(), *bits),
        DynSolType::FixedBytes(size) => {
            let mut bytes = [0; 32];
            bytes[..*size].fill(seed() as u8);
            DynSolValue::FixedBytes(B256::from(bytes), *size)
        }
        DynSolType::Bytes => DynSolValue::Bytes(vec![seed() as u8; (seed() % 70) as usize]),
        DynSolType::String => DynSolValue::String("x".repeat((seed() % 70) as usize)),
        DynSolType::Array(inner) => {
            let count = seed() % 4;
            DynSolValue::Array((0..count).map(|_| value(inner, seed)).collect())
        }
        DynSolType::FixedArray(inner, count) => {
            DynSolValue::FixedArray((0..*count).map(|_| value(inner, seed)).collect())
        }
        DynSolType::Tuple(parts) => {
            DynSolValue::Tuple(parts.iter().map(|part| value(part, seed)).collect())
        }
        other => panic!("not generated: {other}"),
    }
}

proptest! {
    #[test]
    fn what_the_encoder_writes_passes_and_no_other_byte_string_of_that_meaning(
        parts in proptest::collection::vec(types(), 0..4),
        mut state in any::<u64>(),
        at in any::<prop::sample::Index>(),
        flip in 1u8..,
    ) {
        let mut seed = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state >> 33
        };
        let values: Vec<_> = parts.iter().map(|part| value(part, &mut seed)).collect();
        let names: Vec<_> = parts.iter().map(|part| part.sol_type_name().into_owned()).collect();
        let rule = FunctionRule::parse(&format!("f({})", names.join(","))).unwrap();
        let mut encoded = rule.function.abi_encode_input_raw(&values).unwrap();
        let decoded = rule.decode(&encoded);
        prop_assert_eq!(decoded.as_ref(), Ok(&values));

        encoded.push(0);
        prop_assert!(rule.decode(&encoded).is_err());
        encoded.pop();
        if !encoded.is_empty() {
            let at = at.index(encoded.len());
            encoded[at] ^= flip;
            // A changed byte is refused, or it is another value in its one encoding.
            if rule.decode(&encoded).is_ok() {
                let decoded = rule.function.abi_decode_input(&encoded).unwrap();
                prop_assert!(decoded != values);
            }
            encoded.truncate(at);
            prop_assert!(rule.decode(&encoded).is_err());
        }
    }
}
