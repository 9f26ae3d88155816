//! Words of code that have no place, or only in some crates.

use super::{Findings, Repository};

const RULE: &str = "banned";

/// Crates that are no product: they may print, wait and panic.
const PROOF: [&str; 4] = ["bench", "prove", "testkit", "xtask"];

enum Where {
    Everywhere,
    Tests,
    /// Outside tests, except in these crates.
    ProductBut(&'static [&'static str]),
    /// Outside tests, only in these crates.
    Crates(&'static [&'static str]),
}

const DOMAIN: &[&str] = &["mint", "sponsor", "market", "tickets", "trade", "vault"];
const ENVIRONMENT: &[&str] = &["runtime", "stoa", "devstack"];
const PRINTS: &[&str] = &["stoa"];

const BANNED: [(&str, Where, &str); 25] = [
    ("todo!", Where::Everywhere, "finish it"),
    ("unimplemented!", Where::Everywhere, "finish it"),
    ("dbg!", Where::Everywhere, "remove it"),
    ("unsafe", Where::Everywhere, "there is no unsafe code here"),
    ("static mut", Where::Everywhere, "pass state along"),
    ("unbounded_channel", Where::Everywhere, "every queue has a bound"),
    ("#[ignore", Where::Everywhere, "a test runs or is deleted; long ones go to `make prove`"),
    ("should_panic", Where::Everywhere, "assert on the error"),
    ("sleep(", Where::Tests, "wait for a condition: testkit::eventually"),
    ("println!", Where::ProductBut(PRINTS), "log through tracing"),
    ("eprintln!", Where::ProductBut(PRINTS), "log through tracing"),
    ("print!", Where::ProductBut(PRINTS), "log through tracing"),
    ("tokio::spawn", Where::ProductBut(&["runtime"]), "the supervisor spawns tasks"),
    ("db.begin(", Where::ProductBut(&["db"]), "`db::begin` bears being cancelled"),
    ("db().begin(", Where::ProductBut(&["db"]), "`db::begin` bears being cancelled"),
    ("begin_with(", Where::ProductBut(&["db"]), "`db::begin` bears being cancelled"),
    ("env::var", Where::ProductBut(ENVIRONMENT), "configuration comes through `runtime`"),
    ("env::var_os", Where::ProductBut(ENVIRONMENT), "configuration comes through `runtime`"),
    ("env::vars", Where::ProductBut(ENVIRONMENT), "configuration comes through `runtime`"),
    // The bench makes keys of its own, for one run on a node of its own.
    ("SecretKey", Where::ProductBut(&["signer", "bench"]), "secret keys live in the signer"),
    ("eth_keystore", Where::ProductBut(&["signer"]), "secret keys live in the signer"),
    ("SystemTime::now", Where::Crates(DOMAIN), "pure code gets the time from its caller"),
    ("Instant::now", Where::Crates(DOMAIN), "pure code gets the time from its caller"),
    ("now_utc", Where::Crates(DOMAIN), "pure code gets the time from its caller"),
    ("std::fs", Where::Crates(DOMAIN), "pure code does no I/O"),
];

pub fn check(repository: &Repository, findings: &mut Findings) {
    for (file, source, name) in repository.rust() {
        for (needle, place, why) in &BANNED {
            for line in source.find(needle) {
                let test = file.is_test() || source.in_test(line);
                let product = !test && !file.is_example() && !PROOF.contains(&name);
                let applies = match place {
                    Where::Everywhere => true,
                    Where::Tests => test,
                    Where::ProductBut(crates) => product && !crates.contains(&name),
                    Where::Crates(crates) => product && crates.contains(&name),
                };
                if applies {
                    let needle = needle.trim_end_matches('(');
                    findings.add(&file.path, line, RULE, format!("`{needle}`: {why}"));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::tidy::testing::{findings, repository};

    #[test]
    fn each_banned_word_is_found_where_it_is_banned() {
        let cases = [
            ("crates/app/src/a.rs", "fn f() { todo!() }", 1),
            ("crates/app/src/a.rs", "fn f() { unsafe { g() } }", 1),
            ("crates/app/src/a.rs", "fn f() { tokio::sync::mpsc::unbounded_channel(); }", 1),
            ("crates/app/src/a.rs", "#[test]\n#[ignore]\nfn f() {}", 1),
            ("crates/app/src/a.rs", "fn f() { tokio::time::sleep(d); }", 0),
            ("crates/app/src/tests.rs", "fn f() { tokio::time::sleep(d); }", 1),
            ("crates/app/tests/it/a.rs", "fn f() { std::thread::sleep(d); }", 1),
            ("crates/app/src/a.rs", "fn f() { println!(); }", 1),
            ("crates/stoa/src/a.rs", "fn f() { println!(); }", 0),
            ("crates/app/src/a.rs", "fn f() { tokio::spawn(g()); }", 1),
            ("crates/runtime/src/a.rs", "fn f() { tokio::spawn(g()); }", 0),
            ("crates/app/examples/a.rs", "fn f() { tokio::spawn(g()); println!(); }", 0),
            ("crates/app/examples/a.rs", "fn f() { todo!() }", 1),
            ("crates/app/src/a.rs", "fn f() { std::env::var_os(a); }", 1),
            ("crates/runtime/src/a.rs", "fn f() { std::env::var(a); }", 0),
            ("crates/app/src/a.rs", "use secp256k1::SecretKey;", 1),
            ("crates/signer/src/a.rs", "use secp256k1::SecretKey;", 0),
            ("crates/mint/src/a.rs", "fn f() { std::time::SystemTime::now(); }", 1),
            ("crates/app/src/a.rs", "fn f() { std::time::SystemTime::now(); }", 0),
        ];
        for (path, text, expect) in cases {
            let found = findings(super::check, &repository(&[(path, text)]));
            assert_eq!(found.len(), expect, "{path}: {text}: {found:?}");
        }
    }
}
