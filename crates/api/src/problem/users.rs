//! Why something of a user was not changed, as a problem.

use super::{Code, Problem};
use app::UserRefusal;

pub(super) fn of_refusal(refusal: UserRefusal) -> Problem {
    match refusal {
        UserRefusal::Invalid(faults) => {
            let problem = Problem::from(Code::ProfileInvalid);
            faults.into_iter().fold(problem, |all, fault| all.at(fault.pointer, fault.detail))
        }
        UserRefusal::EmailAbsent => Code::EmailAbsent.into(),
        UserRefusal::TooManyMails { retry_after } => {
            Problem { retry_after: Some(retry_after), ..Code::MailsTooMany.into() }
        }
        UserRefusal::CodeInvalid => Code::EmailCodeInvalid.into(),
    }
}
