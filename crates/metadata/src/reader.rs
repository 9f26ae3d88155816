//! From a place to its document: our own content, gateways in turn, hosts.

use crate::{
    Options, Reason,
    document::{self, Document},
    fetch::{Fetcher, FetcherError},
    hosts::{Hosts, Permit},
    place::{ARWEAVE, IPFS, IpfsPath, Place, arweave_at},
};
use content::{BlockStore, StoreError};
use outbound::host_of;
use reqwest::Url;

/// Reads documents. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reader {
    fetcher: Fetcher,
    ipfs: Vec<Url>,
    arweave: Vec<Url>,
    store: Option<BlockStore>,
    hosts: Hosts,
    bytes_max: usize,
    host_max: usize,
    gateway_max: usize,
}

/// A document, and whether its bytes are those that its CID names: none where that can't be told.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub document: Document,
    pub verified: Option<bool>,
}

impl Reader {
    /// With the store of our own content, where there is one.
    ///
    /// # Errors
    /// [`FetcherError`]
    pub fn new(options: &Options, store: Option<BlockStore>) -> Result<Self, FetcherError> {
        Ok(Self {
            fetcher: Fetcher::new(options)?,
            ipfs: options.ipfs()?,
            arweave: options.arweave()?,
            store,
            hosts: Hosts::default(),
            bytes_max: options.document_bytes_max,
            host_max: options.host_fetches_max,
            gateway_max: options.gateway_fetches_max,
        })
    }

    /// What is here already: in the URI, or in our own store. None when a host has to be asked.
    ///
    /// # Errors
    /// Why it is no document. [`StoreError`] when our own disk failed, which is nobody's fault.
    pub async fn read_here(
        &self,
        place: &Place,
    ) -> Result<Option<Result<Found, Reason>>, StoreError> {
        let (bytes, verified) = match place {
            Place::Inline(bytes) => (bytes.clone(), None),
            Place::Ipfs(path) => match self.read_store(path).await? {
                Some(Ok(bytes)) => (bytes, Some(true)),
                Some(Err(reason)) => return Ok(Some(Err(reason))),
                None => return Ok(None),
            },
            Place::Arweave(_) | Place::Web(_) => return Ok(None),
        };
        Ok(Some(document::parse(&bytes).map(|document| Found { document, verified })))
    }

    async fn read_store(
        &self,
        path: &IpfsPath,
    ) -> Result<Option<Result<Vec<u8>, Reason>>, StoreError> {
        let (Some(store), Some(cid)) = (&self.store, path.own_cid()) else { return Ok(None) };
        match store.read(&cid, self.bytes_max as u64).await {
            Ok(bytes) => Ok(bytes.map(Ok)),
            Err(StoreError::TooLarge { .. }) => Ok(Some(Err(Reason::TooLarge))),
            Err(error) => Err(error),
        }
    }

    /// What some host has.
    ///
    /// # Errors
    /// The [`Reason`] why it can't be had.
    pub async fn fetch(&self, place: &Place) -> Result<Found, Reason> {
        let (bytes, verified) = match place {
            Place::Inline(bytes) => (bytes.clone(), None),
            Place::Ipfs(path) => self.through_ipfs(path).await?,
            Place::Arweave(place) => {
                let places = self.arweave.iter().map(|gateway| arweave_at(gateway, place));
                (self.through(places.collect::<Result<Vec<_>, _>>()?, |_| None).await?, None)
            }
            Place::Web(url) => {
                let fetched = self.fetcher.fetch(url.clone()).await;
                self.note(url, &fetched);
                (fetched?, None)
            }
        };
        Ok(Found { document: document::parse(&bytes)?, verified })
    }

    async fn through_ipfs(&self, path: &IpfsPath) -> Result<(Vec<u8>, Option<bool>), Reason> {
        let named = path.named();
        let check = |bytes: &[u8]| named.and_then(|named| named.check(bytes));
        let places: Vec<Url> =
            self.ipfs.iter().map(|gateway| path.at(gateway)).collect::<Result<_, _>>()?;
        let bytes = self.through(places, check).await?;
        let verified = check(&bytes);
        Ok((bytes, verified))
    }

    /// Ask one after the other. What is proven wrong counts like no answer.
    async fn through(
        &self,
        places: Vec<Url>,
        check: impl Fn(&[u8]) -> Option<bool>,
    ) -> Result<Vec<u8>, Reason> {
        let mut last = Reason::Unreachable;
        for url in places {
            let host = host_of(&url);
            if self.hosts.rests(&host) {
                continue;
            }
            let _permit = self.hosts.enter(&host);
            let fetched = self.fetcher.fetch(url.clone()).await.and_then(|bytes| {
                if check(&bytes) == Some(false) { Err(Reason::ContentMismatch) } else { Ok(bytes) }
            });
            self.note(&url, &fetched);
            match fetched {
                Ok(bytes) => return Ok(bytes),
                Err(reason) => last = reason,
            }
        }
        Err(last)
    }

    fn note<T>(&self, url: &Url, fetched: &Result<T, Reason>) {
        let failed = fetched.as_ref().is_err_and(|reason| reason.blames_host());
        self.hosts.note(&host_of(url), failed);
    }

    /// How many documents of a queue may be fetched now.
    pub(crate) fn free(&self, host: &str) -> usize {
        let gateways = match host {
            IPFS => &self.ipfs,
            ARWEAVE => &self.arweave,
            _ => return self.hosts.free(host, self.host_max),
        };
        if gateways.iter().all(|url| self.hosts.rests(&host_of(url))) {
            return 0;
        }
        self.hosts.free(host, self.gateway_max)
    }

    pub(crate) fn enter(&self, host: &str) -> Permit {
        self.hosts.enter(host)
    }

    /// How many hosts are left alone for now.
    pub(crate) fn resting(&self) -> usize {
        self.hosts.resting()
    }
}
