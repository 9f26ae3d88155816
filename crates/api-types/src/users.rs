//! Users as they see themselves.

use crate::{Balance, Block};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Oneself.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Profile {
    /// The user: what they make belongs to this principal.
    pub principal_id: Uuid,
    #[schema(example = "Ada")]
    pub display_name: Option<String>,
    /// A language tag (BCP 47).
    #[schema(example = "de")]
    pub locale: Option<String>,
    /// Content id of an uploaded picture.
    pub avatar: Option<String>,
    /// How to reach them beside e-mail. Only they see it.
    pub contact: Option<String>,
    /// Proven to be theirs. Only they see it.
    pub email: Option<ProfileEmail>,
}

impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Profile").field("principal_id", &self.principal_id).finish_non_exhaustive()
    }
}

/// An address that its user showed a code from.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ProfileEmail {
    #[schema(example = "ada@example.org")]
    pub address: String,
    pub verified_at: String,
}

impl std::fmt::Debug for ProfileEmail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProfileEmail(…)")
    }
}

/// What to tell from now on: what is left out stays, `null` clears it.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileChangeRequest {
    /// 1 to 80 characters.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "Ada")]
    pub display_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "de")]
    pub locale: Option<Option<String>>,
    /// `cid` of an upload.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub avatar: Option<Option<String>>,
    /// 1 to 200 characters; stored encrypted.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "+49 170 0000000")]
    pub contact: Option<Option<String>>,
}

impl std::fmt::Debug for ProfileChangeRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProfileChangeRequest(…)")
    }
}

/// Null is something, too.
fn given<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(reader).map(Some)
}

/// A wallet that signs its user in.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LinkedWallet {
    #[schema(example = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8")]
    pub address: String,
    /// Of a contract account: the only chain that it is theirs on.
    #[schema(example = 31337)]
    pub contract_chain_id: Option<u64>,
    pub linked_at: String,
}

/// One's wallets, the first one first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LinkedWalletList {
    pub items: Vec<LinkedWallet>,
}

/// A signed message of `POST /api/v1/me/wallets/challenges`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkWalletRequest {
    /// What was signed, byte for byte.
    #[schema(
        example = "http://127.0.0.1:8480 wants you to sign in with your Ethereum account:\n…"
    )]
    pub message: String,
    /// As for signing in.
    #[schema(example = "0x2f8a…1b")]
    pub signature: String,
}

impl std::fmt::Debug for LinkWalletRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkWalletRequest(…)")
    }
}

/// Which of one's wallets.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LinkedWalletQuery {
    /// Of a contract account: its chain.
    pub contract_chain_id: Option<u64>,
}

/// What one's wallets hold.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OwnBalances {
    pub chains: Vec<OwnBalancesOfChain>,
}

/// The same on one chain. Of followed ERC-20 and ERC-1155 contracts; not the chain's own coin.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OwnBalancesOfChain {
    #[schema(example = 31337)]
    pub chain_id: u64,
    /// The block that these reflect; absent while nothing is indexed.
    pub as_of: Option<Block>,
    /// At most 500.
    pub items: Vec<Balance>,
    /// There are more: `GET /api/v1/balances?account=…` lists all.
    pub more: bool,
}

/// An address to be proven.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailRequest {
    #[schema(example = "ada@example.org")]
    pub address: String,
}

impl std::fmt::Debug for EmailRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EmailRequest(…)")
    }
}

/// A code that came by mail.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailCodeRequest {
    /// In any case, with or without its hyphen.
    #[schema(example = "7K2MQ-X8D4T")]
    pub code: String,
}

impl std::fmt::Debug for EmailCodeRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EmailCodeRequest(…)")
    }
}
