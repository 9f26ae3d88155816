//! `[database]`: where everything is kept.

use super::{
    Settings,
    option::{Kind::Database, Opt, option},
};

pub(super) fn options() -> Vec<Opt<Settings>> {
    vec![option!("url", Database,
        "the database of a process that starts none of its own (`stoa index run`, `stoa doctor`); \
         secret past its host",
        s => s.database_url)]
}
