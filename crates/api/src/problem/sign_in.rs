//! Why somebody was not signed in, as a problem.

use super::{Code, Problem};
use app::SignInRefusal;

pub(super) fn of_refusal(refusal: SignInRefusal) -> Problem {
    match refusal {
        SignInRefusal::OriginUnknown => Code::OriginRefused.into(),
        SignInRefusal::TooManyChallenges { retry_after } => {
            Problem { retry_after: Some(retry_after), ..Code::ChallengesTooMany.into() }
        }
        SignInRefusal::MessageMalformed(detail) => {
            Problem::from(Code::MessageMalformed).at("/message", detail)
        }
        SignInRefusal::MessageUnfit(faults) => {
            faults.into_iter().fold(Code::MessageRefused.into(), |problem: Problem, fault| {
                problem.at("/message", fault.to_string())
            })
        }
        SignInRefusal::ChallengeUnknown => Code::ChallengeUnknown.into(),
        SignInRefusal::ChallengeSpent => Code::ChallengeSpent.into(),
        SignInRefusal::SignatureInvalid(detail) => {
            Problem::from(Code::WalletSignatureInvalid).at("/signature", detail)
        }
        SignInRefusal::SignatureUnchecked => Code::SignatureUnchecked.into(),
        SignInRefusal::RefreshTokenInvalid => Code::RefreshTokenInvalid.into(),
        SignInRefusal::RefreshTokenReused => Code::RefreshTokenReused.into(),
        SignInRefusal::SessionUnknown => Code::SessionUnknown.into(),
        refusal => of_staff(refusal),
    }
}

/// The same of who came by way of a provider, and of further wallets.
fn of_staff(refusal: SignInRefusal) -> Problem {
    match refusal {
        SignInRefusal::ProviderAbsent => Code::ProviderAbsent.into(),
        SignInRefusal::ReturnPath(detail) => {
            Problem::from(Code::QueryInvalid).at("?return_to", detail)
        }
        SignInRefusal::StateInvalid => Code::ProviderStateInvalid.into(),
        SignInRefusal::StateSpent => Code::ProviderStateSpent.into(),
        SignInRefusal::ProviderDenied(error) => {
            Problem::from(Code::ProviderDenied).saying(format!("the provider says {error}"))
        }
        SignInRefusal::ProviderCodeRefused => Code::ProviderCodeRefused.into(),
        SignInRefusal::ProviderTokenRefused(reason) => {
            Problem::from(Code::ProviderTokenRefused).saying(reason)
        }
        SignInRefusal::ProviderUnavailable(reason) => {
            Problem::from(Code::ProviderUnavailable).saying(reason)
        }
        SignInRefusal::NotStaff => Code::StaffOnly.into(),
        SignInRefusal::WalletTaken => Code::WalletTaken.into(),
        SignInRefusal::WalletLimit { limit } => {
            Problem::from(Code::WalletLimitReached).saying(format!("at most {limit}"))
        }
        SignInRefusal::WalletUnlinked => Code::WalletNotLinked.into(),
        SignInRefusal::LastSignIn => Code::LastSignIn.into(),
        // The rest was told above.
        _ => Code::Internal.into(),
    }
}
