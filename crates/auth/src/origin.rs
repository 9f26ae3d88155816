//! Origins of web pages: who may ask people to sign in here, and from where.

use std::{fmt, str::FromStr};

/// Longest origin.
const LEN_MAX: usize = 280;

/// Scheme, host and port, as browsers write them: lower case, no path, no usual port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    text: String,
    /// Where the authority starts.
    authority: usize,
}

/// Why a text is no origin that people may sign in from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginFault {
    #[error("is no origin: scheme, `://`, host and port if it is not the usual one, no more")]
    Malformed,
    #[error("must start with https:// (http:// is for this machine only)")]
    Plain,
}

impl Origin {
    /// `https` or `http`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.text[..self.authority - "://".len()]
    }

    /// Host, and port if it is not the usual one.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.text[self.authority..]
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Is this the address of something below the origin, or of the origin itself?
    #[must_use]
    pub fn covers(&self, uri: &str) -> bool {
        uri.strip_prefix(&self.text).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Origin {
    type Err = OriginFault;

    fn from_str(text: &str) -> Result<Self, OriginFault> {
        let (scheme, authority) = text.split_once("://").ok_or(OriginFault::Malformed)?;
        let usual = match scheme {
            "https" => "443",
            "http" => "80",
            _ => return Err(OriginFault::Malformed),
        };
        let (host, port) = split_port(authority);
        let port_fits = port.is_none_or(|port| {
            let digits = !port.starts_with('0') && port.bytes().all(|byte| byte.is_ascii_digit());
            digits && port != usual && port.parse::<u16>().is_ok()
        });
        if text.len() > LEN_MAX || !is_host(host) || !port_fits {
            return Err(OriginFault::Malformed);
        }
        let local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        if scheme == "http" && !local {
            return Err(OriginFault::Plain);
        }
        Ok(Self { text: text.to_owned(), authority: scheme.len() + "://".len() })
    }
}

/// The colon of a port comes after the bracket of an IPv6 address.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    let end = authority.rfind(']').unwrap_or(0);
    match authority[end..].find(':') {
        Some(at) => (&authority[..end + at], Some(&authority[end + at + 1..])),
        None => (authority, None),
    }
}

fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.parse::<std::net::Ipv6Addr>().is_ok_and(|ip| ip.to_string() == inner);
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_browsers_write_is_an_origin() {
        for good in [
            "https://app.example.org",
            "https://app.example.org:8443",
            "https://xn--bcher-kva.example",
            "https://[2001:db8::1]:8443",
            "http://localhost:3000",
            "http://127.0.0.1:8480",
            "http://[::1]:8480",
        ] {
            let origin: Origin = good.parse().unwrap_or_else(|fault| panic!("{good}: {fault}"));
            assert_eq!(format!("{}://{}", origin.scheme(), origin.authority()), good);
        }
        let plain = OriginFault::Plain;
        for (bad, fault) in [
            ("http://app.example.org", plain),
            ("http://127.0.0.1.example.org", plain),
            ("http://localhost.", OriginFault::Malformed),
            ("https://app.example.org/", OriginFault::Malformed),
            ("https://user@app.example.org", OriginFault::Malformed),
            ("https://App.example.org", OriginFault::Malformed),
            ("https://app.example.org:443", OriginFault::Malformed),
            ("https://app.example.org:0443", OriginFault::Malformed),
            ("https://app.example.org:99999", OriginFault::Malformed),
            ("https://app.example.org:", OriginFault::Malformed),
            ("https://", OriginFault::Malformed),
            ("https://-a.example", OriginFault::Malformed),
            ("https://a..example", OriginFault::Malformed),
            ("https://[::1", OriginFault::Malformed),
            ("https://[2001:DB8::1]", OriginFault::Malformed),
            ("ftp://app.example.org", OriginFault::Malformed),
            ("null", OriginFault::Malformed),
            ("", OriginFault::Malformed),
        ] {
            assert_eq!(bad.parse::<Origin>(), Err(fault), "{bad}");
        }
    }

    #[test]
    fn an_origin_covers_its_paths_only() {
        let origin: Origin = "https://app.example.org".parse().expect("an origin");
        for (uri, covered) in [
            ("https://app.example.org", true),
            ("https://app.example.org/", true),
            ("https://app.example.org/login?x#y", true),
            ("https://app.example.org.evil.example", false),
            ("https://app.example.org:8443/", false),
            ("https://app.example.org@evil.example/", false),
            ("http://app.example.org/", false),
            ("https://evil.example/https://app.example.org", false),
        ] {
            assert_eq!(origin.covers(uri), covered, "{uri}");
        }
    }
}
