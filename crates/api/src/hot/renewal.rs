//! What many ask for is made anew before it is too old, a few at a time, so that nobody waits for
//! it; and together, as soon as somebody finds one of them out of date: it is read in one go, and
//! who asks next does not wait for one read after the other.

use super::{AGE_MAX, Kept};
use crate::{ApiState, charges::Identified, etag};
use auth::Actor;
use axum::{
    body::Body,
    extract::Request,
    http::{Extensions, Uri},
    middleware::Next,
};
use futures_util::future::join_all;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::timeout};

/// So many must have asked for an answer while it was good.
const OFTEN: u32 = 4;
/// So many answers at most are made anew unasked.
const POPULAR_MAX: usize = 256;
/// What is older is made anew while it is still given.
const OLD: Duration = AGE_MAX.checked_div(2).expect("two is not zero");
/// So many of these at once: requests have the rest of the machine.
const BATCH: usize = 16;
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
    old: Mutex<Old>,
    /// They end with us.
    renewals: Mutex<JoinSet<()>>,
}

/// Answers that are good for a moment yet, oldest first; at most those that are kept.
#[derive(Debug, Default)]
struct Old {
    waiting: VecDeque<Arc<Kept>>,
    /// Is somebody at work on them?
    at_work: bool,
}

/// Says that nobody is at work any more, whatever ended it.
struct AtWork<'a>(&'a Popular);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        let mut old = self.0.old.lock().unwrap_or_else(PoisonError::into_inner);
        old.at_work = false;
        for kept in old.waiting.drain(..) {
            kept.renewing.store(false, Ordering::Relaxed);
        }
    }
}

#[derive(Debug, Default)]
struct Answers {
    kept: HashMap<Arc<str>, Arc<Kept>>,
    /// Of which generation they were looked through last, and when.
    looked: Option<(u64, Instant)>,
}

impl Popular {
    /// Somebody was given this answer.
    fn note(&self, kept: &Arc<Kept>) {
        if kept.asked.fetch_add(1, Ordering::Relaxed) + 1 == OFTEN {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            if answers.kept.len() < POPULAR_MAX || answers.kept.contains_key(&kept.target) {
                answers.kept.insert(kept.target.clone(), kept.clone());
            }
        }
    }

    /// It is to be made anew, if it is old and asked for often. True when nobody is at work on
    /// them.
    fn note_old(&self, kept: &Arc<Kept>) -> bool {
        let is_due = kept.read_at.elapsed() >= OLD && kept.asked.load(Ordering::Relaxed) >= OFTEN;
        if !is_due || kept.renewing.swap(true, Ordering::Relaxed) {
            return false;
        }
        let mut old = self.old.lock().unwrap_or_else(PoisonError::into_inner);
        old.waiting.push_back(kept.clone());
        !std::mem::replace(&mut old.at_work, true)
    }

    fn next_old(&self) -> Vec<Arc<Kept>> {
        let mut old = self.old.lock().unwrap_or_else(PoisonError::into_inner);
        let count = old.waiting.len().min(BATCH);
        old.waiting.drain(..count).collect()
    }

    /// Take those that are not good any more.
    fn take(&self, generation: u64, is_good: impl Fn(&Kept) -> bool) -> Vec<Arc<Kept>> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let again = |(of, at): (u64, Instant)| of == generation && now - at < PAUSE;
        if answers.looked.is_some_and(again) {
            return Vec::new();
        }
        answers.looked = Some((generation, now));
        answers.kept.extract_if(|_, kept| !is_good(kept)).map(|(_, kept)| kept).collect()
    }
}

/// Somebody was given this answer.
pub(super) fn note(state: &ApiState, kept: &Arc<Kept>) {
    let popular = &state.0.hot.popular;
    popular.note(kept);
    if popular.note_old(kept) {
        let state = state.clone();
        begin_all([async move { renew_old(&state).await }], popular);
    }
}

/// Somebody has missed an answer: have those made anew that are asked for often.
pub(super) fn begin(state: &ApiState) {
    let hot = &state.0.hot;
    let outdated = hot.popular.take(hot.generation(), |kept| hot.is_good(kept));
    let renewals = outdated.into_iter().map(|was| {
        let state = state.clone();
        async move { renew(&state, &was).await }
    });
    begin_all(renewals, &hot.popular);
}

fn begin_all<F>(all: impl IntoIterator<Item = F>, popular: &Popular)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut renewals = popular.renewals.lock().unwrap_or_else(PoisonError::into_inner);
    while renewals.try_join_next().is_some() {}
    for renewal in all {
        renewals.spawn(renewal);
    }
}

/// Until none of them is old.
async fn renew_old(state: &ApiState) {
    let _at_work = AtWork(&state.0.hot.popular);
    loop {
        let batch = state.0.hot.popular.next_old();
        if batch.is_empty() {
            return;
        }
        join_all(batch.iter().map(|was| renew(state, was))).await;
    }
}

/// Unless somebody has made it or is at it, or there is no room.
async fn renew(state: &ApiState, was: &Arc<Kept>) {
    let Some(maker) = &was.maker else { return };
    let Ok(_room) = state.0.requests.try_acquire() else { return };
    let hot = &state.0.hot;
    if hot.find(&was.target).is_some_and(|now| !Arc::ptr_eq(&now, was)) {
        return;
    }
    let Err(turn) = hot.make(&was.target, &was.route) else { return };
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
    use crate::hot::Tally;
    use axum::http::Response;
    use std::sync::atomic::{AtomicBool, AtomicU32};

    async fn kept(target: &str, age: Duration) -> Arc<Kept> {
        let route = "/api/v1/items";
        let answer = etag::tag(Response::new(Body::empty()), route).await;
        Arc::new(Kept {
            target: target.into(),
            route: route.into(),
            answer: answer.unwrap().unwrap(),
            generation: 7,
            read_at: Instant::now().checked_sub(age).unwrap(),
            asked: AtomicU32::new(0),
            renewing: AtomicBool::new(false),
            maker: None,
            tally: Tally::of(route),
        })
    }

    fn ask(popular: &Popular, kept: &Arc<Kept>, times: u32) {
        (0..times).for_each(|_| popular.note(kept));
    }

    #[tokio::test]
    async fn what_is_asked_for_often_is_taken_once_it_is_out_of_date() {
        let popular = Popular::default();
        let (often, seldom) =
            (kept("often", Duration::ZERO).await, kept("seldom", Duration::ZERO).await);
        ask(&popular, &often, OFTEN + 3);
        ask(&popular, &seldom, OFTEN - 1);
        assert!(popular.take(7, |_| true).is_empty(), "it is good");
        assert!(popular.take(7, |_| false).is_empty(), "it was just looked through");
        let taken = popular.take(8, |kept| kept.generation == 8);
        assert_eq!(taken.iter().map(|kept| &*kept.target).collect::<Vec<_>>(), ["often"]);
        assert!(popular.take(9, |_| false).is_empty(), "it has to be asked for again");
    }

    #[tokio::test]
    async fn no_more_are_made_anew_than_there_is_room_for() {
        let popular = Popular::default();
        for place in 0..POPULAR_MAX + 10 {
            ask(&popular, &kept(&place.to_string(), Duration::ZERO).await, OFTEN);
        }
        assert_eq!(popular.take(8, |_| false).len(), POPULAR_MAX);
    }

    #[tokio::test]
    async fn what_is_old_and_asked_for_often_waits_once() {
        let popular = Popular::default();
        let (old, young) = (kept("old", OLD).await, kept("young", Duration::ZERO).await);
        assert!(!popular.note_old(&old), "nobody asks for it");
        ask(&popular, &old, OFTEN);
        ask(&popular, &young, OFTEN);
        assert!(popular.note_old(&old), "somebody is to begin");
        assert!(!popular.note_old(&old) && !popular.note_old(&young));
        let next: Vec<_> = popular.next_old();
        assert!(next.len() == 1 && Arc::ptr_eq(&next[0], &old));
        assert!(popular.next_old().is_empty());
    }

    #[tokio::test]
    async fn who_dies_at_work_leaves_it_to_others() {
        let popular = Popular::default();
        let (one, other) = (kept("one", OLD).await, kept("other", OLD).await);
        ask(&popular, &one, OFTEN);
        ask(&popular, &other, OFTEN);
        assert!(popular.note_old(&one));
        drop(AtWork(&popular));
        assert!(popular.note_old(&one), "it waits again, and somebody is to begin");
        assert!(!popular.note_old(&other), "somebody has");
    }
}
