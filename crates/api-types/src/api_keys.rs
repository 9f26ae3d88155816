//! API keys: what they may be used for, and from where.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// A key to make.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyRequest {
    /// For people, at most 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "checkout, eu-1")]
    pub name: Option<String>,
    /// What it may be used for: some of your own, or any with the scope `admin`.
    #[schema(example = json!(["mints:write", "content:write"]))]
    pub scopes: Vec<String>,
    /// Addresses and networks that it may be used from, at most 64; from anywhere when there are
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["192.0.2.0/24", "2001:db8::/32"]))]
    pub allowed_ips: Option<Vec<String>>,
    /// It ends then; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "2027-06-30T00:00:00Z")]
    pub expires_at: Option<String>,
    /// Must requests of value be signed?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature_required: Option<bool>,
    /// Whose signatures are taken: an Ed25519 public key, 32 bytes in base64. Without one, those
    /// made with the `signing_secret` of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=")]
    pub public_key: Option<String>,
    /// Who shall hold it; your own principal when absent. Others take the scope `admin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal_id: Option<Uuid>,
    /// Instead: a new principal of this name. It takes the scope `admin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "shop")]
    pub principal_name: Option<String>,
}

/// What is to change about a key; what is absent stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyChange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// In the place of all that there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// In the place of all that there are; an empty list: from anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_ips: Option<Vec<String>>,
    /// Null: it does not end.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub expires_at: Option<Option<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature_required: Option<bool>,
    /// Null: the signing secret counts again.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub public_key: Option<Option<String>>,
}

/// Tells null from what is absent.
fn given<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(reader).map(Some)
}

/// Another secret for a key.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyRotation {
    /// For how long the present secret goes on: 0 to 604800, 86400 when absent. With 0, all secrets
    /// before the new one end at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 3600)]
    pub overlap_seconds: Option<u32>,
}

/// A key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiKey {
    /// The public part of the key: `sk_<env>_<id>_…`.
    #[schema(example = "4k1sPz0QmVb7Yc2n")]
    pub id: String,
    #[schema(example = "sk_live")]
    pub prefix: String,
    pub name: String,
    /// Who holds it: what it makes belongs to them.
    pub principal_id: Uuid,
    #[schema(example = "shop")]
    pub principal_name: String,
    #[schema(example = json!(["mints:write"]))]
    pub scopes: Vec<String>,
    /// Networks that it may be used from; none: from anywhere.
    pub allowed_ips: Vec<String>,
    pub signature_required: bool,
    /// Ed25519, in base64.
    pub public_key: Option<String>,
    pub created_at: String,
    pub expires_at: Option<String>,
    /// When it got its present secret, if not at first.
    pub rotated_at: Option<String>,
    /// Until when some secret before the present one opens, or opened.
    pub older_secrets_until: Option<String>,
    /// Since then it is refused, for good.
    pub revoked_at: Option<String>,
    /// To the minute.
    pub last_used_at: Option<String>,
    #[schema(example = "192.0.2.7")]
    pub last_used_ip: Option<String>,
}

/// A key with its secrets, which are told this once.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct IssuedApiKey {
    pub api_key: ApiKey,
    /// What is shown as `Authorization: Bearer`. Absent in a repeat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "sk_live_4k1sPz0QmVb7Yc2n_…")]
    pub key: Option<String>,
    /// Signs requests by HMAC-SHA256, as long as the key has no public key. Absent in a repeat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "sks_live_4k1sPz0QmVb7Yc2n_…")]
    pub signing_secret: Option<String>,
}

/// One page of keys.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ApiKeyList {
    pub items: Vec<ApiKey>,
    pub next_cursor: Option<String>,
}

/// Which keys to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ApiKeyListQuery {
    /// Only keys of this principal.
    pub principal_id: Option<Uuid>,
    /// `next_cursor` of the page before, with the same filters.
    pub cursor: Option<String>,
    /// 1 to 200, 50 when absent.
    pub limit: Option<i64>,
}
