//! Open files: each connection is one, and whoever holds all of them leaves none for the database.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// For everything else: the database, nodes, logs, uploads, content that is read.
const OTHERS: u64 = 2_048;

/// How many open files `connections` of clients need beside everything else. Those of user content,
/// a third as many, have a listener of their own.
pub(crate) fn needed(connections: usize) -> u64 {
    u64::try_from(connections).unwrap_or(u64::MAX / 8) * 4 / 3 + OTHERS
}

/// As many files as this process may open once it has asked for them.
pub(crate) fn available() -> u64 {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(OTHERS, |(_, most)| most)
}

/// Let this process, and what it starts, open enough files for so many connections.
///
/// Returns how many connections there may be: fewer than asked for where the system lets us open
/// fewer files.
pub(super) fn provide(connections: usize) -> usize {
    let Ok((now, most)) = getrlimit(Resource::RLIMIT_NOFILE) else { return connections };
    let wanted = needed(connections).min(most).max(now);
    if wanted > now && setrlimit(Resource::RLIMIT_NOFILE, wanted, most).is_err() {
        return connections.min(bearable(now));
    }
    let bearable = connections.min(bearable(wanted));
    if bearable < connections {
        tracing::info!(connections, bearable, files = wanted, "fewer connections than configured");
    }
    bearable
}

/// How many connections so many open files bear. Never none: then nothing would be served.
fn bearable(files: u64) -> usize {
    let connections = files.saturating_sub(OTHERS) * 3 / 4;
    usize::try_from(connections.max(files / 4)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_provided_is_enough() {
        for files in [64, 1_024, 4_096, 20_000, 1 << 20] {
            let connections = bearable(files);
            assert!(connections > 0);
            assert!(files < 4 * OTHERS || needed(connections) <= files, "{files}");
        }
        assert_eq!(bearable(20_000), 13_464);
        let given = provide(100);
        assert_eq!(given, 100);
        let (now, _) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert!(now >= needed(100));
    }
}
