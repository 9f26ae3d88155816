//! What facts outdate. An answer about one item says so, and outlives the blocks that do not touch
//! it; any other is good until anything public changes.

use app::Changes;
use push::Fact;
use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};
use vocab::{Address, ChainId, Level, LevelHeights, U256, topic};

/// Items and contracts remembered as touched; beyond, all answers are outdated once.
const MARKS_MAX: usize = 10_000;

/// The one item that an answer shows, in an extension of the response. It shows its level too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OneItem {
    pub chain: ChainId,
    pub contract: Address,
    pub token_id: U256,
    /// Which the level is of.
    pub block: u64,
    pub level: Level,
}

/// Up to which generation what is known of what.
#[derive(Debug, Default)]
pub(super) struct Touched(RwLock<Marks>);

#[derive(Debug, Default)]
struct Marks {
    /// Nothing older is good.
    floor: u64,
    /// Of a whole contract without a token.
    items: HashMap<(ChainId, Address, Option<U256>), u64>,
    heights: HashMap<ChainId, LevelHeights>,
}

/// What one fact outdates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// No public answer.
    Nothing,
    /// Of single items, this one or a whole contract's.
    Items(ChainId, Address, Option<U256>),
    /// Of single items, those whose level is another now.
    Levels(ChainId, LevelHeights),
    Everything,
}

impl Touched {
    /// All that was read before is out of date.
    pub fn note_all(&self, changes: &Changes) {
        let mut marks = self.0.write().unwrap_or_else(PoisonError::into_inner);
        marks.floor = changes.note();
        marks.items.clear();
    }

    /// These facts are new; none: the log began anew.
    pub fn note(&self, changes: &Changes, facts: &[Fact]) {
        let reaches: Vec<Reach> =
            facts.iter().map(reach).filter(|reach| *reach != Reach::Nothing).collect();
        if facts.is_empty() || reaches.contains(&Reach::Everything) {
            return self.note_all(changes);
        }
        if reaches.is_empty() {
            return;
        }
        let mut marks = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // While nobody can look: what was read before this number is held against the marks.
        let generation = changes.note();
        for reach in reaches {
            match reach {
                Reach::Items(chain, contract, token_id) => {
                    marks.items.insert((chain, contract, token_id), generation);
                }
                Reach::Levels(chain, heights) => {
                    marks.heights.insert(chain, heights);
                }
                Reach::Nothing | Reach::Everything => {}
            }
        }
        if marks.items.len() > MARKS_MAX {
            marks.floor = generation;
            marks.items.clear();
        }
    }

    /// Is what was read of this item in this generation still so?
    pub fn is_same(&self, item: &OneItem, generation: u64) -> bool {
        let marks = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let touched = |token_id: Option<U256>| {
            let mark = marks.items.get(&(item.chain, item.contract, token_id));
            mark.is_some_and(|mark| generation < *mark)
        };
        // Heights that are not told yet are no reason: what was read may be ahead of the log.
        let level = marks.heights.get(&item.chain).map(|heights| heights.level(item.block));
        generation >= marks.floor
            && !touched(Some(item.token_id))
            && !touched(None)
            && level.is_none_or(|level| level <= item.level)
    }
}

fn reach(fact: &Fact) -> Reach {
    match fact.topic.as_str() {
        topic::ITEMS | topic::TRANSFERS | topic::COLLECTIONS => {
            of_contract(fact).unwrap_or(Reach::Everything)
        }
        topic::CHAIN if fact.kind == "head" && !fact.reverting => {
            of_head(fact).unwrap_or(Reach::Everything)
        }
        topic::CHAIN => Reach::Everything,
        _ => Reach::Nothing,
    }
}

fn of_contract(fact: &Fact) -> Option<Reach> {
    let chain = ChainId::from_i64(fact.chain_id?);
    let contract = fact.attributes["contract"].as_str()?.parse().ok()?;
    let token_id = match &fact.attributes["token_id"] {
        serde_json::Value::Null => None,
        given => Some(U256::from_str_radix(given.as_str()?, 10).ok()?),
    };
    Some(Reach::Items(chain, contract, token_id))
}

fn of_head(fact: &Fact) -> Option<Reach> {
    let chain = ChainId::from_i64(fact.chain_id?);
    let heights = LevelHeights {
        auditable: fact.data["auditable"].as_u64(),
        final_: fact.data["final"].as_u64(),
    };
    Some(Reach::Levels(chain, heights))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const CHAIN: ChainId = ChainId(7);
    const CONTRACT: Address = Address::repeat_byte(0xc0);

    fn item(token_id: u64, level: Level) -> OneItem {
        let token_id = U256::from(token_id);
        OneItem { chain: CHAIN, contract: CONTRACT, token_id, block: 10, level }
    }

    fn fact(topic: &str, kind: &str, attributes: Value, data: Value) -> Fact {
        Fact {
            topic: topic.to_owned(),
            kind: kind.to_owned(),
            chain_id: Some(CHAIN.as_i64()),
            attributes,
            data,
            ..push_fact()
        }
    }

    /// Of an item, as `projections` tells it.
    fn moved(contract: Address, token_id: Option<u64>) -> Fact {
        let mut attributes = json!({ "chain_id": "7", "contract": contract.to_string() });
        if let Some(token_id) = token_id {
            attributes["token_id"] = json!(token_id.to_string());
        }
        fact(topic::ITEMS, "item_transferred", attributes, json!({}))
    }

    fn head(auditable: Option<u64>, final_: Option<u64>) -> Fact {
        let data = json!({ "auditable": auditable, "final": final_ });
        fact(topic::CHAIN, "head", json!({ "chain_id": "7" }), data)
    }

    #[test]
    fn an_item_outlives_what_does_not_touch_it() {
        let (touched, changes) = (Touched::default(), Changes::default());
        let (of, seen) = (item(1, Level::Final), changes.count());
        touched.note(&changes, &[head(Some(40), Some(20)), moved(CONTRACT, Some(2))]);
        touched.note(&changes, &[moved(Address::repeat_byte(1), None)]);
        assert!(changes.count() > seen, "other answers are outdated");
        assert!(touched.is_same(&of, seen));
        touched.note(&changes, &[moved(CONTRACT, Some(1))]);
        assert!(!touched.is_same(&of, seen));
        assert!(touched.is_same(&of, changes.count()), "it was read again");
    }

    #[test]
    fn what_reaches_further_outdates_it() {
        let wide = [
            vec![],
            vec![moved(CONTRACT, None)],
            vec![fact(topic::CHAIN, "reorg", json!({}), json!({}))],
            vec![fact(topic::CHAIN, "range_indexed", json!({}), json!({}))],
            vec![Fact { reverting: true, ..head(None, None) }],
            vec![fact(topic::ITEMS, "item_transferred", json!({}), json!({}))],
            vec![fact(topic::COLLECTIONS, "x", json!({ "contract": "no address" }), json!({}))],
            vec![Fact { chain_id: None, ..moved(CONTRACT, Some(2)) }],
        ];
        for facts in wide {
            let (touched, changes) = (Touched::default(), Changes::default());
            let seen = changes.count();
            touched.note(&changes, &facts);
            assert!(!touched.is_same(&item(1, Level::Final), seen), "{facts:?}");
        }
    }

    #[test]
    fn its_level_is_part_of_it() {
        let (touched, changes) = (Touched::default(), Changes::default());
        let (low, high) = (item(1, Level::Tentative), item(1, Level::Final));
        let seen = changes.count();
        assert!(touched.is_same(&low, seen), "nothing was told yet");
        touched.note(&changes, &[head(Some(9), None)]);
        assert!(touched.is_same(&low, seen));
        touched.note(&changes, &[head(Some(10), None)]);
        assert!(!touched.is_same(&low, seen));
        assert!(touched.is_same(&high, seen), "it was read ahead of the log");
    }

    #[test]
    fn what_is_of_no_public_answer_outdates_nothing() {
        let (touched, changes) = (Touched::default(), Changes::default());
        touched.note(&changes, &[fact(topic::TRANSACTIONS, "x", json!({}), json!({}))]);
        assert_eq!(changes.count(), 0);
    }

    #[test]
    fn marks_are_bounded() {
        let (touched, changes) = (Touched::default(), Changes::default());
        let seen = changes.count();
        for token in 0..=MARKS_MAX as u64 {
            assert!(touched.is_same(&item(1 << 40, Level::Final), seen));
            touched.note(&changes, &[moved(CONTRACT, Some(token))]);
        }
        assert!(!touched.is_same(&item(1 << 40, Level::Final), seen));
        assert!(touched.0.read().unwrap().items.is_empty());
    }

    fn push_fact() -> Fact {
        Fact {
            topic: String::new(),
            seq: 1,
            kind: String::new(),
            reverting: false,
            attributes: json!({}),
            chain_id: None,
            block_number: None,
            block_hash: None,
            data: json!({}),
            created_at: time::OffsetDateTime::UNIX_EPOCH,
        }
    }
}
