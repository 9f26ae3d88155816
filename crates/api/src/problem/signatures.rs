//! Why the signature of a request was not taken, as a problem.

use super::{Code, Problem};
use auth::SignatureFault;

pub(super) fn of_fault(fault: SignatureFault) -> Problem {
    match fault {
        SignatureFault::Malformed(detail) => {
            Problem::from(Code::RequestSignatureMalformed).saying(detail)
        }
        SignatureFault::Incomplete(what) => {
            Problem::from(Code::RequestSignatureIncomplete).saying(what)
        }
        SignatureFault::Expired => Code::RequestSignatureExpired.into(),
        SignatureFault::Wrong => Code::RequestSignatureWrong.into(),
        SignatureFault::Replayed => Code::RequestSignatureReplayed.into(),
        SignatureFault::Digest(detail) => Problem::from(Code::ContentDigestInvalid).saying(detail),
    }
}
