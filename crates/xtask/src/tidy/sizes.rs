//! How long lines, functions and files may be.

use super::{Findings, Repository};
use syn::{spanned::Spanned, visit::Visit};

const RULE: &str = "sizes";

const FUNCTION_LINES_MAX: usize = 70;
const PARAMETERS_MAX: usize = 6;
const LINE_MAX: usize = 100;
const FILE_LINES_SOFT: usize = 500;
const FILE_LINES_MAX: usize = 800;

pub fn check(repository: &Repository, findings: &mut Findings) {
    for file in &repository.files {
        if !matches!(file.extension(), "rs" | "sol") {
            continue;
        }
        let lines = file.text.lines().count();
        if lines > FILE_LINES_MAX {
            let message = format!("{lines} lines; at most {FILE_LINES_MAX}: split by noun");
            findings.add(&file.path, 1, RULE, message);
        } else if lines > FILE_LINES_SOFT && !file.is_test() {
            findings.warn(&file.path, 1, RULE, format!("{lines} lines; aim for {FILE_LINES_SOFT}"));
        }
        for (index, line) in file.text.lines().enumerate() {
            let length = line.chars().count();
            // Neither a link, nor an import's path, nor a test's data can be broken.
            let test = file.is_test() || file.rust.as_ref().is_some_and(|s| s.in_test(index + 1));
            if length > LINE_MAX && !test && !unbreakable(line) {
                let message = format!("line of {length} characters");
                // Breaking a query or a format string can cost more than it gives.
                let code = file.rust.as_ref().and_then(|source| source.code.get(index));
                let string = code.is_some_and(|code| code.trim_end().chars().count() <= LINE_MAX);
                if string && !line.trim_start().starts_with("//") {
                    findings.warn(&file.path, index + 1, RULE, message);
                } else {
                    findings.add(&file.path, index + 1, RULE, message);
                }
            }
        }
        let Some(source) = &file.rust else { continue };
        let mut functions = Functions(Vec::new());
        functions.visit_file(&source.tree);
        for Function { name, line, lines, parameters } in functions.0 {
            if lines > FUNCTION_LINES_MAX && !file.is_test() && !source.in_test(line) {
                let message = format!("`{name}` has {lines} lines; at most {FUNCTION_LINES_MAX}");
                findings.add(&file.path, line, RULE, message);
            }
            if parameters > PARAMETERS_MAX {
                let message = format!("`{name}` takes {parameters}; at most {PARAMETERS_MAX}");
                findings.add(&file.path, line, RULE, message);
            }
        }
    }
}

fn unbreakable(line: &str) -> bool {
    line.contains("https://") || line.starts_with("import ") || line.starts_with("} from ")
}

struct Function {
    name: String,
    line: usize,
    lines: usize,
    parameters: usize,
}

struct Functions(Vec<Function>);

impl Functions {
    fn note(&mut self, signature: &syn::Signature, body: Option<&syn::Block>) {
        let line = signature.span().start().line;
        let end = body.map_or(signature.span(), Spanned::span).end().line;
        let typed = |input: &&syn::FnArg| matches!(input, syn::FnArg::Typed(_));
        self.0.push(Function {
            name: signature.ident.to_string(),
            line,
            lines: end + 1 - line,
            parameters: signature.inputs.iter().filter(typed).count(),
        });
    }
}

impl<'a> Visit<'a> for Functions {
    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        self.note(&item.sig, Some(&item.block));
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
        self.note(&item.sig, Some(&item.block));
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'a syn::TraitItemFn) {
        self.note(&item.sig, item.default.as_ref());
        syn::visit::visit_trait_item_fn(self, item);
    }
}

#[cfg(test)]
mod tests {
    use crate::tidy::testing::{findings, repository};

    fn count(path: &str, text: &str) -> usize {
        findings(super::check, &repository(&[(path, text)])).len()
    }

    #[test]
    fn long_functions_are_found_outside_tests() {
        let long = format!("fn f() {{\n{}}}\n", "g();\n".repeat(69));
        assert_eq!(count("crates/a/src/b.rs", &long), 1);
        assert_eq!(count("crates/a/src/tests.rs", &long), 0);
        assert_eq!(count("crates/a/src/b.rs", &format!("#[test]\n{long}")), 0);
        let fits = format!("impl A {{ fn f() {{\n{}}} }}\n", "g();\n".repeat(68));
        assert_eq!(count("crates/a/src/b.rs", &fits), 0);
    }

    #[test]
    fn too_many_parameters_are_found() {
        let with = |n: usize| format!("impl A {{ fn f(&self, {}) {{}} }}", "a: u8, ".repeat(n));
        assert_eq!(count("crates/a/src/b.rs", &with(6)), 0);
        assert_eq!(count("crates/a/src/b.rs", &with(7)), 1);
    }

    #[test]
    fn long_lines_and_files_are_found() {
        assert_eq!(count("crates/a/src/b.rs", &format!("// {}", "x".repeat(98))), 1);
        assert_eq!(count("crates/a/src/b.rs", &format!("// https://{}", "x".repeat(98))), 0);
        assert_eq!(count("crates/a/tests/it/b.rs", &"// x\n".repeat(801)), 1);
        assert_eq!(count("contracts/src/B.sol", &"// x\n".repeat(801)), 1);
        let soft =
            findings(super::check, &repository(&[("crates/a/src/b.rs", &"//\n".repeat(501))]));
        assert!(soft[0].contains("warning"), "{soft:?}");
    }
}
