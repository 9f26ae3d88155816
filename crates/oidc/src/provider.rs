//! One provider: where it is sent to, and what it says of who came back.

use crate::{
    asked,
    claims::{Identity, Others, plain_name},
};
use openidconnect::{
    AuthenticationFlow, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret,
    CsrfToken, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest,
    IdTokenFields, IdTokenVerifier, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, RequestTokenError, Scope, SignatureVerificationError, StandardErrorResponse,
    StandardTokenResponse, TokenResponse,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata,
        CoreResponseType, CoreRevocableToken, CoreRevocationErrorResponse,
        CoreTokenIntrospectionResponse, CoreTokenType,
    },
};
use reqwest::{Client, Url};
use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};
use time::OffsetDateTime;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

/// How long a provider that did not answer is left alone.
const PAUSE: Duration = Duration::from_secs(1);
/// Between two looks for a key that is not known: tokens with made-up key ids lead to no more.
const LOOKS: Duration = Duration::from_secs(5);
/// Longest code that is asked about.
const CODE_LEN_MAX: usize = 4_096;
/// Oldest ID token: it comes fresh from the provider.
const AGE_MAX: time::Duration = time::Duration::minutes(10);

type Fields = IdTokenFields<
    Others,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Answer = StandardTokenResponse<Fields, CoreTokenType>;
type Relying = openidconnect::Client<
    Others,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Answer,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What an operator says of a provider.
#[derive(Clone)]
pub struct Options {
    /// As it calls itself, letter by letter.
    pub issuer: String,
    pub client_id: String,
    /// None: a public client, for which PKCE alone speaks.
    pub client_secret: Option<Zeroizing<String>>,
    /// Ours, as registered there.
    pub redirect_url: String,
    /// Asked for beside `openid`.
    pub scopes: Vec<String>,
    /// Whose values are told: a name, or with a leading `/` a JSON pointer.
    pub claim: String,
    /// For one answer.
    pub answer_time: Duration,
    /// How long its document and keys are believed.
    pub kept: Duration,
    /// By how much its clock may differ from ours.
    pub leeway: time::Duration,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Which option is unfit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    #[error("the issuer must be an https:// address without query (http:// on this machine only)")]
    Issuer,
    #[error("the redirect URL must be an https:// address (http:// on this machine only)")]
    RedirectUrl,
    #[error("a client id is needed")]
    ClientId,
    #[error("no HTTP client can be made")]
    Client,
}

/// Why nobody was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// Nothing is known; it may be tried again.
    #[error("the provider does not help: {0}")]
    Unavailable(&'static str),
    /// Used before, expired, made up, or of another sign-in.
    #[error("the provider refuses the code")]
    CodeRefused,
    #[error("the ID token is not taken: {0}")]
    TokenRefused(&'static str),
}

/// What binds one sign-in together: the provider gives the nonce back in its token, and hands that
/// out to who knows the verifier only.
pub struct Attempt<'a> {
    pub state: &'a str,
    pub nonce: &'a str,
    /// Of PKCE; 43 to 128 characters.
    pub verifier: &'a str,
}

impl fmt::Debug for Attempt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attempt(…)")
    }
}

/// A provider. Cheap to clone; clones share what is known of it.
#[derive(Clone, Debug)]
pub struct Provider(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: Options,
    issuer: IssuerUrl,
    redirect_url: RedirectUrl,
    client: Client,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    metadata: Option<(Instant, CoreProviderMetadata)>,
    /// When it was last looked for a key that was not known.
    looked: Option<Instant>,
    failed: Option<(Instant, ProviderError)>,
}

impl Options {
    /// # Errors
    /// [`OptionsError`]
    pub fn check(&self) -> Result<(), OptionsError> {
        let issuer = self.issuer.parse::<Url>().ok().filter(is_safe).filter(|url| {
            url.query().is_none() && url.fragment().is_none() && url.username().is_empty()
        });
        issuer.ok_or(OptionsError::Issuer)?;
        let redirect = self.redirect_url.parse::<Url>().ok().filter(is_safe);
        redirect.filter(|url| url.fragment().is_none()).ok_or(OptionsError::RedirectUrl)?;
        if self.client_id.is_empty() { Err(OptionsError::ClientId) } else { Ok(()) }
    }
}

/// Nobody on the way reads or changes what goes there.
fn is_safe(url: &Url) -> bool {
    let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    url.has_host() && (url.scheme() == "https" || url.scheme() == "http" && here)
}

impl Provider {
    /// Asks nobody yet.
    ///
    /// # Errors
    /// [`OptionsError`]
    pub fn new(options: Options) -> Result<Self, OptionsError> {
        options.check()?;
        let issuer = IssuerUrl::new(options.issuer.clone()).map_err(|_| OptionsError::Issuer)?;
        let redirect_url = RedirectUrl::new(options.redirect_url.clone());
        let redirect_url = redirect_url.map_err(|_| OptionsError::RedirectUrl)?;
        let client = asked::client(options.answer_time).map_err(|_| OptionsError::Client)?;
        let known = Mutex::default();
        Ok(Self(Arc::new(Inner { options, issuer, redirect_url, client, known })))
    }

    /// As it calls itself.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.options.issuer
    }

    /// Where a browser has to go.
    ///
    /// # Errors
    /// [`ProviderError::Unavailable`]
    pub async fn authorization_url(&self, attempt: &Attempt<'_>) -> Result<Url, ProviderError> {
        let relying = self.relying(self.metadata().await?);
        let verifier = PkceCodeVerifier::new(attempt.verifier.to_owned());
        let (state, nonce) = (attempt.state.to_owned(), attempt.nonce.to_owned());
        let request = relying.authorize_url(
            AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
            move || CsrfToken::new(state),
            move || Nonce::new(nonce),
        );
        let scopes = self.0.options.scopes.iter().cloned().map(Scope::new);
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        Ok(request.add_scopes(scopes).set_pkce_challenge(challenge).url().0)
    }

    /// Who came back with this code, by `now`.
    ///
    /// # Errors
    /// [`ProviderError`]
    pub async fn identify(
        &self,
        code: &str,
        attempt: &Attempt<'_>,
        now: OffsetDateTime,
    ) -> Result<Identity, ProviderError> {
        if code.is_empty() || code.len() > CODE_LEN_MAX {
            return Err(ProviderError::CodeRefused);
        }
        let metadata = self.metadata().await?;
        let answer = self.exchange(metadata.clone(), code, attempt).await?;
        let nonce = Nonce::new(attempt.nonce.to_owned());
        match self.check(&metadata, &answer, (&nonce, now)) {
            Err(Unfit::KeyUnknown) => {
                let metadata = self.look_again().await?;
                self.check(&metadata, &answer, (&nonce, now))
            }
            checked => checked,
        }
        .map_err(|unfit| ProviderError::TokenRefused(unfit.reason()))
    }

    async fn exchange(
        &self,
        metadata: CoreProviderMetadata,
        code: &str,
        attempt: &Attempt<'_>,
    ) -> Result<Answer, ProviderError> {
        let relying = self.relying(metadata);
        let request = relying.exchange_code(AuthorizationCode::new(code.to_owned()));
        let request =
            request.map_err(|_| ProviderError::Unavailable("it has no token endpoint"))?;
        let verifier = PkceCodeVerifier::new(attempt.verifier.to_owned());
        let client = self.0.client.clone();
        let ask = move |request: HttpRequest| asked::ask(client.clone(), request);
        let answered = request.set_pkce_verifier(verifier).request_async(&ask).await;
        answered.map_err(|error| match error {
            RequestTokenError::ServerResponse(said) => match said.error() {
                CoreErrorResponseType::InvalidGrant => ProviderError::CodeRefused,
                CoreErrorResponseType::InvalidClient => {
                    ProviderError::Unavailable("it does not know our client id and secret")
                }
                _ => ProviderError::Unavailable("its token endpoint refuses the request"),
            },
            RequestTokenError::Request(error) => ProviderError::Unavailable(reason(error)),
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                ProviderError::Unavailable("its token endpoint does not answer as it must")
            }
        })
    }

    fn relying(&self, metadata: CoreProviderMetadata) -> Relying {
        let options = &self.0.options;
        let secret = options.client_secret.as_ref().map(|text| ClientSecret::new(text.to_string()));
        let id = ClientId::new(options.client_id.clone());
        Relying::from_provider_metadata(metadata, id, secret)
            .set_redirect_uri(self.0.redirect_url.clone())
    }

    /// OpenID Connect Core, section 3.1.3.7. What the token's header names decides nothing: the
    /// key is one of the provider's, and its algorithm one of ours.
    fn check(
        &self,
        metadata: &CoreProviderMetadata,
        answer: &Answer,
        (nonce, now): (&Nonce, OffsetDateTime),
    ) -> Result<Identity, Unfit> {
        use CoreJwsSigningAlgorithm as A;
        let options = &self.0.options;
        let token = answer.id_token().ok_or(Unfit::Form)?;
        let by = SystemTime::from(now - options.leeway);
        let client_id = ClientId::new(options.client_id.clone());
        let keys = metadata.jwks().clone();
        let verifier = IdTokenVerifier::new_public_client(client_id, self.0.issuer.clone(), keys)
            .set_allowed_algs([
                A::RsaSsaPkcs1V15Sha256,
                A::RsaSsaPkcs1V15Sha384,
                A::RsaSsaPkcs1V15Sha512,
                A::RsaSsaPssSha256,
                A::RsaSsaPssSha384,
                A::RsaSsaPssSha512,
                A::EcdsaP256Sha256,
                A::EcdsaP384Sha384,
                A::EdDsa,
            ])
            .set_time_fn(move || by.into());
        let claims = token.claims(&verifier, nonce)?;
        let party = claims.authorized_party();
        if party.is_some_and(|party| party.as_str() != options.client_id) {
            return Err(Unfit::Party);
        }
        let issued = OffsetDateTime::from_unix_timestamp(claims.issue_time().timestamp());
        let issued = issued.map_err(|_| Unfit::Issued)?;
        if issued > now + options.leeway || issued < now - AGE_MAX - options.leeway {
            return Err(Unfit::Issued);
        }
        let name = claims.name().and_then(|names| names.get(None));
        Ok(Identity {
            issuer: options.issuer.clone(),
            subject: claims.subject().as_str().to_owned(),
            name: name.and_then(|name| plain_name(name.as_str())),
            values: claims.additional_claims().values(&options.claim),
        })
    }

    /// What is known of the provider, asked for when that is too long ago. One asks, the others
    /// wait for it.
    async fn metadata(&self) -> Result<CoreProviderMetadata, ProviderError> {
        let mut known = self.0.known.lock().await;
        match &known.metadata {
            Some((at, metadata)) if at.elapsed() < self.0.options.kept => Ok(metadata.clone()),
            _ => self.discover(&mut known).await,
        }
    }

    /// The same with a key that was not there before: the provider may have taken another one.
    async fn look_again(&self) -> Result<CoreProviderMetadata, ProviderError> {
        let mut known = self.0.known.lock().await;
        let lately = known.looked.is_some_and(|at| at.elapsed() < LOOKS);
        match &known.metadata {
            Some((_, metadata)) if lately => Ok(metadata.clone()),
            _ => {
                known.looked = Some(Instant::now());
                self.discover(&mut known).await
            }
        }
    }

    async fn discover(&self, known: &mut Known) -> Result<CoreProviderMetadata, ProviderError> {
        if let Some((at, error)) = known.failed
            && at.elapsed() < PAUSE
        {
            return Err(error);
        }
        let client = self.0.client.clone();
        let ask = move |request: HttpRequest| asked::ask(client.clone(), request);
        let found = CoreProviderMetadata::discover_async(self.0.issuer.clone(), &ask).await;
        match found {
            Ok(metadata) => {
                *known = Known { metadata: Some((Instant::now(), metadata.clone())), ..*known };
                known.failed = None;
                Ok(metadata)
            }
            Err(error) => {
                let error = ProviderError::Unavailable(of_discovery(error));
                known.failed = Some((Instant::now(), error));
                Err(error)
            }
        }
    }
}

fn reason(error: asked::NoAnswer) -> &'static str {
    match error {
        asked::NoAnswer::TimedOut => "it did not answer in time",
        asked::NoAnswer::Unreachable => "it can't be reached",
        asked::NoAnswer::Broken => "its answer is too large or broke off",
    }
}

fn of_discovery(error: openidconnect::DiscoveryError<asked::NoAnswer>) -> &'static str {
    use openidconnect::DiscoveryError as E;
    match error {
        E::Request(error) => reason(error),
        E::Validation(_) => "its document names another issuer",
        _ => "its discovery document or its keys can't be read",
    }
}

/// Why an ID token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unfit {
    Form,
    Algorithm,
    KeyUnknown,
    Signature,
    Issuer,
    Audience,
    Party,
    Expired,
    Issued,
    Nonce,
}

impl Unfit {
    const fn reason(self) -> &'static str {
        match self {
            Self::Form => "there is none, or it is not one",
            Self::Algorithm => "its algorithm is not one of those taken",
            Self::KeyUnknown => "it is signed by no key of the provider",
            Self::Signature => "its signature is wrong",
            Self::Issuer => "it is of another issuer",
            Self::Audience => "it is for another client",
            Self::Party => "it was issued to another client",
            Self::Expired => "it has expired",
            Self::Issued => "it was not issued just now",
            Self::Nonce => "it is of another sign-in",
        }
    }
}

impl From<ClaimsVerificationError> for Unfit {
    fn from(error: ClaimsVerificationError) -> Self {
        use ClaimsVerificationError as E;
        use SignatureVerificationError as S;
        match error {
            E::Expired(_) => Self::Expired,
            E::InvalidAudience(_) => Self::Audience,
            E::InvalidIssuer(_) => Self::Issuer,
            E::InvalidNonce(_) => Self::Nonce,
            E::SignatureVerification(error) => match error {
                S::NoMatchingKey => Self::KeyUnknown,
                S::DisallowedAlg(_) | S::UnsupportedAlg(_) | S::NoSignature => Self::Algorithm,
                _ => Self::Signature,
            },
            _ => Self::Form,
        }
    }
}
