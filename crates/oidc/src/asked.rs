//! The way to a provider: our own client, with a time and a bound for every answer.

use openidconnect::{HttpRequest, HttpResponse};
use reqwest::{Client, redirect::Policy};
use std::{sync::Once, time::Duration};

/// Largest answer. A document with the keys of a large provider has some 20 KB.
const ANSWER_MAX: usize = 256 * 1024;
const CONNECT_TIME: Duration = Duration::from_secs(3);

/// Why a provider did not answer. Says nothing of what was asked, which holds secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoAnswer {
    #[error("it did not answer in time")]
    TimedOut,
    #[error("it can't be reached")]
    Unreachable,
    #[error("its answer is too large or broke off")]
    Broken,
}

/// Follows no redirects: a provider's own places answer themselves, and what is asked of them is
/// for nobody else.
pub(crate) fn client(time: Duration) -> Result<Client, reqwest::Error> {
    static TLS: Once = Once::new();
    // Only another one in this process could be in its way, and then that is used.
    TLS.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    Client::builder()
        .redirect(Policy::none())
        .referer(false)
        .timeout(time)
        .connect_timeout(CONNECT_TIME.min(time))
        .pool_max_idle_per_host(2)
        .build()
}

pub(crate) async fn ask(client: Client, request: HttpRequest) -> Result<HttpResponse, NoAnswer> {
    let request = reqwest::Request::try_from(request).map_err(|_| NoAnswer::Unreachable)?;
    let told = |error: reqwest::Error| match error.is_timeout() {
        true => NoAnswer::TimedOut,
        false => NoAnswer::Unreachable,
    };
    let mut answer = client.execute(request).await.map_err(told)?;
    let mut response = HttpResponse::new(Vec::new());
    *response.status_mut() = answer.status();
    *response.headers_mut() = std::mem::take(answer.headers_mut());
    while let Some(chunk) = answer.chunk().await.map_err(|error| match error.is_timeout() {
        true => NoAnswer::TimedOut,
        false => NoAnswer::Broken,
    })? {
        if response.body().len() + chunk.len() > ANSWER_MAX {
            return Err(NoAnswer::Broken);
        }
        response.body_mut().extend_from_slice(&chunk);
    }
    Ok(response)
}
