//! Excuses: `tidy: allow(rule) reason` in a comment.

use super::{File, Findings, RULES, Repository};

const RULE: &str = "escapes";

/// Drop what is excused; report excuses that are malformed or idle.
pub fn apply(repository: &Repository, findings: &mut Findings) {
    for file in &repository.files {
        for (line, escape) in escapes(file) {
            let Some((rule, reason)) = escape.split_once(')') else {
                findings.add(&file.path, line, RULE, "write `tidy: allow(rule) reason`");
                continue;
            };
            if !RULES.iter().any(|(name, _)| *name == rule) {
                findings.add(&file.path, line, RULE, format!("there is no rule `{rule}`"));
            } else if reason.trim().len() < 8 {
                findings.add(&file.path, line, RULE, "give a reason");
            }
            let covered = covers(file, line);
            let before = findings.0.len();
            findings.0.retain(|finding| {
                !(finding.rule == rule && finding.path == file.path && covered(finding.line))
            });
            if findings.0.len() == before {
                findings.add(&file.path, line, RULE, format!("nothing here breaks `{rule}`"));
            }
        }
    }
}

/// Lines and texts of the escapes in a file.
fn escapes(file: &File) -> Vec<(usize, &str)> {
    // Assembled, so as not to be one itself.
    let mark = concat!("tidy: ", "allow(");
    let openers = if file.extension() == "md" { &["<!-- "][..] } else { &["// ", "# ", "-- "] };
    let find = |line: &'_ str| -> Option<usize> {
        openers
            .iter()
            .find_map(|opener| Some(line.find(&format!("{opener}{mark}"))? + opener.len()))
    };
    let lines = file.text.lines().enumerate();
    lines.filter_map(|(index, line)| Some((index + 1, &line[find(line)? + mark.len()..]))).collect()
}

/// Which lines an escape on `line` speaks for: its own, and when it stands alone the first line of
/// code below it; at the head of a file the file's first line as well.
fn covers(file: &File, line: usize) -> impl Fn(usize) -> bool {
    let passive = |text: &str| {
        let text = text.trim_start();
        text.is_empty() || ["//", "#", "--", "<!--"].iter().any(|mark| text.starts_with(mark))
    };
    let lines: Vec<&str> = file.text.lines().collect();
    let below = lines.iter().enumerate().skip(line - 1).find(|(_, text)| !passive(text));
    let below = below.map_or(line, |(index, _)| index + 1);
    let head = lines[..line].iter().all(|text| passive(text));
    move |found| (line..=below).contains(&found) || (head && found == 1)
}

#[cfg(test)]
mod tests {
    use crate::tidy::{Findings, banned, escapes, testing::repository};

    fn left(text: &str) -> Vec<String> {
        let repository = repository(&[("crates/a/src/b.rs", text)]);
        let mut findings = Findings::default();
        banned::check(&repository, &mut findings);
        escapes::apply(&repository, &mut findings);
        findings.0.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_excuse_needs_a_rule_a_reason_and_a_finding() {
        let mark = concat!("// tidy: ", "allow");
        let excused = format!(
            "fn f() {{\n{mark}(banned) the loop is bounded by its caller\ntokio::spawn(g());\n}}"
        );
        assert!(left(&excused).is_empty(), "{:?}", left(&excused));
        let cases = [
            (format!("{mark}(banned)\nfn f() {{ tokio::spawn(g()); }}"), "give a reason"),
            (format!("{mark}(banned) a good reason\nfn f() {{}}"), "nothing here breaks"),
            (format!("{mark}(nonsense) a good reason\nfn f() {{}}"), "there is no rule"),
        ];
        for (text, expect) in cases {
            assert!(
                left(&text).iter().any(|line| line.contains(expect)),
                "{text}: {:?}",
                left(&text)
            );
        }
    }

    #[test]
    fn an_excuse_reaches_no_further_than_the_next_line_of_code() {
        let mark = concat!("// tidy: ", "allow");
        let text =
            format!("{mark}(banned) a good reason\nfn f() {{}}\nfn g() {{ tokio::spawn(h()); }}");
        assert!(left(&text).iter().any(|line| line.contains("banned")), "{:?}", left(&text));
    }
}
