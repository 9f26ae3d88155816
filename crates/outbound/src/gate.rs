//! The one way out: an HTTP client per URL, or the reason why there is none.

use crate::{Allowed, is_public};
use reqwest::{
    Client, ClientBuilder, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};
use std::{
    error::Error,
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Arc, Once},
};

/// Which ports of strangers are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// 80 and 443.
    Web,
    /// These, and those above 1023, where no other service is at home.
    WebAndHigh,
}

/// What may be reached.
#[derive(Clone, Debug)]
pub struct GateOptions {
    pub allowed: Allowed,
    /// Plain HTTP, too. What is allowed by name or by a literal address takes it anyway.
    pub http: bool,
    pub ports: Ports,
}

/// Why a place is not asked. Nothing was connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the URL names no host")]
    Malformed,
    #[error("the URL's scheme is not http or https")]
    Scheme,
    #[error("the URL holds a user or a password")]
    Credentials,
    #[error("the URL is plain HTTP, which is not asked")]
    Http,
    #[error("the URL's port is not one of those asked")]
    Port,
    #[error("the URL leads to an address that is not public")]
    Address,
}

/// Why a request got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// A name leads to no address that is asked.
    Refused,
    Unresolved,
    TimedOut,
    Unreachable,
}

impl Trouble {
    /// What the library says is told by what is at the bottom of it.
    #[must_use]
    pub fn of(error: &reqwest::Error) -> Self {
        let mut source = error.source();
        while let Some(cause) = source {
            if cause.is::<NotPublic>() {
                return Self::Refused;
            }
            if cause.is::<Unresolved>() {
                return Self::Unresolved;
            }
            source = cause.source();
        }
        if error.is_timeout() { Self::TimedOut } else { Self::Unreachable }
    }
}

/// Hands out clients. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: GateOptions,
    /// Connects to public addresses and allowed networks only.
    guarded: Client,
    /// For what is allowed by name.
    exempt: Client,
}

impl Gate {
    /// `configure` adds times and bounds to both clients.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn new(
        options: GateOptions,
        configure: impl Fn(ClientBuilder) -> ClientBuilder,
    ) -> Result<Self, reqwest::Error> {
        Self::asking(Arc::new(System), options, configure)
    }

    /// With what `names` says of names.
    fn asking(
        names: Arc<dyn Resolve>,
        options: GateOptions,
        configure: impl Fn(ClientBuilder) -> ClientBuilder,
    ) -> Result<Self, reqwest::Error> {
        install_tls();
        // Neither proxies of the environment nor redirects of the library: both would pass by the
        // check.
        let client = || {
            let plain = configure(Client::builder());
            plain.no_proxy().redirect(redirect::Policy::none()).referer(false)
        };
        let resolver = Guarded { names, allowed: options.allowed.clone() };
        let guarded = client().dns_resolver(resolver).build()?;
        Ok(Self(Arc::new(Inner { options, guarded, exempt: client().build()? })))
    }

    /// The client that may connect there, if any may.
    ///
    /// # Errors
    /// [`Refused`]
    pub fn client_for(&self, url: &Url) -> Result<&Client, Refused> {
        let inner = &self.0;
        inner.options.check(url).map(|named| if named { &inner.exempt } else { &inner.guarded })
    }
}

impl GateOptions {
    /// May the URL be asked, as far as can be told before its name is resolved? True: it is exempt
    /// by its name.
    ///
    /// # Errors
    /// [`Refused`]
    pub fn check(&self, url: &Url) -> Result<bool, Refused> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refused::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::Credentials);
        }
        let host = url.host_str().ok_or(Refused::Malformed)?;
        if self.allowed.names(url) {
            return Ok(true);
        }
        // Literal addresses are not resolved, so they are looked at here.
        let literal = literal(host);
        if literal.is_some_and(|address| self.allowed.holds(address)) {
            return Ok(false);
        }
        if url.scheme() == "http" && !self.http {
            return Err(Refused::Http);
        }
        let port = url.port_or_known_default();
        let high = self.ports == Ports::WebAndHigh && port.is_some_and(|port| port > 1023);
        if !matches!(port, Some(80 | 443)) && !high {
            return Err(Refused::Port);
        }
        match literal {
            Some(address) if !is_public(address) => Err(Refused::Address),
            _ => Ok(false),
        }
    }
}

/// Host and port.
#[must_use]
pub fn host_of(url: &Url) -> String {
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{}:{port}", url.host_str().unwrap_or_default())
}

/// The address that a host is written as, if it is one. Odd forms (decimal, octal, short) were made
/// plain when the URL was read.
fn literal(host: &str) -> Option<IpAddr> {
    let inside = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match inside {
        Some(address) => address.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse().ok(),
    }
}

/// Choose the process's TLS implementation (ring). A second installation fails harmlessly.
fn install_tls() {
    static TLS: Once = Once::new();
    TLS.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
}

/// Resolves names to what may be reached. A connection is made to what it gave, so that a name
/// can't change its mind between the check and the connection.
#[derive(Clone)]
struct Guarded {
    names: Arc<dyn Resolve>,
    allowed: Allowed,
}

/// What the system says of names.
struct System;

/// A name leads to no address that may be reached.
#[derive(Clone, Copy, Debug)]
struct NotPublic;

/// A name leads nowhere.
#[derive(Clone, Copy, Debug)]
struct Unresolved;

impl fmt::Display for NotPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name leads to addresses that are not public")
    }
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name has no address")
    }
}

impl Error for NotPublic {}
impl Error for Unresolved {}

impl Guarded {
    fn may(&self, address: IpAddr) -> bool {
        is_public(address) || self.allowed.holds(address)
    }
}

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            let all: Vec<SocketAddr> = found.map_err(|_| Unresolved)?.collect();
            Ok(Box::new(all.into_iter()) as Addrs)
        })
    }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let all: Vec<SocketAddr> = guard.names.resolve(name).await?.collect();
            if all.is_empty() {
                return Err(Unresolved.into());
            }
            let may: Vec<SocketAddr> =
                all.into_iter().filter(|address| guard.may(address.ip())).collect();
            if may.is_empty() {
                return Err(NotPublic.into());
            }
            Ok(Box::new(may.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        collections::VecDeque,
        sync::{
            Mutex,
            atomic::{AtomicUsize, Ordering},
        },
        time::Duration,
    };
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    /// A name server whose owner wants in: each question gets the next answer.
    struct TwoFaced(Mutex<VecDeque<Vec<IpAddr>>>);

    impl Resolve for TwoFaced {
        fn resolve(&self, _: Name) -> Resolving {
            let answer = self.0.lock().unwrap().pop_front().expect("it was asked once too often");
            let addresses = answer.into_iter().map(|address| SocketAddr::new(address, 0));
            Box::pin(async move { Ok(Box::new(addresses) as Addrs) })
        }
    }

    /// Answers all who connect, and counts them.
    async fn listen(address: IpAddr, port: u16) -> (u16, Arc<AtomicUsize>) {
        let listener = TcpListener::bind((address, port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let count = Arc::new(AtomicUsize::new(0));
        let counted = count.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let _ = stream.read(&mut [0; 1_024]).await;
                let close = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                let _ = stream.write_all(close).await;
            }
        });
        (port, count)
    }

    /// `127.0.0.2` stands for an address that may be reached.
    #[tokio::test]
    async fn a_name_that_changes_its_mind_leads_nowhere_else() {
        let [open, inside]: [IpAddr; 2] = ["127.0.0.2", "127.0.0.1"].map(|ip| ip.parse().unwrap());
        let (port, reached) = listen(open, 0).await;
        let (_, broken_in) = listen(inside, port).await;
        let answers = [vec![open], vec![inside], vec![inside, open], vec![inside; 9], Vec::new()];
        let names = Arc::new(TwoFaced(Mutex::new(answers.into())));
        let allowed = Allowed::parse(&["127.0.0.2/32".to_owned()]).unwrap();
        let options = GateOptions { allowed, http: true, ports: Ports::WebAndHigh };
        let gate =
            Gate::asking(names.clone(), options, |client| client.timeout(Duration::from_secs(20)))
                .unwrap();
        let url: Url = format!("http://two-faced.example:{port}/").parse().unwrap();
        let mut outcomes = Vec::new();
        for _ in 0..5 {
            let answer = gate.client_for(&url).unwrap().get(url.clone()).send().await;
            outcomes
                .push(answer.map(|answer| answer.status().as_u16()).map_err(|e| Trouble::of(&e)));
        }
        let refused = Err(Trouble::Refused);
        assert_eq!(outcomes, [Ok(200), refused, Ok(200), refused, Err(Trouble::Unresolved)]);
        assert_eq!(broken_in.load(Ordering::SeqCst), 0);
        assert_eq!(reached.load(Ordering::SeqCst), 2);
        assert!(names.0.lock().unwrap().is_empty(), "each connection asks once");
    }

    fn check(allowed: &[&str], http: bool, url: &str) -> Result<bool, Refused> {
        let allowed: Vec<String> = allowed.iter().map(|text| (*text).to_owned()).collect();
        let allowed = Allowed::parse(&allowed).unwrap();
        GateOptions { allowed, http, ports: Ports::WebAndHigh }.check(&url.parse().unwrap())
    }

    #[test]
    fn what_is_not_exempt_is_public_https_on_a_port_of_the_web() {
        let cases = [
            ("https://1.1.1.1/", Ok(false)),
            ("https://a.example:8443/x?y", Ok(false)),
            ("https://a.example:25/", Err(Refused::Port)),
            ("http://a.example/", Err(Refused::Http)),
            ("ftp://a.example/", Err(Refused::Scheme)),
            ("https://u@a.example/", Err(Refused::Credentials)),
            ("https://10.0.0.1/", Err(Refused::Address)),
            ("https://[::ffff:169.254.169.254]/", Err(Refused::Address)),
            ("https://[64:ff9b::7f00:1]/", Err(Refused::Address)),
            ("https://0x7f.1/", Err(Refused::Address)),
        ];
        for (url, expected) in cases {
            assert_eq!(check(&[], false, url), expected, "{url}");
        }
    }

    #[test]
    fn what_is_allowed_is_exempt_and_nothing_else() {
        let allowed = ["127.0.0.0/8", "hooks.internal", "other.internal:81"];
        let cases = [
            ("http://127.0.0.1:9/", Ok(false)),
            ("http://[::ffff:127.0.0.1]:9/", Ok(false)),
            ("http://hooks.internal:25/", Ok(true)),
            ("http://other.internal:81/", Ok(true)),
            ("http://other.internal/", Err(Refused::Http)),
            ("http://10.0.0.1/", Err(Refused::Http)),
            ("https://10.0.0.1/", Err(Refused::Address)),
            ("http://u:p@127.0.0.1/", Err(Refused::Credentials)),
        ];
        for (url, expected) in cases {
            assert_eq!(check(&allowed, false, url), expected, "{url}");
        }
        assert_eq!(check(&[], true, "http://a.example/"), Ok(false));
    }
}
