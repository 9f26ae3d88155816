//! What is asked for, of whom.

use crate::{load::Wanted, server::Server};
use anyhow::{Context, Result};
use clap::ValueEnum;
use devstack::{Child, Signal, spawn_tied};
use http_body_util::Full;
use hyper::{Method, Request, body::Bytes, header};
use serde::Serialize;
use serde_json::json;
use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

/// How long a process may take to listen.
const LISTENS: Duration = Duration::from_secs(30);
/// Of a mixture, every so manieth request is a write.
const WRITE_EVERY: usize = 10;

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A handler that answers with a constant.
    Bare,
    /// A handler that answers with one row, by its key.
    Select,
    /// One item, from the database.
    Item,
    /// One item, which many ask for.
    Cached,
    /// A page of twenty items.
    List,
    /// Nine items to one mint.
    Mix,
    /// A mint.
    Write,
}

impl Kind {
    /// Writes last: what they ask for is worked off beside what follows.
    pub const ALL: [Self; 7] =
        [Self::Bare, Self::Select, Self::Item, Self::Cached, Self::List, Self::Mix, Self::Write];

    pub fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Select => "select",
            Self::Item => "item",
            Self::Cached => "cached",
            Self::List => "list",
            Self::Mix => "mix",
            Self::Write => "write",
        }
    }
}

/// The engine, and the bare handlers beside it.
#[derive(Debug)]
pub struct Site {
    engine: String,
    bare: String,
    key: String,
    chain_id: u64,
    items: Arc<[(String, String)]>,
    _bare: Child,
}

impl Site {
    pub async fn start(server: &Server, items: Vec<(String, String)>) -> Result<Self> {
        let log = server.directory().join("bare.log");
        let program = std::env::current_exe()?;
        let arguments = ["bare", "--database", &server.database_url()].map(str::to_owned);
        let child = spawn_tied(&program, &arguments, None, Signal::SIGTERM, &log)?;
        let started = Instant::now();
        let bare = loop {
            // Its first line is where it listens.
            let text = fs::read_to_string(&log)?;
            if let Some((line, _)) = text.split_once('\n') {
                break line.to_owned();
            }
            anyhow::ensure!(started.elapsed() < LISTENS, "the bare handlers do not listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let engine = server.dev.http.strip_prefix("http://").context("not plain HTTP")?;
        Ok(Self {
            engine: engine.to_owned(),
            bare,
            key: server.dev.operator_api_key.clone(),
            chain_id: server.dev.chain_id,
            items: items.into(),
            _bare: child,
        })
    }

    pub fn requests(&self, kind: Kind) -> Requests {
        let address = match kind {
            Kind::Bare | Kind::Select => self.bare.clone(),
            _ => self.engine.clone(),
        };
        Requests {
            kind,
            address: address.into(),
            key: self.key.as_str().into(),
            chain_id: self.chain_id,
            items: self.items.clone(),
            run: uuid::Uuid::now_v7().to_string().into(),
        }
    }
}

/// Requests of one kind. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Requests {
    kind: Kind,
    address: Arc<str>,
    key: Arc<str>,
    chain_id: u64,
    items: Arc<[(String, String)]>,
    run: Arc<str>,
}

impl Requests {
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The one of this number; none is made twice, but for reads.
    pub fn make(&self, number: usize) -> Result<Request<Full<Bytes>>> {
        let (contract, token_id) = &self.items[number % self.items.len()];
        let key = (self.chain_id, contract, token_id);
        match self.kind {
            Kind::Bare => self.get("/bare"),
            Kind::Select => self.get(&format!("/select/{}/{}/{}", key.0, key.1, key.2)),
            Kind::List => self.get("/api/v1/items?limit=20"),
            Kind::Write => self.mint(),
            Kind::Mix if number.is_multiple_of(WRITE_EVERY) => self.mint(),
            Kind::Item | Kind::Cached | Kind::Mix => {
                self.get(&format!("/api/v1/items/{}/{}/{}", key.0, key.1, key.2))
            }
        }
    }

    fn get(&self, target: &str) -> Result<Request<Full<Bytes>>> {
        let mut request = Request::builder().uri(target).header(header::HOST, self.address());
        if matches!(self.kind, Kind::Item | Kind::List) {
            request = request.header(header::CACHE_CONTROL, "no-cache");
        }
        let request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.key));
        Ok(request.body(Full::default())?)
    }

    fn mint(&self) -> Result<Request<Full<Bytes>>> {
        let run = format!("{}:{}", self.run, uuid::Uuid::now_v7());
        let wanted = Wanted::many(&run, 1).pop().context("one was asked for")?;
        let body = json!({ "to": wanted.to.to_checksum(None), "uri": wanted.uri });
        let request = Request::builder()
            .method(Method::POST)
            .uri("/api/v1/mints")
            .header(header::HOST, self.address())
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key))
            .header(header::CONTENT_TYPE, "application/json")
            .header("idempotency-key", wanted.key);
        Ok(request.body(Full::from(body.to_string()))?)
    }
}
