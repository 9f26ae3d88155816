//! Operators decide about wallets: make, pause, resume, retire, rotate, drain.

use crate::{
    Answer, App, AppError, Caller, Field, Once, Refusal, WalletView, WriteSettings,
    address::parse_address,
    once::{ACCEPTED, Begun, CREATED, Done, Work, maker},
    quote_transaction::price,
    tell_change::{By, Decision},
};
use auth::Action;
use chain::CallRequest;
use db::{
    PgConnection,
    transactions::requests::{self, Transaction},
    wallets_reads::{self, WalletRow},
};
use serde_json::{Value, json};
use signer::ClientError;
use transactor::NewTransaction;
use vocab::{Address, Bytes, ChainId, U256, Urgency};

/// Kind of the transactions that empty a wallet. Lanes take them in whatever state the wallet is.
pub const DRAIN: &str = "drain";

/// A change of what a wallet may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalletChange {
    Pause,
    Resume,
    Retire,
}

impl WalletChange {
    /// As the audit log calls it.
    const fn act(self) -> &'static str {
        match self {
            Self::Pause => "paused",
            Self::Resume => "resumed",
            Self::Retire => "retired",
        }
    }
}

/// A wallet by its place on the wire.
#[derive(Clone, Copy, Debug)]
pub struct WalletPlace<'a> {
    pub chain_id: u64,
    pub address: &'a str,
}

impl App {
    /// Another wallet for a role: 201. Its key is the signer's next one; the transactor takes it
    /// into the pool by itself.
    ///
    /// # Errors
    /// [`Refusal::SignerRefused`] when the policy has no such role or no room;
    /// [`AppError::Signer`] when the signer is away.
    pub async fn create_wallet(
        &self,
        caller: Caller<'_>,
        once: Once<'_>,
        (chain_id, role): (Option<u64>, &str),
        render: impl Fn(&WalletView) -> Value + Send,
    ) -> Result<Answer, AppError> {
        let holder = maker(caller.actor, Action::ChangeWallet)?;
        let chain = self.writable(chain_id)?;
        let mut work = match self.begin_once(holder, once).await? {
            Begun::Answered(answer) => return Ok(answer),
            Begun::Open(work) => work,
        };
        let done = async {
            let db = &mut *work.transaction;
            let address = self.add_wallet(db, chain, role).await?;
            let row = one(db, chain.chain_id, address).await?;
            let by = By::Request(holder, caller);
            tell(db, by, ("created", &row), (Value::Null, terms_of(&row))).await?;
            let body = render(&WalletView::fresh(row)).to_string().into_bytes();
            Ok::<_, AppError>(Done::New(CREATED, body))
        };
        let done = done.await;
        self.settle_once(work, done).await
    }

    /// Pause, resume or retire a wallet: 202.
    ///
    /// # Errors
    /// [`Refusal::WalletUnknown`]; [`Refusal::WalletState`] when its state does not allow it.
    pub async fn change_wallet(
        &self,
        caller: Caller<'_>,
        once: Once<'_>,
        place: WalletPlace<'_>,
        change: WalletChange,
        render: impl Fn(&WalletView) -> Value + Send,
    ) -> Result<Answer, AppError> {
        let holder = maker(caller.actor, Action::ChangeWallet)?;
        let (chain, address) = self.place(place)?;
        let mut work = match self.begin_once(holder, once).await? {
            Begun::Answered(answer) => return Ok(answer),
            Begun::Open(work) => work,
        };
        let db = &mut *work.transaction;
        let done = async {
            let old = locked(db, chain, address).await?;
            let next = match (change, old.state.as_str()) {
                (WalletChange::Pause, "active") => "paused",
                (WalletChange::Resume, "paused") => "active",
                (WalletChange::Retire, "active" | "paused") => "retiring",
                (_, now) => {
                    return Err(Refusal::WalletState { detail: format!("it is {now}") }.into());
                }
            };
            wallets_reads::record_state(db, chain.chain_id, address, next).await?;
            let row = one(db, chain.chain_id, address).await?;
            let by = By::Request(holder, caller);
            tell(db, by, (change.act(), &row), (terms_of(&old), terms_of(&row))).await?;
            tracing::info!(wallet.address = %address, from = old.state, to = next,
                "wallet changed");
            Ok::<_, AppError>(Done::New(
                ACCEPTED,
                render(&WalletView::fresh(row)).to_string().into_bytes(),
            ))
        };
        let done = done.await;
        self.settle_and_wake(work, done, chain).await
    }

    /// Give a wallet's place to a new key: 202. The old one finishes what it has and takes no more.
    ///
    /// # Errors
    /// As [`App::create_wallet`] and [`App::change_wallet`].
    pub async fn rotate_wallet(
        &self,
        caller: Caller<'_>,
        once: Once<'_>,
        place: WalletPlace<'_>,
        render: impl Fn(&WalletView, &WalletView) -> Value + Send,
    ) -> Result<Answer, AppError> {
        let holder = maker(caller.actor, Action::ChangeWallet)?;
        let (chain, address) = self.place(place)?;
        let mut work = match self.begin_once(holder, once).await? {
            Begun::Answered(answer) => return Ok(answer),
            Begun::Open(work) => work,
        };
        let db = &mut *work.transaction;
        let done = async {
            let before = locked(db, chain, address).await?;
            if before.state == "retiring" {
                return Err(Refusal::WalletState { detail: "it is retiring already".into() }.into());
            }
            let new = self.add_wallet(db, chain, &before.role).await?;
            wallets_reads::record_state(db, chain.chain_id, address, "retiring").await?;
            let old = one(db, chain.chain_id, address).await?;
            let new = one(db, chain.chain_id, new).await?;
            let mut after = terms_of(&old);
            after["replaced_by"] = json!(new.address);
            let by = By::Request(holder, caller);
            tell(db, by, ("rotated", &old), (terms_of(&before), after)).await?;
            let (old, new) = (WalletView::fresh(old), WalletView::fresh(new));
            tracing::info!(wallet.address = %address, new = %new.row.address, "wallet rotated");
            Ok::<_, AppError>(Done::New(ACCEPTED, render(&old, &new).to_string().into_bytes()))
        };
        let done = done.await;
        self.settle_and_wake(work, done, chain).await
    }

    /// Send all that a wallet has, less the fee, to an address: 202 with the transaction. The
    /// wallet is paused, if it was active, and stays so.
    ///
    /// # Errors
    /// [`Refusal::WalletState`] while transactions of it are not final, or when it has too little.
    pub async fn drain_wallet(
        &self,
        caller: Caller<'_>,
        once: Once<'_>,
        place: WalletPlace<'_>,
        to: &str,
        render: impl Fn(&Transaction) -> Value + Send,
    ) -> Result<Answer, AppError> {
        let holder = maker(caller.actor, Action::ChangeWallet)?;
        let (chain, address) = self.place(place)?;
        let to = parse_address(to, Field::To)?;
        if to == address || to.is_zero() {
            let detail = "the recipient is the wallet itself, or nobody".to_owned();
            return Err(Refusal::WalletState { detail }.into());
        }
        let mut work = match self.begin_once(holder, once).await? {
            Begun::Answered(answer) => return Ok(answer),
            Begun::Open(work) => work,
        };
        let db = &mut *work.transaction;
        let done = async {
            let row = locked(db, chain, address).await?;
            let pending = row.open + row.waiting;
            if pending > 0 {
                let detail =
                    format!("{pending} of its transactions are not final yet; pause it first");
                return Err(Refusal::WalletState { detail }.into());
            }
            let offer = emptying(chain, address, to).await?;
            if row.state == "active" {
                wallets_reads::record_state(db, chain.chain_id, address, "paused").await?;
            }
            let now = one(db, chain.chain_id, address).await?;
            let new = NewTransaction {
                wallet: Some(address),
                to: Some(to),
                value: offer.value,
                gas_limit: Some(offer.gas_limit),
                fee_cap_wei: Some(offer.fee_cap),
                principal_id: Some(holder.principal),
                request_id: Some(caller.request_id.to_owned()),
                ..NewTransaction::new(chain.chain_id, &*row.role, DRAIN)
            };
            let id = transactor::enqueue(db, new).await?;
            let queued = requests::load(db, id.0).await?.ok_or(Refusal::TransactionUnknown)?;
            let mut after = terms_of(&now);
            after["transaction_id"] = json!(id);
            after["to"] = json!(to);
            after["value"] = json!(offer.value.to_string());
            let by = By::Request(holder, caller);
            tell(db, by, ("drained", &now), (terms_of(&row), after)).await?;
            tracing::info!(wallet.address = %address, transaction.id = %id, "wallet is drained");
            Ok::<_, AppError>(Done::New(ACCEPTED, render(&queued).to_string().into_bytes()))
        };
        let done = done.await;
        self.settle_and_wake(work, done, chain).await
    }

    fn place(&self, place: WalletPlace<'_>) -> Result<(&WriteSettings, Address), AppError> {
        let address = parse_address(place.address, Field::Address)?;
        Ok((self.writable(Some(place.chain_id))?, address))
    }

    /// The key of the role with the lowest number that is no wallet on this chain yet, or the next
    /// one: a death between key and commit leaves a key that the next call takes.
    async fn add_wallet(
        &self,
        db: &mut PgConnection,
        chain: &WriteSettings,
        role: &str,
    ) -> Result<Address, AppError> {
        let signer = &self.config().signer;
        let there = wallets_reads::load(db, Some(chain.chain_id), Some(role), None).await?;
        let mut keys = signer.list_keys().await.map_err(of_signer)?;
        keys.retain(|key| key.role == role);
        keys.sort_by_key(|key| key.index);
        let unused = keys.iter().find(|key| there.iter().all(|w| w.address != key.address));
        let next = keys.last().map_or(0, |key| key.index.saturating_add(1));
        let index = unused.map_or(next, |key| key.index);
        let address = signer.ensure_key(role, index).await.map_err(of_signer)?;
        let window = i32::from(chain.window(role));
        if !wallets_reads::record_added(db, chain.chain_id, role, address, window).await? {
            let detail = "a rival has just added it; try again".to_owned();
            return Err(Refusal::WalletState { detail }.into());
        }
        tracing::info!(wallet.address = %address, role, index, "wallet added");
        Ok(address)
    }

    async fn settle_and_wake(
        &self,
        work: Work,
        done: Result<Done, AppError>,
        chain: &WriteSettings,
    ) -> Result<Answer, AppError> {
        let answer = self.settle_once(work, done).await?;
        for role in &chain.call_roles {
            self.config().nudge.wake(chain.chain_id, role);
        }
        Ok(answer)
    }
}

struct Emptying {
    value: U256,
    gas_limit: u64,
    fee_cap: u128,
}

/// All that a wallet can send: what it has, less the most that sending may cost. What the block
/// charges below that stays behind.
async fn emptying(chain: &WriteSettings, from: Address, to: Address) -> Result<Emptying, AppError> {
    let balance = chain.node.read().balance(from).await?;
    let request = CallRequest { from, to: Some(to), value: U256::ZERO, data: Bytes::new() };
    let Ok(price) = price(chain, &request, Urgency::Normal).await? else {
        let detail = "the recipient does not take money".to_owned();
        return Err(Refusal::WalletState { detail }.into());
    };
    // Accounts without code take exactly this; contracts may want more for a value than for none.
    let gas = price.gas_estimate;
    let gas_limit = if gas <= 21_000 { 21_000 } else { gas.saturating_mul(2) };
    let fee_cap = price.max_fee_wei;
    let of_gas = |gas: u64| U256::from(fee_cap).saturating_mul(U256::from(gas));
    // What is not for gas is for publishing on L1.
    let apart = price.worst_wei.saturating_sub(of_gas(price.gas_limit));
    let fee = of_gas(gas_limit).saturating_add(apart);
    let value = balance.checked_sub(fee).filter(|left| !left.is_zero());
    let too_little = || Refusal::WalletState {
        detail: format!("it has {balance} wei, and sending them may cost {fee}"),
    };
    Ok(Emptying { value: value.ok_or_else(too_little)?, gas_limit, fee_cap })
}

/// The wallet, locked until the caller's transaction ends.
async fn locked(
    db: &mut PgConnection,
    chain: &WriteSettings,
    address: Address,
) -> Result<WalletRow, AppError> {
    wallets_reads::lock(db, chain.chain_id, address).await?;
    one(db, chain.chain_id, address).await
}

/// Record who made or changed a wallet.
async fn tell(
    db: &mut PgConnection,
    by: By<'_>,
    (act, row): (&'static str, &WalletRow),
    (before, after): (Value, Value),
) -> Result<(), AppError> {
    let decision = Decision {
        by,
        deed: Action::ChangeWallet.into(),
        about: ("wallet", row.address.to_string()),
        act,
        chain_id: Some(ChainId::from_i64(row.chain_id)),
        before,
        after,
    };
    Ok(journal::record(db, &[decision.fact()]).await?)
}

fn terms_of(row: &WalletRow) -> Value {
    json!({ "role": row.role, "state": row.state, "in_flight_max": row.in_flight_max })
}

async fn one(
    db: &mut PgConnection,
    chain: ChainId,
    address: Address,
) -> Result<WalletRow, AppError> {
    let rows = wallets_reads::load(db, Some(chain), None, Some(address)).await?;
    Ok(rows.into_iter().next().ok_or(Refusal::WalletUnknown)?)
}

fn of_signer(error: ClientError) -> AppError {
    match error {
        ClientError::Refused(refusal) => {
            Refusal::SignerRefused { detail: refusal.to_string() }.into()
        }
        error => AppError::Signer(error),
    }
}
