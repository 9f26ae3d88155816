//! Packages come from the public registries, by the public names: a lock file or a setting that
//! names a host would tie a clone to somebody's network. npm's lock names none at all (`.npmrc`).

use super::{Findings, Repository};

const RULE: &str = "sources";

const CRATES: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub fn check(repository: &Repository, findings: &mut Findings) {
    for file in &repository.files {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        for (index, line) in file.text.lines().enumerate() {
            let line = line.trim();
            let wrong = match name {
                "Cargo.lock" => value(line, "source = ").is_some_and(|source| source != CRATES),
                "package-lock.json" => {
                    value(line, "\"resolved\": ").is_some_and(|address| address.contains("://"))
                }
                ".npmrc" | ".yarnrc" | "pip.conf" => line.contains("://"),
                "config.toml" => file.path.starts_with(".cargo/") && line.contains("://"),
                _ => false,
            };
            if wrong {
                findings.add(&file.path, index + 1, RULE, "names a source that is not public");
            }
        }
    }
}

fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    Some(line.strip_prefix(key)?.trim_end_matches(',').trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use crate::tidy::testing::{findings, repository};

    #[test]
    fn private_sources_are_found() {
        let cases = [
            ("Cargo.lock", format!("source = \"{}\"", super::CRATES), 0),
            ("Cargo.lock", "source = \"git+https://github.com/a/b#c\"".into(), 1),
            ("tools/package-lock.json", "\"resolved\": \"a.tgz\",".into(), 0),
            ("tools/package-lock.json", "\"resolved\": \"http://mirror/a.tgz\",".into(), 1),
            ("tools/.npmrc", "registry=http://mirror/".into(), 1),
            (".cargo/config.toml", "registry = \"sparse+http://mirror/\"".into(), 1),
        ];
        for (path, text, expect) in cases {
            let found = findings(super::check, &repository(&[(path, &text)]));
            assert_eq!(found.len(), expect, "{path}: {text}");
        }
    }
}
