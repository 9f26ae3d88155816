//! Migrations are numbered from 0001 without gaps.

use super::{Findings, Repository};

const RULE: &str = "migrations";

pub fn check(repository: &Repository, findings: &mut Findings) {
    let mut names: Vec<&str> = repository
        .files
        .iter()
        .filter_map(|file| file.path.strip_prefix("migrations/"))
        .filter(|name| name.ends_with(".sql"))
        .collect();
    names.sort_unstable();
    for (index, name) in names.iter().enumerate() {
        let expect = format!("{:04}_", index + 1);
        let noun = name.strip_prefix(&expect).and_then(|rest| rest.strip_suffix(".sql"));
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !noun.is_some_and(|noun| noun.contains('_') && noun.chars().all(plain)) {
            let message = format!("should be named {expect}verb_noun.sql");
            findings.add(&format!("migrations/{name}"), 1, RULE, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::tidy::testing::{findings, repository};

    #[test]
    fn gaps_doubles_and_odd_names_are_found() {
        let check = |names: &[&str]| {
            let paths: Vec<String> =
                names.iter().map(|name| format!("migrations/{name}")).collect();
            let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "")).collect();
            findings(super::check, &repository(&files)).len()
        };
        assert_eq!(check(&["0001_create_a.sql", "0002_add_b.sql", "README.md"]), 0);
        assert_eq!(check(&["0001_create_a.sql", "0003_add_b.sql"]), 1);
        assert_eq!(check(&["0001_create_a.sql", "0001_add_b.sql"]), 1);
        assert_eq!(check(&["0001_Create.sql"]), 1);
    }
}
