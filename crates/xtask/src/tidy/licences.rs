//! Licences of everything that is built in.

use super::{Findings, Repository};

const RULE: &str = "licences";

/// Permissive, or weak enough that use as a library asks nothing of us.
const ALLOWED: [&str; 15] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "Zlib",
];

pub fn check(repository: &Repository, findings: &mut Findings) {
    for package in &repository.packages {
        let licence = package.licence.as_deref().unwrap_or("none");
        if !allowed(licence) {
            let (name, version) = (&package.name, &package.version);
            let message = format!("{name} {version} is under `{licence}`");
            findings.add("Cargo.lock", 1, RULE, message);
        }
    }
}

/// Evaluate an SPDX expression: some choice it offers is allowed.
fn allowed(expression: &str) -> bool {
    // Old manifests write `/` for OR.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut words = words.as_slice();
    any(&mut words) == Some(true) && words.is_empty()
}

fn any(words: &mut &[&str]) -> Option<bool> {
    let mut verdict = all(words)?;
    while let ["OR", rest @ ..] = *words {
        *words = rest;
        verdict |= all(words)?;
    }
    Some(verdict)
}

fn all(words: &mut &[&str]) -> Option<bool> {
    let mut verdict = one(words)?;
    while let ["AND", rest @ ..] = *words {
        *words = rest;
        verdict &= one(words)?;
    }
    Some(verdict)
}

fn one(words: &mut &[&str]) -> Option<bool> {
    match *words {
        ["(", rest @ ..] => {
            *words = rest;
            let verdict = any(words)?;
            let [")", rest @ ..] = *words else { return None };
            *words = rest;
            Some(verdict)
        }
        // An exception only grants more.
        [name, "WITH", _, rest @ ..] | [name, rest @ ..] => {
            *words = rest;
            Some(ALLOWED.contains(name))
        }
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::allowed;
    use crate::tidy::{
        Package,
        testing::{findings, repository},
    };

    #[test]
    fn expressions_are_evaluated() {
        for good in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-3.0 OR MIT",
            "(MIT OR GPL-2.0) AND ISC",
            "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
        ] {
            assert!(allowed(good), "{good}");
        }
        for bad in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT", "none", "", "MIT OR", "MIT ISC"] {
            assert!(!allowed(bad), "{bad}");
        }
    }

    #[test]
    fn a_package_under_another_licence_is_found() {
        let mut repository = repository(&[]);
        let package = |licence: Option<&str>| Package {
            licence: licence.map(str::to_owned),
            ..Package::default()
        };
        repository.packages = vec![package(Some("MIT")), package(Some("AGPL-3.0")), package(None)];
        assert_eq!(findings(super::check, &repository).len(), 2);
    }
}
