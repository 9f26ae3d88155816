//! Which contracts of others are indexed, and how that may change while the index goes on.

use crate::{
    followed::{drawn, followed},
    rig::{Rig, checkpoint, facts},
    speaker, token,
};
use alloy_primitives::{Address, U256};
use db::Db;
use projections::{Source, Standard};
use rand::{Rng, SeedableRng, rngs::StdRng};
use vocab::topic;

/// Logs of a contract that are kept, as [`token::truth`] has them.
pub async fn rows(db: &Db, contract: Address) -> Vec<(u64, u64, String)> {
    let logs = db::raw_logs::load_of(&mut db.acquire().await.unwrap(), contract).await.unwrap();
    let read = |log: db::raw_logs::RawLog| {
        (log.block_number, u64::from(log.log_index), log.block_hash.to_string())
    };
    logs.into_iter().map(read).collect()
}

/// By ranges and by single blocks, in either way of proving, its logs are kept and nothing else.
#[tokio::test]
async fn of_a_source_that_is_not_projected_only_logs_are_kept() {
    let mut rig = Rig::new().await;
    let (kept, made) = (token::deploy(&rig).await, token::deploy(&rig).await);
    for settled in [true, false] {
        for round in 0..12 {
            token::burst(&rig, [kept, made][round % 2], 5).await;
        }
        rig.node.mine(if settled { 70 } else { 1 }).await;
    }
    let source = |address| Source::new(address, Standard::Erc20, 1);
    rig.sources = vec![Source { projected: false, ..source(kept) }, source(made)];
    for proven in [true, false] {
        rig.options.prove_settled = proven;
        let test = testkit::database().await;
        let _running = rig.start(&test.db);
        rig.indexed(&test.db).await;
        for token in [kept, made] {
            let wanted = token::truth(&rig, &[token]).await;
            assert_eq!((rows(&test.db, token).await, wanted.len()), (wanted, 60));
        }
        let of = "select distinct encode(contract, 'hex') from balances";
        let found = db::raw::texts(&mut test.db.acquire().await.unwrap(), of).await.unwrap();
        assert_eq!(found, [alloy_primitives::hex::encode(made)]);
    }
}

/// Contracts of all three standards with logs in `blocks` blocks, some of them empty.
pub async fn grown(blocks: u64, rng: &mut StdRng) -> (Rig, [Address; 3]) {
    let (mut rig, speakers) = followed().await;
    rig.options.range_max = 9;
    for _ in 0..blocks / 2 {
        talk(&rig, speakers, rng).await;
        rig.node.mine(rng.random_range(0..3)).await;
    }
    rig.node.mine(70).await;
    (rig, speakers)
}

pub async fn talk(rig: &Rig, speakers: [Address; 3], rng: &mut StdRng) {
    let (speaker, logs) = drawn(rng, speakers);
    speaker::say(rig, speaker, &logs).await;
}

/// What `stoa index add` does.
pub async fn add(rig: &Rig, db: &Db, source: &Source) {
    let row = source.row(false);
    let at = checkpoint(db, rig).await.unwrap().block;
    let mut tx = db::begin(db).await.unwrap();
    let projector = rig.projector();
    let sources = (projector.as_ref() as &dyn indexer::Projector, vec![row]);
    indexer::record_added(&mut tx, rig.node.chain_id, at, sources).await.unwrap();
    tx.commit().await.unwrap();
}

/// By another configuration at a restart; then reorgs reach below the join.
#[tokio::test]
async fn a_contract_that_comes_later_comes_to_what_a_fresh_index_has() {
    let mut rng = StdRng::seed_from_u64(3);
    for proven in [true, false] {
        let (mut rig, speakers) = grown(50, &mut rng).await;
        rig.options.prove_settled = proven;
        let all = rig.sources.clone();
        rig.sources.truncate(1);
        let test = testkit::database().await;
        let running = rig.start(&test.db);
        rig.indexed(&test.db).await;
        running.kill().await;
        // One from the beginning, one from the middle, one from above the head.
        let middle = rig.head().await.number / 2;
        let above = rig.head().await.number + 5;
        rig.sources = all;
        rig.sources[2].start_block = middle;
        rig.sources.push(Source::new(token::deploy(&rig).await, Standard::Erc20, above));
        let running = rig.start(&test.db);
        for _ in 0..10 {
            talk(&rig, speakers, &mut rng).await;
            token::burst(&rig, rig.sources[3].address, 2).await;
        }
        rig.joined(&test.db).await;
        assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
        let told = facts(&test.db, topic::CHAIN).await;
        for kind in ["source_added", "source_joined"] {
            assert_eq!(told.iter().filter(|fact| fact.kind == kind).count(), 3, "{kind}");
        }
        for depth in [3, 30, 60] {
            rig.reorg(depth, &[]).await;
            talk(&rig, speakers, &mut rng).await;
            rig.indexed(&test.db).await;
            assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await, "depth {depth}");
        }
        // The same configuration again changes nothing and reads nothing again.
        running.kill().await;
        let _again = rig.start(&test.db);
        rig.indexed(&test.db).await;
        let told = facts(&test.db, topic::CHAIN).await;
        assert_eq!(told.iter().filter(|fact| fact.kind == "source_added").count(), 3);
    }
}

/// By a command, while the head goes on, blocks are given up and writers are cut off and replaced.
#[tokio::test]
async fn a_contract_is_added_under_reorgs_and_changes_of_writer() {
    for seed in 1..=2 {
        println!("seed {seed}");
        let mut rng = StdRng::seed_from_u64(seed);
        let (mut rig, speakers) = grown(100, &mut rng).await;
        rig.options.range_max = 4;
        let all = rig.sources.clone();
        rig.sources.truncate(1);
        let test = testkit::database().await;
        let mut running = rig.start(&test.db);
        rig.indexed(&test.db).await;
        add(&rig, &test.db, &all[1]).await;
        for round in 0..9 {
            talk(&rig, speakers, &mut rng).await;
            let depth = rng.random_range(1..40);
            let again = (0..depth.min(4)).map(|place| {
                let (speaker, logs) = drawn(&mut rng, speakers);
                (speaker::call(speaker, &logs), place)
            });
            let again: Vec<_> = again.collect();
            rig.reorg(depth, &again).await;
            if round == 4 {
                add(&rig, &test.db, &all[2]).await;
            }
            if round % 3 == 0 {
                running.kill().await;
                running = rig.start(&test.db);
            }
            rig.indexed(&test.db).await;
        }
        rig.sources = all;
        rig.joined(&test.db).await;
        assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
        for depth in [5, 50] {
            rig.reorg(depth, &[]).await;
            rig.indexed(&test.db).await;
            assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await, "depth {depth}");
        }
        // A configuration that names them now is the same index; one that drops them is not.
        running.kill().await;
        let running = rig.start(&test.db);
        talk(&rig, speakers, &mut rng).await;
        rig.indexed(&test.db).await;
        running.kill().await;
    }
}

/// Endpoints that do not have old blocks hold up what is read beside, and not the head.
#[tokio::test]
async fn trouble_with_old_logs_does_not_hold_up_the_head() {
    let mut rng = StdRng::seed_from_u64(8);
    let (mut rig, speakers) = grown(60, &mut rng).await;
    let all = rig.sources.clone();
    rig.sources.truncate(1);
    let proxy = crate::proxy::Proxy::before(&rig.node.endpoint).await;
    let old = rig.head().await.number - 65;
    proxy.lie(move |method, params, truth| {
        let first = params[0]["fromBlock"].as_str().map(|text| text.trim_start_matches("0x"));
        let first = first.and_then(|text| u64::from_str_radix(text, 16).ok());
        let pruned = method == "eth_getLogs" && first.is_some_and(|first| first < old);
        if pruned { serde_json::Value::Null } else { truth }
    });
    let test = testkit::database().await;
    let running = rig.start(&test.db);
    rig.indexed(&test.db).await;
    running.kill().await;
    add(&rig, &test.db, &all[1]).await;
    let _running = rig.start_at(&test.db, rig.chain_at(vec![proxy.endpoint.clone()]));
    for _ in 0..5 {
        talk(&rig, speakers, &mut rng).await;
        rig.indexed(&test.db).await;
    }
    let rows = rows(&test.db, all[1].address).await;
    assert!(rows.is_empty(), "nothing is made up: {rows:?}");
    proxy.be_honest();
    rig.sources = all[..2].to_vec();
    rig.joined(&test.db).await;
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
}

const MADE: &str = "Made(string,address,address)";

/// A factory that tells of contracts that stand already.
pub fn made(child: Address) -> speaker::Told {
    let data = [speaker::word(64), child.into_word().to_vec(), speaker::word(0)].concat();
    speaker::Told::new(MADE, &[speaker::topic(1)], data)
}

pub fn factory(address: Address) -> Source {
    let event = "event Made(string name, address indexed owner, address made)";
    let factory = projections::Factory::parse(event, "made").unwrap();
    Source { factory: Some(factory), ..Source::new(address, Standard::Erc20, 1) }
}

pub fn transfer(n: u64) -> speaker::Told {
    let parties = [speaker::topic(0), Address::repeat_byte(n as u8 + 1).into_word()];
    speaker::Told::new("Transfer(address,address,uint256)", &parties, speaker::word(n + 1))
}

/// Six contracts speak from the beginning; a factory names five of them, one after the other, and
/// many that there are not. Each is followed from the block on in which it was named.
pub async fn with_factory(strangers: u64) -> (Rig, Address, Vec<Address>) {
    let mut rig = Rig::new().await;
    rig.options.addresses_max = 50;
    let factory_at = speaker::deploy(&rig).await;
    let mut children = Vec::new();
    for _ in 0..6 {
        children.push(speaker::deploy(&rig).await);
    }
    for round in 0..5usize {
        for child in &children {
            speaker::say(&rig, *child, &[transfer(round as u64)]).await;
        }
        let mut told = vec![made(children[round]), made(children[0])];
        let first = round as u64 * strangers;
        let stranger = |n: u64| Address::from_word(alloy_primitives::keccak256(n.to_be_bytes()));
        told.extend((first..first + strangers).map(|n| made(stranger(n))));
        for part in told.chunks(40) {
            speaker::say(&rig, factory_at, part).await;
        }
        rig.node.mine(7).await;
    }
    rig.node.mine(70).await;
    rig.sources = vec![factory(factory_at)];
    (rig, factory_at, children)
}

/// Each child is there from its first block on, and nothing else is.
async fn assert_children(rig: &Rig, db: &Db, factory: Address, children: &[Address]) {
    let births = "select concat_ws(' ', encode(address, 'hex'), min(block_number))
                    from index_children group by address";
    let births = db::raw::texts(&mut db.acquire().await.unwrap(), births).await.unwrap();
    for (place, child) in children.iter().enumerate() {
        let hex = alloy_primitives::hex::encode(child);
        let birth = births.iter().find_map(|row| row.strip_prefix(&format!("{hex} ")));
        let birth: Option<u64> = birth.map(|number| number.parse().unwrap());
        assert_eq!(birth.is_some(), place < 5, "{child} of {births:?}");
        let mut wanted = token::truth(rig, &[*child]).await;
        wanted.retain(|log| birth.is_some_and(|birth| log.0 >= birth));
        assert_eq!(rows(db, *child).await, wanted, "child {place}");
    }
    assert_eq!(rows(db, factory).await, token::truth(rig, &[factory]).await);
}

#[tokio::test]
async fn what_a_factory_makes_is_followed_from_its_birth() {
    for (proven, strangers) in [(true, 3), (false, 3), (false, 500)] {
        let (mut rig, factory_at, children) = with_factory(strangers).await;
        rig.options.prove_settled = proven;
        rig.options.range_max = 11;
        let test = testkit::database().await;
        let running = rig.start(&test.db);
        rig.indexed(&test.db).await;
        for child in &children {
            speaker::say(&rig, *child, &[transfer(9)]).await;
        }
        rig.indexed(&test.db).await;
        assert_children(&rig, &test.db, factory_at, &children).await;
        running.kill().await;
        let _running = rig.start(&test.db);
        // One more is made inside the window, and taken back.
        for depth in [3, 2] {
            speaker::say(&rig, children[5], &[transfer(3)]).await;
            speaker::say(&rig, factory_at, &[made(children[5])]).await;
            speaker::say(&rig, children[5], &[transfer(4)]).await;
            rig.indexed(&test.db).await;
            assert_eq!(rows(&test.db, children[5]).await.len(), 1);
            rig.reorg(depth, &[]).await;
            rig.indexed(&test.db).await;
            assert!(rows(&test.db, children[5]).await.is_empty(), "it was never made");
            assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await, "depth {depth}");
        }
    }
}

#[tokio::test]
async fn a_factory_that_comes_later_comes_to_what_a_fresh_index_has() {
    let (mut rig, factory_at, children) = with_factory(20).await;
    rig.options.prove_settled = false;
    rig.options.range_max = 9;
    let own = Source::new(children[5], Standard::Erc20, 1);
    let late = std::mem::replace(&mut rig.sources, vec![own]);
    let test = testkit::database().await;
    let mut running = rig.start(&test.db);
    rig.indexed(&test.db).await;
    add(&rig, &test.db, &late[0]).await;
    for round in 0..4u64 {
        for child in &children {
            speaker::say(&rig, *child, &[transfer(round)]).await;
        }
        // Also one that it has named before, and one more.
        for child in [children[1], Address::repeat_byte(round as u8 + 1)] {
            speaker::say(&rig, factory_at, &[made(child)]).await;
        }
        rig.reorg(2 + round, &[]).await;
        running.kill().await;
        running = rig.start(&test.db);
    }
    rig.sources.extend(late);
    rig.joined(&test.db).await;
    assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await);
    for depth in [9, 50] {
        rig.reorg(depth, &[]).await;
        rig.indexed(&test.db).await;
        assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await, "depth {depth}");
    }
    running.kill().await;
}

const SWAP: &str = "Swap(address,uint256,string,bytes2[])";

pub fn events() -> projections::Events {
    let swap = "event Swap(address indexed who, uint256 amount, string note, bytes2[] tags)";
    projections::Events::parse(&[swap, "event Done(bool indexed ok)"]).unwrap()
}

/// A log of `Swap` with a note of these bytes.
fn swap(who: u8, amount: U256, note: &[u8]) -> speaker::Told {
    let mut data = [amount, U256::from(96), U256::from(128 + note.len().next_multiple_of(32))]
        .map(|word| word.to_be_bytes::<32>())
        .concat();
    data.extend(speaker::word(note.len() as u64));
    data.extend(note);
    data.resize(data.len().next_multiple_of(32), 0);
    data.extend(speaker::word(1));
    data.extend([&[0xbe, 0xef][..], &[0; 30]].concat());
    speaker::Told::new(SWAP, &[Address::repeat_byte(who).into_word()], data)
}

/// Sound ones, and what must stop nothing: other indexing, cut short, huge, not UTF-8, NUL.
pub fn swaps() -> Vec<speaker::Told> {
    let sound = |who, note: &[u8]| swap(who, U256::MAX, note);
    let mut cut = sound(4, b"cut");
    cut.data.truncate(40);
    let mut other = sound(4, b"other");
    other.topics.push(speaker::topic(7));
    vec![
        sound(1, b"plain"),
        sound(2, b"nul \0 here"),
        sound(3, b"bad \xff\xfe utf"),
        sound(3, &[0; 3_000]),
        cut,
        other,
        speaker::Told::new(SWAP, &[], vec![0xff; 128]),
        swap(5, U256::from(1), &vec![b'x'; 40_000]),
        speaker::Told::new("Done(bool)", &[speaker::topic(1)], vec![]),
        speaker::Told::new("Done(bool)", &[speaker::topic(2)], vec![]),
    ]
}

async fn decoded(db: &Db) -> Vec<String> {
    let all = "select concat_ws(' ', encode(contract, 'hex'), event, args)
                 from decoded_logs order by block_number, log_index";
    db::raw::texts(&mut db.acquire().await.unwrap(), all).await.unwrap()
}

#[tokio::test]
async fn logs_are_read_by_an_abi_of_one_contract_or_of_any() {
    for (anywhere, proven) in [(false, true), (true, true), (true, false)] {
        let mut rig = Rig::new().await;
        rig.options.prove_settled = proven;
        let (one, two) = (speaker::deploy(&rig).await, speaker::deploy(&rig).await);
        for _ in 0..2 {
            for log in swaps() {
                speaker::say(&rig, one, std::slice::from_ref(&log)).await;
                speaker::say(&rig, two, &[log, transfer(1)]).await;
            }
            rig.node.mine(70).await;
        }
        let asset = Source::new(two, Standard::Erc20, 1);
        rig.sources = if anywhere {
            Source::anywhere(&events(), 1)
        } else {
            vec![Source::of_events(one, events(), 1)]
        };
        rig.sources.push(asset.clone());
        let test = testkit::database().await;
        let running = rig.start(&test.db);
        for log in swaps() {
            speaker::say(&rig, one, &[log]).await;
        }
        rig.indexed(&test.db).await;
        let rows = decoded(&test.db).await;
        // Of each ten logs four cannot be read.
        let rounds = if anywhere { 5 } else { 3 };
        assert_eq!(rows.len(), rounds * 5, "{rows:#?}");
        let max = U256::MAX.to_string();
        assert!(rows[0].contains("Swap") && rows[0].contains(&max), "{}", rows[0]);
        assert!(rows[0].contains(r#""tags": ["0xbeef"]"#), "{}", rows[0]);
        assert!(rows.iter().any(|row| row.contains("nul \u{fffd} here")), "{rows:#?}");
        let counted = "select concat_ws(' ', reason, count(*)) from unread_logs
                        group by reason order by reason";
        let counted = db::raw::texts(&mut test.db.acquire().await.unwrap(), counted).await;
        let per = |n: usize| n * rounds;
        let wanted = [format!("data {}", per(4)), format!("too_long {}", per(1))];
        assert_eq!(counted.unwrap(), wanted);
        let balances = "select count(*)::text from balances";
        let balances = db::raw::texts(&mut test.db.acquire().await.unwrap(), balances).await;
        assert_eq!(balances.unwrap(), ["1"], "the asset is followed beside");
        for depth in [4, 30] {
            rig.reorg(depth, &[]).await;
            speaker::say(&rig, one, &swaps()).await;
            rig.indexed(&test.db).await;
            assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await, "depth {depth}");
        }
        running.kill().await;
        // The same, added later to an index of the asset alone.
        let all = std::mem::replace(&mut rig.sources, vec![asset]);
        let test = testkit::database().await;
        let running = rig.start(&test.db);
        rig.indexed(&test.db).await;
        running.kill().await;
        rig.sources = all;
        let _running = rig.start(&test.db);
        rig.joined(&test.db).await;
        assert_eq!(rig.digest(&test.db).await, rig.rebuilt().await, "added later");
    }
}

/// A log belongs to one source.
#[tokio::test]
async fn events_of_any_contract_are_nobody_elses() {
    let rig = Rig::new().await;
    let test = testkit::database().await;
    let running = rig.start(&test.db);
    rig.indexed(&test.db).await;
    running.kill().await;
    let transfer = "event Transfer(address indexed from, address indexed to, uint256 value)";
    let transfer = projections::Events::parse(&[transfer]).unwrap();
    let projector = rig.projector();
    let at = checkpoint(&test.db, &rig).await.unwrap().block;
    let asset = Source::new(Address::repeat_byte(7), Standard::Erc20, 1);
    let uploaded = Source::new(Address::repeat_byte(8), Standard::Abi, 1);
    let rows = |sources: Vec<Source>| -> Vec<_> {
        sources.iter().map(|source| source.row(false)).collect()
    };
    let cases = [
        (Source::anywhere(&transfer, 1), "is one of a contract"),
        ([Source::anywhere(&transfer, 1), vec![asset]].concat(), "is one of a contract"),
        (vec![uploaded], "no ABI of"),
    ];
    for (sources, why) in cases {
        let mut tx = db::begin(&test.db).await.unwrap();
        let sources = (projector.as_ref() as &dyn indexer::Projector, rows(sources));
        let refused = indexer::record_added(&mut tx, rig.node.chain_id, at, sources).await;
        let said = refused.unwrap_err().to_string();
        assert!(said.contains(why), "{said}");
    }
}
