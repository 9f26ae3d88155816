//! Signing in with a wallet, and sessions.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Who wants to sign in.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChallengeRequest {
    /// The wallet's address: of a key, or of a contract account.
    #[schema(example = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8")]
    pub address: String,
    /// On which chain a contract account is asked; the first one of the engine when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 31337)]
    pub chain_id: Option<u64>,
    /// Where the user signs in: one of the configured origins. When absent that of the page that
    /// calls, or else the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "http://127.0.0.1:8480")]
    pub origin: Option<String>,
}

/// What to sign.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SignInChallenge {
    pub address: String,
    #[schema(example = 31337)]
    pub chain_id: u64,
    /// An EIP-4361 message, to be signed as it is (`personal_sign`).
    #[schema(example = "http://127.0.0.1:8480 wants you to sign in with your Ethereum account:\n\
        0x70997970C51812dc3A010C7d01b50e0d17dc79C8\n\nSign in to Stoa.\n\n\
        URI: http://127.0.0.1:8480\nVersion: 1\nChain ID: 31337\nNonce: 4k1sPz0QmVb7Yc2nRtXw9aB3\n\
        Issued At: 2026-11-20T12:00:00Z\nExpiration Time: 2026-11-20T12:05:00Z")]
    pub message: String,
    /// The one in the message, for those who write the message themselves.
    #[schema(example = "4k1sPz0QmVb7Yc2nRtXw9aB3")]
    pub nonce: String,
    pub issued_at: String,
    pub expires_at: String,
}

/// How the client keeps its tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionMode {
    /// It gets them in the answer.
    #[default]
    Token,
    /// Its browser keeps them, in cookies that no script can read. For pages of the configured
    /// origins only.
    Cookie,
}

/// What a session was opened with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignInMethod {
    Wallet,
    /// The identity provider of the staff.
    Provider,
}

/// How a member of the staff wants to sign in.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StaffSignInQuery {
    /// `cookie` when absent.
    pub mode: Option<SessionMode>,
    /// Where the session is to be of: one of the configured origins; the first when absent.
    pub origin: Option<String>,
    /// Of mode `cookie`: where the browser goes afterwards, a path below the origin. `/` when
    /// absent.
    pub return_to: Option<String>,
}

/// What a provider sends back with the browser.
#[derive(Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StaffCallbackQuery {
    pub state: String,
    pub code: Option<String>,
    /// In the place of a code.
    pub error: Option<String>,
    /// RFC 9207.
    pub iss: Option<String>,
}

impl std::fmt::Debug for StaffCallbackQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StaffCallbackQuery(…)")
    }
}

/// A signed message.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInRequest {
    /// What was signed, byte for byte.
    #[schema(
        example = "http://127.0.0.1:8480 wants you to sign in with your Ethereum account:\n…"
    )]
    pub message: String,
    /// `0x` and hexadecimal digits: 65 bytes r, s, v of a key (low s, v 27 or 28), or up to 8192
    /// bytes that a contract account accepts (ERC-1271, ERC-6492).
    #[schema(example = "0x2f8a…1b")]
    pub signature: String,
    #[serde(default)]
    pub mode: SessionMode,
}

impl std::fmt::Debug for SignInRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignInRequest").field("mode", &self.mode).finish_non_exhaustive()
    }
}

/// Where a user is signed in.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Session {
    pub id: Uuid,
    /// The user: what they make belongs to this principal.
    pub principal_id: Uuid,
    /// What was signed in with.
    pub method: SignInMethod,
    /// Of a wallet.
    #[schema(example = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8")]
    pub address: Option<String>,
    #[schema(example = 31337)]
    pub chain_id: Option<u64>,
    /// A contract on that chain accepted the signature: on other chains the address proves nothing.
    pub contract: bool,
    #[schema(example = "http://127.0.0.1:8480")]
    pub origin: String,
    pub mode: SessionMode,
    /// As the client named itself when it signed in.
    #[schema(example = "curl/8.14.1")]
    pub user_agent: Option<String>,
    /// From where; of IPv6 the network.
    #[schema(example = "127.0.0.1")]
    pub client: String,
    pub created_at: String,
    /// To the minute.
    pub last_used_at: String,
    /// It ends then, however often it is refreshed.
    pub expires_at: String,
    /// It is the one that asks.
    pub current: bool,
}

/// A session, and what to show from now on. In mode `cookie` the tokens are in cookies instead.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct SessionTokens {
    pub session: Session,
    /// A JWT (RFC 9068) for `Authorization: Bearer …`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSJ9.…")]
    pub access_token: Option<String>,
    #[schema(example = "Bearer")]
    pub token_type: String,
    /// Seconds until the access token ends.
    #[schema(example = 600)]
    pub expires_in: i64,
    /// For the next access token; good once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "stoa_rt_AZq…")]
    pub refresh_token: Option<String>,
}

impl std::fmt::Debug for SessionTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionTokens").field("session", &self.session.id).finish_non_exhaustive()
    }
}

/// For the next tokens, or for logging out. In mode `cookie` it is empty: `{}`.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "stoa_rt_AZq…")]
    pub refresh_token: Option<String>,
}

impl std::fmt::Debug for RefreshRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RefreshRequest(…)")
    }
}

/// One's open sessions, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SessionList {
    pub items: Vec<Session>,
    pub next_cursor: Option<String>,
}

/// Which sessions to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SessionListQuery {
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 when absent.
    pub limit: Option<i64>,
}

/// Sessions that ended.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SessionsEnded {
    #[schema(example = 2)]
    pub ended: u64,
}

/// Public keys by which others can verify access tokens (RFC 7517).
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenKeys {
    pub keys: Vec<TokenKey>,
}

/// One of them (RFC 8037).
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenKey {
    #[schema(example = "OKP")]
    pub kty: String,
    #[schema(example = "Ed25519")]
    pub crv: String,
    #[schema(example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    pub x: String,
    /// As the header of a token names it.
    #[schema(example = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")]
    pub kid: String,
    #[schema(example = "sig")]
    pub r#use: String,
    #[schema(example = "EdDSA")]
    pub alg: String,
}
