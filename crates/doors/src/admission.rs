//! Who may come in, and who must go when there is no place left.
//!
//! A door has so many places; one peer takes a share of them, and the peers that the operator trusts, which bring everybody's
//! mail, take most of them together and never all. When all places are taken, the peer that has done nothing for the
//! longest time gives its place to the one who comes: a thousand silent connections keep nobody out.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

pub use operations::config::{CONNECTIONS_MAX, CONNECTIONS_PER_PEER_MAX};

use crate::held::{Held, Holder, Whom};

/// How long a peer may take for one request, from its first octet to its last (RFC 5321 section 4.5.3.2.7: at least five
/// minutes).
const PATIENCE: Duration = Duration::from_secs(300);

/// The same when four fifths of the places are taken. Postfix does so as well (`smtpd_timeout` under stress): else a few
/// hundred silent peers would keep everybody out.
const PATIENCE_UNDER_STRESS: Duration = Duration::from_secs(10);

/// The same for a peer that has signed in or delivered already.
const PATIENCE_WITH_USERS_UNDER_STRESS: Duration = Duration::from_secs(60);

/// What a peer sends of a message at least, in octets a second, over the whole of it. Postfix: 500 (`smtpd_min_data_rate`).
const OCTETS_PER_SECOND_MIN: u64 = 500;

/// How long a peer that has done nothing keeps its place in any case: a greeting and an answer take less.
const UNDISTURBED: Duration = Duration::from_secs(1);

/// TLS handshakes of one door at a time; above that the oldest ends. One takes two round trips and a few milliseconds of
/// processor.
const HANDSHAKES_MAX: usize = 200;

/// The shares of a door.
#[derive(Clone)]
pub struct Shares {
    /// Connections at a time.
    pub connections_max: usize,
    /// Connections of one peer: an IPv4 address, an IPv6 /64.
    pub connections_per_peer_max: usize,
    /// Peers that speak for many, such as an MTA or a proxy in front: not counted one by one, all together at most three
    /// quarters of the places.
    pub trusted_peers: Vec<IpAddr>,
    /// Memory for messages on their way and for answers that nobody reads, shared by all doors of a node.
    pub held: Arc<Held>,
}

impl Default for Shares {
    fn default() -> Self {
        Self {
            connections_max: CONNECTIONS_MAX,
            connections_per_peer_max: CONNECTIONS_PER_PEER_MAX,
            trusted_peers: vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            held: Held::new(smtp::MESSAGE_SIZE_BYTES_MAX),
        }
    }
}

/// The counts of a door.
pub struct Admission {
    shares: Shares,
    open: Mutex<Open>,
    handshakes: Mutex<Vec<(u64, Arc<Notify>)>>,
}

#[derive(Default)]
struct Open {
    next: u64,
    trusted: usize,
    leaving: usize,
    by_peer: HashMap<IpAddr, usize>,
    places: HashMap<u64, Place>,
}

/// A place that is taken.
struct Place {
    since: Instant,
    /// It has been asked to go, and its successor is in already.
    leaving: bool,
    call: Arc<Call>,
}

/// How a connection hears that it has to give something up.
#[derive(Default)]
pub(crate) struct Call {
    notify: Notify,
    leave: AtomicBool,
    shed: AtomicBool,
    /// It has signed in or delivered.
    worked: AtomicBool,
}

/// What a connection has to give up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GiveWay {
    /// Its place: others wait, and it has done nothing yet.
    Place,
    /// The memory that it holds: others need it, and it is the slowest.
    Memory,
}

impl Call {
    pub(crate) fn shed(&self) {
        self.shed.store(true, Ordering::Relaxed);
        self.notify.notify_one();
    }

    async fn heard(&self) -> GiveWay {
        loop {
            if self.leave.load(Ordering::Relaxed) {
                return GiveWay::Place;
            }
            if self.shed.swap(false, Ordering::Relaxed) {
                return GiveWay::Memory;
            }
            self.notify.notified().await;
        }
    }
}

/// A place at the door; it is free again when this is dropped.
pub struct Entry {
    admission: Arc<Admission>,
    id: u64,
    /// `None`: a trusted peer.
    peer: Option<IpAddr>,
    call: Arc<Call>,
    holder: Holder,
}

impl Admission {
    /// For a door with these shares.
    pub fn new(shares: Shares) -> Arc<Self> {
        Arc::new(Self { shares, open: Mutex::default(), handshakes: Mutex::default() })
    }

    /// Takes a place; `None` when there is none.
    pub fn enter(self: &Arc<Self>, peer: IpAddr) -> Option<Entry> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let peer = self.counted(peer);
        self.has_share(&open, peer).then_some(())?;
        if open.staying() >= self.shares.connections_max {
            let place = open.idlest()?;
            place.leaving = true;
            place.call.leave.store(true, Ordering::Relaxed);
            place.call.notify.notify_one();
            open.leaving += 1;
        }
        match peer {
            Some(peer) => *open.by_peer.entry(peer).or_default() += 1,
            None => open.trusted += 1,
        }
        let id = open.next;
        open.next += 1;
        let call = Arc::<Call>::default();
        open.places.insert(id, Place { since: Instant::now(), leaving: false, call: call.clone() });
        // A trusted peer's connections are as many strangers.
        let whom = peer.map_or(Whom::Connection(id), Whom::Peer);
        let holder = self.shares.held.holder(whom, call.clone());
        Some(Entry { admission: self.clone(), id, peer, call, holder })
    }

    /// Whether `enter` would give this peer a place now: asked before a handshake, which costs more than a place.
    pub fn has_place(&self, peer: IpAddr) -> bool {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        self.has_share(&open, self.counted(peer))
            && (open.staying() < self.shares.connections_max || open.idlest().is_some())
    }

    /// How the peer is counted; `None` for a trusted one.
    fn counted(&self, peer: IpAddr) -> Option<IpAddr> {
        (!self.shares.trusted_peers.contains(&peer)).then(|| neighbourhood(peer))
    }

    fn has_share(&self, open: &Open, peer: Option<IpAddr>) -> bool {
        match peer {
            Some(peer) => open.by_peer.get(&peer).copied().unwrap_or(0) < self.shares.connections_per_peer_max,
            None => open.trusted < (self.shares.connections_max * 3).div_ceil(4),
        }
    }

    /// Begins a handshake: it has to end when this future does. The oldest of too many ends at once.
    pub async fn handshake<T>(&self, work: impl Future<Output = std::io::Result<T>>) -> std::io::Result<T> {
        let pushed_out = Arc::new(Notify::new());
        let id = {
            let mut all = self.handshakes.lock().unwrap_or_else(PoisonError::into_inner);
            let id = all.last().map_or(0, |(id, _)| id + 1);
            all.push((id, pushed_out.clone()));
            if all.len() > HANDSHAKES_MAX {
                all.remove(0).1.notify_one();
            }
            id
        };
        let _ends = Ends { admission: self, id };
        tokio::select! {
            biased;
            done = work => done,
            () = pushed_out.notified() => Err(std::io::ErrorKind::TimedOut.into()),
        }
    }

    /// Whether most places are taken.
    fn is_under_stress(&self) -> bool {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.staying() >= self.shares.connections_max / 5 * 4
    }
}

/// Takes a handshake off the list.
struct Ends<'a> {
    admission: &'a Admission,
    id: u64,
}

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        let mut all = self.admission.handshakes.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(id, _)| *id != self.id);
    }
}

impl Open {
    fn staying(&self) -> usize {
        self.places.len() - self.leaving
    }

    /// Who has done nothing for the longest time.
    fn idlest(&mut self) -> Option<&mut Place> {
        let idle = |(_, place): &(&u64, &mut Place)| {
            !place.leaving && !place.call.worked.load(Ordering::Relaxed) && place.since.elapsed() >= UNDISTURBED
        };
        let idlest = self.places.iter_mut().filter(idle).min_by_key(|(id, place)| (place.since, **id));
        idlest.map(|(_, place)| place)
    }
}

impl Entry {
    /// Counts what this connection holds now. `false`: there is no memory for it.
    pub fn hold(&mut self, bytes: usize) -> bool {
        if bytes == 0 {
            self.call.shed.store(false, Ordering::Relaxed);
        }
        self.holder.hold(bytes)
    }

    /// The peer has signed in or delivered: it gives no place up.
    pub fn has_worked(&self) {
        self.call.worked.store(true, Ordering::Relaxed);
    }

    /// From now on what it holds counts for this account.
    pub fn belongs_to(&mut self, account: terms::AccountId) {
        self.has_worked();
        self.holder.belongs_to(Whom::Account(account));
    }

    /// Returns when the connection has to give something up.
    pub async fn give_way(&self) -> GiveWay {
        self.call.heard().await
    }

    /// Returns when others need the place.
    pub async fn place_needed(&self) {
        while self.give_way().await != GiveWay::Place {}
    }

    /// How long the peer may take for one request now.
    pub fn patience(&self) -> Duration {
        match (self.admission.is_under_stress(), self.call.worked.load(Ordering::Relaxed)) {
            (false, _) => PATIENCE,
            (true, true) => PATIENCE_WITH_USERS_UNDER_STRESS,
            (true, false) => PATIENCE_UNDER_STRESS,
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut open = self.admission.open.lock().unwrap_or_else(PoisonError::into_inner);
        let left = open.places.remove(&self.id);
        open.leaving -= usize::from(left.is_some_and(|place| place.leaving));
        let Some(peer) = self.peer else {
            open.trusted -= 1;
            return;
        };
        if let Some(count) = open.by_peer.get_mut(&peer) {
            *count -= 1;
            if *count == 0 {
                open.by_peer.remove(&peer);
            }
        }
    }
}

/// One request of a peer: a line, or a message. Each has a time of its own, however often the peer says an octet of it.
pub(crate) struct Request {
    since: Instant,
    message_octets: u64,
}

impl Request {
    pub(crate) fn new() -> Self {
        Self { since: Instant::now(), message_octets: 0 }
    }

    /// So many octets of a message came.
    pub(crate) fn received(&mut self, octets: usize) {
        self.message_octets += octets as u64;
    }

    /// Returns when it has taken too long: longer than the patience, and than the message takes at the lowest rate.
    pub(crate) async fn overdue(&self, patience: impl Fn() -> Duration) {
        loop {
            let earned = Duration::from_millis(self.message_octets.saturating_mul(1000) / OCTETS_PER_SECOND_MIN);
            let due = self.since + patience() + earned;
            if Instant::now() >= due {
                return;
            }
            // Patience may get shorter meanwhile.
            tokio::time::sleep_until(due.min(Instant::now() + PATIENCE_UNDER_STRESS / 2)).await;
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
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

    use super::*;

    fn stranger(n: u16) -> IpAddr {
        IpAddr::from([198, 51, (n >> 8) as u8, n as u8])
    }

    #[tokio::test]
    async fn a_peer_has_its_share() {
        let admission = Admission::new(Shares::default());
        let peer = IpAddr::from([192, 0, 2, 1]);
        let mut entries: Vec<_> = (0..CONNECTIONS_PER_PEER_MAX).map(|_| admission.enter(peer).unwrap()).collect();
        assert!(admission.enter(peer).is_none() && !admission.has_place(peer));
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

    #[tokio::test]
    async fn trusted_peers_never_take_all_places() {
        let admission = Admission::new(Shares { connections_max: 100, ..Shares::default() });
        let local = IpAddr::from([127, 0, 0, 1]);
        let entries: Vec<_> = (0..100).filter_map(|_| admission.enter(local)).collect();
        assert_eq!(entries.len(), 75, "more than one peer's share, and a quarter is left");
        assert!(admission.enter(stranger(1)).is_some());
        // Who is not on the list is a peer like others, on this machine too.
        let admission = Admission::new(Shares { trusted_peers: vec![], ..Shares::default() });
        assert_eq!((0..100).filter_map(|_| admission.enter(local)).collect::<Vec<_>>().len(), CONNECTIONS_PER_PEER_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_done_nothing_makes_way() {
        let admission = Admission::new(Shares { connections_max: 10, ..Shares::default() });
        let entries: Vec<_> = (0..10).map(|n| admission.enter(stranger(n)).unwrap()).collect();
        entries[0].has_worked();
        assert!(admission.enter(stranger(10)).is_none(), "all have come just now");
        assert_eq!(entries[1].patience(), PATIENCE_UNDER_STRESS);
        assert_eq!(entries[0].patience(), PATIENCE_WITH_USERS_UNDER_STRESS);
        tokio::time::advance(UNDISTURBED).await;
        assert!(admission.has_place(stranger(10)));
        let new = admission.enter(stranger(10)).unwrap();
        assert_eq!(entries[1].give_way().await, GiveWay::Place, "the oldest that has done nothing");
        drop(entries);
        assert_eq!(new.patience(), PATIENCE);
        assert_eq!(admission.open.lock().unwrap().staying(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_has_one_time_and_a_message_its_lowest_rate() {
        let patience = || PATIENCE;
        let mut request = Request::new();
        for _ in 0..10 {
            let early = tokio::time::timeout(PATIENCE / 10 - Duration::from_millis(1), request.overdue(patience)).await;
            assert!(early.is_err(), "in time");
        }
        request.overdue(patience).await;
        assert!(request.since.elapsed() < PATIENCE + Duration::from_secs(1));
        // A message of 50 MB may take more than a day at the lowest rate, and no more.
        request.received(50_000_000);
        let late = tokio::time::timeout(Duration::from_secs(99_000), request.overdue(patience)).await;
        assert!(late.is_err());
        request.overdue(patience).await;
    }

    #[tokio::test]
    async fn the_oldest_handshake_ends_when_there_are_too_many() {
        let admission = Admission::new(Shares::default());
        let silent = || async { std::future::pending::<std::io::Result<()>>().await };
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..HANDSHAKES_MAX {
            let admission = admission.clone();
            all.spawn(async move { admission.handshake(silent()).await });
        }
        tokio::task::yield_now().await;
        while admission.handshakes.lock().unwrap().len() < HANDSHAKES_MAX {
            tokio::task::yield_now().await;
        }
        assert!(admission.handshake(async { Ok(()) }).await.is_ok(), "the one who comes gets through");
        assert!(all.join_next().await.unwrap().unwrap().is_err(), "the oldest was ended");
        assert_eq!(admission.handshakes.lock().unwrap().len(), HANDSHAKES_MAX - 1);
    }
}
