use super::*;
use db::Addr;
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

const OWN: Uuid = Uuid::from_u128(9);
const ADDRESS: &str = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";

fn endpoint() -> EndpointRow {
    let now = OffsetDateTime::UNIX_EPOCH;
    EndpointRow {
        id: Uuid::from_u128(5),
        principal_id: OWN,
        url: String::new(),
        description: String::new(),
        state: "active".to_owned(),
        reason: None,
        topics: Vec::new(),
        kinds: Vec::new(),
        chain_ids: Vec::new(),
        contracts: Vec::new(),
        addresses: Vec::new(),
        signature: "hmac".to_owned(),
        salt: vec![1; 32],
        secret_version: 1,
        previous_salt: None,
        previous_until: None,
        failing_since: None,
        created_at: now,
        updated_at: now,
    }
}

fn fact(topic: &str, kind: &str, attributes: Value) -> Fact {
    Fact {
        topic: topic.to_owned(),
        seq: 1,
        kind: kind.to_owned(),
        reverting: false,
        attributes,
        chain_id: None,
        block_number: None,
        block_hash: None,
        data: json!({}),
        created_at: OffsetDateTime::UNIX_EPOCH,
    }
}

fn actor(kind: &str, scopes: &[&str]) -> Actor {
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    actor_of(&Holding { principal_id: OWN, kind: kind.to_owned(), scopes })
}

fn fits(endpoint: &EndpointRow, fact: &Fact) -> bool {
    let actor = actor("machine", &["mints:read"]);
    Wanted::of(endpoint, &fact.topic, Some(&actor)).expect("a topic").fits(fact)
}

#[test]
fn patterns_are_kinds_or_their_beginnings() {
    for bad in ["", "a b", "A", "*a", "a**", "mint.*", &"a".repeat(65)] {
        assert!(bad.parse::<Pattern>().is_err(), "{bad}");
    }
    let fits = |pattern: &str, kind: &str| pattern.parse::<Pattern>().expect("sound").fits(kind);
    assert!(fits("item_minted", "item_minted") && !fits("item_minted", "item_minted_again"));
    assert!(fits("item_*", "item_minted") && !fits("item_*", "items"));
    assert!(fits("*", "anything"));
}

#[test]
fn every_filter_must_fit_and_one_value_of_it() {
    let told = json!({ "chain_id": "1", "contract": ADDRESS, "token_id": "5", "to": ADDRESS });
    let told = fact("items", "item_minted", told);
    let address: Address = ADDRESS.parse().expect("an address");
    let (this, other) = (Addr(address), Addr(Address::repeat_byte(7)));
    type Change = Box<dyn Fn(&mut EndpointRow)>;
    let cases: Vec<(Change, bool)> = vec![
        (Box::new(|_| ()), true),
        (Box::new(|e| e.kinds = vec!["mint_*".into(), "item_*".into()]), true),
        (Box::new(|e| e.kinds = vec!["mint_*".into()]), false),
        (Box::new(|e| e.chain_ids = vec![2, 1]), true),
        (Box::new(|e| e.chain_ids = vec![2]), false),
        (Box::new(move |e| e.contracts = vec![other, this]), true),
        (Box::new(move |e| e.contracts = vec![other]), false),
        (Box::new(move |e| e.addresses = vec![this]), true),
        (Box::new(move |e| e.addresses = vec![other]), false),
        (Box::new(move |e| (e.contracts, e.chain_ids) = (vec![this], vec![2])), false),
    ];
    for (place, (change, expected)) in cases.iter().enumerate() {
        let mut endpoint = endpoint();
        change(&mut endpoint);
        assert_eq!(fits(&endpoint, &told), *expected, "case {place}");
    }
    let burned = fact("items", "x", json!({ "chain_id": "1", "previous_contract": ADDRESS }));
    let of_contract = EndpointRow { contracts: vec![this], ..endpoint() };
    assert!(!fits(&of_contract, &burned));
    assert!(fits(&of_contract, &Fact { reverting: true, ..burned }), "the way back is told");
}

#[test]
fn what_is_private_is_told_to_its_owner_only() {
    let own = fact("mints", "x", json!({ "principal_id": OWN.to_string() }));
    let others = fact("mints", "x", json!({ "principal_id": Uuid::nil().to_string() }));
    let nobodys = fact("mints", "x", json!({}));
    let endpoint = endpoint();
    assert!(fits(&endpoint, &own));
    assert!(!fits(&endpoint, &others) && !fits(&endpoint, &nobodys));
    let admin = actor("machine", &["admin"]);
    let wanted = Wanted::of(&endpoint, "mints", Some(&admin)).expect("an admin");
    assert!(wanted.fits(&others));
    let denied = [
        ("mints", None),
        ("items", None),
        ("mints", Some(actor("machine", &["content:write"]))),
        ("transactions", Some(actor("machine", &["admin"]))),
        ("gossip", Some(actor("operator", &["admin"]))),
    ];
    for (topic, actor) in denied {
        assert!(Wanted::of(&endpoint, topic, actor.as_ref()).is_none(), "{topic} {actor:?}");
    }
    let operator = actor("operator", &["transactions:read"]);
    assert!(Wanted::of(&endpoint, "transactions", Some(&operator)).is_some());
}
