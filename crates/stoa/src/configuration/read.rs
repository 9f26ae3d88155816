//! From text to settings, with all faults at once.

use super::{
    DEPLOYER, Fault, MINTER, OPERATOR, Origin, Profile, RoleSettings, SPONSOR, Settings, catalog,
    option::{Kind, Opt, Options, Section},
    secret,
    tree::{self, Leaf, Node, Table, Tree, twin},
};
use chain::RelayConfiguration;
use std::{collections::BTreeMap, path::Path};

const ROLES_MAX: usize = 64;

/// What was read of the layers.
pub(super) struct Read {
    pub settings: Settings,
    /// Where each option was named.
    pub origins: BTreeMap<String, Origin>,
    pub faults: Vec<Fault>,
    pub warnings: Vec<Fault>,
}

/// Settings of what all layers say together.
pub(super) fn read(root: &Table, profile: Profile) -> Read {
    let mut settings = Settings::usual(profile);
    let mut reader = Reader { profile: Some(profile), ..Reader::default() };
    reader.read_root(&mut settings, root);
    reader.judge(&settings);
    let Reader { faults, warnings, origins, .. } = reader;
    Read { settings, origins, faults, warnings }
}

/// What is wrong with the tables of a profile that is not the one in force, by themselves. Its
/// secrets are on other machines, and are not looked for.
pub(super) fn faults_of_other(base: &Table, part: &Table, name: &str) -> Vec<Fault> {
    let found = |root: &Table| {
        let mut reader = Reader::default();
        reader.read_root(&mut Settings::usual(Profile::Dev), root);
        reader.faults
    };
    let mut whole = base.clone();
    tree::lay(&mut whole, part.clone());
    let known = found(base);
    let new = found(&whole).into_iter().filter(|fault| !known.contains(fault));
    new.map(|fault| Fault { option: format!("profile.{name}.{}", fault.option), ..fault }).collect()
}

#[derive(Default)]
pub(super) struct Reader {
    /// None: files of secrets are not read.
    profile: Option<Profile>,
    pub(super) faults: Vec<Fault>,
    warnings: Vec<Fault>,
    /// Where each option was named, and each table that has to have some, by its full name.
    pub(super) origins: BTreeMap<String, Origin>,
}

impl Reader {
    fn read_root(&mut self, settings: &mut Settings, root: &Table) {
        let sections = catalog::sections();
        for (name, node) in root {
            match name.as_str() {
                "roles" => self.read_roles(settings, node),
                "endpoints" => settings.chain.endpoints = self.read_endpoints("endpoints", node),
                "sources" => settings.chain.sources = self.read_sources("sources", node),
                // They inherit from what else is said.
                "chains" => {}
                "relay" => self.read_relay(settings, node),
                _ => match sections.iter().find(|section| section.name == name) {
                    Some(section) => {
                        let Some(table) = self.table(name, node) else { continue };
                        match &section.options {
                            Options::Engine(options) => {
                                self.read_options(settings, options, name, table);
                            }
                            Options::Chain(options) => {
                                self.read_options(&mut settings.chain, options, name, table);
                            }
                        }
                    }
                    None => self.unknown_section(&sections, name, node),
                },
            }
        }
        if let Some(node) = root.get("chains") {
            settings.chains = self.read_chains(&settings.chain, node);
        }
    }

    pub(super) fn read_options<T>(
        &mut self,
        into: &mut T,
        options: &[Opt<T>],
        prefix: &str,
        table: &Table,
    ) {
        for (key, node) in table {
            self.read_option(into, options, prefix, (key, node));
        }
        // The file of a secret, and the secret itself.
        for plain in table.keys().filter_map(|name| name.strip_suffix("_file")) {
            if let Some(node) = table.get(plain) {
                let detail = format!("{plain}_file says the same: name one of them");
                self.fault(node, &format!("{prefix}.{plain}"), &detail);
            }
        }
    }

    pub(super) fn read_option<T>(
        &mut self,
        into: &mut T,
        options: &[Opt<T>],
        prefix: &str,
        (key, node): (&str, &Node),
    ) {
        let full = format!("{prefix}.{key}");
        let named = |name: &str| options.iter().find(|option| option.name == name);
        let of_file = key.strip_suffix("_file").and_then(named);
        let of_file = of_file.filter(|option| option.kind.is_secret());
        let Some(option) = named(key).or(of_file) else {
            let names: Vec<&str> = options.iter().map(|option| option.name).collect();
            return self.fault(node, &full, &unknown("option", &names, key));
        };
        let full_plain = format!("{prefix}.{}", option.name);
        if let (Some(_), None) = (of_file, named(key)) {
            let Some(node) = self.read_secret(&full, node) else { return };
            return self.take(into, option, full_plain, &node);
        }
        if option.kind.is_secret() && matches!(node.origin, Origin::Flag(_)) {
            let detail = "others may see the command line: name it by its file or a variable";
            return self.fault(node, &full, detail);
        }
        if option.kind == Kind::Secret && matches!(node.origin, Origin::Line(_)) {
            let detail = format!("is secret: name its file ({}_file), or set a variable", key);
            return self.fault(node, &full, &detail);
        }
        self.take(into, option, full_plain, node);
    }

    fn take<T>(&mut self, into: &mut T, option: &Opt<T>, full: String, node: &Node) {
        match option.kind.read(node) {
            Ok(value) => (option.set)(into, value),
            Err(detail) => self.fault(node, &full, &detail),
        }
        self.origins.insert(full, node.origin.clone());
    }

    /// What the file holds that `node` names. Nothing where it is not looked for.
    fn read_secret(&mut self, full: &str, node: &Node) -> Option<Node> {
        let Some(path) = node.text().filter(|path| !path.is_empty()) else {
            self.fault(node, full, "must be the path of a file");
            return None;
        };
        match secret::read(Path::new(path), self.profile?) {
            Ok((text, loose)) => {
                if let Some(detail) = loose {
                    let (origin, option) = (Some(node.origin.clone()), full.to_owned());
                    self.warnings.push(Fault { origin, option, detail });
                }
                let origin = Origin::Secret(path.into());
                Some(Node { origin, tree: Tree::Leaf(Leaf::Raw(text)) })
            }
            Err(detail) => {
                self.fault(node, full, &detail);
                None
            }
        }
    }

    fn read_roles(&mut self, settings: &mut Settings, node: &Node) {
        let Some(roles) = self.table("roles", node) else { return };
        let options = catalog::role();
        for (name, node) in roles {
            let full = format!("roles.{name}");
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
            if !(1..=32).contains(&name.len()) || !name.bytes().all(plain) {
                self.fault(node, &full, "a role's name is 1 to 32 of a-z, 0-9, - and _");
                continue;
            }
            let Some(table) = self.table(&full, node) else { continue };
            let usual = settings.roles.get(name).cloned();
            let mut role = usual.unwrap_or_else(RoleSettings::default);
            self.read_options(&mut role, &options, &full, table);
            self.origins.insert(full, node.origin.clone());
            settings.roles.insert(name.to_owned(), role);
        }
        if settings.roles.len() > ROLES_MAX {
            self.fault(node, "roles", &format!("there are more than {ROLES_MAX}"));
        }
    }

    fn read_relay(&mut self, settings: &mut Settings, node: &Node) {
        let Some(table) = self.table("relay", node) else { return };
        let before = self.faults.len();
        let mut relay =
            RelayConfiguration { url: String::new(), kinds: Vec::new(), public_after_blocks: 0 };
        let options = catalog::relay();
        self.read_options(&mut relay, &options, "relay", table);
        for option in options.iter().filter(|option| !names(table, option.name)) {
            self.fault(node, "relay", &format!("{} is missing", option.name));
        }
        self.origins.insert("relay".to_owned(), node.origin.clone());
        if self.is_blind(table) {
            return;
        }
        if let (true, Err(error)) = (self.faults.len() == before, relay.check()) {
            self.fault(node, "relay", &error.to_string());
        }
        settings.relay = Some(relay);
    }

    /// What must hold of several options together.
    fn judge(&mut self, settings: &Settings) {
        let Settings { mints, transactor, .. } = settings;
        let rules = [
            (
                "transactor.tick_ms",
                transactor.tick > transactor.lease / 4,
                "must be at most a quarter of transactor.lease_ms",
            ),
            (
                "fees.tip_min_wei",
                transactor.tip_min_wei > transactor.fee_cap_wei,
                "must not be above fees.cap_wei",
            ),
            (
                "mints.full_per_wallet",
                mints.full_per_wallet < mints.open_per_wallet,
                "must not be below mints.open_per_wallet",
            ),
            (
                "mints.gas_max",
                mints.limits.gas_max < mints.limits.gas_base + mints.limits.gas_per_item,
                "must hold one item: mints.gas_base and mints.gas_per_item",
            ),
            (
                "relay",
                settings.relay.is_some() && settings.chain.endpoints.is_empty(),
                "needs [[endpoints]] beside it, for what is not private",
            ),
        ];
        let others = metadata_rules(settings)
            .into_iter()
            .chain(super::auth::rules(settings))
            .chain(super::oidc::rules(settings))
            .chain(super::mail::rules(settings))
            .chain(super::telemetry::rules(settings))
            .chain(super::tls::rules(settings))
            .chain(super::webhooks::rules(settings));
        for (option, broken, detail) in rules.into_iter().chain(others) {
            if broken {
                self.fault_of(option, detail);
            }
        }
        self.judge_chains(settings);
        for (name, role) in &settings.roles {
            self.judge_role(settings, name, role);
        }
        if !settings.roles.values().any(|role| role.calls) {
            self.fault_of(&format!("roles.{OPERATOR}.calls"), "no role is left for calls");
        }
    }

    fn judge_role(&mut self, settings: &Settings, name: &str, role: &RoleSettings) {
        let full = format!("roles.{name}");
        if name == DEPLOYER && role.wallets != 1 {
            let detail = "must be 1: addresses of collections depend on it";
            self.fault_of(&format!("{full}.wallets"), detail);
        }
        if matches!(name, DEPLOYER | MINTER | SPONSOR) && role.calls {
            let detail = "the engine's own wallets are not for calls of operators";
            self.fault_of(&format!("{full}.calls"), detail);
        }
        let below = role.top_up_below_wei.is_some();
        match (&role.top_up_from, below, role.top_up_amount_wei) {
            (None, false, None) => {}
            (Some(from), true, Some(amount)) => {
                let option = format!("{full}.top_up_from");
                if from == name {
                    self.fault_of(&option, "a role can't refill itself");
                } else if !settings.roles.contains_key(from) {
                    self.fault_of(&option, "there is no such role");
                }
                if amount == 0 {
                    self.fault_of(&format!("{full}.top_up_amount_wei"), "must not be 0");
                }
            }
            _ => {
                let detail = "top_up_from, top_up_below_wei and top_up_amount_wei belong together";
                self.fault_of(&full, detail);
            }
        }
    }

    /// Whether a secret of this table was not looked for, so that the whole can't be judged.
    pub(super) fn is_blind(&self, table: &Table) -> bool {
        self.profile.is_none() && table.keys().any(|name| name.ends_with("_file"))
    }

    pub(super) fn table<'n>(&mut self, name: &str, node: &'n Node) -> Option<&'n Table> {
        let table = node.table();
        if table.is_none() {
            self.fault(node, name, &format!("must be a table: [{name}]"));
        }
        table
    }

    pub(super) fn fault(&mut self, node: &Node, option: &str, detail: &str) {
        self.faults.push(Fault {
            origin: Some(node.origin.clone()),
            option: option.to_owned(),
            detail: detail.to_owned(),
        });
    }

    /// Of an option that may be named, or as usual.
    pub(super) fn fault_of(&mut self, option: &str, detail: &str) {
        // One that is inherited stands with the chain that it is wrong for.
        let of_chain = || option.strip_prefix("chains[")?.find(']').map(|end| &option[..end + 8]);
        let origin = self.origins.get(option).or_else(|| self.origins.get(of_chain()?)).cloned();
        self.faults.push(Fault { origin, option: option.to_owned(), detail: detail.to_owned() });
    }

    fn unknown_section(&mut self, sections: &[Section], name: &str, node: &Node) {
        let others = ["roles", "endpoints", "sources", "chains", "relay"];
        let names: Vec<&str> = sections.iter().map(|section| section.name).chain(others).collect();
        self.fault(node, name, &unknown("table", &names, name));
    }
}

/// Whether a table names this option, or its file.
pub(super) fn names(table: &Table, option: &str) -> bool {
    table.contains_key(option) || table.contains_key(&twin(option))
}

/// What to say of a name that there is not.
fn unknown(what: &str, names: &[&str], name: &str) -> String {
    let near = |other: &&&str| strsim::damerau_levenshtein(name, other);
    let nearest = names.iter().min_by_key(near);
    // A third of its letters may be wrong.
    let nearest = nearest.filter(|other| near(other) * 3 <= name.len().max(3));
    let guess = nearest.map(|name| format!("; did you mean {name}?")).unwrap_or_default();
    format!("there is no such {what}, only {}{guess}", names.join(", "))
}

fn metadata_rules(settings: &Settings) -> [(&'static str, bool, &'static str); 4] {
    const GATEWAY: &str = "must be addresses that start with http, without user, query or fragment";
    let metadata = &settings.metadata;
    [
        ("metadata.ipfs_gateways", metadata.ipfs().is_err(), GATEWAY),
        ("metadata.arweave_gateways", metadata.arweave().is_err(), GATEWAY),
        ("metadata.allow_private", metadata.allowed().is_err(), "must be texts of HOST:PORT"),
        (
            "metadata.claim_ms",
            metadata.check() == Err(metadata::OptionsError::Claim),
            "must be more than twice metadata.fetch_ms for each gateway",
        ),
    ]
}
