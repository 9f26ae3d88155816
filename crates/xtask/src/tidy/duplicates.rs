//! Crates that are in the build twice cost compile time and drift apart. Those that we can't help
//! are listed with their reasons in `crates/xtask/duplicates.txt`.

use super::{Findings, Repository};
use std::collections::{BTreeMap, BTreeSet};

const RULE: &str = "duplicates";
const LOCK: &str = "Cargo.lock";
const LIST: &str = "crates/xtask/duplicates.txt";

pub fn check(repository: &Repository, findings: &mut Findings) {
    let Some(lock) = repository.file(LOCK) else { return };
    let known = repository.file(LIST).map_or("", |file| file.text.as_str());
    let entry = |(index, line): (usize, &str)| {
        let line = line.trim();
        (!line.is_empty() && !line.starts_with('#')).then(|| (line.to_owned(), index + 1))
    };
    let known: BTreeMap<String, usize> = known.lines().enumerate().filter_map(entry).collect();
    let duplicates = duplicates(&lock.text);
    for (name, versions) in &duplicates {
        if !known.contains_key(name) {
            let message = format!("`{name}` is there as {versions}: unify, or explain in {LIST}");
            findings.add(LOCK, 1, RULE, message);
        }
    }
    for (name, line) in known.iter().filter(|(name, _)| !duplicates.contains_key(*name)) {
        findings.add(LIST, *line, RULE, format!("`{name}` is there once only: drop the line"));
    }
}

/// Names with more than one version, and those versions.
fn duplicates(lock: &str) -> BTreeMap<String, String> {
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut name = "";
    for line in lock.lines() {
        let value = |key| line.strip_prefix(key).map(|value: &str| value.trim_matches('"'));
        if let Some(value) = value("name = ") {
            name = value;
        } else if let Some(version) = value("version = ") {
            versions.entry(name).or_default().insert(version);
        }
    }
    versions.retain(|_, versions| versions.len() > 1);
    let join = |versions: BTreeSet<&str>| versions.into_iter().collect::<Vec<_>>().join(", ");
    versions.into_iter().map(|(name, versions)| (name.to_owned(), join(versions))).collect()
}

#[cfg(test)]
mod tests {
    use crate::tidy::testing::{findings, repository};

    const LOCK: &str = "\
version = 4

[[package]]
name = \"a\"
version = \"1.0.0\"

[[package]]
name = \"a\"
version = \"2.0.0\"

[[package]]
name = \"b\"
version = \"1.0.0\"
";

    #[test]
    fn new_duplicates_and_stale_entries_are_found() {
        let check = |list| {
            findings(super::check, &repository(&[("Cargo.lock", LOCK), (super::LIST, list)]))
        };
        assert!(check("# why\na\n").is_empty());
        assert!(check("").iter().any(|line| line.contains("`a` is there as 1.0.0, 2.0.0")));
        assert!(check("a\nb\n").iter().any(|line| line.contains("`b` is there once only")));
    }
}
