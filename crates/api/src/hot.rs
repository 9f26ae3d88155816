//! Answers to public reads, kept for a moment and given to whoever asks for the same: a page that a
//! thousand people look at is read once for each block.
//!
//! What is kept is good until anything public changes, or, if it is about one item, until that does
//! ([`touched`]): then `x-as-of` may name a block before the last one. The log tells of changes
//! before it tells anybody else (see [`HotAnswers::heard`]), so who knows of one by the stream
//! never reads what was before it; who learns of one by another answer of this process does not
//! either ([`HotAnswers::saw_block`]), nor who made one here ([`HotAnswers::outdate`]). On another
//! process it takes as long as its log does, milliseconds, and [`AGE_MAX`] when it does not hear
//! the log at all. `wait_for_block` asks for more, and is never answered from here; nor is
//! `cache-control: no-cache`.
//!
//! Most who ask for what is kept have their answer before routing begins ([`quick`]). What many ask
//! for is made anew before it is too old ([`renewal`]).

pub(crate) mod quick;
mod renewal;
mod touched;

use crate::{
    ApiState,
    charges::Identified,
    etag::{self, Tagged},
};
use app::Changes;
use axum::{
    body::Body,
    extract::{OriginalUri, Request},
    http::{HeaderMap, Method, Response, header},
    middleware::Next,
};
use push::Fact;
use quick::Tally;
use renewal::{Maker, Popular};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32},
    },
    time::{Duration, Instant},
};
use tokio::sync::watch;
pub(crate) use touched::OneItem;
use touched::Touched;
use vocab::{ChainId, topic};

/// Nothing is given that was read longer ago, whatever was heard.
const AGE_MAX: Duration = Duration::from_secs(1);
/// Longer targets are not kept.
const TARGET_MAX: usize = 512;
/// Longer answers are not kept.
const BODY_MAX: usize = 256 << 10;
/// What an entry occupies beside its target and body.
const OVERHEAD: usize = 2_048;

/// What is kept. Shared by all requests.
#[derive(Debug)]
pub(crate) struct HotAnswers {
    kept: moka::sync::Cache<Arc<str>, Arc<Kept>>,
    popular: Popular,
    /// Answers that are being made, so that nobody makes the same.
    under_way: Mutex<HashMap<Arc<str>, UnderWay>>,
    /// What is kept is of so many of them.
    changes: Changes,
    touched: Touched,
    /// The highest block of each chain that an answer or the log told of.
    heads: Mutex<HashMap<ChainId, u64>>,
    is_on: bool,
}

/// An answer, as of a generation.
#[derive(Debug)]
struct Kept {
    target: Arc<str>,
    route: Arc<str>,
    answer: Tagged,
    generation: u64,
    read_at: Instant,
    /// How many were given it since.
    asked: AtomicU32,
    /// Is it about to be made anew?
    renewing: AtomicBool,
    maker: Option<Maker>,
    tally: Tally,
}

#[derive(Debug)]
struct UnderWay {
    generation: u64,
    answer: watch::Receiver<Option<Arc<Kept>>>,
}

/// The right to make an answer for all who want the same.
struct Turn<'a> {
    hot: &'a HotAnswers,
    target: Arc<str>,
    route: Arc<str>,
    generation: u64,
    answer: watch::Sender<Option<Arc<Kept>>>,
}

enum Found {
    Kept(Arc<Kept>),
    /// Another request makes it.
    Coming(watch::Receiver<Option<Arc<Kept>>>),
}

impl HotAnswers {
    /// At most so many bytes are kept; none switches it off.
    pub(crate) fn new(bytes_max: u64, changes: Changes) -> Self {
        let weigh = |target: &Arc<str>, kept: &Arc<Kept>| {
            u32::try_from(target.len() + kept.answer.body.len() + OVERHEAD).unwrap_or(u32::MAX)
        };
        let kept = moka::sync::Cache::builder().max_capacity(bytes_max).weigher(weigh).build();
        Self {
            kept,
            popular: Popular::default(),
            under_way: Mutex::default(),
            changes,
            touched: Touched::default(),
            heads: Mutex::default(),
            is_on: bytes_max > 0,
        }
    }

    /// What was read before is out of date.
    pub(crate) fn outdate(&self) {
        self.touched.note_all(&self.changes);
    }

    /// The log has these new facts, of which nobody has been told; none: it began anew.
    pub(crate) fn heard(&self, facts: &[Fact]) {
        for fact in facts.iter().filter(|fact| fact.topic == topic::CHAIN) {
            if let (Some(chain), Some(number)) = (fact.chain_id, fact.block_number) {
                self.note_block(ChainId::from_i64(chain), number.unsigned_abs());
            }
        }
        self.touched.note(&self.changes, facts);
    }

    /// An answer that is not kept tells of this block.
    pub(crate) fn saw_block(&self, chain: ChainId, number: u64) {
        if self.note_block(chain, number) {
            self.outdate();
        }
    }

    /// Is it higher than any that was heard of?
    fn note_block(&self, chain: ChainId, number: u64) -> bool {
        let mut heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        let head = heads.entry(chain).or_default();
        let is_new = number > *head;
        *head = number.max(*head);
        is_new
    }

    fn generation(&self) -> u64 {
        self.changes.count()
    }

    fn is_good(&self, kept: &Kept) -> bool {
        let is_same = kept.generation == self.generation()
            || kept
                .answer
                .shows
                .as_ref()
                .is_some_and(|item| self.touched.is_same(item, kept.generation));
        is_same && kept.read_at.elapsed() < AGE_MAX
    }

    fn find(&self, target: &str) -> Option<Arc<Kept>> {
        self.kept.get(target).filter(|kept| self.is_good(kept))
    }

    /// The answer, or who makes it, or the right to make it.
    fn look(&self, target: &Arc<str>, route: &str) -> Result<Found, Turn<'_>> {
        match self.find(target) {
            Some(kept) => Ok(Found::Kept(kept)),
            None => self.make(target, route),
        }
    }

    /// The right to make an answer, unless somebody has it.
    fn make(&self, target: &Arc<str>, route: &str) -> Result<Found, Turn<'_>> {
        let generation = self.generation();
        let mut under_way = self.under_way();
        match under_way.get(target) {
            // One that began before the last change may not have seen it.
            Some(coming) if coming.generation == generation => {
                return Ok(Found::Coming(coming.answer.clone()));
            }
            _ => {}
        }
        let (answer, receiver) = watch::channel(None);
        under_way.insert(target.clone(), UnderWay { generation, answer: receiver });
        Err(Turn { hot: self, target: target.clone(), route: route.into(), generation, answer })
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<Arc<str>, UnderWay>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// Unless it is too large. It is given to who waits for it.
    fn keep(&self, answer: Tagged, read_at: Instant, maker: Option<Maker>) -> Arc<Kept> {
        let kept = Arc::new(Kept {
            target: self.target.clone(),
            route: self.route.clone(),
            answer,
            generation: self.generation,
            read_at,
            asked: AtomicU32::new(0),
            renewing: AtomicBool::new(false),
            maker,
            tally: Tally::of(&self.route),
        });
        if kept.answer.body.len() <= BODY_MAX {
            self.hot.kept.insert(self.target.clone(), kept.clone());
            self.answer.send_replace(Some(kept.clone()));
        }
        kept
    }
}

impl Drop for Turn<'_> {
    /// Those who wait for an answer that is not kept, or that nobody wants now, make their own.
    fn drop(&mut self) {
        let mut under_way = self.hot.under_way();
        // Of one generation there is one turn.
        let of_now = under_way.get(&self.target).map(|coming| coming.generation);
        if of_now == Some(self.generation) {
            under_way.remove(&self.target);
        }
    }
}

/// Answer a request, from what is kept if it may be, else by making the answer.
///
/// # Errors
/// An answer that broke off while it was read.
pub(crate) async fn serve(
    state: &ApiState,
    route: &str,
    request: Request,
    next: Next,
) -> Result<Response<Body>, axum::Error> {
    let hot = &state.0.hot;
    // What is kept costs next to nothing, however many ask, so it has no room for what is not.
    let make =
        |request, next: Next| Box::pin(state.0.pressure.bear(route, request, |it| next.run(it)));
    let Some(shown) = etag::shown(request.method(), route, request.headers()) else {
        let changes = changes_public(request.method(), route);
        let answer = make(request, next).await;
        if changes && answer.status().is_success() {
            hot.outdate();
        }
        return Ok(answer);
    };
    let Some(target) = target(hot, route, &request) else {
        let tagged = etag::tag(make(request, next).await, route).await?;
        return Ok(tagged.map_or_else(|other| other, |tagged| tagged.answer(&shown)));
    };
    let turn = match hot.look(&target, route) {
        Ok(Found::Kept(kept)) => {
            renewal::note(state, &kept);
            return Ok(counted("kept", kept.answer.answer(&shown)));
        }
        Ok(Found::Coming(mut coming)) => {
            // An error: it will not come.
            let kept = match coming.wait_for(Option::is_some).await {
                Ok(kept) => kept.clone(),
                Err(_) => None,
            };
            if let Some(kept) = kept {
                return Ok(counted("shared", kept.answer.answer(&shown)));
            }
            None
        }
        Err(turn) => {
            renewal::begin(state);
            Some(turn)
        }
    };
    let maker = Maker::of(route, &request, &next);
    let read_at = Instant::now();
    let tagged = match etag::tag(make(request, next).await, route).await? {
        Ok(tagged) => tagged,
        Err(other) => return Ok(counted("other", other)),
    };
    let answer = match turn {
        Some(turn) => turn.keep(tagged, read_at, Some(maker)).answer.answer(&shown),
        None => tagged.answer(&shown),
    };
    Ok(counted("read", answer))
}

fn counted(how: &'static str, answer: Response<Body>) -> Response<Body> {
    metrics::counter!("http_hot_answers_total", "how" => how).increment(1);
    answer
}

/// What the answer is kept under; none when it is not.
fn target(hot: &HotAnswers, route: &str, request: &Request) -> Option<Arc<str>> {
    if !hot.is_on || !etag::is_public(route) || wants_fresh(request.headers()) {
        return None;
    }
    // Who shows a wrong credential is told so, by the handler.
    let identified = request.extensions().get::<Identified>();
    if identified.is_none_or(|identified| identified.0.is_err()) {
        return None;
    }
    let original = request.extensions().get::<OriginalUri>();
    let target = original.map_or(request.uri(), |original| &original.0).path_and_query()?;
    let text = target.as_str();
    let waits = target.query().is_some_and(|query| query.contains("wait_for_block"));
    (text.len() <= TARGET_MAX && !waits).then(|| text.into())
}

/// RFC 9111 §5.2.1.4.
fn wants_fresh(headers: &HeaderMap) -> bool {
    let directives = headers.get_all(header::CACHE_CONTROL).iter();
    directives
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .any(|word| matches!(word.trim(), "no-cache" | "no-store" | "max-age=0"))
}

/// Writes (`POST`) that public reads show at once. What others change is seen on the chain.
const CHANGES_PUBLIC: [&str; 2] =
    ["/api/v1/collections", "/api/v1/items/{chain_id}/{contract}/{token_id}/refresh"];

fn changes_public(method: &Method, route: &str) -> bool {
    *method == Method::POST && CHANGES_PUBLIC.contains(&route)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderValue, StatusCode};

    const ITEMS: &str = "/api/v1/items";

    async fn tagged(text: &str) -> Tagged {
        let answer = Response::new(Body::from(text.to_owned()));
        etag::tag(answer, ITEMS).await.unwrap().unwrap()
    }

    fn turn<'a>(hot: &'a HotAnswers, target: &Arc<str>) -> Option<Turn<'a>> {
        hot.look(target, ITEMS).err()
    }

    #[tokio::test]
    async fn what_changes_outdates_what_is_kept_and_what_is_coming() {
        let (hot, page) =
            (HotAnswers::new(1 << 20, Changes::default()), Arc::from("/api/v1/items"));
        let first = turn(&hot, &page).unwrap();
        assert!(matches!(hot.look(&page, ITEMS), Ok(Found::Coming(_))));
        hot.outdate();
        let second = turn(&hot, &page).expect("the first may not have seen the change");
        first.keep(tagged("old").await, Instant::now(), None);
        assert!(hot.find(&page).is_none(), "it was read before the change");
        drop(first);
        assert!(
            matches!(hot.look(&page, ITEMS), Ok(Found::Coming(_))),
            "the second is still at it"
        );
        second.keep(tagged("new").await, Instant::now(), None);
        assert_eq!(hot.find(&page).unwrap().answer.body, "new");
        hot.saw_block(ChainId(1), 7);
        assert!(hot.find(&page).is_none());
        drop(second);
        turn(&hot, &page).unwrap().keep(tagged("newer").await, Instant::now(), None);
        hot.saw_block(ChainId(1), 7);
        hot.saw_block(ChainId(1), 6);
        assert_eq!(hot.find(&page).unwrap().answer.body, "newer", "nothing that is not known");
    }

    #[test]
    fn routes_of_writes_are_ones_of_the_document() {
        let document = serde_json::to_value(crate::openapi::document()).unwrap();
        for route in CHANGES_PUBLIC {
            assert!(document["paths"][route]["post"].is_object(), "{route}");
        }
    }

    #[tokio::test]
    async fn who_gives_up_leaves_the_others_in_peace() {
        let (hot, page) =
            (HotAnswers::new(1 << 20, Changes::default()), Arc::from("/api/v1/items"));
        let first = turn(&hot, &page).unwrap();
        let Ok(Found::Coming(mut coming)) = hot.look(&page, ITEMS) else {
            panic!("nobody makes it")
        };
        drop(first);
        assert!(coming.wait_for(Option::is_some).await.is_err());
        assert!(turn(&hot, &page).is_some(), "another one may");
        assert!(hot.under_way().is_empty());
    }

    #[tokio::test]
    async fn what_is_old_or_large_is_not_given() {
        let (hot, page) =
            (HotAnswers::new(1 << 20, Changes::default()), Arc::from("/api/v1/items"));
        let long_ago = Instant::now().checked_sub(AGE_MAX).unwrap();
        turn(&hot, &page).unwrap().keep(tagged("x").await, long_ago, None);
        assert!(hot.find(&page).is_none());
        let large = tagged(&"x".repeat(BODY_MAX + 1)).await;
        turn(&hot, &page).unwrap().keep(large, Instant::now(), None);
        assert!(hot.find(&page).is_none());
    }

    #[tokio::test]
    async fn the_same_is_told_to_all_and_nothing_to_who_has_it() {
        let tagged = tagged("x").await;
        let whole = tagged.answer(&[]);
        let tag = whole.headers()[header::ETAG].to_str().unwrap().to_owned();
        assert_eq!(tagged.answer(&[tag]).status(), StatusCode::NOT_MODIFIED);
        assert_eq!(tagged.answer(&["W/\"y\"".to_owned()]).status(), StatusCode::OK);
    }

    #[test]
    fn who_asks_for_fresh_answers_is_heard() {
        let headers = |text: &'static str| {
            HeaderMap::from_iter([(header::CACHE_CONTROL, HeaderValue::from_static(text))])
        };
        assert!(wants_fresh(&headers("no-cache")));
        assert!(wants_fresh(&headers("max-stale=3, no-cache")));
        assert!(!wants_fresh(&headers("max-age=60")));
        assert!(!wants_fresh(&HeaderMap::new()));
    }
}
