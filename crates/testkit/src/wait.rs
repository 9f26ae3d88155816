use std::{
    future::Future,
    time::{Duration, Instant},
};

/// Ask `probe` until it gives something; fail after 60 s with `what` was awaited.
pub async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    probe: impl FnMut() -> F,
) -> T {
    eventually_within(Duration::from_secs(60), what, probe).await
}

/// Like [`eventually`], with its own limit.
pub async fn eventually_within<T, F: Future<Output = Option<T>>>(
    within: Duration,
    what: &str,
    mut probe: impl FnMut() -> F,
) -> T {
    let end = Instant::now() + within;
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(Instant::now() < end, "not within {within:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
