//! Who may come in, and how much memory what is half sent may take.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use operations::config::CONNECTIONS_MAX;

/// Connections from one peer (an IPv4 address, an IPv6 /64) at a time. Postfix: 50 (`smtpd_client_connection_count_limit`).
/// This machine itself is not counted: an MTA in front of the node brings everybody's mail.
const CONNECTIONS_PER_PEER_MAX: usize = 50;

/// Octets of unfinished messages in memory at a time, over all connections of a door: twenty of the largest, or twenty
/// thousand of the usual ones.
const HELD_BYTES_MAX: usize = 1024 * 1024 * 1024;

/// How long a silent peer is waited for (RFC 5321 section 4.5.3.2.7: at least five minutes).
const PATIENCE: Duration = Duration::from_secs(300);

/// The same when four fifths of the connections are taken. Postfix does so as well (`smtpd_timeout` under stress): else a
/// few hundred silent peers would keep everybody out.
const PATIENCE_UNDER_STRESS: Duration = Duration::from_secs(10);

/// The counts of a door.
pub struct Admission {
    connections_max: usize,
    open: Mutex<Open>,
    held_bytes: AtomicUsize,
}

#[derive(Default)]
struct Open {
    count: usize,
    by_peer: HashMap<IpAddr, usize>,
}

/// A place at the door; it is free again when this is dropped.
pub struct Entry {
    admission: Arc<Admission>,
    peer: Option<IpAddr>,
    held_bytes: usize,
}

impl Admission {
    /// For a door that so many connections may use at a time.
    pub fn new(connections_max: usize) -> Arc<Self> {
        Arc::new(Self { connections_max, open: Mutex::default(), held_bytes: AtomicUsize::new(0) })
    }

    /// Takes a place; `None` when there is none.
    pub fn enter(self: &Arc<Self>, peer: IpAddr) -> Option<Entry> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.count >= self.connections_max {
            return None;
        }
        let peer = (!peer.is_loopback()).then(|| neighbourhood(peer));
        if let Some(peer) = peer {
            let count = open.by_peer.entry(peer).or_default();
            if *count >= CONNECTIONS_PER_PEER_MAX {
                return None;
            }
            *count += 1;
        }
        open.count += 1;
        Some(Entry { admission: self.clone(), peer, held_bytes: 0 })
    }

    /// How long to wait for a silent peer now.
    pub fn patience(&self) -> Duration {
        let count = self.open.lock().unwrap_or_else(PoisonError::into_inner).count;
        if count >= self.connections_max / 5 * 4 { PATIENCE_UNDER_STRESS } else { PATIENCE }
    }
}

impl Entry {
    /// Counts what this connection holds now. `false`: there is no memory for it.
    pub fn hold(&mut self, bytes: usize) -> bool {
        let held = &self.admission.held_bytes;
        let before = std::mem::replace(&mut self.held_bytes, bytes);
        let all = if bytes >= before {
            held.fetch_add(bytes - before, Ordering::Relaxed) + (bytes - before)
        } else {
            held.fetch_sub(before - bytes, Ordering::Relaxed) - (before - bytes)
        };
        // A connection that shrinks, or stays, is not the one that must give way.
        bytes <= before || all <= HELD_BYTES_MAX
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.hold(0);
        let mut open = self.admission.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.count -= 1;
        if let Some(peer) = self.peer
            && let Some(count) = open.by_peer.get_mut(&peer)
        {
            *count -= 1;
            if *count == 0 {
                open.by_peer.remove(&peer);
            }
        }
    }
}

/// An IPv4 address is one peer; of IPv6, everybody who has one address has its /64.
fn neighbourhood(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_has_its_share() {
        let admission = Admission::new(CONNECTIONS_MAX);
        let peer = IpAddr::from([192, 0, 2, 1]);
        let mut entries: Vec<_> = (0..CONNECTIONS_PER_PEER_MAX).map(|_| admission.enter(peer).unwrap()).collect();
        assert!(admission.enter(peer).is_none());
        assert!(admission.enter([192, 0, 2, 2].into()).is_some());
        entries.pop();
        assert!(admission.enter(peer).is_some());
        drop(entries);
        assert!(admission.open.lock().unwrap().by_peer.is_empty());
    }

    #[test]
    fn a_network_is_one_peer() {
        let peer = |text: &str| neighbourhood(text.parse().unwrap());
        assert_eq!(peer("2001:db8::1"), peer("2001:db8::2:3"));
        assert_ne!(peer("2001:db8::1"), peer("2001:db8:0:1::1"));
    }

    #[test]
    fn the_door_is_not_endless() {
        let admission = Admission::new(CONNECTIONS_MAX);
        let entries: Vec<_> = (0..CONNECTIONS_MAX).filter_map(|_| admission.enter([127, 0, 0, 1].into())).collect();
        assert_eq!(entries.len(), CONNECTIONS_MAX);
        assert!(admission.enter([127, 0, 0, 1].into()).is_none());
        assert_eq!(admission.patience(), PATIENCE_UNDER_STRESS);
        drop(entries);
        assert_eq!(admission.patience(), PATIENCE);
    }

    #[test]
    fn memory_is_shared() {
        let admission = Admission::new(CONNECTIONS_MAX);
        let mut first = admission.enter([127, 0, 0, 1].into()).unwrap();
        let mut second = admission.enter([127, 0, 0, 1].into()).unwrap();
        assert!(first.hold(HELD_BYTES_MAX));
        assert!(!second.hold(1));
        assert!(first.hold(HELD_BYTES_MAX), "who does not grow need not give way");
        drop(first);
        assert!(second.hold(2));
        drop(second);
        assert_eq!(admission.held_bytes.load(Ordering::Relaxed), 0);
    }
}
