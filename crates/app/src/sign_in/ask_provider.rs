//! Send a member of the staff to their provider of identities.

use super::{ClientPlace, SessionKind, SignIn, SignInRefusal};
use crate::AppError;
use auth::{Binder, ProviderState, Role, SealedState};
use oidc::{Attempt, Provider, ProviderError};
use time::Duration;

/// Longest path to come back to.
const RETURN_LEN_MAX: usize = 500;

/// What an operator decides of staff.
#[derive(Clone, Debug)]
pub struct StaffOptions {
    pub provider: Provider,
    /// Which value of the provider's claim gives which role.
    pub roles: Vec<(String, Role)>,
    /// After this a session ends, and with it what the provider said.
    pub session_time: Duration,
}

/// How a member of the staff wants to sign in.
#[derive(Clone, Copy, Debug)]
pub struct StaffSpec<'a> {
    /// The usual one when absent.
    pub origin: Option<&'a str>,
    /// A path below it, for sessions of cookies.
    pub return_to: Option<&'a str>,
    pub kind: SessionKind,
    /// What the browser keeps of an earlier start.
    pub binder: Option<&'a str>,
}

/// Where the browser has to go, and what it has to keep meanwhile.
#[derive(Clone, Debug)]
pub struct StaffSent {
    pub url: String,
    pub binder: Binder,
}

impl SignIn {
    /// Where the provider is to be asked, bound to this browser.
    ///
    /// # Errors
    /// [`SignInRefusal::ProviderAbsent`], [`SignInRefusal::OriginUnknown`],
    /// [`SignInRefusal::ReturnPath`], [`SignInRefusal::ProviderUnavailable`].
    pub async fn ask_provider(
        &self,
        spec: StaffSpec<'_>,
        client: ClientPlace<'_>,
    ) -> Result<StaffSent, AppError> {
        let staff = self.staff()?;
        let origin = self.origin_of(spec.origin, client.origin)?.to_string();
        let return_to = spec.return_to.unwrap_or("/");
        check_path(return_to).map_err(SignInRefusal::ReturnPath)?;
        // Several starts of one browser share it, so that each can come back.
        let binder = spec.binder.and_then(Binder::parse).unwrap_or_else(Binder::fresh);
        let cookie = spec.kind == SessionKind::Cookie;
        let state = ProviderState::new(self.now(), origin, cookie, return_to.to_owned());
        let sealed = state.seal(&binder, &self.config().pepper);
        let url = staff.provider.authorization_url(&attempt(&sealed)).await;
        let url = url.map_err(of_provider)?.into();
        Ok(StaffSent { url, binder })
    }

    pub(super) fn staff(&self) -> Result<&StaffOptions, AppError> {
        Ok(self.config().staff.as_ref().ok_or(SignInRefusal::ProviderAbsent)?)
    }
}

pub(super) fn attempt(sealed: &SealedState) -> Attempt<'_> {
    Attempt { state: &sealed.text, nonce: &sealed.nonce, verifier: &sealed.verifier }
}

pub(super) fn of_provider(error: ProviderError) -> SignInRefusal {
    match error {
        ProviderError::Unavailable(reason) => {
            tracing::warn!(reason, "the provider of identities does not help");
            SignInRefusal::ProviderUnavailable(reason)
        }
        ProviderError::CodeRefused => SignInRefusal::ProviderCodeRefused,
        ProviderError::TokenRefused(reason) => {
            tracing::warn!(reason, "an ID token was not taken");
            SignInRefusal::ProviderTokenRefused(reason)
        }
    }
}

/// A path on the same origin, whoever reads it: no host after it, and nothing that a browser takes
/// for a slash or leaves out.
fn check_path(path: &str) -> Result<(), &'static str> {
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if path.len() > RETURN_LEN_MAX || !plain {
        return Err("must have at most 500 printable ASCII characters, and no backslash");
    }
    if !path.starts_with('/') || path.starts_with("//") {
        return Err("must be a path: one slash, then no other");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_the_origin_are_gone_back_to() {
        for good in ["/", "/console?tab=1#x", "/a//b", "/a/%2F%2Fevil.example"] {
            assert_eq!(check_path(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "console",
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/a b",
            "/\tevil",
            "/\r\nSet-Cookie: x=1",
            "/\u{ff0f}evil.example",
            &format!("/{}", "a".repeat(RETURN_LEN_MAX)),
        ] {
            assert!(check_path(bad).is_err(), "{bad}");
        }
    }
}
