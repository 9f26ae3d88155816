//! Getting a document from a place that a stranger named.
//!
//! ```text
//! URI ─► check (scheme, port, user, literal address) ─► resolve, public only ─► connect to that
//!   ▲                                                                              │
//!   └────────────── redirect: all again, three times at most ◄─────────────────────┤
//!                                              bytes, until the limit ◄────────────┘
//! ```
//! One deadline holds for all of it. What the operator listed as `HOST:PORT` is exempt from the
//! check of the address, and nothing else is.

use crate::{
    Options, OptionsError, Reason,
    address::{PublicOnly, Refused, Unresolved, is_public},
    place::{URI_LEN_MAX, host_of},
};
use flate2::read::MultiGzDecoder;
use reqwest::{Client, Response, StatusCode, Url, header, redirect};
use std::{
    collections::BTreeSet,
    error::Error,
    io::Read,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

const CONNECT: Duration = Duration::from_secs(5);
/// Connections that are kept for the next document, and how long.
const IDLE_MAX: usize = 2;
const IDLE: Duration = Duration::from_secs(15);

/// Fetches documents. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Fetcher(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Connects to public addresses only.
    public: Client,
    /// For what is in `allowed`.
    private: Client,
    allowed: BTreeSet<String>,
    http: bool,
    bytes_max: usize,
    time: Duration,
    redirects_max: u32,
}

/// Why no [`Fetcher`] could be made.
#[derive(Debug, thiserror::Error)]
pub enum FetcherError {
    #[error(transparent)]
    Options(#[from] OptionsError),
    #[error("no HTTP client could be made")]
    Client(#[from] reqwest::Error),
}

impl Fetcher {
    /// # Errors
    /// [`FetcherError`]
    pub fn new(options: &Options) -> Result<Self, FetcherError> {
        chain::install_tls();
        let client = || {
            Client::builder()
                // Neither proxies of the environment nor redirects of the library: both would
                // pass by the check.
                .no_proxy()
                .redirect(redirect::Policy::none())
                .referer(false)
                .connect_timeout(CONNECT)
                .timeout(options.fetch_time)
                .pool_max_idle_per_host(IDLE_MAX)
                .pool_idle_timeout(IDLE)
                .user_agent("stoa")
        };
        Ok(Self(Arc::new(Inner {
            public: client().dns_resolver(PublicOnly).build()?,
            private: client().build()?,
            allowed: options.allowed()?.into_iter().collect(),
            http: options.http,
            bytes_max: options.document_bytes_max,
            time: options.fetch_time,
            redirects_max: options.redirects_max,
        })))
    }

    /// The bytes behind an address, following redirects.
    ///
    /// # Errors
    /// The [`Reason`] why they can't be had.
    pub async fn fetch(&self, url: Url) -> Result<Vec<u8>, Reason> {
        let all = self.follow(url);
        tokio::time::timeout(self.0.time, all).await.unwrap_or(Err(Reason::TimedOut))
    }

    async fn follow(&self, mut url: Url) -> Result<Vec<u8>, Reason> {
        for _ in 0..=self.0.redirects_max {
            let response = self.ask(&url).await?;
            if !is_redirect(response.status()) {
                return self.read(response).await;
            }
            let target = response.headers().get(header::LOCATION);
            let target = target.and_then(|target| target.to_str().ok());
            let target = target.filter(|target| target.len() <= URI_LEN_MAX);
            let target = target.and_then(|target| url.join(target).ok());
            url = target.ok_or(Reason::RedirectMalformed)?;
        }
        Err(Reason::RedirectsTooMany)
    }

    async fn ask(&self, url: &Url) -> Result<Response, Reason> {
        let client = self.client_for(url)?;
        let request = client
            .get(url.clone())
            .header(header::ACCEPT, "application/json, */*;q=0.5")
            .header(header::ACCEPT_ENCODING, "identity");
        request.send().await.map_err(|error| of_transport(&error))
    }

    /// The client that may connect there, if any may.
    fn client_for(&self, url: &Url) -> Result<&Client, Reason> {
        let inner = &self.0;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Reason::SchemeUnsupported);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Reason::CredentialsInUri);
        }
        let host = url.host_str().ok_or(Reason::UriMalformed)?;
        if inner.allowed.contains(&host_of(url)) {
            return Ok(&inner.private);
        }
        if url.scheme() == "http" && !inner.http {
            return Err(Reason::HttpRefused);
        }
        if !matches!(url.port_or_known_default(), Some(80 | 443)) {
            return Err(Reason::PortRefused);
        }
        // Literal addresses are not resolved, so they are looked at here.
        match literal(host) {
            Some(address) if !is_public(address) => Err(Reason::AddressRefused),
            _ => Ok(&inner.public),
        }
    }

    async fn read(&self, response: Response) -> Result<Vec<u8>, Reason> {
        of_status(response.status())?;
        let encoding = response.headers().get(header::CONTENT_ENCODING);
        let gzip = match encoding.map(|value| value.as_bytes().to_ascii_lowercase()) {
            None => false,
            Some(value) if value.is_empty() || value == b"identity" => false,
            Some(value) if value == b"gzip" || value == b"x-gzip" => true,
            Some(_) => return Err(Reason::EncodingUnsupported),
        };
        let bytes = self.read_bytes(response).await?;
        if gzip { unzip(&bytes, self.0.bytes_max) } else { Ok(bytes) }
    }

    async fn read_bytes(&self, mut response: Response) -> Result<Vec<u8>, Reason> {
        let most = self.0.bytes_max;
        if response.content_length().is_some_and(|length| length > most as u64) {
            return Err(Reason::TooLarge);
        }
        let mut bytes = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| of_transport(&error))? {
            if bytes.len() + piece.len() > most {
                return Err(Reason::TooLarge);
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }
}

/// The address that a host is written as, if it is one. Odd forms (decimal, octal, short) were made
/// plain when the URL was read.
fn literal(host: &str) -> Option<IpAddr> {
    let inside = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match inside {
        Some(address) => address.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse().ok(),
    }
}

/// What is unpacked is bounded, whatever it claims to be.
fn unzip(bytes: &[u8], most: usize) -> Result<Vec<u8>, Reason> {
    let mut plain = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let read = MultiGzDecoder::new(bytes).take(limit).read_to_end(&mut plain);
    read.map_err(|_| Reason::EncodingUnsupported)?;
    if plain.len() > most { Err(Reason::TooLarge) } else { Ok(plain) }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn of_status(status: StatusCode) -> Result<(), Reason> {
    Err(match status.as_u16() {
        200 => return Ok(()),
        404 | 410 => Reason::NotFound,
        401 | 402 | 403 | 451 => Reason::Forbidden,
        429 => Reason::HostBusy,
        500..=599 => Reason::HostFailed,
        _ => Reason::StatusUnexpected,
    })
}

/// What the library says is told by what is at the bottom of it.
fn of_transport(error: &reqwest::Error) -> Reason {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.is::<Refused>() {
            return Reason::AddressRefused;
        }
        if cause.is::<Unresolved>() {
            return Reason::NameUnresolved;
        }
        source = cause.source();
    }
    if error.is_timeout() { Reason::TimedOut } else { Reason::Unreachable }
}
