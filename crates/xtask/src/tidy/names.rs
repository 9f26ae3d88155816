//! Names of files and modules that say nothing.

use super::{Findings, Repository};

const RULE: &str = "names";

const EMPTY: [&str; 11] = [
    "util", "utils", "common", "shared", "helper", "helpers", "manager", "managers", "impl",
    "misc", "base",
];

pub fn check(repository: &Repository, findings: &mut Findings) {
    for file in &repository.files {
        if !matches!(file.extension(), "rs" | "sol" | "ts" | "tsx") {
            continue;
        }
        let stem = file.path.rsplit_once('.').map_or(file.path.as_str(), |(stem, _)| stem);
        let says_nothing = |part: &&str| EMPTY.contains(&part.to_ascii_lowercase().as_str());
        if let Some(part) = stem.split('/').find(says_nothing) {
            findings.add(&file.path, 1, RULE, format!("`{part}` says nothing: name what it holds"));
        }
        let Some(source) = &file.rust else { continue };
        for name in EMPTY.iter().filter(|name| **name != "impl") {
            for line in source.find(&format!("mod {name} {{")) {
                findings.add(&file.path, line, RULE, format!("`{name}` says nothing"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::tidy::testing::{findings, repository};

    #[test]
    fn empty_names_are_found() {
        for path in ["crates/a/src/utils.rs", "crates/common/src/lib.rs", "contracts/src/Base.sol"]
        {
            assert_eq!(findings(super::check, &repository(&[(path, "")])).len(), 1, "{path}");
        }
        let inline = repository(&[("crates/a/src/b.rs", "mod helpers { fn f() {} }")]);
        assert_eq!(findings(super::check, &inline).len(), 1);
        let good = repository(&[("crates/a/src/utilisation.rs", "mod price {}")]);
        assert!(findings(super::check, &good).is_empty());
    }
}
