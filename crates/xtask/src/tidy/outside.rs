//! Which of our crates may use which crates of others.

use super::{Findings, Repository};

const RULE: &str = "outside";

/// (crate of others, ours that may use it, why only they)
const ONLY: [(&str, &[&str], &str); 6] = [
    // The bench compares us with a handler that does nothing but commit a row.
    ("sqlx", &["db", "bench"], "SQL lives in `db`"),
    ("axum", &["api", "push", "testkit", "bench"], "HTTP is served by `api`"),
    ("axum-extra", &["api", "push"], "HTTP is served by `api`"),
    ("utoipa", &["api", "api-types"], "wire shapes live in `api-types`"),
    ("eth-keystore", &["signer"], "secret keys live in the signer"),
    ("redb", &["signer"], "the one database is Postgres; the signer trusts none of ours"),
];

const DOMAIN: [&str; 6] = ["mint", "sponsor", "market", "tickets", "trade", "vault"];
const NOT_PURE: [&str; 9] = [
    "tokio",
    "tokio-util",
    "sqlx",
    "axum",
    "reqwest",
    "hyper",
    "redb",
    "rand",
    "tracing-subscriber",
];

pub fn check(repository: &Repository, findings: &mut Findings) {
    for package in repository.crates() {
        let manifest = format!("crates/{}/Cargo.toml", package.name);
        for dependency in package.dependencies.iter().filter(|dependency| !dependency.dev) {
            let name = dependency.name.as_str();
            let only = ONLY.iter().find(|(outside, ..)| *outside == name);
            if let Some((_, users, why)) = only
                && !users.contains(&package.name.as_str())
            {
                findings.add(&manifest, 1, RULE, format!("`{name}` is not for this crate: {why}"));
            }
            if DOMAIN.contains(&package.name.as_str()) && NOT_PURE.contains(&name) {
                let message = format!("`{name}`: domain crates are pure (no I/O, clock, chance)");
                findings.add(&manifest, 1, RULE, message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::tidy::testing::{findings, ours, repository};

    #[test]
    fn dependencies_outside_their_place_are_found() {
        let cases: [(&str, &[&str], usize); 6] = [
            ("app", &["sqlx"], 1),
            ("db", &["sqlx", "tokio"], 0),
            ("mint", &["tokio"], 1),
            ("mint", &["dev:tokio"], 0),
            ("app", &["axum", "eth-keystore"], 2),
            ("signer", &["eth-keystore", "redb"], 0),
        ];
        for (name, uses, expect) in cases {
            let mut repository = repository(&[]);
            repository.packages = vec![ours(name, uses)];
            let found = findings(super::check, &repository);
            assert_eq!(found.len(), expect, "{name}: {found:?}");
        }
    }
}
