//! The committed query answers in `.sqlx/` belong to queries that are in `db`, and each such query
//! has one. (Whether they are right takes a database: `cargo xtask sqlx --check`.)

use super::{Findings, Repository};
use proc_macro2::{TokenStream, TokenTree};
use std::collections::BTreeMap;
use syn::{spanned::Spanned, visit::Visit};

const RULE: &str = "answers";

pub fn check(repository: &Repository, findings: &mut Findings) {
    let mut asked = Queries::default();
    for (file, source, name) in repository.rust() {
        if name == "db" {
            asked.path.clone_from(&file.path);
            asked.visit_file(&source.tree);
        }
    }
    let mut answered = BTreeMap::new();
    for file in repository.files.iter().filter(|file| file.path.starts_with(".sqlx/query-")) {
        let answer: Option<serde_json::Value> = serde_json::from_str(&file.text).ok();
        let query = answer.and_then(|answer| Some(answer["query"].as_str()?.to_owned()));
        match query {
            Some(query) => drop(answered.insert(query, &file.path)),
            None => findings.add(&file.path, 1, RULE, "is no query answer"),
        }
    }
    for (query, path) in &answered {
        if !asked.found.contains_key(query) {
            findings.add(path, 1, RULE, "no query in `db` asks this: run `cargo xtask sqlx`");
        }
    }
    for (query, (path, line)) in &asked.found {
        if !answered.contains_key(query) {
            findings.add(path, *line, RULE, "no answer in .sqlx/: run `cargo xtask sqlx`");
        }
    }
}

/// Texts of checked queries, and where they stand.
#[derive(Default)]
struct Queries {
    path: String,
    found: BTreeMap<String, (String, usize)>,
}

impl<'a> Visit<'a> for Queries {
    fn visit_macro(&mut self, call: &'a syn::Macro) {
        let name = call.path.segments.last().map(|last| last.ident.to_string());
        let text = match name.as_deref() {
            Some("query" | "query_scalar") => text(call.tokens.clone(), 0),
            Some("query_as") => text(call.tokens.clone(), 1),
            _ => None,
        };
        if let Some(text) = text {
            let line = call.path.span().start().line;
            self.found.insert(text, (self.path.clone(), line));
        }
        syn::visit::visit_macro(self, call);
    }
}

/// The string at the argument numbered `place`, pieces joined by `+` put together.
fn text(tokens: TokenStream, place: usize) -> Option<String> {
    let (mut argument, mut text) = (0, None);
    for token in tokens {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == ',' => argument += 1,
            TokenTree::Literal(literal) if argument == place => {
                let piece: syn::LitStr = syn::parse_str(&literal.to_string()).ok()?;
                text.get_or_insert_with(String::new).push_str(&piece.value());
            }
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use crate::tidy::testing::{findings, repository};

    #[test]
    fn orphans_and_missing_answers_are_found() {
        let code =
            "fn f() { sqlx::query!(\"select 1\"); sqlx::query_as!(A<B>, r#\"select \"x\"\"#, 2); }";
        let check = |answers: &[(&str, &str)]| {
            let files = [&[("crates/db/src/a.rs", code)], answers].concat();
            findings(super::check, &repository(&files))
        };
        let (one, two) = ("{\"query\": \"select 1\"}", "{\"query\": \"select \\\"x\\\"\"}");
        let (a, b, c) = (".sqlx/query-a.json", ".sqlx/query-b.json", ".sqlx/query-c.json");
        assert!(check(&[(a, one), (b, two)]).is_empty(), "{:?}", check(&[(a, one), (b, two)]));
        assert_eq!(check(&[(a, one)]).len(), 1);
        assert_eq!(check(&[(a, one), (b, two), (c, "{\"query\": \"select 2\"}")]).len(), 1);
    }
}
