//! One option: what it is called, which values it takes, and the field behind it.

use std::time::Duration;
use toml::de::DeValue;
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
#[derive(Clone, Copy, Debug)]
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
    /// An address whose path may hold a key.
    Address,
    /// The address of a Redis, which may hold a password.
    Redis,
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
    /// # Errors
    /// What would have been right. The value is not repeated: it may be secret.
    pub(super) fn read(self, value: &DeValue<'_>) -> Result<Value, String> {
        let read = match self {
            Self::Whole(least, most) | Self::Millis(least, most) => value
                .as_integer()
                .and_then(|n| u64::from_str_radix(n.as_str(), n.radix()).ok())
                .filter(|n| (least..=most).contains(n))
                .map(Value::Whole),
            Self::Number(least, most) => {
                number(value).filter(|n| (least..=most).contains(n)).map(Value::Number)
            }
            Self::Wei => value
                .as_str()
                .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|text| text.parse().ok())
                .map(Value::Wei),
            Self::Flag => value.as_bool().map(Value::Flag),
            Self::Urgency => value
                .as_str()
                .filter(|text| text.parse::<Urgency>().is_ok())
                .map(|text| Value::Text(text.to_owned())),
            Self::Text | Self::Address => value.as_str().map(|text| Value::Text(text.to_owned())),
            Self::Redis => value
                .as_str()
                .filter(|text| limits::RedisBuckets::is_address(text))
                .map(|text| Value::Text(text.to_owned())),
            Self::Texts => value.as_array().and_then(|values| {
                let text = |value: &toml::Spanned<DeValue<'_>>| {
                    value.get_ref().as_str().map(str::to_owned)
                };
                values.iter().map(text).collect::<Option<Vec<_>>>().map(Value::Texts)
            }),
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
            Self::Redis => "redis://[:PASSWORD@]HOST[:PORT][/DB] or redis+unix:///PATH".to_owned(),
            Self::Address => "an address that starts with http (a WebSocket's: with ws)".to_owned(),
        }
    }
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    let text = value.as_float().map(toml::de::DeFloat::as_str);
    let text = text.or_else(|| {
        value.as_integer().filter(|n| n.radix() == 10).map(toml::de::DeInteger::as_str)
    });
    text?.parse().ok()
}

impl Value {
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
