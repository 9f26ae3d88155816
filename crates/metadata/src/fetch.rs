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

use crate::{Options, OptionsError, Reason, place::URI_LEN_MAX};
use flate2::read::MultiGzDecoder;
use outbound::{Gate, GateOptions, Ports, Refused, Trouble};
use reqwest::{Response, StatusCode, Url, header};
use std::{io::Read, sync::Arc, time::Duration};

const CONNECT: Duration = Duration::from_secs(5);
/// Connections that are kept for the next document, and how long.
const IDLE_MAX: usize = 2;
const IDLE: Duration = Duration::from_secs(15);

/// Fetches documents. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Fetcher(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    gate: Gate,
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
        let gate =
            GateOptions { allowed: options.allowed()?, http: options.http, ports: Ports::Web };
        let gate = Gate::new(gate, |client| {
            client
                .connect_timeout(CONNECT)
                .timeout(options.fetch_time)
                .pool_max_idle_per_host(IDLE_MAX)
                .pool_idle_timeout(IDLE)
                .user_agent("stoa")
        })?;
        Ok(Self(Arc::new(Inner {
            gate,
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
        let client = self.0.gate.client_for(url).map_err(of_refused)?;
        let request = client
            .get(url.clone())
            .header(header::ACCEPT, "application/json, */*;q=0.5")
            .header(header::ACCEPT_ENCODING, "identity");
        request.send().await.map_err(|error| of_transport(&error))
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

fn of_refused(refused: Refused) -> Reason {
    match refused {
        Refused::Malformed => Reason::UriMalformed,
        Refused::Scheme => Reason::SchemeUnsupported,
        Refused::Credentials => Reason::CredentialsInUri,
        Refused::Http => Reason::HttpRefused,
        Refused::Port => Reason::PortRefused,
        Refused::Address => Reason::AddressRefused,
    }
}

fn of_transport(error: &reqwest::Error) -> Reason {
    match Trouble::of(error) {
        Trouble::Refused => Reason::AddressRefused,
        Trouble::Unresolved => Reason::NameUnresolved,
        Trouble::TimedOut => Reason::TimedOut,
        Trouble::Unreachable => Reason::Unreachable,
    }
}
