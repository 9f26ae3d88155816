//! From where a request comes: the address of its client, and the page that sent it.

use crate::ApiState;
use axum::{
    extract::FromRequestParts,
    http::{Extensions, HeaderMap, header, request::Parts},
};
use std::{
    convert::Infallible,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Who calls, as far as a connection tells.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    address: String,
    user_agent: Option<String>,
    origin: Option<String>,
}

impl Place {
    pub(crate) fn get(&self) -> app::ClientPlace<'_> {
        app::ClientPlace {
            address: &self.address,
            user_agent: self.user_agent.as_deref(),
            origin: self.origin.as_deref(),
        }
    }
}

impl FromRequestParts<ApiState> for Place {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Infallible> {
        let text = |name| {
            parts.headers.get(name).map(|value: &header::HeaderValue| {
                String::from_utf8_lossy(value.as_bytes()).into_owned()
            })
        };
        Ok(Self {
            address: counted(exact(&parts.extensions, &parts.headers, &state.trusted_proxies)),
            user_agent: text(header::USER_AGENT),
            origin: text(header::ORIGIN),
        })
    }
}

/// The client's own address, as far as it is known.
pub(crate) fn exact(
    extensions: &Extensions,
    headers: &HeaderMap,
    trusted: &[IpAddr],
) -> Option<IpAddr> {
    let peer = extensions.get::<Peer>().map(|peer| peer.0.ip());
    peer.map(|peer| client(peer, headers, trusted).to_canonical())
}

/// As a client is counted by: of IPv6 the network.
pub(crate) fn counted(client: Option<IpAddr>) -> String {
    client.map_or_else(|| "unknown".to_owned(), shown)
}

/// Whoever the last proxy that we trust was called by. What others wrote before is theirs to
/// invent.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.contains(&address.to_canonical());
    let mut client = peer;
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    let lines = lines.map(|line| line.to_str().unwrap_or_default());
    for hop in lines.flat_map(|line| line.rsplit(',')) {
        if !is_trusted(client) {
            break;
        }
        let Ok(next) = hop.trim().parse() else { break };
        client = next;
    }
    client
}

/// Of IPv6 the network: whoever has one address there has all of them.
fn shown(client: IpAddr) -> String {
    match client.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn only_trusted_proxies_are_believed() {
        let trusted: Vec<IpAddr> = ["10.0.0.1", "10.0.0.2"].map(|ip| ip.parse().unwrap()).into();
        let cases: [(&str, &[&str], &str); 9] = [
            ("192.0.2.7", &[], "192.0.2.7"),
            ("192.0.2.7", &["198.51.100.1"], "192.0.2.7"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["203.0.113.9, 198.51.100.1,10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["203.0.113.9", "198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1, nonsense"], "10.0.0.1"),
            ("10.0.0.1", &["2001:db8:1:2:3::4"], "2001:db8:1:2::/64"),
        ];
        for (peer, lines, expected) in cases {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", HeaderValue::from_static(line));
            }
            let found = client(peer.parse().unwrap(), &headers, &trusted);
            assert_eq!(shown(found), expected, "{peer} {lines:?}");
        }
    }
}
