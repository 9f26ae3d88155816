//! Settings as a file that says all of them, and the catalogue as tables for the manual.

use super::{
    Settings, catalog,
    option::{Kind, Opt, Value},
};
use std::fmt::Write;

impl Settings {
    /// All settings as they hold, as TOML. Of addresses only the host is shown.
    pub(crate) fn show(&self) -> String {
        let (usual, mut out) = (Self::default(), String::new());
        for section in catalog::sections() {
            table(&mut out, &format!("[{}]", section.name), &section.options, self, Some(&usual));
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
        for endpoint in &self.endpoints {
            table(&mut out, "[[endpoints]]", &catalog::endpoint(), endpoint, None);
        }
        for source in &self.sources {
            table(&mut out, "[[sources]]", &catalog::source(), source, None);
        }
        if let Some(relay) = &self.relay {
            table(&mut out, "[relay]", &catalog::relay(), relay, None);
        }
        out
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
        for option in &section.options {
            let usual = (option.get)(&usual).map(|value| format!("`{}`", value.shown()));
            row(&mut out, option.name, option.kind, usual, option.means);
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
