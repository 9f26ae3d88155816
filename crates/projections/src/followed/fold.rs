//! From the logs of a piece of blocks to what they change, each row once.

use super::{
    CONSECUTIVE_MAX, is_of,
    read::{Said, Unread, read},
};
use crate::Standard;
use alloy_primitives::{
    Address, U256,
    aliases::{I512, U512},
};
use db::{
    allowances::AllowanceRow,
    balances::{BalanceChange, Touched},
    items_owners::OwnerChange,
    metadata_updates::MetadataUpdate,
    operator_approvals::OperatorRow,
    raw_logs::RawLog,
    token_approvals::ApprovalChange,
    transfers::TransferRow,
    undecoded_logs::UndecodedLog,
};
use std::collections::HashMap;
use time::OffsetDateTime;

/// What a piece of blocks changes: rows by their keys, each once, in the order of the keys, and
/// what is only added, in the order of the chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    pub balances: Vec<BalanceChange>,
    /// Of contracts whose logs do not tell balances: those that may have changed.
    pub touched: Vec<Touched>,
    pub owners: Vec<OwnerChange>,
    pub allowances: Vec<AllowanceRow>,
    pub token_approvals: Vec<ApprovalChange>,
    pub operators: Vec<OperatorRow>,
    pub transfers: Vec<TransferRow>,
    pub metadata_updates: Vec<MetadataUpdate>,
    pub undecoded: Vec<UndecodedLog>,
}

/// Something that a log says has moved or changed, to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told<'a> {
    pub log: &'a RawLog,
    pub what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Of ERC-20 or, with a token id, ERC-1155. Never nothing.
    Tokens { from: Address, to: Address, token_id: Option<U256>, amount: U256 },
    /// Items from `first` to `last`, both included.
    Items { from: Address, to: Address, first: U256, last: U256 },
    /// Metadata of the items (or tokens) from `first` to `last`, both included.
    Metadata { first: U256, last: U256 },
}

/// What comes of `logs`, which are whole blocks in order, of followed contracts.
#[must_use]
pub fn fold(standards: &HashMap<Address, Standard>, logs: &[RawLog]) -> Folded {
    fold_with(standards, logs, None).0
}

/// The same, and what is to be told of it, in the order of the chain.
#[must_use]
pub fn fold_and_tell<'a>(
    standards: &HashMap<Address, Standard>,
    logs: &'a [RawLog],
) -> (Folded, Vec<Told<'a>>) {
    fold_with(standards, logs, Some(Vec::new()))
}

fn fold_with<'a>(
    standards: &HashMap<Address, Standard>,
    logs: &'a [RawLog],
    told: Option<Vec<Told<'a>>>,
) -> (Folded, Vec<Told<'a>>) {
    let mut fold = Fold { told, ..Fold::default() };
    fold.blocks(standards, logs);
    let mut told = fold.told.unwrap_or_default();
    // Deposits and withdrawals are known at the end of their transaction.
    told.sort_by_key(|told| (told.log.block_number, told.log.log_index));
    (fold.rows.finish(standards), told)
}

/// What was folded so far: piece after piece may be added.
#[derive(Default)]
pub(crate) struct Gathered {
    balances: HashMap<(Address, U256, Address), BalanceChange>,
    owners: HashMap<(Address, U256), OwnerChange>,
    allowances: HashMap<(Address, Address, Address), AllowanceRow>,
    token_approvals: HashMap<(Address, U256), ApprovalChange>,
    operators: HashMap<(Address, Address, Address), OperatorRow>,
    folded: Folded,
}

impl Gathered {
    /// Add `logs`, which are whole blocks above those that were added before, in order.
    pub(crate) fn add(&mut self, standards: &HashMap<Address, Standard>, logs: &[RawLog]) {
        let mut fold = Fold { rows: std::mem::take(self), ..Fold::default() };
        fold.blocks(standards, logs);
        *self = fold.rows;
    }

    /// Rows by their keys that have changed so far.
    pub(crate) fn changed(&self) -> usize {
        self.balances.len()
            + self.owners.len()
            + self.allowances.len()
            + self.token_approvals.len()
            + self.operators.len()
    }

    /// What was only added so far: it need not wait for the rows that change.
    pub(crate) fn take_added(&mut self) -> Folded {
        std::mem::take(&mut self.folded)
    }

    pub(crate) fn finish(self, standards: &HashMap<Address, Standard>) -> Folded {
        let is_read = |change: &BalanceChange| {
            standards.get(&change.contract).is_some_and(|standard| standard.is_read())
        };
        let (read, balances): (Vec<_>, Vec<_>) =
            sorted(self.balances).into_iter().partition(is_read);
        let touched = |change: BalanceChange| {
            let BalanceChange { contract, account, updated_block, .. } = change;
            Touched { contract, account, updated_block }
        };
        Folded {
            balances,
            touched: read.into_iter().map(touched).collect(),
            owners: sorted(self.owners),
            allowances: sorted(self.allowances),
            token_approvals: sorted(self.token_approvals),
            operators: sorted(self.operators),
            ..self.folded
        }
    }
}

#[derive(Default)]
struct Fold<'a> {
    rows: Gathered,
    /// None: nobody wants to know.
    told: Option<Vec<Told<'a>>>,
    /// Tokens that consecutive transfers have moved in the present block.
    consecutive: HashMap<Address, u64>,
    /// Of the present transaction: deposits and withdrawals, and who had something minted or
    /// burned by a transfer.
    wrapped: Vec<(&'a RawLog, Address, U256, bool)>,
    minted: Vec<(Address, Address)>,
    burned: Vec<(Address, Address)>,
}

impl<'a> Fold<'a> {
    fn blocks(&mut self, standards: &HashMap<Address, Standard>, logs: &'a [RawLog]) {
        for block in logs.chunk_by(|one, next| one.block_number == next.block_number) {
            self.consecutive.clear();
            for transaction in block.chunk_by(|one, next| one.tx_index == next.tx_index) {
                self.transaction(standards, transaction);
            }
        }
    }

    fn transaction(&mut self, standards: &HashMap<Address, Standard>, logs: &'a [RawLog]) {
        for log in logs {
            let Some(standard) = standards.get(&log.address) else { continue };
            let done = read(*standard, log).and_then(|said| self.log(log, said));
            if let Err(why) = done
                && is_of(*standard, log)
            {
                self.rows.folded.undecoded.push(UndecodedLog {
                    block_number: log.block_number,
                    log_index: log.log_index,
                    contract: log.address,
                    reason: why.as_str(),
                });
            }
        }
        self.settle_wrapped();
        self.minted.clear();
        self.burned.clear();
    }

    fn log(&mut self, log: &'a RawLog, said: Said) -> Result<(), Unread> {
        let (contract, updated_block) = (log.address, log.block_number);
        match said {
            Said::Transfer { from, to, amount } => {
                if from.is_zero() {
                    self.minted.push((contract, to));
                }
                if to.is_zero() {
                    self.burned.push((contract, from));
                }
                self.move_amount((contract, U256::ZERO), (from, to), amount, updated_block);
                self.tell_tokens(log, (from, to), None, amount);
            }
            Said::Deposit { account, amount } => {
                self.wrapped.push((log, account, amount, true));
            }
            Said::Withdrawal { account, amount } => {
                self.wrapped.push((log, account, amount, false));
            }
            Said::Allowance { owner, spender, amount } => {
                let row = AllowanceRow { contract, owner, spender, amount, updated_block };
                self.rows.allowances.insert((contract, owner, spender), row);
            }
            Said::ItemTransfer { from, to, token_id } => {
                self.move_item(log, (from, to), token_id, 0);
                self.tell(log, What::Items { from, to, first: token_id, last: token_id });
            }
            Said::ConsecutiveTransfer { first, last, from, to } => {
                self.move_items(log, (first, last), (from, to))?;
                self.tell(log, What::Items { from, to, first, last });
            }
            Said::TokenApproval { token_id, approved } => {
                let approved = (!approved.is_zero()).then_some(approved);
                let change = ApprovalChange { contract, token_id, approved, updated_block };
                self.rows.token_approvals.insert((contract, token_id), change);
            }
            Said::OperatorApproval { owner, operator, approved } => {
                let row = OperatorRow { contract, owner, operator, approved, updated_block };
                self.rows.operators.insert((contract, owner, operator), row);
            }
            Said::MetadataUpdate { first, last, uri } => {
                self.tell(log, What::Metadata { first, last });
                let (block_number, log_index) = (log.block_number, log.log_index);
                let update = MetadataUpdate { block_number, log_index, contract, first, last, uri };
                self.rows.folded.metadata_updates.push(update);
            }
            Said::Amounts { from, to, parts } => {
                for (place, (token_id, amount)) in (0..).zip(parts) {
                    self.move_amount((contract, token_id), (from, to), amount, updated_block);
                    self.push_transfer(log, (from, to), (token_id, Some(amount)), place);
                    self.tell_tokens(log, (from, to), Some(token_id), amount);
                }
            }
        }
        Ok(())
    }

    /// Deposits and withdrawals of the transaction that is over. A contract that tells of a mint
    /// (or burn) for the same account beside them has said it already.
    fn settle_wrapped(&mut self) {
        for (log, account, amount, deposit) in std::mem::take(&mut self.wrapped) {
            let (contract, block) = (log.address, log.block_number);
            let told = if deposit { &self.minted } else { &self.burned };
            if told.contains(&(contract, account)) {
                continue;
            }
            let parties = if deposit { (Address::ZERO, account) } else { (account, Address::ZERO) };
            self.move_amount((contract, U256::ZERO), parties, amount, block);
            self.tell_tokens(log, parties, None, amount);
        }
    }

    fn tell(&mut self, log: &'a RawLog, what: What) {
        if let Some(told) = &mut self.told {
            told.push(Told { log, what });
        }
    }

    /// Who moves nothing wants to be seen beside addresses that resemble their own.
    fn tell_tokens(
        &mut self,
        log: &'a RawLog,
        (from, to): (Address, Address),
        token_id: Option<U256>,
        amount: U256,
    ) {
        if !amount.is_zero() {
            self.tell(log, What::Tokens { from, to, token_id, amount });
        }
    }

    /// The zero address has no balance: it mints and burns.
    fn move_amount(
        &mut self,
        (contract, token_id): (Address, U256),
        (from, to): (Address, Address),
        amount: U256,
        block: u64,
    ) {
        if amount.is_zero() {
            return;
        }
        let amount = I512::from_raw(U512::from(amount));
        for (account, delta) in [(from, -amount), (to, amount)] {
            if account.is_zero() {
                continue;
            }
            let key = (contract, token_id, account);
            let change = self.rows.balances.entry(key).or_insert(BalanceChange {
                contract,
                token_id,
                account,
                delta: I512::ZERO,
                lowest: I512::ZERO,
                highest: I512::ZERO,
                updated_block: block,
            });
            // 2^256 × the logs of a piece is far from 2^511.
            change.delta = change.delta.wrapping_add(delta);
            change.lowest = change.lowest.min(change.delta);
            change.highest = change.highest.max(change.delta);
            change.updated_block = block;
        }
    }

    fn move_item(
        &mut self,
        log: &RawLog,
        (from, to): (Address, Address),
        token_id: U256,
        place: u32,
    ) {
        let (contract, minted) = (log.address, from.is_zero());
        let change = self.rows.owners.entry((contract, token_id)).or_insert(OwnerChange {
            contract,
            token_id,
            owner: None,
            minted,
            minted_block: log.block_number,
            minted_tx: log.tx_hash,
            updated_block: log.block_number,
        });
        if minted {
            change.minted = true;
            (change.minted_block, change.minted_tx) = (log.block_number, log.tx_hash);
        }
        change.owner = (!to.is_zero()).then_some(to);
        change.updated_block = log.block_number;
        let updated_block = log.block_number;
        // Whoever was approved is so no more (EIP-721, `Approval`).
        let ended = ApprovalChange { contract, token_id, approved: None, updated_block };
        self.rows.token_approvals.insert((contract, token_id), ended);
        self.push_transfer(log, (from, to), (token_id, None), place);
    }

    fn move_items(
        &mut self,
        log: &RawLog,
        (first, last): (U256, U256),
        parties: (Address, Address),
    ) -> Result<(), Unread> {
        let moved = self.consecutive.entry(log.address).or_default();
        let count = (last - first).checked_add(U256::from(1)).ok_or(Unread::TooLong)?;
        let count = u64::try_from(count).map_err(|_| Unread::TooLong)?;
        if count > CONSECUTIVE_MAX - *moved {
            return Err(Unread::TooLong);
        }
        *moved += count;
        for (place, offset) in (0..).zip(0..count) {
            self.move_item(log, parties, first + U256::from(offset), place);
        }
        Ok(())
    }

    fn push_transfer(
        &mut self,
        log: &RawLog,
        (sender, recipient): (Address, Address),
        (token_id, amount): (U256, Option<U256>),
        place: u32,
    ) {
        self.rows.folded.transfers.push(TransferRow {
            block_number: log.block_number,
            log_index: log.log_index,
            place,
            block_hash: log.block_hash,
            tx_hash: log.tx_hash,
            contract: log.address,
            token_id,
            amount,
            sender,
            recipient,
            // Only logs that the first versions stored have no time, and those were of ours.
            mined_at: log.mined_at.unwrap_or(OffsetDateTime::UNIX_EPOCH),
        });
    }
}

fn sorted<K: Ord, V>(rows: HashMap<K, V>) -> Vec<V> {
    let mut rows: Vec<(K, V)> = rows.into_iter().collect();
    rows.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    rows.into_iter().map(|(_, row)| row).collect()
}
