//! A route that falls behind is held to what it bears; the others do not notice.

use crate::harness::{Setup, problem, start_as};
use futures_util::future::join_all;
use reqwest::Method;
use std::time::{Duration, Instant};

const DELAY: Duration = Duration::from_millis(20);
const SLOW: &str = "/api/v1/transfers";
const AT_ONCE: usize = 60;
/// Moments until it must have been noticed; it takes two or three.
const ROUNDS: usize = 20;

#[tokio::test]
async fn a_route_that_falls_behind_is_held_to_what_it_bears() {
    let limits = api::Limits { queue_delay: DELAY, ..Default::default() };
    let api = start_as(Setup { limits, ..Setup::default() }).await;
    let get = |path| api.request(Method::GET, path).send();
    // Alone it is quick.
    assert_eq!(get(SLOW).await.unwrap().status(), 200);
    for _ in 0..ROUNDS {
        let mut lock = api.database.db.begin().await.unwrap();
        let statement = "lock table transfers in access exclusive mode";
        sqlx::query(statement).execute(&mut *lock).await.unwrap();
        let locked_at = Instant::now();
        let unlock = async {
            testkit::eventually("it has been slow", || async {
                (locked_at.elapsed() > Duration::from_secs(1)).then_some(())
            })
            .await;
            // One that does not need what they wait for.
            let other = get("/api/v1/openapi.json").await.unwrap();
            assert_eq!(other.status(), 200, "another route is as it was");
            lock.rollback().await.unwrap();
        };
        let (answers, ()) = tokio::join!(join_all((0..AT_ONCE).map(|_| get(SLOW))), unlock);
        let answers = answers.into_iter().map(Result::unwrap);
        let (shed, served): (Vec<_>, Vec<_>) = answers.partition(|answer| answer.status() == 503);
        assert!(served.iter().all(|answer| answer.status() == 200));
        assert!(served.len() >= 16, "{}: some always get in", served.len());
        if let Some(answer) = shed.into_iter().next() {
            assert!(answer.headers().contains_key("retry-after"));
            problem(answer, "list_transfers", "overloaded").await;
            return;
        }
    }
    panic!("nothing was held back");
}
