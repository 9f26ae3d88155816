//! What a configuration file says about the endpoints of a chain.

use super::{Pool, PoolOptions, Relay};
use crate::{Endpoint, EndpointOptions, Rate, RpcError};
use reqwest::Url;
use serde::Deserialize;
use std::{fmt, time::Duration};

/// More would make each hand-over and each look at the heads a burden.
const ENDPOINTS_MAX: usize = 16;

/// The endpoints of one chain.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolConfiguration {
    pub endpoints: Vec<EndpointConfiguration>,
    pub relay: Option<RelayConfiguration>,
}

/// One endpoint. What is left out is as in [`EndpointOptions`].
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointConfiguration {
    /// Secret past its host.
    pub url: String,
    /// Its WebSocket, for new heads. Secret past its host.
    pub ws_url: Option<String>,
    pub weight: Option<u32>,
    pub timeout_ms: Option<u64>,
    pub requests_per_second: Option<f64>,
    /// Calls at once; a second's worth when left out.
    pub burst: Option<f64>,
    pub requests_max: Option<usize>,
}

/// See [`Relay`].
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelayConfiguration {
    /// Secret past its host.
    pub url: String,
    pub kinds: Vec<String>,
    pub public_after_blocks: u32,
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    #[error("a chain needs between 1 and {ENDPOINTS_MAX} endpoints")]
    Count,
    #[error("endpoint {place}: {source}")]
    Address { place: usize, source: RpcError },
    #[error("endpoint {0}: ws_url must begin with ws:// or wss:// and name a host")]
    WsAddress(usize),
    #[error("endpoint {0} is the same as an earlier one")]
    Repeated(usize),
    #[error("endpoint {place}: {field} is out of range")]
    OutOfRange { place: usize, field: &'static str },
    #[error("the relay: {0}")]
    Relay(RpcError),
    #[error("the relay names no kind of transaction")]
    NoKind,
}

impl fmt::Debug for EndpointConfiguration {
    /// Without the address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointConfiguration")
            .field("weight", &self.weight)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RelayConfiguration {
    /// Without the address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelayConfiguration").field("kinds", &self.kinds).finish_non_exhaustive()
    }
}

impl EndpointConfiguration {
    /// With all settings left out.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            ws_url: None,
            weight: None,
            timeout_ms: None,
            requests_per_second: None,
            burst: None,
            requests_max: None,
        }
    }

    fn check_ws(&self, place: usize) -> Result<(), ConfigurationError> {
        let Some(url) = &self.ws_url else { return Ok(()) };
        let url = Url::parse(url).map_err(|_| ConfigurationError::WsAddress(place))?;
        match ["ws", "wss"].contains(&url.scheme()) && url.has_host() {
            true => Ok(()),
            false => Err(ConfigurationError::WsAddress(place)),
        }
    }

    fn options(&self, place: usize) -> Result<EndpointOptions, ConfigurationError> {
        let within = |field, ok| match ok {
            true => Ok(()),
            false => Err(ConfigurationError::OutOfRange { place, field }),
        };
        let usual = EndpointOptions::default();
        let timeout = self.timeout_ms.map_or(usual.timeout, Duration::from_millis);
        let requests_max = self.requests_max.unwrap_or(usual.requests_max);
        within("timeout_ms", (100..=60_000).contains(&timeout.as_millis()))?;
        within("requests_max", (1..=1_024).contains(&requests_max))?;
        let rate = match (self.requests_per_second, self.burst) {
            (Some(per_second), burst) => {
                Some(Rate { per_second, burst: burst.unwrap_or(per_second.max(1.0)) })
            }
            (None, None) => None,
            (None, Some(_)) => {
                within("burst (without requests_per_second)", false).map(|()| None)?
            }
        };
        if let Some(Rate { per_second, burst }) = rate {
            within("requests_per_second", (0.1..=100_000.0).contains(&per_second))?;
            within("burst", (1.0..=100_000.0).contains(&burst))?;
        }
        let weight = self.weight.unwrap_or(usual.weight);
        Ok(EndpointOptions { timeout, weight, rate, requests_max, ..usual })
    }
}

impl PoolConfiguration {
    /// Endpoints with nothing but their addresses.
    #[must_use]
    pub fn of_urls(urls: &[String]) -> Self {
        let endpoints = urls.iter().map(EndpointConfiguration::new).collect();
        Self { endpoints, relay: None }
    }

    /// Where new heads are told.
    pub fn ws_urls(&self) -> impl Iterator<Item = String> {
        self.endpoints.iter().filter_map(|endpoint| endpoint.ws_url.clone())
    }

    /// With usual limits.
    ///
    /// # Errors
    /// [`ConfigurationError`]. Places count from 1.
    pub fn build(&self) -> Result<Pool, ConfigurationError> {
        self.build_with(PoolOptions::default())
    }

    /// With these limits; a relay in them gives way to the configured one.
    ///
    /// # Errors
    /// [`ConfigurationError`]. Places count from 1.
    pub fn build_with(&self, options: PoolOptions) -> Result<Pool, ConfigurationError> {
        if self.endpoints.is_empty() || self.endpoints.len() > ENDPOINTS_MAX {
            return Err(ConfigurationError::Count);
        }
        let mut endpoints = Vec::new();
        for (place, one) in (1..).zip(&self.endpoints) {
            // Two that are one would always agree with each other.
            if self.endpoints[..place - 1].iter().any(|other| other.url == one.url) {
                return Err(ConfigurationError::Repeated(place));
            }
            one.check_ws(place)?;
            let endpoint = Endpoint::new(&one.url, one.options(place)?)
                .map_err(|source| ConfigurationError::Address { place, source })?;
            endpoints.push(endpoint);
        }
        let relay = self.relay.as_ref().map(RelayConfiguration::build).transpose()?;
        Ok(Pool::new(endpoints, PoolOptions { relay, ..options }))
    }
}

impl RelayConfiguration {
    /// # Errors
    /// [`ConfigurationError`]
    pub fn check(&self) -> Result<(), ConfigurationError> {
        self.build().map(|_| ())
    }

    fn build(&self) -> Result<Relay, ConfigurationError> {
        if self.kinds.is_empty() {
            return Err(ConfigurationError::NoKind);
        }
        let endpoint = Endpoint::new(&self.url, EndpointOptions::default());
        Ok(Relay {
            endpoint: endpoint.map_err(ConfigurationError::Relay)?,
            kinds: self.kinds.clone(),
            public_after_blocks: self.public_after_blocks,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(url: &str) -> EndpointConfiguration {
        EndpointConfiguration::new(url)
    }

    fn built(endpoints: Vec<EndpointConfiguration>) -> Result<Pool, String> {
        let configuration = PoolConfiguration { endpoints, relay: None };
        configuration.build().map_err(|e| e.to_string())
    }

    #[test]
    fn bad_settings_are_refused_by_name_and_without_the_address() {
        let good = || one("http://a.example/secret");
        let ws = |url: &str| vec![EndpointConfiguration { ws_url: Some(url.into()), ..good() }];
        let cases: [(Vec<EndpointConfiguration>, &str); 10] = [
            (vec![], "between 1 and 16"),
            (vec![good(); 17], "between 1 and 16"),
            (vec![good(), one("ftp://b.example/secret")], "endpoint 2"),
            (vec![good(), good()], "endpoint 2 is the same"),
            (ws("http://a.example/secret"), "ws_url"),
            (ws("wss://"), "ws_url"),
            (vec![EndpointConfiguration { timeout_ms: Some(1), ..good() }], "timeout_ms"),
            (vec![EndpointConfiguration { burst: Some(1.0), ..good() }], "burst"),
            (
                vec![EndpointConfiguration { requests_per_second: Some(f64::NAN), ..good() }],
                "requests_per_second",
            ),
            (vec![EndpointConfiguration { requests_max: Some(0), ..good() }], "requests_max"),
        ];
        for (endpoints, expect) in cases {
            let error = built(endpoints).unwrap_err();
            assert!(error.contains(expect) && !error.contains("secret"), "{error}");
        }
        let debug =
            format!("{:?}", PoolConfiguration::of_urls(&["http://a.example/secret".into()]));
        assert!(!debug.contains("secret"), "{debug}");
    }

    #[test]
    fn the_example_of_the_manual_is_accepted() {
        let manual = include_str!("../../../../docs/operate/endpoints.md");
        let example = manual.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
        let pool = toml::from_str::<PoolConfiguration>(example).unwrap().build().unwrap();
        assert_eq!(pool.len(), 2);
        assert_eq!(pool.options().relay.as_ref().unwrap().public_after_blocks, 25);
        let misspelt = example.replace("weight", "wieght");
        assert!(toml::from_str::<PoolConfiguration>(&misspelt).is_err());
    }

    #[test]
    fn settings_reach_the_endpoint() {
        let pool = built(vec![EndpointConfiguration {
            weight: Some(7),
            requests_per_second: Some(5.0),
            timeout_ms: Some(500),
            ..one("https://a.example/key")
        }])
        .unwrap();
        let options = pool[0].options();
        assert_eq!((options.weight, options.timeout), (7, Duration::from_millis(500)));
        assert_eq!(options.rate, Some(Rate { per_second: 5.0, burst: 5.0 }));
        assert_eq!(pool[0].host(), "a.example");
    }
}
