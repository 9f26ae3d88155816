use alloy_primitives::{Address, B256, Bytes, U256, address, b256, hex};
use alloy_sol_types::{Eip712Domain, SolStruct, sol};
use serde_json::{Value, json};

use super::{domain_separator, parse_type, signing_hash, word};
use crate::{shape::Shape, wire::TypedDomain};

const MAIL: &str = "Mail(Person from,Person to,string contents)Person(string name,address wallet)";

fn hash(of: &str, message: &Value) -> B256 {
    let record = parse_type(of).unwrap();
    let value = record.read(message, "").unwrap();
    word(&Shape::Record(record), &value)
}

fn domain(name: &str, chain_id: u64, contract: Address) -> TypedDomain {
    TypedDomain {
        name: Some(name.to_owned()),
        version: Some("1".to_owned()),
        chain_id: Some(chain_id),
        verifying_contract: Some(contract),
        salt: None,
    }
}

/// The example of the EIP, with the numbers of its `Example.js`.
#[test]
fn the_example_of_the_eip() {
    let record = parse_type(MAIL).unwrap();
    let type_hash = b256!("a0cedeb2dc280ba39b857546d74f5549c3a1d7bdc2dd96bf881f76108e23dac2");
    assert_eq!(record.type_hash, type_hash);
    let message = json!({
        "from": { "name": "Cow", "wallet": "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826" },
        "to": { "name": "Bob", "wallet": "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB" },
        "contents": "Hello, Bob!",
    });
    let struct_hash = hash(MAIL, &message);
    let expected = b256!("c52c0ee5d84264471806290a3f2c4cecfc5490626bf912d01f240d7a274b371e");
    assert_eq!(struct_hash, expected);
    let contract = address!("0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC");
    let separator = domain_separator(&domain("Ether Mail", 1, contract));
    let expected = b256!("f2cee375fa42b42143804025fc449deafd50cc031ca257e0b194a650a912090f");
    assert_eq!(separator, expected);
    let expected = b256!("be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2");
    assert_eq!(signing_hash(separator, struct_hash), expected);
}

sol! {
    struct Fee { address recipient; uint96 bps; }
    struct Voucher {
        uint256 id;
        address to;
        int64 delta;
        bool transferable;
        bytes4 tag;
        string uri;
        bytes data;
        Fee[] fees;
        Fee[2] fixedFees;
        uint256[][2] grid;
    }
    struct ForwardRequest {
        address from;
        address to;
        uint256 value;
        uint256 gas;
        uint256 nonce;
        uint48 deadline;
        bytes data;
    }
}

fn sol_domain(of: &TypedDomain) -> Eip712Domain {
    Eip712Domain {
        name: of.name.clone().map(Into::into),
        version: of.version.clone().map(Into::into),
        chain_id: of.chain_id.map(U256::from),
        verifying_contract: of.verifying_contract,
        salt: of.salt,
    }
}

fn check<T: SolStruct>(domain: &TypedDomain, typed: &T, message: &Value) {
    let of = T::eip712_encode_type();
    assert_eq!(parse_type(&of).unwrap().type_hash, typed.eip712_type_hash());
    let ours = signing_hash(domain_separator(domain), hash(&of, message));
    assert_eq!(ours, typed.eip712_signing_hash(&sol_domain(domain)), "{of}");
}

#[test]
fn a_forward_request_hashes_as_another_implementation_does() {
    let request = ForwardRequest {
        from: Address::repeat_byte(1),
        to: Address::repeat_byte(2),
        value: U256::from(10).pow(U256::from(30)),
        gas: U256::from(90_000),
        nonce: U256::ZERO,
        deadline: alloy_primitives::Uint::from((1u64 << 48) - 1),
        data: Bytes::from_static(&hex!("a9059cbb00")),
    };
    let message = json!({
        "from": Address::repeat_byte(1), "to": Address::repeat_byte(2),
        "value": "1000000000000000000000000000000", "gas": 90_000, "nonce": "0x0",
        "deadline": "281474976710655", "data": "0xa9059cbb00",
    });
    let domain = domain("StoaForwarder", 31337, Address::repeat_byte(9));
    check(&domain, &request, &message);
}

#[test]
fn a_voucher_of_every_kind_of_field_hashes_as_another_implementation_does() {
    let fee = |byte: u8| Fee {
        recipient: Address::repeat_byte(byte),
        bps: alloy_primitives::Uint::from(u64::from(byte)),
    };
    let json_fee = |byte: u8| json!({ "recipient": Address::repeat_byte(byte), "bps": byte });
    for count in 0..3u8 {
        let voucher = Voucher {
            id: U256::MAX,
            to: Address::repeat_byte(7),
            delta: -5,
            transferable: true,
            tag: [1, 2, 3, 4].into(),
            uri: "ipfs://ü".to_owned(),
            data: Bytes::new(),
            fees: (0..count).map(fee).collect(),
            fixedFees: [fee(8), fee(9)],
            grid: [vec![U256::from(1), U256::from(2)], vec![]],
        };
        let message = json!({
            "id": U256::MAX.to_string(), "to": Address::repeat_byte(7), "delta": -5,
            "transferable": true, "tag": "0x01020304", "uri": "ipfs://ü", "data": "0x",
            "fees": (0..count).map(json_fee).collect::<Vec<_>>(),
            "fixedFees": [json_fee(8), json_fee(9)], "grid": [["1", 2], []],
        });
        for salt in [None, Some(B256::repeat_byte(3))] {
            let domain = TypedDomain { salt, version: None, ..domain("V", 1, Address::ZERO) };
            check(&domain, &voucher, &message);
        }
    }
}

#[test]
fn types_that_are_not_canonical_are_refused() {
    let cases = [
        ("", "empty"),
        ("Mail", "does not end"),
        ("Mail(", "does not end"),
        ("Mail()", "no field"),
        ("Mail(string)", "no field"),
        ("Mail(string a,string a)", "twice"),
        ("Mail(string a) ", "does not end"),
        ("Mail(string  a)", "no name"),
        ("Mail(string a,)", "no field"),
        ("1Mail(string a)", "no name"),
        ("Mail(uint a)", "no type"),
        ("Mail(function a)", "no type"),
        ("Mail((string,string) a)", "no field"),
        ("Mail(string a)Mail(string b)", "twice"),
        ("Mail(Person a)", "no type"),
        ("Mail(Mail a)", "contains itself"),
        ("Mail(Mail[] a)", "contains itself"),
        ("Mail(A a)A(B b)B(A a)", "contains itself"),
        ("Mail(string a)Other(string a)", "must be written"),
        ("Mail(B b,A a)B(string x)A(string x)", "must be written"),
        ("Mail(string[0] a)", "length"),
        ("Mail(string[01] a)", "length"),
        ("Mail(string[99999999999999999999] a)", "length"),
        ("Mail(string] a)", "?"),
    ];
    for (text, reason) in cases {
        let error = parse_type(text).map(|_| ()).expect_err(text);
        assert!(error.contains(reason), "{text}: {error}");
    }
}

#[test]
fn values_that_are_not_of_their_type_are_refused() {
    let of = "T(uint8 small,int8 sign,address who,bytes2 two,bool yes,string text,uint16[2] pair)";
    let good = json!({
        "small": 255, "sign": "-128", "who": Address::ZERO, "two": "0x0102", "yes": false,
        "text": "", "pair": [1, "2"],
    });
    let record = parse_type(of).unwrap();
    record.read(&good, "").unwrap();
    let cases = [
        ("small", json!(256)),
        ("small", json!(-1)),
        ("small", json!(1.0)),
        ("small", json!("")),
        ("small", json!("0x")),
        ("small", json!("+1")),
        ("small", json!("1 ")),
        ("small", json!(true)),
        ("small", json!(null)),
        ("sign", json!(128)),
        ("sign", json!("-129")),
        ("sign", json!("--1")),
        ("who", json!("0x00")),
        ("who", json!(0)),
        ("two", json!("0x01")),
        ("two", json!("0x010203")),
        ("two", json!("0102")),
        ("yes", json!("false")),
        ("yes", json!(0)),
        ("text", json!(1)),
        ("pair", json!([1])),
        ("pair", json!([1, 65536])),
        ("pair", json!({ "0": 1, "1": 2 })),
        ("extra", json!(1)),
    ];
    for (field, value) in cases {
        let mut message = good.clone();
        message[field] = value.clone();
        let error = record.read(&message, "").expect_err(field);
        assert!(error.contains(field), "{field} {value}: {error}");
    }
    for field in ["small", "pair"] {
        let mut message = good.clone();
        message.as_object_mut().unwrap().remove(field);
        assert!(record.read(&message, "").unwrap_err().contains("missing"));
    }
    assert!(record.read(&json!([255, 1, Address::ZERO, "0x0102", true, "", [1, 2]]), "").is_err());
}
