//! One option: what it is called, which values it takes, and the field behind it.

use super::{
    secret::Secret,
    tree::{Leaf, Node, Tree},
};
use std::{net::SocketAddr, time::Duration};
use vocab::Urgency;

/// An option of a `T`.
pub(super) struct Opt<T> {
    pub name: &'static str,
    pub means: &'static str,
    pub kind: Kind,
    /// None: it is not set, and nothing stands for it.
    pub get: fn(&T) -> Option<Value>,
    /// The value is one that `kind` has read.
    pub set: fn(&mut T, Value),
}

/// A table of the file.
pub(super) struct Section {
    pub name: &'static str,
    pub means: &'static str,
    pub options: Options,
}

/// Whose the options of a table are.
pub(super) enum Options {
    Engine(Vec<Opt<super::Settings>>),
    /// Each chain may have its own.
    Chain(Vec<Opt<super::ChainConfiguration>>),
}

/// Which values an option takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Whole(u64, u64),
    Millis(u64, u64),
    Number(f64, f64),
    /// An amount or a price: a decimal number in quotes, as TOML's own end at 2⁶³.
    Wei,
    Flag,
    Urgency,
    Text,
    Texts,
    /// Where this machine listens.
    Socket,
    /// Which log lines are written.
    Filter,
    /// An address whose path may hold a key.
    Address,
    /// The address of a Redis, which may hold a password.
    Redis,
    /// The address of a database, which may hold a password.
    Database,
    /// A text that nobody else may know.
    Secret,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Whole(u64),
    Number(f64),
    Wei(u128),
    Flag(bool),
    Text(String),
    Texts(Vec<String>),
}

impl Kind {
    /// Whether a value of it may be secret, in part or as a whole: then a file of its own may hold
    /// it, and the command line may not.
    pub(super) fn is_secret(self) -> bool {
        matches!(self, Self::Address | Self::Redis | Self::Database | Self::Secret)
    }

    /// # Errors
    /// What would have been right. The value is not repeated: it may be secret.
    pub(super) fn read(self, node: &Node) -> Result<Value, String> {
        let text = || node.text();
        let text_that = |is: fn(&str) -> bool| {
            text().filter(|text| is(text)).map(|text| Value::Text(text.to_owned()))
        };
        let read = match self {
            Self::Whole(least, most) | Self::Millis(least, most) => {
                whole(node).filter(|n| (least..=most).contains(n)).map(Value::Whole)
            }
            Self::Number(least, most) => {
                number(node).filter(|n| (least..=most).contains(n)).map(Value::Number)
            }
            Self::Wei => text()
                .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|text| text.parse().ok())
                .map(Value::Wei),
            Self::Flag => match &node.tree {
                Tree::Leaf(Leaf::Flag(flag)) => Some(*flag),
                Tree::Leaf(Leaf::Raw(text)) => text.trim().parse().ok(),
                _ => None,
            }
            .map(Value::Flag),
            Self::Urgency => text_that(|text| text.parse::<Urgency>().is_ok()),
            Self::Text | Self::Address => text_that(|_| true),
            Self::Socket => text_that(|text| text.parse::<SocketAddr>().is_ok()),
            Self::Filter => text_that(runtime::is_log_filter),
            Self::Redis => text_that(limits::RedisBuckets::is_address),
            Self::Database => text_that(|text| {
                reqwest::Url::parse(text)
                    .is_ok_and(|url| matches!(url.scheme(), "postgres" | "postgresql"))
            }),
            Self::Secret => text_that(|text| !text.is_empty()),
            Self::Texts => texts(node).map(Value::Texts),
        };
        read.ok_or_else(|| format!("must be {}", self.wanted()))
    }

    /// What may stand here, in words.
    pub(super) fn wanted(self) -> String {
        match self {
            Self::Whole(least, most) => format!("a whole number from {least} to {most}"),
            Self::Millis(least, most) => format!("milliseconds, {least} to {most}"),
            Self::Number(least, most) => format!("a number from {least} to {most}"),
            Self::Wei => "wei, a decimal number in quotes, below 2¹²⁸".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Urgency => {
                let all: Vec<&str> = Urgency::ALL.iter().map(|one| one.as_str()).collect();
                format!("one of \"{}\"", all.join("\", \""))
            }
            Self::Text => "a text".to_owned(),
            Self::Texts => "a list of texts".to_owned(),
            Self::Socket => "an address and a port, ADDR:PORT".to_owned(),
            Self::Filter => "a level, or targets with levels: info,transactor=debug".to_owned(),
            Self::Secret => "a text, in a file of its own or a variable".to_owned(),
            Self::Database => "postgres://USER[:PASSWORD]@HOST[:PORT]/NAME".to_owned(),
            Self::Redis => "redis://[:PASSWORD@]HOST[:PORT][/DB] or redis+unix:///PATH".to_owned(),
            Self::Address => "an address that starts with http (a WebSocket's: with ws)".to_owned(),
        }
    }
}

fn whole(node: &Node) -> Option<u64> {
    match &node.tree {
        Tree::Leaf(Leaf::Whole(digits, base)) => u64::from_str_radix(digits, *base).ok(),
        Tree::Leaf(Leaf::Raw(text)) => text.trim().replace('_', "").parse().ok(),
        _ => None,
    }
}

fn number(node: &Node) -> Option<f64> {
    match &node.tree {
        Tree::Leaf(Leaf::Number(text) | Leaf::Whole(text, 10)) => text.parse().ok(),
        Tree::Leaf(Leaf::Raw(text)) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Outside the file a list is as in the file, or its texts with commas between them.
fn texts(node: &Node) -> Option<Vec<String>> {
    match &node.tree {
        Tree::List(nodes) => {
            nodes.iter().map(|node| node.text().map(str::to_owned)).collect::<Option<_>>()
        }
        Tree::Leaf(Leaf::Raw(text)) if text.trim_start().starts_with('[') => {
            let table: toml::Table = toml::from_str(&format!("x = {text}")).ok()?;
            table
                .get("x")?
                .as_array()?
                .iter()
                .map(|text| text.as_str().map(str::to_owned))
                .collect()
        }
        Tree::Leaf(Leaf::Raw(text)) => {
            let texts = text.split(',').map(str::trim).filter(|text| !text.is_empty());
            Some(texts.map(str::to_owned).collect())
        }
        _ => None,
    }
}

impl Value {
    /// For programs. Wei are texts, as few of them read numbers beyond 2⁵³.
    pub(super) fn json(&self) -> serde_json::Value {
        match self {
            Self::Whole(n) => (*n).into(),
            Self::Number(n) => (*n).into(),
            Self::Wei(n) => n.to_string().into(),
            Self::Flag(flag) => (*flag).into(),
            Self::Text(text) => text.as_str().into(),
            Self::Texts(texts) => texts.clone().into(),
        }
    }

    /// As it stands in a file.
    pub(super) fn shown(&self) -> String {
        let quoted = |text: &str| toml::Value::from(text).to_string();
        match self {
            Self::Whole(n) => n.to_string(),
            Self::Number(n) => format!("{n:?}"),
            Self::Wei(n) => format!("\"{n}\""),
            Self::Flag(flag) => flag.to_string(),
            Self::Text(text) => quoted(text),
            Self::Texts(texts) => {
                let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
                format!("[{}]", texts.join(", "))
            }
        }
    }
}

/// A field that an option can stand for.
pub(super) trait Field {
    fn shown(&self) -> Option<Value>;
    fn take(&mut self, value: Value);
}

macro_rules! whole_fields {
    ($($number:ty),+) => {$(
        impl Field for $number {
            fn shown(&self) -> Option<Value> {
                (*self).try_into().ok().map(Value::Whole)
            }

            fn take(&mut self, value: Value) {
                if let Value::Whole(n) = value {
                    *self = n.try_into().expect("invariant: the option's bounds fit its field");
                }
            }
        }
    )+};
}

whole_fields!(u16, u32, i64, usize);

impl Field for u64 {
    fn shown(&self) -> Option<Value> {
        Some(Value::Whole(*self))
    }

    fn take(&mut self, value: Value) {
        if let Value::Whole(n) = value {
            *self = n;
        }
    }
}

impl Field for Duration {
    fn shown(&self) -> Option<Value> {
        self.as_millis().try_into().ok().map(Value::Whole)
    }

    fn take(&mut self, value: Value) {
        if let Value::Whole(n) = value {
            *self = Duration::from_millis(n);
        }
    }
}

impl Field for u128 {
    fn shown(&self) -> Option<Value> {
        Some(Value::Wei(*self))
    }

    fn take(&mut self, value: Value) {
        if let Value::Wei(n) = value {
            *self = n;
        }
    }
}

impl Field for f64 {
    fn shown(&self) -> Option<Value> {
        Some(Value::Number(*self))
    }

    fn take(&mut self, value: Value) {
        if let Value::Number(n) = value {
            *self = n;
        }
    }
}

impl Field for bool {
    fn shown(&self) -> Option<Value> {
        Some(Value::Flag(*self))
    }

    fn take(&mut self, value: Value) {
        if let Value::Flag(flag) = value {
            *self = flag;
        }
    }
}

impl Field for String {
    fn shown(&self) -> Option<Value> {
        Some(Value::Text(self.clone()))
    }

    fn take(&mut self, value: Value) {
        if let Value::Text(text) = value {
            *self = text;
        }
    }
}

impl Field for Vec<String> {
    fn shown(&self) -> Option<Value> {
        Some(Value::Texts(self.clone()))
    }

    fn take(&mut self, value: Value) {
        if let Value::Texts(texts) = value {
            *self = texts;
        }
    }
}

impl Field for Urgency {
    fn shown(&self) -> Option<Value> {
        Some(Value::Text(self.as_str().to_owned()))
    }

    fn take(&mut self, value: Value) {
        if let Value::Text(text) = value {
            *self = text.parse().expect("invariant: the option's kind has read an urgency");
        }
    }
}

impl Field for Secret {
    fn shown(&self) -> Option<Value> {
        self.expose().map(|text| Value::Text(text.to_owned()))
    }

    fn take(&mut self, value: Value) {
        if let Value::Text(text) = value {
            *self = Self::new(text);
        }
    }
}

/// Where this machine listens, if it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listen(pub(crate) Option<SocketAddr>);

impl Field for Listen {
    fn shown(&self) -> Option<Value> {
        self.0.map(|address| Value::Text(address.to_string()))
    }

    fn take(&mut self, value: Value) {
        if let Value::Text(text) = value {
            self.0 = Some(text.parse().expect("invariant: the option's kind has read an address"));
        }
    }
}

impl<F: Field + Default> Field for Option<F> {
    fn shown(&self) -> Option<Value> {
        self.as_ref().and_then(Field::shown)
    }

    fn take(&mut self, value: Value) {
        self.get_or_insert_default().take(value);
    }
}

/// `option!("name", kind, "meaning", owner => owner.field)`
macro_rules! option {
    ($name:literal, $kind:expr, $means:literal, $owner:ident => $field:expr) => {
        $crate::configuration::option::Opt {
            name: $name,
            means: $means,
            kind: $kind,
            get: |$owner| $crate::configuration::option::Field::shown(&$field),
            set: |$owner, value| {
                $crate::configuration::option::Field::take(&mut $field, value);
            },
        }
    };
}
pub(super) use option;
