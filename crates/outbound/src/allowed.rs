//! What an operator lets us reach although the internet can't.

use crate::host_of;
use ipnet::IpNet;
use reqwest::Url;
use std::{collections::BTreeSet, net::IpAddr, str::FromStr};

/// Hosts, places and networks that are exempt. Empty: none is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// `host:port`
    places: BTreeSet<String>,
    hosts: BTreeSet<String>,
    networks: Vec<IpNet>,
}

/// The text is none of the forms that [`Allowed::parse`] takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a network such as 10.0.0.0/8, an address, HOST or HOST:PORT")]
pub struct NotAllowable;

impl Allowed {
    /// Each a network (`10.0.0.0/8`, `fd00::/8`), an address, a host, or `HOST:PORT`.
    ///
    /// # Errors
    /// [`NotAllowable`] for the first that is none of these.
    pub fn parse(texts: &[String]) -> Result<Self, NotAllowable> {
        let mut allowed = Self::default();
        for text in texts {
            if let Ok(network) = IpNet::from_str(text) {
                allowed.networks.push(network);
            } else if let Ok(address) = IpAddr::from_str(text) {
                allowed.networks.push(address.into());
            } else {
                allowed.add_host(text)?;
            }
        }
        Ok(allowed)
    }

    /// `HOST:PORT` each.
    ///
    /// # Errors
    /// [`NotAllowable`] for the first that is something else.
    pub fn places(texts: &[String]) -> Result<Self, NotAllowable> {
        let places = texts.iter().map(|text| place(text)).collect::<Result<_, _>>()?;
        Ok(Self { places, ..Self::default() })
    }

    fn add_host(&mut self, text: &str) -> Result<(), NotAllowable> {
        if let Ok(place) = place(text) {
            self.places.insert(place);
            return Ok(());
        }
        let url = format!("http://{text}/").parse::<Url>().map_err(|_| NotAllowable)?;
        let host = url.host_str().unwrap_or_default();
        let bare = url.port().is_none() && url.path() == "/" && url.username().is_empty();
        if !bare || host.is_empty() || url.query().is_some() || text.contains(['/', '#', ':']) {
            return Err(NotAllowable);
        }
        self.hosts.insert(host.to_owned());
        Ok(())
    }

    /// Is this very host, or place, exempt by its name?
    pub(crate) fn names(&self, url: &Url) -> bool {
        self.places.contains(&host_of(url))
            || url.host_str().is_some_and(|host| self.hosts.contains(host))
    }

    /// Is the address in an exempt network? An IPv4 address inside IPv6 counts as what it is.
    pub(crate) fn holds(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }
}

/// In the one form that [`host_of`] gives.
fn place(text: &str) -> Result<String, NotAllowable> {
    let port = text.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    let url = format!("http://{text}/").parse::<Url>().ok();
    match (port, url) {
        (Some(port), Some(url)) if url.path() == "/" && url.username().is_empty() => {
            let host = host_of(&url);
            if host.ends_with(&format!(":{port}")) { Ok(host) } else { Err(NotAllowable) }
        }
        _ => Err(NotAllowable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Allowed, NotAllowable> {
        Allowed::parse(&[text.to_owned()])
    }

    #[test]
    fn what_is_no_network_and_no_host_is_refused() {
        for bad in ["", "10.0.0.0/33", "a/b", "u@a", "a:1/x", ":80", "a b", "https://a", "a?b"] {
            assert_eq!(parse(bad), Err(NotAllowable), "{bad}");
        }
        for bad in ["127.0.0.1", "a.example", "a.example:x", "a:1/x", "u@a:1", ":80", ""] {
            assert_eq!(Allowed::places(&[bad.to_owned()]), Err(NotAllowable), "{bad}");
        }
    }

    #[test]
    fn networks_hold_their_addresses_and_names_their_places() {
        let holds =
            |network: &str, address: &str| parse(network).unwrap().holds(address.parse().unwrap());
        assert!(holds("10.0.0.0/8", "10.255.0.1") && !holds("10.0.0.0/8", "11.0.0.1"));
        assert!(holds("127.0.0.1", "::ffff:127.0.0.1") && !holds("127.0.0.1", "127.0.0.2"));
        assert!(holds("fd00::/8", "fd12::1") && !holds("fd00::/8", "fe80::1"));
        assert!(!holds("localhost", "127.0.0.1"), "a name is no address");
        let names = |text: &str, url: &str| parse(text).unwrap().names(&url.parse().unwrap());
        assert!(names("Hooks.internal", "http://hooks.internal:8080/x"));
        assert!(!names("hooks.internal", "http://a.hooks.internal/"));
        assert!(names("a:81", "http://a:81/") && !names("a:81", "http://a/"));
        assert!(names("[::1]:80", "http://[::1]/"));
    }
}
