//! Where the API is, and who calls it.

use crate::{Call, Error, Retries, call::Segment};
use futures_util::future::BoxFuture;
use reqwest::{
    Client, Method, RequestBuilder, Url,
    header::{AUTHORIZATION, HeaderValue},
};
use std::{fmt, sync::Arc};

/// A credential.
#[derive(Clone)]
pub enum Key {
    /// An API key or an access token.
    Fixed(String),
    /// How to come by one: asked before each request, so that a token can be refreshed.
    From(Arc<dyn Fn() -> BoxFuture<'static, String> + Send + Sync>),
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self::Fixed(text.to_owned())
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        Self::Fixed(text)
    }
}

/// The API of one server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Stoa {
    http: Client,
    url: Url,
    key: Option<Key>,
    pub(crate) retries: Retries,
}

impl Stoa {
    /// `url` is where the server is, without `/api/v1`: `https://stoa.example.org`.
    ///
    /// # Errors
    /// [`Error::Input`] when it is no such address.
    pub fn new(url: &str) -> Result<Self, Error> {
        let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = url.ok_or(Error::Input("not the address of a server"))?;
        // For the whole process, unless it has one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().build().map_err(Error::NoAnswer)?;
        Ok(Self { http, url, key: None, retries: Retries::default() })
    }

    /// Show this credential.
    #[must_use]
    pub fn with_key(self, key: impl Into<Key>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    #[must_use]
    pub fn with_retries(self, retries: Retries) -> Self {
        Self { retries, ..self }
    }

    /// With connections of yours: proxies, certificates.
    #[must_use]
    pub fn with_http(self, http: Client) -> Self {
        Self { http, ..self }
    }

    /// Of an operation, with the parts that belong into its path, in order.
    pub(crate) fn call<T>(&self, method: Method, path: &str, parts: &[Segment<'_>]) -> Call<T> {
        Call::new(self.clone(), method, self.address(path, parts))
    }

    /// None: what is put in for a part of the path would lead elsewhere.
    pub(crate) fn address(&self, path: &str, parts: &[Segment<'_>]) -> Option<Url> {
        let mut url = self.url.clone();
        let mut segments = url.path_segments_mut().ok()?;
        segments.pop_if_empty();
        let mut parts = parts.iter();
        for name in path.split('/').skip(1) {
            let text = match name {
                "{}" => parts.next()?.to_string(),
                other => other.to_owned(),
            };
            // Which go up, or nowhere.
            if matches!(text.as_str(), "" | "." | "..") {
                return None;
            }
            segments.push(&text);
        }
        drop(segments);
        Some(url)
    }

    /// A request that shows who calls.
    pub(crate) async fn request(&self, method: Method, url: Url) -> Result<RequestBuilder, Error> {
        let request = self.http.request(method, url);
        let text = match &self.key {
            None => return Ok(request),
            Some(Key::Fixed(text)) => text.clone(),
            Some(Key::From(ask)) => ask().await,
        };
        let mut value = HeaderValue::try_from(format!("Bearer {text}"))
            .map_err(|_| Error::Input("a key has only printable characters"))?;
        value.set_sensitive(true);
        Ok(request.header(AUTHORIZATION, value))
    }
}
