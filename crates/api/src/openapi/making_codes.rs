//! What operations under an Idempotency-Key may answer besides success.

use crate::problem::Code;

/// Besides those of its access.
pub(super) fn codes(operation: &str) -> Vec<Code> {
    use Code as C;
    const MAKES: [Code; 6] = [
        C::IdempotencyKeyRequired,
        C::IdempotencyKeyInvalid,
        C::IdempotencyInProgress,
        C::IdempotencyKeyReused,
        C::BodyTooLarge,
        C::ContentTypeUnsupported,
    ];
    const BODY: [Code; 3] = [C::BodyMalformed, C::BodyInvalid, C::JsonTooDeep];
    const ADDRESS: [Code; 3] = [C::ChainUnknown, C::AddressInvalid, C::AddressChecksum];
    let own = match operation {
        "upload_picture" => vec![
            C::MultipartMalformed,
            C::UploadFileMissing,
            C::UploadTooLarge,
            C::UploadUnsupported,
            C::UploadTruncated,
            C::UploadCorrupt,
            C::UploadTooManyPixels,
            C::UploadTooManyFrames,
        ],
        "store_metadata" => vec![C::MetadataInvalid, C::BodyMalformed],
        "request_mint" => {
            let own = [
                C::ChainReadOnly,
                C::CollectionUnknown,
                C::CollectionNotReady,
                C::RecipientZero,
                C::UriNotRepresentable,
                C::UriAndMetadata,
                C::MetadataInvalid,
            ];
            [&BODY[..], &ADDRESS, &own].concat()
        }
        "request_mints" => [&BODY[..], &[C::MintsInvalid]].concat(),
        "request_collection" => {
            [&BODY[..], &ADDRESS, &[C::ChainReadOnly, C::CollectionInvalid]].concat()
        }
        _ => Vec::new(),
    };
    [&MAKES[..], &own].concat()
}
