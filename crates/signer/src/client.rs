//! The engine's side of the socket.

mod typed;

use std::{
    fmt, io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use alloy_primitives::Address;
use serde::Serialize;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::UnixStream,
    sync::Semaphore,
    time::{sleep, timeout},
};

use crate::{
    error::ServeError,
    frame::{self, FrameError, REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX},
    refusal::Refusal,
    tls::{TlsDialer, TlsTarget},
    wire::{
        Call, Fault, Health, INTENTS_MAX, KeyInfo, Outcome, Request, Response, SignOutcome,
        SignedNonce, TxIntent,
    },
};

const CALL_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECTIONS_MAX: usize = 4;
const BACKOFF_FIRST: Duration = Duration::from_millis(10);
const BACKOFF_LAST: Duration = Duration::from_millis(500);
/// What the JSON around the intents of one request may take.
const ENVELOPE_BYTES: usize = 256;

/// Why a call failed. No call can do harm by being repeated: the signer answers the same request
/// with the same bytes.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No answer in time: the signer is down, busy or restarting. Whether it signed is unknown.
    /// Ask again.
    #[error("the signer is unavailable: {reason}")]
    Unavailable {
        /// What was last seen of it.
        reason: String,
    },
    /// It answered no.
    #[error("the signer refuses")]
    Refused(#[source] Refusal),
    /// One intent is larger than a request may be. Asking again is pointless.
    #[error("an intent of {bytes} bytes is too large for one request")]
    TooLarge {
        /// Its size on the wire.
        bytes: usize,
    },
    /// Client and signer do not speak the same protocol. Asking again is pointless.
    #[error("the signer broke the protocol: {0}")]
    Protocol(String),
}

/// A signer at the other end of a Unix socket, or of a TLS connection. Cheap to clone; clones share
/// up to four connections, each carrying one call at a time. Connects when first needed, and again
/// after either side lost the connection.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

enum Way {
    Socket(PathBuf),
    Tls(TlsDialer),
}

impl Way {
    fn name(&self) -> String {
        match self {
            Self::Socket(path) => path.display().to_string(),
            Self::Tls(dialer) => dialer.address().to_owned(),
        }
    }

    async fn connect(&self) -> io::Result<Stream> {
        Ok(match self {
            Self::Socket(path) => Box::new(UnixStream::connect(path).await?),
            Self::Tls(dialer) => Box::new(dialer.dial().await?),
        })
    }
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

type Stream = Box<dyn Duplex>;

struct Inner {
    way: Way,
    timeout: Duration,
    next_id: AtomicU64,
    slots: Semaphore,
    idle: Mutex<Vec<Stream>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("signer", &self.inner.way.name()).finish_non_exhaustive()
    }
}

impl Client {
    /// A client of the signer at `socket`; each call may take five seconds, reconnecting included.
    /// Does not connect yet.
    pub fn connect(socket: impl Into<PathBuf>) -> Self {
        Self::connect_with_timeout(socket, CALL_TIMEOUT)
    }

    /// Like [`Client::connect`] with another limit for each request.
    pub fn connect_with_timeout(socket: impl Into<PathBuf>, timeout: Duration) -> Self {
        Self::by(Way::Socket(socket.into()), timeout)
    }

    /// A client of a signer on another machine; otherwise as [`Client::connect_with_timeout`].
    /// Reads the certificates and the key now, and fails if they are unusable.
    pub fn connect_tls(target: &TlsTarget, timeout: Duration) -> Result<Self, ServeError> {
        Ok(Self::by(Way::Tls(TlsDialer::new(target)?), timeout))
    }

    fn by(way: Way, timeout: Duration) -> Self {
        Self {
            inner: Arc::new(Inner {
                way,
                timeout,
                next_id: AtomicU64::new(1),
                slots: Semaphore::new(CONNECTIONS_MAX),
                idle: Mutex::default(),
            }),
        }
    }

    /// The key number `index` of `role`, made now if there is none yet. Survives restarts.
    pub async fn ensure_key(&self, role: &str, index: u32) -> Result<Address, ClientError> {
        match self.call(Call::EnsureKey { role: role.to_owned(), index }).await? {
            Outcome::Key(key) => Ok(key.address),
            other => Err(unexpected(&other)),
        }
    }

    /// All keys, by role and index.
    pub async fn list_keys(&self) -> Result<Vec<KeyInfo>, ClientError> {
        match self.call(Call::ListKeys {}).await? {
            Outcome::Keys(keys) => Ok(keys),
            other => Err(unexpected(&other)),
        }
    }

    /// Signs what the policy allows: one outcome per intent, in order. All signatures that come
    /// back are on the signer's disk. Any number of intents; they are sent in as few requests as
    /// the limits of a request allow, and an error may come after some of these have been signed
    /// (ask again for all).
    pub async fn sign_transactions(
        &self,
        intents: &[TxIntent],
    ) -> Result<Vec<SignOutcome>, ClientError> {
        self.sign_approved(intents, &[]).await
    }

    /// What was ever signed at a nonce; `None`: nothing.
    pub async fn signed(
        &self,
        key: Address,
        chain_id: u64,
        nonce: u64,
    ) -> Result<Option<SignedNonce>, ClientError> {
        match self.call(Call::Signed { key, chain_id, nonce }).await? {
            Outcome::Signed(signed) => Ok(signed),
            other => Err(unexpected(&other)),
        }
    }

    /// State of the signer.
    pub async fn health(&self) -> Result<Health, ClientError> {
        match self.call(Call::Health {}).await? {
            Outcome::Health(health) => Ok(health),
            other => Err(unexpected(&other)),
        }
    }

    async fn call(&self, call: Call) -> Result<Outcome, ClientError> {
        let id = self.inner.next_id.fetch_add(1, Ordering::Relaxed);
        let body = serde_json::to_vec(&Request { id, call })
            .map_err(|error| ClientError::Protocol(error.to_string()))?;
        if body.len() > REQUEST_BYTES_MAX {
            return Err(ClientError::TooLarge { bytes: body.len() });
        }
        let mut reason = "no free connection".to_owned();
        let outcome = timeout(self.inner.timeout, self.inner.exchange(id, &body, &mut reason))
            .await
            .unwrap_or(Err(ClientError::Unavailable { reason }))?;
        match outcome {
            Outcome::Refused(refusal) => Err(ClientError::Refused(refusal)),
            Outcome::Fault(fault @ Fault::Malformed) => {
                Err(ClientError::Protocol(fault.to_string()))
            }
            Outcome::Fault(fault) => Err(ClientError::Unavailable { reason: fault.to_string() }),
            outcome => Ok(outcome),
        }
    }
}

impl Inner {
    /// Repeats one request until it is answered; the caller bounds the time. `reason` holds what
    /// went wrong last.
    async fn exchange(
        &self,
        id: u64,
        body: &[u8],
        reason: &mut String,
    ) -> Result<Outcome, ClientError> {
        let _slot =
            self.slots.acquire().await.map_err(|_| ClientError::Unavailable {
                reason: "the client is closed".to_owned(),
            })?;
        let mut backoff = BACKOFF_FIRST;
        loop {
            // An idle connection may have died with an earlier signer, so its failure is not
            // worth a pause. Dropping this future drops the connection, never a half read answer.
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let reused = idle.is_some();
            match self.attempt(idle, body).await {
                Ok(answer) => return read_answer(id, &answer),
                Err(FrameError::TooLarge(bytes)) => {
                    return Err(ClientError::Protocol(format!("answer of {bytes} bytes")));
                }
                Err(error) => *reason = describe(&error),
            }
            if !reused {
                *reason = format!("{reason} at {}", self.way.name());
                sleep(backoff).await;
                backoff = (backoff * 2).min(BACKOFF_LAST);
            }
        }
    }

    async fn attempt(&self, idle: Option<Stream>, body: &[u8]) -> Result<Vec<u8>, FrameError> {
        let mut stream = match idle {
            Some(stream) => stream,
            None => self.way.connect().await?,
        };
        frame::write_frame(&mut stream, body, REQUEST_BYTES_MAX, self.timeout).await?;
        let limit = self.timeout;
        let answer = frame::read_frame(&mut stream, RESPONSE_BYTES_MAX, limit, limit)
            .await?
            .ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(stream);
        Ok(answer)
    }
}

fn describe(error: &FrameError) -> String {
    match error {
        FrameError::Io(io) => io.to_string(),
        other => other.to_string(),
    }
}

fn read_answer(id: u64, answer: &[u8]) -> Result<Outcome, ClientError> {
    let response: Response =
        serde_json::from_slice(answer).map_err(|error| ClientError::Protocol(error.to_string()))?;
    let unread = matches!(response.outcome, Outcome::Fault(_)) && response.id == 0;
    if response.id != id && !unread {
        return Err(ClientError::Protocol("answer to another request".to_owned()));
    }
    Ok(response.outcome)
}

fn unexpected(outcome: &Outcome) -> ClientError {
    let kind = match outcome {
        Outcome::Key(_) => "key",
        Outcome::Keys(_) => "keys",
        Outcome::Transactions(_) => "transactions",
        Outcome::Typed(_) => "typed",
        Outcome::Metrics(_) => "metrics",
        Outcome::Signed(_) => "signed",
        Outcome::Health(_) => "health",
        Outcome::Refused(_) => "refusal",
        Outcome::Fault(_) => "fault",
    };
    ClientError::Protocol(format!("answer of another kind: {kind}"))
}

/// Splits intents so that each part fits into one request beside `envelope` bytes.
fn chunks<T: Serialize>(intents: &[T], envelope: usize) -> Result<Vec<&[T]>, ClientError> {
    let mut parts = Vec::new();
    let (mut start, mut bytes) = (0, envelope);
    for (at, intent) in intents.iter().enumerate() {
        let size = serde_json::to_vec(intent)
            .map_err(|error| ClientError::Protocol(error.to_string()))?
            .len()
            + 1;
        if size + envelope > REQUEST_BYTES_MAX {
            return Err(ClientError::TooLarge { bytes: size });
        }
        if at - start == INTENTS_MAX || bytes + size > REQUEST_BYTES_MAX {
            parts.push(&intents[start..at]);
            (start, bytes) = (at, envelope);
        }
        bytes += size;
    }
    if start < intents.len() {
        parts.push(&intents[start..]);
    }
    Ok(parts)
}
