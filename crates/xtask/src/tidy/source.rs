//! A Rust file without its comments and strings, and where its tests are.

use proc_macro2::{Delimiter, LineColumn, TokenStream, TokenTree};
use std::ops::RangeInclusive;
use syn::{spanned::Spanned, visit::Visit};

/// A parsed file.
pub struct Source {
    pub tree: syn::File,
    /// The code at its own lines and columns; comments, strings and numbers are blank.
    pub code: Vec<String>,
    tests: Vec<RangeInclusive<usize>>,
}

impl Source {
    /// None when `text` is no Rust.
    pub fn parse(text: &str) -> Option<Self> {
        let tree = syn::parse_file(text).ok()?;
        let mut canvas = vec![Vec::new(); text.lines().count() + 1];
        paint(text.parse().ok()?, &mut canvas);
        let code = canvas.into_iter().map(String::from_iter).collect();
        let mut finder = TestFinder(Vec::new());
        finder.visit_file(&tree);
        Some(Self { tree, code, tests: finder.0 })
    }

    /// True when `line` (from 1) is in a test or a test module.
    pub fn in_test(&self, line: usize) -> bool {
        self.tests.iter().any(|lines| lines.contains(&line))
    }

    /// Lines (from 1) whose code has `needle` as words of its own.
    pub fn find<'a>(&'a self, needle: &'a str) -> impl Iterator<Item = usize> + 'a {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let ends_in_word = needle.ends_with(word);
        self.code.iter().enumerate().filter_map(move |(index, line)| {
            let hit = line.match_indices(needle).any(|(at, _)| {
                let after = line[at + needle.len()..].chars().next();
                let longer = ends_in_word && after.is_some_and(word);
                !longer && !line[..at].ends_with(word)
            });
            hit.then_some(index + 1)
        })
    }
}

fn paint(tokens: TokenStream, canvas: &mut [Vec<char>]) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                write(canvas, group.span_open().start(), open);
                paint(group.stream(), canvas);
                write(canvas, group.span_close().start(), close);
            }
            TokenTree::Ident(ident) => write(canvas, ident.span().start(), &ident.to_string()),
            TokenTree::Punct(punct) => {
                write(canvas, punct.span().start(), punct.as_char().encode_utf8(&mut [0; 4]));
            }
            TokenTree::Literal(_) => {}
        }
    }
}

fn write(canvas: &mut [Vec<char>], at: LineColumn, text: &str) {
    let Some(line) = canvas.get_mut(at.line.saturating_sub(1)) else { return };
    let end = at.column + text.chars().count();
    if line.len() < end {
        line.resize(end, ' ');
    }
    for (place, c) in line[at.column..].iter_mut().zip(text.chars()) {
        *place = c;
    }
}

struct TestFinder(Vec<RangeInclusive<usize>>);

impl TestFinder {
    fn note(&mut self, attributes: &[syn::Attribute], item: &impl Spanned) {
        let is_test = |attribute: &syn::Attribute| {
            let list = attribute.meta.require_list();
            attribute.path().segments.last().is_some_and(|last| last.ident == "test")
                || (attribute.path().is_ident("cfg")
                    && list.is_ok_and(|list| list.tokens.to_string() == "test"))
        };
        if attributes.iter().any(is_test) {
            let span = item.span();
            self.0.push(span.start().line..=span.end().line);
        }
    }
}

impl<'a> Visit<'a> for TestFinder {
    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        self.note(&item.attrs, item);
        syn::visit::visit_item_mod(self, item);
    }

    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        self.note(&item.attrs, item);
        syn::visit::visit_item_fn(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_not_code() {
        let source = Source::parse("// todo!()\nfn f() -> &'static str { \"todo!()\" }\n").unwrap();
        assert_eq!(source.find("todo!").count(), 0);
        assert_eq!(source.find("fn").collect::<Vec<_>>(), [2]);
        assert_eq!(source.code[1].trim_end(), "fn f() -> &'static str {           }");
    }

    #[test]
    fn words_are_whole() {
        let source = Source::parse("fn f() { my_todo!(); todo!(); }\nfn unsafety() {}").unwrap();
        assert_eq!(source.find("todo!").collect::<Vec<_>>(), [1]);
        assert_eq!(source.find("unsafe").count(), 0);
    }

    #[test]
    fn tests_are_known() {
        let text =
            "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\n#[tokio::test]\nasync fn c() {}";
        let source = Source::parse(text).unwrap();
        let lines: Vec<bool> = (1..=7).map(|line| source.in_test(line)).collect();
        assert_eq!(lines, [false, true, true, true, true, true, true]);
    }
}
