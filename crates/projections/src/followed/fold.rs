//! From the logs of a piece of blocks to what they change, each row once.

use super::{
    CONSECUTIVE_MAX,
    read::{Said, Unread, read},
};
use crate::Standard;
use alloy_primitives::{
    Address, U256,
    aliases::{I512, U512},
};
use db::{
    allowances::AllowanceRow, balances::BalanceChange, items_owners::OwnerChange,
    metadata_updates::MetadataUpdate, operator_approvals::OperatorRow, raw_logs::RawLog,
    token_approvals::ApprovalChange, transfers::TransferRow, undecoded_logs::UndecodedLog,
};
use std::collections::HashMap;
use time::OffsetDateTime;

/// What a piece of blocks changes: rows by their keys, each once, in the order of the keys, and
/// what is only added, in the order of the chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    pub balances: Vec<BalanceChange>,
    pub owners: Vec<OwnerChange>,
    pub allowances: Vec<AllowanceRow>,
    pub token_approvals: Vec<ApprovalChange>,
    pub operators: Vec<OperatorRow>,
    pub transfers: Vec<TransferRow>,
    pub metadata_updates: Vec<MetadataUpdate>,
    pub undecoded: Vec<UndecodedLog>,
}

/// What comes of `logs`, which are whole blocks in order, of followed contracts.
#[must_use]
pub fn fold(standards: &HashMap<Address, Standard>, logs: &[RawLog]) -> Folded {
    let mut fold = Fold::default();
    fold.add(standards, logs);
    fold.finish()
}

/// A fold under way: piece after piece may be added.
#[derive(Default)]
pub(crate) struct Fold {
    balances: HashMap<(Address, U256, Address), BalanceChange>,
    owners: HashMap<(Address, U256), OwnerChange>,
    allowances: HashMap<(Address, Address, Address), AllowanceRow>,
    token_approvals: HashMap<(Address, U256), ApprovalChange>,
    operators: HashMap<(Address, Address, Address), OperatorRow>,
    folded: Folded,
    /// Tokens that consecutive transfers have moved in the present block.
    consecutive: HashMap<Address, u64>,
    /// Of the present transaction: deposits and withdrawals, and who had something minted or
    /// burned by a transfer.
    wrapped: Vec<(Address, Address, U256, bool, u64)>,
    minted: Vec<(Address, Address)>,
    burned: Vec<(Address, Address)>,
}

impl Fold {
    /// Add `logs`, which are whole blocks above those that were added before, in order.
    pub(crate) fn add(&mut self, standards: &HashMap<Address, Standard>, logs: &[RawLog]) {
        for block in logs.chunk_by(|one, next| one.block_number == next.block_number) {
            self.consecutive.clear();
            for transaction in block.chunk_by(|one, next| one.tx_index == next.tx_index) {
                self.transaction(standards, transaction);
            }
        }
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

    fn transaction(&mut self, standards: &HashMap<Address, Standard>, logs: &[RawLog]) {
        for log in logs {
            let Some(standard) = standards.get(&log.address) else { continue };
            let done = read(*standard, log).and_then(|said| self.log(log, said));
            if let Err(why) = done {
                self.folded.undecoded.push(UndecodedLog {
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

    fn log(&mut self, log: &RawLog, said: Said) -> Result<(), Unread> {
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
            }
            Said::Deposit { account, amount } => {
                self.wrapped.push((contract, account, amount, true, updated_block));
            }
            Said::Withdrawal { account, amount } => {
                self.wrapped.push((contract, account, amount, false, updated_block));
            }
            Said::Allowance { owner, spender, amount } => {
                let row = AllowanceRow { contract, owner, spender, amount, updated_block };
                self.allowances.insert((contract, owner, spender), row);
            }
            Said::ItemTransfer { from, to, token_id } => {
                self.move_item(log, (from, to), token_id, 0);
            }
            Said::ConsecutiveTransfer { first, last, from, to } => {
                return self.move_items(log, (first, last), (from, to));
            }
            Said::TokenApproval { token_id, approved } => {
                let approved = (!approved.is_zero()).then_some(approved);
                let change = ApprovalChange { contract, token_id, approved, updated_block };
                self.token_approvals.insert((contract, token_id), change);
            }
            Said::OperatorApproval { owner, operator, approved } => {
                let row = OperatorRow { contract, owner, operator, approved, updated_block };
                self.operators.insert((contract, owner, operator), row);
            }
            Said::MetadataUpdate { first, last, uri } => {
                let (block_number, log_index) = (log.block_number, log.log_index);
                let update = MetadataUpdate { block_number, log_index, contract, first, last, uri };
                self.folded.metadata_updates.push(update);
            }
            Said::Amounts { from, to, parts } => {
                for (place, (token_id, amount)) in (0..).zip(parts) {
                    self.move_amount((contract, token_id), (from, to), amount, updated_block);
                    self.push_transfer(log, (from, to), (token_id, Some(amount)), place);
                }
            }
        }
        Ok(())
    }

    /// Deposits and withdrawals of the transaction that is over. A contract that tells of a mint
    /// (or burn) for the same account beside them has said it already.
    fn settle_wrapped(&mut self) {
        for (contract, account, amount, deposit, block) in std::mem::take(&mut self.wrapped) {
            let told = if deposit { &self.minted } else { &self.burned };
            if told.contains(&(contract, account)) {
                continue;
            }
            let parties = if deposit { (Address::ZERO, account) } else { (account, Address::ZERO) };
            self.move_amount((contract, U256::ZERO), parties, amount, block);
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
            let change = self.balances.entry(key).or_insert(BalanceChange {
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
        let change = self.owners.entry((contract, token_id)).or_insert(OwnerChange {
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
        self.token_approvals.insert((contract, token_id), ended);
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
        self.folded.transfers.push(TransferRow {
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

    pub(crate) fn finish(self) -> Folded {
        Folded {
            balances: sorted(self.balances),
            owners: sorted(self.owners),
            allowances: sorted(self.allowances),
            token_approvals: sorted(self.token_approvals),
            operators: sorted(self.operators),
            ..self.folded
        }
    }
}

fn sorted<K: Ord, V>(rows: HashMap<K, V>) -> Vec<V> {
    let mut rows: Vec<(K, V)> = rows.into_iter().collect();
    rows.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    rows.into_iter().map(|(_, row)| row).collect()
}
