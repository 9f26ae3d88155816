//! Contracts of others: what is made of their logs, sound and hostile, and taken back by reorgs.

use crate::{
    rig::{Rig, facts},
    speaker::{self, Told, topic, word},
};
use alloy_primitives::{Address, B256, U256, keccak256};
use db::{
    PgConnection, balances_as_of,
    balances_reads::{self, BalanceFilter},
    items_as_of, items_reads,
    raw_logs::RawLog,
};
use indexer::{Batch, Projector};
use projections::{Projections, Source, Standard};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::Value;
use std::time::Instant;
use vocab::{ChainId, topic};

pub const TRANSFER: &str = "Transfer(address,address,uint256)";
const DEPTHS: [u64; 8] = [1, 2, 5, 12, 13, 31, 33, 40];

pub fn who(n: u64) -> B256 {
    if n == 0 { B256::ZERO } else { Address::repeat_byte(0xa0 + n as u8).into_word() }
}

/// A rig with a speaker for each standard, in the order of [`Standard::ALL`].
pub async fn followed() -> (Rig, [Address; 3]) {
    let mut rig = Rig::new().await;
    rig.options.prove_settled = false;
    let mut speakers = [Address::ZERO; 3];
    for (place, standard) in speakers.iter_mut().zip(Standard::ALL) {
        *place = speaker::deploy(&rig).await;
        rig.sources.push(Source::new(*place, standard, 1));
    }
    (rig, speakers)
}

/// A log that a contract of this kind may tell, sane or not.
fn any_log(rng: &mut StdRng, kind: usize) -> Told {
    let (a, b) = (who(rng.random_range(0..5)), who(rng.random_range(0..5)));
    let (small, id) = (rng.random_range(0..9u64), rng.random_range(0..6u64));
    let list = |words: &[u64]| words.iter().flat_map(|n| word(*n)).collect::<Vec<u8>>();
    match (kind, rng.random_range(0..8)) {
        (0, 0) => Told::new("Approval(address,address,uint256)", &[a, b], word(small)),
        (0, 1) => Told::new("Deposit(address,uint256)", &[a], word(small)),
        (0, 2) => Told::new("Withdrawal(address,uint256)", &[a], word(small)),
        (0, 3) => Told::new(TRANSFER, &[a, b], vec![0xff; 32]),
        (0, 4) => Told::new(TRANSFER, &[a, b, topic(id)], vec![]),
        (0, _) => Told::new(TRANSFER, &[a, b], word(small)),
        (1, 0) => Told::new("Approval(address,address,uint256)", &[a, b, topic(id)], vec![]),
        (1, 1) => Told::new("ApprovalForAll(address,address,bool)", &[a, b], word(small % 2)),
        (1, 2) => {
            let event = "ConsecutiveTransfer(uint256,uint256,address,address)";
            Told::new(event, &[topic(id), a, b], word(id + small))
        }
        (1, 3) => Told::new("BatchMetadataUpdate(uint256,uint256)", &[], list(&[id, 99])),
        (1, 4) => Told::new(TRANSFER, &[a, b], word(small)),
        (1, _) => Told::new(TRANSFER, &[a, b, topic(id)], vec![]),
        (_, 0) => Told::new(
            "URI(string,uint256)",
            &[topic(id)],
            [list(&[32, 3]), b"a\0\xff".into()].concat(),
        ),
        (_, 1) => Told::new("ApprovalForAll(address,address,bool)", &[a, b], word(small % 3)),
        (_, 2 | 3) => {
            let event = "TransferBatch(address,address,address,uint256[],uint256[])";
            let data = list(&[64, 160, 2, id, id + 1, 2, small, 1]);
            Told::new(event, &[a, a, b], data)
        }
        _ => {
            let event = "TransferSingle(address,address,address,uint256,uint256)";
            Told::new(event, &[a, a, b], list(&[id, small]))
        }
    }
}

/// Some logs, and whose they are.
pub fn drawn(rng: &mut StdRng, speakers: [Address; 3]) -> (Address, Vec<Told>) {
    let kind = rng.random_range(0..3);
    let count = rng.random_range(1..6);
    (speakers[kind], (0..count).map(|_| any_log(rng, kind)).collect())
}

/// What is live keeps undo, what is settled does not; and both come to the same.
#[tokio::test]
async fn reorgs_of_any_depth_leave_what_a_rebuild_finds() {
    let seed = std::env::var("STOA_SEED").map_or(7, |seed| seed.parse().unwrap());
    println!("STOA_SEED={seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let (rig, speakers) = followed().await;
    for _ in 0..40 {
        let (speaker, logs) = drawn(&mut rng, speakers);
        speaker::say(&rig, speaker, &logs).await;
    }
    rig.node.mine(70).await;
    let test = testkit::database().await;
    let _running = rig.start(&test.db);
    rig.indexed(&test.db).await;
    for depth in DEPTHS {
        for _ in 0..depth {
            let (speaker, logs) = drawn(&mut rng, speakers);
            speaker::say(&rig, speaker, &logs).await;
        }
        rig.indexed(&test.db).await;
        let again: Vec<(Value, u64)> = (0..depth.min(10))
            .map(|place| {
                let (speaker, logs) = drawn(&mut rng, speakers);
                (speaker::call(speaker, &logs), place)
            })
            .collect();
        rig.reorg(depth, &again).await;
        rig.indexed(&test.db).await;
        let digest = rig.digest(&test.db).await;
        assert_eq!(digest, rig.rebuilt().await, "after a reorg of depth {depth}");
        let empty = |name: &&str| digest.iter().any(|t| t.table == *name && t.rows == 0);
        let tables = ["items", "transfers", "balances", "allowances", "metadata_updates"];
        let empty: Vec<_> = tables.iter().filter(|name| empty(name)).collect();
        assert!(empty.is_empty(), "{empty:?} of {digest:?}");
    }
}

/// Each movement near the head is told once, with what a filter needs, and taken back newest first.
#[tokio::test]
async fn what_is_told_is_taken_back() {
    let (rig, [asset, items, multi]) = followed().await;
    rig.node.mine(70).await;
    let test = testkit::database().await;
    let _running = rig.start(&test.db);
    rig.indexed(&test.db).await;
    let list = |words: &[u64]| words.iter().flat_map(|n| word(*n)).collect::<Vec<u8>>();
    let deposit = "Deposit(address,uint256)";
    let consecutive = "ConsecutiveTransfer(uint256,uint256,address,address)";
    let single = "TransferSingle(address,address,address,uint256,uint256)";
    let batch = "TransferBatch(address,address,address,uint256[],uint256[])";
    let said = [
        (asset, Told::new(deposit, &[who(1)], word(8))),
        (asset, Told::new(TRANSFER, &[who(1), who(2)], word(5))),
        (asset, Told::new(TRANSFER, &[who(1), who(2)], word(0))),
        (asset, Told::new("Approval(address,address,uint256)", &[who(1), who(2)], word(9))),
        (items, Told::new(TRANSFER, &[who(0), who(1), topic(7)], vec![])),
        (items, Told::new(TRANSFER, &[who(1), who(0), topic(7)], vec![])),
        (items, Told::new(consecutive, &[topic(10), who(0), who(1)], word(12))),
        (items, Told::new("MetadataUpdate(uint256)", &[], word(12))),
        (multi, Told::new(batch, &[who(9), who(0), who(1)], list(&[64, 160, 2, 5, 6, 2, 50, 60]))),
        (multi, Told::new(single, &[who(1), who(1), who(0)], list(&[5, 20]))),
        (multi, Told::new(single, &[who(1), who(1)], list(&[5, 20]))),
    ];
    for (speaker, log) in &said {
        speaker::say(&rig, *speaker, std::slice::from_ref(log)).await;
    }
    rig.indexed(&test.db).await;
    let mut told = [facts(&test.db, topic::TRANSFERS).await, facts(&test.db, topic::ITEMS).await];
    let in_short = |facts: &[db::facts::Fact]| -> Vec<String> {
        let one = |fact: &db::facts::Fact| {
            let at =
                |name: &str| fact.attributes[name].as_str().map(|text| text[..4].to_lowercase());
            let of = |name: &str| fact.data[name].as_str().unwrap_or("-").to_owned();
            let parties = [at("from"), at("to"), at("owner")].map(|at| at.unwrap_or("-".into()));
            let ids = [of("token_id"), of("first_token_id"), of("last_token_id"), of("amount")];
            format!("{} {} {}", fact.kind, parties.join(" "), ids.join(" "))
        };
        facts.iter().map(one).collect()
    };
    assert_eq!(
        in_short(&told[0]),
        [
            "tokens_minted - 0xa1 - - - - 8",
            "tokens_transferred 0xa1 0xa2 - - - - 5",
            "tokens_minted - 0xa1 - 5 - - 50",
            "tokens_minted - 0xa1 - 6 - - 60",
            "tokens_burned 0xa1 - - 5 - - 20",
        ]
    );
    assert_eq!(
        in_short(&told[1]),
        [
            "item_minted - 0xa1 0xa1 7 - - -",
            "item_burned 0xa1 - - 7 - - -",
            "items_minted - 0xa1 0xa1 - 10 12 -",
            "metadata_updated - - - - 12 12 -",
        ]
    );
    rig.reorg(said.len() as u64, &[]).await;
    rig.indexed(&test.db).await;
    for (told, topic) in told.iter_mut().zip([topic::TRANSFERS, topic::ITEMS]) {
        let back = facts(&test.db, topic).await.split_off(told.len());
        assert_eq!(back.len(), told.len());
        for (fact, back) in told.iter().rev().zip(&back) {
            assert!(back.reverting && !fact.reverting);
            assert_eq!((&back.kind, &back.attributes), (&fact.kind, &fact.attributes));
            assert_eq!((&back.data, &back.block_hash), (&fact.data, &fact.block_hash));
        }
    }
}

/// What lists show of all three contracts, in pages of this many rows.
async fn lists(
    db: &mut PgConnection,
    chain: ChainId,
    contracts: [Address; 3],
    (at, limit): (Option<u64>, i64),
) -> Vec<String> {
    let mut shown = Vec::new();
    for contract in contracts {
        let filter = BalanceFilter { contract: Some(contract), ..BalanceFilter::default() };
        let mut after = None;
        loop {
            let page = match at {
                None => balances_reads::list(db, chain, filter, after, limit).await.unwrap(),
                Some(at) => {
                    balances_as_of::list(db, chain, at, filter, after, limit).await.unwrap()
                }
            };
            shown.extend(page.iter().map(|row| format!("{row:?}")));
            let Some(last) = page.last().filter(|_| page.len() as i64 == limit) else { break };
            after = Some((last.contract, last.token_id, last.account));
        }
        let mut after = None;
        loop {
            let page = match at {
                None => balances_reads::list_owners(db, chain, contract, after, limit).await,
                Some(at) => {
                    balances_as_of::list_owners(db, chain, at, contract, after, limit).await
                }
            };
            let page = page.unwrap();
            shown.extend(page.iter().map(|row| format!("{row:?}")));
            let Some(last) = page.last().filter(|_| page.len() as i64 == limit) else { break };
            after = Some(last.owner);
        }
    }
    for owner in [None, Some(Address::from_word(who(1)))] {
        let mut after = None;
        loop {
            let page = match at {
                None => items_reads::list(db, chain, owner, None, after, limit).await.unwrap(),
                Some(at) => {
                    items_as_of::list(db, chain, at, (owner, None), after, limit).await.unwrap()
                }
            };
            shown.extend(page.iter().map(|row| format!("{row:?}")));
            let Some(last) = page.last().filter(|_| page.len() as i64 == limit) else { break };
            after = Some((last.contract, last.token_id));
        }
    }
    shown
}

/// Lists as of each block of the window are what they were when it was the head, whatever was
/// written, and taken back, since.
#[tokio::test]
async fn lists_go_back_to_any_block_of_the_window() {
    let seed = std::env::var("STOA_SEED").map_or(11, |seed| seed.parse().unwrap());
    println!("STOA_SEED={seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let (rig, speakers) = followed().await;
    for _ in 0..20 {
        let (speaker, logs) = drawn(&mut rng, speakers);
        speaker::say(&rig, speaker, &logs).await;
    }
    rig.node.mine(70).await;
    let test = testkit::database().await;
    let _running = rig.start(&test.db);
    let mut seen = std::collections::BTreeMap::new();
    let mut db = test.db.acquire().await.unwrap();
    for round in 0..45 {
        if round % 15 == 14 {
            let depth = rng.random_range(1..8);
            rig.reorg(depth, &[]).await;
            let ancestor = rig.indexed(&test.db).await.number - depth;
            seen.retain(|number, _| *number <= ancestor);
        }
        let (speaker, logs) = drawn(&mut rng, speakers);
        speaker::say(&rig, speaker, &logs).await;
        let head = rig.indexed(&test.db).await;
        let shown = lists(&mut db, rig.node.chain_id, speakers, (None, 200)).await;
        seen.insert(head.number, shown);
    }
    assert!(seen.len() >= 20, "{} blocks are compared", seen.len());
    for (number, shown) in &seen {
        for limit in [3, 200] {
            let back = lists(&mut db, rig.node.chain_id, speakers, (Some(*number), limit)).await;
            assert_eq!(&back, shown, "as of {number}, {limit} at a time");
        }
    }
}

pub async fn text(db: &db::Db, sql: &'static str) -> Vec<String> {
    db::raw::texts(&mut db.acquire().await.unwrap(), sql).await.unwrap()
}

/// Rows of known logs, one by one: made by ranges, and block by block.
#[tokio::test]
async fn rows_are_what_the_logs_say() {
    let (rig, [asset, items, multi]) = followed().await;
    let list = |words: &[u64]| words.iter().flat_map(|n| word(*n)).collect::<Vec<u8>>();
    let said = [
        (asset, Told::new(TRANSFER, &[who(0), who(1)], word(100))),
        (asset, Told::new(TRANSFER, &[who(1), who(2)], word(30))),
        (asset, Told::new("Deposit(address,uint256)", &[who(3)], word(8))),
        (asset, Told::new("Withdrawal(address,uint256)", &[who(3)], word(3))),
        // More than it has: a token that does not tell of all that it does.
        (asset, Told::new(TRANSFER, &[who(4), who(2)], word(1))),
        (asset, Told::new("Approval(address,address,uint256)", &[who(1), who(2)], vec![0xff; 32])),
        (items, Told::new(TRANSFER, &[who(0), who(1), B256::repeat_byte(0xff)], vec![])),
        (
            items,
            Told::new("Approval(address,address,uint256)", &[who(1), who(3), topic(7)], vec![]),
        ),
        (items, Told::new(TRANSFER, &[who(1), who(2), topic(7)], vec![])),
        (
            items,
            Told::new("Approval(address,address,uint256)", &[who(2), who(4), topic(7)], vec![]),
        ),
        (
            items,
            Told::new(
                "ConsecutiveTransfer(uint256,uint256,address,address)",
                &[topic(10), who(0), who(1)],
                word(12),
            ),
        ),
        (items, Told::new(TRANSFER, &[who(1), who(0), topic(11)], vec![])),
        (items, Told::new("MetadataUpdate(uint256)", &[], word(12))),
        (
            multi,
            Told::new(
                "TransferBatch(address,address,address,uint256[],uint256[])",
                &[who(9), who(0), who(1)],
                list(&[64, 160, 2, 5, 6, 2, 50, 60]),
            ),
        ),
        (
            multi,
            Told::new(
                "TransferSingle(address,address,address,uint256,uint256)",
                &[who(1), who(1), who(2)],
                list(&[5, 20]),
            ),
        ),
        (multi, Told::new("ApprovalForAll(address,address,bool)", &[who(1), who(2)], word(1))),
        (
            multi,
            Told::new("URI(string,uint256)", &[topic(5)], [list(&[32, 2]), b"x:".into()].concat()),
        ),
    ];
    let live = testkit::database().await;
    let running = rig.start(&live.db);
    for (speaker, log) in &said {
        speaker::say(&rig, *speaker, std::slice::from_ref(log)).await;
        rig.indexed(&live.db).await;
    }
    rig.node.mine(80).await;
    let settled = testkit::database().await;
    let beside = rig.start(&settled.db);
    for db in [&live.db, &settled.db] {
        rig.indexed(db).await;
        let balances = text(
            db,
            "select concat_ws(' ', left(encode(account, 'hex'), 2), token_id, balance, unreliable)
               from balances order by token_id, account",
        )
        .await;
        let wanted = [
            "a1 0 70 f",
            "a2 0 31 f",
            "a3 0 5 f",
            "a4 0 -1 t",
            "a1 5 30 f",
            "a2 5 20 f",
            "a1 6 60 f",
        ];
        assert_eq!(balances, wanted);
        let owners = text(
            db,
            "select concat_ws(' ', token_id, left(encode(owner, 'hex'), 2)) from items
              where intent is null order by token_id",
        )
        .await;
        let most = format!("{} a1", U256::MAX);
        assert_eq!(owners, ["7 a2", "10 a1", "11", "12 a1", most.as_str()]);
        let approvals = text(
            db,
            "select concat_ws(' ', token_id, left(encode(approved, 'hex'), 2))
               from token_approvals
             union all
             select concat_ws(' ', left(encode(operator, 'hex'), 2), approved)
               from operator_approvals
             union all
             select concat_ws(' ', left(encode(spender, 'hex'), 2), amount) from allowances",
        )
        .await;
        assert_eq!(approvals, ["7 a4".to_owned(), "a2 t".to_owned(), format!("a2 {}", U256::MAX)]);
        let updates = text(
            db,
            "select concat_ws(' ', first_token_id, last_token_id, uri) from metadata_updates
              order by block_number",
        )
        .await;
        assert_eq!(updates, ["12 12", "5 5 x:"]);
        let moved = text(
            db,
            "select concat_ws(' ', place, token_id, amount) from transfers
              order by block_number, log_index, place",
        )
        .await;
        let first = format!("0 {}", U256::MAX);
        let wanted = [&first, "0 7", "0 10", "1 11", "2 12", "0 11", "0 5 50", "1 6 60", "0 5 20"];
        assert_eq!(moved, wanted);
    }
    running.kill().await;
    beside.kill().await;
    assert_eq!(rig.digest(&live.db).await, rig.digest(&settled.db).await);
}

/// Nothing that a contract says stops the index; what can't be read is kept raw and counted.
#[tokio::test]
async fn hostile_logs_stop_nothing() {
    let (rig, speakers) = followed().await;
    let live = testkit::database().await;
    let _running = rig.start(&live.db);
    rig.indexed(&live.db).await;
    let most = B256::repeat_byte(0xff);
    let mut told = 0;
    for (speaker, standard) in speakers.into_iter().zip(Standard::ALL) {
        for event in standard.topics() {
            let topics = |count: usize| {
                let mut topics = vec![event];
                topics.extend(vec![most; count]);
                topics
            };
            let mut logs: Vec<Told> = Vec::new();
            for count in 0..=3 {
                for length in [0, 1, 31, 32, 33, 64, 96, 1_000] {
                    logs.push(Told { topics: topics(count), data: vec![0xff; length] });
                    logs.push(Told { topics: topics(count), data: vec![0; length] });
                }
            }
            told += logs.len();
            speaker::say(&rig, speaker, &logs).await;
            let large = Told { topics: topics(3), data: vec![0; 1_000_000] };
            speaker::say(&rig, speaker, &[large]).await;
            told += 1;
        }
    }
    rig.node.mine(70).await;
    rig.indexed(&live.db).await;
    let settled = testkit::database().await;
    let _beside = rig.start(&settled.db);
    rig.indexed(&settled.db).await;
    let (one, other) = (rig.digest(&live.db).await, rig.digest(&settled.db).await);
    assert_eq!(one, other);
    let rows = |name: &str| one.iter().find(|table| table.table == name).unwrap().rows;
    assert_eq!(rows("raw_logs"), told as u64);
    // All addresses are dirty, so what remains is of token ids and ranges alone: one token and a
    // range of them, in both kinds of bytes, and URIs in five lengths of zeros.
    assert_eq!((rows("balances"), rows("items"), rows("allowances")), (0, 0, 0));
    assert_eq!(rows("metadata_updates"), 2 + 2 + 5);
    assert_eq!(rows("undecoded_logs"), told as u64 - 9);
}

/// A range as large as they come, without a node. What is printed says how fast: nothing is asked
/// of the database per log.
#[tokio::test]
async fn a_large_range_is_written_at_once() {
    const RANGES: u64 = 3;
    const LOGS: u64 = 16_000;
    let (asset, items) = (Address::repeat_byte(0x20), Address::repeat_byte(0x72));
    let source = |address, standard| Source::new(address, standard, 1);
    let sources = vec![source(asset, Standard::Erc20), source(items, Standard::Erc721)];
    let known = indexer::Sources::of_others(sources.iter().map(Into::into).collect());
    let projections = Projections::new(Vec::new()).recording(sources);
    let test = testkit::database().await;
    let account = |n: u64| topic(n * 7_919 % 1_000 + 1);
    let signature = keccak256(TRANSFER);
    for range in 0..RANGES {
        let logs: Vec<RawLog> = (range * LOGS..(range + 1) * LOGS)
            .map(|n| {
                let to = account(n);
                let (address, topics, data) = if n % 2 == 0 {
                    (asset, vec![signature, who(1), to], word(n % 7 + 1))
                } else {
                    (items, vec![signature, B256::ZERO, to, topic(n)], vec![])
                };
                RawLog {
                    block_number: n / 100 + 1,
                    block_hash: B256::from(U256::from(n / 100)),
                    log_index: u32::try_from(n % 100).unwrap(),
                    tx_hash: B256::from(U256::from(n)),
                    tx_index: 0,
                    address,
                    topics,
                    data: data.into(),
                    mined_at: Some(time::OffsetDateTime::UNIX_EPOCH),
                }
            })
            .collect();
        let batch = Batch {
            chain_id: vocab::ChainId(1),
            levels: vocab::LevelHeights::default(),
            blocks: &[],
            followed: &logs,
            sources: &known,
            answers: &[],
            settled: true,
        };
        let started = Instant::now();
        let mut tx = db::begin(&test.db).await.unwrap();
        projections.apply(&mut tx, &batch).await.unwrap();
        tx.commit().await.unwrap();
        println!("{LOGS} logs folded and written in {:?}", started.elapsed());
    }
    let all = RANGES * LOGS;
    let found = text(
        &test.db,
        "select concat_ws(' ', (select count(*) from items), (select count(*) from transfers),
                          (select sum(balance) from balances where not unreliable),
                          (select -sum(balance) from balances where unreliable))",
    )
    .await;
    let moved: u64 = (0..all).step_by(2).map(|n| n % 7 + 1).sum();
    assert_eq!(found, [format!("{} {} {moved} {moved}", all / 2, all / 2)]);
}

/// Many mints at once are taken to be of new items; where they are not, nothing of that stays.
#[tokio::test]
async fn items_that_are_minted_again_are_changed() {
    let items = Address::repeat_byte(0x72);
    let sources = vec![Source::new(items, Standard::Erc721, 1)];
    let known = indexer::Sources::of_others(sources.iter().map(Into::into).collect());
    let projections = Projections::new(Vec::new()).recording(sources);
    let test = testkit::database().await;
    for (block, ids, owner) in [(1u64, 1..301u64, 1u64), (2, 51..401, 2), (3, 401..900, 3)] {
        let mint = |(place, id): (u32, u64)| RawLog {
            block_number: block,
            block_hash: topic(block),
            log_index: place,
            tx_hash: topic(block),
            tx_index: 0,
            address: items,
            topics: vec![keccak256(TRANSFER), B256::ZERO, who(owner), topic(id)],
            data: Vec::new().into(),
            mined_at: Some(time::OffsetDateTime::UNIX_EPOCH),
        };
        let logs: Vec<RawLog> = (0..).zip(ids).map(mint).collect();
        let batch = Batch {
            chain_id: vocab::ChainId(1),
            levels: vocab::LevelHeights::default(),
            blocks: &[],
            followed: &logs,
            answers: &[],
            settled: true,
            sources: &known,
        };
        let mut tx = db::begin(&test.db).await.unwrap();
        projections.apply(&mut tx, &batch).await.unwrap();
        tx.commit().await.unwrap();
    }
    let found = text(
        &test.db,
        "select concat_ws(' ', left(encode(owner, 'hex'), 2), count(*), min(minted_block),
                          max(minted_block)) from items group by owner order by owner",
    )
    .await;
    assert_eq!(found, ["a1 50 1 1", "a2 350 2 2", "a3 499 3 3"]);
}
