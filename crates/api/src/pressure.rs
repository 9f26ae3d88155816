//! How much of one route is under way at once: as much as it bears before requests begin to queue
//! for what they all need, a processor, a connection to the database, a row. What is more is told
//! to come back, while those who are in are still answered soon. One route that is slow holds up
//! no other.

mod arrival;
mod limit;

use crate::problem::{Code, Problem};
use arrival::{Arrival, Arriving};
use axum::{
    body::{Body, HttpBody},
    extract::Request,
    http::{Method, Response},
    response::IntoResponse,
};
use limit::RouteLimit;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// What each route bears. Shared by all requests.
#[derive(Debug)]
pub(crate) struct Pressure {
    /// By path and whether it reads. None: nothing is held back.
    routes: Option<HashMap<String, [Arc<Mutex<RouteLimit>>; 2]>>,
}

impl Pressure {
    /// Of `paths`, each bears at most `most` requests, and fewer when even its quickest take
    /// `delay` longer than they did; no delay switches it off.
    pub(crate) fn new(paths: Vec<String>, most: usize, delay: Duration) -> Self {
        let limit = || Arc::new(Mutex::new(RouteLimit::new(most, delay, Instant::now())));
        let routes = || paths.into_iter().map(|path| (path, [limit(), limit()])).collect();
        Self { routes: (!delay.is_zero()).then(routes) }
    }

    /// Have `work` done with a request if its route bears one more.
    pub(crate) async fn bear<F: Future<Output = Response<Body>>>(
        &self,
        route: &str,
        request: Request,
        work: impl FnOnce(Request) -> F,
    ) -> Response<Body> {
        let limits = self.routes.as_ref().and_then(|routes| routes.get(route));
        let Some(limits) = limits.filter(|_| is_quick(route, &request)) else {
            return work(request).await;
        };
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let Some(place) = Place::take(&limits[usize::from(reads)]) else {
            metrics::counter!("http_requests_shed_total", "route" => route.to_owned()).increment(1);
            return Problem::from(Code::Overloaded).into_response();
        };
        let request = if request.body().is_end_stream() {
            place.arrival.note();
            request
        } else {
            let arrival = place.arrival.clone();
            request.map(|body| Body::new(Arriving::new(body, arrival)))
        };
        let answer = work(request).await;
        place.answered(!answer.status().is_server_error());
        answer
    }
}

/// Does its answer come as soon as it can? Who waits for a block says nothing about the load, and
/// an upload takes as long as its sender does; both are bounded elsewhere. Probes are answered
/// whatever the load.
fn is_quick(route: &str, request: &Request) -> bool {
    let waits = request.uri().query().is_some_and(|query| query.contains("wait_for_block"));
    route != crate::uploads::PATH && !crate::edge::is_probe(route) && !waits
}

/// The right to be worked on; gone with the request, also when its caller goes away.
struct Place {
    limit: Arc<Mutex<RouteLimit>>,
    arrival: Arrival,
}

impl Place {
    fn take(limit: &Arc<Mutex<RouteLimit>>) -> Option<Self> {
        let has_room = lock(limit).has_room();
        has_room.then(|| Self { limit: limit.clone(), arrival: Arrival::new(limit.clone()) })
    }

    /// `counts`: what failed may have been quick for being broken.
    fn answered(&self, counts: bool) {
        if let Some(since) = self.arrival.at().filter(|_| counts) {
            let now = Instant::now();
            lock(&self.limit).note(now, now.saturating_duration_since(since));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.arrival.at().is_some() {
            lock(&self.limit).leave();
        }
    }
}

fn lock(limit: &Mutex<RouteLimit>) -> MutexGuard<'_, RouteLimit> {
    limit.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{BoxError, body::to_bytes, http::StatusCode};
    use std::future::{pending, ready};

    const PATH: &str = "/api/v1/mints";

    fn one_at_a_time() -> Pressure {
        Pressure::new(vec![PATH.to_owned()], 1, Duration::from_millis(200))
    }

    fn request(method: Method, body: Body) -> Request {
        Request::builder().method(method).uri(PATH).body(body).unwrap()
    }

    async fn post(pressure: &Pressure) -> StatusCode {
        let work = |request: Request| async {
            to_bytes(request.into_body(), 100).await.unwrap();
            Response::default()
        };
        pressure.bear(PATH, request(Method::POST, "{}".into()), work).await.status()
    }

    #[tokio::test]
    async fn what_is_more_than_a_route_bears_is_told_to_come_back() {
        let pressure = one_at_a_time();
        let read = |request: Request| async move {
            to_bytes(request.into_body(), 100).await.unwrap();
            pending().await
        };
        {
            let mut first = Box::pin(pressure.bear(PATH, request(Method::POST, "{}".into()), read));
            assert!(futures_util::poll!(first.as_mut()).is_pending());
            assert_eq!(post(&pressure).await, StatusCode::SERVICE_UNAVAILABLE);
            let reads = request(Method::GET, Body::empty());
            let answer = pressure.bear(PATH, reads, |_| ready(Response::default())).await;
            assert_eq!(answer.status(), 200, "who reads is counted apart");
        }
        assert_eq!(post(&pressure).await, 200, "who went away has left their place");
        assert_eq!(post(&pressure).await, 200);
    }

    #[tokio::test]
    async fn a_body_that_drips_in_keeps_nobody_out() {
        let pressure = one_at_a_time();
        let drip = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, BoxError>>());
        let read = |request: Request| async {
            to_bytes(request.into_body(), 100).await.unwrap();
            Response::default()
        };
        let mut first = Box::pin(pressure.bear(PATH, request(Method::POST, drip), read));
        assert!(futures_util::poll!(first.as_mut()).is_pending());
        assert_eq!(post(&pressure).await, 200);
    }
}
