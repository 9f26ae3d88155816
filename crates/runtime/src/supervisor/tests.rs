use super::*;
use std::future::{pending, ready};

const LONG: Duration = Duration::from_secs(60);

async fn obedient(token: CancellationToken) -> Result<(), TaskError> {
    token.cancelled().await;
    Ok(())
}

#[tokio::test]
async fn stops_cleanly_when_asked() {
    let mut supervisor = Supervisor::default();
    supervisor.spawn("a", Importance::Critical, obedient(supervisor.token()));
    supervisor.spawn("b", Importance::Optional, obedient(supervisor.token()));
    let ended = supervisor.run(ready(()), LONG).await;
    assert!(ended.is_clean(), "{ended:?}");
}

#[tokio::test]
async fn a_critical_end_ends_all() {
    let failing = || async { Err(TaskError::from("no more disk")) };
    let panicking = || async { panic!("broken invariant") };
    for (case, message) in [("error", "no more disk"), ("panic", "broken invariant")] {
        let mut supervisor = Supervisor::default();
        supervisor.spawn("other", Importance::Critical, obedient(supervisor.token()));
        match case {
            "error" => supervisor.spawn("bad", Importance::Critical, failing()),
            _ => supervisor.spawn("bad", Importance::Critical, panicking()),
        }
        let ended = supervisor.run(pending(), LONG).await;
        let (name, error) = ended.cause.expect("a cause");
        assert_eq!(name, "bad");
        assert!(error.expect("its error").to_string().contains(message));
        assert!(ended.cut.is_empty());
    }
}

#[tokio::test]
async fn an_optional_failure_is_survived() {
    let mut supervisor = Supervisor::default();
    let (said, heard) = tokio::sync::oneshot::channel();
    supervisor.spawn("optional", Importance::Optional, async { Err(TaskError::from("gone")) });
    supervisor.spawn("main", Importance::Critical, obedient(supervisor.token()));
    supervisor.spawn("later", Importance::Optional, async move {
        let _ = said.send(());
        Ok(())
    });
    let stop = async move {
        let _ = heard.await;
    };
    assert!(supervisor.run(stop, LONG).await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn who_does_not_stop_is_cut_and_named() {
    let mut supervisor = Supervisor::default();
    supervisor.spawn("deaf", Importance::Critical, pending());
    supervisor.spawn("good", Importance::Critical, obedient(supervisor.token()));
    let ended = supervisor.run(ready(()), Duration::from_secs(5)).await;
    assert_eq!(ended.cut, ["deaf"]);
}
