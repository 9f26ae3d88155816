//! Which of our crates may use which: the table in ARCHITECTURE.md.

use super::{File, Findings, Repository};
use std::collections::BTreeMap;

const RULE: &str = "edges";
const TABLE: &str = "ARCHITECTURE.md";
const BEGIN: &str = "<!-- edges: begin -->";
const END: &str = "<!-- edges: end -->";

struct Row {
    line: usize,
    may_use: Vec<String>,
    /// Its crate is still to come.
    planned: bool,
}

pub fn check(repository: &Repository, findings: &mut Findings) {
    let Some(file) = repository.file(TABLE) else {
        findings.add(TABLE, 1, RULE, "it is missing");
        return;
    };
    let rows = rows(file);
    if rows.is_empty() {
        findings.add(TABLE, 1, RULE, format!("no table between `{BEGIN}` and `{END}`"));
        return;
    }
    for (name, row) in &rows {
        let exists = repository.crates().any(|package| &package.name == name);
        if !exists && !row.planned {
            findings.add(TABLE, row.line, RULE, format!("there is no crate `{name}`"));
        }
        if exists && row.planned {
            findings.add(TABLE, row.line, RULE, format!("`{name}` is no longer just planned"));
        }
        for used in row.may_use.iter().filter(|used| !rows.contains_key(*used)) {
            findings.add(TABLE, row.line, RULE, format!("`{used}` has no row of its own"));
        }
    }
    for package in repository.crates() {
        let manifest = format!("crates/{}/Cargo.toml", package.name);
        let Some(row) = rows.get(&package.name) else {
            findings.add(&manifest, 1, RULE, format!("`{}` has no row in {TABLE}", package.name));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| !dependency.dev) {
            let name = &dependency.name;
            let ours = repository.crates().any(|other| &other.name == name);
            if ours && !row.may_use.contains(name) {
                let message = format!("`{}` may not use `{name}` ({TABLE})", package.name);
                findings.add(&manifest, line_of(repository, &manifest, name), RULE, message);
            }
        }
    }
}

/// Rows by crate: `` | `crate` | `may` `use` | why | ``.
fn rows(file: &File) -> BTreeMap<String, Row> {
    let lines = file.text.lines().enumerate();
    let inside = lines.skip_while(|(_, line)| line.trim() != BEGIN);
    let inside = inside.take_while(|(_, line)| line.trim() != END);
    let row = |(index, line): (usize, &str)| {
        let cells: Vec<&str> = line.trim().trim_matches('|').split('|').collect();
        let name = words(cells.first()?).next()?.to_owned();
        let may_use = cells.get(1).into_iter().flat_map(|cell| words(cell));
        let may_use = may_use.map(str::to_owned).collect();
        let planned = cells.get(2).is_some_and(|why| why.trim().starts_with("planned"));
        Some((name, Row { line: index + 1, may_use, planned }))
    };
    inside.filter_map(row).collect()
}

/// What stands in backticks.
fn words(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

fn line_of(repository: &Repository, manifest: &str, dependency: &str) -> usize {
    let line = |file: &File| {
        let mut lines = file.text.lines();
        lines.position(|line| line.split(['=', '.']).next().is_some_and(|k| k.trim() == dependency))
    };
    repository.file(manifest).and_then(line).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use crate::tidy::testing::{findings, ours, repository};

    const TABLE: &str = "\
<!-- edges: begin -->
| crate | may use | why |
|---|---|---|
| `a` | – | ground |
| `b` | `a` | |
| `later` | `a` `b` | planned |
<!-- edges: end -->
";

    fn check(table: &str, crates: &[(&str, &[&str])]) -> Vec<String> {
        let mut repository = repository(&[("ARCHITECTURE.md", table)]);
        repository.packages = crates.iter().map(|(name, uses)| ours(name, uses)).collect();
        findings(super::check, &repository)
    }

    #[test]
    fn edges_in_the_table_pass() {
        let found = check(TABLE, &[("a", &["serde"]), ("b", &["a", "dev:b"])]);
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn an_edge_against_the_table_is_found() {
        let found = check(TABLE, &[("a", &["b"]), ("b", &[])]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("`a` may not use `b`"), "{found:?}");
        assert!(check(TABLE, &[("a", &["dev:b"]), ("b", &[])]).is_empty());
    }

    #[test]
    fn crates_without_row_and_rows_without_crate_are_found() {
        let found = check(TABLE, &[("a", &[]), ("b", &[]), ("c", &[])]);
        assert!(found[0].contains("`c` has no row"), "{found:?}");
        let found = check(TABLE, &[("a", &[])]);
        assert!(found[0].contains("there is no crate `b`"), "{found:?}");
        let found = check(TABLE, &[("a", &[]), ("b", &[]), ("later", &[])]);
        assert!(found[0].contains("no longer just planned"), "{found:?}");
        assert_eq!(check("nothing", &[("a", &[])]).len(), 1);
    }
}
