//! Networks that a key may be used from.

use ipnet::{IpNet, Ipv6Net};
use std::net::{IpAddr, Ipv6Addr};

/// A list of networks. An empty one admits everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

/// What is wrong with one network of a list, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NetworkFault {
    pub place: usize,
    pub reason: &'static str,
}

impl Networks {
    /// Longest list.
    pub const MAX: usize = 64;

    /// Reads a list from outside: of addresses, and of networks as CIDR.
    ///
    /// # Errors
    /// [`NetworkFault`]; nothing is guessed, so `10.1.2.3/8` is none.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Self, NetworkFault> {
        if texts.len() > Self::MAX {
            return Err(NetworkFault { place: Self::MAX, reason: "at most 64 networks" });
        }
        let mut all = Vec::with_capacity(texts.len());
        for (place, text) in texts.iter().enumerate() {
            let network =
                network(text.as_ref()).map_err(|reason| NetworkFault { place, reason })?;
            if !all.contains(&network) {
                all.push(network);
            }
        }
        Ok(Self(all))
    }

    /// A list that admits nobody: in the place of one that can't be read.
    #[must_use]
    pub(crate) fn closed() -> Self {
        // An address that is nobody's (RFC 6666).
        let nobody = Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0);
        Self(vec![IpNet::new_assert(nobody.into(), 128)])
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// May somebody call from there? Who calls from nowhere that is known may not, if anything is
    /// listed.
    #[must_use]
    pub fn admits(&self, from: Option<IpAddr>) -> bool {
        let Some(from) = from.map(|from| from.to_canonical()) else { return self.is_empty() };
        self.is_empty() || self.0.iter().any(|network| network.contains(&from))
    }

    /// Does `outer` admit all that this list admits?
    #[must_use]
    pub fn is_within(&self, outer: &Self) -> bool {
        let covered = |inner: &IpNet| outer.0.iter().any(|network| network.contains(inner));
        outer.is_empty() || (!self.is_empty() && self.0.iter().all(covered))
    }

    /// As CIDR.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

fn network(text: &str) -> Result<IpNet, &'static str> {
    let malformed = "not an address, and not a network such as 192.0.2.0/24 or 2001:db8::/32";
    if text.len() > 64 {
        return Err(malformed);
    }
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => text.parse::<IpNet>().map_err(|_| malformed)?,
    };
    if network.trunc() != network {
        return Err("the address has bits beyond its prefix");
    }
    match network {
        IpNet::V6(v6) if is_mapped(&v6) => Err("an IPv4 network is written as one"),
        network => Ok(network),
    }
}

/// Does it hold addresses that are IPv4 (`::ffff:0:0/96`)? They are compared as such.
fn is_mapped(network: &Ipv6Net) -> bool {
    network.prefix_len() >= 96 && network.addr().to_ipv4_mapped().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(texts: &[&str]) -> Networks {
        Networks::parse(texts).unwrap()
    }

    #[test]
    fn a_list_admits_what_it_names() {
        let cases: [(&[&str], Option<&str>, bool); 16] = [
            (&[], Some("192.0.2.1"), true),
            (&[], None, true),
            (&["192.0.2.0/24"], None, false),
            (&["192.0.2.0/24"], Some("192.0.2.255"), true),
            (&["192.0.2.0/24"], Some("192.0.3.0"), false),
            (&["192.0.2.0/24"], Some("::ffff:192.0.2.9"), true),
            (&["192.0.2.0/24"], Some("2001:db8::1"), false),
            (&["192.0.2.7"], Some("192.0.2.7"), true),
            (&["192.0.2.7"], Some("192.0.2.8"), false),
            (&["2001:db8::/32"], Some("2001:db8:ffff::1"), true),
            (&["2001:db8::/32"], Some("2001:db9::1"), false),
            (&["2001:db8::1"], Some("2001:db8::2"), false),
            (&["0.0.0.0/0"], Some("2001:db8::2"), false),
            (&["0.0.0.0/0"], Some("203.0.113.1"), true),
            (&["10.0.0.0/8", "2001:db8::/32"], Some("10.255.0.1"), true),
            (&["10.0.0.0/8", "2001:db8::/32"], Some("11.0.0.1"), false),
        ];
        for (texts, from, expected) in cases {
            let from = from.map(|text| text.parse().unwrap());
            assert_eq!(list(texts).admits(from), expected, "{texts:?} {from:?}");
        }
        assert!(!Networks::closed().admits(Some("192.0.2.1".parse().unwrap())));
        assert!(!Networks::closed().admits(None) && !Networks::closed().is_empty());
    }

    #[test]
    fn nothing_is_guessed() {
        for bad in [
            "",
            "10.1.2.3/8",
            "10.0.0.0/33",
            "2001:db8::1/32",
            "::ffff:10.0.0.1",
            "::ffff:10.0.0.0/104",
            "10.0.0",
            "010.0.0.1",
            "example.org",
            " 10.0.0.1",
            "10.0.0.1-10.0.0.9",
            "fe80::1%eth0",
        ] {
            assert!(Networks::parse(&["192.0.2.1", bad]).is_err_and(|e| e.place == 1), "{bad}");
        }
        let many: Vec<String> = (0..65).map(|n| format!("192.0.2.{n}")).collect();
        assert!(Networks::parse(&many).is_err_and(|fault| fault.place == 64));
        assert_eq!(list(&["192.0.2.1", "192.0.2.1/32"]).texts(), ["192.0.2.1/32"]);
    }

    #[test]
    fn one_list_lies_within_another() {
        let cases: [(&[&str], &[&str], bool); 8] = [
            (&[], &[], true),
            (&["192.0.2.1"], &[], true),
            (&[], &["192.0.2.1"], false),
            (&["192.0.2.1"], &["192.0.2.0/24"], true),
            (&["192.0.2.0/24"], &["192.0.2.1"], false),
            (&["192.0.2.1", "10.0.0.0/8"], &["192.0.2.0/24"], false),
            (&["192.0.2.1", "10.1.0.0/16"], &["192.0.2.0/24", "10.0.0.0/8"], true),
            (&["0.0.0.0/0"], &["::/0"], false),
        ];
        for (inner, outer, expected) in cases {
            assert_eq!(list(inner).is_within(&list(outer)), expected, "{inner:?} {outer:?}");
        }
    }
}
