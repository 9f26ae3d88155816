//! Places where a test can have the process die: `STOA_FAILPOINT=name` aborts at the first pass.
//! Compiled into debug builds, and with the feature `failpoints`.

/// All places, in the order in which a job passes them.
pub const POINTS: &[&str] = &[
    "after_claim",
    "after_simulate",
    "before_reserve",
    "after_reserve",
    "after_sign",
    "before_bytes",
    "after_bytes",
    "after_send",
    "before_sent",
    "after_sent",
    "after_receipts",
    "before_mined",
    "after_mined",
    "before_level",
    "after_level",
];

#[cfg(any(debug_assertions, feature = "failpoints"))]
pub(crate) fn hit(name: &'static str) {
    use std::sync::LazyLock;
    // tidy: allow(banned) not in releases; a test arms a whole process, before any configuration
    static ARMED: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("STOA_FAILPOINT").ok());
    debug_assert!(POINTS.contains(&name), "{name} is not listed");
    if ARMED.as_deref() == Some(name) {
        std::process::abort();
    }
}

#[cfg(not(any(debug_assertions, feature = "failpoints")))]
pub(crate) fn hit(_: &'static str) {}
