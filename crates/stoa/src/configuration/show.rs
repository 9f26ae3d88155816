//! Settings as a file that says all of them, and the catalogue as tables for the manual.

use super::{
    ChainConfiguration, Settings, catalog,
    option::{Kind, Opt, Options, Section, Value},
};
use std::fmt::Write;

impl Settings {
    /// All settings as they hold, as TOML. Of addresses only the host is shown.
    pub(crate) fn show(&self) -> String {
        let (usual, mut out) = (Self::default(), String::new());
        for Section { name, options, .. } in catalog::sections() {
            let heading = format!("[{name}]");
            match &options {
                Options::Engine(options) => table(&mut out, &heading, options, self, Some(&usual)),
                Options::Chain(options) => {
                    table(&mut out, &heading, options, &self.chain, Some(&usual.chain));
                }
            }
        }
        for (name, role) in &self.roles {
            table(
                &mut out,
                &format!("[roles.{name}]"),
                &catalog::role(),
                role,
                usual.roles.get(name),
            );
        }
        lists(&mut out, "", &self.chain);
        if let Some(relay) = &self.relay {
            table(&mut out, "[relay]", &catalog::relay(), relay, None);
        }
        for chain in &self.chains {
            // What is usual for it is what it inherits.
            let (id, name) = (chain.id, chain.name.clone());
            let usual = ChainConfiguration { id, name, ..self.chain.heir() };
            table(&mut out, "[[chains]]", &catalog::chain(), chain, Some(&usual));
            table(&mut out, "[chains.pool]", &catalog::pool(), chain, Some(&usual));
            table(&mut out, "[chains.indexer]", &catalog::indexer(), chain, Some(&usual));
            lists(&mut out, "chains.", chain);
        }
        out
    }
}

/// The lists of a chain.
fn lists(out: &mut String, prefix: &str, of: &ChainConfiguration) {
    for endpoint in &of.endpoints {
        table(out, &format!("[[{prefix}endpoints]]"), &catalog::endpoint(), endpoint, None);
    }
    for source in &of.sources {
        table(out, &format!("[[{prefix}sources]]"), &catalog::source(), source, None);
    }
}

/// What differs from what is usual says so.
fn table<T>(out: &mut String, heading: &str, options: &[Opt<T>], of: &T, usual: Option<&T>) {
    let gap = if out.is_empty() { "" } else { "\n" };
    // Writing to a text does not fail.
    let _ = writeln!(out, "{gap}{heading}");
    for option in options {
        let Some(value) = (option.get)(of) else { continue };
        let usually = usual.and_then(|usual| (option.get)(usual));
        let note = match (usual, usually) {
            (Some(_), Some(usually)) if usually != value => {
                format!("    # usual: {}", hidden(option.kind, &usually).shown())
            }
            (Some(_), None) => "    # usual: none".to_owned(),
            _ => String::new(),
        };
        let _ = writeln!(out, "{} = {}{note}", option.name, hidden(option.kind, &value).shown());
    }
}

/// Providers put keys into the paths of addresses.
fn hidden(kind: Kind, value: &Value) -> Value {
    match (kind, value) {
        (Kind::Address | Kind::Redis, Value::Text(url)) => {
            let url = reqwest::Url::parse(url).ok();
            let host = url.as_ref().and_then(|url| Some((url.scheme(), url.host_str()?)));
            Value::Text(host.map_or_else(String::new, |(scheme, host)| {
                let port = url.as_ref().and_then(reqwest::Url::port);
                let port = port.map(|port| format!(":{port}")).unwrap_or_default();
                format!("{scheme}://{host}{port}/…")
            }))
        }
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
            Options::Engine(options) => rows(&mut out, options, &usual),
            Options::Chain(options) => rows(&mut out, options, &usual.chain),
        }
    }
    let roles = "A pool of wallets, by its name. The engine works with `deployer` (one wallet), \
                 `minter`, `operator` (two each; the latter with `calls`) and `sponsor` (one, for \
                 what users sign); others may be added.";
    heading(&mut out, "roles.NAME", roles);
    rows(&mut out, &catalog::role(), &super::RoleSettings::default());
    heading(
        &mut out,
        "[endpoints]",
        "One node of the chain; once for each ([endpoints](../operate/endpoints.md)). Without any, \
         those of `--rpc`, or the node that the server starts.",
    );
    let blank = chain::EndpointConfiguration::new("");
    rows(&mut out, &catalog::endpoint(), &blank);
    heading(
        &mut out,
        "[sources]",
        "One contract of others whose logs are recorded ([index](../operate/index.md)); once for \
         each. Others may be added later; one that is indexed can't be changed or removed.",
    );
    for option in catalog::source() {
        let usual = (option.name == "projected").then(|| "`true`".to_owned());
        row(&mut out, option.name, option.kind, usual, option.means);
    }
    let further = "A further chain, which is indexed and read beside the one above \
                   ([several chains](../operate/index.md#several-chains)); once for each. It needs \
                   an `id` and one endpoint at least: `[[chains.endpoints]]`. It may have \
                   `[[chains.sources]]`, and `[chains.pool]` and `[chains.indexer]` with the \
                   options of `[pool]` and `[indexer]`. What is left out is as in `[chain]`, \
                   `[pool]` and `[indexer]`, of this file or as usual.";
    heading(&mut out, "[chains]", further);
    let as_above = |option: &Opt<ChainConfiguration>| {
        (option.get)(&usual.chain).map(|_| format!("`chain.{}`", option.name))
    };
    for option in catalog::chain() {
        row(&mut out, option.name, option.kind, as_above(&option), option.means);
    }
    heading(
        &mut out,
        "relay",
        "An endpoint that does not show transactions around. Optional; if it is there, all three \
         are needed.",
    );
    for option in catalog::relay() {
        row(&mut out, option.name, option.kind, None, option.means);
    }
    out
}

fn heading(out: &mut String, name: &str, means: &str) {
    let _ = write!(
        out,
        "\n### `[{name}]`\n\n{means}\n\n| option | usual | allowed | meaning |\n|---|---|---|---|\n"
    );
}

fn rows<T>(out: &mut String, options: &[Opt<T>], of: &T) {
    for option in options {
        let usual = match option.kind {
            Kind::Address | Kind::Redis => None,
            _ => (option.get)(of).map(|value| format!("`{}`", value.shown())),
        };
        row(out, option.name, option.kind, usual, option.means);
    }
}

fn row(out: &mut String, name: &str, kind: Kind, usual: Option<String>, means: &str) {
    let usual = usual.unwrap_or_else(|| "–".to_owned());
    let _ = writeln!(out, "| `{name}` | {usual} | {} | {means} |", kind.wanted());
}
