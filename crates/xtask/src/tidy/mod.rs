//! `cargo xtask tidy`: the rules of STYLE.md and ARCHITECTURE.md that a program can check.
//!
//! Each rule is a file of its own. A finding is excused by a comment `tidy: allow(rule) reason` on
//! its line or in the comments right above it; an excuse that excuses nothing is a finding too.

mod answers;
mod banned;
mod docs;
mod duplicates;
mod edges;
mod escapes;
mod licences;
mod metrics;
mod migrations;
mod names;
mod outside;
mod packages;
mod planted;
mod repository;
mod sizes;
mod source;
mod sources;
#[cfg(test)]
mod testing;
mod words;

use anyhow::{Result, bail};
use packages::Package;
pub use repository::{File, Repository};
use std::{fmt, path::Path};

/// Something to repair.
#[derive(Debug)]
struct Finding {
    path: String,
    line: usize,
    rule: &'static str,
    message: String,
    /// Shown, but no failure.
    warning: bool,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, rule, message, warning } = self;
        let warning = if *warning { "warning: " } else { "" };
        write!(f, "{path}:{line}: {warning}{rule}: {message}")
    }
}

/// Where rules put what they find.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, path: &str, line: usize, rule: &'static str, message: impl Into<String>) {
        let (path, message) = (path.to_owned(), message.into());
        self.0.push(Finding { path, line, rule, message, warning: false });
    }

    fn warn(&mut self, path: &str, line: usize, rule: &'static str, message: impl Into<String>) {
        let (path, message) = (path.to_owned(), message.into());
        self.0.push(Finding { path, line, rule, message, warning: true });
    }
}

type Rule = fn(&Repository, &mut Findings);

const RULES: [(&str, Rule); 14] = [
    ("answers", answers::check),
    ("banned", banned::check),
    ("docs", docs::check),
    ("duplicates", duplicates::check),
    ("edges", edges::check),
    ("licences", licences::check),
    ("metrics", metrics::check),
    ("migrations", migrations::check),
    ("names", names::check),
    ("outside", outside::check),
    ("planted", planted::check),
    ("sizes", sizes::check),
    ("sources", sources::check),
    ("words", words::check),
];

/// Check the repository at `root` and print what is wrong with it.
pub fn check(root: &Path) -> Result<()> {
    let repository = Repository::load(root)?;
    let mut findings = Findings::default();
    for (_, rule) in RULES {
        rule(&repository, &mut findings);
    }
    escapes::apply(&repository, &mut findings);
    findings.0.sort_by(|a, b| (&a.path, a.line, a.rule).cmp(&(&b.path, b.line, b.rule)));
    for finding in &findings.0 {
        eprintln!("{finding}");
    }
    let failures = findings.0.iter().filter(|finding| !finding.warning).count();
    if failures > 0 {
        bail!("{failures} findings");
    }
    Ok(())
}
