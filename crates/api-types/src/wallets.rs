//! The accounts that the engine sends from.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// What a wallet may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WalletState {
    /// It takes transactions.
    Active,
    /// Paused by an operator: it takes none until it is resumed.
    Paused,
    /// It takes none any more, and finishes those that it has.
    Retiring,
    /// It has finished. It takes part in nothing.
    Retired,
}

/// An account of the engine on one chain.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Wallet {
    #[schema(example = 31337)]
    pub chain_id: u64,
    pub address: String,
    #[schema(example = "operator")]
    pub role: String,
    /// Number of the key in its role, in the signer.
    pub key_index: Option<u32>,
    pub state: WalletState,
    /// Wei on chain; absent when the node does not tell.
    pub balance: Option<String>,
    /// The next nonce on chain; absent when the node does not tell.
    pub chain_nonce: Option<u64>,
    /// The next nonce that the engine will give out.
    pub next_nonce: Option<u64>,
    /// Nonces that are given out and not mined.
    pub in_flight: u32,
    pub in_flight_max: u32,
    /// Transactions that are not final yet.
    pub open: u32,
    /// Who holds the lane, and until when; absent when nobody does.
    pub lane: Option<WalletLane>,
    /// Why its lane takes nothing just now.
    pub paused_reason: Option<String>,
    pub paused_at: Option<String>,
}

/// Who serves a wallet.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WalletLane {
    pub holder: Uuid,
    pub epoch: i64,
    pub expires_at: String,
}

/// All wallets that match.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WalletList {
    pub items: Vec<Wallet>,
}

/// Which wallets to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WalletListQuery {
    pub chain_id: Option<u64>,
    pub role: Option<String>,
}

/// Another wallet for a role.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WalletRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 31337)]
    pub chain_id: Option<u64>,
    #[schema(example = "operator")]
    pub role: String,
}

/// Where a wallet's money shall go.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DrainRequest {
    /// Any address but the wallet itself.
    #[schema(example = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")]
    pub to: String,
}

/// A wallet and the one that takes its place.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WalletRotation {
    pub old: Wallet,
    pub new: Wallet,
}

/// Nothing needs to be said.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WalletChangeRequest {}
