use outbound::Allowed;
use reqwest::Url;
use std::time::Duration;

/// What the resolver may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Off, nothing is resolved.
    pub enabled: bool,
    /// Off, only documents inside their URIs and those of our own store are read; the rest waits.
    pub network: bool,
    /// Where `ipfs:` is asked, in this order.
    pub ipfs_gateways: Vec<String>,
    /// Where `ar:` is asked, in this order.
    pub arweave_gateways: Vec<String>,
    /// Plain HTTP is followed, too.
    pub http: bool,
    /// `HOST:PORT` that may be asked whatever its address, port and scheme.
    pub allow_private: Vec<String>,
    /// Largest document, in bytes; after decompression, too.
    pub document_bytes_max: usize,
    /// Time for one document, with all that a host passes us on to.
    pub fetch_time: Duration,
    pub redirects_max: u32,
    /// Documents that are fetched at once.
    pub fetches_max: usize,
    /// Of those from one host.
    pub host_fetches_max: usize,
    /// Of those through gateways.
    pub gateway_fetches_max: usize,
    /// Tokens that the node is asked for at once.
    pub ask_batch: usize,
    /// And in a second: reading what is there should not be felt by those who mint.
    pub asks_per_second: u32,
    /// Tries until a document counts as lost.
    pub tries_max: u32,
    /// Pause after the first failed try; each is four times the one before, up to a day.
    pub retry: Duration,
    /// How long work whose process died is nobody's.
    pub claim: Duration,
    /// Between two looks for work.
    pub tick: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            enabled: true,
            network: true,
            ipfs_gateways: vec!["https://ipfs.io".to_owned(), "https://dweb.link".to_owned()],
            arweave_gateways: vec!["https://arweave.net".to_owned()],
            http: false,
            allow_private: Vec::new(),
            document_bytes_max: 256 * 1024,
            fetch_time: Duration::from_secs(10),
            redirects_max: 3,
            fetches_max: 32,
            host_fetches_max: 4,
            gateway_fetches_max: 16,
            ask_batch: 20,
            asks_per_second: 100,
            tries_max: 8,
            retry: Duration::from_secs(15),
            claim: Duration::from_secs(120),
            tick: Duration::from_millis(500),
        }
    }
}

/// What is wrong with [`Options`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// Of the gateways for IPFS or Arweave.
    #[error("a gateway must be an address that starts with http, without user, query or fragment")]
    Gateway,
    #[error("must be HOST:PORT")]
    AllowPrivate,
    #[error("must be more than twice what a document may take through all gateways")]
    Claim,
}

impl Options {
    /// Gateways of IPFS.
    ///
    /// # Errors
    /// [`OptionsError::Gateway`]
    pub fn ipfs(&self) -> Result<Vec<Url>, OptionsError> {
        gateways(&self.ipfs_gateways)
    }

    /// Gateways of Arweave.
    ///
    /// # Errors
    /// [`OptionsError::Gateway`]
    pub fn arweave(&self) -> Result<Vec<Url>, OptionsError> {
        gateways(&self.arweave_gateways)
    }

    /// Places that may be asked whatever their address is.
    ///
    /// # Errors
    /// [`OptionsError::AllowPrivate`]
    pub fn allowed(&self) -> Result<Allowed, OptionsError> {
        Allowed::places(&self.allow_private).map_err(|_| OptionsError::AllowPrivate)
    }

    /// # Errors
    /// The first fault found.
    pub fn check(&self) -> Result<(), OptionsError> {
        let gateways = self.ipfs()?.len().max(self.arweave()?.len()).max(1);
        self.allowed()?;
        let most = self.fetch_time * u32::try_from(gateways).unwrap_or(u32::MAX);
        if self.claim <= most * 2 { Err(OptionsError::Claim) } else { Ok(()) }
    }
}

fn gateways(texts: &[String]) -> Result<Vec<Url>, OptionsError> {
    let read = |text: &String| {
        let url: Url = text.parse().map_err(|_| OptionsError::Gateway)?;
        let plain = matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if plain { Ok(url) } else { Err(OptionsError::Gateway) }
    };
    texts.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_found() {
        let with = |change: fn(&mut Options)| {
            let mut options = Options::default();
            change(&mut options);
            options.check()
        };
        assert_eq!(with(|_| ()), Ok(()));
        for bad in ["127.0.0.1", "a.example", "a.example:x", "a:1/x", "u@a:1", ":80", ""] {
            let options = Options { allow_private: vec![bad.to_owned()], ..Options::default() };
            assert_eq!(options.check(), Err(OptionsError::AllowPrivate), "{bad}");
        }
        for good in ["127.0.0.1:8080", "[::1]:80", "localhost:443", "A.example:80"] {
            let options = Options { allow_private: vec![good.to_owned()], ..Options::default() };
            assert_eq!(options.check(), Ok(()), "{good}");
        }
        let gateway = with(|o| o.ipfs_gateways = vec!["https://u:p@a.example".to_owned()]);
        assert_eq!(gateway, Err(OptionsError::Gateway));
        let gateway = with(|o| o.arweave_gateways = vec!["ftp://a.example".to_owned()]);
        assert_eq!(gateway, Err(OptionsError::Gateway));
        assert_eq!(with(|o| o.claim = Duration::from_secs(40)), Err(OptionsError::Claim));
    }
}
