//! What many ask for is made anew together, as soon as one of them finds it out of date: it is read
//! in one go, and who asks next does not wait for one read after the other.

use super::Kept;
use crate::{ApiState, charges::Identified, etag};
use auth::Actor;
use axum::{
    body::Body,
    extract::Request,
    http::{Extensions, Uri},
    middleware::Next,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::timeout};

/// So many must have asked for an answer while it was good.
const OFTEN: u32 = 4;
/// So many answers at most are made anew unasked.
const POPULAR_MAX: usize = 256;
/// Between two looks at them without a change between: answers also age.
const PAUSE: Duration = Duration::from_millis(50);

/// Enough to make an answer once more, for nobody in particular. Answers are kept by their target,
/// so nothing else of the first request matters.
#[derive(Clone, Debug)]
pub(super) struct Maker {
    route: Arc<str>,
    uri: Uri,
    extensions: Extensions,
    next: Next,
}

impl Maker {
    pub(super) fn of(route: &str, request: &Request, next: &Next) -> Self {
        let mut extensions = request.extensions().clone();
        extensions.insert(Identified(Ok(Actor::Anonymous)));
        Self { route: route.into(), uri: request.uri().clone(), extensions, next: next.clone() }
    }

    async fn make(&self, state: &ApiState) -> Option<etag::Tagged> {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = self.uri.clone();
        *request.extensions_mut() = self.extensions.clone();
        let next = self.next.clone();
        let work = state.0.pressure.bear(&self.route, request, |request| next.run(request));
        etag::tag(work.await, &self.route).await.ok()?.ok()
    }
}

/// What was asked for often since it was made.
#[derive(Debug, Default)]
pub(super) struct Popular {
    answers: Mutex<Answers>,
    /// They end with us.
    renewals: Mutex<JoinSet<()>>,
}

#[derive(Debug, Default)]
struct Answers {
    kept: HashMap<Arc<str>, Arc<Kept>>,
    /// Of which generation they were looked through last, and when.
    looked: Option<(u64, Instant)>,
}

impl Popular {
    /// Somebody was given this answer.
    pub(super) fn note(&self, target: &Arc<str>, kept: &Arc<Kept>) {
        if kept.asked.fetch_add(1, Ordering::Relaxed) + 1 == OFTEN {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            if answers.kept.len() < POPULAR_MAX || answers.kept.contains_key(target) {
                answers.kept.insert(target.clone(), kept.clone());
            }
        }
    }

    /// Take those that are not good any more.
    fn take(&self, generation: u64, is_good: impl Fn(&Kept) -> bool) -> Vec<(Arc<str>, Arc<Kept>)> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let again = |(of, at): (u64, Instant)| of == generation && now - at < PAUSE;
        if answers.looked.is_some_and(again) {
            return Vec::new();
        }
        answers.looked = Some((generation, now));
        answers.kept.extract_if(|_, kept| !is_good(kept)).collect()
    }
}

/// Somebody has missed an answer: have those made anew that are asked for often.
pub(super) fn begin(state: &ApiState) {
    let hot = &state.0.hot;
    let outdated = hot.popular.take(hot.generation(), |kept| hot.is_good(kept));
    if outdated.is_empty() {
        return;
    }
    let mut renewals = hot.popular.renewals.lock().unwrap_or_else(PoisonError::into_inner);
    while renewals.try_join_next().is_some() {}
    for (target, was) in outdated {
        let state = state.clone();
        renewals.spawn(async move { renew(&state, &target, &was).await });
    }
}

/// Unless somebody makes it already, or there is no room.
async fn renew(state: &ApiState, target: &Arc<str>, was: &Kept) {
    let Some(maker) = &was.maker else { return };
    let Ok(_room) = state.0.requests.try_acquire() else { return };
    let Err(turn) = state.0.hot.look(target) else { return };
    let read_at = Instant::now();
    let made = timeout(state.limits.request_time, maker.make(state)).await;
    if let Ok(Some(answer)) = made {
        turn.keep(answer, read_at, Some(maker.clone()));
        metrics::counter!("http_hot_answers_total", "how" => "renewed").increment(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Response;
    use std::sync::atomic::AtomicU32;

    async fn kept() -> Arc<Kept> {
        let answer = etag::tag(Response::new(Body::empty()), "/api/v1/items").await;
        let (answer, read_at) = (answer.unwrap().unwrap(), Instant::now());
        let asked = AtomicU32::new(0);
        Arc::new(Kept { answer, generation: 7, read_at, asked, maker: None })
    }

    fn ask(popular: &Popular, target: &str, kept: &Arc<Kept>, times: u32) {
        (0..times).for_each(|_| popular.note(&target.into(), kept));
    }

    #[tokio::test]
    async fn what_is_asked_for_often_is_taken_once_it_is_out_of_date() {
        let (popular, often, seldom) = (Popular::default(), kept().await, kept().await);
        ask(&popular, "often", &often, OFTEN + 3);
        ask(&popular, "seldom", &seldom, OFTEN - 1);
        assert!(popular.take(7, |_| true).is_empty(), "it is good");
        assert!(popular.take(7, |_| false).is_empty(), "it was just looked through");
        let taken = popular.take(8, |kept| kept.generation == 8);
        assert_eq!(taken.iter().map(|(target, _)| &**target).collect::<Vec<_>>(), ["often"]);
        assert!(popular.take(9, |_| false).is_empty(), "it has to be asked for again");
    }

    #[tokio::test]
    async fn no_more_are_made_anew_than_there_is_room_for() {
        let popular = Popular::default();
        for place in 0..POPULAR_MAX + 10 {
            ask(&popular, &place.to_string(), &kept().await, OFTEN);
        }
        assert_eq!(popular.take(8, |_| false).len(), POPULAR_MAX);
    }
}
