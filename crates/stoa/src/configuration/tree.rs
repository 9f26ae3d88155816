//! What is named, and where: tables of TOML, variables and options of the command line, laid over
//! each other before anything of it is understood.

use std::{collections::BTreeMap, fmt, path::PathBuf};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Where a value was named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// A line of the file, counted from 1.
    Line(usize),
    /// A variable of the environment, by its name.
    Variable(String),
    /// An option of the command line, as it is called there.
    Flag(String),
    /// A file that holds nothing but a secret.
    Secret(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Variable(name) | Self::Flag(name) => f.write_str(name),
            Self::Secret(path) => write!(f, "file {}", path.display()),
        }
    }
}

/// A value and where it was named. Not shown by `Debug`: it may be secret.
#[derive(Clone)]
pub(super) struct Node {
    pub origin: Origin,
    pub tree: Tree,
}

#[derive(Clone)]
pub(super) enum Tree {
    Leaf(Leaf),
    List(Vec<Node>),
    Table(Table),
}

pub(super) type Table = BTreeMap<String, Node>;

#[derive(Clone)]
pub(super) enum Leaf {
    Text(String),
    /// Digits, and to which base.
    Whole(String, u32),
    Number(String),
    Flag(bool),
    /// As a variable or the command line has it: what it means depends on the option.
    Raw(String),
    /// A time, which no option is.
    Time,
}

/// Lists of tables: their places are named by numbers, counted from 1.
pub(super) const LISTS: [&str; 3] = ["endpoints", "sources", "chains"];

/// `options` without `_file`, or with it: both name the same secret, one by its file.
pub(super) fn twin(name: &str) -> String {
    name.strip_suffix("_file").map_or_else(|| format!("{name}_file"), str::to_owned)
}

impl Node {
    pub(super) fn table(&self) -> Option<&Table> {
        if let Tree::Table(table) = &self.tree { Some(table) } else { None }
    }

    pub(super) fn list(&self) -> Option<&[Node]> {
        if let Tree::List(list) = &self.tree { Some(list) } else { None }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.tree {
            Tree::Leaf(Leaf::Text(text) | Leaf::Raw(text)) => Some(text),
            _ => None,
        }
    }
}

/// A file as a tree.
pub(super) struct Lines {
    /// Where each line starts.
    starts: Vec<usize>,
}

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self { starts: std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect() }
    }

    pub(super) fn at(&self, place: usize) -> usize {
        self.starts.partition_point(|start| *start <= place)
    }

    pub(super) fn table(&self, table: &DeTable<'_>) -> Table {
        let entry = |(key, value): (&Spanned<std::borrow::Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
            let origin = Origin::Line(self.at(key.span().start));
            (key.get_ref().to_string(), Node { origin, tree: self.tree(value.get_ref()) })
        };
        table.iter().map(entry).collect()
    }

    fn tree(&self, value: &DeValue<'_>) -> Tree {
        match value {
            DeValue::String(text) => Tree::Leaf(Leaf::Text(text.to_string())),
            DeValue::Integer(n) => Tree::Leaf(Leaf::Whole(n.as_str().to_owned(), n.radix())),
            DeValue::Float(n) => Tree::Leaf(Leaf::Number(n.as_str().to_owned())),
            DeValue::Boolean(flag) => Tree::Leaf(Leaf::Flag(*flag)),
            DeValue::Datetime(_) => Tree::Leaf(Leaf::Time),
            DeValue::Array(values) => {
                let node = |value: &Spanned<DeValue<'_>>| Node {
                    origin: Origin::Line(self.at(value.span().start)),
                    tree: self.tree(value.get_ref()),
                };
                Tree::List(values.iter().map(node).collect())
            }
            DeValue::Table(table) => Tree::Table(self.table(table)),
        }
    }
}

/// What `over` names stands above what `under` does: tables are merged, all else takes the place of
/// what was there.
pub(super) fn lay(under: &mut Table, over: Table) {
    let names: Vec<String> = over.keys().cloned().collect();
    for (name, node) in over {
        let other = twin(&name);
        if !names.contains(&other) {
            under.remove(&other);
        }
        match (under.get_mut(&name).map(|below| &mut below.tree), node.tree) {
            (Some(Tree::Table(below)), Tree::Table(above)) => lay(below, above),
            (_, tree) => {
                under.insert(name, Node { origin: node.origin, tree });
            }
        }
    }
}

/// Put one value where `path` says: tables and the next place of a list are made when missing.
///
/// # Errors
/// Why it can't stand there.
pub(super) fn put(root: &mut Table, path: &[&str], node: Node) -> Result<(), String> {
    let [name, rest @ ..] = path else { return Err("names no option".to_owned()) };
    if rest.is_empty() {
        root.remove(&twin(name));
        root.insert((*name).to_owned(), node);
        return Ok(());
    }
    let is_list = LISTS.contains(name);
    let empty = if is_list { Tree::List(Vec::new()) } else { Tree::Table(Table::new()) };
    let origin = node.origin.clone();
    let below = root.entry((*name).to_owned()).or_insert_with(|| Node { origin, tree: empty });
    match &mut below.tree {
        Tree::Table(table) => put(table, rest, node),
        Tree::List(list) if is_list => put_in_list(list, name, rest, node),
        _ => Err(format!("{name} is no table")),
    }
}

fn put_in_list(list: &mut Vec<Node>, name: &str, path: &[&str], node: Node) -> Result<(), String> {
    let [place, rest @ ..] = path else { return Err("names no option".to_owned()) };
    let count = list.len();
    let wanted = || format!("{name} are numbered: 1 to {} here", count + 1);
    let place: usize =
        place.parse().ok().filter(|n| (1..=count + 1).contains(n)).ok_or_else(wanted)?;
    if place > count {
        list.push(Node { origin: node.origin.clone(), tree: Tree::Table(Table::new()) });
    }
    match list.get_mut(place - 1).map(|below| &mut below.tree) {
        Some(Tree::Table(table)) if !rest.is_empty() => put(table, rest, node),
        _ => Err(wanted()),
    }
}
