//! Places where a test can have a process die: `STOA_FAILPOINT=name:N` aborts it at the Nth pass
//! (`name` alone at the first). Compiled into debug builds, and with the feature `failpoints`.

/// The places of one part of the product, in the order in which its work passes them.
#[derive(Clone, Copy, Debug)]
pub struct Failpoints(&'static [&'static str]);

impl Failpoints {
    #[must_use]
    pub const fn new(names: &'static [&'static str]) -> Self {
        Self(names)
    }

    #[must_use]
    pub const fn names(self) -> &'static [&'static str] {
        self.0
    }

    /// The work passes this place: one of [`Self::names`].
    #[cfg(any(debug_assertions, feature = "failpoints"))]
    pub fn hit(self, name: &'static str) {
        use std::sync::{
            LazyLock,
            atomic::{AtomicU64, Ordering},
        };
        static ARMED: LazyLock<Option<(String, u64)>> = LazyLock::new(|| {
            // Not in releases; a test arms a process, before any configuration.
            let text = std::env::var("STOA_FAILPOINT").ok()?;
            let (name, pass) = text.split_once(':').unwrap_or((&text, "1"));
            Some((name.to_owned(), pass.parse().ok()?))
        });
        static PASSES: AtomicU64 = AtomicU64::new(0);
        debug_assert!(self.0.contains(&name), "{name} is not listed");
        if let Some((armed, pass)) = &*ARMED
            && armed == name
            && PASSES.fetch_add(1, Ordering::Relaxed) + 1 == *pass
        {
            std::process::abort();
        }
    }

    #[cfg(not(any(debug_assertions, feature = "failpoints")))]
    #[allow(clippy::unused_self)]
    pub const fn hit(self, _: &'static str) {}
}
