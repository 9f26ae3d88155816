//! One request, until it has an answer.

use crate::{Error, Problem, Stoa};
use futures_util::future::BoxFuture;
use reqwest::{
    Method, Url,
    header::CONTENT_TYPE,
    multipart::{Form, Part},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{fmt::Display, future::IntoFuture, marker::PhantomData};
use tokio::time::sleep;
use uuid::Uuid;

/// A part of a path.
pub(crate) type Segment<'a> = &'a dyn Display;

/// A call of one operation. Nothing is sent before it is awaited.
#[derive(Debug)]
#[must_use = "a call is sent when it is awaited"]
pub struct Call<T> {
    stoa: Stoa,
    method: Method,
    url: Result<Url, Error>,
    body: Body,
    /// None where the operation takes none.
    key: Option<String>,
    answer: PhantomData<fn() -> T>,
}

#[derive(Clone, Debug)]
enum Body {
    Empty,
    Json(Vec<u8>),
    File { name: String, bytes: Vec<u8> },
}

impl<T> Call<T> {
    pub(crate) fn new(stoa: Stoa, method: Method, url: Option<Url>) -> Self {
        let url = url.ok_or(Error::Input("a part of the path leads elsewhere"));
        Self { stoa, method, url, body: Body::Empty, key: None, answer: PhantomData }
    }

    pub(crate) fn query(mut self, query: &impl Serialize) -> Self {
        let Ok(Value::Object(fields)) = serde_json::to_value(query) else {
            self.url = Err(Error::Input("the query can't be written"));
            return self;
        };
        for (name, value) in fields {
            match value {
                Value::Null => {}
                Value::String(text) => self = self.parameter(&name, &text),
                other => self = self.parameter(&name, &other.to_string()),
            }
        }
        self
    }

    pub(crate) fn parameter(mut self, name: &str, value: &str) -> Self {
        if let Ok(url) = &mut self.url {
            let others = url.query_pairs().into_owned().filter(|(other, _)| other != name);
            let others: Vec<(String, String)> = others.collect();
            url.query_pairs_mut().clear().extend_pairs(others).append_pair(name, value);
        }
        self
    }

    pub(crate) fn json(mut self, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => self.body = Body::Json(bytes),
            Err(_) => self.url = Err(Error::Input("the body can't be written")),
        }
        self
    }

    pub(crate) fn file(mut self, name: &str, bytes: Vec<u8>) -> Self {
        self.body = Body::File { name: name.to_owned(), bytes };
        self
    }

    /// The operation is done once for each key.
    pub(crate) fn keyed(mut self) -> Self {
        self.key = Some(Uuid::new_v4().to_string());
        self
    }

    /// With this `Idempotency-Key` instead of one that is made up: where another process may ask
    /// for the same, or this one after a restart. Nothing changes where the operation takes none.
    pub fn key(mut self, key: &str) -> Self {
        if self.key.is_some() {
            self.key = Some(key.to_owned());
        }
        self
    }

    /// Send it, and again where that is safe and may help.
    async fn bytes(self) -> Result<Vec<u8>, Error> {
        let url = self.url?;
        let is_safe = self.key.is_some() || matches!(self.method, Method::GET | Method::PUT);
        let retries = self.stoa.retries;
        for attempt in 1.. {
            let request = self.stoa.request(self.method.clone(), url.clone()).await?;
            let request = request.timeout(retries.timeout);
            let request = match &self.key {
                Some(key) => request.header("idempotency-key", key),
                None => request,
            };
            let request = match &self.body {
                Body::Empty => request,
                Body::Json(bytes) => {
                    request.header(CONTENT_TYPE, "application/json").body(bytes.clone())
                }
                Body::File { name, bytes } => {
                    let part = Part::bytes(bytes.clone()).file_name(name.clone());
                    request.multipart(Form::new().part("file", part))
                }
            };
            let pause = match answer(request).await {
                Ok(bytes) => return Ok(bytes),
                Err(Error::Problem(problem)) => match retries.after(&problem, is_safe, attempt) {
                    Some(pause) => pause,
                    None => return Err(Error::Problem(problem)),
                },
                Err(error @ Error::NoAnswer(_)) => {
                    let may_help = is_safe && attempt < retries.attempts;
                    if !may_help {
                        return Err(error);
                    }
                    retries.pause(attempt)
                }
                Err(error) => return Err(error),
            };
            sleep(pause).await;
        }
        unreachable!("attempts are counted up to their bound")
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Result<Vec<u8>, Error> {
    let response = request.send().await.map_err(Error::NoAnswer)?;
    if !response.status().is_success() {
        return Err(Error::Problem(Problem::of(response).await));
    }
    Ok(response.bytes().await.map_err(Error::NoAnswer)?.into())
}

impl<T: DeserializeOwned + Send + 'static> IntoFuture for Call<T> {
    type Output = Result<T, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let bytes = self.bytes().await?;
            // An answer without a body is `()`.
            let text: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
            serde_json::from_slice(text).map_err(Error::Answer)
        })
    }
}

impl<T> Clone for Call<T> {
    fn clone(&self) -> Self {
        let url = match &self.url {
            Ok(url) => Ok(url.clone()),
            Err(_) => Err(Error::Input("the call can't be sent")),
        };
        Self {
            stoa: self.stoa.clone(),
            method: self.method.clone(),
            url,
            body: self.body.clone(),
            key: self.key.clone(),
            answer: PhantomData,
        }
    }
}
