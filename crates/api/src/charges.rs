//! Who calls, and what that costs them.
//!
//! Whoever shows no credential is charged by address. A credential is charged for itself; one that
//! has to be looked up costs its address a unit first, and a wrong one costs it more, so that
//! guessing does not reach the database for long.

use crate::{
    ApiState, client_place,
    extract::credential,
    problem::{Code, Problem},
    signatures::{self, Signed, SignedBody},
};
use app::AppError;
use auth::{Actor, AuthError};
use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, Method},
};
use futures_util::FutureExt;
use limits::{Kind, Standing};
use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Of a read.
const READ: u32 = 1;
const WRITE: u32 = 5;
/// Many things at once, or a file.
const HEAVY: u32 = 20;
/// On top, for a credential that was wrong.
const WRONG: u32 = 10;

/// Who calls, or why that can't be told; carried by the request. What asks for nobody in particular
/// is answered all the same.
#[derive(Clone, Debug)]
pub(crate) struct Identified(pub(crate) Result<Actor, Problem>);

/// A request that was charged before it reached the edge, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Admitted(pub(crate) Charge, pub(crate) Result<(), Problem>);

/// What one request costs, whose address it comes from, and how the one who was charged last
/// stands. Carried by the request.
#[derive(Clone, Debug)]
pub(crate) struct Charge {
    cost: u32,
    /// Where it comes from, and by what that is counted.
    from: Option<IpAddr>,
    address: Arc<str>,
    standing: Arc<Mutex<Option<Standing>>>,
}

impl Charge {
    pub(crate) fn of(state: &ApiState, route: &str, request: &Request) -> Self {
        let trusted = &state.trusted_proxies;
        let from = client_place::exact(request.extensions(), request.headers(), trusted);
        Self {
            cost: cost(request.method(), route),
            from,
            address: client_place::counted(from).into(),
            standing: Arc::default(),
        }
    }

    /// Where the request comes from, as far as that is known.
    pub(crate) const fn from(&self) -> Option<IpAddr> {
        self.from
    }

    /// Find out who calls, and charge them. What asks the database is on the heap: the future of
    /// each request has room for what all of them need.
    ///
    /// # Errors
    /// [`Code::RateLimited`]
    pub(crate) async fn admit(
        &self,
        state: &ApiState,
        request: &mut Request,
    ) -> Result<(), Problem> {
        let identified = match credential(request.method(), request.headers(), state) {
            Ok(beside) if signatures::is_signed(request.headers()) => {
                let beside = beside.map(str::to_owned);
                Box::pin(self.identify_signed(state, request, beside.as_deref())).await?
            }
            Ok(Some(text)) => Box::pin(self.identify(state, text)).await?,
            other => {
                self.take(state, Kind::Ip, &self.address, self.cost).await?;
                other.map(|_| Actor::Anonymous)
            }
        };
        request.extensions_mut().insert(Identified(identified));
        Ok(())
    }

    /// The same at once, where nobody has to be asked for it; else none, and nothing was taken.
    pub(crate) fn admit_now(
        &self,
        state: &ApiState,
        request: &mut Request,
    ) -> Option<Result<(), Problem>> {
        let shown = credential(request.method(), request.headers(), state).ok()?;
        if state.limiter.is_shared()
            || shown.is_some_and(|text| state.authenticator.has_to_look(text))
        {
            return None;
        }
        // Before it waits for anything it takes nothing.
        self.admit(state, request).now_or_never()
    }

    async fn identify(
        &self,
        state: &ApiState,
        credential: &str,
    ) -> Result<Result<Actor, Problem>, Problem> {
        if state.authenticator.has_to_look(credential) {
            self.take(state, Kind::Ip, &self.address, READ).await?;
        }
        let found = state.authenticator.authenticate(credential, self.from).await;
        self.settle(state, found).await
    }

    /// The same of who signed the request. Its body will be held against what was signed.
    async fn identify_signed(
        &self,
        state: &ApiState,
        request: &mut Request,
        beside: Option<&str>,
    ) -> Result<Result<Actor, Problem>, Problem> {
        let signed = Signed::of(request);
        let shown = match signed.shown() {
            Ok(shown) => shown,
            Err(fault) => return self.settle(state, Err(fault.into())).await,
        };
        if state.authenticator.has_to_look_for(&shown) {
            self.take(state, Kind::Ip, &self.address, READ).await?;
        }
        let field = |name: &str| signed.field(name);
        let (parts, authenticator) = (signed.parts(&field), &state.authenticator);
        let found = authenticator.authenticate_signed(&parts, &shown, beside, self.from).await;
        if let (Ok(_), Some(digest)) = (&found, shown.digest()) {
            SignedBody::guard(request, digest);
        }
        self.settle(state, found).await
    }

    /// Charge who calls, or their address for a guess.
    async fn settle(
        &self,
        state: &ApiState,
        found: Result<Actor, AuthError>,
    ) -> Result<Result<Actor, Problem>, Problem> {
        let actor = match found {
            Ok(actor) => actor,
            Err(error) => {
                let signature = matches!(error, AuthError::Signature(_));
                let problem = Problem::from(AppError::from(error));
                // A good key from a wrong place is a guess, too: somebody else may have it.
                let refused = problem.code.status() == 401 || problem.code == Code::PlaceRefused;
                if refused || signature {
                    self.take(state, Kind::Ip, &self.address, self.cost + WRONG).await?;
                }
                return Ok(Err(problem));
            }
        };
        match &actor {
            Actor::Key(holder) => self.take(state, Kind::Key, &holder.key_id, self.cost).await?,
            Actor::User(user) => {
                // Of a provider's user there is no wallet: they are charged for themselves.
                let wallet = user.wallet.map(|(address, _)| address.to_string());
                let subject = wallet.unwrap_or_else(|| user.principal.to_string());
                self.take(state, Kind::Wallet, &subject, self.cost).await?;
            }
            Actor::Anonymous => self.take(state, Kind::Ip, &self.address, self.cost).await?,
        }
        Ok(Ok(actor))
    }

    async fn take(
        &self,
        state: &ApiState,
        kind: Kind,
        subject: &str,
        cost: u32,
    ) -> Result<(), Problem> {
        let Some(standing) = state.limiter.charge(kind, subject, cost).await else {
            return Ok(());
        };
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner) = Some(standing);
        if standing.allowed {
            return Ok(());
        }
        let problem = Problem::from(Code::RateLimited).saying(format!(
            "{} units in {} seconds are allowed per {}",
            standing.quota.units,
            standing.quota.window.as_secs_f64(),
            standing.kind.as_str(),
        ));
        Err(Problem { retry_after: Some(seconds(standing.retry_after).max(1)), ..problem })
    }

    /// Tell the caller how it stands (draft-ietf-httpapi-ratelimit-headers-11).
    pub(crate) fn show(&self, headers: &mut HeaderMap) {
        let standing = *self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Standing { kind, quota, remaining, full_in, .. }) = standing else { return };
        let (name, window, full_in) = (kind.as_str(), seconds(quota.window), seconds(full_in));
        let policy = format!("\"{name}\";q={};w={window}", quota.units);
        let left = format!("\"{name}\";r={remaining};t={full_in}");
        for (name, text) in [("ratelimit-policy", policy), ("ratelimit", left)] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(name, value);
            }
        }
    }
}

fn cost(method: &Method, route: &str) -> u32 {
    match (method, route) {
        (&Method::POST, "/api/v1/uploads" | "/api/v1/mints/batch") => HEAVY,
        (&Method::POST, "/api/v1/webhooks/{id}/test" | "/api/v1/webhooks/{id}/replay") => HEAVY,
        (&Method::GET, "/api/v1/stream" | "/api/v1/events") => HEAVY,
        (&Method::GET | &Method::HEAD | &Method::OPTIONS, _) => READ,
        _ => WRITE,
    }
}

/// Whole seconds, rounded up.
fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX)
}
