//! Every metric is in a manual for operators, and alerts and dashboards name no other.

use super::{Findings, Repository};
use std::collections::BTreeSet;

const RULE: &str = "metrics";
const MACROS: [&str; 3] = ["counter!(", "gauge!(", "histogram!("];
/// What the exporter adds to the name of a distribution.
const SUFFIXES: [&str; 3] = ["_bucket", "_sum", "_count"];

pub fn check(repository: &Repository, findings: &mut Findings) {
    let manuals: Vec<&str> = repository
        .files
        .iter()
        .filter(|file| file.path.starts_with("docs/operate/"))
        .map(|file| file.text.as_str())
        .collect();
    let mut known = BTreeSet::new();
    for file in &repository.files {
        if file.extension() != "rs" || file.is_test() || file.crate_name() == Some("xtask") {
            continue;
        }
        for (line, name) in told(&file.text) {
            let forms = [format!("`{name}`"), format!("`{name}{{")];
            if !manuals.iter().any(|manual| forms.iter().any(|form| manual.contains(form))) {
                let message = format!("`{name}` is in no manual under docs/operate");
                findings.add(&file.path, line, RULE, message);
            }
            known.insert(name);
        }
    }
    for file in repository.files.iter().filter(|file| file.path.starts_with("deploy/")) {
        for (index, line) in file.text.lines().enumerate() {
            for name in asked(line).filter(|name| !known.contains(name)) {
                let message = format!("there is no metric `{name}`");
                findings.add(&file.path, index + 1, RULE, message);
            }
        }
    }
}

/// Names that code gives to metrics, each with its line.
fn told(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("metrics::") {
        let rest = &text[at + "metrics::".len()..];
        let Some(rest) = MACROS.iter().find_map(|name| rest.strip_prefix(name)) else { continue };
        let Some(name) = rest.trim_start().strip_prefix('"') else { continue };
        let name = name.split('"').next().unwrap_or_default();
        found.push((text[..at].lines().count().max(1), name.to_owned()));
    }
    found
}

/// Metrics that a line's query names: all its words that have an underscore, but for labels, what
/// they are compared with, and functions.
fn asked(line: &str) -> impl Iterator<Item = String> {
    let query = line.split_once("expr").map_or("", |(_, query)| query);
    let query = without(&without(query, "{", "}"), "by (", ")");
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let words: Vec<String> = query.split(|c| !plain(c)).map(str::to_owned).collect();
    let functions = ["histogram_quantile", "max_over_time"];
    let names = words.into_iter().filter(|word| word.contains('_'));
    names.filter(move |word| !functions.contains(&word.as_str())).map(|word| {
        let base = SUFFIXES.iter().find_map(|suffix| word.strip_suffix(suffix));
        base.unwrap_or(&word).to_owned()
    })
}

/// The text but for what stands between these two.
fn without(text: &str, from: &str, to: &str) -> String {
    let mut parts = text.split(from);
    let first = parts.next().unwrap_or_default().to_owned();
    let rests = parts.map(|part| part.split_once(to).map_or("", |(_, rest)| rest));
    rests.fold(first, |kept, rest| kept + " " + rest)
}

#[cfg(test)]
mod tests {
    use crate::tidy::testing::{findings, repository};

    const CODE: (&str, &str) =
        ("crates/a/src/lib.rs", "metrics::gauge!(\n    \"a_lag\", labels);\n");

    #[test]
    fn a_metric_without_a_manual_is_found() {
        let check = |manual| {
            let files = [CODE, ("docs/operate/a.md", manual)];
            findings(super::check, &repository(&files)).len()
        };
        assert_eq!(check("| `a_lag` | blocks behind |"), 0);
        assert_eq!(check("nothing"), 1);
    }

    #[test]
    fn an_alert_on_a_metric_that_does_not_exist_is_found() {
        let check = |rules| {
            let manual = ("docs/operate/a.md", "`a_lag`");
            let files = [CODE, manual, ("deploy/prometheus/rules.yml", rules)];
            findings(super::check, &repository(&files)).len()
        };
        assert_eq!(check("expr: histogram_quantile(0.99, rate(a_lag_bucket[5m])) > 3"), 0);
        assert_eq!(check("expr: max by (a_b) (a_lag{state=~\"b_c|d_e\"}) > 3"), 0);
        assert_eq!(check("expr: a_log > 3"), 1);
        assert_eq!(check("summary: no_metric here"), 0);
    }
}
