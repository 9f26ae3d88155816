use alloy_primitives::{Address, Bytes, U256, address, bytes, keccak256};

use super::{Policy, PolicyError};
use crate::wire::{Fee, Refusal, TxIntent, TxKind};

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
        let judged = role.check(&intent).err();
        assert_eq!(judged.as_ref().map(name), expected, "{what}: {judged:?}");
    }
    let idle = policy.role("idle").unwrap();
    let judged = idle.check(&intent(create(0, &[0]))).unwrap_err();
    assert_eq!(name(&judged), "create");
    assert_eq!(name(&idle.check(&intent(call(TARGET, 0, transfer()))).unwrap_err()), "call");
    assert_eq!(idle.check(&with(&gas(50_000), TxKind::Void {})), Ok(()));
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

/// The example in the README is what people copy.
#[test]
fn the_documented_policy_is_valid() {
    let readme = include_str!("../../README.md");
    let example = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    let policy = Policy::parse(example.unwrap()).unwrap();
    assert!(policy.role("minter").is_ok() && policy.role("deployer").is_ok());
}
