//! The engine's wallets, looked at by operators.

use crate::{App, AppError, Caller, Field, Refusal, address::parse_address};
use auth::{Action, authorize};
use db::wallets_reads::{self, LaneHolder, WalletRow};
use std::{collections::HashMap, time::Duration};
use tokio::time::timeout;
use vocab::{Address, ChainId, U256};

/// How long a signer that is away may delay the answer.
const PATIENCE: Duration = Duration::from_millis(500);

/// A wallet with what the chain and the signer say of it.
#[derive(Clone, Debug)]
pub struct WalletView {
    pub row: WalletRow,
    pub state: WalletState,
    /// Number of its key in its role; none when the signer does not tell.
    pub key_index: Option<u32>,
    /// Wei; none when the node does not tell.
    pub balance: Option<U256>,
    pub chain_nonce: Option<u64>,
    pub lane: Option<LaneHolder>,
}

/// What a wallet may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalletState {
    Active,
    Paused,
    Retiring,
    /// Retiring, and nothing is left of what it had.
    Retired,
}

impl WalletState {
    fn of(row: &WalletRow) -> Self {
        match row.state.as_str() {
            "paused" => Self::Paused,
            "retiring" if row.open == 0 && row.waiting == 0 => Self::Retired,
            "retiring" => Self::Retiring,
            _ => Self::Active,
        }
    }
}

impl WalletView {
    /// Without what node and signer say.
    pub(crate) fn fresh(row: WalletRow) -> Self {
        let state = WalletState::of(&row);
        Self { row, state, key_index: None, balance: None, chain_nonce: None, lane: None }
    }
}

impl App {
    /// Wallets in the order of chain, role and address, at most 1,000.
    ///
    /// # Errors
    /// [`Refusal::ChainUnknown`]
    pub async fn list_wallets(
        &self,
        caller: Caller<'_>,
        chain_id: Option<u64>,
        role: Option<&str>,
    ) -> Result<Vec<WalletView>, AppError> {
        authorize(caller.actor, Action::ReadWallet)?;
        let chain = chain_id.map(|id| self.chain(Some(id))).transpose()?;
        let chain = chain.map(|chain| chain.chain_id);
        let rows = wallets_reads::load(&mut *self.connection().await?, chain, role, None).await?;
        self.view_wallets(rows).await
    }

    /// One wallet.
    ///
    /// # Errors
    /// [`Refusal::WalletUnknown`], [`Refusal::Address`]
    pub async fn load_wallet(
        &self,
        caller: Caller<'_>,
        chain_id: u64,
        address: &str,
    ) -> Result<WalletView, AppError> {
        authorize(caller.actor, Action::ReadWallet)?;
        let chain = self.chain(Some(chain_id))?.chain_id;
        let address = parse_address(address, Field::Address)?;
        self.view_wallet(chain, address).await
    }

    pub(crate) async fn view_wallet(
        &self,
        chain: ChainId,
        address: Address,
    ) -> Result<WalletView, AppError> {
        let mut db = self.connection().await?;
        let rows = wallets_reads::load(&mut db, Some(chain), None, Some(address)).await?;
        drop(db);
        let found = self.view_wallets(rows).await?.into_iter().next();
        Ok(found.ok_or(Refusal::WalletUnknown)?)
    }

    /// Nodes are asked in one request per chain. What they or the signer don't tell is left out:
    /// an operator looks here most of all when something is down.
    async fn view_wallets(&self, rows: Vec<WalletRow>) -> Result<Vec<WalletView>, AppError> {
        let names: Vec<String> = rows.iter().map(lane_name).collect();
        let lanes = wallets_reads::load_lanes(&mut *self.connection().await?, &names).await?;
        let mut lanes: HashMap<String, LaneHolder> =
            lanes.into_iter().map(|lane| (lane.name.clone(), lane)).collect();
        let asked = timeout(PATIENCE, self.config().signer.list_keys()).await;
        let keys = asked.ok().and_then(Result::ok).unwrap_or_default();
        let keys: HashMap<Address, u32> =
            keys.into_iter().map(|key| (key.address, key.index)).collect();
        let mut accounts = self.accounts(&rows).await;
        let views = rows.into_iter().zip(names).map(|(row, name)| {
            let (balance, chain_nonce) =
                accounts.remove(&(row.chain_id, row.address)).unwrap_or_default();
            WalletView {
                state: WalletState::of(&row),
                key_index: keys.get(&row.address).copied(),
                balance,
                chain_nonce,
                lane: lanes.remove(&name),
                row,
            }
        });
        Ok(views.collect())
    }

    async fn accounts(
        &self,
        rows: &[WalletRow],
    ) -> HashMap<(i64, Address), (Option<U256>, Option<u64>)> {
        let mut found = HashMap::new();
        for chain in self.written() {
            let id = chain.chain_id.as_i64();
            let of_chain: Vec<Address> =
                rows.iter().filter(|row| row.chain_id == id).map(|row| row.address).collect();
            if of_chain.is_empty() {
                continue;
            }
            match chain.node.endpoint().accounts(&of_chain).await {
                Ok(answers) => {
                    for (address, (balance, nonce)) in of_chain.into_iter().zip(answers) {
                        found.insert((id, address), (balance.ok(), nonce.ok()));
                    }
                }
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the balances of wallets are not known"
                    );
                }
            }
        }
        found
    }
}

/// Name of the lease of a wallet's lane, as the transactor gives it.
fn lane_name(row: &WalletRow) -> String {
    format!("wallet:{}:{}", ChainId::from_i64(row.chain_id), row.address)
}
