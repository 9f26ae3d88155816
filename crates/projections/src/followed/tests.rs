use super::*;
use alloy_primitives::{
    Address, Bytes, U256,
    aliases::{I512, U512},
};
use db::{balances::BalanceChange, digest::TABLES};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use time::OffsetDateTime;

const ASSET: Address = Address::repeat_byte(0x20);
const ITEMS: Address = Address::repeat_byte(0x72);
const MULTI: Address = Address::repeat_byte(0x11);

fn standards() -> HashMap<Address, Standard> {
    HashMap::from([(ASSET, Standard::Erc20), (ITEMS, Standard::Erc721), (MULTI, Standard::Erc1155)])
}

fn who(n: u8) -> Address {
    if n == 0 { Address::ZERO } else { Address::repeat_byte(0xa0 + n) }
}

fn word(n: u64) -> Vec<u8> {
    U256::from(n).to_be_bytes_vec()
}

/// A log of `event` with these indexed arguments.
fn log(
    (block, tx, index): (u64, u32, u32),
    address: Address,
    event: Event,
    indexed: &[B256],
    data: Vec<u8>,
) -> RawLog {
    let mut topics = vec![keccak256(event.signature())];
    topics.extend_from_slice(indexed);
    RawLog {
        block_number: block,
        block_hash: B256::from(U256::from(block)),
        log_index: index,
        tx_hash: B256::from(U256::from(block * 1_000 + u64::from(tx))),
        tx_index: tx,
        address,
        topics,
        data: Bytes::from(data),
        mined_at: Some(OffsetDateTime::UNIX_EPOCH),
    }
}

fn topic(n: u64) -> B256 {
    B256::from(U256::from(n))
}

fn read_of(
    address: Address,
    event: Event,
    indexed: &[B256],
    data: Vec<u8>,
) -> Result<Said, Unread> {
    read(standards()[&address], &log((1, 0, 0), address, event, indexed, data))
}

#[test]
fn the_list_names_tables_that_there_are_and_misses_none() {
    let named: BTreeSet<&str> = PROJECTIONS.iter().flat_map(|p| p.tables).copied().collect();
    let known: BTreeSet<&str> = TABLES.iter().map(|table| table.table).collect();
    assert!(named.is_subset(&known));
    let others: Vec<_> = known.difference(&named).copied().collect();
    // Logs themselves, those of ours, and what every projection has.
    assert_eq!(others, ["collections", "index_children", "raw_logs", "undecoded_logs"]);
    for event in Event::ALL {
        assert_eq!(Event::of(&keccak256(event.signature())), Some(event));
        assert!(PROJECTIONS.iter().any(|projection| projection.events.contains(&event)));
    }
}

#[test]
fn logs_are_read_as_their_standard_says_and_not_otherwise() {
    let (a, b) = (who(1), who(2));
    let (from, to) = (a.into_word(), b.into_word());
    let dirty = B256::repeat_byte(0xff);
    let pair = |a, b| [word(a), word(b)].concat();
    let read = read_of;
    let five = U256::from(5);
    let transfer = Said::Transfer { from: a, to: b, amount: five };
    let item = Said::ItemTransfer { from: a, to: b, token_id: five };
    let most = Said::ItemTransfer { from: a, to: b, token_id: U256::MAX };
    let amounts = |parts: &[(u64, u64)]| Said::Amounts {
        from: a,
        to: b,
        parts: parts.iter().map(|(id, n)| (U256::from(*id), U256::from(*n))).collect(),
    };
    let batch = |words: &[u64]| words.iter().flat_map(|n| word(*n)).collect::<Vec<u8>>();
    let of_three = [topic(9), from, to];
    let cases = [
        (read(ASSET, Event::Transfer, &[from, to], word(5)), Ok(transfer)),
        // ERC-721's form of the same event, and the other way round.
        (read(ASSET, Event::Transfer, &[from, to, topic(5)], vec![]), Err(Unread::Topics)),
        (read(ITEMS, Event::Transfer, &[from, to, topic(5)], vec![]), Ok(item)),
        (read(ITEMS, Event::Transfer, &[from, to, B256::repeat_byte(255)], vec![]), Ok(most)),
        (read(ITEMS, Event::Transfer, &[from, to], word(5)), Err(Unread::Topics)),
        (read(ITEMS, Event::Transfer, &[from, to, topic(5)], word(0)), Err(Unread::Data)),
        (read(ASSET, Event::Transfer, &[from, to], vec![]), Err(Unread::Data)),
        (read(ASSET, Event::Transfer, &[from, to], vec![0; 1 << 20]), Err(Unread::Data)),
        (read(ASSET, Event::Transfer, &[from, dirty], word(5)), Err(Unread::Topics)),
        (read(ASSET, Event::TransferSingle, &of_three, pair(1, 2)), Err(Unread::Topics)),
        (
            read(ITEMS, Event::ConsecutiveTransfer, &[topic(7), from, to], word(6)),
            Err(Unread::Data),
        ),
        (read(ITEMS, Event::ApprovalForAll, &[from, to], word(2)), Err(Unread::Data)),
        (read(ITEMS, Event::BatchMetadataUpdate, &[], pair(2, 1)), Err(Unread::Data)),
        (read(MULTI, Event::TransferSingle, &of_three, pair(1, 2)), Ok(amounts(&[(1, 2)]))),
        (
            read(MULTI, Event::TransferBatch, &of_three, batch(&[64, 160, 2, 1, 2, 2, 10, 20])),
            Ok(amounts(&[(1, 10), (2, 20)])),
        ),
        // Lists of other lengths, past the end, of a length past all ends, and at such a place.
        (
            read(MULTI, Event::TransferBatch, &of_three, batch(&[64, 160, 2, 1, 2, 1, 10])),
            Err(Unread::Data),
        ),
        (read(MULTI, Event::TransferBatch, &of_three, batch(&[64, 64, 2, 1])), Err(Unread::Data)),
        (
            read(MULTI, Event::TransferBatch, &of_three, batch(&[64, 64, u64::MAX, 1])),
            Err(Unread::Data),
        ),
        (
            read(MULTI, Event::TransferBatch, &of_three, [vec![0xff; 32], word(64)].concat()),
            Err(Unread::Data),
        ),
        (read(MULTI, Event::TransferBatch, &of_three, vec![]), Err(Unread::Data)),
        (read(MULTI, Event::Uri, &[topic(1)], batch(&[32, 65_000])), Err(Unread::Data)),
        (
            read(
                MULTI,
                Event::Uri,
                &[topic(1)],
                [batch(&[32, 40_000]), vec![b'x'; 40_000]].concat(),
            ),
            Err(Unread::TooLong),
        ),
    ];
    for (place, (found, wanted)) in cases.into_iter().enumerate() {
        assert_eq!(found, wanted, "case {place}");
    }
    let text = [batch(&[32, 4]), b"a\0\xff!".to_vec()].concat();
    let Ok(Said::MetadataUpdate { uri, .. }) = read(MULTI, Event::Uri, &[topic(1)], text) else {
        panic!("it is a URI")
    };
    assert_eq!(uri.as_deref(), Some("a\u{fffd}\u{fffd}!"));
    let mut none = log((1, 0, 0), ASSET, Event::Transfer, &[], vec![]);
    none.topics.clear();
    assert_eq!(super::read(Standard::Erc20, &none), Err(Unread::Topics));
}

fn balance_of(folded: &Folded, account: Address) -> Option<String> {
    folded.balances.iter().find(|b| b.account == account).map(|b| b.delta.to_string())
}

#[test]
fn deposits_count_unless_a_transfer_tells_of_them() {
    let a = who(1);
    let deposit = |at| log(at, ASSET, Event::Deposit, &[a.into_word()], word(7));
    let withdrawal = |at| log(at, ASSET, Event::Withdrawal, &[a.into_word()], word(2));
    let mint = |at| log(at, ASSET, Event::Transfer, &[B256::ZERO, a.into_word()], word(7));
    let burn = |at| log(at, ASSET, Event::Transfer, &[a.into_word(), B256::ZERO], word(2));
    let cases = [
        (vec![deposit((1, 0, 0)), withdrawal((1, 1, 1))], "5"),
        (vec![deposit((1, 0, 0)), mint((1, 0, 1))], "7"),
        (vec![mint((1, 0, 0)), deposit((1, 0, 1)), withdrawal((1, 0, 2)), burn((1, 0, 3))], "5"),
        (vec![mint((1, 0, 0)), deposit((1, 1, 1))], "14"),
        (vec![mint((1, 0, 0)), deposit((2, 0, 0))], "14"),
    ];
    for (place, (logs, wanted)) in cases.into_iter().enumerate() {
        let folded = fold(&standards(), &logs);
        assert_eq!(balance_of(&folded, a).as_deref(), Some(wanted), "case {place}");
    }
}

#[test]
fn consecutive_transfers_are_bounded_by_block_and_contract() {
    let consecutive = |at, first: u64, last: u64| {
        let indexed = [topic(first), B256::ZERO, who(1).into_word()];
        log(at, ITEMS, Event::ConsecutiveTransfer, &indexed, word(last))
    };
    let all = CONSECUTIVE_MAX;
    let cases: [(Vec<RawLog>, u64, usize); 5] = [
        (vec![consecutive((1, 0, 0), 0, all - 1)], all, 0),
        (vec![consecutive((1, 0, 0), 0, all)], 0, 1),
        (
            vec![consecutive((1, 0, 0), 0, all - 2), consecutive((1, 0, 1), all, all + 1)],
            all - 1,
            1,
        ),
        (vec![consecutive((1, 0, 0), 0, all - 1), consecutive((2, 0, 0), all, all)], all + 1, 0),
        (vec![consecutive((1, 0, 0), 0, u64::MAX)], 0, 1),
    ];
    for (logs, items, undecoded) in cases {
        let folded = fold(&standards(), &logs);
        assert_eq!(folded.owners.len() as u64, items);
        assert_eq!(folded.transfers.len() as u64, items);
        assert_eq!(folded.undecoded.len(), undecoded);
        assert!(folded.undecoded.iter().all(|log| log.reason == "too_long"));
    }
    let mut whole = consecutive((1, 0, 0), 0, 0);
    whole.data = Bytes::from(vec![0xff; 32]);
    assert_eq!(fold(&standards(), &[whole]).undecoded.len(), 1);
}

/// Sum, unreliable, last block.
type Balance = (I512, bool, u64);
/// Owner, where it was minted, last block.
type Owner = (Option<Address>, u64, B256, u64);

/// Rows as the statements leave them, made of folds.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    balances: BTreeMap<(Address, U256, Address), Balance>,
    owners: BTreeMap<(Address, U256), Owner>,
    others: BTreeMap<String, String>,
    added: Vec<String>,
}

impl Model {
    fn balance(&mut self, change: &BalanceChange) {
        let most = U512::from(U256::MAX);
        let most = I512::from_raw(most);
        let key = (change.contract, change.token_id, change.account);
        let row = self.balances.entry(key).or_default();
        let low = (row.0 + change.lowest).is_negative();
        row.1 |= low || row.0 + change.highest > most;
        row.0 += change.delta;
        row.2 = change.updated_block;
    }

    fn apply(&mut self, folded: Folded) {
        folded.balances.iter().for_each(|change| self.balance(change));
        for change in &folded.owners {
            let row = self.owners.entry((change.contract, change.token_id)).or_insert((
                None,
                change.minted_block,
                change.minted_tx,
                0,
            ));
            if change.minted {
                (row.1, row.2) = (change.minted_block, change.minted_tx);
            }
            (row.0, row.3) = (change.owner, change.updated_block);
        }
        for row in &folded.allowances {
            let key = format!("allowance {} {} {}", row.contract, row.owner, row.spender);
            self.others.insert(key, format!("{} {}", row.amount, row.updated_block));
        }
        for row in &folded.token_approvals {
            let key = format!("approval {} {}", row.contract, row.token_id);
            match row.approved {
                Some(to) => self.others.insert(key, format!("{to} {}", row.updated_block)),
                None => self.others.remove(&key),
            };
        }
        for row in &folded.operators {
            let key = format!("operator {} {} {}", row.contract, row.owner, row.operator);
            self.others.insert(key, format!("{} {}", row.approved, row.updated_block));
        }
        self.added.extend(folded.transfers.iter().map(|row| format!("{row:?}")));
        self.added.extend(folded.undecoded.iter().map(|row| format!("{row:?}")));
        self.added.extend(folded.metadata_updates.iter().map(|row| format!("{row:?}")));
        self.added.sort();
    }
}

/// One log: sound, or made of noise.
fn any_log() -> impl Strategy<Value = (usize, usize, Vec<u8>, Vec<u8>, bool)> {
    let address = 0..3usize;
    (
        address,
        0..Event::ALL.len(),
        prop::collection::vec(0..5u8, 0..4),
        any::<Vec<u8>>(),
        any::<bool>(),
    )
}

fn build(at: (u64, u32, u32), drawn: &(usize, usize, Vec<u8>, Vec<u8>, bool)) -> RawLog {
    let (address, event, small, noise, sound) = drawn;
    let address = [ASSET, ITEMS, MULTI][*address];
    let event = Event::ALL[*event];
    let pick = |place: usize| small.get(place).copied().unwrap_or(1);
    let account = |place| who(pick(place)).into_word();
    let id = topic(u64::from(pick(2)));
    if !sound {
        let topics: Vec<B256> = small.iter().map(|n| topic(u64::from(*n))).collect();
        return log(at, address, event, &topics, noise.clone());
    }
    let (indexed, data) = match (address, event) {
        (ITEMS, Event::Transfer | Event::Approval) => (vec![account(0), account(1), id], vec![]),
        (ITEMS, Event::ConsecutiveTransfer) => (vec![id, account(0), account(1)], word(6)),
        (ITEMS, Event::MetadataUpdate) => (vec![], word(3)),
        (ITEMS, Event::BatchMetadataUpdate) => (vec![], [word(3), word(9)].concat()),
        (MULTI, Event::TransferSingle) => {
            (vec![account(2), account(0), account(1)], [word(1), word(u64::from(pick(2)))].concat())
        }
        (_, Event::Deposit | Event::Withdrawal) => (vec![account(0)], word(u64::from(pick(2)))),
        (_, Event::ApprovalForAll) => (vec![account(0), account(1)], word(u64::from(pick(2) % 2))),
        _ => (vec![account(0), account(1)], word(u64::from(pick(2)))),
    };
    log(at, address, event, &indexed, data)
}

proptest! {
    /// How blocks are cut into pieces makes no difference, and no log is too strange.
    #[test]
    fn pieces_may_be_cut_anywhere(
        drawn in prop::collection::vec(prop::collection::vec(any_log(), 0..6), 1..12),
        step in 1..5usize,
    ) {
        let blocks: Vec<Vec<RawLog>> = (1u64..)
            .zip(&drawn)
            .map(|(number, logs)| {
                let place = |(index, drawn)| build((number, index / 3, index), drawn);
                (0u32..).zip(logs).map(place).collect()
            })
            .collect();
        let (mut one, mut many) = (Model::default(), Model::default());
        one.apply(fold(&standards(), &blocks.concat()));
        for piece in blocks.chunks(step) {
            many.apply(fold(&standards(), &piece.concat()));
        }
        prop_assert_eq!(one, many);
    }
}
