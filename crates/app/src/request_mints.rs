//! Many mints asked for at once: all become jobs in one commit, or none does.

use crate::{
    Answer, App, AppError, Caller, Fingerprint, MintRequest, Once, Refusal,
    group_commit::Grouped,
    once::{ACCEPTED, Begun, Done, Work},
    request_mint::{Asked, Wanted, new_mint},
    store_metadata::{self, StoredMetadata},
};
use auth::{Action, Maker, authorize_at_all};
use db::mint_jobs::requests::{self, MintJob, NewMint, Recorded};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};

/// Items of one request: what one statement takes, and what one transaction can mint.
const ITEMS_MAX: usize = 256;
const ID_CHARS_MAX: usize = 255;

/// One of many mints.
#[derive(Clone, Copy, Debug)]
pub struct MintItem<'a> {
    /// The caller's own: the Idempotency-Key that this mint would have alone.
    pub id: &'a str,
    pub request: MintRequest<'a>,
    /// Of the request that would ask for this mint alone.
    pub fingerprint: Fingerprint,
}

/// What is wrong, and with which item.
type Faults = Vec<(usize, Refusal)>;

impl App {
    /// Accept mints: 202 with their jobs, in the order asked for. Jobs, facts and the answer are
    /// one commit. An item that was asked for before, with the same content, is answered by the
    /// job that it has.
    ///
    /// # Errors
    /// [`Refusal::Mints`] with every item that is wrong; then nothing is recorded.
    pub async fn request_mints(
        &self,
        caller: Caller<'_>,
        once: Once<'_>,
        items: &[MintItem<'_>],
        render: impl Fn(&[(String, MintJob)]) -> Value + Send,
    ) -> Result<Answer, AppError> {
        authorize_at_all(caller.actor, Action::RequestMint)?;
        let holder = caller.actor.maker()?;
        if !(1..=ITEMS_MAX).contains(&items.len()) {
            return Err(Refusal::MintCount { most: ITEMS_MAX }.into());
        }
        let wanted = self.check_mints(items, once.key).await?;
        self.allow_mints(caller.actor, &wanted).await?;
        let (uris, stored) = self.store_documents(&wanted).await?;
        let new: Vec<(NewMint, MintJob)> = items
            .iter()
            .zip(wanted.iter().zip(uris))
            .map(|(item, (wanted, uri))| {
                let once = Once { key: item.id, fingerprint: item.fingerprint };
                let now = self.config().clock.now();
                new_mint(Asked { holder, once, wanted, uri, request_id: caller.request_id, now })
            })
            .collect();
        let mut work = match self.begin_once(holder, once).await? {
            Begun::Answered(answer) => return Ok(answer),
            Begun::Open(work) => work,
        };
        let done = record_all(&mut work, holder, &stored, new).await;
        let fresh = done.as_ref().map_or(0, |(_, fresh)| *fresh);
        let body =
            |(jobs, _): (Vec<(String, MintJob)>, u64)| render(&jobs).to_string().into_bytes();
        let done = done.map(|done| Done::New(ACCEPTED, body(done)));
        let answer = self.settle_once(work, done).await?;
        metrics::counter!("mints_accepted_total").increment(fresh);
        tracing::info!(mints = items.len(), fresh, "mints accepted");
        Ok(answer)
    }

    /// Look at every item; nothing is written.
    async fn check_mints<'a>(
        &self,
        items: &[MintItem<'a>],
        whole: &str,
    ) -> Result<Vec<Wanted<'a>>, AppError> {
        let (mut wanted, mut faults, mut ids) = (Vec::new(), Faults::new(), HashSet::new());
        for (place, item) in items.iter().enumerate() {
            if let Some(fault) = fault_of_id(item.id, whole, &mut ids) {
                faults.push((place, Refusal::ItemId(fault)));
            }
            match self.check_mint(item.request).await {
                Ok(one) => wanted.push(one),
                Err(AppError::Refused(refusal)) => faults.push((place, refusal)),
                Err(error) => return Err(error),
            }
        }
        if faults.is_empty() { Ok(wanted) } else { Err(Refusal::Mints(faults).into()) }
    }

    /// Put the items' documents on disk, each once. A file that no row names is no content.
    async fn store_documents(
        &self,
        wanted: &[Wanted<'_>],
    ) -> Result<(Vec<Option<String>>, Vec<StoredMetadata>), AppError> {
        let (mut uris, mut faults) = (Vec::new(), Faults::new());
        // In one order for all requests: rows written in two orders wait for each other for ever.
        let mut stored = BTreeMap::new();
        for (place, one) in wanted.iter().enumerate() {
            match self.store_document(one).await {
                Ok((uri, document)) => {
                    uris.push(uri);
                    stored.extend(document.map(|d| (d.cid.to_string(), d)));
                }
                Err(AppError::Refused(refusal)) => faults.push((place, refusal)),
                Err(error) => return Err(error),
            }
        }
        if !faults.is_empty() {
            return Err(Refusal::Mints(faults).into());
        }
        Ok((uris, stored.into_values().collect()))
    }
}

fn fault_of_id<'a>(id: &'a str, whole: &str, seen: &mut HashSet<&'a str>) -> Option<&'static str> {
    let graphic = |b: u8| b.is_ascii_graphic() || b == b' ';
    if !(1..=ID_CHARS_MAX).contains(&id.len()) || !id.bytes().all(graphic) || id.trim() != id {
        return Some("1 to 255 printable ASCII characters, no space at its ends");
    }
    if id == whole {
        return Some("the same as the Idempotency-Key of the whole");
    }
    (!seen.insert(id)).then_some("an earlier item has this id")
}

/// Record all of them in the transaction of the whole request. Gives their jobs, and how many of
/// those are new.
async fn record_all(
    work: &mut Work,
    holder: Maker<'_>,
    stored: &[StoredMetadata],
    new: Vec<(NewMint, MintJob)>,
) -> Result<(Vec<(String, MintJob)>, u64), AppError> {
    let db = &mut work.transaction;
    for document in stored {
        store_metadata::record(db, document).await?;
    }
    let mints: Vec<&NewMint> = new.iter().map(|(mint, _)| mint).collect();
    let recorded = NewMint::record(db, &mints).await?;
    let fresh = recorded.iter().filter(|recorded| **recorded == Recorded::New).count() as u64;
    let (mut jobs, mut faults) = (Vec::with_capacity(new.len()), Faults::new());
    for (place, ((mint, job), recorded)) in new.into_iter().zip(recorded).enumerate() {
        let job = match recorded {
            Recorded::New => Some(job),
            Recorded::Locked => return Err(Refusal::IdempotencyInProgress.into()),
            Recorded::Answered { .. } => None,
            Recorded::JobExists => requests::load_by_key(db, holder.principal, &mint.key)
                .await?
                .filter(|there| there.fingerprint == mint.fingerprint),
        };
        match job {
            Some(job) => jobs.push((mint.key, job)),
            None => faults.push((place, Refusal::IdempotencyKeyReused)),
        }
    }
    if faults.is_empty() { Ok((jobs, fresh)) } else { Err(Refusal::Mints(faults).into()) }
}
