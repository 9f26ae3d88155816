mod layers;

use super::{
    ChainConfiguration, Listen, Settings, catalog,
    option::{Kind, Opt, Options, Value},
    show,
    tree::Lines,
};
use std::{env, fs, path::Path};

const MANUAL: &str = include_str!("../../../../docs/reference/configuration.md");
const BEGIN: &str = "<!-- options: begin -->\n";
const END: &str = "\n<!-- options: end -->";

/// A value that is allowed, and another than this one.
fn other(kind: Kind, value: Option<&Value>) -> Value {
    let one_of = |a: Value, b: Value| if value == Some(&a) { b } else { a };
    match kind {
        Kind::Whole(least, most) | Kind::Millis(least, most) => {
            one_of(Value::Whole(most), Value::Whole(least))
        }
        Kind::Number(least, most) => one_of(Value::Number(most), Value::Number(least)),
        Kind::Wei => one_of(Value::Wei(7), Value::Wei(8)),
        Kind::Flag => one_of(Value::Flag(true), Value::Flag(false)),
        Kind::Urgency => one_of(Value::Text("urgent".into()), Value::Text("low".into())),
        Kind::Socket => Value::Text("127.0.0.1:1".into()),
        Kind::Filter => Value::Text("info,a=debug".into()),
        Kind::Database => Value::Text("postgres://u@127.0.0.1/x".into()),
        Kind::Secret => Value::Text("a".into()),
        Kind::Text => one_of(Value::Text("a".into()), Value::Text("b".into())),
        Kind::Address => Value::Text("https://a.example/key".into()),
        Kind::Redis => Value::Text("redis://127.0.0.1:6379/1".to_owned()),
        Kind::Texts => Value::Texts(vec!["a".into()]),
    }
}

/// Set every option to something else, as a file would.
fn change_all<T>(options: &[Opt<T>], of: &mut T) {
    for option in options {
        let value = other(option.kind, (option.get)(of).as_ref());
        let text = format!("x = {}", value.shown());
        let table = toml::de::DeTable::parse(&text).unwrap();
        let node = Lines::of(&text).table(table.get_ref()).remove("x").unwrap();
        let read = option.kind.read(&node).unwrap();
        assert_eq!(read, value, "{}", option.name);
        (option.set)(of, read);
        assert_eq!((option.get)(of), Some(value), "{} is kept", option.name);
    }
}

/// Lists of texts in one line each, however many are in them.
fn with_short_lists(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let part = line.trim();
        let inside = lines.last().is_some_and(|last| last.ends_with(['[', '"']));
        match lines.last_mut() {
            Some(last) if inside && part.starts_with('"') => {
                last.push_str(part.trim_end_matches(','));
            }
            Some(last) if inside && last.contains("[\"") && part == "]," => last.push_str("],"),
            _ => lines.push(line.to_owned()),
        }
    }
    lines.join("\n")
}

/// What the parts let one set in code can be set in the file: nothing is forgotten.
#[test]
fn every_field_has_its_option() {
    let mut usual = Settings::default();
    // Those that nothing stands for: shown in as many lines as when they are set.
    (usual.chain.id, usual.chain.name) = (Some(1), Some("x".into()));
    usual.telemetry.profile_listen = Listen(Some("127.0.0.1:2".parse().unwrap()));
    let mut all = usual.clone();
    for section in catalog::sections() {
        match &section.options {
            Options::Engine(options) => change_all(options, &mut all),
            Options::Chain(options) => change_all(options, &mut all.chain),
        }
    }
    let (before, after) = (format!("{usual:#?}"), format!("{all:#?}"));
    let (before, after) = (with_short_lists(&before), with_short_lists(&after));
    let (before, after): (Vec<&str>, Vec<&str>) =
        (before.lines().collect(), after.lines().collect());
    assert_eq!(before.len(), after.len());
    let same: Vec<&str> = before
        .iter()
        .zip(&after)
        .filter(|(a, b)| a == b && !a.trim_end().ends_with(['{', '}', '(', ')', ']']))
        .map(|(a, _)| a.trim())
        .filter(|line| !matches!(*line, "}," | ")," | "],"))
        .collect();
    // Tables of their own, what is found out at the start, and a number inside a chain's id.
    let others = [
        "endpoints: [],",
        "relay: None,",
        "relay: None,",
        "sources: [],",
        "chains: [],",
        "start_block: 1,",
        "0,",
    ];
    let of_roles = |line: &&str| {
        ["wallets", "in_flight_max", "calls", "top_up"].iter().any(|name| line.starts_with(name))
    };
    let mut left: Vec<&str> = same.into_iter().filter(|line| !of_roles(line)).collect();
    // What proofs do wrong on purpose; a shipped build does not have it.
    left.retain(|line| *line != "planted: None,");
    for other in others {
        let place = left.iter().position(|line| *line == other);
        left.remove(place.unwrap_or_else(|| panic!("{other} is not as usual any more")));
    }
    assert!(left.is_empty(), "no option sets these fields: {left:#?}");
    change_all(&catalog::role(), &mut all.roles.get_mut("minter").unwrap().clone());
    change_all(&catalog::endpoint(), &mut chain::EndpointConfiguration::new(""));
    change_all(&catalog::source(), &mut super::SourceSettings::default());
}

/// The tables of the manual are made from the options: `STOA_UPDATE_DOCS=1` writes them anew.
#[test]
fn the_manual_names_every_option() {
    let (head, rest) = MANUAL.split_once(BEGIN).unwrap();
    let (found, tail) = rest.split_once(END).unwrap();
    let made = show::manual();
    if env::var_os("STOA_UPDATE_DOCS").is_some() {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/configuration.md");
        fs::write(path, format!("{head}{BEGIN}{}{END}{tail}", made.trim_end())).unwrap();
        return;
    }
    assert!(found == made.trim_end(), "run this test with STOA_UPDATE_DOCS=1");
}

#[test]
fn the_example_of_the_manual_is_accepted() {
    let example = MANUAL.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let settings = Settings::parse(example).unwrap();
    assert_eq!(settings.transactor.fee_cap_wei, 80_000_000_000);
    assert_eq!(settings.roles["minter"].in_flight_max, 8);
    assert_eq!(settings.transactor_roles()[1].top_up.as_ref().unwrap().treasury, "operator");
    assert_eq!(settings.chain_endpoints().unwrap().build().unwrap().len(), 2);
    assert_eq!(settings.call_roles(), ["operator"]);
    assert_eq!(settings.roles["minter"].wallets, 4);
}

/// What a further chain says of itself; the rest as of the first one, of this file or as usual.
const TWO: &str = "\
[[chains]]
id = 10
name = \"ten\"
final_blocks = 20
[chains.indexer]
window_blocks = 200
window_finalized = true
[chains.pool]
deadline_ms = 5_000
[[chains.endpoints]]
url = \"http://a.example/hush\"
weight = 3
[[chains.endpoints]]
url = \"http://b.example/hush\"
[[chains.sources]]
address = \"0x5fbdb2315678afecb367f032d93f642f64180aa3\"
standard = \"erc20\"
start_block = 7
[[chains]]
id = 11
[[chains.endpoints]]
url = \"http://c.example\"
[chain]
block_time_ms = 2_000
auditable_blocks = 3
[indexer]
reread_blocks = 9
";

#[test]
fn further_chains_inherit_what_they_do_not_say() {
    let settings = Settings::parse(TWO).unwrap();
    let ChainConfiguration { finality, indexer, .. } = &settings.chain;
    assert!(settings.chain_endpoints().is_none() && settings.chain.id.is_none());
    let [ten, eleven] = &settings.chains[..] else { panic!("{:?}", settings.chains) };
    assert_eq!((ten.id, ten.name.as_deref()), (Some(10), Some("ten")));
    assert_eq!((ten.title(), eleven.title()), ("chain 10 (ten)".into(), "chain 11".into()));
    assert_eq!((ten.finality.final_, ten.finality.auditable), (20, 3));
    assert_eq!((ten.indexer.window, ten.indexer.reread_blocks), (200, 9));
    assert!(ten.indexer.window_finalized && !indexer.window_finalized);
    assert_eq!(ten.pool.deadline.as_secs(), 5);
    assert_eq!(ten.pool_configuration().unwrap().build().unwrap().len(), 2);
    assert_eq!((ten.index_sources().len(), ten.start_block(u64::MAX)), (1, 7));
    assert_eq!(eleven.finality.final_, finality.final_);
    assert_eq!(eleven.indexer.window, indexer.window);
    assert_eq!((eleven.block_time.as_secs(), eleven.sources.len()), (2, 0));
    assert_eq!(eleven.pool.deadline, settings.chain.pool.deadline);

    let shown = settings.show();
    assert!(!shown.contains("hush"), "{shown}");
    let expect = ["final_blocks = 20    # usual: 32", "[[chains.endpoints]]", "weight = 3"];
    assert!(expect.iter().all(|line| shown.contains(line)), "{shown}");
    // Of addresses the hosts are left, which are enough here.
    assert_eq!(Settings::parse(&shown).unwrap().show(), shown);
}

#[test]
fn faults_of_further_chains_are_told_with_their_places() {
    let endpoint = "[[chains.endpoints]]\nurl = \"http://a.example\"\n";
    let cases = [
        ("chains = 1".to_owned(), "line 1: chains: must be tables: [[chains]]"),
        ("[[chains]]\nname = \"a\"".to_owned(), "line 1: chains[1]: id is missing"),
        ("[[chains]]\nid = 5".to_owned(), "line 1: chains[1]: it needs an endpoint: [[chains.end"),
        ("[[chains]]\nid = 5\nendpoints = 1".to_owned(), "tables: [[chains.endpoints]]"),
        ("[[chains]]\nid = 5\nendpoints = []".to_owned(), "chains[1].endpoints: a chain needs"),
        ("[[chains]]\nid = 0".to_owned(), "line 2: chains[1].id: must be a whole number from 1"),
        (
            "[[chains]]\nids = 5".to_owned(),
            "line 2: chains[1].ids: there is no such option, only id",
        ),
        ("[[chains]]\nname = \"\"".to_owned(), "line 2: chains[1].name: must have 1 to 64"),
        (
            format!("[[chains]]\nid = 5\n{endpoint}wieght = 1"),
            "line 5: chains[1].endpoints[1].wieght: there is no such",
        ),
        (
            "[[chains]]\n[[chains.endpoints]]\nurl = \"ftp://secret.example\"".to_owned(),
            "chains[1].endpoints[1]: ",
        ),
        (
            "[[chains]]\n[chains.indexer]\nwindow = 1".to_owned(),
            "line 3: chains[1].indexer.window: there is no such option",
        ),
        ("[[chains]]\npool = 1".to_owned(), "line 2: chains[1].pool: must be a table"),
        (
            "[[chains]]\n[[chains.sources]]\naddress = \"*\"\nstandard = \"erc20\"\n\
             start_block = 1"
                .to_owned(),
            "chains[1].sources[1].address: \"*\" goes with",
        ),
        (
            format!("[[chains]]\nid = 5\n{endpoint}[[chains]]\nid = 5\n"),
            "line 6: chains[2].id: an earlier chain has this id",
        ),
        (
            format!("[chain]\nid = 5\n[[chains]]\nid = 5\n{endpoint}"),
            "line 4: chains[1].id: an earlier chain has this id",
        ),
        (
            format!("[[chains]]\nid = 5\n{endpoint}[[chains]]\nid = 6\n{endpoint}"),
            "line 7: chains[2].endpoints[1]: it is an endpoint of an earlier chain",
        ),
        (
            format!("[[chains]]\nid = 5\n{endpoint}[[endpoints]]\nurl = \"http://b.example\""),
            "chain.id: is needed beside [[chains]]",
        ),
        (
            "[[chains]]\nid = 5\nfinal_blocks = 90".to_owned(),
            "line 1: chains[1].indexer.window_blocks: must not be below chains[1].final_blocks",
        ),
        (
            "[[chains]]\nauditable_blocks = 33".to_owned(),
            "line 1: chains[1].final_blocks: must not be below chains[1].auditable_blocks",
        ),
        (
            "[[chains]]\n[chains.pool]\ngrace_ms = 20_000".to_owned(),
            "line 3: chains[1].pool.grace_ms: must not be above chains[1].pool.deadline_ms",
        ),
    ];
    for (text, expect) in cases {
        let told: Vec<String> =
            Settings::parse(&text).unwrap_err().iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|fault| fault.contains(expect)), "{text}\n{expect}\n{told:#?}");
        assert!(!told.iter().any(|fault| fault.contains("secret")), "{told:#?}");
    }
    // What is wrong above and inherited is told once.
    let text = format!("[chain]\nfinal_blocks = 90\n[[chains]]\nid = 5\n{endpoint}");
    assert_eq!(Settings::parse(&text).unwrap_err().len(), 1);
}

/// The password of a Redis is neither shown nor said again.
#[test]
fn the_password_of_a_redis_is_kept() {
    let settings = Settings::parse("[redis]\nurl = \"redis://:hush@10.0.0.1:6380/2\"").unwrap();
    let shown = settings.show();
    assert!(!format!("{settings:?}").contains("hush"));
    assert!(shown.contains("url = \"redis://10.0.0.1:6380/…\""), "{shown}");
    assert!(!shown.contains("hush"), "{shown}");
    let faults = Settings::parse("[redis]\nurl = \"http://:hush@10.0.0.1\"").unwrap_err();
    let told = faults[0].to_string();
    assert!(told.starts_with("line 2: redis.url: must be redis://[:PASSWORD@]"), "{told}");
    assert!(!told.contains("hush"), "{told}");
}

/// What is shown is a file that says the same, but for the secrets.
#[test]
fn what_is_shown_can_be_read_again() {
    let mut settings = Settings::parse("").unwrap();
    assert_eq!(Settings::parse(&settings.show()).unwrap().show(), settings.show());
    settings = Settings::parse(
        "[fees]\nurgency = \"high\"\n[[endpoints]]\nurl = \"https://u:w0rd@a.example:8545/hush?k=hush\"",
    )
    .unwrap();
    let shown = settings.show();
    assert!(shown.contains("urgency = \"high\"    # usual: \"normal\""), "{shown}");
    assert!(shown.contains("url = \"https://a.example:8545/…\""), "{shown}");
    assert!(!shown.contains("hush") && !shown.contains("w0rd"), "{shown}");
    let debug = format!("{settings:?}");
    assert!(!debug.contains("w0rd"), "{debug}");
}

#[test]
fn all_faults_are_told_at_once_with_their_lines() {
    let text = "\
[transactor]
tick_mss = 5
lease_ms = 1.5
queue_depth_max = 0

[colour]
red = 1

[fees]
cap_wei = 5
gas_cost_max_wei = \"1e18\"
urgency = \"soon\"

[chain]
final_blocks = 100

[roles.minter]
top_up_from = \"nobody\"

[roles.deployer]
wallets = 2
calls = true

[roles.Big]
wallets = 1

[[endpoints]]
url = \"ftp://secret.example\"

[[endpoints]]
wieght = \"secret\"
";
    let faults = Settings::parse(text).unwrap_err();
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let expected = [
        "line 2: transactor.tick_mss: there is no such option, only queue_depth_max, lease_ms,",
        "line 3: transactor.lease_ms: must be milliseconds, 1000 to 600000",
        "line 4: transactor.queue_depth_max: must be a whole number from 1 to 100000000",
        "line 6: colour: there is no such table, only chain,",
        "line 10: fees.cap_wei: must be wei, a decimal number in quotes",
        "line 11: fees.gas_cost_max_wei: must be wei",
        "line 12: fees.urgency: must be one of \"low\", \"normal\"",
        "line 17: roles.minter: top_up_from, top_up_below_wei and top_up_amount_wei belong",
        "line 21: roles.deployer.wallets: must be 1",
        "line 22: roles.deployer.calls: the engine's own wallets",
        "line 24: roles.Big: a role's name is",
        "endpoints[1]: ",
        "endpoints[2].wieght: there is no such option",
        "endpoints[2]: url is missing",
        "indexer.window_blocks: must not be below chain.final_blocks",
    ];
    for one in expected {
        assert!(told.iter().any(|fault| fault.contains(one)), "{one}\n{told:#?}");
    }
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    assert!(!told.iter().any(|fault| fault.contains("secret")), "{told:#?}");
}

#[test]
fn other_faults_are_told_too() {
    let cases = [
        ("[fees\nx", "line 1: no TOML"),
        ("fees = 1", "line 1: fees: must be a table"),
        ("[roles]\nminter = 1", "line 2: roles.minter: must be a table"),
        ("endpoints = 1", "line 1: endpoints: must be tables"),
        ("sources = 1", "line 1: sources: must be tables"),
        ("[[sources]]\nstandard = \"erc20\"\nstart_block = 1", "sources[1]: address is missing"),
        (
            "[[sources]]\naddress = \"0x12\"\nstandard = \"erc20\"\nstart_block = 1",
            "sources[1].address: must be 0x and 40",
        ),
        (
            "[[sources]]\naddress = \"0x5fbdb2315678afecb367f032d93f642f64180aa3\"\n\
             standard = \"erc777\"\nstart_block = 1",
            "sources[1].standard: must be",
        ),
        (
            "[[sources]]\naddress = \"0x5fbdb2315678afecb367f032d93f642f64180aa3\"\n\
             standard = \"erc20\"\nstart_block = 1\nfactory_event = \"event Made(address made)\"",
            "sources[1].factory_parameter: is missing",
        ),
        (
            "[[sources]]\naddress = \"0x5fbdb2315678afecb367f032d93f642f64180aa3\"\n\
             standard = \"erc20\"\nstart_block = 1\nfactory_event = \"event Made(address made)\"\n\
             factory_parameter = \"pair\"",
            "sources[1].factory_event: the event has no address `pair`",
        ),
        (
            "[[sources]]\naddress = \"*\"\nstandard = \"erc20\"\nstart_block = 1",
            "sources[1].address: \"*\" goes with",
        ),
        (
            "[[sources]]\naddress = \"*\"\nstandard = \"events\"\nstart_block = 1",
            "sources[1].events: names no event",
        ),
        (
            "[[sources]]\naddress = \"*\"\nstandard = \"events\"\nstart_block = 1\n\
             events = [\"event A(uint)\", \"event A(uint256 x)\"]",
            "sources[1].events: an event is there twice",
        ),
        ("endpoints = []", "line 1: endpoints: a chain needs between 1"),
        (
            "[[endpoints]]\nurl = \"http://a\"\n[[endpoints]]\nurl = \"http://a\"",
            "same as an earlier",
        ),
        ("[[endpoints]]\nurl = \"http://a\"\nburst = 2", "burst (without requests_per_second)"),
        ("[relay]\nurl = \"http://a\"", "kinds is missing"),
        (
            "[relay]\nurl = \"http://a\"\nkinds = []\npublic_after_blocks = 1\n\
             [[endpoints]]\nurl = \"http://b\"",
            "line 1: relay: the relay names no kind",
        ),
        (
            "[relay]\nurl = \"http://a\"\nkinds = [\"x\"]\npublic_after_blocks = 1",
            "line 1: relay: needs [[endpoints]]",
        ),
        ("[transactor]\ntick_ms = 2000", "line 2: transactor.tick_ms: must be at most a quarter"),
        ("[roles.operator]\ncalls = false", "line 2: roles.operator.calls: no role is left"),
        ("[mints]\nfull_per_wallet = 1", "line 2: mints.full_per_wallet"),
        (
            "[metadata]\nipfs_gateways = [\"a\"]",
            "line 2: metadata.ipfs_gateways: must be addresses that start with http",
        ),
        ("[metadata]\nallow_private = [\"a\"]", "line 2: metadata.allow_private: must be"),
        ("[metadata]\nclaim_ms = 1000", "line 2: metadata.claim_ms: must be more than twice"),
        ("[auth]\norigins = [\"https://a.example/\"]", "line 2: auth.origins: must be scheme"),
        ("[auth]\norigins = [\"http://a.example\"]", "line 2: auth.origins: must be scheme"),
        ("[auth]\nstatement = \"\"", "line 2: auth.statement: must be one line"),
        ("[auth]\nissuer = \"a b\"", "line 2: auth.issuer: must be printable"),
        ("[auth]\naudience = \"\"", "line 2: auth.audience: must be printable"),
        ("[auth]\nsession_ms = 600000\naccess_token_ms = 3600000", "line 2: auth.session_ms"),
        ("[auth]\nsession_ms = 3600000", "auth.contract_session_ms: must not be above"),
        ("[auth]\ntrusted_proxies = [\"a\"]", "line 2: auth.trusted_proxies: must be IP"),
        ("[fees]\ntip_min_wei = \"-1\"", "line 2: fees.tip_min_wei: must be wei"),
        ("[fees]\ntip_min_wei = \"\"", "line 2: fees.tip_min_wei: must be wei"),
        ("[fees]\ntip_min_wei = \"500000000001\"", "must not be above fees.cap_wei"),
    ];
    for (text, expect) in cases {
        let told: Vec<String> =
            Settings::parse(text).unwrap_err().iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|fault| fault.contains(expect)), "{text}\n{expect}\n{told:#?}");
    }
}
