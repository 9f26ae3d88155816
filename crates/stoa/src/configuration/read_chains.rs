//! From text to chains: their endpoints, their contracts, and what is decided of each.

use super::{ChainConfiguration, Settings, SourceSettings, catalog, read::Reader};
use chain::{EndpointConfiguration, PoolConfiguration};
use std::collections::BTreeSet;
use toml::{Spanned, de::DeValue};

/// Each has tasks, connections and memory of its own.
const CHAINS_MAX: usize = 32;
const SOURCES_MAX: usize = 1_000;
const NAME_MAX: usize = 64;

/// An option, when it is wrong, and what is.
type Rule = (String, fn(&ChainConfiguration) -> bool, String);

impl Reader<'_> {
    /// `[[chains]]`; what one leaves out is as of `own`.
    pub(super) fn read_chains(
        &mut self,
        own: &ChainConfiguration,
        line: usize,
        value: &Spanned<DeValue<'_>>,
    ) -> Vec<ChainConfiguration> {
        let Some(list) = value.get_ref().as_array() else {
            self.fault(line, "chains", "must be tables: [[chains]]");
            return Vec::new();
        };
        if list.len() > CHAINS_MAX {
            self.fault(line, "chains", &format!("there are more than {CHAINS_MAX}"));
            return Vec::new();
        }
        let places = (1..).zip(list.iter());
        places.filter_map(|(place, value)| self.read_chain(own.heir(), place, value)).collect()
    }

    fn read_chain(
        &mut self,
        mut chain: ChainConfiguration,
        place: usize,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<ChainConfiguration> {
        let (full, line) = (format!("chains[{place}]"), self.line(&value.span()));
        let table = self.table(&full, line, value)?;
        self.lines.insert(full.clone(), line);
        let (own, pool, indexer) = (catalog::chain(), catalog::pool(), catalog::indexer());
        for (key, value) in table {
            let (part, line) = (format!("{full}.{}", key.get_ref()), self.line(&key.span()));
            match key.get_ref().as_ref() {
                "endpoints" => chain.endpoints = self.read_endpoints(&part, line, value),
                "sources" => chain.sources = self.read_sources(&part, line, value),
                name @ ("pool" | "indexer") => {
                    let options = if name == "pool" { &pool } else { &indexer };
                    if let Some(table) = self.table(&part, line, value) {
                        self.read_options(&mut chain, options, &part, table);
                    }
                }
                _ => self.read_option(&mut chain, &own, &full, (key, value)),
            }
        }
        if !table.contains_key("id") {
            self.fault(line, &full, "id is missing");
        }
        if !table.contains_key("endpoints") {
            self.fault(line, &full, "it needs an endpoint: [[chains.endpoints]]");
        }
        Some(chain)
    }

    /// `full` is what the list is called.
    pub(super) fn read_endpoints(
        &mut self,
        full: &str,
        line: usize,
        value: &Spanned<DeValue<'_>>,
    ) -> Vec<EndpointConfiguration> {
        let mut endpoints: Vec<EndpointConfiguration> = Vec::new();
        let Some(list) = value.get_ref().as_array() else {
            self.fault(line, full, &format!("must be tables: [[{}]]", plain(full)));
            return endpoints;
        };
        let options = catalog::endpoint();
        let all_before = self.faults.len();
        for (place, value) in (1..).zip(list.iter()) {
            let (full, line) = (format!("{full}[{place}]"), self.line(&value.span()));
            let Some(table) = self.table(&full, line, value) else { continue };
            let before = self.faults.len();
            let mut endpoint = EndpointConfiguration::new("");
            self.read_options(&mut endpoint, &options, &full, table);
            if !table.contains_key("url") {
                self.fault(line, &full, "url is missing");
            }
            let alone = PoolConfiguration { endpoints: vec![endpoint.clone()], relay: None };
            if let (true, Err(error)) = (self.faults.len() == before, alone.build()) {
                // It counts endpoints from 1, and this one is alone.
                let detail = error.to_string().replacen("endpoint 1: ", "", 1);
                self.fault(line, &full, &detail);
            }
            if endpoints.iter().any(|other| other.url == endpoint.url) {
                self.fault(line, &full, "it is the same as an earlier one");
            }
            self.lines.insert(full, line);
            endpoints.push(endpoint);
        }
        // What only the whole can have wrong: too many, or none.
        let whole = PoolConfiguration { endpoints: endpoints.clone(), relay: None };
        if let (true, Err(error)) = (self.faults.len() == all_before, whole.build()) {
            self.fault(line, full, &error.to_string());
        }
        endpoints
    }

    /// `full` is what the list is called.
    pub(super) fn read_sources(
        &mut self,
        full: &str,
        line: usize,
        value: &Spanned<DeValue<'_>>,
    ) -> Vec<SourceSettings> {
        let mut sources = Vec::new();
        let Some(list) = value.get_ref().as_array() else {
            self.fault(line, full, &format!("must be tables: [[{}]]", plain(full)));
            return sources;
        };
        if list.len() > SOURCES_MAX {
            self.fault(line, full, &format!("there are more than {SOURCES_MAX}"));
            return sources;
        }
        let options = catalog::source();
        let mut known = BTreeSet::new();
        for (place, value) in (1..).zip(list.iter()) {
            let (full, line) = (format!("{full}[{place}]"), self.line(&value.span()));
            let Some(table) = self.table(&full, line, value) else { continue };
            let before = self.faults.len();
            let mut source = SourceSettings::default();
            self.read_options(&mut source, &options, &full, table);
            let needed = ["address", "standard", "start_block"];
            let needed = options.iter().filter(|option| needed.contains(&option.name));
            for option in needed.filter(|option| !table.contains_key(option.name)) {
                self.fault(line, &full, &format!("{} is missing", option.name));
            }
            if self.faults.len() > before {
                continue;
            }
            match source.read() {
                Err((option, detail)) => {
                    self.fault(line, &format!("{full}.{option}"), &detail);
                }
                Ok(read) if !read.iter().all(|source| known.insert(source.address)) => {
                    self.fault(line, &full, "it is the same as an earlier one");
                }
                Ok(_) => sources.push(source),
            }
        }
        sources
    }

    /// What must hold of each chain, and of all of them together.
    pub(super) fn judge_chains(&mut self, settings: &Settings) {
        let own = &settings.chain;
        self.judge_chain(own, None, ["chain.", "indexer.", "pool."].map(str::to_owned));
        let several = !settings.chains.is_empty() && !own.endpoints.is_empty();
        if several && own.id.is_none() {
            // Else a node that is away would leave it open which chain that is.
            self.fault_of("chain.id", "is needed beside [[chains]] and [[endpoints]]");
        }
        for (place, chain) in (1..).zip(&settings.chains) {
            let full = format!("chains[{place}]");
            let parts = [".", ".indexer.", ".pool."].map(|part| format!("{full}{part}"));
            self.judge_chain(chain, Some(own), parts);
            let earlier = || [own].into_iter().chain(&settings.chains[..place - 1]);
            if chain.id.is_some() && earlier().any(|other| other.id == chain.id) {
                self.fault_of(&format!("{full}.id"), "an earlier chain has this id");
            }
            for (number, endpoint) in (1..).zip(&chain.endpoints) {
                let same = |other: &EndpointConfiguration| other.url == endpoint.url;
                if earlier().any(|other| other.endpoints.iter().any(same)) {
                    let detail = "it is an endpoint of an earlier chain";
                    self.fault_of(&format!("{full}.endpoints[{number}]"), detail);
                }
            }
        }
    }

    /// `heir_of` is whose options hold where it has none; what is wrong there is told there.
    fn judge_chain(
        &mut self,
        chain: &ChainConfiguration,
        heir_of: Option<&ChainConfiguration>,
        [own, indexer, pool]: [String; 3],
    ) {
        let named = |name: &String| {
            let count = name.chars().count();
            (1..=NAME_MAX).contains(&count) && !name.chars().any(char::is_control)
        };
        let rules: [Rule; 3] = [
            (
                format!("{own}final_blocks"),
                |chain| chain.finality.final_ < chain.finality.auditable,
                format!("must not be below {own}auditable_blocks"),
            ),
            (
                format!("{indexer}window_blocks"),
                |chain| chain.indexer.window < chain.finality.final_,
                format!("must not be below {own}final_blocks"),
            ),
            (
                format!("{pool}grace_ms"),
                |chain| chain.pool.grace > chain.pool.deadline,
                format!("must not be above {pool}deadline_ms"),
            ),
        ];
        for (option, is_broken, detail) in rules {
            if is_broken(chain) && !heir_of.is_some_and(is_broken) {
                self.fault_of(&option, &detail);
            }
        }
        if chain.name.as_ref().is_some_and(|name| !named(name)) {
            let detail = format!("must have 1 to {NAME_MAX} characters");
            self.fault_of(&format!("{own}name"), &detail);
        }
    }
}

/// The name of a list without the places of what it is in.
fn plain(full: &str) -> String {
    full.split('.').map(|part| part.split('[').next().unwrap_or(part)).collect::<Vec<_>>().join(".")
}
