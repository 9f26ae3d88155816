//! Layers above each other, secrets, and what production refuses.

use crate::configuration::{Layers, Loaded, Origin, Profile};
use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

fn layers(profile: Profile, variables: &[(&str, &str)], set: &[(&str, &str)]) -> Layers {
    let mut layers = Layers::of(profile, variables);
    for (path, value) in set {
        layers.flag(&format!("--set {path}"), path, *value);
    }
    layers
}

fn told(found: Result<Loaded, Vec<super::super::Fault>>) -> Vec<String> {
    found.map(|_| ()).unwrap_err().iter().map(ToString::to_string).collect()
}

const FILE: &str = "\
[limits]
ip_units = 10
wallet_units = 20
[profile.staging.limits]
wallet_units = 30
key_units = 40
[profile.prod.roles.minter]
wallets = 7
[roles.minter]
in_flight_max = 3
[[endpoints]]
url = \"http://10.0.0.1\"
[[profile.staging.endpoints]]
url = \"http://10.0.0.2\"
weight = 5
";

#[test]
fn each_layer_stands_above_the_one_before() {
    let read = |profile, variables: &[(&str, &str)], set: &[(&str, &str)]| {
        layers(profile, variables, set).read(FILE).unwrap()
    };
    let units = |loaded: &Loaded| {
        let limits = &loaded.settings.limits;
        (limits.ip.units, limits.wallet.units, limits.key.units)
    };
    let usual = limits::Options::default().key.units;
    assert_eq!(units(&read(Profile::Dev, &[], &[])), (10, 20, usual));
    let staging = read(Profile::Staging, &[], &[]);
    assert_eq!(units(&staging), (10, 30, 40));
    // A list takes the place of the whole list.
    let [endpoint] = &staging.settings.chain.endpoints[..] else { panic!("{staging:?}") };
    assert_eq!((endpoint.url.as_str(), endpoint.weight), ("http://10.0.0.2", Some(5)));
    let variables = [("STOA_LIMITS__WALLET_UNITS", "50"), ("STOA_LIMITS__KEY_UNITS", "6_0")];
    let named = read(Profile::Staging, &variables, &[]);
    assert_eq!(units(&named), (10, 50, 60));
    let above = read(Profile::Staging, &variables, &[("limits.key_units", "70")]);
    assert_eq!(units(&above), (10, 50, 70));
    let origin = |name: &str| above.origins.get(name).cloned();
    assert_eq!(origin("limits.ip_units"), Some(Origin::Line(2)));
    let variable = Origin::Variable("STOA_LIMITS__WALLET_UNITS".to_owned());
    assert_eq!(origin("limits.wallet_units"), Some(variable));
    assert_eq!(origin("limits.key_units"), Some(Origin::Flag("--set limits.key_units".to_owned())));
    assert_eq!(origin("limits.ip_ms"), None);
    // What a developer waits for is short; elsewhere it is as the engine has it.
    let lease = |profile| layers(profile, &[], &[]).read("").map(|l| l.settings.transactor.lease);
    assert_eq!(lease(Profile::Dev).unwrap().as_secs(), 4);
    assert_eq!(lease(Profile::Staging).unwrap().as_secs(), 10);
    // Tables are merged name by name.
    let variables = [("STOA_ROLES__MINTER__CALLS", "false")];
    let role = &read(Profile::Dev, &variables, &[("roles.minter.wallets", "4")]).settings.roles;
    assert_eq!((role["minter"].wallets, role["minter"].in_flight_max), (4, 3));
}

#[test]
fn variables_say_what_a_file_can() {
    let variables = [
        ("STOA_FEES__CAP_WEI", "5000000000"),
        ("STOA_FEES__URGENCY", "high"),
        ("STOA_INDEXER__WINDOW_FINALIZED", "true"),
        ("STOA_METADATA__IPFS_GATEWAYS", "https://a.example, https://b.example"),
        ("STOA_METADATA__ARWEAVE_GATEWAYS", "[\"https://c.example\"]"),
        ("STOA_ENDPOINTS__10__URL", "http://j.example"),
        ("STOA_ENDPOINTS__1__URL", "http://a.example/hush"),
        ("STOA_ENDPOINTS__1__REQUESTS_PER_SECOND", "2.5"),
        ("STOA_ENDPOINTS__2__URL", "http://b.example"),
        ("STOA_CHAIN__ID", "5"),
        ("STOA_CHAINS__1__ID", "10"),
        ("STOA_CHAINS__1__ENDPOINTS__1__URL", "http://x.example"),
        ("STOA_CHAINS__1__INDEXER__BATCH_CALLS_MAX", "7"),
        // No option: it has no table.
        ("STOA_LOG", "debug"),
        ("PATH", "/bin"),
    ];
    let faults = told(layers(Profile::Dev, &variables, &[]).read(""));
    let gap = "STOA_ENDPOINTS__10__URL: endpoints.10.url: endpoints are numbered: 1 to 3 here";
    assert_eq!(faults, [gap]);
    let settings = layers(Profile::Dev, &variables[..5], &[]).read("").unwrap().settings;
    assert_eq!(settings.transactor.fee_cap_wei, 5_000_000_000);
    assert_eq!(settings.urgency, vocab::Urgency::High);
    assert!(settings.chain.indexer.window_finalized);
    assert_eq!(settings.metadata.ipfs_gateways, ["https://a.example", "https://b.example"]);
    assert_eq!(settings.metadata.arweave_gateways, ["https://c.example"]);
    let settings = layers(Profile::Dev, &variables[6..], &[]).read("").unwrap().settings;
    assert_eq!(settings.chain.endpoints.len(), 2);
    assert_eq!(settings.chain.endpoints[0].requests_per_second, Some(2.5));
    assert_eq!((settings.chains[0].id, settings.chains[0].indexer.batch_max), (Some(10), 7));
}

#[test]
fn what_is_wrong_above_the_file_is_told_by_name() {
    let variables = [
        ("STOA_LIMTS__IP_UNITS", "5"),
        ("STOA_LIMITS__IP_UNITZ", "5"),
        ("STOA_LIMITS__KEY_UNITS", "hush"),
        ("STOA_LIMITS__", "5"),
        ("STOA_FEES__CAP_WEI__X", "5"),
    ];
    let set = [("limits", "5"), ("auth.sesion_ms", "5"), ("redis.url", "redis://:hush@10.0.0.1")];
    let text = "[limits]\nwallet_units = -1\n[profile.live.limits]\n[profile.prod]\nlimit = 1\n\
                [profile.prod.limits]\nip_units = \"x\"\n[profile.prod.redis]\n\
                url_file = \"nowhere\"\n[fees]\ncap_wei = \"5000000000\"";
    let faults = told(layers(Profile::Dev, &variables, &set).read(text));
    let expected = [
        "line 2: limits.wallet_units: must be a whole number",
        "line 3: profile.live: there is no such profile, only dev, staging, prod",
        "line 5: profile.prod.limit: there is no such table, only chain,",
        "did you mean limits?",
        "line 7: profile.prod.limits.ip_units: must be a whole number",
        "STOA_FEES__CAP_WEI__X: fees.cap_wei.x: cap_wei is no table",
        "STOA_LIMITS__: limits.: must be TABLE.OPTION=VALUE",
        "STOA_LIMITS__IP_UNITZ: limits.ip_unitz: there is no such option, only ip_units,",
        "did you mean ip_units?",
        "STOA_LIMITS__KEY_UNITS: limits.key_units: must be a whole number",
        "STOA_LIMTS__IP_UNITS: limts: there is no such table",
        "--set limits: limits: must be TABLE.OPTION=VALUE",
        "--set auth.sesion_ms: auth.sesion_ms: there is no such option",
        "did you mean session_ms?",
        "--set redis.url: redis.url: others may see the command line",
    ];
    for one in expected {
        assert!(faults.iter().any(|fault| fault.contains(one)), "{one}\n{faults:#?}");
    }
    assert_eq!(faults.len(), 12, "{faults:#?}");
    assert!(!faults.iter().any(|fault| fault.contains("hush")), "{faults:#?}");
    // What is not like any name is no guess.
    let faults = told(layers(Profile::Dev, &[], &[]).read("[colour]\n"));
    assert!(!faults[0].contains("did you mean"), "{faults:?}");
}

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }
}

#[test]
fn secrets_come_from_files_and_are_never_shown() {
    let files = Files::new();
    let secret = "redis://:hushhushhush123@10.0.0.1:6380/2";
    let path = files.write("redis", &format!("{secret}\n"), 0o600);
    let endpoint = files.write("endpoint", "https://a.example/hush-key", 0o600);
    let text = format!(
        "[redis]\nurl_file = {path:?}\n[[endpoints]]\nurl_file = {endpoint:?}\nweight = 2\n\
         [profile.prod.redis]\nurl_file = \"elsewhere\"\n"
    );
    let variables =
        [("STOA_DATABASE__URL", "postgres://stoa:hushhush99@10.0.0.2/x?sslmode=disable")];
    let loaded = layers(Profile::Dev, &variables, &[]).read(&text).unwrap();
    assert_eq!(loaded.settings.redis_url.expose(), Some(secret));
    assert_eq!(loaded.settings.chain.endpoints[0].url, "https://a.example/hush-key");
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let shown = loaded.show();
    let all = format!("{shown}{:#}{loaded:?}{loaded:#?}", loaded.show_json());
    assert!(!all.contains("hush"), "{all}");
    let from_file =
        format!("url = \"redis://10.0.0.1:6380/…\"    # usual: none; from file {}", path.display());
    let from_variable = "url = \"postgres://10.0.0.2/…\"    # usual: none; from STOA_DATABASE__URL";
    for line in [&from_file, from_variable] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
    let json = loaded.show_json();
    let option = &json["options"]["redis.url"];
    assert_eq!(option["origin"]["kind"], "secret_file", "{option}");
    assert_eq!(json["options"]["endpoints[1].weight"]["value"], 2);
    assert_eq!(json["options"]["endpoints[1].weight"]["origin"]["line"], 5);
    // A variable stands above the file, whichever of the two names it has.
    let variables = [("STOA_REDIS__URL", "redis://10.0.0.9")];
    let loaded = layers(Profile::Dev, &variables, &[]).read(&text).unwrap();
    assert_eq!(loaded.settings.redis_url.expose(), Some("redis://10.0.0.9"));

    let loose = files.write("loose", secret, 0o640);
    let empty = files.write("empty", "\n", 0o600);
    let cases = [
        (Profile::Prod, format!("url_file = {loose:?}"), "others may read or write"),
        (Profile::Dev, format!("url_file = {empty:?}"), "is empty"),
        (Profile::Dev, "url_file = \"/nowhere/x\"".to_owned(), "cannot read /nowhere/x"),
        (Profile::Dev, "url_file = 5".to_owned(), "must be the path of a file"),
        (Profile::Dev, format!("url_file = {:?}", files.0.path()), "is no file"),
        (Profile::Dev, format!("url_file = {endpoint:?}"), "redis.url: must be redis://"),
        (
            Profile::Dev,
            format!("url_file = {path:?}\nurl = \"redis://10.0.0.1\""),
            "redis.url: url_file says the same: name one of them",
        ),
    ];
    for (profile, text, expect) in cases {
        let faults = told(layers(profile, &[], &[]).read(&format!("[redis]\n{text}\n")));
        assert!(faults.iter().any(|fault| fault.contains(expect)), "{text}\n{expect}\n{faults:#?}");
        assert!(!faults.iter().any(|fault| fault.contains("hush")), "{faults:#?}");
    }
    let text = format!("[redis]\nurl_file = {loose:?}\n");
    let loaded = layers(Profile::Staging, &[], &[("auth.origins", "https://a.example")]);
    let loaded = loaded.read(&text).unwrap();
    let warned: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert!(warned.len() == 1 && warned[0].contains("chmod 600"), "{warned:?}");
}

/// What production takes: a file that says all that has to be said.
const FIT: &str = "\
[auth]
origins = [\"https://app.example.org\"]
[chain]
id = 10
[[endpoints]]
url = \"https://a.example\"
";

#[test]
fn production_refuses_what_only_a_developer_may_have() {
    let read = |profile, variables: &[(&str, &str)], set: &[(&str, &str)]| {
        layers(profile, variables, set).read(FIT)
    };
    let fit = read(Profile::Prod, &[], &[]).unwrap();
    assert!(fit.warnings.is_empty(), "{:?}", fit.warnings);
    let cases: [(&str, &str, &str); 18] = [
        ("api.connections_per_address", "0", "api.connections_per_address: must not be 0"),
        ("limits.ip_units", "0", "limits.ip_units: must not be 0"),
        ("limits.wallet_units", "0", "limits.wallet_units: must not be 0"),
        ("limits.key_units", "0", "limits.key_units: must not be 0"),
        ("auth.origins", "http://localhost:3000", "auth.origins: must name pages by https://"),
        ("auth.origins", "", "auth.origins: must name pages"),
        ("api.listen", "0.0.0.0:8080", "api.listen: others can reach it by plain HTTP"),
        ("chain.id", "31337", "chain.id: is a chain of development nodes"),
        ("chain.id", "1337", "chain.id: is a chain of development nodes"),
        ("metadata.allow_private", "10.0.0.1:80", "metadata.allow_private: must be empty"),
        ("telemetry.log", "debug", "telemetry.log: must not be debug"),
        ("endpoints.1.url", "http://rpc.example", "endpoints[1].url: must be encrypted"),
        ("endpoints.1.ws_url", "ws://rpc.example", "endpoints[1].ws_url: must be encrypted"),
        ("redis.url", "redis://redis.example", "redis.url: must be in a private network"),
        ("redis.url", "redis://:changeme@10.0.0.1", "redis.url: its secret is one that anybody"),
        ("redis.url", "redis://:password12345@10.0.0.1", "redis.url: its secret is one"),
        ("redis.url", "redis://:aaaaaaaaaaaaaaa@10.0.0.1", "redis.url: its secret is one"),
        (
            "database.url",
            "postgres://u:hush-hush-hush@db.example.com/x",
            "database.url: needs sslmode",
        ),
    ];
    for (option, value, expect) in cases {
        let name = format!("STOA_{}", option.to_uppercase().replace('.', "__"));
        let variables = [(name.as_str(), value)];
        let faults = told(read(Profile::Prod, &variables, &[]));
        let [fault] = &faults[..] else { panic!("{option} {value}: {faults:#?}") };
        assert!(fault.starts_with(&format!("{name}: {expect}")), "{fault}");
        assert!(fault.ends_with("(profile prod)") && !fault.contains("hush"), "{fault}");
        // Elsewhere it holds; where others are about to rely on it, it is warned of.
        assert_eq!(read(Profile::Staging, &variables, &[]).unwrap().warnings.len(), 1, "{option}");
        assert!(read(Profile::Dev, &variables, &[]).unwrap().warnings.is_empty(), "{option}");
    }
    // The same is taken when it is made safe.
    let safe: [&[(&str, &str)]; 4] = [
        &[("STOA_API__LISTEN", "0.0.0.0:80"), ("STOA_AUTH__TRUSTED_PROXIES", "10.0.0.1")],
        &[(
            "STOA_DATABASE__URL",
            "postgres://u:hush-hush-hush@db.example.com/x?sslmode=verify-full",
        )],
        &[("STOA_REDIS__URL", "redis://:hush-hush-hush@10.0.0.1")],
        &[("STOA_ENDPOINTS__1__URL", "https://a.example/v2/hushhush")],
    ];
    for variables in safe {
        read(Profile::Prod, variables, &[]).unwrap();
    }
    let mail = |server| {
        let variables = [
            ("STOA_MAIL__SECURITY", "none"),
            ("STOA_MAIL__FROM", "shop@example.org"),
            ("STOA_MAIL__SERVER", server),
        ];
        read(Profile::Prod, &variables, &[])
    };
    let faults = told(mail("mail.example.org"));
    assert!(faults.len() == 1 && faults[0].contains("mail.security: must be"), "{faults:?}");
    mail("127.0.0.1").unwrap();
    mail("[::1]:2525").unwrap();
    // A key may not stand among what people read and copy.
    for (text, option) in [
        (FIT.replace("a.example", "a.example/v2/hush"), "endpoints[1].url: may hold a key"),
        (FIT.replace("a.example", "u:hushhushhush@a.example"), "endpoints[1].url: may hold a key"),
        (
            format!("{FIT}[redis]\nurl = \"redis://:hushhushhush@10.0.0.1\"\n"),
            "redis.url: may hold",
        ),
        (FIT.replace("id = 10", ""), "chain.id: must be named"),
    ] {
        let faults = told(layers(Profile::Prod, &[], &[]).read(&text));
        assert!(faults.len() == 1 && faults[0].contains(option), "{option}\n{faults:#?}");
        assert!(!faults[0].contains("hush"), "{faults:?}");
    }
}
