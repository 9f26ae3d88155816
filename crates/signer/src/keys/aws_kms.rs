//! AWS KMS: keys of spec `ECC_SECG_P256K1` that sign digests (`ECDSA_SHA_256`, `DIGEST`).

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use base64::{Engine, prelude::BASE64_STANDARD};
use secp256k1::{PublicKey, ecdsa};
use serde_json::{Value, json};
use time::{OffsetDateTime, macros::format_description};
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};
use zeroize::Zeroizing;

use super::{
    files::read_private,
    remote::{BackendError, point_at_end},
    sigv4::{Credentials, Scope, authorization},
};
use crate::error::ServeError;

const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Tries of one call that the service turned away unjudged.
const TRIES: u32 = 3;
const BACKOFF_FIRST: Duration = Duration::from_millis(100);
/// Credentials are read again after so long, so that whoever renews them need not tell us.
const CREDENTIALS_KEPT: Duration = Duration::from_secs(30);
/// Of an EC public key on secp256k1, in DER: what stands before the point.
const SPKI_HEAD: [u8; 23] = [
    0x30, 0x56, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
    0x81, 0x04, 0x00, 0x0a, 0x03, 0x42, 0x00,
];

/// Where KMS is, and how hard it may be asked.
pub(super) struct KmsOptions {
    pub(super) region: String,
    /// Other than the region's public address: a VPC endpoint, or one on this machine.
    pub(super) endpoint: Option<String>,
    pub(super) credentials_file: PathBuf,
    pub(super) timeout: Duration,
    pub(super) concurrency: usize,
}

/// A client of one region's KMS.
pub(crate) struct Kms {
    http: reqwest::Client,
    url: reqwest::Url,
    host: String,
    options: KmsOptions,
    slots: Semaphore,
    credentials: Mutex<Option<(Instant, Arc<Credentials>)>>,
}

impl Kms {
    /// Reads the credentials once, to fail early; does not connect.
    pub(super) fn new(options: KmsOptions) -> Result<Self, ServeError> {
        let bad = |reason: String| ServeError::Backend { reason };
        let text = options
            .endpoint
            .clone()
            .unwrap_or_else(|| format!("https://kms.{}.amazonaws.com", options.region));
        let url: reqwest::Url = text.parse().map_err(|_| bad(format!("no URL: {text}")))?;
        let name = url.host_str().unwrap_or_default();
        let near = matches!(name, "localhost" | "127.0.0.1" | "[::1]");
        if url.scheme() != "https" && !(url.scheme() == "http" && near) {
            return Err(bad(format!("KMS is reached by https only, not {text}")));
        }
        let host = match url.port() {
            Some(port) => format!("{name}:{port}"),
            None => name.to_owned(),
        };
        // Fails if another part of the process has chosen a provider already, which then serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(options.timeout)
            .build()
            .map_err(|error| bad(format!("no HTTP client: {error}")))?;
        read_credentials(&options.credentials_file)?;
        let slots = Semaphore::new(options.concurrency);
        Ok(Self { http, url, host, options, slots, credentials: Mutex::default() })
    }

    pub(super) async fn public_key(&self, id: &str) -> Result<PublicKey, BackendError> {
        let answer = self.call("GetPublicKey", &json!({ "KeyId": id })).await?;
        if answer["KeyUsage"] != "SIGN_VERIFY" {
            return Err(BackendError::Denied("its key is not for signing".to_owned()));
        }
        let der = bytes_of(&answer["PublicKey"])?;
        if !der.starts_with(&SPKI_HEAD) || der.len() != SPKI_HEAD.len() + 65 {
            return Err(BackendError::Denied("its key is not of ECC_SECG_P256K1".to_owned()));
        }
        point_at_end(&der)
    }

    pub(super) async fn generate(&self, alias: &str) -> Result<PublicKey, BackendError> {
        if !alias.starts_with("alias/") {
            return Err(BackendError::Denied("a new key's id is an alias: alias/…".to_owned()));
        }
        let asked = json!({
            "KeySpec": "ECC_SECG_P256K1", "KeyUsage": "SIGN_VERIFY", "Description": "stoa",
        });
        let made = self.call("CreateKey", &asked).await?;
        let id = made["KeyMetadata"]["KeyId"]
            .as_str()
            .ok_or(BackendError::Wrong("a key without an id"))?;
        let named = json!({ "AliasName": alias, "TargetKeyId": id });
        self.call("CreateAlias", &named).await?;
        self.public_key(id).await
    }

    pub(super) async fn sign(
        &self,
        id: &str,
        hash: B256,
    ) -> Result<ecdsa::Signature, BackendError> {
        let asked = json!({
            "KeyId": id,
            "Message": BASE64_STANDARD.encode(hash),
            "MessageType": "DIGEST",
            "SigningAlgorithm": "ECDSA_SHA_256",
        });
        let answer = self.call("Sign", &asked).await?;
        let der = bytes_of(&answer["Signature"])?;
        ecdsa::Signature::from_der(&der).map_err(|_| BackendError::Wrong("no DER signature"))
    }

    /// One operation, within the time-out as a whole.
    async fn call(&self, operation: &str, request: &Value) -> Result<Value, BackendError> {
        let limit = self.options.timeout;
        let slow = |_| BackendError::Slow(limit);
        timeout(limit, async {
            let _slot = self
                .slots
                .acquire()
                .await
                .map_err(|_| BackendError::Unavailable("closed".to_owned()))?;
            let mut pause = BACKOFF_FIRST;
            for _ in 1..TRIES {
                match self.attempt(operation, request).await {
                    Err(BackendError::Unavailable(_)) => sleep(pause).await,
                    done => return done,
                }
                pause *= 2;
            }
            self.attempt(operation, request).await
        })
        .await
        .map_err(slow)?
    }

    async fn attempt(&self, operation: &str, request: &Value) -> Result<Value, BackendError> {
        let body = request.to_string();
        let credentials = self.credentials()?;
        let time = OffsetDateTime::now_utc()
            .format(format_description!("[year][month][day]T[hour][minute][second]Z"))
            .map_err(|_| BackendError::Wrong("no time"))?;
        let target = format!("TrentService.{operation}");
        let mut headers = vec![
            ("content-type", "application/x-amz-json-1.1"),
            ("host", self.host.as_str()),
            ("x-amz-date", time.as_str()),
        ];
        if let Some(token) = &credentials.session_token {
            headers.push(("x-amz-security-token", token.as_str()));
        }
        headers.push(("x-amz-target", target.as_str()));
        let scope = Scope { region: &self.options.region, service: "kms", time: &time };
        let proof = authorization(&credentials, &scope, body.as_bytes(), &headers);
        let mut sent = self.http.post(self.url.clone()).header("authorization", proof);
        for (name, value) in headers {
            sent = sent.header(name, value);
        }
        // An error of the client may name the URL, which tells nothing that is secret.
        let unreached = |error: reqwest::Error| BackendError::Unavailable(error.to_string());
        let mut answer = sent.body(body).send().await.map_err(unreached)?;
        let status = answer.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreached)? {
            if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(BackendError::Wrong("too long an answer"));
            }
            bytes.extend_from_slice(&chunk);
        }
        let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if status.is_success() {
            return Ok(value);
        }
        let kind = value["__type"].as_str().unwrap_or("no reason given");
        let text = format!("{operation}: {status}, {kind:.80}");
        // Of the client errors only these pass: too fast, or KMS's own parts are away.
        let passes = status.is_server_error()
            || status.as_u16() == 429
            || ["Throttling", "LimitExceeded", "KMSInternal", "DependencyTimeout"]
                .iter()
                .any(|name| kind.contains(name));
        Err(if passes { BackendError::Unavailable(text) } else { BackendError::Denied(text) })
    }

    fn credentials(&self) -> Result<Arc<Credentials>, BackendError> {
        let mut kept = self.credentials.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((read, credentials)) = &*kept
            && read.elapsed() < CREDENTIALS_KEPT
        {
            return Ok(credentials.clone());
        }
        let fresh = read_credentials(&self.options.credentials_file)
            .map_err(|error| BackendError::Unavailable(error.to_string()))?;
        let fresh = Arc::new(fresh);
        *kept = Some((Instant::now(), fresh.clone()));
        Ok(fresh)
    }
}

fn bytes_of(value: &Value) -> Result<Vec<u8>, BackendError> {
    BASE64_STANDARD
        .decode(value.as_str().unwrap_or_default())
        .map_err(|_| BackendError::Wrong("no base64"))
}

/// The section `[default]` of a file as AWS's own tools write it.
fn read_credentials(path: &Path) -> Result<Credentials, ServeError> {
    let text = read_private(path)?;
    let field = |name: &str| {
        let mut section = "default";
        text.lines().find_map(|line| {
            let line = line.trim();
            if let Some(header) = line.strip_prefix('[') {
                section = header.trim_end_matches(']').trim();
            }
            let (key, value) = line.split_once('=')?;
            (section == "default" && key.trim() == name && !value.trim().is_empty())
                .then(|| Zeroizing::new(value.trim().to_owned()))
        })
    };
    let missing = |name: &str| ServeError::keystore(path, &format!("no {name} under [default]"));
    let access = field("aws_access_key_id").ok_or_else(|| missing("aws_access_key_id"))?;
    let secret = field("aws_secret_access_key").ok_or_else(|| missing("aws_secret_access_key"))?;
    Ok(Credentials {
        access_key_id: access.to_string(),
        secret_access_key: secret,
        session_token: field("aws_session_token"),
    })
}
