//! Balances that logs do not tell, and that are read of the contracts: which ones a block asks for,
//! and what the answers change.
//!
//! A block's logs say whose balance may have changed ([`Folded::touched`]); until it is read, as of
//! that block, it is not known. Where tokens rebase, balances change without a log: so every known
//! account is read again in the block whose number says so, whatever came before. Both depend on
//! the chain alone, so two indexes of it ask the same.

use super::fold::{Folded, fold};
use crate::Standard;
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::{SolCall, sol};
use db::{
    DbError, PgConnection,
    balance_readings::{self, Holder, Reading},
    balances,
    raw_logs::RawLog,
};
use indexer::{Answer, Asking, Question, Sources};
use std::collections::{BTreeSet, HashMap, HashSet};
use vocab::{BlockRef, ChainId};

/// Accounts that one block reads again. Of more, each round of blocks takes another part.
const AGAIN_MAX: usize = 2_000;
/// Accounts that one block chooses among.
const KNOWN_MAX: i64 = 100_000;
/// Accounts that are read together when the index has caught up.
const UNREAD_PAGE: i64 = 1_000;
/// Pages of a rebuild.
const PAGE: i64 = 10_000;

sol! {
    function balanceOf(address account) returns (uint256);
}

/// The call that asks an ERC-20 for what an account has.
pub(crate) fn balance_of(account: Address) -> Bytes {
    balanceOfCall { account }.abi_encode().into()
}

/// Contracts among these sources that are read.
pub(crate) fn read_of(sources: &Sources) -> Vec<Address> {
    let read = Standard::ALL.into_iter().filter(|standard| standard.is_read());
    let mut contracts: Vec<Address> =
        read.flat_map(|standard| sources.of_kind(standard.as_str())).collect();
    contracts.sort_unstable();
    contracts
}

/// What is to be asked as of blocks that are about to be committed, whose logs these are.
pub(crate) async fn questions(
    db: &mut PgConnection,
    asking: &Asking<'_>,
    standards: &HashMap<Address, Standard>,
    logs: &[RawLog],
) -> Result<Vec<Question>, DbError> {
    let of_read = |log: &&RawLog| standards.get(&log.address).is_some_and(|s| s.is_read());
    let logs: Vec<RawLog> = logs.iter().filter(of_read).cloned().collect();
    let rebasing = asking.sources.of_kind(Standard::Erc20Rebasing.as_str());
    let mut asked = Vec::new();
    // Known by blocks that are not committed yet.
    let mut new: BTreeSet<Holder> = BTreeSet::new();
    for block in asking.blocks {
        let touched = fold(standards, of_block(&logs, block.number)).touched;
        let touched: BTreeSet<Holder> = touched.iter().map(|t| (t.contract, t.account)).collect();
        if block.number > asking.after {
            let mut wanted = touched.clone();
            if !rebasing.is_empty() && asking.reread_blocks > 0 {
                let turn = Turn::of(block.number, asking.reread_blocks);
                wanted.extend(again(db, asking.chain_id, &rebasing, turn, &new).await?);
            }
            asked.extend(wanted.into_iter().map(|holder| question(*block, holder)));
        }
        let rebases = |(contract, _): &Holder| rebasing.binary_search(contract).is_ok();
        new.extend(touched.into_iter().filter(rebases));
    }
    Ok(asked)
}

/// A page of what is not known as of the checkpoint.
pub(crate) async fn unread(
    db: &mut PgConnection,
    chain: ChainId,
    sources: &Sources,
    (at, after): (BlockRef, Option<Holder>),
) -> Result<Vec<Question>, DbError> {
    let read = read_of(sources);
    let found = balance_readings::load_unread(db, chain, &read, after, UNREAD_PAGE).await?;
    Ok(found.into_iter().map(|holder| question(at, holder)).collect())
}

fn question(block: BlockRef, (contract, account): Holder) -> Question {
    Question { block, contract, account, input: balance_of(account) }
}

/// Which accounts have their turn in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Turn {
    first: Address,
    last: Address,
    /// How often all had theirs before.
    round: u64,
}

impl Turn {
    /// Addresses are cut into `every` equal parts, of which each block takes the next one.
    fn of(block: u64, every: u64) -> Self {
        let all = U256::from(1) << 160;
        let begin = |part: u64| all / U256::from(every) * U256::from(part);
        let (part, round) = (block % every, block / every);
        let end = if part + 1 == every { all } else { begin(part + 1) };
        let address = |at: U256| Address::from_word(at.into());
        Self { first: address(begin(part)), last: address(end - U256::from(1)), round }
    }

    fn has(&self, (_, account): &Holder) -> bool {
        (self.first..=self.last).contains(account)
    }

    /// Not more than a block may read.
    fn choose(&self, known: Vec<Holder>) -> Vec<Holder> {
        let parts = known.len().div_ceil(AGAIN_MAX).max(1) as u64;
        let chosen = usize::try_from(self.round % parts).unwrap_or(0);
        known.into_iter().skip(chosen * AGAIN_MAX).take(AGAIN_MAX).collect()
    }
}

async fn again(
    db: &mut PgConnection,
    chain: ChainId,
    contracts: &[Address],
    turn: Turn,
    new: &BTreeSet<Holder>,
) -> Result<Vec<Holder>, DbError> {
    let bounds = (turn.first, turn.last);
    let known = balance_readings::load_holders(db, chain, contracts, bounds, KNOWN_MAX).await?;
    let mut known: BTreeSet<Holder> = known.into_iter().collect();
    known.extend(new.iter().filter(|holder| turn.has(holder)).copied());
    Ok(turn.choose(known.into_iter().collect()))
}

/// Answers as what they are of.
pub(crate) fn readings(answers: &[Answer]) -> Vec<Reading> {
    let read = |answer: &Answer| Reading {
        contract: answer.question.contract,
        account: answer.question.account,
        block_number: answer.question.block.number,
        balance: answer.said.as_ref().and_then(|said| number(said)),
    };
    answers.iter().map(read).collect()
}

/// None when it is no word: the contract is no ERC-20, or not there.
fn number(said: &[u8]) -> Option<U256> {
    let word: &[u8; 32] = said.get(..32)?.try_into().ok()?;
    Some(U256::from_be_bytes(*word))
}

/// Of logs and readings in rising order, those of each block.
pub(crate) fn by_block<'a>(
    logs: &'a [RawLog],
    readings: &'a [Reading],
) -> Vec<(u64, &'a [RawLog], &'a [Reading])> {
    let numbers = logs.iter().map(|log| log.block_number);
    let numbers: BTreeSet<u64> =
        numbers.chain(readings.iter().map(|reading| reading.block_number)).collect();
    let said = |number| {
        let first = readings.partition_point(|reading| reading.block_number < number);
        let after = readings.partition_point(|reading| reading.block_number <= number);
        &readings[first..after]
    };
    numbers.into_iter().map(|number| (number, of_block(logs, number), said(number))).collect()
}

fn of_block(logs: &[RawLog], number: u64) -> &[RawLog] {
    let first = logs.partition_point(|log| log.block_number < number);
    let after = logs.partition_point(|log| log.block_number <= number);
    &logs[first..after]
}

/// Those that a block's rows are written by: of accounts that its logs touch, and of others whose
/// row they change.
pub(crate) async fn applied<'a>(
    db: &mut PgConnection,
    chain: ChainId,
    folded: &Folded,
    readings: &'a [Reading],
) -> Result<Vec<&'a Reading>, DbError> {
    let mut wanted: HashSet<Holder> =
        folded.touched.iter().map(|touched| (touched.contract, touched.account)).collect();
    let others = readings.iter().filter(|reading| !wanted.contains(&holder(reading)));
    wanted.extend(balances::load_differing(db, chain, others).await?);
    Ok(readings.iter().filter(|reading| wanted.contains(&holder(reading))).collect())
}

/// Those that are stored: what was applied, and what contracts refused to tell, so that they are
/// not asked for it again.
pub(crate) fn lasting(readings: &[Reading], applied: &[&Reading]) -> Vec<Reading> {
    let applied: HashSet<Holder> = applied.iter().map(|reading| holder(reading)).collect();
    let lasts = |r: &&Reading| r.balance.is_none() || applied.contains(&holder(r));
    readings.iter().filter(lasts).cloned().collect()
}

fn holder(reading: &Reading) -> Holder {
    (reading.contract, reading.account)
}

/// The last reading of each account of settled blocks up to `last`, in pages, each with where it
/// ends.
pub(crate) async fn page_of_settled(
    db: &mut PgConnection,
    chain: ChainId,
    last: u64,
    after: Option<Holder>,
) -> Result<Option<(Vec<Reading>, Holder)>, DbError> {
    let page = balance_readings::load_last(db, chain, last, after, PAGE).await?;
    let end = page.last().map(|reading| (reading.contract, reading.account));
    Ok(end.map(|end| (page, end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_account_has_its_turn_once_in_a_round() {
        for every in [1, 2, 3, 64, 7_200] {
            let mut next = U256::ZERO;
            for block in every * 5..every * 6 {
                let turn = Turn::of(block, every);
                let first = U256::from_be_bytes(turn.first.into_word().0);
                assert_eq!((first, turn.round), (next, 5), "{every} {block}");
                next = U256::from_be_bytes(turn.last.into_word().0) + U256::from(1);
            }
            assert_eq!(next, U256::from(1) << 160, "{every}");
        }
    }

    #[test]
    fn many_accounts_have_it_one_part_after_the_other() {
        let holder = |n: usize| (Address::ZERO, Address::from_word(U256::from(n).into()));
        let known: Vec<Holder> = (0..2 * AGAIN_MAX + 1).map(holder).collect();
        let mut seen = Vec::new();
        for round in 0..3 {
            let turn = Turn { round, ..Turn::of(0, 1) };
            let chosen = turn.choose(known.clone());
            assert!(chosen.len() <= AGAIN_MAX && chosen.iter().all(|one| turn.has(one)));
            seen.extend(chosen);
        }
        assert_eq!(seen, known);
        assert_eq!(Turn::of(0, 1).choose(Vec::new()), []);
    }

    #[test]
    fn an_answer_that_is_no_number_is_none() {
        assert_eq!(number(&[]), None);
        assert_eq!(number(&[0xff; 31]), None);
        assert_eq!(number(&[0xff; 32]), Some(U256::MAX));
        assert_eq!(number(&[0xff; 64]), Some(U256::MAX));
    }
}
