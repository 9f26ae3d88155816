use super::*;
use crate::decode::{self, Content, DecodedBlock};
use alloy_primitives::{Bytes, aliases::U96, keccak256};
use alloy_sol_types::SolEvent;
use contracts::{Contents, StoaCollection as abi, StoaCollectionFactory as factory};
use db::raw_logs::RawLog;
use proptest::prelude::*;
use time::OffsetDateTime;

const FACTORY: Address = Address::repeat_byte(0xfa);

fn collection(n: u8) -> Address {
    Address::repeat_byte(n + 1)
}

/// What may happen on chain, sane or not.
#[derive(Clone, Debug)]
enum Happening {
    Create { collection: u8, settings: bool },
    Mint { collection: u8, first: u8, count: u8, mode: u8, named_first: bool },
    Transfer { collection: u8, token_id: u8, from: u8, to: u8 },
    BaseUri { collection: u8 },
    Garbage { collection: u8, topic: usize },
}

fn happening() -> impl Strategy<Value = Happening> {
    let at = 0..3u8;
    prop_oneof![
        (at.clone(), any::<bool>())
            .prop_map(|(collection, settings)| Happening::Create { collection, settings }),
        (at.clone(), 0..20u8, 1..6u8, 0..3u8, any::<bool>()).prop_map(
            |(collection, first, count, mode, named_first)| Happening::Mint {
                collection,
                first,
                count,
                mode,
                named_first
            }
        ),
        (at.clone(), 0..25u8, 0..4u8, 0..4u8).prop_map(|(collection, token_id, from, to)| {
            Happening::Transfer { collection, token_id, from, to }
        }),
        at.clone().prop_map(|collection| Happening::BaseUri { collection }),
        (at, 0..8usize).prop_map(|(collection, topic)| Happening::Garbage { collection, topic }),
    ]
}

fn push(logs: &mut Vec<RawLog>, block: BlockRef, tx: u32, address: Address, event: &impl SolEvent) {
    let data = event.encode_log_data();
    push_raw(logs, block, tx, address, data.topics().to_vec(), data.data.clone());
}

fn push_raw(
    logs: &mut Vec<RawLog>,
    block: BlockRef,
    tx: u32,
    address: Address,
    topics: Vec<B256>,
    data: Bytes,
) {
    logs.push(RawLog {
        block_number: block.number,
        block_hash: block.hash,
        log_index: u32::try_from(logs.len()).unwrap(),
        tx_hash: keccak256([block.number.to_be_bytes(), u64::from(tx).to_be_bytes()].concat()),
        tx_index: tx,
        address,
        topics,
        data,
        mined_at: None,
    });
}

fn who(n: u8) -> Address {
    if n == 0 { Address::ZERO } else { Address::repeat_byte(0xa0 + n) }
}

fn transfer(from: Address, to: Address, token_id: u64) -> abi::Transfer {
    abi::Transfer { from, to, tokenId: U256::from(token_id) }
}

fn royalty(bps: u16) -> abi::RoyaltyUpdated {
    abi::RoyaltyUpdated { receiver: who(3), bps: U96::from(bps) }
}

fn minted(first: u8, count: u8, mode: u8) -> abi::ItemsMinted {
    let items = usize::from(count);
    let contents = match mode {
        0 => Contents::Digests(vec![B256::repeat_byte(first); items]),
        1 => Contents::None,
        _ => Contents::Uris(vec!["data:,\0x".to_owned(); items]),
    };
    abi::ItemsMinted {
        word: U256::from(mode),
        mask: ((U256::from(1) << items) - U256::from(1)) << usize::from(first),
        firstTokenId: U256::from(first),
        contents: contents.encode(),
    }
}

fn happen(logs: &mut Vec<RawLog>, block: BlockRef, tx: u32, happening: &Happening) {
    match *happening {
        Happening::Create { collection: n, settings } => {
            if settings {
                let init = abi::CollectionInitialized {
                    name: "N\0".into(),
                    symbol: "S".into(),
                    contractURI: String::new(),
                    baseURI: "b/".into(),
                    contentMode: n,
                    trustedForwarder: Address::ZERO,
                };
                push(logs, block, tx, collection(n), &init);
                push(logs, block, tx, collection(n), &royalty(250));
            }
            let (collection, admin) = (collection(n), who(1));
            let salt = B256::repeat_byte(n);
            push(logs, block, tx, FACTORY, &factory::CollectionCreated { collection, admin, salt });
        }
        Happening::Mint { collection: n, first, count, mode, named_first } => {
            let named = minted(first, count, mode);
            if named_first {
                push(logs, block, tx, collection(n), &named);
            }
            for id in first..first + count {
                push(logs, block, tx, collection(n), &transfer(who(0), who(1), id.into()));
            }
            if !named_first {
                push(logs, block, tx, collection(n), &named);
            }
        }
        Happening::Transfer { collection: n, token_id, from, to } => {
            push(logs, block, tx, collection(n), &transfer(who(from), who(to), token_id.into()));
        }
        Happening::BaseUri { collection: n } => {
            push(logs, block, tx, collection(n), &abi::BaseURIUpdated { baseURI: "c/".into() });
            let (first, last) = (U256::from(1), U256::MAX);
            let notice = abi::BatchMetadataUpdate { _fromTokenId: first, _toTokenId: last };
            push(logs, block, tx, collection(n), &notice);
            push(logs, block, tx, collection(n), &royalty(u16::from(n) * 9_000));
        }
        Happening::Garbage { collection: n, topic } => {
            let topic = decode::topics()[topic];
            push_raw(logs, block, tx, collection(n), vec![topic], Bytes::from_static(&[0xff; 33]));
        }
    }
}

fn block(number: u64, happenings: &[Happening]) -> DecodedBlock {
    let block = BlockRef { number, hash: keccak256(number.to_be_bytes()) };
    let mut logs = Vec::new();
    for (tx, happening) in (0..).zip(happenings) {
        happen(&mut logs, block, tx, happening);
    }
    decode::decode(&[FACTORY], block, OffsetDateTime::UNIX_EPOCH, &logs)
}

/// The rows among `all` that the fold of `blocks` asks for.
fn asked(all: &Rows, blocks: &[DecodedBlock]) -> Rows {
    let (items, collections) = needed(blocks);
    let pick = |id: &ItemId| Some((*id, all.items.get(id)?.clone()));
    let items = items.iter().filter_map(pick).collect();
    let pick = |contract: &Address| Some((*contract, all.collections.get(contract)?.clone()));
    Rows { items, collections: collections.iter().filter_map(pick).collect() }
}

fn apply(all: &mut Rows, blocks: &[DecodedBlock]) -> Changes {
    let changes = fold(asked(all, blocks), blocks, true);
    all.items.extend(changes.rows.items.clone());
    all.collections.extend(changes.rows.collections.clone());
    changes
}

/// Rows by their undo keys, as the undo records see them.
fn images(all: &Rows) -> BTreeMap<String, Value> {
    let items = all
        .items
        .values()
        .map(|row| (ItemRow::undo_key(row.contract, row.token_id), row.undo_image()));
    let collections = all
        .collections
        .values()
        .map(|row| (CollectionRow::undo_key(row.contract), row.undo_image()));
    items.chain(collections).map(|(key, image)| (key.to_string(), image)).collect()
}

/// What the database makes of undo records: the first image of each key stands.
fn undo(mut images: BTreeMap<String, Value>, records: &[UndoRecord]) -> BTreeMap<String, Value> {
    for record in records.iter().rev() {
        match &record.image {
            Some(image) => images.insert(record.key.to_string(), image.clone()),
            None => images.remove(&record.key.to_string()),
        };
    }
    images
}

fn blocks() -> impl Strategy<Value = Vec<DecodedBlock>> {
    let block_of = prop::collection::vec(happening(), 0..6);
    prop::collection::vec(block_of, 1..12).prop_map(|all| {
        (1..).zip(&all).map(|(number, happenings)| block(number, happenings)).collect()
    })
}

/// From its making on, and as it is changed; what can't be is left alone.
#[test]
fn royalties_are_what_was_said_last() {
    let make = Happening::Create { collection: 0, settings: true };
    let mut rows = Rows::default();
    apply(&mut rows, &[block(1, &[make])]);
    let shown = |rows: &Rows, n: u8| {
        let row = &rows.collections[&collection(n)];
        (row.royalty_receiver, row.royalty_bps)
    };
    assert_eq!(shown(&rows, 0), (Some(who(3)), Some(250)));
    apply(&mut rows, &[block(2, &[Happening::BaseUri { collection: 0 }])]);
    assert_eq!(shown(&rows, 0), (None, Some(0)));
    let make = Happening::Create { collection: 2, settings: true };
    let change = Happening::BaseUri { collection: 2 };
    let more = block(3, &[make, change]);
    assert_eq!(more.undecoded, 1, "18,000 of 10,000 parts");
    apply(&mut rows, &[more]);
    assert_eq!(shown(&rows, 2), (Some(who(3)), Some(250)));
}

#[test]
fn notices_of_changed_metadata_are_kept() {
    let told = [Happening::BaseUri { collection: 1 }, Happening::BaseUri { collection: 2 }];
    let changes = apply(&mut Rows::default(), &[block(7, &told)]);
    let kept: Vec<_> = changes
        .metadata_updates
        .iter()
        .map(|u| (u.block_number, u.log_index, u.contract, u.first, u.last, u.uri.clone()))
        .collect();
    let all = (U256::from(1), U256::MAX);
    assert_eq!(
        kept,
        [(7, 1, collection(1), all.0, all.1, None), (7, 4, collection(2), all.0, all.1, None),]
    );
}

proptest! {
    /// Undoing any suffix of blocks gives back what was before it, wherever commits ended.
    #[test]
    fn undo_takes_back_what_blocks_did(blocks in blocks(), cut in 0..12usize, step in 1..5usize) {
        let cut = cut.min(blocks.len());
        let mut all = Rows::default();
        for part in blocks[..cut].chunks(step) {
            apply(&mut all, part);
        }
        let before = images(&all);
        let mut records = Vec::new();
        for part in blocks[cut..].chunks(step) {
            records.extend(apply(&mut all, part).undo);
        }
        prop_assert_eq!(undo(images(&all), &records), before);
    }

    /// How blocks are cut into commits makes no difference.
    #[test]
    fn commits_may_be_cut_anywhere(blocks in blocks(), step in 1..5usize) {
        let (mut one, mut many) = (Rows::default(), Rows::default());
        let whole = apply(&mut one, &blocks);
        let mut transfers = Vec::new();
        let mut minted = Vec::new();
        for part in blocks.chunks(step) {
            let changes = apply(&mut many, part);
            transfers.extend(changes.transfers);
            minted.extend(changes.minted);
        }
        prop_assert_eq!(one, many);
        prop_assert_eq!(whole.transfers, transfers);
        prop_assert_eq!(whole.minted, minted);
    }
}

#[test]
fn contents_are_found_before_and_after_the_transfers_that_they_describe() {
    for named_first in [false, true] {
        let mint = Happening::Mint { collection: 0, first: 5, count: 2, mode: 2, named_first };
        let create = Happening::Create { collection: 0, settings: true };
        let changes = fold(Rows::default(), &[block(9, &[create, mint])], true);
        let row = &changes.rows.items[&(collection(0), U256::from(6))];
        // NUL cannot be stored; the intent is word 2, second bit of the mask.
        assert_eq!(row.uri.as_deref(), Some("data:,\u{fffd}x"), "named first: {named_first}");
        assert_eq!(row.intent, Some(U256::from(2 * 256 + 6)));
        assert_eq!(row.owner, Some(who(1)));
        let row = &changes.rows.collections[&collection(0)];
        assert_eq!((row.minted, row.burned, row.name.as_str()), (2, 0, "N\u{fffd}"));
        let intents: Vec<U256> = changes.minted.iter().map(|item| item.intent).collect();
        assert_eq!(intents, [U256::from(2 * 256 + 5), U256::from(2 * 256 + 6)]);
    }
}

#[test]
fn unreadable_logs_are_counted_and_change_nothing() {
    let garbage: Vec<_> = (0..7).map(|topic| Happening::Garbage { collection: 0, topic }).collect();
    let decoded = block(1, &garbage);
    // One word of data is a readable metadata notice; all others are not what they claim.
    assert!(decoded.undecoded >= 6, "{decoded:?}");
    assert_eq!(fold(Rows::default(), &[decoded], true).rows, Rows::default());
}

#[test]
fn words_beyond_any_intent_of_ours_have_none() {
    let mut logs = Vec::new();
    let at = BlockRef { number: 1, hash: B256::ZERO };
    let mut named = minted(1, 1, 1);
    named.word = U256::MAX;
    push(&mut logs, at, 0, collection(0), &named);
    let mut wrapped = minted(1, 2, 1);
    wrapped.firstTokenId = U256::MAX;
    push(&mut logs, at, 1, collection(0), &wrapped);
    let decoded = decode::decode(&[FACTORY], at, OffsetDateTime::UNIX_EPOCH, &logs);
    let content = &decoded.contents[&(0, collection(0), U256::from(1))];
    assert_eq!(*content, Content { intent: None, uri: None });
    assert_eq!((decoded.contents.len(), decoded.undecoded), (1, 1));
}
