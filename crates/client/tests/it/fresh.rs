//! `src/operations.rs` is made of the API's document. `STOA_UPDATE_CLIENT=1` writes it anew.

use serde_json::Value;
use std::{fmt::Write, fs, path::Path};

const WIDTH: usize = 100;
/// Followed by other means: [`client::Stoa::follow`].
const FOLLOWED: [&str; 2] = ["follow_events", "open_stream"];
/// A browser is sent there and back.
const BROWSED: [&str; 2] = ["finish_staff_sign_in", "start_staff_sign_in"];
/// For Prometheus.
const TEXT: [&str; 1] = ["get_metrics"];
/// What an operation is asked with, where its name does not say it.
const QUERIES: [(&str, &str); 3] = [
    ("get_item", "LookQuery"),
    ("get_sponsor", "SponsorQuery"),
    ("list_sponsored", "SponsoredListQuery"),
];

struct Operation<'d> {
    id: &'d str,
    method: String,
    path: &'d str,
    about: &'d Value,
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, methods)| {
        methods.as_object().unwrap().iter().map(move |(method, about)| Operation {
            id: about["operationId"].as_str().unwrap(),
            method: method.to_uppercase(),
            path,
            about,
        })
    });
    let others = [&FOLLOWED[..], &BROWSED, &TEXT].concat();
    all.filter(|one| !others.contains(&one.id)).collect()
}

/// `#/components/schemas/Mint`: `Mint`.
fn named(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

impl<'d> Operation<'d> {
    fn parameters(&self, place: &str) -> Vec<&'d str> {
        let all = self.about["parameters"].as_array().into_iter().flatten();
        let here = all.filter(|parameter| parameter["in"] == place);
        here.map(|parameter| parameter["name"].as_str().unwrap()).collect()
    }

    /// The type of what it is asked with; where there is none of that name, whatever fits.
    fn query(&self, types: &str) -> Option<String> {
        if self.parameters("query").is_empty() {
            return None;
        }
        let known = QUERIES.iter().find(|(id, _)| *id == self.id);
        let name = known.map_or_else(|| list_query(self.id), |(_, name)| (*name).to_owned());
        let is_there = types.contains(&format!("pub struct {name} {{"));
        Some(if is_there { name } else { "impl serde::Serialize".to_owned() })
    }

    fn body(&self) -> Option<&'d str> {
        let json = &self.about["requestBody"]["content"]["application/json"]["schema"];
        named(json)
    }

    fn answer(&self) -> &'d str {
        let responses = self.about["responses"].as_object().unwrap();
        let (_, success) = responses.iter().find(|(status, _)| status.starts_with('2')).unwrap();
        named(&success["content"]["application/json"]["schema"]).unwrap_or("()")
    }

    fn write(&self, types: &str, text: &mut String) {
        let mut takes = vec!["&self".to_owned()];
        let parts = self.parameters("path");
        takes.extend(parts.iter().map(|name| format!("{name}: Segment<'_>")));
        takes.extend(self.query(types).map(|name| format!("query: &{name}")));
        takes.extend(self.body().map(|name| format!("body: &{name}")));
        let path = parts
            .iter()
            .fold(self.path.to_owned(), |path, name| path.replace(&format!("{{{name}}}"), "{}"));
        let mut steps = vec![format!(
            "self.call(Method::{}, \"{path}\", &[{}])",
            self.method,
            parts.join(", ")
        )];
        steps.extend(self.query(types).map(|_| ".query(query)".to_owned()));
        steps.extend(self.body().map(|_| ".json(body)".to_owned()));
        if self.about["requestBody"]["content"]["multipart/form-data"].is_object() {
            takes.extend(["name: &str", "file: Vec<u8>"].map(str::to_owned));
            steps.push(".file(name, file)".to_owned());
        }
        if self.parameters("header").contains(&"Idempotency-Key") {
            steps.push(".keyed()".to_owned());
        }
        writeln!(text, "    /// {}", self.about["summary"].as_str().unwrap_or(self.id)).unwrap();
        let end = format!(") -> Call<{}> {{", self.answer());
        let line = format!("    pub fn {}({}{end}", self.id, takes.join(", "));
        if line.len() <= WIDTH {
            writeln!(text, "{line}").unwrap();
        } else {
            writeln!(
                text,
                "    pub fn {}(\n        {},\n    {end}",
                self.id,
                takes.join(",\n        ")
            )
            .unwrap();
        }
        let line = format!("        {}", steps.concat());
        let line = if line.len() > WIDTH {
            format!("        {}", steps.join("\n            "))
        } else {
            line
        };
        writeln!(text, "{line}\n    }}").unwrap();
    }
}

/// `list_api_keys`: `ApiKeyListQuery`.
fn list_query(id: &str) -> String {
    let of = id.strip_prefix("list_").unwrap_or(id);
    let one = match of.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => of.strip_suffix('s').unwrap_or(of).to_owned(),
    };
    let words = one.split('_').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    words.collect::<String>() + "ListQuery"
}

/// A list that comes in pages, and what it lists.
fn pages(document: &Value) -> Vec<(&str, &str)> {
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let page = |(name, schema): (&'_ _, &'_ Value)| -> Option<(&str, &str)> {
        let (name, schema): (&String, &Value) = (name, schema);
        let fields = &schema["properties"];
        fields["next_cursor"].is_object().then_some(())?;
        // Of the document, which outlives this.
        let row = named(&schemas[name.as_str()]["properties"]["items"]["items"])?;
        Some((schemas.get_key_value(name.as_str())?.0.as_str(), row))
    };
    schemas.iter().filter_map(|(name, schema)| page((name, schema))).collect()
}

fn write(document: &Value, types: &str) -> String {
    let mut text = String::from(
        "//! Made of openapi/stoa.json: `STOA_UPDATE_CLIENT=1 cargo test -p client fresh`. Not to be \
         edited.\n\nuse crate::{Call, Stoa, call::Segment, rows::page};\nuse api_types::*;\n\
         use reqwest::Method;\n\nimpl Stoa {\n",
    );
    for operation in operations(document) {
        operation.write(types, &mut text);
    }
    text.push_str("}\n\n");
    for (page, row) in pages(document) {
        writeln!(text, "page!({page} of {row});").unwrap();
    }
    text
}

/// The source of all wire shapes.
fn types(here: &Path) -> String {
    let files = fs::read_dir(here.join("../api-types/src")).unwrap();
    files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect()
}

#[test]
fn operations_are_those_of_the_document() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(here.join("../../openapi/stoa.json")).unwrap();
    let text = write(&serde_json::from_str(&document).unwrap(), &types(here));
    let file = here.join("src/operations.rs");
    if std::env::var_os("STOA_UPDATE_CLIENT").is_some() {
        fs::write(&file, text).unwrap();
        return;
    }
    let there = fs::read_to_string(&file).unwrap();
    assert!(there == text, "renew it: STOA_UPDATE_CLIENT=1 cargo test -p client fresh");
}
