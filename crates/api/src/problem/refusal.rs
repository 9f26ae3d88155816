//! From what a use case says to a code. Internal text stops here: it goes to the log.

use super::{Code, Problem};
use app::{
    AddressFault, AppError, Fault, MediaError, MetadataReason, MetadataRefusal, Refusal, Unfit,
};
use auth::Denied;

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Refused(refusal) => of_refusal(refusal),
            AppError::Denied(Denied::NeedsKey) => Code::KeyMissing.into(),
            AppError::Denied(Denied::NeedsScope(scope)) => {
                Problem::from(Code::ScopeMissing).saying(format!("the key needs `{scope}`"))
            }
            AppError::Denied(Denied::NeedsSignature) => Code::RequestSignatureRequired.into(),
            AppError::Denied(Denied::NeedsOperator) => Code::OperatorOnly.into(),
            AppError::Denied(Denied::NeedsUser) => Code::UserOnly.into(),
            AppError::Denied(Denied::NeedsMinter) => Code::MinterOnly.into(),
            AppError::Denied(Denied::NeedsAdmin) => Code::AdminOnly.into(),
            AppError::Denied(Denied::NotForUsers) => Code::KeyOnly.into(),
            AppError::KeyInvalid => Code::KeyInvalid.into(),
            AppError::PlaceRefused => Code::PlaceRefused.into(),
            AppError::Signature(fault) => super::signatures::of_fault(fault),
            AppError::TokenInvalid => Code::TokenInvalid.into(),
            AppError::TokenExpired => Code::TokenExpired.into(),
            AppError::SessionEnded => Code::SessionEnded.into(),
            error => of_fault(&error),
        }
    }
}

/// Not the caller's fault: said in full in the log, and only there.
fn of_fault(error: &AppError) -> Problem {
    let class = error.class();
    let error = error as &dyn std::error::Error;
    match class {
        app::Class::Busy | app::Class::External => {
            tracing::warn!(error, "a request met an unavailable part");
            Code::Unavailable.into()
        }
        _ => {
            tracing::error!(error, "a request met a fault");
            Code::Internal.into()
        }
    }
}

fn of_refusal(refusal: Refusal) -> Problem {
    let all = |code: Code, faults: Vec<Fault>| {
        faults
            .into_iter()
            .fold(Problem::from(code), |problem, fault| problem.at(fault.pointer, fault.detail))
    };
    match refusal {
        Refusal::AbiUnknown => Code::AbiUnknown.into(),
        Refusal::AbiExists => Code::AbiExists.into(),
        Refusal::AbiBuiltIn => Code::AbiBuiltIn.into(),
        Refusal::AbiTooMany { limit } => {
            Problem::from(Code::AbiLimitReached).saying(format!("at most {limit} per chain"))
        }
        Refusal::AbiInvalid(faults) => all(Code::AbiInvalid, faults),
        Refusal::ContractUnknown => Code::ContractUnknown.into(),
        Refusal::FunctionUnknown(fault) => all(Code::FunctionUnknown, vec![fault]),
        Refusal::ArgumentsInvalid(faults) => all(Code::ArgumentsInvalid, faults),
        Refusal::TransactionInvalid(faults) => all(Code::TransactionInvalid, faults),
        Refusal::TransactionUnknown => Code::TransactionUnknown.into(),
        Refusal::IllegalTransition { from, detail } => {
            let said = format!("the status is {from}: {detail}");
            Problem::from(Code::IllegalTransition).saying(said)
        }
        Refusal::TransactionOwned { kind } => {
            Problem::from(Code::TransactionOwned).saying(format!("its kind is {kind}"))
        }
        Refusal::Approval(unfit) => {
            let code = match unfit {
                Unfit::Unknown => Code::TransactionUnknown,
                Unfit::NotWanted(_) | Unfit::TooMany => Code::ApprovalNotWanted,
                Unfit::OtherAct(_) | Unfit::Malformed => Code::ApprovalInvalid,
                Unfit::NotOperator(_) => Code::ApprovalNotByOperator,
                Unfit::Expired | Unfit::TooLong(_) => Code::ApprovalExpired,
            };
            Problem::from(code).saying(unfit.to_string())
        }
        Refusal::QueueFull { retry_after } => {
            Problem { retry_after: Some(retry_after), ..Code::QueueFull.into() }
        }
        Refusal::Sponsor(refusal) => super::sponsors::of_refusal(refusal),
        Refusal::SignIn(refusal) => super::sign_in::of_refusal(refusal),
        Refusal::User(refusal) => super::users::of_refusal(refusal),
        Refusal::Webhook(refusal) => super::webhooks::of_refusal(refusal),
        Refusal::ApiKey(refusal) => super::api_keys::of_refusal(refusal),
        Refusal::PrincipalUnknown => Code::PrincipalUnknown.into(),
        Refusal::GrantInvalid(fault) => all(Code::BodyInvalid, vec![fault]),
        Refusal::RoleUnchecked => Code::RoleUnchecked.into(),
        Refusal::WalletUnknown => Code::WalletUnknown.into(),
        Refusal::WalletState { detail } => Problem::from(Code::WalletState).saying(detail),
        Refusal::SignerRefused { detail } => Problem::from(Code::SignerRefused).saying(detail),
        other => of_product_refusal(other),
    }
}

fn of_product_refusal(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Address(field, fault) => {
            let code = match fault {
                AddressFault::Malformed => Code::AddressInvalid,
                AddressFault::Checksum => Code::AddressChecksum,
            };
            Problem::from(code).at(format!("/{}", field.name()), fault.to_string())
        }
        Refusal::RecipientZero => Problem::from(Code::RecipientZero).at("/to", "zero address"),
        Refusal::TokenIdMalformed => Code::TokenIdInvalid.into(),
        Refusal::StatusUnknown => Problem::from(Code::StatusUnknown).at("?status", "unknown"),
        Refusal::ChainUnknown => Code::ChainUnknown.into(),
        Refusal::ChainReadOnly { chain_id } => Problem::from(Code::ChainReadOnly)
            .saying(format!("chain {chain_id} is indexed and read; nothing is sent to it")),
        Refusal::CollectionUnknown => Code::CollectionUnknown.into(),
        Refusal::CollectionNotReady => Code::CollectionNotReady.into(),
        Refusal::Collection(faults) => {
            faults.iter().fold(Code::CollectionInvalid.into(), |problem: Problem, fault| {
                problem.at(format!("/{}", fault.field()), fault.to_string())
            })
        }
        Refusal::UriNotRepresentable(reason) => {
            Problem::from(Code::UriNotRepresentable).at("/uri", reason.to_string())
        }
        Refusal::UriAndMetadata => Code::UriAndMetadata.into(),
        Refusal::Metadata(refusal) => metadata(&refusal),
        Refusal::Picture(error) => picture(&error),
        Refusal::PictureTooLarge { limit } => {
            Problem::from(Code::UploadTooLarge).saying(format!("at most {limit} bytes"))
        }
        Refusal::IdempotencyInProgress => Code::IdempotencyInProgress.into(),
        Refusal::IdempotencyKeyReused => Code::IdempotencyKeyReused.into(),
        Refusal::Mints(faults) => mints(faults),
        Refusal::MintCount { most } => {
            Problem::from(Code::BodyInvalid).at("/items", format!("1 to {most} items"))
        }
        Refusal::ItemId(fault) => Problem::from(Code::BodyInvalid).at("/id", fault),
        Refusal::MintUnknown => Code::MintUnknown.into(),
        Refusal::ItemUnknown => Code::ItemUnknown.into(),
        Refusal::TopicUnknown => Code::TopicUnknown.into(),
        other => of_index_refusal(other),
    }
}

fn of_index_refusal(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::ContractNotFollowed => Code::ContractNotFollowed.into(),
        Refusal::ContractRemoved { last_block } => {
            let said = format!(
                "it was removed from the index, which has it to block {last_block}: lists of \
                 logs and transfers take that as `to_block`, others as `as_of_block`"
            );
            Problem::from(Code::ContractNotFollowed).saying(said)
        }
        Refusal::BlockNotIndexed { wanted, height } => {
            let height = height.map_or("nothing yet".to_owned(), |height| height.to_string());
            let said = format!("{wanted} was waited for; indexed is {height}");
            Problem::from(Code::BlockNotIndexed).saying(said)
        }
        Refusal::BlockFarAhead { wanted, height } => {
            let said = format!("{wanted} is far ahead of the index, which is at {height}");
            Problem::from(Code::QueryInvalid).at("?wait_for_block", said)
        }
        Refusal::BlockOutsideWindow { wanted, oldest } => {
            let oldest = oldest.map_or("none".to_owned(), |oldest| oldest.to_string());
            let said = format!("{wanted} was asked for; the oldest that is kept is {oldest}");
            Problem::from(Code::BlockOutsideWindow).saying(said)
        }
        Refusal::SourceBackfilling { height } => {
            let said = format!("its logs are indexed to block {height}");
            Problem::from(Code::SourceBackfilling).saying(said)
        }
        Refusal::FilterUnfit(name, detail) => {
            Problem::from(Code::QueryInvalid).at(format!("?{name}"), detail)
        }
        // The rest was told above.
        _ => Code::Internal.into(),
    }
}

/// Pointers of metadata are into the document; here they go on from the item.
fn mints(faults: Vec<(usize, Refusal)>) -> Problem {
    faults.into_iter().fold(Code::MintsInvalid.into(), |all: Problem, (place, refusal)| {
        let item = match refusal {
            Refusal::Metadata(_) => format!("/items/{place}/metadata"),
            Refusal::IdempotencyKeyReused => format!("/items/{place}/id"),
            _ => format!("/items/{place}"),
        };
        all.with(&item, of_refusal(refusal))
    })
}

fn metadata(refusal: &MetadataRefusal) -> Problem {
    let too_large =
        |problem: &app::MetadataProblem| matches!(problem.reason, MetadataReason::TooLarge { .. });
    if refusal.problems.iter().any(too_large) {
        return Problem::from(Code::BodyTooLarge).saying("metadata has at most 1 MiB");
    }
    refusal.problems.iter().fold(Code::MetadataInvalid.into(), |all: Problem, problem| {
        all.at(problem.pointer.clone(), problem.reason.to_string())
    })
}

fn picture(error: &MediaError) -> Problem {
    let code = match error {
        MediaError::Unsupported(_) => Code::UploadUnsupported,
        MediaError::Truncated => Code::UploadTruncated,
        MediaError::TooManyPixels { .. } => Code::UploadTooManyPixels,
        MediaError::TooManyFrames { .. } => Code::UploadTooManyFrames,
        MediaError::TooLarge { .. } => Code::UploadTooLarge,
        MediaError::Corrupt(_) | MediaError::Io(_) => Code::UploadCorrupt,
    };
    Problem::from(code).saying(error.to_string())
}
