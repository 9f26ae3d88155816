//! A mint asked for: from request to queued job.

use crate::{
    ANSWER_TTL, Answer, App, AppError, Caller, Field, Once, Refusal, WriteSettings,
    address::parse_address,
    group_commit::Grouped,
    once::{ACCEPTED, lock_number, replay},
    store_metadata::{self, StoredMetadata},
};
use auth::{Action, Maker, authorize_at_all};
use db::{
    DbError, PgConnection,
    collection_requests::{self, MintTarget},
    mint_jobs::requests::{self, MintJob, NewMint, Recorded},
};
use mint::{
    content::{ContentMode, represent},
    metadata::Metadata,
};
use serde_json::{Value, json};
use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};
use time::OffsetDateTime;
use vocab::{Address, ChainId, MintId, topic};

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub struct MintRequest<'a> {
    pub to: &'a str,
    /// At most one of `uri` and `metadata`.
    pub uri: Option<&'a str>,
    /// A metadata document, to be stored first.
    pub metadata: Option<&'a [u8]>,
    pub collection: Option<&'a str>,
    pub chain_id: Option<u64>,
}

/// A mint that can be made.
#[derive(Clone, Debug)]
pub(crate) struct Wanted<'a> {
    chain: ChainId,
    contract: Address,
    recipient: Address,
    target: Arc<MintTarget>,
    uri: Option<&'a str>,
    /// Instead of `uri`.
    document: Option<Metadata>,
}

impl Wanted<'_> {
    /// Where it goes.
    pub(crate) fn place(&self) -> (ChainId, Address) {
        (self.chain, self.contract)
    }
}

/// One that is asked for: by whom, and under which key.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub holder: Maker<'a>,
    pub once: Once<'a>,
    pub wanted: &'a Wanted<'a>,
    pub uri: Option<String>,
    pub request_id: &'a str,
    pub now: OffsetDateTime,
}

/// How long a collection that stood on chain is taken to stand there still. Should it vanish by a
/// reorg meanwhile, the mint only waits for it to come back.
const TARGET_TTL: Duration = Duration::from_secs(10);
const TARGETS_MAX: usize = 10_000;

#[derive(Clone, Debug)]
pub(crate) struct KnownTarget {
    target: Arc<MintTarget>,
    loaded: Instant,
}

impl Grouped for NewMint {
    type Recorded = Recorded;
    const NAME: &'static str = "mint";
    const LOCKED: Recorded = Recorded::Locked;

    fn lock(&self) -> i64 {
        self.lock
    }

    async fn record(db: &mut PgConnection, group: &[&Self]) -> Result<Vec<Recorded>, DbError> {
        requests::record(db, (topic::MINTS, "mint_requested"), group).await
    }
}

impl App {
    /// Accept a mint: 202 with the job. The job, its answer and its fact are one commit.
    ///
    /// # Errors
    /// [`Refusal`]: see there.
    pub async fn request_mint(
        &self,
        caller: Caller<'_>,
        once: Once<'_>,
        request: MintRequest<'_>,
        render: impl Fn(&MintJob) -> Value + Send,
    ) -> Result<Answer, AppError> {
        authorize_at_all(caller.actor, Action::RequestMint)?;
        let holder = caller.actor.maker()?;
        let wanted = &self.check_mint(request).await?;
        self.allow_mints(caller.actor, std::slice::from_ref(wanted)).await?;
        let (uri, stored) = self.store_document(wanted).await?;
        if let Some(stored) = stored {
            store_metadata::record(&mut *self.connection().await?, &stored).await?;
        }
        let (now, request_id) = (self.config().clock.now(), caller.request_id);
        let (new, job) = new_mint(Asked { holder, once, wanted, uri, request_id, now });
        match self.mint_desk().record(new).await? {
            Recorded::New => {
                metrics::counter!("mints_accepted_total").increment(1);
                tracing::info!(mint.id = %job.id, "mint accepted");
                let body = render(&job).to_string().into_bytes();
                Ok(Answer { status: ACCEPTED, body, replayed: false })
            }
            Recorded::Locked => Err(Refusal::IdempotencyInProgress.into()),
            Recorded::Answered { fingerprint, status, body } => {
                replay(&fingerprint, status, body, once)
            }
            Recorded::JobExists => self.replay_mint(holder, once, render).await,
        }
    }

    /// Is this a mint that can be made? Nothing is written.
    pub(crate) async fn check_mint<'a>(
        &self,
        request: MintRequest<'a>,
    ) -> Result<Wanted<'a>, AppError> {
        let chain = self.writable(request.chain_id)?;
        let recipient = parse_address(request.to, Field::To)?;
        if recipient.is_zero() {
            return Err(Refusal::RecipientZero.into());
        }
        let contract = named_collection(chain, request.collection)?;
        let target = self.mint_target(chain.chain_id, contract).await?;
        let document = match (request.metadata, request.uri) {
            (Some(_), Some(_)) => return Err(Refusal::UriAndMetadata.into()),
            (Some(document), None) => Some(store_metadata::check(document)?),
            (None, uri) => {
                fits(&target, uri)?;
                None
            }
        };
        let (chain, uri) = (chain.chain_id, request.uri);
        Ok(Wanted { chain, contract, recipient, target, uri, document })
    }

    /// Where the item's metadata lies: a document is put on disk first. Its row is the caller's to
    /// write.
    pub(crate) async fn store_document(
        &self,
        wanted: &Wanted<'_>,
    ) -> Result<(Option<String>, Option<StoredMetadata>), AppError> {
        let Some(document) = &wanted.document else {
            return Ok((wanted.uri.map(str::to_owned), None));
        };
        let stored = self.store_block(document).await?;
        let uri = stored.cid.to_uri();
        fits(&wanted.target, Some(&uri))?;
        Ok((Some(uri), Some(stored)))
    }

    /// The answer is made anew from the job, which its key finds for ever: for a day as it was
    /// given, then with the job's present state.
    async fn replay_mint(
        &self,
        holder: Maker<'_>,
        once: Once<'_>,
        render: impl Fn(&MintJob) -> Value + Send,
    ) -> Result<Answer, AppError> {
        let mut db = self.connection().await?;
        let job = requests::load_by_key(&mut db, holder.principal, once.key).await?;
        let job = job.ok_or(AppError::Bug("a job that its unique key found is not there"))?;
        let fresh = self.config().clock.now() < job.created_at + ANSWER_TTL;
        let fingerprint = job.fingerprint.clone();
        let body = render(&if fresh { as_asked(job) } else { job }).to_string().into_bytes();
        replay(&fingerprint, ACCEPTED.cast_signed(), body, once)
    }

    async fn mint_target(
        &self,
        chain: ChainId,
        contract: Address,
    ) -> Result<Arc<MintTarget>, AppError> {
        let key = (chain, contract);
        let known = self.targets().get(&key).cloned();
        if let Some(known) = known.filter(|known| known.loaded.elapsed() < TARGET_TTL) {
            return Ok(known.target);
        }
        let mut db = self.connection().await?;
        let target = collection_requests::load_mint_target(&mut db, chain, contract).await?;
        let target = Arc::new(target.ok_or(Refusal::CollectionUnknown)?);
        if !target.deployed {
            return Err(Refusal::CollectionNotReady.into());
        }
        let mut targets = self.targets();
        if targets.len() >= TARGETS_MAX {
            targets.clear();
        }
        targets.insert(key, KnownTarget { target: target.clone(), loaded: Instant::now() });
        Ok(target)
    }

    fn targets(
        &self,
    ) -> std::sync::MutexGuard<'_, std::collections::HashMap<(ChainId, Address), KnownTarget>> {
        self.0.targets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Can the collection say this on chain?
fn fits(target: &MintTarget, uri: Option<&str>) -> Result<(), AppError> {
    let mode = content_mode(&target.content_mode)?;
    represent(mode, &target.base_uri, uri).map_err(Refusal::UriNotRepresentable)?;
    Ok(())
}

/// A job to be recorded, and as it will be shown.
pub(crate) fn new_mint(asked: Asked<'_>) -> (NewMint, MintJob) {
    let Asked { holder, once, wanted, uri, request_id, now } = asked;
    let job = new_job(holder, once, wanted, (uri, request_id, now));
    let told = json!({
        "chain_id": wanted.chain.to_string(),
        "contract": wanted.contract.to_string(),
        "mint_id": job.id.to_string(),
        "to": wanted.recipient.to_string(),
        "status": job.status,
    });
    let (mut attributes, mut data) = (told.clone(), told);
    attributes["principal_id"] = json!(holder.principal.to_string());
    data["uri"] = json!(job.uri);
    data["request_id"] = json!(request_id);
    let new = NewMint {
        id: MintId(job.id),
        principal_id: holder.principal,
        key: once.key.to_owned(),
        lock: lock_number(holder.principal, once.key),
        fingerprint: once.fingerprint.0,
        chain_id: wanted.chain,
        contract: wanted.contract,
        recipient: wanted.recipient,
        uri: job.uri.clone(),
        http_request_id: request_id.to_owned(),
        now,
        jobs_after: now - ANSWER_TTL,
        fact_attributes: attributes,
        fact_data: data,
    };
    (new, job)
}

fn new_job(
    holder: Maker<'_>,
    once: Once<'_>,
    wanted: &Wanted<'_>,
    (uri, request_id, now): (Option<String>, &str, OffsetDateTime),
) -> MintJob {
    MintJob {
        id: MintId::new().0,
        principal_id: holder.principal.0,
        fingerprint: once.fingerprint.0.to_vec(),
        chain_id: wanted.chain.as_i64(),
        contract: wanted.contract,
        recipient: wanted.recipient,
        uri,
        status: vocab::JobStatus::Queued.as_str().to_owned(),
        reason: None,
        token_id: None,
        tx_hash: None,
        block_number: None,
        block_hash: None,
        created_at: now,
        updated_at: now,
        submitted_at: None,
        tentative_at: None,
        final_at: None,
        transaction_id: None,
        http_request_id: Some(request_id.to_owned()),
    }
}

/// The job as it was when it was accepted.
fn as_asked(job: MintJob) -> MintJob {
    MintJob {
        status: vocab::JobStatus::Queued.as_str().to_owned(),
        reason: None,
        token_id: None,
        tx_hash: None,
        block_number: None,
        block_hash: None,
        updated_at: job.created_at,
        submitted_at: None,
        tentative_at: None,
        final_at: None,
        ..job
    }
}

fn named_collection(chain: &WriteSettings, named: Option<&str>) -> Result<Address, AppError> {
    match named {
        Some(text) => parse_address(text, Field::Collection),
        None => Ok(chain.default_collection.ok_or(Refusal::CollectionUnknown)?),
    }
}

pub(crate) fn content_mode(stored: &str) -> Result<ContentMode, AppError> {
    match stored {
        "digest" => Ok(ContentMode::Digest),
        "base_uri" => Ok(ContentMode::BaseUri),
        "free_uri" => Ok(ContentMode::FreeUri),
        _ => Err(AppError::Bug("a stored content mode is not one of ours")),
    }
}
