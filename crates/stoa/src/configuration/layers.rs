//! Where settings come from: what is usual, below the file, below the file's profile, below the
//! environment, below the command line.
//!
//! All of it is laid over each other first, and then read once: so what a variable names is judged
//! by the same rules as what the file says, and everything that is wrong is told at once. (figment
//! ends at the first fault, and knows no lines of the file.)

use super::{
    Fault, Origin, Settings, production,
    read::{self, Read},
    reload::{self, Stamp},
    tree::{self, Leaf, Lines, Node, Table, Tree},
};
use clap::{Args, ValueEnum};
use std::{
    collections::BTreeMap,
    env, fmt, fs,
    path::{Path, PathBuf},
};
use toml::de::DeTable;

/// A file is small; one that is not is another file.
const BYTES_MAX: u64 = 1 << 20;
/// Variables and options of the command line that name options; more is a mistake.
const NAMED_MAX: usize = 1_000;
const PREFIX: &str = "STOA_";

/// What a server is for. What only a developer may have is refused where others rely on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// A developer's own machine: nothing is refused.
    #[default]
    Dev,
    /// As `prod`, but what `prod` refuses is only warned of.
    Staging,
    /// Others rely on it: development's secrets, keys and usual values are refused.
    Prod,
}

impl Profile {
    pub(super) const ALL: [Self; 3] = [Self::Dev, Self::Staging, Self::Prod];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Staging => "staging",
            Self::Prod => "prod",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a command is told of its configuration.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ConfigurationOptions {
    /// What you decide of the engine: a TOML file (see `stoa config`).
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub above: AboveFile,
}

/// What stands above the file.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct AboveFile {
    /// What this server is for; the file's `[profile.NAME]` tables of it stand above the others.
    #[arg(long, value_enum, value_name = "NAME", env = "STOA_PROFILE", default_value_t)]
    pub profile: Profile,
    /// An option, above the file and the environment; may be repeated.
    #[arg(long = "set", value_name = "TABLE.OPTION=VALUE")]
    pub set: Vec<String>,
}

/// Everything that settings are made of. Can be read again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layers {
    pub file: Option<PathBuf>,
    pub profile: Profile,
    /// Variables, name and value.
    variables: Vec<Named>,
    /// Options of the command line.
    flags: Vec<Named>,
}

/// A value that is named outside the file.
#[derive(Clone)]
struct Named {
    /// What people call it.
    name: String,
    /// As `limits.ip_units`.
    path: String,
    value: String,
}

impl fmt::Debug for Named {
    /// Without the value, which may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Settings, and how they came to be.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub settings: Settings,
    pub profile: Profile,
    pub file: Option<PathBuf>,
    /// Where each option was named that is not as usual, by its full name.
    pub origins: BTreeMap<String, Origin>,
    /// What is not wrong, but should not stay so.
    pub warnings: Vec<Fault>,
    /// Of the file, and of those of secrets, as they were when they were read.
    pub(super) stamps: Vec<Stamp>,
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("cannot read {}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{what} has {}", list(faults))]
    Faults { what: String, faults: Vec<Fault> },
}

fn list(faults: &[Fault]) -> String {
    let lines: Vec<String> = faults.iter().map(|fault| format!("\n  {fault}")).collect();
    let word = if lines.len() == 1 { "fault" } else { "faults" };
    format!("{} {word}:{}", lines.len(), lines.concat())
}

impl ConfigurationOptions {
    /// With the environment of this process.
    pub(crate) fn layers(&self) -> Layers {
        self.above.layers(self.config.clone())
    }
}

impl AboveFile {
    pub(crate) fn layers(&self, file: Option<PathBuf>) -> Layers {
        let mut layers = Layers { file, profile: self.profile, ..Layers::default() };
        layers.variables = variables(env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }));
        for text in &self.set {
            let (path, value) = text.split_once('=').unwrap_or((text, ""));
            layers.flag(&format!("--set {path}"), path.trim(), value);
        }
        layers
    }
}

/// Those that name options: all that have `__` after the prefix.
fn variables(all: impl Iterator<Item = (String, String)>) -> Vec<Named> {
    let mut named: Vec<Named> = all
        .filter_map(|(name, value)| {
            let path = name.strip_prefix(PREFIX)?;
            let path = path.contains("__").then(|| path.to_ascii_lowercase().replace("__", "."))?;
            Some(Named { name, path, value })
        })
        .collect();
    // The places of lists are filled in order.
    named.sort_by(|a, b| in_order(&a.path).cmp(&in_order(&b.path)));
    named
}

fn in_order(path: &str) -> Vec<(usize, &str)> {
    path.split('.').map(|part| (part.parse().unwrap_or_default(), part)).collect()
}

impl Layers {
    /// Of a file alone, as it would be anywhere.
    #[cfg(test)]
    pub(crate) fn of(profile: Profile, variables: &[(&str, &str)]) -> Self {
        let own = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self { profile, variables: self::variables(own), ..Self::default() }
    }

    /// A value that the command line names: `flag` is what it is called there.
    pub(crate) fn flag(&mut self, flag: &str, path: &str, value: impl Into<String>) {
        let (name, path) = (flag.to_owned(), path.to_owned());
        self.flags.push(Named { name, path, value: value.into() });
    }

    /// # Errors
    /// The file can't be read, or all faults at once: in the order of its lines, then of variables,
    /// then of the command line. They quote no values, as those may be secret.
    pub(crate) fn load(&self) -> Result<Loaded, LoadError> {
        let what = self
            .file
            .as_deref()
            .map_or_else(|| "the configuration".to_owned(), |path| path.display().to_string());
        // Before it is read: what changes meanwhile is read again.
        let stamp = self.file.as_deref().and_then(reload::stamp);
        let text = match &self.file {
            Some(path) => self.read_file(path)?,
            None => String::new(),
        };
        let mut loaded = self.read(&text).map_err(|faults| LoadError::Faults { what, faults })?;
        loaded.stamps.insert(0, stamp);
        Ok(loaded)
    }

    fn read_file(&self, path: &Path) -> Result<String, LoadError> {
        let unreadable = |source| LoadError::Unreadable { path: path.to_owned(), source };
        let size = fs::metadata(path).map_err(unreadable)?.len();
        if size > BYTES_MAX {
            let detail = format!("the file is larger than {BYTES_MAX} bytes");
            let faults = vec![Fault { origin: None, option: String::new(), detail }];
            return Err(LoadError::Faults { what: path.display().to_string(), faults });
        }
        fs::read_to_string(path).map_err(unreadable)
    }

    /// As [`Self::load`], of a file that says this.
    ///
    /// # Errors
    /// All faults.
    pub(crate) fn read(&self, text: &str) -> Result<Loaded, Vec<Fault>> {
        let mut faults = Vec::new();
        let Some((mut root, profiles)) = parse(text, &mut faults) else { return Err(faults) };
        let base = root.clone();
        for (name, part) in &profiles {
            if name == self.profile.as_str() {
                tree::lay(&mut root, part.clone());
            } else {
                faults.extend(read::faults_of_other(&base, part, name));
            }
        }
        faults.extend(self.put_named(&mut root));
        let Read { settings, origins, faults: found, mut warnings } =
            read::read(&root, self.profile);
        faults.extend(found);
        let mut loaded = Loaded {
            settings,
            profile: self.profile,
            file: self.file.clone(),
            origins,
            warnings: Vec::new(),
            stamps: Vec::new(),
        };
        loaded.stamps = reload::stamps_of_secrets(&loaded.origins);
        let unfit = production::judge(&loaded);
        match self.profile {
            Profile::Dev => {}
            Profile::Staging => warnings.extend(unfit),
            Profile::Prod => faults.extend(unfit),
        }
        let order = |fault: &Fault| (fault.origin.clone(), fault.option.clone());
        faults.sort_by_key(order);
        faults.dedup();
        if !faults.is_empty() {
            return Err(faults);
        }
        warnings.extend(production::loose_file(&loaded));
        warnings.sort_by_key(order);
        loaded.warnings = warnings;
        Ok(loaded)
    }

    /// Lay what variables and the command line name over the tables of the file.
    fn put_named(&self, root: &mut Table) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.variables.len() + self.flags.len() > NAMED_MAX {
            let detail = format!("more than {NAMED_MAX} variables and options name one");
            return vec![Fault { origin: None, option: String::new(), detail }];
        }
        let variables = self.variables.iter().map(|one| (one, Origin::Variable(one.name.clone())));
        let flags = self.flags.iter().map(|one| (one, Origin::Flag(one.name.clone())));
        for (Named { path, value, .. }, origin) in variables.chain(flags) {
            let parts: Vec<&str> = path.split('.').collect();
            let node = Node { origin: origin.clone(), tree: Tree::Leaf(Leaf::Raw(value.clone())) };
            let sane = parts.len() > 1 && parts.iter().all(|part| !part.is_empty());
            let put = match sane {
                true => tree::put(root, &parts, node),
                false => Err("must be TABLE.OPTION=VALUE".to_owned()),
            };
            if let Err(detail) = put {
                let option = path.clone();
                faults.push(Fault { origin: Some(origin), option, detail });
            }
        }
        faults
    }
}

/// The tables of a file, and those of its profiles by name. None if it is no TOML.
fn parse(text: &str, faults: &mut Vec<Fault>) -> Option<(Table, Vec<(String, Table)>)> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let lines = Lines::of(text);
    for error in &errors {
        // The rest of such an error quotes the line, which may hold a secret.
        let origin = error.span().map(|span| Origin::Line(lines.at(span.start)));
        let detail = format!("no TOML: {}", error.message());
        faults.push(Fault { origin, option: String::new(), detail });
    }
    if !errors.is_empty() {
        return None;
    }
    let mut root = lines.table(table.get_ref());
    let mut profiles = Vec::new();
    let Some(node) = root.remove("profile") else { return Some((root, profiles)) };
    let mut fault = |origin: &Origin, option: String, detail: &str| {
        let origin = Some(origin.clone());
        faults.push(Fault { origin, option, detail: detail.to_owned() });
    };
    let Tree::Table(named) = node.tree else {
        fault(&node.origin, "profile".to_owned(), "must be a table: [profile.NAME.TABLE]");
        return Some((root, profiles));
    };
    for (name, part) in named {
        let known = Profile::ALL.iter().any(|profile| profile.as_str() == name);
        match part.tree {
            Tree::Table(table) if known => profiles.push((name, table)),
            _ if known => {
                let detail = "must be tables: [profile.NAME.TABLE]";
                fault(&part.origin, format!("profile.{name}"), detail);
            }
            _ => {
                let detail = "there is no such profile, only dev, staging, prod";
                fault(&part.origin, format!("profile.{name}"), detail);
            }
        }
    }
    Some((root, profiles))
}
