//! `/api/v1/uploads`: a picture, streamed to disk piece by piece.

mod doled;

use crate::{
    ApiState,
    extract::{Holder, IdempotencyKey},
    operations::answer,
    problem::{Code, Problem},
    signatures::{SignedBody, is_altered},
};
use api_types::{Preview, Upload, UploadForm};
use app::{AppError, StoredPicture};
use axum::{
    body::Body,
    extract::{
        DefaultBodyLimit, FromRequest, Multipart, Request, State, multipart::MultipartError,
    },
    http::StatusCode,
    response::Response,
};
use doled::{Doled, Meter};
use serde_json::json;
use tokio::time::timeout;

pub(crate) const PATH: &str = "/api/v1/uploads";
/// What a form adds to its file.
const FORM_SLACK: usize = 64 * 1024;
/// Fields before `file` that are passed over.
const FIELDS_MAX: usize = 16;

/// Upload a picture
///
/// PNG, JPEG, GIF or WebP, told by content. Stored under its CID with a preview.
#[utoipa::path(
    post, path = "/api/v1/uploads", tag = "content", operation_id = "upload_picture",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 201, description = "Stored", body = Upload)),
)]
pub(crate) async fn upload_picture(
    State(state): State<ApiState>,
    Holder(who): Holder,
    IdempotencyKey(key): IdempotencyKey,
    request: Request,
) -> Result<Response, Problem> {
    let _permit = state.0.uploads.try_acquire().map_err(|_| Code::Overloaded)?;
    let mut upload = state.app().begin_upload(who.caller()).await?;
    let meter = Meter::default();
    let signed = request.extensions().get::<SignedBody>().cloned();
    let mut form = form(request, &state, &meter).await?;
    let malformed = |problem| if meter.is_over() { too_much() } else { problem };
    for _ in 0..=FIELDS_MAX {
        let next = in_time(&state, form.next_field()).await.map_err(malformed)?;
        let Some(mut field) = next else { return Err(Code::UploadFileMissing.into()) };
        if field.name() != Some("file") {
            continue;
        }
        meter.enter_file();
        while let Some(piece) = in_time(&state, field.chunk()).await? {
            upload.write(&piece).await.map_err(AppError::from)?;
        }
        drop(field);
        if let Some(mut signed) = signed {
            // The parser stops where the form ends; all of it was signed.
            let rest = timeout(state.limits.upload_idle, signed.finish()).await;
            rest.map_err(|_| Code::RequestTimeout)??;
        }
        let done = state.app().upload_picture(who.caller(), &key, upload, render).await?;
        return Ok(answer(done, None));
    }
    Err(too_much())
}

fn too_much() -> Problem {
    let said = format!("before `file`, a form has at most {FIELDS_MAX} fields and 64 KiB");
    Problem::from(Code::MultipartMalformed).saying(said)
}

fn render(picture: &StoredPicture) -> serde_json::Value {
    let preview = picture.preview.map(|cid| Preview { cid: cid.to_string(), uri: cid.to_uri() });
    json!(Upload {
        cid: picture.cid.to_string(),
        uri: picture.cid.to_uri(),
        media_type: picture.media_type.to_owned(),
        size: picture.size,
        width: picture.width,
        height: picture.height,
        preview,
    })
}

async fn form(request: Request, state: &ApiState, meter: &Meter) -> Result<Multipart, Problem> {
    let max = usize::try_from(state.app().upload_bytes_max()).unwrap_or(usize::MAX);
    let mut request = request.map(|body: Body| Doled::body(body, meter.clone()));
    DefaultBodyLimit::max(max.saturating_add(FORM_SLACK)).apply(&mut request);
    Multipart::from_request(request, state).await.map_err(|rejected| {
        Problem::from(Code::ContentTypeUnsupported).saying(rejected.body_text())
    })
}

/// The next piece of the form, unless the client has fallen silent.
async fn in_time<T>(
    state: &ApiState,
    next: impl Future<Output = Result<T, MultipartError>>,
) -> Result<T, Problem> {
    match timeout(state.limits.upload_idle, next).await {
        Err(_) => Err(Code::RequestTimeout.into()),
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err(Code::UploadTooLarge.into())
        }
        Ok(Err(error)) if is_altered(&error) => Err(Code::ContentDigestMismatch.into()),
        Ok(Err(error)) => Err(Problem::from(Code::MultipartMalformed).saying(error.body_text())),
    }
}
