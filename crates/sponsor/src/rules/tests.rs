use super::*;
use vocab::Bytes;

const TARGET: Address = Address::repeat_byte(0x11);
const FORWARDER: Address = Address::repeat_byte(0xf0);
const NOW: u64 = 1_800_000_000;

fn request() -> ForwardRequest {
    ForwardRequest {
        from: Address::repeat_byte(0x22),
        to: TARGET,
        value: U256::ZERO,
        gas: 100_000,
        nonce: 0,
        deadline: NOW + 600,
        data: Bytes::from_static(&[1, 2, 3, 4, 5]),
    }
}

#[test]
fn each_reason_to_refuse() {
    let rules = [
        Rule { target: TARGET, selector: [1, 2, 3, 4] },
        // Rules that a careless operator might have written.
        Rule { target: FORWARDER, selector: [1, 2, 3, 4] },
        Rule { target: TARGET, selector: selector_of("multicall(bytes[])") },
    ];
    let terms =
        Terms { active: true, rules: &rules, gas_max: 200_000, forwarder: FORWARDER, now: NOW };
    assert_eq!(check(&request(), &terms), Ok(()));
    type Edit = fn(&mut ForwardRequest);
    let cases: [(Edit, Refused); 14] = [
        (|r| r.value = U256::ONE, Refused::Value),
        (|r| r.data = Bytes::new(), Refused::NoSelector),
        (|r| r.data = Bytes::from_static(&[1, 2, 3]), Refused::NoSelector),
        (|r| r.data = Bytes::from_static(&[1, 2, 3, 5]), Refused::NotAllowed),
        (|r| r.to = Address::repeat_byte(0x12), Refused::NotAllowed),
        (|r| r.to = FORWARDER, Refused::Forwarder),
        (
            |r| r.data = selector_of("multicall(bytes[])").to_vec().into(),
            Refused::Multicall("multicall(bytes[])"),
        ),
        (|r| r.gas = 200_001, Refused::Gas { max: 200_000 }),
        (|r| r.gas = 0, Refused::Gas { max: 200_000 }),
        (|r| r.deadline = NOW + DEADLINE_AHEAD_MIN - 1, Refused::DeadlineSoon),
        (|r| r.deadline = 0, Refused::DeadlineSoon),
        (|r| r.deadline = NOW + DEADLINE_AHEAD_MAX + 1, Refused::DeadlineFar),
        (|r| r.deadline = 1 << 48, Refused::DeadlineFar),
        (|r| r.deadline = u64::MAX, Refused::DeadlineFar),
    ];
    for (edit, refused) in cases {
        let mut changed = request();
        edit(&mut changed);
        assert_eq!(check(&changed, &terms), Err(refused), "{changed:?}");
    }
    assert_eq!(check(&request(), &Terms { active: false, ..terms }), Err(Refused::Paused));
    assert_eq!(check(&request(), &Terms { rules: &[], ..terms }), Err(Refused::NotAllowed));
}

#[test]
fn multicalls_are_known_by_selector() {
    // From the published ABIs of Multicall, Multicall3 and Uniswap's routers.
    let known = [
        [0xac, 0x96, 0x50, 0xd8],
        [0x5a, 0xe4, 0x01, 0xdc],
        [0x1f, 0x04, 0x64, 0xd1],
        [0x25, 0x2d, 0xba, 0x42],
        [0x82, 0xad, 0x56, 0xcb],
        [0x17, 0x4d, 0xea, 0x71],
        [0xbc, 0xe3, 0x8b, 0xd7],
        [0x39, 0x95, 0x42, 0xe9],
        [0xc3, 0x07, 0x7f, 0xa9],
    ];
    for selector in known {
        assert!(is_multicall(selector).is_some(), "{selector:x?}");
    }
    assert_eq!(is_multicall(selector_of("transfer(address,uint256)")), None);
}
