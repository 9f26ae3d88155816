//! Settings as a file that says all of them, as JSON, and the catalogue as tables for the manual.

use super::{
    ChainConfiguration, Loaded, Origin, Profile, Settings, catalog,
    option::{Kind, Opt, Options, Section, Value},
    production,
};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    path::Path,
};

/// An option as it holds.
struct Row {
    /// As `limits.ip_units`.
    full: String,
    name: &'static str,
    kind: Kind,
    value: Option<Value>,
    /// None: nothing is usual for it, as for what the file makes.
    usual: Option<Option<Value>>,
}

/// An option that may be secret. Without `Debug`.
pub(super) struct Held {
    pub option: String,
    pub kind: Kind,
    pub value: String,
}

/// A table as it holds.
struct Shown {
    heading: String,
    rows: Vec<Row>,
}

fn rows<T>(prefix: &str, options: &[Opt<T>], of: &T, usual: Option<&T>) -> Vec<Row> {
    let row = |option: &Opt<T>| Row {
        full: format!("{prefix}.{}", option.name),
        name: option.name,
        kind: option.kind,
        value: (option.get)(of),
        usual: usual.map(|usual| (option.get)(usual)),
    };
    options.iter().map(row).collect()
}

/// All tables, over what is usual.
fn tables(settings: &Settings, usual: &Settings) -> Vec<Shown> {
    let mut all = Vec::new();
    for Section { name, options, .. } in catalog::sections() {
        let rows = match &options {
            Options::Engine(options) => rows(name, options, settings, Some(usual)),
            Options::Chain(options) => rows(name, options, &settings.chain, Some(&usual.chain)),
        };
        all.push(Shown { heading: format!("[{name}]"), rows });
    }
    for (name, role) in &settings.roles {
        let prefix = format!("roles.{name}");
        let rows = rows(&prefix, &catalog::role(), role, usual.roles.get(name));
        all.push(Shown { heading: format!("[{prefix}]"), rows });
    }
    lists(&mut all, "", "", &settings.chain);
    if let Some(relay) = &settings.relay {
        let rows = rows("relay", &catalog::relay(), relay, None);
        all.push(Shown { heading: "[relay]".to_owned(), rows });
    }
    for (place, chain) in (1..).zip(&settings.chains) {
        // What is usual for it is what it inherits.
        let (id, name) = (chain.id, chain.name.clone());
        let usual = ChainConfiguration { id, name, ..settings.chain.heir() };
        let full = format!("chains[{place}]");
        for (part, options) in
            [("", catalog::chain()), (".pool", catalog::pool()), (".indexer", catalog::indexer())]
        {
            let heading =
                if part.is_empty() { "[[chains]]".to_owned() } else { format!("[chains{part}]") };
            let rows = rows(&format!("{full}{part}"), &options, chain, Some(&usual));
            all.push(Shown { heading, rows });
        }
        lists(&mut all, "chains.", &format!("{full}."), chain);
    }
    all
}

/// The lists of a chain.
fn lists(all: &mut Vec<Shown>, heading: &str, prefix: &str, of: &ChainConfiguration) {
    for (place, endpoint) in (1..).zip(&of.endpoints) {
        let prefix = format!("{prefix}endpoints[{place}]");
        let rows = rows(&prefix, &catalog::endpoint(), endpoint, None);
        all.push(Shown { heading: format!("[[{heading}endpoints]]"), rows });
    }
    for (place, source) in (1..).zip(&of.sources) {
        let prefix = format!("{prefix}sources[{place}]");
        let rows = rows(&prefix, &catalog::source(), source, None);
        all.push(Shown { heading: format!("[[{heading}sources]]"), rows });
    }
}

/// Options that may be secret and are set, by their full names. To be judged, never to be told.
pub(super) fn secrets(settings: &Settings) -> Vec<Held> {
    let all = tables(settings, settings).into_iter().flat_map(|table| table.rows);
    let secret = all.filter(|row| row.kind.is_secret());
    let held = |row: Row| match row.value? {
        Value::Text(value) => Some(Held { option: row.full, kind: row.kind, value }),
        _ => None,
    };
    secret.filter_map(held).collect()
}

/// The names of options that are not the same in both.
pub(super) fn changed(before: &Settings, after: &Settings) -> BTreeSet<String> {
    let known = |settings: &Settings| -> BTreeMap<String, Option<String>> {
        let rows = tables(settings, settings).into_iter().flat_map(|table| table.rows);
        rows.map(|row| (row.full, row.value.map(|value| value.shown()))).collect()
    };
    let (before, after) = (known(before), known(after));
    let names = before.keys().chain(after.keys());
    names.filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

/// What these options are, by name; of what may be secret, what is shown of it.
pub(super) fn told(settings: &Settings, names: &[&String]) -> serde_json::Value {
    let rows = tables(settings, settings).into_iter().flat_map(|table| table.rows);
    let named = rows.filter(|row| names.contains(&&row.full));
    let shown = named.map(|row| {
        let value = row.value.map(|value| json!(hidden(row.kind, &value).shown()));
        (row.full, value.unwrap_or_default())
    });
    serde_json::Value::Object(shown.collect())
}

impl Loaded {
    /// All settings as they hold, as TOML, with the origin of each that is not as usual. Of
    /// addresses only the host is shown, of secrets nothing.
    pub(crate) fn show(&self) -> String {
        let usual = Settings::usual(self.profile);
        let mut out = String::new();
        for Shown { heading, rows } in tables(&self.settings, &usual) {
            let gap = if out.is_empty() { "" } else { "\n" };
            // Writing to a text does not fail.
            let _ = writeln!(out, "{gap}{heading}");
            for row in rows {
                let Some(value) = &row.value else { continue };
                let note = self.note(&row);
                let note = if note.is_empty() { note } else { format!("    # {note}") };
                let shown = hidden(row.kind, value).shown();
                // A secret can't stand in a file of options: it is told as a remark.
                let mark = if row.kind == Kind::Secret { "# " } else { "" };
                let _ = writeln!(out, "{mark}{} = {shown}{note}", row.name);
            }
        }
        out
    }

    /// What is usual, where it is not so, and where it was named.
    fn note(&self, row: &Row) -> String {
        let mut parts = Vec::new();
        match &row.usual {
            Some(Some(usual)) if Some(usual) != row.value.as_ref() => {
                parts.push(format!("usual: {}", hidden(row.kind, usual).shown()));
            }
            Some(None) => parts.push("usual: none".to_owned()),
            _ => {}
        }
        if let Some(origin) = self.origins.get(&row.full) {
            parts.push(format!("from {}", self.place(origin)));
        }
        parts.join("; ")
    }

    fn place(&self, origin: &Origin) -> String {
        match (origin, &self.file) {
            (Origin::Line(line), Some(file)) => format!("{}:{line}", file.display()),
            _ => origin.to_string(),
        }
    }

    /// The same for programs: `options` by their full names.
    pub(crate) fn show_json(&self) -> serde_json::Value {
        let usual = Settings::usual(self.profile);
        let mut options = serde_json::Map::new();
        for row in tables(&self.settings, &usual).into_iter().flat_map(|table| table.rows) {
            let shown = |value: &Option<Value>| value.as_ref().map(|v| hidden(row.kind, v).json());
            let origin = match self.origins.get(&row.full) {
                None => json!({ "kind": "usual" }),
                Some(Origin::Line(line)) => {
                    let file = shown_path(self.file.as_deref());
                    json!({ "kind": "file", "file": file, "line": line })
                }
                Some(Origin::Variable(name)) => json!({ "kind": "variable", "name": name }),
                Some(Origin::Flag(name)) => json!({ "kind": "command_line", "name": name }),
                Some(Origin::Secret(path)) => {
                    json!({ "kind": "secret_file", "file": shown_path(Some(path)) })
                }
            };
            let option = json!({
                "value": shown(&row.value),
                "usual": row.usual.as_ref().map(shown),
                "origin": origin,
            });
            options.insert(row.full.clone(), option);
        }
        let warnings: Vec<String> = self.warnings.iter().map(ToString::to_string).collect();
        json!({
            "profile": self.profile.as_str(),
            "file": shown_path(self.file.as_deref()),
            "options": options,
            "warnings": warnings,
        })
    }
}

fn shown_path(path: Option<&Path>) -> Option<String> {
    path.map(|path| path.display().to_string())
}

/// Providers put keys into the paths of addresses.
fn hidden(kind: Kind, value: &Value) -> Value {
    match (kind, value) {
        (Kind::Address | Kind::Redis | Kind::Database, Value::Text(url)) => {
            let url = reqwest::Url::parse(url).ok();
            let host = url.as_ref().map(|url| (url.scheme(), url.host_str().unwrap_or_default()));
            Value::Text(host.map_or_else(String::new, |(scheme, host)| {
                let port = url.as_ref().and_then(reqwest::Url::port);
                let port = port.map(|port| format!(":{port}")).unwrap_or_default();
                format!("{scheme}://{host}{port}/…")
            }))
        }
        (Kind::Secret, _) => Value::Text("…".to_owned()),
        _ => value.clone(),
    }
}

/// The tables of the manual.
pub(super) fn manual() -> String {
    let usual = Settings::default();
    let mut out = String::new();
    for section in catalog::sections() {
        heading(&mut out, section.name, section.means);
        match &section.options {
            Options::Engine(options) => manual_rows(&mut out, options, &usual),
            Options::Chain(options) => manual_rows(&mut out, options, &usual.chain),
        }
    }
    let roles = "A pool of wallets, by its name. The engine works with `deployer` (one wallet), \
                 `minter`, `operator` (two each; the latter with `calls`) and `sponsor` (one, for \
                 what users sign); others may be added.";
    heading(&mut out, "roles.NAME", roles);
    manual_rows(&mut out, &catalog::role(), &super::RoleSettings::default());
    heading(
        &mut out,
        "[endpoints]",
        "One node of the chain; once for each ([endpoints](../operate/endpoints.md)). Without any, \
         those of `--rpc`, or the node that the server starts.",
    );
    let blank = chain::EndpointConfiguration::new("");
    manual_rows(&mut out, &catalog::endpoint(), &blank);
    heading(
        &mut out,
        "[sources]",
        "One contract of others whose logs are recorded ([index](../operate/index.md)); once for \
         each. Others may be added later; one that is indexed can't be changed or removed.",
    );
    for option in catalog::source() {
        let usual = (option.name == "projected").then(|| "`true`".to_owned());
        manual_row(&mut out, option.name, option.kind, usual, option.means);
    }
    manual_chains(&mut out, &usual);
    heading(
        &mut out,
        "relay",
        "An endpoint that does not show transactions around. Optional; if it is there, all three \
         are needed.",
    );
    for option in catalog::relay() {
        manual_row(&mut out, option.name, option.kind, None, option.means);
    }
    out.push_str("\n### Refused in production\n\n| option | profile `prod` refuses |\n|---|---|\n");
    for (option, refused) in production::manual() {
        let _ = writeln!(out, "| {option} | {refused} |");
    }
    out
}

fn manual_chains(out: &mut String, usual: &Settings) {
    let further = "A further chain, which is indexed and read beside the one above \
                   ([several chains](../operate/index.md#several-chains)); once for each. It needs \
                   an `id` and one endpoint at least: `[[chains.endpoints]]`. It may have \
                   `[[chains.sources]]`, and `[chains.pool]` and `[chains.indexer]` with the \
                   options of `[pool]` and `[indexer]`. What is left out is as in `[chain]`, \
                   `[pool]` and `[indexer]`, of this file or as usual.";
    heading(out, "[chains]", further);
    let as_above = |option: &Opt<ChainConfiguration>| {
        (option.get)(&usual.chain).map(|_| format!("`chain.{}`", option.name))
    };
    for option in catalog::chain() {
        manual_row(out, option.name, option.kind, as_above(&option), option.means);
    }
}

fn heading(out: &mut String, name: &str, means: &str) {
    let _ = write!(
        out,
        "\n### `[{name}]`\n\n{means}\n\n| option | usual | allowed | meaning |\n|---|---|---|---|\n"
    );
}

fn manual_rows<T>(out: &mut String, options: &[Opt<T>], of: &T) {
    for option in options {
        let usual = match option.kind.is_secret() {
            true => None,
            false => (option.get)(of).map(|value| format!("`{}`", value.shown())),
        };
        manual_row(out, option.name, option.kind, usual, option.means);
    }
}

fn manual_row(out: &mut String, name: &str, kind: Kind, usual: Option<String>, means: &str) {
    let usual = usual.unwrap_or_else(|| "–".to_owned());
    let file = if kind.is_secret() { format!(", `{name}_file`") } else { String::new() };
    let _ = writeln!(out, "| `{name}`{file} | {usual} | {} | {means} |", kind.wanted());
}

impl Profile {
    /// What settings are shown with when nothing is said.
    #[cfg(test)]
    pub(super) fn loaded(self, settings: Settings) -> Loaded {
        let (origins, warnings, stamps) = (BTreeMap::new(), Vec::new(), Vec::new());
        Loaded { settings, profile: self, file: None, origins, warnings, stamps }
    }
}
