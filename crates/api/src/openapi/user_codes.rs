//! What signing in, and operations of users on what is theirs, may answer besides success.

use super::Access;
use crate::problem::Code;

/// Who may call it, and the codes; none for operations of others.
pub(super) fn codes(operation: &str) -> Option<(Access, Vec<Code>)> {
    use Code as C;
    const BODY: [Code; 5] = [
        C::BodyMalformed,
        C::BodyInvalid,
        C::JsonTooDeep,
        C::BodyTooLarge,
        C::ContentTypeUnsupported,
    ];
    const REFRESH: [Code; 2] = [C::RefreshTokenInvalid, C::CrossOrigin];
    let (access, own): (_, &[Code]) = match operation {
        "ask_challenge" => {
            let own = &[
                C::ChainUnknown,
                C::AddressInvalid,
                C::AddressChecksum,
                C::OriginRefused,
                C::ChallengesTooMany,
            ];
            (Access::SignIn, own)
        }
        "open_session" => {
            let own = &[
                C::MessageMalformed,
                C::MessageRefused,
                C::ChallengeUnknown,
                C::ChallengeSpent,
                C::WalletSignatureInvalid,
                C::SignatureUnchecked,
                C::OriginRefused,
                C::ChainUnknown,
            ];
            (Access::SignIn, own)
        }
        "refresh_session" => (Access::SignIn, &[C::RefreshTokenReused, C::OriginRefused]),
        "log_out" => (Access::User, &[C::KeyMissing, C::UserOnly]),
        "start_staff_sign_in" => {
            let own = [C::QueryInvalid, C::OriginRefused, C::ProviderAbsent];
            return Some((Access::SignIn, [&own[..], &[C::ProviderUnavailable]].concat()));
        }
        "finish_staff_sign_in" => {
            let own = vec![
                C::QueryInvalid,
                C::OriginRefused,
                C::ProviderAbsent,
                C::ProviderUnavailable,
                C::ProviderStateInvalid,
                C::ProviderStateSpent,
                C::ProviderDenied,
                C::ProviderCodeRefused,
                C::ProviderTokenRefused,
                C::StaffOnly,
            ];
            return Some((Access::SignIn, own));
        }
        "list_token_keys" => return Some((Access::SignIn, Vec::new())),
        "list_sessions" => return Some((Access::User, vec![C::QueryInvalid, C::CursorInvalid])),
        "end_session" => return Some((Access::User, vec![C::SessionUnknown, C::PathInvalid])),
        "end_other_sessions" => return Some((Access::User, Vec::new())),
        _ => return of_oneself(operation).map(|codes| (Access::User, codes)),
    };
    let refresh: &[Code] =
        if matches!(operation, "refresh_session" | "log_out") { &REFRESH } else { &[] };
    Some((access, [&BODY, refresh, own].concat()))
}

/// What users do with what is theirs.
fn of_oneself(operation: &str) -> Option<Vec<Code>> {
    use Code as C;
    const BODY: [Code; 5] = [
        C::BodyMalformed,
        C::BodyInvalid,
        C::JsonTooDeep,
        C::BodyTooLarge,
        C::ContentTypeUnsupported,
    ];
    const ADDRESS: [Code; 3] = [C::ChainUnknown, C::AddressInvalid, C::AddressChecksum];
    Some(match operation {
        "get_me" | "list_my_wallets" | "list_my_balances" | "forget_email" => Vec::new(),
        "change_me" => [&BODY[..], &[C::ProfileInvalid]].concat(),
        "ask_link_challenge" => {
            [&BODY[..], &ADDRESS, &[C::OriginRefused, C::ChallengesTooMany]].concat()
        }
        "link_wallet" => {
            let own = [
                C::MessageMalformed,
                C::MessageRefused,
                C::ChallengeUnknown,
                C::ChallengeSpent,
                C::WalletSignatureInvalid,
                C::SignatureUnchecked,
                C::OriginRefused,
                C::ChainUnknown,
                C::WalletTaken,
                C::WalletLimitReached,
            ];
            [&BODY[..], &own].concat()
        }
        "unlink_wallet" => {
            let own = [C::PathInvalid, C::QueryInvalid, C::WalletNotLinked, C::LastSignIn];
            [&ADDRESS[1..], &own].concat()
        }
        "ask_email" => [&BODY[..], &[C::ProfileInvalid, C::EmailAbsent, C::MailsTooMany]].concat(),
        "verify_email" => [&BODY[..], &[C::EmailCodeInvalid]].concat(),
        _ => return None,
    })
}
