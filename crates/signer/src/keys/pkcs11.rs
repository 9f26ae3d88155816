//! PKCS#11: keys in a token (HSM, smart card, SoftHSM) behind a vendor's module.
//!
//! The module runs in this process, so it is trusted with what this process knows. Its calls
//! block: each session has a thread, which a call that hangs takes out of service, and no more.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, channel, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use alloy_primitives::B256;
use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
    mechanism::Mechanism,
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    types::AuthPin,
};
use secp256k1::{PublicKey, ecdsa};
use tokio::{sync::oneshot, time::timeout};

use super::{
    files::read_password,
    remote::{BackendError, point_at_end},
};
use crate::error::ServeError;

/// Calls that may wait for a session.
const WAITING_MAX: usize = 1024;
/// Object identifier of secp256k1, in DER: what PKCS#11 calls the curve's parameters.
const CURVE: [u8; 7] = [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a];

/// Which token, and how many of its sessions.
pub(super) struct TokenOptions {
    /// Path of the module (a shared library).
    pub(super) module: PathBuf,
    /// The token's label.
    pub(super) token: String,
    /// File with the user's PIN, mode 0600.
    pub(super) pin_file: PathBuf,
    pub(super) timeout: Duration,
    pub(super) sessions: usize,
}

/// A token in use.
pub(crate) struct Token {
    /// Taken when the token is dropped: its threads end when nobody can send.
    jobs: Option<SyncSender<Job>>,
    timeout: Duration,
    threads: Vec<JoinHandle<()>>,
    /// Disconnected when the last thread has closed its session.
    closed: Mutex<Receiver<()>>,
}

enum Task {
    Sign(B256),
    PublicKey,
    Generate,
}

enum Done {
    Signature(ecdsa::Signature),
    Public(PublicKey),
}

struct Job {
    label: String,
    task: Task,
    reply: oneshot::Sender<Result<Done, BackendError>>,
}

impl Token {
    /// Loads the module and starts the sessions' threads, which log in when first needed.
    pub(super) fn open(options: &TokenOptions) -> Result<Self, ServeError> {
        let pin = AuthPin::new(read_password(&options.pin_file)?.as_str().into());
        let login =
            Arc::new(Login { module: load(&options.module)?, token: options.token.clone(), pin });
        let (jobs, waiting) = sync_channel(WAITING_MAX);
        let waiting = Arc::new(Mutex::new(waiting));
        let (open, closed) = channel();
        let start = |number| {
            let (login, waiting, open) = (login.clone(), waiting.clone(), open.clone());
            thread::Builder::new()
                .name(format!("signer-pkcs11-{number}"))
                .spawn(move || {
                    let _open = open;
                    work(&login, &waiting);
                })
                .map_err(|source| ServeError::Process { what: "starting a thread", source })
        };
        let threads = (0..options.sessions).map(start).collect::<Result<_, _>>()?;
        let (jobs, closed) = (Some(jobs), Mutex::new(closed));
        Ok(Self { jobs, timeout: options.timeout, threads, closed })
    }

    pub(super) async fn sign(
        &self,
        label: &str,
        hash: B256,
    ) -> Result<ecdsa::Signature, BackendError> {
        match self.call(label, Task::Sign(hash)).await? {
            Done::Signature(signature) => Ok(signature),
            Done::Public(_) => Err(BackendError::Wrong("a key instead of a signature")),
        }
    }

    pub(super) async fn public_key(&self, label: &str) -> Result<PublicKey, BackendError> {
        self.call_for_key(label, Task::PublicKey).await
    }

    pub(super) async fn generate(&self, label: &str) -> Result<PublicKey, BackendError> {
        self.call_for_key(label, Task::Generate).await
    }

    async fn call_for_key(&self, label: &str, task: Task) -> Result<PublicKey, BackendError> {
        match self.call(label, task).await? {
            Done::Public(key) => Ok(key),
            Done::Signature(_) => Err(BackendError::Wrong("a signature instead of a key")),
        }
    }

    async fn call(&self, label: &str, task: Task) -> Result<Done, BackendError> {
        let (reply, answer) = oneshot::channel();
        let jobs = self.jobs.as_ref().ok_or(BackendError::Wrong("closed"))?;
        jobs.try_send(Job { label: label.to_owned(), task, reply })
            .map_err(|_| BackendError::Unavailable("too many calls wait".to_owned()))?;
        timeout(self.timeout, answer)
            .await
            .map_err(|_| BackendError::Slow(self.timeout))?
            .unwrap_or_else(|_| Err(BackendError::Unavailable("its thread ended".to_owned())))
    }
}

impl Drop for Token {
    /// Waits until the sessions are closed and their threads are gone: a module that is still in
    /// use when the process ends may crash it (SoftHSM does, in its destructors). A thread whose
    /// call hangs is left behind after the timeout.
    fn drop(&mut self) {
        drop(self.jobs.take());
        let closed = self.closed.get_mut().unwrap_or_else(PoisonError::into_inner);
        if closed.recv_timeout(self.timeout) == Err(RecvTimeoutError::Disconnected) {
            for thread in self.threads.drain(..) {
                let _ = thread.join();
            }
        }
    }
}

fn load(path: &Path) -> Result<Pkcs11, ServeError> {
    let bad = |error: Error| ServeError::Backend {
        reason: format!("PKCS#11 module {}: {error}", path.display()),
    };
    let module = Pkcs11::new(path).map_err(bad)?;
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        // Two tokens may be behind one module.
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(module),
        Err(error) => Err(bad(error)),
    }
}

struct Login {
    module: Pkcs11,
    token: String,
    pin: AuthPin,
}

impl Login {
    fn session(&self) -> Result<Session, Error> {
        for slot in self.module.get_slots_with_initialized_token()? {
            if self.module.get_token_info(slot)?.label() != self.token {
                continue;
            }
            let session = self.module.open_rw_session(slot)?;
            return match session.login(UserType::User, Some(&self.pin)) {
                // A login is the process's, not the session's.
                Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
                Err(error) => Err(error),
            };
        }
        Err(Error::InvalidValue)
    }
}

/// One session, for as long as there may be jobs.
fn work(login: &Login, waiting: &Mutex<Receiver<Job>>) {
    let mut open: Option<(Session, HashMap<String, ObjectHandle>)> = None;
    loop {
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { label, task, reply }) = job else { return };
        // Who asked has given up, and nothing may be signed for nobody.
        if reply.is_closed() {
            continue;
        }
        let (session, keys) = match &mut open {
            Some(open) => open,
            none => match login.session() {
                Ok(session) => none.insert((session, HashMap::new())),
                Err(error) => {
                    let reason = format!("no session with token {:?}: {error}", login.token);
                    let _ = reply.send(Err(BackendError::Unavailable(reason)));
                    continue;
                }
            },
        };
        let done = perform(session, keys, &label, &task);
        // Whatever went wrong, a new session has it behind it.
        if matches!(done, Err(BackendError::Unavailable(_))) {
            open = None;
        }
        let _ = reply.send(done);
    }
}

fn perform(
    session: &Session,
    keys: &mut HashMap<String, ObjectHandle>,
    label: &str,
    task: &Task,
) -> Result<Done, BackendError> {
    match task {
        Task::Sign(hash) => {
            let key = match keys.get(label) {
                Some(key) => *key,
                None => {
                    let key = find(session, label, ObjectClass::PRIVATE_KEY)?;
                    *keys.entry(label.to_owned()).or_insert(key)
                }
            };
            let bytes = session.sign(&Mechanism::Ecdsa, key, hash.as_slice()).map_err(failed)?;
            ecdsa::Signature::from_compact(&bytes)
                .map(Done::Signature)
                .map_err(|_| BackendError::Wrong("no signature of 64 bytes"))
        }
        Task::PublicKey => public_key(session, label).map(Done::Public),
        Task::Generate => generate(session, label).map(Done::Public),
    }
}

fn failed(error: Error) -> BackendError {
    BackendError::Unavailable(error.to_string())
}

/// The one key of this label.
fn find(session: &Session, label: &str, class: ObjectClass) -> Result<ObjectHandle, BackendError> {
    let template = [
        Attribute::Class(class),
        Attribute::KeyType(KeyType::EC),
        Attribute::Label(label.as_bytes().to_vec()),
    ];
    let found = session.find_objects(&template).map_err(failed)?;
    match found[..] {
        [key] => Ok(key),
        [] => Err(BackendError::Denied(format!("no key {label:?} in the token"))),
        _ => Err(BackendError::Denied(format!("several keys {label:?} in the token"))),
    }
}

fn public_key(session: &Session, label: &str) -> Result<PublicKey, BackendError> {
    let key = find(session, label, ObjectClass::PUBLIC_KEY)?;
    let wanted = [AttributeType::EcParams, AttributeType::EcPoint];
    let mut point = None;
    for attribute in session.get_attributes(key, &wanted).map_err(failed)? {
        match attribute {
            Attribute::EcParams(curve) if curve != CURVE => {
                return Err(BackendError::Denied(format!("key {label:?} is not of secp256k1")));
            }
            Attribute::EcPoint(bytes) => point = Some(bytes),
            _ => {}
        }
    }
    // An OCTET STRING around the point, or in some tokens the point alone.
    point_at_end(&point.unwrap_or_default())
}

fn generate(session: &Session, label: &str) -> Result<PublicKey, BackendError> {
    if find(session, label, ObjectClass::PRIVATE_KEY).is_ok() {
        return Err(BackendError::Denied(format!("key {label:?} exists already")));
    }
    let name = label.as_bytes().to_vec();
    let public = [
        Attribute::Token(true),
        Attribute::Private(false),
        Attribute::Verify(true),
        Attribute::EcParams(CURVE.to_vec()),
        Attribute::Label(name.clone()),
        Attribute::Id(name.clone()),
    ];
    let private = [
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
        Attribute::Label(name.clone()),
        Attribute::Id(name),
    ];
    session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private).map_err(failed)?;
    public_key(session, label)
}
