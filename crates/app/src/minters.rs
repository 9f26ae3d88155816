//! Whom the chain lets mint into a collection: `hasRole(MINTER_ROLE, …)`, as two endpoints say it
//! of one block (one, where the chain has one), known for a while.
//!
//! Who loses the role may go on here for [`MINTER_TTL`]; who gets it may be refused for
//! [`OTHER_TTL`]. Of any number of requests at once one asks, and the others wait for it.

use crate::{App, AppError, Refusal, Wanted};
use alloy_sol_types::{SolCall, SolValue};
use auth::{Action, Actor, Denied, Role, Tie, authorize, authorize_on};
use chain::{Agreement, CallRequest, Chain, Endpoint, RpcError};
use contracts::StoaCollection::hasRoleCall;
use db::collection_requests;
use futures_util::FutureExt;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};
use time::{Duration, OffsetDateTime};
use tokio::{sync::Semaphore, time::timeout};
use vocab::{Address, B256, Bytes, ChainId, U256, keccak};

const MINTER_TTL: Duration = Duration::seconds(300);
const OTHER_TTL: Duration = Duration::seconds(10);
/// Collections and wallets known at once; beyond it the cache starts anew.
const KNOWN_MAX: usize = 10_000;
/// Lookups at once: a slow node holds no more requests than these.
const LOOKUPS_MAX: usize = 32;
/// Who has not told by then does not tell.
const LOOKUP_TIME: std::time::Duration = std::time::Duration::from_secs(5);
/// Until they are asked again.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(400);

/// A chain, a collection, a wallet.
type Key = (ChainId, Address, Address);
/// What was said, and when. Locked while somebody asks.
type Slot = tokio::sync::Mutex<Option<(bool, OffsetDateTime)>>;

/// What is known of wallets and collections.
#[derive(Debug)]
pub(crate) struct Minters {
    known: Mutex<HashMap<Key, Arc<Slot>>>,
    lookups: Semaphore,
}

impl Default for Minters {
    fn default() -> Self {
        Self { known: Mutex::default(), lookups: Semaphore::new(LOOKUPS_MAX) }
    }
}

impl Minters {
    fn slot(&self, key: Key) -> Arc<Slot> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX && !known.contains_key(&key) {
            known.clear();
        }
        known.entry(key).or_default().clone()
    }
}

impl App {
    /// May the caller mint all of these?
    ///
    /// # Errors
    /// [`Denied`]; [`Refusal::RoleUnchecked`] when the chain does not tell.
    pub(crate) async fn allow_mints(
        &self,
        actor: &Actor,
        wanted: &[Wanted<'_>],
    ) -> Result<(), AppError> {
        // Keys, and who may mint anywhere, are tied to nothing.
        if authorize(actor, Action::RequestMint).is_ok() {
            return Ok(());
        }
        let places: HashSet<(ChainId, Address)> = wanted.iter().map(Wanted::place).collect();
        for place in places {
            let tie = self.mint_tie(actor, place).await?;
            authorize_on(actor, Action::RequestMint, tie)?;
        }
        Ok(())
    }

    async fn mint_tie(
        &self,
        actor: &Actor,
        (chain, contract): (ChainId, Address),
    ) -> Result<Tie, AppError> {
        let user = actor.user().map_err(|_| AppError::Denied(Denied::NeedsMinter))?;
        if user.is_one_of(&[Role::Organizer]) {
            let mut db = self.connection().await?;
            let asked = collection_requests::load(&mut db, chain, contract).await?;
            if asked.is_some_and(|asked| asked.principal_id == user.principal.0) {
                return Ok(Tie::Owner);
            }
        }
        let minter = match user.wallet_on(chain) {
            Some(wallet) => self.is_minter(chain, contract, wallet).await?,
            None => false,
        };
        Ok(if minter { Tie::Minter } else { Tie::None })
    }

    async fn is_minter(
        &self,
        chain: ChainId,
        contract: Address,
        wallet: Address,
    ) -> Result<bool, AppError> {
        let minters = &self.0.minters;
        let slot = minters.slot((chain, contract, wallet));
        let mut known = slot.lock().await;
        let now = self.config().clock.now();
        if let Some((minter, at)) = *known
            && now - at < if minter { MINTER_TTL } else { OTHER_TTL }
        {
            return Ok(minter);
        }
        let unchecked = AppError::Refused(Refusal::RoleUnchecked);
        let Ok(_place) = minters.lookups.try_acquire() else { return Err(unchecked) };
        let node = &self.writable(Some(chain.0))?.node;
        let said = timeout(LOOKUP_TIME, ask(node, contract, wallet)).await;
        let minter = said.unwrap_or(Agreement::Unknown).agreed().ok_or(unchecked)?;
        *known = Some((minter, now));
        Ok(minter)
    }
}

/// What the endpoints say as of one block. One that has not got the block yet is asked again. Does
/// not end by itself while they do not tell.
async fn ask(chain: &Chain, contract: Address, wallet: Address) -> Agreement<bool> {
    let Ok(head) = chain.read().head().await else { return Agreement::Unknown };
    let call = hasRoleCall { role: minter_role(), account: wallet };
    let request = CallRequest {
        from: Address::ZERO,
        to: Some(contract),
        value: U256::ZERO,
        data: Bytes::from(call.abi_encode()),
    };
    let look = |endpoint: Endpoint| {
        let request = request.clone();
        async move { has_role(&endpoint, request, head.hash).await }.boxed()
    };
    loop {
        match chain.agree("minter_role", look).await {
            Agreement::Unknown => tokio::time::sleep(PAUSE).await,
            said => return said,
        }
    }
}

async fn has_role(
    endpoint: &Endpoint,
    request: CallRequest,
    block: B256,
) -> Result<bool, RpcError> {
    let said = endpoint.simulate_at(&[request], block).await?.pop();
    let said = said.ok_or_else(|| RpcError::Unreachable("no answer".into()))??;
    // What is no bool is no yes.
    Ok(bool::abi_decode(&said).unwrap_or(false))
}

fn minter_role() -> B256 {
    keccak("MINTER_ROLE")
}
