//! ERC-721 metadata: checked, made canonical, stored as one raw block.

use crate::{
    Answer, App, AppError, Caller, Fingerprint, Once, Refusal,
    once::{Begun, CREATED, Done, maker},
};
use auth::Action;
use content::Cid;
use db::{PgConnection, contents};
use mint::metadata::{self, Metadata};
use serde_json::Value;

const PATH: &str = "/api/v1/metadata";

/// Metadata that is in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMetadata {
    pub cid: Cid,
    /// Bytes of the canonical form.
    pub size: u64,
}

impl App {
    /// Check a document and store it. The fingerprint of the request is made of its CID, so the
    /// same document in another layout is the same request.
    ///
    /// # Errors
    /// [`Refusal::Metadata`] with every problem found.
    pub async fn store_metadata(
        &self,
        caller: Caller<'_>,
        key: &str,
        document: &[u8],
        render: impl Fn(&StoredMetadata) -> Value + Send,
    ) -> Result<Answer, AppError> {
        let holder = maker(caller.actor, Action::StoreMetadata)?;
        let metadata = check(document)?;
        let stored = self.store_block(&metadata).await?;
        let fingerprint = Fingerprint::of("POST", PATH, stored.cid.to_string().as_bytes());
        let once = Once { key, fingerprint };
        let mut work = match self.begin_once(holder, once).await? {
            Begun::Answered(answer) => return Ok(answer),
            Begun::Open(work) => work,
        };
        let recorded = record(&mut work.transaction, &stored).await;
        let answer = || Done::New(CREATED, render(&stored).to_string().into_bytes());
        self.settle_once(work, recorded.map(|()| answer())).await
    }

    /// The block goes to disk before any row names it.
    pub(crate) async fn store_block(
        &self,
        metadata: &Metadata,
    ) -> Result<StoredMetadata, AppError> {
        let bytes = metadata.canonical();
        let cid = self.config().store.put_raw(bytes).await?;
        Ok(StoredMetadata { cid, size: bytes.len() as u64 })
    }
}

pub(crate) fn check(document: &[u8]) -> Result<Metadata, AppError> {
    Ok(metadata::parse(document).map_err(Refusal::Metadata)?)
}

pub(crate) async fn record(db: &mut PgConnection, stored: &StoredMetadata) -> Result<(), AppError> {
    let row = contents::Content {
        cid: stored.cid.to_string(),
        kind: "metadata".to_owned(),
        media_type: "application/json".to_owned(),
        size: stored.size.cast_signed(),
        width: None,
        height: None,
        preview_cid: None,
    };
    Ok(contents::record(db, &row).await?)
}
