//! What an operator decides of the engine: one TOML file (`stoa dev --config FILE`), and what
//! stands above it.
//!
//! ```text
//! usual < file < its [profile.NAME] < STOA_TABLE__OPTION < --set      layers, tree
//!   └─ laid over each other ─► read once ─► Settings, origins, faults   read, read_chains, secret
//!                                           └─ profile prod: what is unfit  production
//! ```
//! [`catalog`] lists every option once: name, meaning, bounds, and the field that it sets. Reading,
//! showing and the tables in `docs/reference/configuration.md` all follow that list; what is left
//! out is as the parts themselves have it.

mod auth;
mod catalog;
mod chain;
mod database;
mod layers;
mod limits;
mod mail;
mod oidc;
mod option;
mod production;
mod read;
mod read_chains;
mod reload;
mod secret;
mod show;
mod telemetry;
mod tls;
mod tools;
mod tree;
mod webhooks;

pub(crate) use auth::AuthSettings;
pub(crate) use chain::ChainConfiguration;
pub(crate) use layers::{AboveFile, ConfigurationOptions, Layers, LoadError, Loaded, Profile};
pub(crate) use mail::MailSettings;
pub(crate) use oidc::OidcSettings;
pub(crate) use option::Listen;
pub(crate) use reload::Reloader;
pub(crate) use secret::Secret;
pub(crate) use telemetry::TelemetrySettings;
pub(crate) use tls::TlsSettings;
pub(crate) use tools::{ConfigCommand, run};
pub(crate) use tree::Origin;

use ::chain::{PoolConfiguration, RelayConfiguration};
use app::jobs::batch_mints::BatchOptions;
use projections::{Events, Factory, Source, Standard};
use std::{
    collections::BTreeMap,
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};
use transactor::TopUp;
use vocab::{Address, ChainId, U256, Urgency};

/// The roles that the engine itself works with.
pub(crate) const DEPLOYER: &str = "deployer";
pub(crate) const MINTER: &str = "minter";
pub(crate) const OPERATOR: &str = "operator";
/// Carries what users signed and sponsors pay for.
pub(crate) const SPONSOR: &str = "sponsor";

const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8_080);

/// Everything that can be decided, as it holds.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The chain that is written to, if any is.
    pub chain: ChainConfiguration,
    /// Others, which are indexed and read.
    pub chains: Vec<ChainConfiguration>,
    pub relay: Option<RelayConfiguration>,
    pub transactor: transactor::Options,
    /// Of calls that name none.
    pub urgency: Urgency,
    /// Jobs of one role that may wait.
    pub queue_depth_max: u64,
    pub roles: BTreeMap<String, RoleSettings>,
    pub mints: BatchOptions,
    pub metadata: metadata::Options,
    pub sequencer: journal::SequencerOptions,
    pub api: api::Limits,
    /// Between callers.
    pub limits: ::limits::Options,
    /// Where they are counted, if not in this process.
    pub redis_url: Secret,
    pub stream: push::HubOptions,
    /// Of the API and its pages.
    pub listen: Listen,
    pub tls: TlsSettings,
    pub telemetry: TelemetrySettings,
    /// Of processes that start no database of their own.
    pub database_url: Secret,
    pub replica_url: Secret,
    pub replica_connections: u32,
    pub auth: AuthSettings,
    pub oidc: OidcSettings,
    pub mail: MailSettings,
    pub field_keys_directory: String,
    pub webhooks: ::webhooks::Options,
}

/// A pool of wallets.
#[derive(Clone, Debug)]
pub(crate) struct RoleSettings {
    pub wallets: u32,
    pub in_flight_max: u16,
    /// Operators may use it for calls of their own.
    pub calls: bool,
    /// The role that refills its wallets; none: nobody does.
    pub top_up_from: Option<String>,
    pub top_up_below_wei: Option<u128>,
    pub top_up_amount_wei: Option<u128>,
}

/// A contract of others, as the file names it.
#[derive(Clone, Debug)]
pub(crate) struct SourceSettings {
    pub address: String,
    pub standard: String,
    pub start_block: u64,
    pub projected: bool,
    /// Of a factory: the event that names what it makes, and the argument that is that.
    pub factory_event: Option<String>,
    pub factory_parameter: Option<String>,
    /// As Solidity declares them.
    pub events: Vec<String>,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// None where nothing that was named is to blame.
    pub origin: Option<Origin>,
    /// The option's full name, as `transactor.tick_ms`; may be empty.
    pub option: String,
    pub detail: String,
}

impl Default for Settings {
    /// Of a development server.
    fn default() -> Self {
        let role = |wallets, calls| RoleSettings { wallets, calls, ..RoleSettings::default() };
        Self {
            chain: ChainConfiguration::default(),
            chains: Vec::new(),
            relay: None,
            // Short, because the one who waits for it is a developer restarting.
            transactor: transactor::Options {
                lease: Duration::from_secs(4),
                ..transactor::Options::default()
            },
            urgency: Urgency::default(),
            queue_depth_max: 1_000_000,
            roles: BTreeMap::from([
                (DEPLOYER.to_owned(), role(1, false)),
                (MINTER.to_owned(), role(2, false)),
                (OPERATOR.to_owned(), role(2, true)),
                (SPONSOR.to_owned(), role(1, false)),
            ]),
            // The chain is known when the server has asked its endpoints.
            mints: BatchOptions::new(ChainId(0)),
            metadata: metadata::Options::default(),
            sequencer: journal::SequencerOptions::default(),
            api: api::Limits::default(),
            limits: ::limits::Options::default(),
            redis_url: Secret::default(),
            stream: push::HubOptions::default(),
            listen: Listen(Some(LISTEN)),
            tls: TlsSettings::default(),
            telemetry: TelemetrySettings::default(),
            database_url: Secret::default(),
            replica_url: Secret::default(),
            replica_connections: 16,
            auth: AuthSettings::default(),
            oidc: OidcSettings::default(),
            mail: MailSettings::default(),
            field_keys_directory: String::new(),
            webhooks: ::webhooks::Options::default(),
        }
    }
}

impl Default for RoleSettings {
    fn default() -> Self {
        Self {
            wallets: 1,
            in_flight_max: transactor::Role::new("", 1).in_flight_max,
            calls: false,
            top_up_from: None,
            top_up_below_wei: None,
            top_up_amount_wei: None,
        }
    }
}

impl Default for SourceSettings {
    fn default() -> Self {
        Self {
            address: String::new(),
            standard: String::new(),
            start_block: 0,
            projected: true,
            factory_event: None,
            factory_parameter: None,
            events: Vec::new(),
        }
    }
}

impl Settings {
    /// What is usual for a server of this profile.
    pub(crate) fn usual(profile: Profile) -> Self {
        let mut usual = Self::default();
        if profile != Profile::Dev {
            usual.transactor.lease = transactor::Options::default().lease;
        }
        usual
    }

    /// The roles as the transactor takes them.
    pub(crate) fn transactor_roles(&self) -> Vec<transactor::Role> {
        let role = |(name, role): (&String, &RoleSettings)| transactor::Role {
            in_flight_max: role.in_flight_max,
            top_up: role.top_up(),
            ..transactor::Role::new(name, role.wallets)
        };
        self.roles.iter().map(role).collect()
    }

    /// Roles for calls of operators; `operator` comes first, as it is the one that calls without a
    /// role go to.
    pub(crate) fn call_roles(&self) -> Vec<String> {
        let allowed = self.roles.iter().filter(|(_, role)| role.calls);
        let mut names: Vec<String> = allowed.map(|(name, _)| name.clone()).collect();
        names.sort_by_key(|name| name != OPERATOR);
        names
    }

    /// The endpoints of the chain that is written to, if any are named.
    pub(crate) fn chain_endpoints(&self) -> Option<PoolConfiguration> {
        let configured = self.chain.pool_configuration()?;
        Some(PoolConfiguration { relay: self.relay.clone(), ..configured })
    }
}

impl SourceSettings {
    /// # Errors
    /// The option at fault, and what is wrong with it.
    pub(crate) fn read(&self) -> Result<Vec<Source>, (&'static str, String)> {
        let fault = |option, detail: &str| (option, detail.to_owned());
        let standard = Standard::from_name(&self.standard).ok_or_else(|| {
            let names = "must be \"erc20\", \"erc20_fee\", \"erc20_rebasing\", \"erc721\", \
                         \"erc1155\", \"events\" or \"abi\"";
            fault("standard", names)
        })?;
        let events = match (standard, self.events.is_empty()) {
            (Standard::Events, _) => {
                Some(Events::parse(&self.events).map_err(|detail| ("events", detail))?)
            }
            (_, true) => None,
            (_, false) => return Err(fault("events", "go with standard = \"events\" only")),
        };
        if self.address == "*" {
            let Some(events) = events.filter(|_| self.factory_event.is_none()) else {
                return Err(fault("address", "\"*\" goes with standard = \"events\" only"));
            };
            let sources = Source::anywhere(&events, self.start_block).into_iter();
            let projected = self.projected;
            return Ok(sources.map(|source| Source { projected, ..source }).collect());
        }
        let address = self.address.parse::<Address>();
        let mixed = self.address.chars().any(|c| c.is_ascii_uppercase())
            && self.address.chars().skip(2).any(|c| c.is_ascii_lowercase());
        if mixed && Address::parse_checksummed(&self.address, None).is_err() {
            return Err(fault("address", "its checksum (EIP-55) is wrong"));
        }
        let factory = match (&self.factory_event, &self.factory_parameter) {
            (None, None) => None,
            (Some(event), Some(parameter)) => {
                let parsed = Factory::parse(event, parameter);
                Some(parsed.map_err(|detail| ("factory_event", detail))?)
            }
            (None, Some(_)) => return Err(fault("factory_event", "is missing")),
            (Some(_), None) => return Err(fault("factory_parameter", "is missing")),
        };
        let address =
            address.map_err(|_| fault("address", "must be 0x and 40 hexadecimal digits"))?;
        Ok(vec![Source {
            projected: self.projected,
            factory,
            abi: events,
            ..Source::new(address, standard, self.start_block)
        }])
    }
}

impl RoleSettings {
    fn top_up(&self) -> Option<TopUp> {
        Some(TopUp {
            treasury: self.top_up_from.clone()?,
            below_wei: U256::from(self.top_up_below_wei?),
            amount_wei: U256::from(self.top_up_amount_wei?),
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{origin}: ")?;
        }
        if !self.option.is_empty() {
            write!(f, "{}: ", self.option)?;
        }
        f.write_str(&self.detail)
    }
}

#[cfg(test)]
mod tests;
