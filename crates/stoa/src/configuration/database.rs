//! `[database]`: where everything is kept.

use super::{
    Settings,
    option::{
        Kind::{Database, Whole},
        Opt, option,
    },
};

pub(super) fn options() -> Vec<Opt<Settings>> {
    vec![
        option!("url", Database,
            "the database of a process that starts none of its own (`stoa index run`, `stoa \
             doctor`); secret past its host",
            s => s.database_url),
        option!("replica_url", Database,
            "a standby of the database, which pages of the index are read from when it shows what \
             the primary would; secret past its host",
            s => s.replica_url),
        option!("replica_connections", Whole(1, 1_000),
            "connections to it", s => s.replica_connections),
    ]
}
