//! What is told of logs of followed contracts, one by one, as long as a reorg may take them back.

use super::fold::{Told, What};
use crate::facts::{About, Place, item_moved, metadata_updated};
use alloy_primitives::{Address, U256};
use journal::NewFact;
use serde_json::json;
use time::OffsetDateTime;
use vocab::{BlockRef, ChainId, topic};

/// The fact of something that was folded. `README.md` lists kinds and attributes.
#[must_use]
pub fn fact(chain: ChainId, told: &Told<'_>) -> NewFact {
    let log = told.log;
    let about = About::new(chain, log.address);
    let place = Place {
        block: BlockRef { number: log.block_number, hash: log.block_hash },
        mined_at: log.mined_at.unwrap_or(OffsetDateTime::UNIX_EPOCH),
        tx_hash: log.tx_hash,
        log_index: log.log_index,
    };
    match told.what {
        What::Tokens { from, to, token_id, amount } => {
            let about = match token_id {
                Some(token_id) => about.and("token_id", token_id),
                None => about,
            };
            let kinds = ["tokens_minted", "tokens_transferred", "tokens_burned"];
            let (kind, about) = about.moved(kinds, (from, to));
            let mut data = about.data(&["chain_id", "contract", "token_id", "from", "to"]);
            data["amount"] = json!(amount.to_string());
            about.fact(topic::TRANSFERS, kind, &place, data)
        }
        What::Items { from, to, first, last } if first == last => {
            item_moved(about.and("token_id", first), &place, (from, to))
        }
        What::Items { from, to, first, last } => {
            items_moved(about, &place, (from, to), (first, last))
        }
        What::Metadata { first, last } => metadata_updated(about, &place, first, last),
    }
}

/// Consecutive items (ERC-2309): one fact, however many they are.
fn items_moved(
    about: About,
    place: &Place,
    parties: (Address, Address),
    (first, last): (U256, U256),
) -> NewFact {
    let kinds = ["items_minted", "items_transferred", "items_burned"];
    let (kind, about) = about.moved(kinds, parties);
    let about = if parties.1.is_zero() { about } else { about.and("owner", parties.1) };
    let mut data = about.data(&["chain_id", "contract", "from", "to"]);
    data["first_token_id"] = json!(first.to_string());
    data["last_token_id"] = json!(last.to_string());
    about.fact(topic::ITEMS, kind, place, data)
}
