//! Projections made anew: the same as before, under live commits and readers, and compared.

use crate::{
    followed::{TRANSFER, drawn, followed, text, who},
    rig::{Collection, Rig},
    speaker::{self, Told, topic, word},
};
use alloy_primitives::{Address, B256};
use db::{Db, checkpoints, registry, shadow, transfers_reads};
use projections::rebuild::{self, Pace, RebuildError, Subject, Verdict};
use rand::{SeedableRng, rngs::StdRng};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use testkit::{ACCOUNTS, TestDatabase};

/// Pieces so small that there are many of them.
pub const SMALL: Pace = Pace { chunk: 7, logs: 20, rows: 15 };

/// A chain with a collection of ours and contracts of others, settled blocks and a window, indexed.
pub struct Place {
    pub rig: Rig,
    pub speakers: [Address; 3],
    pub collection: Collection,
    pub rng: StdRng,
    pub test: TestDatabase,
}

impl Place {
    pub async fn new(seed: u64) -> Self {
        let (rig, speakers) = followed().await;
        let mut collection = rig.create(1).await;
        rig.mint(&mut collection, 6).await;
        let mut place = Self {
            rig,
            speakers,
            collection,
            rng: StdRng::seed_from_u64(seed),
            test: testkit::database().await,
        };
        place.live(40).await;
        place.rig.node.mine(70).await;
        place.live(12).await;
        register(&place.rig, &place.test.db).await;
        place
    }

    /// So many blocks with logs, of followed contracts and of ours.
    pub async fn live(&mut self, count: u64) {
        for place in 0..count {
            let (speaker, logs) = drawn(&mut self.rng, self.speakers);
            speaker::say(&self.rig, speaker, &logs).await;
            if place % 10 == 3 {
                self.rig.mint(&mut self.collection, 2).await;
                self.rig.transfer(&self.collection, 1 + place % 5, ACCOUNTS[1]).await;
            }
        }
    }

    pub async fn verify(&self) -> Verdict {
        let db = &self.test.db;
        rebuild::verify(db, &Subject::all(), (50, 7), SMALL, &mut |_| {}).await.unwrap()
    }
}

/// The registry names our factory, as it does where a server deploys it.
pub async fn register(rig: &Rig, db: &Db) {
    let factory = registry::Deployment {
        name: contracts::COLLECTION_FACTORY.name.to_owned(),
        version: 1,
        address: rig.factory,
        deploy_block: 0,
        code_hash: B256::ZERO,
    };
    let mut connection = db.acquire().await.unwrap();
    registry::record(&mut connection, rig.node.chain_id, &factory).await.unwrap();
}

pub async fn rebuild(db: &Db, name: &str) -> Result<rebuild::Rebuilt, RebuildError> {
    rebuild::rebuild(db, &Subject::named(name).unwrap(), SMALL, &mut |_| {}, &|_| Vec::new()).await
}

/// Schemas that a rebuild makes, and all indexes by name.
pub async fn leftovers(db: &Db) -> Vec<String> {
    text(
        db,
        "select nspname::text from pg_namespace where nspname in ('stoa_shadow', 'stoa_replaced')
         union all select single::text from index_rebuilds
         union all select chain_id::text from index_rebuild_chains",
    )
    .await
}

async fn definitions(db: &Db) -> Vec<String> {
    text(
        db,
        "select indexdef from pg_indexes where schemaname = 'public'
         union all
         select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
           from pg_constraint where connamespace = 'public'::regnamespace
         union all
         select relname || coalesce(array_to_string(reloptions, ','), '') from pg_class
          where relnamespace = 'public'::regnamespace
          order by 1",
    )
    .await
}

/// By every name, in pieces, under live commits and a reorg; undo goes on to hold.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_anew_is_what_it_was() {
    let mut place = Place::new(1).await;
    let db = place.test.db.clone();
    let _running = place.rig.start(&db);
    place.rig.indexed(&db).await;
    let (wanted, defined) = (place.rig.digest(&db).await, definitions(&db).await);
    let made = Subject::all();
    let mut made = wanted.iter().filter(|table| made.tables().contains(&table.table));
    assert!(made.all(|table| table.rows > 0), "{wanted:?}");
    for name in Subject::names() {
        let rebuilt = rebuild(&db, name).await.unwrap();
        assert_eq!(rebuilt.tables, Subject::named(name).unwrap().tables());
        assert_eq!(place.rig.digest(&db).await, wanted, "{name}");
        assert_eq!(definitions(&db).await, defined, "{name}");
        assert_eq!(leftovers(&db).await, [""; 0]);
    }
    let verdict = place.verify().await;
    assert!(verdict.is_equal(), "{verdict:?}");
    assert_eq!(leftovers(&db).await, [""; 0]);
    for depth in [3, 9, 30] {
        place.live(depth).await;
        place.rig.indexed(&db).await;
        rebuild(&db, "all").await.unwrap();
        place.rig.reorg(depth, &[]).await;
        place.rig.indexed(&db).await;
        assert_eq!(place.rig.digest(&db).await, place.rig.rebuilt().await, "depth {depth}");
        let verdict = place.verify().await;
        assert!(verdict.is_equal(), "{verdict:?}");
    }
}

/// Whatever is wrong with a row is found, named, and mended.
#[tokio::test(flavor = "multi_thread")]
async fn planted_differences_are_named_and_mended() {
    const FAULTS: [(&str, &str, &str); 5] = [
        (
            "update balances set balance = balance + 1
              where ctid = (select ctid from balances where token_id = 0 order by account limit 1)",
            "balances",
            "different: contract \\x",
        ),
        (
            "delete from items where minted_block = (select max(minted_block) from items)",
            "items",
            "missing: contract \\x",
        ),
        (
            "insert into transfers select chain_id, 1, 77, block_hash, tx_hash, contract, token_id,
                    sender, recipient, mined_at, 0, null from transfers limit 1",
            "transfers",
            "extra: block_number 1 log_index 77 place 0; live",
        ),
        ("update collections set minted = minted + 1", "collections", "different: contract \\x"),
        (
            "update undo_records set image = image || '{\"balance\": 7}' where image is not null
             and projection = 'balances'",
            "undo_records",
            "",
        ),
    ];
    let place = Place::new(2).await;
    let db = place.test.db.clone();
    let _running = place.rig.start(&db);
    place.rig.indexed(&db).await;
    let wanted = place.rig.digest(&db).await;
    for (fault, table, said) in FAULTS {
        db::raw::execute(&mut db.acquire().await.unwrap(), fault).await.unwrap();
        let verdict = place.verify().await;
        assert!(!verdict.is_equal(), "{fault}");
        let [chain] = verdict.chains.as_slice() else { panic!("{verdict:?}") };
        let wrong: Vec<_> = chain.tables.iter().filter(|t| t.live != t.made).collect();
        if table == "undo_records" {
            assert!(wrong.is_empty() && chain.undo_differences > 0, "{verdict:?}");
        } else {
            assert_eq!(wrong.len(), 1, "{fault}: {wrong:?}");
            assert_eq!(wrong[0].live.table, table);
            let first = &wrong[0].differences.first;
            assert!(wrong[0].differences.count > 0 && first[0].starts_with(said), "{first:?}");
        }
        rebuild(&db, "all").await.unwrap();
        assert_eq!(place.rig.digest(&db).await, wanted, "{fault}");
        assert!(place.verify().await.is_equal(), "{fault}");
    }
}

/// Refused with a reason, and nothing is changed.
#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_made_anew_is_refused() {
    let place = Place::new(3).await;
    let db = place.test.db.clone();
    assert!(matches!(rebuild(&db, "all").await, Err(RebuildError::NothingIndexed)));
    let _running = place.rig.start(&db);
    place.rig.indexed(&db).await;
    let wanted = place.rig.digest(&db).await;
    let other = shadow::claim(&db).await.unwrap().unwrap();
    assert!(matches!(rebuild(&db, "all").await, Err(RebuildError::UnderWay)));
    assert!(matches!(rebuild::discard(&db).await, Err(RebuildError::UnderWay)));
    drop(other);
    testkit::eventually("the right is free", || async {
        matches!(rebuild::discard(&db).await, Ok(None)).then_some(())
    })
    .await;
    let execute = async |sql| {
        db::raw::execute(&mut db.acquire().await.unwrap(), sql).await.unwrap();
    };
    // Another session holds the checkpoint for good: the exchange can't be made.
    let mut holder = db::begin(&db).await.unwrap();
    db::raw::execute(&mut holder, "select 1 from checkpoints for update").await.unwrap();
    let attempt = tokio::time::timeout(Duration::from_secs(6), rebuild(&db, "allowances")).await;
    assert!(attempt.is_err(), "{attempt:?}");
    holder.rollback().await.unwrap();
    let unfinished = testkit::eventually("what was cut off is told of", || async {
        match rebuild(&db, "operator_approvals").await {
            Err(RebuildError::UnderWay) => None,
            Err(RebuildError::Unfinished { name, .. }) => Some(name),
            other => panic!("{other:?}"),
        }
    })
    .await;
    assert_eq!(unfinished, "allowances");
    // Logs that come below what was read, and contracts that come.
    execute("delete from raw_logs where block_number = (select min(block_number) from raw_logs)")
        .await;
    assert!(matches!(rebuild(&db, "allowances").await, Err(RebuildError::Changed(_))));
    execute(
        "insert into index_sources (chain_id, address, kind, start_block)
         values (31337, decode(repeat('77', 20), 'hex'), 'erc20', 1)",
    )
    .await;
    let refused = rebuild(&db, "allowances").await;
    assert!(matches!(refused, Err(RebuildError::Changed(_))), "{refused:?}");
    assert_eq!(rebuild::discard(&db).await.unwrap().as_deref(), Some("allowances"));
    assert_eq!(leftovers(&db).await, [""; 0]);
    assert_eq!(place.rig.digest(&db).await[1..], wanted[1..]);
}

/// Told by one contract: a unit for each log; by the other: an item for each.
async fn issue(rig: &Rig, speakers: [Address; 3], ids: &AtomicU64, count: u64) {
    let first = ids.fetch_add(count, Ordering::Relaxed);
    let units: Vec<Told> = (first..first + count)
        .map(|n| Told::new(TRANSFER, &[who(0), topic(n % 997 + 1)], word(1)))
        .collect();
    let items: Vec<Told> = (first..first + count)
        .map(|n| Told::new(TRANSFER, &[who(0), topic(n % 499 + 1), topic(n)], vec![]))
        .collect();
    speaker::say(rig, speakers[0], &units).await;
    speaker::say(rig, speakers[1], &items).await;
}

/// One view after another: what it shows of each table is of one and the same block.
async fn look_on(db: Db, stop: Arc<AtomicBool>) -> (u64, Duration) {
    let (mut views, mut longest) = (0, Duration::ZERO);
    let mut before = 0;
    while !stop.load(Ordering::Relaxed) {
        let started = Instant::now();
        let mut view = db::begin_view(&db).await.unwrap();
        let chain = vocab::ChainId(31_337);
        let height = checkpoints::load(&mut view, chain).await.unwrap().unwrap().block.number;
        let mut counts = Vec::new();
        for sql in [
            "select count(*)::text from raw_logs where block_number > 3 and length(topics) = 96",
            "select coalesce(sum(balance), 0)::text from balances",
            "select count(*)::text from raw_logs where length(topics) = 128",
            "select count(*)::text from items",
            "select count(*)::text from transfers",
            "select coalesce(max(block_number), 0)::text from transfers",
        ] {
            let found = db::raw::texts(&mut view, sql).await.unwrap();
            counts.push(found[0].parse::<u64>().unwrap());
        }
        view.commit().await.unwrap();
        longest = longest.max(started.elapsed());
        assert_eq!(counts[0], counts[1], "units at block {height}");
        assert_eq!((counts[2], counts[2]), (counts[3], counts[4]), "items at block {height}");
        assert!(counts[5] <= height && height >= before, "{counts:?} at {height}, after {before}");
        before = height;
        views += 1;
    }
    (views, longest)
}

/// Statement by statement, on connections that keep their plans: nothing fails, nothing is lost.
async fn ask_on(db: Db, stop: Arc<AtomicBool>) -> (u64, Duration) {
    let mut connection = db.acquire().await.unwrap();
    let (mut asked, mut longest, mut before) = (0, Duration::ZERO, vec![0u64; 3]);
    while !stop.load(Ordering::Relaxed) {
        let statements = [
            "select count(*)::text from transfers",
            "select count(*)::text from items",
            "select (count(*) + sum(b.balance))::text from items i
               join balances b on b.chain_id = i.chain_id and b.account = i.owner",
        ];
        for (sql, before) in statements.into_iter().zip(&mut before) {
            let started = Instant::now();
            let found = db::raw::texts(&mut connection, sql).await.unwrap();
            longest = longest.max(started.elapsed());
            let now = found.first().and_then(|text| text.parse().ok()).unwrap_or(0);
            assert!(now >= *before, "{sql}: {now} after {before}");
            *before = now;
            asked += 1;
        }
    }
    (asked, longest)
}

/// About 500 events a second are committed while tables are made anew and exchanged, again and
/// again. No reader sees an error, a mixture, or waits for long; and a page that was begun before
/// goes on after.
#[tokio::test(flavor = "multi_thread")]
async fn readers_and_commits_go_on_through_exchanges() {
    const EXCHANGES: usize = 8;
    let (rig, speakers) = followed().await;
    let test = testkit::database().await;
    let db = test.db.clone();
    let ids = Arc::new(AtomicU64::new(1));
    for _ in 0..20 {
        issue(&rig, speakers, &ids, 90).await;
    }
    rig.node.mine(66).await;
    let _running = rig.start(&db);
    rig.indexed(&db).await;
    let stop = Arc::new(AtomicBool::new(false));
    let readers = [
        tokio::spawn(look_on(db.clone(), Arc::clone(&stop))),
        tokio::spawn(look_on(db.clone(), Arc::clone(&stop))),
        tokio::spawn(ask_on(db.clone(), Arc::clone(&stop))),
    ];
    let (rig, writing) = (Arc::new(rig), Instant::now());
    let writer = {
        let (rig, ids, stop) = (Arc::clone(&rig), Arc::clone(&ids), Arc::clone(&stop));
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(200));
            while !stop.load(Ordering::Relaxed) {
                ticks.tick().await;
                issue(&rig, speakers, &ids, 50).await;
            }
        })
    };
    let page = async |before| {
        let mut connection = db.acquire().await.unwrap();
        let filter = transfers_reads::TransferFilter::default();
        let chain = vocab::ChainId(31_337);
        let rows = transfers_reads::list(&mut connection, chain, filter, before, 1_000).await;
        let place =
            |row: &transfers_reads::TransferRow| (row.block_number, row.log_index, row.place);
        rows.unwrap().iter().map(place).collect::<Vec<_>>()
    };
    let first = page(None).await;
    let began_at = ids.load(Ordering::Relaxed);
    for exchange in 0..EXCHANGES {
        let pace = if exchange % 2 == 0 { Pace::default() } else { SMALL };
        let name = if exchange % 3 == 2 { "item_owners" } else { "all" };
        let subject = Subject::named(name).unwrap();
        let rebuilt =
            rebuild::rebuild(&db, &subject, pace, &mut |_| {}, &|_| Vec::new()).await.unwrap();
        println!("{name} exchanged, commits held for {:?}", rebuilt.held);
    }
    let rate = (ids.load(Ordering::Relaxed) - began_at) * 2 * 1_000
        / u64::try_from(writing.elapsed().as_millis()).unwrap();
    let mut pages = first.clone();
    while let Some(last) = pages.last().copied() {
        let next = page(Some(last)).await;
        if next.is_empty() {
            break;
        }
        pages.extend(next);
    }
    stop.store(true, Ordering::Relaxed);
    writer.await.unwrap();
    for reader in readers {
        let (reads, longest) = reader.await.unwrap();
        println!("{reads} reads, the longest took {longest:?}; {rate} events a second");
        assert!(reads > 10 && longest < Duration::from_secs(10), "{reads}, {longest:?}");
    }
    rig.indexed(&db).await;
    assert_eq!(rig.digest(&db).await, rig.rebuilt().await);
    let all = page(None).await;
    assert!(all.len() == 1_000, "so many that there are pages");
    let older = text(
        &db,
        "select concat_ws(' ', block_number, log_index, place) from transfers
                            order by block_number desc, log_index desc, place desc",
    )
    .await;
    let seen: Vec<String> = pages.iter().map(|(a, b, c)| format!("{a} {b} {c}")).collect();
    let from = older.iter().position(|row| *row == seen[0]).unwrap();
    assert_eq!(older[from..], seen);
}
