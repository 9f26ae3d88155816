//! Places where a test can have a rebuild die: `STOA_FAILPOINT=name:N` aborts at the Nth pass
//! (`name` alone at the first). Compiled into debug builds only.

/// All places, in the order in which a rebuild passes them.
pub const POINTS: &[&str] = &[
    "rebuild_begun",
    "rebuild_piece_written",
    "rebuild_piece_committed",
    "rebuild_settled",
    "rebuild_index_built",
    "rebuild_followed",
    "rebuild_locked",
    "rebuild_exchanged",
    "rebuild_committed",
];

#[cfg(debug_assertions)]
pub(super) fn hit(name: &'static str) {
    use std::sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    };
    static ARMED: LazyLock<Option<(String, u64)>> = LazyLock::new(|| {
        // tidy: allow(banned) not in releases; a test arms a process, before any configuration
        let text = std::env::var("STOA_FAILPOINT").ok()?;
        let (name, pass) = text.split_once(':').unwrap_or((&text, "1"));
        Some((name.to_owned(), pass.parse().ok()?))
    });
    static PASSES: AtomicU64 = AtomicU64::new(0);
    debug_assert!(POINTS.contains(&name), "{name} is not listed");
    if let Some((armed, pass)) = &*ARMED
        && armed == name
        && PASSES.fetch_add(1, Ordering::Relaxed) + 1 == *pass
    {
        std::process::abort();
    }
}

#[cfg(not(debug_assertions))]
pub(super) fn hit(_: &'static str) {}
