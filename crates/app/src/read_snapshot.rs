//! The state behind a topic and the number of the fact up to which it goes, for those who begin to
//! listen.

use crate::{App, AppError, Refusal};
use db::{
    PgConnection,
    checkpoints::{self, Checkpoint},
    collections_reads::{self, CollectionFilter, CollectionRow},
    items_reads::{self, ItemRow},
    mint_jobs::requests::{self, MintFilter, MintJob},
    transactions_reads::{self, Summary, TransactionFilter},
};
use std::{collections::BTreeMap, str::FromStr};
use vocab::{ChainId, ItemKey, topic};

/// Rows of one snapshot.
const ROWS_MAX: usize = 100;

/// Rows of the topic's kind.
#[derive(Clone, Debug)]
pub enum SnapshotRows {
    /// Newest first.
    Mints(Vec<MintJob>),
    /// In the order of (chain, contract, token id).
    Items(Vec<ItemRow>),
    /// In the order of (chain, contract).
    Collections(Vec<CollectionRow>),
    /// Newest first.
    Transactions(Vec<Summary>),
    Chains(Vec<(ChainId, Checkpoint)>),
}

/// State as of a place in a topic. Every fact up to `seq` is in it. One that is committed but not
/// numbered yet may be in it too, and is told after it.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub epoch: i64,
    pub seq: i64,
    pub rows: SnapshotRows,
    /// There are more rows than these.
    pub truncated: bool,
}

/// Filter values by name, as subscriptions have them.
type Wanted = BTreeMap<String, String>;

/// A filter value in a form that no fact has: it lets nothing through.
struct LetsNothing;

impl App {
    /// Read number and state in one view. `wanted` are filters on the attributes of the topic's
    /// facts. Who may ask was decided where the subscription was granted: for mints, `wanted` names
    /// the principal unless everybody's may be seen.
    ///
    /// # Errors
    /// [`Refusal::TopicUnknown`]; [`AppError::Db`]
    pub async fn read_snapshot(&self, topic: &str, wanted: &Wanted) -> Result<Snapshot, AppError> {
        let mut view = db::begin_view(&self.config().db).await?;
        let heads = journal::load_heads(&mut view).await?;
        let head = heads.into_iter().find(|head| head.topic == topic);
        let head = head.ok_or(Refusal::TopicUnknown)?;
        let (rows, truncated) = match topic {
            topic::MINTS => mints(&mut view, wanted).await?,
            topic::ITEMS => self.items(&mut view, wanted).await?,
            // Movements, which are no state.
            topic::TRANSFERS => (SnapshotRows::Items(Vec::new()), false),
            topic::COLLECTIONS => collections(&mut view, wanted).await?,
            topic::TRANSACTIONS => transactions(&mut view, wanted).await?,
            topic::CHAIN => self.checkpoints(&mut view, wanted).await?,
            _ => return Err(Refusal::TopicUnknown.into()),
        };
        view.commit().await.map_err(db::DbError::from)?;
        Ok(Snapshot { epoch: head.epoch, seq: head.seq, rows, truncated })
    }

    /// A filter by `from` or `to` follows movements, which are no state: nothing is shown for it.
    async fn items(&self, db: &mut PgConnection, wanted: &Wanted) -> Found {
        let nothing = (SnapshotRows::Items(Vec::new()), false);
        if wanted.contains_key("from") || wanted.contains_key("to") {
            return Ok(nothing);
        }
        let (Ok(chain), Ok(contract), Ok(token_id), Ok(owner)) = (
            chain_id(wanted),
            canonical(wanted, "contract"),
            canonical(wanted, "token_id"),
            canonical(wanted, "owner"),
        ) else {
            return Ok(nothing);
        };
        let mut rows = Vec::new();
        for known in self.config().chains.iter().map(|known| known.chain_id) {
            if chain.is_some_and(|chain| chain != known) || rows.len() > ROWS_MAX {
                continue;
            }
            if let Some((contract, token_id)) = contract.zip(token_id) {
                let key = ItemKey { chain_id: known, contract, token_id };
                let item = items_reads::load(db, key).await?;
                let owned = |item: &ItemRow| {
                    owner.is_none_or(|owner| item.owner.is_some_and(|of| of.0 == owner))
                };
                rows.extend(item.filter(owned));
            } else if token_id.is_none() {
                let limit = (ROWS_MAX + 1 - rows.len()) as i64;
                rows.extend(items_reads::list(db, known, owner, contract, None, limit).await?);
            }
        }
        // A token id without its contract names no item.
        Ok(cut(rows, SnapshotRows::Items))
    }

    async fn checkpoints(&self, db: &mut PgConnection, wanted: &Wanted) -> Found {
        let mut rows = Vec::new();
        if let Ok(chain) = chain_id(wanted) {
            for known in self.config().chains.iter().map(|known| known.chain_id) {
                if chain.is_none_or(|chain| chain == known) {
                    rows.extend(checkpoints::load(db, known).await?.map(|found| (known, found)));
                }
            }
        }
        Ok(cut(rows, SnapshotRows::Chains))
    }
}

type Found = Result<(SnapshotRows, bool), AppError>;

async fn mints(db: &mut PgConnection, wanted: &Wanted) -> Found {
    let (
        Ok(id),
        Ok(principal_id),
        Ok(status),
        Ok(chain),
        Ok(contract),
        Ok(token_id),
        Ok(recipient),
    ) = (
        canonical(wanted, "mint_id"),
        canonical(wanted, "principal_id"),
        canonical(wanted, "status"),
        chain_id(wanted),
        canonical(wanted, "contract"),
        canonical(wanted, "token_id"),
        canonical(wanted, "to"),
    )
    else {
        return Ok((SnapshotRows::Mints(Vec::new()), false));
    };
    let filter = MintFilter { id, principal_id, status, chain, contract, token_id, recipient };
    let rows = requests::list(db, filter, None, ROWS_MAX as i64 + 1).await?;
    Ok(cut(rows, SnapshotRows::Mints))
}

async fn collections(db: &mut PgConnection, wanted: &Wanted) -> Found {
    let (Ok(chain), Ok(contract), Ok(creator), Ok(request_id)) = (
        chain_id(wanted),
        canonical(wanted, "contract"),
        canonical(wanted, "creator"),
        canonical(wanted, "request_id"),
    ) else {
        return Ok((SnapshotRows::Collections(Vec::new()), false));
    };
    let filter = CollectionFilter { chain, contract, creator, request_id };
    let rows = collections_reads::list(db, filter, None, ROWS_MAX as i64 + 1).await?;
    Ok(cut(rows, SnapshotRows::Collections))
}

async fn transactions(db: &mut PgConnection, wanted: &Wanted) -> Found {
    let (Ok(id), Ok(chain), Ok(status)) =
        (canonical(wanted, "transaction_id"), chain_id(wanted), canonical(wanted, "status"))
    else {
        return Ok((SnapshotRows::Transactions(Vec::new()), false));
    };
    let kind = wanted.get("kind").map(String::as_str);
    let filter = TransactionFilter { id, chain, kind, status };
    let rows = transactions_reads::list(db, filter, ROWS_MAX as i64 + 1).await?;
    Ok(cut(rows, SnapshotRows::Transactions))
}

/// A wanted value in the one form in which facts have it.
fn canonical<T: FromStr + ToString>(wanted: &Wanted, name: &str) -> Result<Option<T>, LetsNothing> {
    let Some(text) = wanted.get(name) else { return Ok(None) };
    let value = text.parse::<T>().ok().filter(|value| value.to_string() == *text);
    value.map(Some).ok_or(LetsNothing)
}

fn chain_id(wanted: &Wanted) -> Result<Option<ChainId>, LetsNothing> {
    Ok(canonical::<u64>(wanted, "chain_id")?.map(ChainId))
}

fn cut<T>(mut rows: Vec<T>, of: fn(Vec<T>) -> SnapshotRows) -> (SnapshotRows, bool) {
    let truncated = rows.len() > ROWS_MAX;
    rows.truncate(ROWS_MAX);
    (of(rows), truncated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vocab::{Address, U256};

    #[test]
    fn only_the_form_of_facts_lets_something_through() {
        let address = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
        let lower = address.to_lowercase();
        let wanted = |value: &str| BTreeMap::from([("x".to_owned(), value.to_owned())]);
        assert!(matches!(canonical::<Address>(&wanted(address), "x"), Ok(Some(_))));
        assert!(canonical::<Address>(&wanted(&lower), "x").is_err());
        assert!(matches!(canonical::<Address>(&wanted(&lower), "y"), Ok(None)));
        assert!(matches!(canonical::<U256>(&wanted("17"), "x"), Ok(Some(_))));
        for other in ["017", "0x11", "-1", "", "1.0"] {
            assert!(canonical::<U256>(&wanted(other), "x").is_err(), "{other}");
        }
    }
}
