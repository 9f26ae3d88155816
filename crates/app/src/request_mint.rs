//! A mint asked for: from request to queued job.

use crate::{
    ANSWER_TTL, Answer, App, AppError, Caller, ChainSettings, Field, Once, Refusal,
    address::parse_address,
    group_commit::Grouped,
    once::{ACCEPTED, lock_number, maker, replay},
    store_metadata,
};
use auth::{Action, KeyHolder};
use db::{
    DbError, PgConnection,
    collection_requests::{self, MintTarget},
    mint_jobs::requests::{self, MintJob, NewMint, Recorded},
};
use mint::content::{ContentMode, represent};
use serde_json::{Value, json};
use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};
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
        let holder = maker(caller.actor, Action::RequestMint)?;
        let chain = self.chain(request.chain_id)?;
        let recipient = parse_address(request.to, Field::To)?;
        if recipient.is_zero() {
            return Err(Refusal::RecipientZero.into());
        }
        let contract = named_collection(chain, request.collection)?;
        let target = self.mint_target(chain.chain_id, contract).await?;
        let uri = self.uri(&request, &target).await?;
        let asked = (uri, caller.request_id);
        let job = self.new_job(holder, once, chain.chain_id, (contract, recipient), asked);
        let body = render(&job).to_string().into_bytes();
        let attributes = json!({
            "chain_id": chain.chain_id.to_string(),
            "contract": contract.to_string(),
            "mint_id": job.id.to_string(),
            "principal_id": holder.principal.to_string(),
            "to": recipient.to_string(),
            "status": job.status,
        });
        let data = json!({
            "chain_id": chain.chain_id.to_string(),
            "contract": contract.to_string(),
            "mint_id": job.id.to_string(),
            "to": recipient.to_string(),
            "uri": job.uri,
            "status": job.status,
            "request_id": caller.request_id,
        });
        let new = NewMint {
            id: MintId(job.id),
            principal_id: holder.principal,
            key: once.key.to_owned(),
            lock: lock_number(holder.principal, once.key),
            fingerprint: once.fingerprint.0,
            chain_id: chain.chain_id,
            contract,
            recipient,
            uri: job.uri,
            http_request_id: caller.request_id.to_owned(),
            now: job.created_at,
            fact_attributes: attributes,
            fact_data: data,
        };
        match self.mint_desk().record(new).await? {
            Recorded::New => {
                metrics::counter!("mints_accepted_total").increment(1);
                tracing::info!(mint.id = %job.id, "mint accepted");
                Ok(Answer { status: ACCEPTED, body, replayed: false })
            }
            Recorded::Locked => Err(Refusal::IdempotencyInProgress.into()),
            Recorded::Answered { fingerprint, status, body } => {
                replay(&fingerprint, status, body, once)
            }
            Recorded::JobExists => self.replay_mint(holder, once, render).await,
        }
    }

    /// The answer is made anew from the job, which its key finds for ever: for a day as it was
    /// given, then with the job's present state.
    async fn replay_mint(
        &self,
        holder: &KeyHolder,
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

    fn new_job(
        &self,
        holder: &KeyHolder,
        once: Once<'_>,
        chain: ChainId,
        (contract, recipient): (Address, Address),
        (uri, http_request_id): (Option<String>, &str),
    ) -> MintJob {
        let now = self.config().clock.now();
        MintJob {
            id: MintId::new().0,
            principal_id: holder.principal.0,
            fingerprint: once.fingerprint.0.to_vec(),
            chain_id: chain.as_i64(),
            contract,
            recipient,
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
            http_request_id: Some(http_request_id.to_owned()),
        }
    }

    /// Where the item's metadata lies, once the collection can say so on chain.
    async fn uri(
        &self,
        request: &MintRequest<'_>,
        target: &MintTarget,
    ) -> Result<Option<String>, AppError> {
        let mode = content_mode(&target.content_mode)?;
        let fits = |uri: Option<&str>| -> Result<(), AppError> {
            represent(mode, &target.base_uri, uri).map_err(Refusal::UriNotRepresentable)?;
            Ok(())
        };
        let Some(document) = request.metadata else {
            fits(request.uri)?;
            return Ok(request.uri.map(str::to_owned));
        };
        if request.uri.is_some() {
            return Err(Refusal::UriAndMetadata.into());
        }
        let metadata = store_metadata::check(document)?;
        let stored = self.store_block(&metadata).await?;
        let uri = stored.cid.to_uri();
        fits(Some(&uri))?;
        store_metadata::record(&mut *self.connection().await?, &stored).await?;
        Ok(Some(uri))
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

fn named_collection(chain: &ChainSettings, named: Option<&str>) -> Result<Address, AppError> {
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
