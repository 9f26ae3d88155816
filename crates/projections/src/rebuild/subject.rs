//! What can be made anew: a projection by its name, with all rows of its tables.

use crate::{
    fold::Changes,
    followed::{Folded, PROJECTIONS},
};
use db::digest::{Compared, TABLES, TakenBack};

/// Every table of the index.
const ALL: &str = "all";
/// What our own contracts tell.
const COLLECTIONS: (&str, &[&str]) =
    ("collections", &["collections", "items", "transfers", "metadata_updates"]);
const UNDECODED: (&str, &[&str]) = ("undecoded_logs", &["undecoded_logs"]);

/// Tables that are made anew together. One that several projections write has the rows of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    name: &'static str,
    tables: Vec<&'static str>,
}

impl Subject {
    /// Every name that there is.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        let followed = PROJECTIONS.iter().map(|projection| projection.name);
        [ALL, COLLECTIONS.0].into_iter().chain(followed).chain([UNDECODED.0]).collect()
    }

    /// None when there is no such name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if name == ALL {
            return Some(Self::all());
        }
        let followed = PROJECTIONS.iter().map(|projection| (projection.name, projection.tables));
        let mut known = [COLLECTIONS, UNDECODED].into_iter().chain(followed);
        let (name, of) = known.find(|(known, _)| *known == name)?;
        let tables = made().filter(|table| of.contains(table)).collect();
        Some(Self { name, tables })
    }

    #[must_use]
    pub fn all() -> Self {
        Self { name: ALL, tables: made().collect() }
    }

    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// In the order of [`TABLES`].
    #[must_use]
    pub fn tables(&self) -> &[&'static str] {
        &self.tables
    }

    pub(super) fn has(&self, table: &str) -> bool {
        self.tables.contains(&table)
    }

    /// Those whose rows are changed by later blocks.
    pub(super) fn changing(&self) -> Vec<&'static str> {
        let changing = |name: &&&str| {
            TABLES.iter().any(|t| t.table == **name && t.taken_back == TakenBack::Restored)
        };
        self.tables.iter().filter(changing).copied().collect()
    }

    /// Leave out what is of other tables.
    pub(super) fn retain_followed(&self, folded: &mut Folded) {
        fn unless<T>(kept: bool, rows: &mut Vec<T>) {
            if !kept {
                rows.clear();
            }
        }
        unless(self.has("balances"), &mut folded.balances);
        unless(self.has("balances"), &mut folded.touched);
        unless(self.has("items"), &mut folded.owners);
        unless(self.has("allowances"), &mut folded.allowances);
        unless(self.has("token_approvals"), &mut folded.token_approvals);
        unless(self.has("operator_approvals"), &mut folded.operators);
        unless(self.has("transfers"), &mut folded.transfers);
        unless(self.has("metadata_updates"), &mut folded.metadata_updates);
        unless(self.has("undecoded_logs"), &mut folded.undecoded);
    }

    /// The same of what our contracts tell.
    pub(super) fn retain_ours(&self, changes: &mut Changes) {
        if !self.has("items") {
            changes.rows.items.clear();
        }
        if !self.has("collections") {
            changes.rows.collections.clear();
        }
        if !self.has("transfers") {
            changes.transfers.clear();
        }
        if !self.has("metadata_updates") {
            changes.metadata_updates.clear();
        }
        changes.undo.retain(|record| self.has(record.projection));
    }
}

/// Tables that are made anew. Which contracts factories have made is not: it decides what logs are
/// kept, and is written with them. What is read by an ABI is of single logs, and needs none.
fn made() -> impl Iterator<Item = &'static str> {
    const KEPT: [&str; 3] = ["index_children", "decoded_logs", "unread_logs"];
    let made =
        |table: &&Compared| table.taken_back != TakenBack::Moved && !KEPT.contains(&table.table);
    TABLES.iter().filter(made).map(|table| table.table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_tables_and_every_table_a_name() {
        for name in Subject::names() {
            let subject = Subject::named(name).unwrap();
            assert_eq!(subject.name(), name);
            assert!(!subject.tables().is_empty() && !subject.has("raw_logs"), "{name}");
        }
        assert_eq!(Subject::named("raw_logs"), None);
        let some = Subject::names().into_iter().filter(|name| *name != ALL);
        let named: Vec<Subject> = some.filter_map(Subject::named).collect();
        for table in made() {
            assert!(named.iter().any(|subject| subject.has(table)), "{table}");
        }
    }
}
