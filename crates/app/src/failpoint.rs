//! Places of sponsored transactions where a test can have the process die: `STOA_FAILPOINT=name`
//! aborts at the first pass. Compiled into debug builds. (The transactor has its own.)

/// All places, in the order in which a request passes them.
pub const POINTS: &[&str] =
    &["before_sponsored", "after_sponsored", "before_settled", "after_settled"];

#[cfg(debug_assertions)]
pub(crate) fn hit(name: &'static str) {
    use std::sync::LazyLock;
    // tidy: allow(banned) not in releases; a test arms a whole process, before any configuration
    static ARMED: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("STOA_FAILPOINT").ok());
    debug_assert!(POINTS.contains(&name), "{name} is not listed");
    if ARMED.as_deref() == Some(name) {
        std::process::abort();
    }
}

#[cfg(not(debug_assertions))]
pub(crate) fn hit(_: &'static str) {}
