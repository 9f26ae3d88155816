//! Documents name all crates, and nothing that does not exist.

use super::{File, Findings, Repository};

const RULE: &str = "docs";
const MAP: &str = "ARCHITECTURE.md";

pub fn check(repository: &Repository, findings: &mut Findings) {
    if let Some(map) = repository.file(MAP) {
        for package in repository.crates() {
            if !map.text.contains(&format!("`{}`", package.name)) {
                findings.add(MAP, 1, RULE, format!("does not name the crate `{}`", package.name));
            }
        }
    }
    for file in repository.files.iter().filter(|file| file.extension() == "md") {
        let mut fenced = false;
        for (index, line) in file.text.lines().enumerate() {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
            } else if !fenced {
                check_line(repository, findings, file, (index + 1, line));
            }
        }
    }
}

fn check_line(
    repository: &Repository,
    findings: &mut Findings,
    file: &File,
    (number, line): (usize, &str),
) {
    for quoted in line.split('`').skip(1).step_by(2) {
        let missing = looks_like_path(repository, quoted) && !exists(repository, quoted);
        if missing && !(repository.ignored)(quoted) {
            findings.add(&file.path, number, RULE, format!("there is no `{quoted}`"));
        }
    }
    for link in links(line) {
        let target = link.split('#').next().unwrap_or_default();
        if !target.is_empty() && !exists(repository, &resolve(&file.path, target)) {
            findings.add(&file.path, number, RULE, format!("the link {link} leads nowhere"));
        }
    }
}

/// A name with a slash that begins like a path of ours.
fn looks_like_path(repository: &Repository, quoted: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || "._-/".contains(c);
    let Some((top, rest)) = quoted.split_once('/') else { return false };
    let ours = |file: &File| file.path.split_once('/').is_some_and(|(first, _)| first == top);
    !rest.is_empty() && quoted.chars().all(plain) && repository.files.iter().any(ours)
}

fn exists(repository: &Repository, path: &str) -> bool {
    let path = path.trim_end_matches('/');
    let inside =
        |file: &File| file.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
    path.is_empty() || repository.files.iter().any(|file| file.path == path || inside(file))
}

/// Relative targets of `[text](target)`.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    targets.filter(|target| !target.contains(':') && !target.starts_with('/'))
}

fn resolve(from: &str, target: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use crate::tidy::testing::{findings, ours, repository};

    fn check(text: &str) -> Vec<String> {
        let files = [("docs/a.md", text), ("docs/b/c.md", ""), ("crates/x/src/lib.rs", "")];
        findings(super::check, &repository(&files))
    }

    #[test]
    fn paths_and_links_that_lead_nowhere_are_found() {
        for bad in ["`crates/y/src`", "[a](gone.md)", "[a](../README.md#part)"] {
            assert_eq!(check(bad).len(), 1, "{bad}");
        }
        let good = "`crates/x` `crates/x/src/lib.rs` `a/b` [a](b/c.md#d) [b](https://a.b) [c](#d)";
        assert!(check(good).is_empty(), "{:?}", check(good));
        assert!(check("```\n`crates/y/src`\n```").is_empty());
    }

    #[test]
    fn a_crate_that_the_map_does_not_name_is_found() {
        let mut repository = repository(&[("ARCHITECTURE.md", "`a`")]);
        repository.packages = vec![ours("a", &[]), ours("b", &[])];
        assert_eq!(findings(super::check, &repository).len(), 1);
    }
}
