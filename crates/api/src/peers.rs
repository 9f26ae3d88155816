//! How many connections each address has open, so that one of them can't take them all.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Open connections by address; of IPv6 by network, since whoever has one address there has all of
/// them.
#[derive(Debug)]
pub(crate) struct Peers {
    /// None: no bound.
    per_address_max: Option<usize>,
    /// Proxies, which connect for many.
    exempt: Vec<IpAddr>,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// The right to have one connection open.
#[derive(Debug)]
pub(crate) struct PeerPlace {
    peers: Arc<Peers>,
    /// None: it is not counted.
    address: Option<IpAddr>,
}

impl Peers {
    pub(crate) fn new(per_address_max: usize, exempt: Vec<IpAddr>) -> Arc<Self> {
        let per_address_max = (per_address_max > 0).then_some(per_address_max);
        Arc::new(Self { per_address_max, exempt, open: Mutex::default() })
    }

    /// None when this address has as many open as it may.
    pub(crate) fn enter(self: &Arc<Self>, peer: IpAddr) -> Option<PeerPlace> {
        let peer = peer.to_canonical();
        let Some(most) = self.per_address_max.filter(|_| !self.exempt.contains(&peer)) else {
            return Some(PeerPlace { peers: self.clone(), address: None });
        };
        let address = network(peer);
        let mut open = self.open();
        let count = open.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        drop(open);
        Some(PeerPlace { peers: self.clone(), address: Some(address) })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for PeerPlace {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut open = self.peers.open();
        if let Some(count) = open.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&address);
            }
        }
    }
}

fn network(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn each_address_has_its_share_and_proxies_have_what_they_need() {
        let peers = Peers::new(2, vec![at("10.0.0.1")]);
        let enter = |text: &str| peers.enter(at(text));
        let held = [enter("203.0.113.7"), enter("::ffff:203.0.113.7")];
        assert!(held.iter().all(Option::is_some));
        assert!(enter("203.0.113.7").is_none());
        assert!(enter("203.0.113.8").is_some());
        let of_network = [enter("2001:db8::1"), enter("2001:db8::2")];
        assert!(enter("2001:db8::3").is_none());
        assert!(enter("2001:db8:0:1::3").is_some());
        let proxied: Vec<_> = (0..10).map(|_| enter("10.0.0.1")).collect();
        assert!(proxied.iter().all(Option::is_some));
        drop((held, of_network, proxied));
        assert!(peers.open().is_empty());
        let unbounded = Peers::new(0, Vec::new());
        let many: Vec<_> = (0..10).map(|_| unbounded.enter(at("203.0.113.7"))).collect();
        assert!(many.iter().all(Option::is_some));
    }
}
