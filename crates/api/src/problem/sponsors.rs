//! Refusals of sponsors and of what they pay for.

use super::{Code, Problem};
use app::{Failure, Fault, SponsorRefusal};

pub(super) fn of_refusal(refusal: SponsorRefusal) -> Problem {
    use SponsorRefusal as R;
    let all = |code: Code, faults: Vec<Fault>| {
        faults
            .into_iter()
            .fold(Problem::from(code), |problem, fault| problem.at(fault.pointer, fault.detail))
    };
    match refusal {
        R::Unknown => Code::SponsorUnknown.into(),
        R::TransactionUnknown => Code::SponsoredUnknown.into(),
        R::Exists => Code::SponsorExists.into(),
        R::Invalid(faults) => all(Code::SponsorInvalid, faults),
        R::Paused => Code::SponsorPaused.into(),
        R::NotSupported(what) => Problem::from(Code::NotSupported).saying(what),
        R::ForwarderUnknown => Problem::from(Code::ForwarderUnknown).at("/forwarder", "not ours"),
        R::Request(faults) => all(Code::ForwardRequestInvalid, faults),
        R::Signature(fault) => {
            Problem::from(Code::SignatureInvalid).at("/signature", fault.to_string())
        }
        R::Signer => Problem::from(Code::SignatureInvalid)
            .at("/signature", "not by `from`, or not of this request for this forwarder"),
        R::NotAllowed(fault) => all(Code::CallNotSponsored, vec![fault]),
        R::Nonce { expected } => Problem::from(Code::ForwardNonce)
            .saying(format!("the user's next request has nonce {expected}")),
        R::Seen => Code::ForwardRequestSeen.into(),
        R::Untrusting => Problem::from(Code::TargetUntrusting).at("/request/to", "no trust"),
        R::Fails(failure) => Problem::from(Code::CallFails).saying(told(&failure)),
        R::Budget(over) => Problem::from(Code::BudgetExceeded).saying(over.to_string()),
    }
}

/// A failure in one line: its code, and the arguments or the text of it.
fn told(failure: &Failure) -> String {
    match &failure.args {
        Some(args) if failure.code != "reverted" => format!("{}: {args}", failure.code),
        _ => format!("{}: {}", failure.code, failure.text),
    }
}
