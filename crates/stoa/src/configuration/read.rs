//! From text to settings, with all faults at once.

use super::{
    DEPLOYER, Fault, MINTER, OPERATOR, RoleSettings, SPONSOR, Settings, catalog,
    option::{Opt, Options, Section},
};
use chain::RelayConfiguration;
use std::{borrow::Cow, collections::BTreeMap, ops::Range};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// A file is small; one that is not is another file.
const BYTES_MAX: usize = 1 << 20;
const ROLES_MAX: usize = 64;

pub(super) fn read(text: &str) -> Result<Settings, Vec<Fault>> {
    if text.len() > BYTES_MAX {
        let detail = format!("the file is larger than {BYTES_MAX} bytes");
        return Err(vec![Fault { line: None, option: String::new(), detail }]);
    }
    let mut reader = Reader { text, faults: Vec::new(), lines: BTreeMap::new() };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        // The rest of such an error quotes the line, which may hold a secret.
        let line = error.span().map(|span| reader.line(&span));
        reader.faults.push(Fault {
            line,
            option: String::new(),
            detail: format!("no TOML: {}", error.message()),
        });
    }
    let mut settings = Settings::default();
    if reader.faults.is_empty() {
        reader.read_file(&mut settings, table.get_ref());
        reader.judge(&settings);
    }
    reader.faults.sort_by_key(|fault| (fault.line, fault.option.clone()));
    if reader.faults.is_empty() { Ok(settings) } else { Err(reader.faults) }
}

pub(super) struct Reader<'t> {
    text: &'t str,
    pub(super) faults: Vec<Fault>,
    /// Where each option stands that the file names, by its full name.
    pub(super) lines: BTreeMap<String, usize>,
}

impl Reader<'_> {
    fn read_file(&mut self, settings: &mut Settings, file: &DeTable<'_>) {
        let sections = catalog::sections();
        let mut further = None;
        for (key, value) in file {
            let (name, line) = (key.get_ref().as_ref(), self.line(&key.span()));
            match name {
                "roles" => self.read_roles(settings, line, value),
                "endpoints" => {
                    settings.chain.endpoints = self.read_endpoints("endpoints", line, value);
                }
                "sources" => settings.chain.sources = self.read_sources("sources", line, value),
                // They inherit from what else the file says.
                "chains" => further = Some((line, value)),
                "relay" => self.read_relay(settings, line, value),
                _ => match sections.iter().find(|section| section.name == name) {
                    Some(section) => {
                        let Some(table) = self.table(name, line, value) else { continue };
                        match &section.options {
                            Options::Engine(options) => {
                                self.read_options(settings, options, name, table);
                            }
                            Options::Chain(options) => {
                                self.read_options(&mut settings.chain, options, name, table);
                            }
                        }
                    }
                    None => self.fault(line, name, &unknown_section(&sections)),
                },
            }
        }
        if let Some((line, value)) = further {
            settings.chains = self.read_chains(&settings.chain, line, value);
        }
    }

    pub(super) fn read_options<T>(
        &mut self,
        into: &mut T,
        options: &[Opt<T>],
        prefix: &str,
        table: &DeTable<'_>,
    ) {
        for (key, value) in table {
            self.read_option(into, options, prefix, (key, value));
        }
    }

    pub(super) fn read_option<'i, T>(
        &mut self,
        into: &mut T,
        options: &[Opt<T>],
        prefix: &str,
        (key, value): (&Spanned<Cow<'i, str>>, &Spanned<DeValue<'i>>),
    ) {
        let line = self.line(&key.span());
        let full = format!("{prefix}.{}", key.get_ref());
        let Some(option) = options.iter().find(|option| option.name == key.get_ref()) else {
            let names: Vec<&str> = options.iter().map(|option| option.name).collect();
            let detail = format!("there is no such option, only {}", names.join(", "));
            return self.fault(line, &full, &detail);
        };
        match option.kind.read(value.get_ref()) {
            Ok(value) => (option.set)(into, value),
            Err(detail) => self.fault(line, &full, &detail),
        }
        self.lines.insert(full, line);
    }

    fn read_roles(&mut self, settings: &mut Settings, line: usize, value: &Spanned<DeValue<'_>>) {
        let Some(roles) = self.table("roles", line, value) else { return };
        let options = catalog::role();
        for (key, value) in roles {
            let (name, line) = (key.get_ref().as_ref(), self.line(&key.span()));
            let full = format!("roles.{name}");
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
            if !(1..=32).contains(&name.len()) || !name.bytes().all(plain) {
                self.fault(line, &full, "a role's name is 1 to 32 of a-z, 0-9, - and _");
                continue;
            }
            let Some(table) = self.table(&full, line, value) else { continue };
            let usual = settings.roles.get(name).cloned();
            let mut role = usual.unwrap_or_else(RoleSettings::default);
            self.read_options(&mut role, &options, &full, table);
            self.lines.insert(full, line);
            settings.roles.insert(name.to_owned(), role);
        }
        if settings.roles.len() > ROLES_MAX {
            self.fault(line, "roles", &format!("there are more than {ROLES_MAX}"));
        }
    }

    fn read_relay(&mut self, settings: &mut Settings, line: usize, value: &Spanned<DeValue<'_>>) {
        let Some(table) = self.table("relay", line, value) else { return };
        let before = self.faults.len();
        let mut relay =
            RelayConfiguration { url: String::new(), kinds: Vec::new(), public_after_blocks: 0 };
        let options = catalog::relay();
        self.read_options(&mut relay, &options, "relay", table);
        for option in options.iter().filter(|option| !table.contains_key(option.name)) {
            self.fault(line, "relay", &format!("{} is missing", option.name));
        }
        self.lines.insert("relay".to_owned(), line);
        if let (true, Err(error)) = (self.faults.len() == before, relay.check()) {
            self.fault(line, "relay", &error.to_string());
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

    pub(super) fn table<'v, 'i>(
        &mut self,
        name: &str,
        line: usize,
        value: &'v Spanned<DeValue<'i>>,
    ) -> Option<&'v DeTable<'i>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.fault(line, name, &format!("must be a table: [{name}]"));
        }
        table
    }

    pub(super) fn fault(&mut self, line: usize, option: &str, detail: &str) {
        self.faults.push(Fault {
            line: Some(line),
            option: option.to_owned(),
            detail: detail.to_owned(),
        });
    }

    /// Of an option that may be in the file, or as usual.
    pub(super) fn fault_of(&mut self, option: &str, detail: &str) {
        // One that is inherited stands with the chain that it is wrong for.
        let of_chain = || option.strip_prefix("chains[")?.find(']').map(|end| &option[..end + 8]);
        let line = self.lines.get(option).or_else(|| self.lines.get(of_chain()?)).copied();
        self.faults.push(Fault { line, option: option.to_owned(), detail: detail.to_owned() });
    }

    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        let before = self.text.as_bytes().iter().take(span.start);
        before.filter(|byte| **byte == b'\n').count() + 1
    }
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

fn unknown_section(sections: &[Section]) -> String {
    let names: Vec<&str> = sections.iter().map(|section| section.name).collect();
    format!(
        "there is no such table, only {}, roles, endpoints, sources, chains, relay",
        names.join(", ")
    )
}
