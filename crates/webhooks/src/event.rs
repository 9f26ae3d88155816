//! What is sent: a fact in the envelope of the standard, the same bytes at each attempt.

use db::facts::Fact;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};
use uuid::Uuid;
use vocab::topic;

/// Longest ordering key; facts name ids and addresses, so none is near it.
const KEY_LEN_MAX: usize = 300;

/// Id of the delivery of a fact to an endpoint, whenever it is made. It is sent as `webhook-id`.
#[must_use]
pub fn delivery_id(endpoint: Uuid, topic: &str, epoch: i64, seq: i64) -> Uuid {
    let mut hash = Sha256::new();
    hash.update(endpoint.as_bytes());
    hash.update(epoch.to_be_bytes());
    hash.update(seq.to_be_bytes());
    hash.update(topic.as_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// What the fact is about: of one key an endpoint gets one after the other, in their order.
#[must_use]
pub fn ordering_key(fact: &Fact) -> String {
    let attribute = |name: &str| fact.attributes.get(name).and_then(Value::as_str);
    let names: &[&str] = match fact.topic.as_str() {
        topic::MINTS => &["mint_id"],
        topic::ITEMS | topic::TRANSFERS => &["chain_id", "contract", "token_id"],
        topic::COLLECTIONS => &["chain_id", "contract"],
        topic::TRANSACTIONS if attribute("transaction_id").is_some() => &["transaction_id"],
        topic::TRANSACTIONS => &["object", "object_id"],
        _ => &["chain_id"],
    };
    let parts: Vec<&str> = names.iter().filter_map(|name| attribute(name)).collect();
    parts.join("/").chars().take(KEY_LEN_MAX).collect()
}

/// The body: the fact as `GET /api/v1/facts` shows it, but for what depends on who asks and when.
#[must_use]
pub fn body(fact: &Fact, epoch: i64) -> String {
    let block = fact.block_number.zip(fact.block_hash);
    let data = json!({
        "topic": fact.topic,
        "epoch": epoch,
        "seq": fact.seq,
        "type": if fact.reverting { "reorg" } else { "delta" },
        "kind": fact.kind,
        "block": block.map(|(number, hash)| json!({ "number": number, "hash": hash.0 })),
        "at": timestamp(fact.created_at),
        "data": fact.data,
    });
    envelope(&fact.kind, fact.created_at, &data)
}

/// The body of an event that only tries an endpoint.
#[must_use]
pub fn test_body(endpoint: Uuid, at: OffsetDateTime) -> String {
    envelope("test", at, &json!({ "endpoint_id": endpoint }))
}

/// In the order in which people read it.
fn envelope(kind: &str, at: OffsetDateTime, data: &Value) -> String {
    let (kind, at) = (json!(kind), json!(timestamp(at)));
    format!(r#"{{"type":{kind},"timestamp":{at},"data":{data}}}"#)
}

/// RFC 3339, UTC, milliseconds.
fn timestamp(at: OffsetDateTime) -> String {
    let at = at.to_offset(UtcOffset::UTC);
    at.replace_millisecond(at.millisecond()).unwrap_or(at).format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn fact(topic: &str, attributes: Value) -> Fact {
        Fact {
            topic: topic.to_owned(),
            seq: 7,
            kind: "told".to_owned(),
            reverting: false,
            attributes,
            chain_id: None,
            block_number: None,
            block_hash: None,
            data: json!({ "a": 1 }),
            created_at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn ids_differ_by_all_that_they_are_made_of() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let ids = [
            delivery_id(one, "items", 1, 1),
            delivery_id(other, "items", 1, 1),
            delivery_id(one, "mints", 1, 1),
            delivery_id(one, "items", 2, 1),
            delivery_id(one, "items", 1, 2),
        ];
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
        assert_eq!(ids[0], delivery_id(one, "items", 1, 1));
    }

    #[test]
    fn facts_about_one_thing_have_one_key() {
        let item = json!({ "chain_id": "1", "contract": "0xC", "token_id": "5", "from": "0xA" });
        let cases = [
            ("mints", json!({ "mint_id": "m", "status": "final" }), "m"),
            ("items", item, "1/0xC/5"),
            ("items", json!({ "chain_id": "1", "contract": "0xC" }), "1/0xC"),
            ("collections", json!({ "chain_id": "1", "contract": "0xC", "x": "y" }), "1/0xC"),
            ("transactions", json!({ "transaction_id": "t", "chain_id": "1" }), "t"),
            ("transactions", json!({ "object": "sponsor", "object_id": "s" }), "sponsor/s"),
            ("chain", json!({ "chain_id": "1" }), "1"),
            ("chain", json!({}), ""),
        ];
        for (topic, attributes, key) in cases {
            assert_eq!(ordering_key(&fact(topic, attributes)), key, "{topic}");
        }
    }

    #[test]
    fn a_body_has_the_form_of_the_standard() {
        let told: Value = serde_json::from_str(&body(&fact("items", json!({})), 3)).unwrap();
        assert_eq!(
            told,
            json!({
                "type": "told", "timestamp": "1970-01-01T00:00:00Z",
                "data": { "topic": "items", "epoch": 3, "seq": 7, "type": "delta", "kind": "told",
                    "block": null, "at": "1970-01-01T00:00:00Z", "data": { "a": 1 } },
            })
        );
    }
}
