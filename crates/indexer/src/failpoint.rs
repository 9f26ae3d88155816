//! Places where a test can have the process die: `STOA_FAILPOINT=name:N` aborts at the Nth pass
//! (`name` alone at the first). Compiled into debug builds only.

/// All places, in the order in which a range passes them; then blocks of the window and what
/// contracts are asked beside, then the way back from a branch that was given up; then those of a
/// contract that is read beside.
pub const POINTS: &[&str] = &[
    "range_read",
    "range_begun",
    "range_copied",
    "range_projected",
    "before_range_commit",
    "after_range_commit",
    "before_index_build",
    "after_index_build",
    "blocks_begun",
    "blocks_projected",
    "before_blocks_commit",
    "after_blocks_commit",
    "answers_begun",
    "before_answers_commit",
    "after_answers_commit",
    "unwind_begun",
    "before_unwind_commit",
    "after_unwind_commit",
    "beside_read",
    "beside_begun",
    "before_beside_commit",
    "after_beside_commit",
    "join_begun",
    "join_projected",
    "before_join_commit",
    "after_join_commit",
];

#[cfg(debug_assertions)]
pub(crate) fn hit(name: &'static str) {
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
pub(crate) fn hit(_: &'static str) {}
