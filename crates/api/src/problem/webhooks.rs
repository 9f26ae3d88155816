//! Refusals of webhooks.

use super::{Code, Problem};
use app::WebhookRefusal;

pub(super) fn of_refusal(refusal: WebhookRefusal) -> Problem {
    use WebhookRefusal as R;
    match refusal {
        R::Unknown => Code::WebhookUnknown.into(),
        R::DeliveryUnknown => Code::DeliveryUnknown.into(),
        R::TooMany { limit } => {
            Problem::from(Code::WebhookLimitReached).saying(format!("at most {limit}"))
        }
        R::State { detail } => Problem::from(Code::WebhookState).saying(detail),
        R::Busy => Code::Overloaded.into(),
        R::Invalid(faults) => {
            let code = match faults.first() {
                Some(fault) if fault.pointer.starts_with('?') => Code::QueryInvalid,
                _ => Code::WebhookInvalid,
            };
            faults
                .into_iter()
                .fold(Problem::from(code), |problem, fault| problem.at(fault.pointer, fault.detail))
        }
    }
}
