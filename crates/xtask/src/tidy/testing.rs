//! Small repositories for the rules' own tests.

use super::{File, Findings, Package, Repository, Rule, packages::Dependency, source::Source};

pub fn file(path: &str, text: &str) -> File {
    let rust = if path.ends_with(".rs") { Source::parse(text) } else { None };
    File { path: path.to_owned(), text: text.to_owned(), rust }
}

pub fn repository(files: &[(&str, &str)]) -> Repository {
    let files = files.iter().map(|(path, text)| file(path, text)).collect();
    Repository { files, packages: Vec::new(), ignored: |_| false }
}

/// A package of ours that needs others; a leading `dev:` marks those for tests only.
pub fn ours(name: &str, dependencies: &[&str]) -> Package {
    let dependency = |name: &&str| match name.strip_prefix("dev:") {
        Some(name) => Dependency { name: name.to_owned(), dev: true, ..Dependency::default() },
        None => Dependency { name: (*name).to_owned(), ..Dependency::default() },
    };
    let dependencies = dependencies.iter().map(dependency).collect();
    let licence = Some("MIT".to_owned());
    Package { name: name.to_owned(), licence, ours: true, dependencies, ..Package::default() }
}

/// What `rule` finds, one line each.
pub fn findings(rule: Rule, repository: &Repository) -> Vec<String> {
    let mut findings = Findings::default();
    rule(repository, &mut findings);
    findings.0.iter().map(ToString::to_string).collect()
}
