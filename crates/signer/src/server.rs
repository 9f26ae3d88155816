//! The socket: who may connect, how much they may ask, how long they may take.

use std::{
    fs, io,
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{UnixListener, UnixStream},
    signal::unix::{SignalKind, signal},
    sync::{Semaphore, mpsc, oneshot},
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    desk::{Clock, Desk, ERRANDS_MAX, Errand, QUEUE_MAX, Work, carry, reconcile},
    error::ServeError,
    frame::{FrameError, REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX, read_frame, write_frame},
    journal::{self, Journal},
    keys::{Declared, Keyring, check_passage, private_dir, read_policy},
    policy::Policy,
    process,
    store::Store,
    tls::{TlsConfig, TlsListener, Visit},
    wire::{Call, Fault, KeyInfo, Outcome, Request, Response},
};

const CONNECTIONS_MAX: usize = 64;
/// A connection that asks nothing for so long makes room.
const IDLE_MAX: Duration = Duration::from_secs(300);
/// For a frame from its first byte to its last.
const FRAME_MAX: Duration = Duration::from_secs(5);
/// For judging and signing, with up to [`QUEUE_MAX`] requests before it.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// For requests in progress when the server shuts down.
const DRAIN_MAX: Duration = Duration::from_secs(5);
/// After a failed accept, which is most likely a lack of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where everything is, and what ends the signer.
#[derive(Clone, Debug)]
pub struct Config {
    /// Unix socket; its directory is made with mode 0700, or must have that mode.
    pub socket: PathBuf,
    /// Directory of key files, `<role>.<index>.json`; made with mode 0700 if missing.
    pub keystore_dir: PathBuf,
    /// File with the keystore's password, mode 0600: [`crate::ensure_password_file`].
    pub password_file: PathBuf,
    /// The policy (TOML); belongs to this user, and nobody else may write it.
    pub policy_file: PathBuf,
    /// The signer's own database; made if missing.
    pub store_file: PathBuf,
    /// Keys that other back ends hold (TOML); belongs to this user, and nobody else may write it.
    pub backends_file: Option<PathBuf>,
    /// Users who may connect, besides the signer's own. They must be able to reach the socket:
    /// with any listed, its mode is 0666 and its directory's may be 0711, and the kernel's word on
    /// who they are is what keeps others out.
    pub peer_uids: Vec<u32>,
    /// A listener for other machines: TLS 1.3, with certificates on both sides.
    pub tls: Option<TlsConfig>,
    /// Process whose death ends the signer; must be its parent when it starts.
    pub parent: Option<u32>,
    /// Accept key files that the store has never seen, and an audit log that does not agree with
    /// the store. Only for keys that are new to this system: with keys that have signed before, it
    /// gives up the protection of their nonces.
    pub adopt_keys: bool,
    /// Harden the process (not dumpable, no core, umask 077). Off only where the signer shares
    /// its process with a test.
    pub harden: bool,
    /// Decides what day and minute it is.
    pub clock: Clock,
}

impl Config {
    /// Hardened, on the system's clock, for this user alone, tied to no parent.
    pub fn new(
        socket: impl Into<PathBuf>,
        keystore_dir: impl Into<PathBuf>,
        password_file: impl Into<PathBuf>,
        policy_file: impl Into<PathBuf>,
        store_file: impl Into<PathBuf>,
    ) -> Self {
        Self {
            socket: socket.into(),
            keystore_dir: keystore_dir.into(),
            password_file: password_file.into(),
            policy_file: policy_file.into(),
            store_file: store_file.into(),
            backends_file: None,
            peer_uids: Vec::new(),
            tls: None,
            parent: None,
            adopt_keys: false,
            harden: true,
            clock: Clock::system(),
        }
    }
}

/// Runs the signer until `shutdown` resolves or the parent dies (both `Ok`), or it can't go on.
/// Requests that have reached the signing thread are finished, though their answers may be lost;
/// their clients ask again. Needs a tokio runtime with time and I/O.
pub async fn serve(config: Config, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
    process::harden_if(config.harden)?;
    let parent = process::watch_parent(config.parent)?;
    let (socket, peer_uids) = (config.socket.clone(), config.peer_uids.clone());
    let socket_dir = socket.parent().unwrap_or(Path::new("."));
    socket_directory(socket_dir, !peer_uids.is_empty())?;
    let tls = match &config.tls {
        Some(tls) => Some(TlsListener::bind(tls).await?),
        None => None,
    };
    let (errands, waiting) = mpsc::channel(ERRANDS_MAX);
    let runtime = tokio::runtime::Handle::current();
    let desk = tokio::task::spawn_blocking(move || open_desk(&config, &runtime, errands))
        .await
        .map_err(|_| ServeError::DeskEnded)??;
    let (queue, inbox) = mpsc::channel(QUEUE_MAX);
    let (ended, mut desk_end) = oneshot::channel();
    thread::Builder::new()
        .name("signer-desk".to_owned())
        .spawn(move || ended.send(desk.run(inbox)))
        .map_err(|source| ServeError::Process { what: "starting a thread", source })?;
    let listener = listen(&socket, !peer_uids.is_empty()).await?;
    tracing::info!(socket = %socket.display(), tls = tls.as_ref().map(|tls| tls.address()),
        "signer ready");
    let reloads = reload_on_hangup(queue.clone())?;
    let courier = carry(waiting, queue.clone());
    let mut server = Server { queue, peer_uids, connections: JoinSet::new() };
    let result = tokio::select! {
        () = server.accept(&listener, tls.as_ref()) => Ok(()),
        () = reloads => Ok(()),
        () = shutdown => Ok(()),
        () = parent => Ok(()),
        end = &mut desk_end => end.unwrap_or(Err(ServeError::DeskEnded)),
        // Only after the desk has ended, whose own word says why.
        () = async { courier.await; std::future::pending().await } => Ok(()),
    };
    drop((listener, tls));
    let _ = fs::remove_file(&socket);
    server.close().await;
    if result.is_ok() {
        // All senders are gone: the desk ends after what it has in hand.
        return timeout(DRAIN_MAX, desk_end)
            .await
            .map_or(Ok(()), |end| end.unwrap_or(Err(ServeError::DeskEnded)));
    }
    result
}

fn open_desk(
    config: &Config,
    runtime: &tokio::runtime::Handle,
    errands: mpsc::Sender<Errand>,
) -> Result<Desk, ServeError> {
    let policy = Policy::parse(&read_policy(&config.policy_file)?)?;
    let Held { keyring, store, .. } = open_keys(config, runtime)?;
    reconcile(&keyring, &store, config.adopt_keys)?;
    let audit_dir = journal::dir_of(&config.store_file);
    let journal = Journal::open(&audit_dir, &store, config.adopt_keys)?;
    let policy = (policy, config.policy_file.clone());
    Desk::new(policy, keyring, (store, journal), errands, config.clock.clone())
}

/// Keystore, store and declared keys of one configuration, which this process holds alone.
pub(crate) struct Held {
    pub(crate) keyring: Keyring,
    pub(crate) store: Store,
    pub(crate) declared: Declared,
}

/// Blocks; `runtime` drives the calls to back ends.
pub(crate) fn open_keys(
    config: &Config,
    runtime: &tokio::runtime::Handle,
) -> Result<Held, ServeError> {
    let mut keyring = Keyring::open(&config.keystore_dir, &config.password_file)?;
    let store = Store::open(&config.store_file)?;
    let declared = match &config.backends_file {
        Some(path) => Declared::read(path)?,
        None => Declared::default(),
    };
    let known = store.keys().map_err(ServeError::Store)?;
    for key in &declared.keys {
        let is_it = |other: &KeyInfo| (other.role == key.role) && other.index == key.index;
        let cached = known.iter().find(|(other, _)| is_it(other)).map(|(info, _)| info.address);
        let remote = runtime.block_on(key.resolve(cached))?;
        keyring.add_remote(&key.role, key.index, remote)?;
    }
    Ok(Held { keyring, store, declared })
}

/// The socket's directory is the signer's alone, or with listed peers may be passed through.
fn socket_directory(dir: &Path, peers: bool) -> Result<(), ServeError> {
    let made = private_dir(dir);
    if peers && matches!(made, Err(ServeError::TooOpen { .. })) {
        return check_passage(dir);
    }
    made
}

/// Has the policy read again at each SIGHUP; never ends.
fn reload_on_hangup(
    queue: mpsc::Sender<Work>,
) -> Result<impl Future<Output = ()> + use<>, ServeError> {
    let mut hangups = signal(SignalKind::hangup())
        .map_err(|source| ServeError::Process { what: "watching for SIGHUP", source })?;
    Ok(async move {
        while hangups.recv().await.is_some() {
            if queue.send(Work::ReloadPolicy).await.is_err() {
                break;
            }
        }
        std::future::pending().await
    })
}

/// Binds, replacing a socket that a killed signer left behind.
async fn listen(path: &Path, peers: bool) -> Result<UnixListener, ServeError> {
    let fail = |error| ServeError::file(path, error);
    match fs::symlink_metadata(path) {
        Ok(about) if about.file_type().is_socket() => {
            if UnixStream::connect(path).await.is_ok() {
                return Err(ServeError::SocketInUse { path: path.to_owned() });
            }
            fs::remove_file(path).map_err(fail)?;
        }
        Ok(_) => return Err(fail(io::ErrorKind::AlreadyExists.into())),
        Err(_) => {}
    }
    let listener = UnixListener::bind(path).map_err(fail)?;
    // Until this line the directory alone keeps others out.
    fs::set_permissions(path, fs::Permissions::from_mode(if peers { 0o666 } else { 0o600 }))
        .map_err(fail)?;
    Ok(listener)
}

struct Server {
    queue: mpsc::Sender<Work>,
    peer_uids: Vec<u32>,
    connections: JoinSet<()>,
}

impl Server {
    async fn accept(&mut self, listener: &UnixListener, tls: Option<&TlsListener>) {
        let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let arrived = tokio::select! {
                near = listener.accept() => near.map(|(stream, _)| Arrival::Near(stream)),
                far = accept_far(tls) => far.map(Arrival::Far),
            };
            while self.connections.try_join_next().is_some() {}
            match arrived {
                // Above the limit a connection is closed at once; the client comes again.
                Ok(Arrival::Near(stream)) if self.may_connect(&stream) => {
                    let Ok(slot) = slots.clone().try_acquire_owned() else { continue };
                    let queue = self.queue.clone();
                    self.connections.spawn(async move {
                        let _slot = slot;
                        serve_one(stream, queue).await;
                    });
                }
                Ok(Arrival::Near(_)) => {}
                Ok(Arrival::Far(visit)) => {
                    let queue = self.queue.clone();
                    self.connections.spawn(async move {
                        if let Some((stream, _slot)) = visit.greet().await {
                            serve_one(stream, queue).await;
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "no connection accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn may_connect(&self, stream: &UnixStream) -> bool {
        let own = rustix::process::geteuid().as_raw();
        match stream.peer_cred() {
            Ok(peer) if peer.uid() == own || self.peer_uids.contains(&peer.uid()) => true,
            Ok(peer) => {
                tracing::warn!(peer.uid = peer.uid(), "connection by a stranger refused");
                false
            }
            Err(error) => {
                tracing::warn!(%error, "peer unknown, connection refused");
                false
            }
        }
    }

    /// Stops all connections. A request already handed to the desk is still finished there; its
    /// client asks again.
    async fn close(self) {
        let Self { queue, mut connections, .. } = self;
        drop(queue);
        connections.shutdown().await;
    }
}

enum Arrival {
    Near(UnixStream),
    Far(Visit),
}

async fn accept_far(tls: Option<&TlsListener>) -> io::Result<Visit> {
    match tls {
        Some(tls) => tls.accept().await,
        None => std::future::pending().await,
    }
}

async fn serve_one(stream: impl AsyncRead + AsyncWrite + Unpin, queue: mpsc::Sender<Work>) {
    if let Err(error) = converse(stream, queue).await {
        tracing::debug!(error = %error, "connection ended");
    }
}

/// Answers one request after another; a client may send the next before it has the answer.
async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    queue: mpsc::Sender<Work>,
) -> Result<(), FrameError> {
    while let Some(body) = read_frame(&mut stream, REQUEST_BYTES_MAX, IDLE_MAX, FRAME_MAX).await? {
        let (response, go_on) = match serde_json::from_slice::<Request>(&body) {
            Ok(Request { id, call }) => (Response { id, outcome: ask(call, &queue).await }, true),
            Err(error) => {
                // The text of the error may quote the request, so only its place is logged.
                tracing::warn!(column = error.column(), "malformed request");
                (Response { id: 0, outcome: Outcome::Fault(Fault::Malformed) }, false)
            }
        };
        let answer = serde_json::to_vec(&response).map_err(io::Error::from)?;
        write_frame(&mut stream, &answer, RESPONSE_BYTES_MAX, FRAME_MAX).await?;
        if !go_on {
            break;
        }
    }
    Ok(())
}

async fn ask(call: Call, queue: &mpsc::Sender<Work>) -> Outcome {
    if call.is_too_long() {
        return Outcome::Fault(Fault::Malformed);
    }
    let (reply, answer) = oneshot::channel();
    if queue.try_send(Work::ask(call, reply)).is_err() {
        return Outcome::Fault(Fault::Busy);
    }
    match timeout(ANSWER_MAX, answer).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) | Err(_) => Outcome::Fault(Fault::Internal),
    }
}
