//! A picture: from bytes on disk to content under its CID.

use crate::{
    Answer, App, AppError, Caller, Fingerprint, Once, Refusal,
    once::{Begun, CREATED, Done, maker},
};
use auth::Action;
use content::{
    Cid, Stored,
    media::{Examined, MediaError},
    store::Upload,
};
use db::contents;
use serde_json::Value;

const PATH: &str = "/api/v1/uploads";

/// A picture that is in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPicture {
    pub cid: Cid,
    pub media_type: &'static str,
    pub size: u64,
    pub width: u32,
    pub height: u32,
    pub preview: Option<Cid>,
}

impl App {
    /// Room for a picture, to be filled piece by piece and given to [`App::upload_picture`].
    ///
    /// # Errors
    /// [`AppError::Denied`]; [`AppError::Content`] when the disk fails.
    pub async fn begin_upload(&self, caller: Caller<'_>) -> Result<Upload, AppError> {
        maker(caller.actor, Action::UploadContent)?;
        Ok(self.config().store.begin(self.upload_bytes_max()).await?)
    }

    /// Bytes of a picture at most.
    #[must_use]
    pub fn upload_bytes_max(&self) -> u64 {
        self.config().inspector.limits().bytes
    }

    /// Look at what was uploaded, store it with a preview, and answer.
    /// The fingerprint of the request is made of the content's CID.
    ///
    /// # Errors
    /// [`Refusal::Picture`] when it is no picture that we take; then nothing is stored.
    pub async fn upload_picture(
        &self,
        caller: Caller<'_>,
        key: &str,
        upload: Upload,
        render: impl Fn(&StoredPicture) -> Value + Send,
    ) -> Result<Answer, AppError> {
        let holder = maker(caller.actor, Action::UploadContent)?;
        let sealed = upload.seal().await?;
        let cid = sealed.stored().cid;
        let fingerprint = Fingerprint::of("POST", PATH, cid.to_string().as_bytes());
        let once = Once { key, fingerprint };
        let examined = self.config().inspector.examine(sealed.path()).await.map_err(refuse)?;
        let stored = sealed.commit().await?;
        let picture = self.with_preview(stored, examined).await?;
        let mut work = match self.begin_once(holder, once).await? {
            Begun::Answered(answer) => return Ok(answer),
            Begun::Open(work) => work,
        };
        let recorded = contents::record(&mut work.transaction, &row(&picture)).await;
        let answer = || Done::New(CREATED, render(&picture).to_string().into_bytes());
        let done = recorded.map(|()| answer()).map_err(AppError::from);
        let answer = self.settle_once(work, done).await?;
        metrics::counter!("uploads_total", "media_type" => picture.media_type).increment(1);
        Ok(answer)
    }

    async fn with_preview(
        &self,
        stored: Stored,
        examined: Examined,
    ) -> Result<StoredPicture, AppError> {
        let preview = match examined.preview {
            Some(preview) => Some(self.config().store.put(&preview.bytes).await?.cid),
            None => None,
        };
        Ok(StoredPicture {
            cid: stored.cid,
            media_type: examined.media.media_type.as_str(),
            size: stored.size,
            width: examined.media.width,
            height: examined.media.height,
            preview,
        })
    }
}

fn refuse(error: MediaError) -> AppError {
    match error {
        MediaError::Io(error) => AppError::Content(error.into()),
        MediaError::TooLarge { limit } => Refusal::PictureTooLarge { limit }.into(),
        error => Refusal::Picture(error).into(),
    }
}

fn row(picture: &StoredPicture) -> contents::Content {
    contents::Content {
        cid: picture.cid.to_string(),
        kind: "picture".to_owned(),
        media_type: picture.media_type.to_owned(),
        size: picture.size.cast_signed(),
        width: i32::try_from(picture.width).ok(),
        height: i32::try_from(picture.height).ok(),
        preview_cid: picture.preview.map(|cid| cid.to_string()),
    }
}
