//! Which ABI belongs to an address or a name: our own contracts first, then uploaded ABIs.

use crate::{App, AppError, Refusal, WriteSettings};
use abi::Contract;
use contracts::{COLLECTION, REGISTRY};
use db::abis::{self, AbiRow};
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use vocab::{Address, ChainId};

/// Stands for the collection that mints go to when they name none.
pub(crate) const DEFAULT_COLLECTION: &str = "default_collection";
/// For how long another process's change of the registry may go unseen.
const CONTRACT_TTL: Duration = Duration::from_secs(10);
const CONTRACTS_MAX: usize = 256;

static BUILT_IN: LazyLock<Vec<(&'static str, Arc<Contract>)>> = LazyLock::new(|| {
    let parsed = REGISTRY.iter().map(|artifact| {
        let contract = Contract::parse(&artifact.abi());
        (artifact.name, Arc::new(contract.expect("invariant: our own ABIs are sound")))
    });
    parsed.collect()
});

/// A contract that can be called by name and types.
#[derive(Clone, Debug)]
pub struct KnownContract {
    pub address: Address,
    pub name: String,
    pub contract: Arc<Contract>,
}

#[derive(Clone, Debug)]
pub(crate) struct Cached {
    known: KnownContract,
    loaded: Instant,
}

pub(crate) type ContractCache = HashMap<(ChainId, Address), Cached>;

/// The ABI of a contract of ours.
pub(crate) fn built_in(name: &str) -> Option<Arc<Contract>> {
    BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, contract)| contract.clone())
}

/// Is this a name that no upload may take?
pub(crate) fn is_reserved(name: &str) -> bool {
    name == DEFAULT_COLLECTION || REGISTRY.iter().any(|artifact| artifact.name == name)
}

/// Names and arguments of an error of one of our contracts, or of Solidity itself.
pub(crate) fn known_error(target: Option<&Contract>, data: &[u8]) -> Option<abi::Failed> {
    let ours = || BUILT_IN.iter().find_map(|(_, contract)| contract.decode_error(data));
    abi::builtin_error(data)
        .or_else(|| target.and_then(|contract| contract.decode_error(data)))
        .or_else(ours)
}

impl App {
    /// What is known of the contract at an address.
    pub(crate) async fn contract_at(
        &self,
        chain: ChainId,
        address: Address,
    ) -> Result<Option<KnownContract>, AppError> {
        let cached = self.contracts().get(&(chain, address)).cloned();
        if let Some(cached) = cached.filter(|cached| cached.loaded.elapsed() < CONTRACT_TTL) {
            return Ok(Some(cached.known));
        }
        let mut db = self.connection().await?;
        let row = abis::find_at(&mut db, chain, address, COLLECTION.name).await?;
        row.map(|row| self.keep(chain, row)).transpose()
    }

    /// The contract with a name.
    pub(crate) async fn contract_named(
        &self,
        chain: &WriteSettings,
        name: &str,
    ) -> Result<KnownContract, AppError> {
        if name == DEFAULT_COLLECTION {
            let address = chain.default_collection.ok_or(Refusal::ContractUnknown)?;
            let found = self.contract_at(chain.chain_id, address).await?;
            return Ok(found.ok_or(Refusal::ContractUnknown)?);
        }
        let mut db = self.connection().await?;
        let row = abis::find_named(&mut db, chain.chain_id, name).await?;
        self.keep(chain.chain_id, row.ok_or(Refusal::ContractUnknown)?)
    }

    fn keep(&self, chain: ChainId, row: AbiRow) -> Result<KnownContract, AppError> {
        let contract = match &row.abi {
            None => built_in(&row.name)
                .ok_or(AppError::Bug("a deployed contract of ours has no ABI"))?,
            Some(abi) => Arc::new(
                Contract::parse(abi)
                    .map_err(|_| AppError::Bug("a stored ABI can't be read any more"))?,
            ),
        };
        let known = KnownContract { address: row.address, name: row.name, contract };
        let mut contracts = self.contracts();
        if contracts.len() >= CONTRACTS_MAX {
            contracts.clear();
        }
        let cached = Cached { known: known.clone(), loaded: Instant::now() };
        contracts.insert((chain, known.address), cached);
        Ok(known)
    }

    /// After a change of the registry by this process.
    pub(crate) fn forget_contract(&self, chain: ChainId, address: Address) {
        self.contracts().remove(&(chain, address));
    }

    fn contracts(&self) -> MutexGuard<'_, ContractCache> {
        self.0.contracts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
