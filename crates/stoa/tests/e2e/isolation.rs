//! Keys are in the signer's memory and nowhere else.
//!
//! A process of its own does the searching: it has to know the keys, and the test must not.

use crate::server::{Home, Options, Server, descendants, fresh_address};
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use serde_json::json;
use signer::{Client, Fee, TxIntent, TxKind};
use std::{
    collections::{BTreeSet, HashSet},
    fs::{self, File},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

const SCAN_VARIABLE: &str = "STOA_TEST_SCAN";
const SIGNATURES: u64 = 1_000;
const BATCH: u64 = 250;
/// Of its own, so that the engine's lanes have nothing to do with it.
const OUR_INDEX: u32 = 15;
const CHUNK: usize = 4 << 20;
const BLOCK: usize = 16 << 10;
const PAGE: u64 = 4096;

#[tokio::test(flavor = "multi_thread")]
async fn after_a_thousand_signatures_no_other_process_has_seen_a_key() {
    let root = fs::read_to_string("/proc/self/status").unwrap();
    let effective = root.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap();
    let traces = u64::from_str_radix(effective.trim(), 16).unwrap() & 1 << 19 != 0;
    assert!(traces, "only root (CAP_SYS_PTRACE) may read the memory of the signer: run as root");

    let home = Home::new();
    let mark = format!("mark-{}", uuid::Uuid::now_v7());
    let server = home.start(&Options { mark: Some(&mark), ..Options::default() }).await;
    let to = fresh_address();
    let mut jobs = Vec::new();
    for n in 0..20 {
        jobs.push(server.mint(&format!("isolation-{n}"), &to).await);
    }
    sign_and_send(&home, &server).await;
    for job in &jobs {
        server.mint_reaches(job, &["tentative", "auditable", "final"]).await;
    }

    // Output goes to a file: what the searcher prints is not to pass through this process.
    let report = home.path().join("../scan.log");
    let log = File::create(&report).unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "isolation::searches_the_memory_of_others", "--nocapture"])
        .env(SCAN_VARIABLE, home.path())
        .env("STOA_TEST_MARK", &mark)
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .status()
        .unwrap();
    let text = fs::read_to_string(&report).unwrap();
    println!("{text}");
    assert!(status.success() && text.contains("SEARCHED"), "{text}");
}

/// A thousand signatures by a key that pays for its own gas, all of them mined.
async fn sign_and_send(home: &Home, server: &Server) {
    let client = Client::connect_with_timeout(
        home.path().canonicalize().unwrap().join("signer/run/signer.sock"),
        Duration::from_secs(60),
    );
    let key = client.ensure_key("minter", OUR_INDEX).await.unwrap();
    let endpoint = server.endpoint();
    let _: serde_json::Value = endpoint
        .call("anvil_setBalance", json!([key.to_string(), "0x3635c9adc5dea00000"]))
        .await
        .unwrap();
    let fee =
        Fee::Eip1559 { max_fee_per_gas: 100_000_000_000, max_priority_fee_per_gas: 1_000_000_000 };
    for first in (0..SIGNATURES).step_by(BATCH as usize) {
        let intents: Vec<TxIntent> = (first..first + BATCH)
            .map(|nonce| TxIntent {
                key,
                chain_id: 31_337,
                nonce,
                kind: TxKind::Void {},
                gas_limit: 21_000,
                fee,
            })
            .collect();
        for outcome in client.sign_transactions(&intents).await.unwrap() {
            let raw = outcome.unwrap().raw.to_string();
            let _: String = endpoint.call("eth_sendRawTransaction", json!([raw])).await.unwrap();
        }
    }
    testkit::eventually_within(Duration::from_secs(90), "all are mined", || async {
        let mined = endpoint.transaction_count(key).await.ok()?;
        (mined == SIGNATURES).then_some(())
    })
    .await;
}

/// The searching process; in an ordinary run of the tests it has nothing to do.
#[test]
fn searches_the_memory_of_others() {
    let Some(home) = std::env::var_os(SCAN_VARIABLE).map(PathBuf::from) else { return };
    let mark = std::env::var("STOA_TEST_MARK").unwrap();
    let secrets = Secrets::read(&home.join("signer"));
    let own = std::process::id();
    let test = std::os::unix::process::parent_id();
    let mut others = descendants(test);
    others.retain(|pid| *pid != own);
    others.push(test);
    let is_signer = |pid: u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).split('\0').any(|word| word == "sign")
    };
    let signer = others.iter().copied().find(|pid| is_signer(*pid)).expect("a signer runs");
    others.retain(|pid| *pid != signer);

    // The search works: it finds each key and the password where they have to be,
    let found = search(signer, &mut Searcher::new(&secrets.patterns)).expect("the signer runs");
    for (name, raw) in &secrets.must_be_found {
        assert!(found.contains(raw), "{name} is not even in the signer");
    }
    // and in others what was put there, which the signer dropped with its environment.
    let mut patterns = secrets.patterns.clone();
    let marker = patterns.len();
    patterns.push(mark.into_bytes());
    let in_signer = search(signer, &mut Searcher::new(&patterns[marker..]));
    assert!(in_signer.expect("the signer runs").is_empty(), "the signer kept its environment");

    let (mut searched, mut marked) = (BTreeSet::new(), BTreeSet::new());
    let mut searcher = Searcher::new(&patterns);
    for pid in others {
        // A process that has ended has no memory left.
        let Some(mut found) = search(pid, &mut searcher) else { continue };
        if found.remove(&marker) {
            marked.insert(name_of(pid));
        }
        let names: Vec<_> = found.iter().map(|at| &secrets.names[*at]).collect();
        assert!(names.is_empty(), "{} ({pid}) holds {names:?}", name_of(pid));
        searched.insert(name_of(pid));
    }
    assert!(marked.contains("stoa") && marked.contains("anvil"), "{marked:?}");
    for needed in ["stoa", "anvil", "postgres"] {
        assert!(searched.iter().any(|name| name.contains(needed)), "{needed}: {searched:?}");
    }
    let (read, different) = searcher.bytes;
    println!(
        "SEARCHED {} MB, of it {} MB different, of {searched:?} for {} patterns",
        read >> 20,
        different >> 20,
        patterns.len()
    );
}

fn name_of(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned()
}

/// All keys of a signer and its password, in every shape that they might be kept in.
struct Secrets {
    names: Vec<String>,
    patterns: Vec<Vec<u8>>,
    /// Name, and number of the pattern.
    must_be_found: Vec<(String, usize)>,
}

impl Secrets {
    fn read(signer: &Path) -> Self {
        let password = fs::read_to_string(signer.join("password")).unwrap().trim().to_owned();
        let mut secrets = Self { names: Vec::new(), patterns: Vec::new(), must_be_found: vec![] };
        secrets.add("password", password.clone().into_bytes(), true);
        for file in fs::read_dir(signer.join("keys")).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_none_or(|end| end != "json") {
                continue;
            }
            let raw = eth_keystore::decrypt_key(&path, &password).unwrap();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let number = alloy_primitives::U256::from_be_slice(&raw);
            let backwards: Vec<u8> = raw.iter().rev().copied().collect();
            secrets.add(&format!("{name} in hex"), hex::encode(&raw).into_bytes(), false);
            secrets.add(&format!("{name} in HEX"), hex::encode_upper(&raw).into_bytes(), false);
            secrets.add(&format!("{name} in decimal"), number.to_string().into_bytes(), false);
            secrets.add(&format!("{name} backwards"), backwards, false);
            secrets.add(&name, raw, true);
        }
        assert!(secrets.must_be_found.len() > 3, "deployer, minters, password");
        secrets
    }

    fn add(&mut self, name: &str, pattern: Vec<u8>, must_be_found: bool) {
        assert!(pattern.len() >= 32, "{name} is too short to be told from chance");
        if must_be_found {
            self.must_be_found.push((name.to_owned(), self.patterns.len()));
        }
        self.names.push(name.to_owned());
        self.patterns.push(pattern);
    }
}

/// Looks for patterns. What it has searched before it passes over: processes share libraries and
/// Postgres its buffers, and an unoptimised build would search them for minutes.
struct Searcher {
    automaton: AhoCorasick,
    overlap: usize,
    seen: HashSet<(u32, u32, usize)>,
    /// Read, and of that searched.
    bytes: (u64, u64),
}

impl Searcher {
    fn new(patterns: &[Vec<u8>]) -> Self {
        let kind = Some(AhoCorasickKind::DFA);
        let automaton = AhoCorasick::builder().kind(kind).build(patterns).unwrap();
        let overlap = patterns.iter().map(Vec::len).max().unwrap_or(1) - 1;
        Self { automaton, overlap, seen: HashSet::new(), bytes: (0, 0) }
    }

    /// Adds what is found to `hits`. What lies across the edge of a block is in the block's
    /// surroundings, and these are what tells it from others.
    fn note(&mut self, hits: &mut BTreeSet<usize>, bytes: &[u8]) {
        self.bytes.0 += bytes.len() as u64;
        for start in (0..bytes.len()).step_by(BLOCK) {
            let end = bytes.len().min(start + BLOCK + self.overlap);
            let around = &bytes[start.saturating_sub(self.overlap)..end];
            let mut other = crc32fast::Hasher::new_with_initial(1);
            other.update(&around[..around.len() / 2]);
            if !self.seen.insert((crc32fast::hash(around), other.finalize(), around.len())) {
                continue;
            }
            self.bytes.1 += around.len() as u64;
            let found = self.automaton.find_overlapping_iter(around);
            let before = hits.len();
            hits.extend(found.map(|hit| hit.pattern().as_usize()));
            if hits.len() > before {
                // Whoever else has this is to be named, too.
                self.seen.clear();
            }
        }
    }
}

/// Searches everything readable of a process: each mapping, environment, command line. `None`:
/// it has ended. Any other failure fails the test.
fn search(pid: u32, searcher: &mut Searcher) -> Option<BTreeSet<usize>> {
    let open = |name: &str| match File::open(format!("/proc/{pid}/{name}")) {
        Ok(file) => Some(file),
        Err(_) if !Path::new(&format!("/proc/{pid}")).exists() => None,
        Err(error) => panic!("{name} of {} ({pid}): {error}", name_of(pid)),
    };
    let memory = open("mem")?;
    drop(open("maps")?);
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    let mut hits = BTreeSet::new();
    let before = searcher.bytes.0;
    for name in ["environ", "cmdline"] {
        let bytes = fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
        searcher.note(&mut hits, &bytes);
    }
    let mut chunk = vec![0; CHUNK];
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (range, mode) = (words.next().unwrap(), words.next().unwrap());
        let name = words.nth(3).unwrap_or_default();
        // Pages of the kernel's own making, which it lets nobody read this way.
        if !mode.starts_with('r') || name.starts_with("[v") {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let mut at = u64::from_str_radix(start, 16).unwrap();
        let end = u64::from_str_radix(end, 16).unwrap();
        while at < end {
            let wanted = chunk.len().min((end - at) as usize);
            let Ok(read) = memory.read_at(&mut chunk[..wanted], at) else {
                // A page behind the end of its file, or unmapped since the map was read.
                at += PAGE;
                continue;
            };
            if read == 0 {
                break;
            }
            searcher.note(&mut hits, &chunk[..read]);
            at += read as u64;
            if at < end && read > searcher.overlap {
                at -= PAGE.min(read as u64 / 2);
            }
        }
    }
    // A kernel thread or a zombie has no mappings; everything else has.
    (searcher.bytes.0 > before).then_some(hits)
}
