//! From text to chains: their endpoints, their contracts, and what is decided of each.

use super::{
    ChainConfiguration, Settings, SourceSettings, catalog,
    read::{Reader, names},
    tree::Node,
};
use chain::{EndpointConfiguration, PoolConfiguration};
use std::collections::BTreeSet;

/// Each has tasks, connections and memory of its own.
const CHAINS_MAX: usize = 32;
const SOURCES_MAX: usize = 1_000;
const NAME_MAX: usize = 64;

/// An option, when it is wrong, and what is.
type Rule = (String, fn(&ChainConfiguration) -> bool, String);

impl Reader {
    /// `[[chains]]`; what one leaves out is as of `own`.
    pub(super) fn read_chains(
        &mut self,
        own: &ChainConfiguration,
        node: &Node,
    ) -> Vec<ChainConfiguration> {
        let Some(list) = node.list() else {
            self.fault(node, "chains", "must be tables: [[chains]]");
            return Vec::new();
        };
        if list.len() > CHAINS_MAX {
            self.fault(node, "chains", &format!("there are more than {CHAINS_MAX}"));
            return Vec::new();
        }
        let places = (1..).zip(list);
        places.filter_map(|(place, node)| self.read_chain(own.heir(), place, node)).collect()
    }

    fn read_chain(
        &mut self,
        mut chain: ChainConfiguration,
        place: usize,
        node: &Node,
    ) -> Option<ChainConfiguration> {
        let full = format!("chains[{place}]");
        let table = self.table(&full, node)?;
        self.origins.insert(full.clone(), node.origin.clone());
        let (own, pool, indexer) = (catalog::chain(), catalog::pool(), catalog::indexer());
        for (key, node) in table {
            let part = format!("{full}.{key}");
            match key.as_str() {
                "endpoints" => chain.endpoints = self.read_endpoints(&part, node),
                "sources" => chain.sources = self.read_sources(&part, node),
                name @ ("pool" | "indexer") => {
                    let options = if name == "pool" { &pool } else { &indexer };
                    if let Some(table) = self.table(&part, node) {
                        self.read_options(&mut chain, options, &part, table);
                    }
                }
                _ => self.read_option(&mut chain, &own, &full, (key, node)),
            }
        }
        if !table.contains_key("id") {
            self.fault(node, &full, "id is missing");
        }
        if !table.contains_key("endpoints") {
            self.fault(node, &full, "it needs an endpoint: [[chains.endpoints]]");
        }
        Some(chain)
    }

    /// `full` is what the list is called.
    pub(super) fn read_endpoints(&mut self, full: &str, node: &Node) -> Vec<EndpointConfiguration> {
        let mut endpoints: Vec<EndpointConfiguration> = Vec::new();
        let Some(list) = node.list() else {
            self.fault(node, full, &format!("must be tables: [[{}]]", plain(full)));
            return endpoints;
        };
        let options = catalog::endpoint();
        let all_before = self.faults.len();
        for (place, node) in (1..).zip(list) {
            let full = format!("{full}[{place}]");
            let Some(table) = self.table(&full, node) else { continue };
            let before = self.faults.len();
            let mut endpoint = EndpointConfiguration::new("");
            self.read_options(&mut endpoint, &options, &full, table);
            if !names(table, "url") {
                self.fault(node, &full, "url is missing");
            }
            if self.is_blind(table) {
                return endpoints;
            }
            let alone = PoolConfiguration { endpoints: vec![endpoint.clone()], relay: None };
            if let (true, Err(error)) = (self.faults.len() == before, alone.build()) {
                // It counts endpoints from 1, and this one is alone.
                let detail = error.to_string().replacen("endpoint 1: ", "", 1);
                self.fault(node, &full, &detail);
            }
            let same = |other: &EndpointConfiguration| other.url == endpoint.url;
            if !endpoint.url.is_empty() && endpoints.iter().any(same) {
                self.fault(node, &full, "it is the same as an earlier one");
            }
            self.origins.insert(full, node.origin.clone());
            endpoints.push(endpoint);
        }
        // What only the whole can have wrong: too many, or none.
        let whole = PoolConfiguration { endpoints: endpoints.clone(), relay: None };
        if let (true, Err(error)) = (self.faults.len() == all_before, whole.build()) {
            self.fault(node, full, &error.to_string());
        }
        endpoints
    }

    /// `full` is what the list is called.
    pub(super) fn read_sources(&mut self, full: &str, node: &Node) -> Vec<SourceSettings> {
        let mut sources = Vec::new();
        let Some(list) = node.list() else {
            self.fault(node, full, &format!("must be tables: [[{}]]", plain(full)));
            return sources;
        };
        if list.len() > SOURCES_MAX {
            self.fault(node, full, &format!("there are more than {SOURCES_MAX}"));
            return sources;
        }
        let options = catalog::source();
        let mut known = BTreeSet::new();
        for (place, node) in (1..).zip(list) {
            let full = format!("{full}[{place}]");
            let Some(table) = self.table(&full, node) else { continue };
            let before = self.faults.len();
            let mut source = SourceSettings::default();
            self.read_options(&mut source, &options, &full, table);
            let needed = ["address", "standard", "start_block"];
            let needed = options.iter().filter(|option| needed.contains(&option.name));
            for option in needed.filter(|option| !table.contains_key(option.name)) {
                self.fault(node, &full, &format!("{} is missing", option.name));
            }
            if self.faults.len() > before {
                continue;
            }
            match source.read() {
                Err((option, detail)) => {
                    self.fault(node, &format!("{full}.{option}"), &detail);
                }
                Ok(read) if !read.iter().all(|source| known.insert(source.address)) => {
                    self.fault(node, &full, "it is the same as an earlier one");
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
