//! Paths of the machines that people work on have no place in the repository.

use super::{Findings, Repository};

const RULE: &str = "words";

/// Assembled, so that this file does not hold them.
const MACHINE: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];

pub fn check(repository: &Repository, findings: &mut Findings) {
    for file in &repository.files {
        for (index, line) in file.text.lines().enumerate() {
            for word in MACHINE {
                // Not as a part of a longer path or address.
                let inside = |c: char| c.is_alphanumeric() || "._-/}*$".contains(c);
                if line.match_indices(word).any(|(at, _)| !line[..at].ends_with(inside)) {
                    let message = format!("`{word}` is a path of some machine");
                    findings.add(&file.path, index + 1, RULE, message);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::tidy::testing::{findings, repository};

    #[test]
    fn machine_paths_are_found() {
        let path = concat!("cd /wo", "rk/main");
        assert_eq!(findings(super::check, &repository(&[("README.md", path)])).len(), 1);
        let address = concat!("https://example.org/wo", "rk/main");
        assert!(findings(super::check, &repository(&[("README.md", address)])).is_empty());
    }
}
