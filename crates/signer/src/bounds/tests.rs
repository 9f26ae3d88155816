use std::collections::BTreeMap;

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, I256, U256};
use proptest::prelude::*;

use super::{BoundFile, Bounds};
use crate::calldata::FunctionRule;

const SIGNATURE: &str = "f(uint256 amount, int64 delta, address to, address[] all, \
                         (uint256,address)[] items, bytes data, string note, bytes4 tag, bool on)";
const OWN: Address = Address::repeat_byte(0xaa);

fn parse(text: &str) -> Result<Bounds, String> {
    let file: BTreeMap<String, BoundFile> = toml::from_str(text).map_err(|e| e.to_string())?;
    Bounds::parse(&FunctionRule::parse(SIGNATURE).unwrap().arguments(), file)
}

fn address(byte: u8) -> DynSolValue {
    DynSolValue::Address(Address::repeat_byte(byte))
}

fn uint(value: u64) -> DynSolValue {
    DynSolValue::Uint(U256::from(value), 256)
}

fn values() -> Vec<DynSolValue> {
    let item = |amount, to| DynSolValue::Tuple(vec![uint(amount), address(to)]);
    let tag = alloy_primitives::B256::right_padding_from(&[1, 2, 3, 4]);
    vec![
        uint(100),
        DynSolValue::Int(I256::try_from(-7).unwrap(), 64),
        DynSolValue::Address(OWN),
        DynSolValue::Array(vec![address(1), address(2)]),
        DynSolValue::Array(vec![item(5, 1), item(9, 0xaa)]),
        DynSolValue::Bytes(vec![1; 10]),
        DynSolValue::String("note".to_owned()),
        DynSolValue::FixedBytes(tag, 4),
        DynSolValue::Bool(true),
    ]
}

#[test]
fn each_kind_of_bound_holds_at_its_edge_and_not_beyond() {
    let [one, two] = [1, 2].map(Address::repeat_byte);
    let cases: &[(&str, Option<&str>)] = &[
        ("", None),
        ("amount.max = '100'", None),
        ("amount.max = 100", None),
        ("amount.max = '99'", Some("amount: 100 is above 99")),
        ("amount.min = '0x64'", None),
        ("amount.min = '101'", Some("amount: 100 is below 101")),
        ("amount = { min = '1', max = '99' }", Some("above 99")),
        ("amount = { in = ['99', 100] }", None),
        ("amount = { in = ['99', 101] }", Some("amount: 100 is not listed")),
        ("amount.equal = '100'", None),
        ("amount.equal = '101'", Some("not listed")),
        ("0.max = '99'", Some("above 99")),
        ("delta.min = '-7'", None),
        ("delta.min = -6", Some("delta: -7 is below -6")),
        ("delta.max = '-8'", Some("above -8")),
        ("to.equal = 'self'", None),
        ("to.in = ['self', '0x0101010101010101010101010101010101010101']", None),
        ("to.in = ['0x0101010101010101010101010101010101010101']", Some("is not listed")),
        ("all.length_max = 2", None),
        ("all.length_max = 1", Some("all: length 2 is above 1")),
        ("all.length_min = 3", Some("length 2 is below 3")),
        (&format!("'all.*'.in = ['{one}', '{two}']"), None),
        (&format!("'all.*'.in = ['{one}']"), Some("all.* (item 1)")),
        ("'all.*'.equal = 'self'", Some("item 0")),
        (&format!("'all.1'.equal = '{two}'"), None),
        (&format!("'all.2'.equal = '{two}'"), Some("there is no item 2")),
        ("'items.*.0'.max = '9'", None),
        ("'items.*.0'.max = '8'", Some("(item 1): 9 is above 8")),
        ("'items.1.1'.equal = 'self'", None),
        ("'items.0.1'.equal = 'self'", Some("not listed")),
        ("items.length_max = 1", Some("length 2")),
        ("data.length_max = 10", None),
        ("data.length_max = 9", Some("length 10")),
        ("data.equal = '0x01010101010101010101'", None),
        ("data.equal = '0x'", Some("not listed")),
        ("note.in = ['x', 'note']", None),
        ("note.equal = 'Note'", Some("not listed")),
        ("tag.equal = '0x01020304'", None),
        ("tag.equal = '0x01020305'", Some("tag: 0x01020304 is not listed")),
        ("on.equal = true", None),
        ("on.equal = false", Some("on: true")),
        ("amount.max = '100'\ndelta.max = '-8'", Some("delta")),
    ];
    for (text, expected) in cases {
        let bounds = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let judged = bounds.check(&values(), OWN);
        match expected {
            None => assert_eq!(judged, Ok(()), "{text}"),
            Some(part) => {
                let reason = judged.expect_err(text);
                assert!(reason.contains(part), "{text}: {reason}");
            }
        }
    }
}

#[test]
fn bounds_that_fit_no_value_are_refused_when_read() {
    let cases = [
        ("nobody.max = '1'", "no \"nobody\""),
        ("9.max = '1'", "there is no"),
        ("00.max = '1'", "there is no"),
        ("'amount.0'.max = '1'", "there is no"),
        ("'all.each'.equal = 'self'", "there is no"),
        ("'*'.max = '1'", "there is no"),
        ("''.max = '1'", "there is no"),
        ("'items.*.2'.max = '1'", "there is no"),
        ("amount = {}", "bounds nothing"),
        ("amount.max = '-1'", "integers"),
        ("amount.max = 1.5", "integers"),
        ("amount.max = '1e3'", "integers"),
        ("amount = { min = '2', max = '1' }", "min is above max"),
        ("amount.length_max = 1", "have a length"),
        ("amount.equal = 'self'", "a listed value"),
        ("amount.in = []", "empty list"),
        ("to.max = '1'", "integers only"),
        ("to.equal = '0x01'", "no address"),
        ("to.equal = '0x5FbDB2315678afecb367f032d93F642f64180aA3'", "checksum"),
        ("all.equal = []", "by their parts"),
        ("items.max = '1'", "integers only"),
        ("all = { length_min = 2, length_max = 1 }", "length_min is above"),
        ("amount.maximum = '1'", "unknown field"),
        ("tag.equal = '0x010203'", "a listed value"),
    ];
    for (text, expected) in cases {
        let error = parse(text).map(|_| ()).expect_err(text);
        assert!(error.contains(expected), "{text}: {error}");
    }
}

proptest! {
    /// A range allows exactly its numbers, wherever they stand.
    #[test]
    fn a_range_allows_what_lies_in_it(
        a in any::<[u8; 32]>(), b in any::<[u8; 32]>(), asked in any::<[u8; 32]>(),
        near in 0u8..5,
    ) {
        let [a, b, mut asked] = [a, b, asked].map(U256::from_be_bytes);
        let (min, max) = (a.min(b), a.max(b));
        // Random numbers hardly ever lie at an edge.
        asked = match near {
            0 => min,
            1 => max,
            2 => min.saturating_sub(U256::ONE),
            3 => max.saturating_add(U256::ONE),
            _ => asked,
        };
        let text = format!("amount = {{ min = '{min}', max = '{max}' }}");
        let mut all = values();
        all[0] = DynSolValue::Uint(asked, 256);
        let inside = min <= asked && asked <= max;
        prop_assert_eq!(parse(&text).unwrap().check(&all, OWN).is_ok(), inside);
        // The same inside a list of tuples: one item out of bounds is enough.
        let text = format!("'items.*.0' = {{ min = '{min}', max = '{max}' }}");
        let tuple = |n| DynSolValue::Tuple(vec![DynSolValue::Uint(n, 256), address(1)]);
        all[4] = DynSolValue::Array(vec![tuple(min), tuple(asked), tuple(max)]);
        prop_assert_eq!(parse(&text).unwrap().check(&all, OWN).is_ok(), inside);
    }

    #[test]
    fn a_signed_range_allows_what_lies_in_it(
        a in any::<i64>(), b in any::<i64>(), asked in any::<i64>(),
    ) {
        let (min, max) = (a.min(b), a.max(b));
        let text = format!("delta = {{ min = '{min}', max = '{max}' }}");
        for asked in [asked, min, max, min.saturating_sub(1), max.saturating_add(1)] {
            let mut all = values();
            all[1] = DynSolValue::Int(I256::try_from(asked).unwrap(), 64);
            let inside = (min..=max).contains(&asked);
            prop_assert_eq!(parse(&text).unwrap().check(&all, OWN).is_ok(), inside);
        }
    }

    #[test]
    fn a_list_of_addresses_allows_its_members_only(
        listed in proptest::collection::vec(0u8..8, 1..5),
        asked in proptest::collection::vec(0u8..8, 0..6),
        own in any::<bool>(),
    ) {
        let mut names: Vec<String> =
            listed.iter().map(|byte| format!("'{}'", Address::repeat_byte(*byte))).collect();
        if own {
            names.push("'self'".to_owned());
        }
        let bounds = parse(&format!("'all.*'.in = [{}]", names.join(","))).unwrap();
        let mut all = values();
        all[3] = DynSolValue::Array(asked.iter().map(|byte| address(*byte)).collect());
        let inside = |byte: &u8| listed.contains(byte) || (own && *byte == 0);
        let judged = bounds.check(&all, Address::repeat_byte(0)).is_ok();
        prop_assert_eq!(judged, asked.iter().all(inside));
    }
}
