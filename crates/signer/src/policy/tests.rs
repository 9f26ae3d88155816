use alloy_primitives::{Address, Bytes, U256, address, bytes, keccak256};
use serde_json::json;

use super::{Act, Policy, PolicyError, encode_call, explain};
use crate::{
    refusal::Refusal,
    wire::{Fee, TxIntent, TxKind},
};

const TARGET: Address = address!("0x5FbDB2315678afecb367f032d93F642f64180aa3");
const OTHER: Address = Address::repeat_byte(9);
const TEXT: &str = r#"
version = 1
[roles.minter]
chains = [31337, 1]
keys_max = 1
signatures_per_minute = 10
gas_limit_max = 1000000
max_fee_per_gas_max = "100"
value_wei_max = "50"
value_wei_day_max = "500"
create = ["0xbc36789e7a1e281436464229828f817d6612f7b477d66591ff96a9e064bcc98a"]
[[roles.minter.calls]]
to = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
functions = ["transfer(address to, uint256 amount)", "pause()"]
[[roles.minter.calls]]
to = "any"
functions = ["note(bytes)"]
[[roles.minter.calls]]
to = ["0x0909090909090909090909090909090909090909"]
transfer = true
[roles.idle]
chains = [1]
keys_max = 1
signatures_per_minute = 10
gas_limit_max = 1000000
void_gas_limit_max = 50000
max_fee_per_gas_max = "100"
value_wei_max = "0"
value_wei_day_max = "0"
"#;

fn transfer() -> Bytes {
    let mut data = vec![0xa9, 0x05, 0x9c, 0xbb];
    data.extend([0; 12]);
    data.extend(OTHER);
    data.extend(U256::from(3).to_be_bytes::<32>());
    data.into()
}

fn call(to: Address, value: u64, data: Bytes) -> TxKind {
    TxKind::Call { to, value: U256::from(value), data }
}

fn intent(kind: TxKind) -> TxIntent {
    TxIntent {
        key: Address::repeat_byte(1),
        chain_id: 1,
        nonce: 0,
        kind,
        gas_limit: 21_000,
        fee: Fee::Legacy { gas_price: 100 },
    }
}

fn name(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::UnknownRole { .. } => "unknown role",
        Refusal::ChainNotAllowed { .. } => "chain",
        Refusal::CallNotAllowed { .. } => "call",
        Refusal::CreateNotAllowed { .. } => "create",
        Refusal::MalformedCall { .. } => "malformed",
        Refusal::OverGasLimit { .. } => "gas",
        Refusal::OverFeeLimit { .. } => "fee",
        Refusal::OverValueLimit { .. } => "value",
        _ => "other",
    }
}

#[test]
fn everything_not_listed_is_refused() {
    let with = |edit: &dyn Fn(&mut TxIntent), kind| {
        let mut intent = intent(kind);
        edit(&mut intent);
        intent
    };
    let keep: &dyn Fn(&mut TxIntent) = &|_| {};
    let fee = |max_fee_per_gas, max_priority_fee_per_gas| {
        move |intent: &mut TxIntent| {
            intent.fee = Fee::Eip1559 { max_fee_per_gas, max_priority_fee_per_gas };
        }
    };
    let gas = |limit| move |intent: &mut TxIntent| intent.gas_limit = limit;
    let mut trailing = transfer().to_vec();
    trailing.push(0);
    let mut dirty = transfer().to_vec();
    dirty[4] = 1;
    let pause = bytes!("0x8456cb59");
    let note = bytes!("0x5a1e7f4b");
    let note_ok = {
        let mut data = keccak256("note(bytes)")[..4].to_vec();
        data.extend(U256::from(32).to_be_bytes::<32>());
        data.extend([0; 32]);
        Bytes::from(data)
    };
    let large: Bytes = vec![0; 128 * 1024 + 1].into();
    let create = |value, code: &'static [u8]| TxKind::Create {
        value: U256::from(value),
        init_code: Bytes::from_static(code),
    };
    let cases: Vec<(&str, TxIntent, Option<&str>)> = vec![
        ("listed call", with(keep, call(TARGET, 0, transfer())), None),
        ("with value", with(keep, call(TARGET, 50, transfer())), None),
        ("no arguments", with(keep, call(TARGET, 0, pause.clone())), None),
        ("any target", with(keep, call(OTHER, 0, note_ok)), None),
        ("plain transfer", with(keep, call(OTHER, 50, Bytes::new())), None),
        ("listed creation", with(keep, create(1, b"hello world!")), Some("create")),
        ("creation", with(keep, create(0, &[0])), None),
        ("void", with(keep, TxKind::Void {}), None),
        ("other chain", with(&|i| i.chain_id = 2, TxKind::Void {}), Some("chain")),
        ("chain 0", with(&|i| i.chain_id = 0, TxKind::Void {}), Some("chain")),
        ("too much", with(keep, call(TARGET, 51, transfer())), Some("value")),
        ("creation of too much", with(keep, create(51, &[0])), Some("value")),
        ("other target", with(keep, call(OTHER, 0, transfer())), Some("call")),
        ("other selector", with(keep, call(TARGET, 0, note)), Some("call")),
        ("transfer to contract", with(keep, call(TARGET, 1, Bytes::new())), Some("call")),
        ("trailing byte", with(keep, call(TARGET, 0, trailing.into())), Some("malformed")),
        ("dirty address", with(keep, call(TARGET, 0, dirty.into())), Some("malformed")),
        ("cut selector", with(keep, call(TARGET, 0, pause.slice(..3))), Some("malformed")),
        ("too large", with(keep, call(TARGET, 0, large)), Some("malformed")),
        ("gas", with(&gas(1_000_001), call(TARGET, 0, transfer())), Some("gas")),
        ("gas at limit", with(&gas(1_000_000), call(TARGET, 0, transfer())), None),
        ("void's gas", with(&gas(21_001), TxKind::Void {}), Some("gas")),
        ("no gas", with(&gas(20_999), TxKind::Void {}), Some("malformed")),
        ("fee", with(&fee(101, 0), TxKind::Void {}), Some("fee")),
        ("fee at limit", with(&fee(100, 100), TxKind::Void {}), None),
        ("priority", with(&fee(99, 100), TxKind::Void {}), Some("malformed")),
        ("price", with(&|i| i.fee = Fee::Legacy { gas_price: 101 }, TxKind::Void {}), Some("fee")),
    ];
    let policy = Policy::parse(TEXT).unwrap();
    let role = policy.role("minter").unwrap();
    for (what, intent, expected) in cases {
        let judged = role.check(&intent).map(|_| ()).err();
        assert_eq!(judged.as_ref().map(name), expected, "{what}: {judged:?}");
    }
}

#[test]
fn a_role_that_lists_nothing_allows_voids_only() {
    let policy = Policy::parse(TEXT).unwrap();
    let idle = policy.role("idle").unwrap();
    let create = TxKind::Create { value: U256::ZERO, init_code: Bytes::from_static(&[0]) };
    assert_eq!(name(&idle.check(&intent(create)).unwrap_err()), "create");
    assert_eq!(name(&idle.check(&intent(call(TARGET, 0, transfer()))).unwrap_err()), "call");
    let void = TxIntent { gas_limit: 50_000, ..intent(TxKind::Void {}) };
    assert!(idle.check(&void).is_ok());
    assert_eq!(policy.role("nobody").map(|_| ()).map_err(|r| name(&r)), Err("unknown role"));
}

#[test]
fn files_that_say_too_little_or_too_much_are_refused() {
    Policy::parse(TEXT).unwrap();
    Policy::parse("version = 1").unwrap();
    let edits = [
        ("version = 1", "version = 2"),
        ("version = 1", ""),
        ("keys_max = 1", "keys_max = -1"),
        ("keys_max = 1", "keys_max = 1\nadmin = true"),
        ("chains = [31337, 1]", ""),
        ("chains = [31337, 1]", "chains = \"any\""),
        ("\"100\"", "100"),
        ("\"100\"", "\"0x64\""),
        ("\"50\"", "\"1 ether\""),
        ("\"50\"", "\"-1\""),
        ("\"50\"", "\"\""),
        ("[roles.idle]", "[roles.\"../idle\"]"),
        ("[roles.idle]", "[roles.\"\"]"),
        ("void_gas_limit_max = 50000", "void_gas_limit_max = 20999"),
        ("transfer = true", ""),
        ("transfer = true", "transfer = true\ndelegate = true"),
        ("functions = [\"note(bytes)\"]", "functions = []"),
        ("note(bytes)", "note(bytes"),
        ("note(bytes)", "note(bytes[0])"),
        ("\"pause()\"", "\"transfer(address,uint256)\""),
        (
            "0x5FbDB2315678afecb367f032d93F642f64180aa3",
            "0x5FbDB2315678afecb367f032d93F642f64180aA3",
        ),
        ("to = \"any\"", "to = \"all\""),
        ("to = \"any\"", "to = [\"any\"]"),
        ("to = \"any\"", ""),
        ("create = [\"0xbc", "create = [\"0x"),
    ];
    for (from, to) in edits {
        assert!(TEXT.contains(from), "{from}");
        let text = TEXT.replacen(from, to, 1);
        assert!(Policy::parse(&text).is_err(), "{from} → {to}");
    }
    assert!(matches!(Policy::parse("version = 7"), Err(PolicyError::Version(7))));
}

#[test]
fn the_digest_is_that_of_the_file() {
    let digest = Policy::parse(TEXT).unwrap().digest;
    assert_eq!(digest, keccak256(TEXT));
    assert_ne!(digest, Policy::parse(&format!("{TEXT}#")).unwrap().digest);
}

const BOUNDED: &str = r#"
version = 1
[roles.payer]
chains = [1]
keys_max = 1
signatures_per_minute = 10
gas_limit_max = 1000000
max_fee_per_gas_max = "100"
fee_wei_max = "3000000"
value_wei_max = "50"
value_wei_hour_max = "80"
value_wei_day_max = "500"
[[roles.payer.calls]]
to = "any"
functions = ["pay(address to, uint256 amount)"]
arguments.amount.max = "100"
arguments.to.equal = "self"
value_wei_max = "0"
[[roles.payer.calls]]
to = "any"
functions = ["pay(address to, uint256 amount)"]
arguments.amount.max = "1000"
approvals = { from = ["0x0909090909090909090909090909090909090909"], count = 1, expires_max_s = 60 }
[[roles.payer.messages]]
type = "Voucher(uint256 id,address[] to)"
domain = { name = "Stoa", chains = [1], verifying_contract = "any" }
identity = ["self", "id"]
fields.to.length_max = 2
"#;

fn pay(to: Address, amount: u64) -> Bytes {
    encode_call("pay(address to, uint256 amount)", &json!({ "to": to, "amount": amount })).unwrap()
}

/// One above each bound, and just at it; which rule it goes by decides whether others are asked.
#[test]
fn rules_of_one_function_are_tried_in_turn() {
    let own = Address::repeat_byte(1);
    let policy = Policy::parse(BOUNDED).unwrap();
    let role = policy.role("payer").unwrap();
    let free = |intent: &TxIntent| {
        role.check(intent).map(|grants| grants.iter().any(|grant| grant.approvals.is_none()))
    };
    let cases = [
        (call(TARGET, 0, pay(own, 100)), Ok(true)),
        (call(TARGET, 0, pay(own, 101)), Ok(false)),
        (call(TARGET, 0, pay(OTHER, 100)), Ok(false)),
        (call(TARGET, 1, pay(own, 100)), Ok(false)),
        (call(TARGET, 0, pay(own, 1000)), Ok(false)),
        (call(TARGET, 0, pay(own, 1001)), Err("argument_not_allowed")),
        (call(TARGET, 51, pay(own, 1)), Err("over_value_limit")),
        (call(TARGET, 0, transfer()), Err("call_not_allowed")),
    ];
    for (kind, expected) in cases {
        let judged = free(&intent(kind.clone()));
        assert_eq!(
            judged.as_ref().map_err(Refusal::code),
            expected.as_ref().map_err(|e| *e),
            "{kind:?}"
        );
    }
    // 30,000 gas at 100 wei is what may be spent on one transaction.
    let at = |gas_limit| TxIntent { gas_limit, ..intent(call(TARGET, 0, pay(own, 1))) };
    assert_eq!(free(&at(30_000)), Ok(true));
    assert_eq!(free(&at(30_001)).map_err(|refusal| refusal.code()), Err("over_fee_total"));
}

#[test]
fn rules_that_can_not_hold_are_refused() {
    Policy::parse(BOUNDED).unwrap();
    let edits = [
        (r#"fee_wei_max = "3000000""#, "fee_wei_max = 3000000"),
        (r#"value_wei_hour_max = "80""#, r#"value_wei_hour_max = "x""#),
        ("arguments.amount", "arguments.sum"),
        (
            r#"functions = ["pay(address to, uint256 amount)"]"#,
            r#"functions = ["pay(address to, uint256 amount)", "f()"]"#,
        ),
        (r#"functions = ["pay(address to, uint256 amount)"]"#, "transfer = true"),
        ("count = 1", "count = 0"),
        ("count = 1", "count = 2"),
        ("expires_max_s = 60", "expires_max_s = 0"),
        ("expires_max_s = 60", "expires_max_s = 99999999"),
        (", expires_max_s = 60", ""),
        (r#"from = ["0x0909090909090909090909090909090909090909"]"#, "from = []"),
        (r#"from = ["0x0909090909090909090909090909090909090909"]"#, r#"from = "any""#),
        (r#"0909"], count"#, r#"0909", "0x0909090909090909090909090909090909090909"], count"#),
        (r#"name = "Stoa""#, r#"name = "Stoa signer""#),
        (r#"name = "Stoa""#, r#"title = "Stoa""#),
        (r#"name = "Stoa", chains = [1], verifying_contract = "any""#, "chains = [1]"),
        ("chains = [1], v", "chains = [2], v"),
        (r#"["self", "id"]"#, r#"["self"]"#),
        (r#"["self", "id"]"#, r#"["to.*"]"#),
        (r#"["self", "id"]"#, r#"["nonce"]"#),
        ("Voucher(uint256 id,address[] to)", "Voucher(uint id,address[] to)"),
        ("fields.to.length_max = 2", "fields.to.length_max = -1"),
        ("fields.to.length_max = 2", "[roles.payer.messages.types]"),
    ];
    for (from, to) in edits {
        assert!(BOUNDED.contains(from), "{from}");
        assert!(Policy::parse(&BOUNDED.replacen(from, to, 1)).is_err(), "{from} → {to}");
    }
}

#[test]
fn an_explanation_says_what_each_rule_says() {
    let own = Address::repeat_byte(1);
    let ask = |role, text: &str| {
        explain(BOUNDED, role, &Act::from_json(text).unwrap()).unwrap().to_string()
    };
    let tx = |kind| serde_json::to_string(&intent(kind)).unwrap();
    let told = ask(None, &tx(call(TARGET, 0, pay(own, 101))));
    for part in [
        "  ok    chain",
        "  deny  calls[0]: not within bounds: amount: 101 is above 100",
        "  ok    calls[1], once 1 of 1 operators approve for at most 60 s",
        "  role payer allows it",
        "\nact 0x",
        "\nallowed",
    ] {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
    let told = ask(Some("payer"), &tx(call(TARGET, 51, pay(own, 1))));
    assert!(told.contains("  deny  value: 51 wei above 50"), "{told}");
    assert!(told.contains("denies it: over_value_limit") && told.ends_with("denied"), "{told}");
    assert!(ask(Some("nobody"), &tx(TxKind::Void {})).contains("no role \"nobody\""));
    assert!(ask(None, &tx(TxKind::Void {})).ends_with("allowed"));

    let message = |count| {
        let to = vec![own; count];
        let domain = json!({ "name": "Stoa", "chain_id": 1, "verifying_contract": TARGET });
        json!({ "key": own, "domain": domain, "primary_type": "Voucher",
                "message": { "id": "1", "to": to } })
        .to_string()
    };
    let told = ask(None, &message(2));
    assert!(told.contains("  ok    messages[0]") && told.ends_with("allowed"), "{told}");
    let told = ask(None, &message(3));
    assert!(told.contains("to: length 3 is above 2") && told.ends_with("denied"), "{told}");
    assert!(Act::from_json("{}").is_err());
}

/// Each example in the operator's reference can be copied.
#[test]
fn the_documented_examples_are_valid() {
    let text = include_str!("../../../../docs/operate/signer.md");
    let examples: Vec<_> = text.split("```toml\n").skip(1).collect();
    assert!(!examples.is_empty());
    for example in examples {
        let example = example.split("```").next().unwrap();
        // The list of back ends has a test of its own, beside its reader.
        if example.contains("[[keys]]") {
            continue;
        }
        Policy::parse(example).unwrap_or_else(|error| panic!("{error:?} in\n{example}"));
    }
    let development = include_str!("../../../stoa/src/dev/policy.toml");
    Policy::parse(&development.replace("CHAIN_ID", "31337")).unwrap();
}

/// The example in the README is what people copy.
#[test]
fn the_documented_policy_is_valid() {
    let readme = include_str!("../../README.md");
    let example = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    let policy = Policy::parse(example.unwrap()).unwrap();
    assert!(policy.role("minter").is_ok() && policy.role("deployer").is_ok());
}
