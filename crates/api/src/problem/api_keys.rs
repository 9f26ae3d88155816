//! Why a key was not made, shown or changed, as a problem.

use super::{Code, Problem};
use app::ApiKeyRefusal;

pub(super) fn of_refusal(refusal: ApiKeyRefusal) -> Problem {
    match refusal {
        ApiKeyRefusal::Unknown => Code::ApiKeyUnknown.into(),
        ApiKeyRefusal::Invalid(faults) => {
            faults.into_iter().fold(Code::ApiKeyInvalid.into(), |problem: Problem, fault| {
                problem.at(fault.pointer, fault.detail)
            })
        }
        ApiKeyRefusal::Exceeds(what) => Problem::from(Code::ApiKeyExceeds).saying(what),
        ApiKeyRefusal::Revoked => Code::ApiKeyRevoked.into(),
    }
}
