//! What all rows share: the mail, the users, the sizes; and filling the mailboxes that are read.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;

use super::client::{Imap, Lmtp};
use super::corpus::Maker;
use super::dovecot;
use super::node::DOMAIN;
use super::service::{Kind, PASSWORD, Service};

/// The seed of all mail: the day on which the peers were looked at first.
const SEED: u64 = 20_261_123;

/// Connections that fill a mailbox.
const FILLERS: usize = 32;

/// How large it is.
#[derive(Debug, Clone)]
pub(crate) struct Sizes {
    pub(crate) users: usize,
    /// Messages of a delivery row.
    pub(crate) messages: usize,
    /// Messages of the mailbox that is read.
    pub(crate) big: usize,
    /// Messages, small ones, of the mailbox that is only listed; 0 for none.
    pub(crate) large: usize,
    pub(crate) rounds: usize,
    /// Idle connections.
    pub(crate) idle: usize,
}

/// The sizes.
pub(crate) const FULL: Sizes = Sizes { users: 100, messages: 5000, big: 20_000, large: 100_000, rounds: 3, idle: 2000 };

/// Some two minutes.
pub(crate) const QUICK: Sizes = Sizes { users: 10, messages: 400, big: 2000, large: 4000, rounds: 3, idle: 100 };

/// The mail and the users.
pub(crate) struct Stage {
    pub(crate) sizes: Sizes,
    pub(crate) binary: PathBuf,
    /// For delivery, and for the mailbox that is read.
    pub(crate) mail: Vec<Vec<u8>>,
    /// Counts rounds, so that what a row makes has a new name each time.
    pub(crate) round: AtomicUsize,
}

/// Who has the mailbox that is read.
pub(crate) fn big() -> String {
    format!("big@{DOMAIN}")
}

/// Who has the mailbox that is only listed.
pub(crate) fn large() -> String {
    format!("large@{DOMAIN}")
}

impl Stage {
    /// Makes the mail.
    pub(crate) fn new(sizes: Sizes, binary: PathBuf) -> Self {
        let mut maker = Maker::new(SEED);
        let mail = (0..sizes.big.max(sizes.messages)).map(|_| maker.message()).collect();
        Self { sizes, binary, mail, round: AtomicUsize::new(0) }
    }

    /// The one to whom the message of this number goes.
    pub(crate) fn user(&self, number: usize) -> String {
        format!("u{:03}@{DOMAIN}", number % self.sizes.users)
    }

    /// Everybody.
    pub(crate) fn users(&self) -> Vec<String> {
        (0..self.sizes.users).map(|number| self.user(number)).chain([big(), large()]).collect()
    }

    /// The octets of the mail in the mailbox that is read.
    pub(crate) fn big_bytes(&self) -> u64 {
        self.mail[..self.sizes.big].iter().map(|message| message.len() as u64).sum()
    }

    /// Fills the mailboxes that are read: the node's by LMTP, Dovecot's by `doveadm import`, since by LMTP it would take
    /// most of the run. The large one only where a row reads it.
    pub(crate) fn fill(&self, service: &Service) -> Result<(), String> {
        let (big, large) = (big(), large());
        // Small messages are made once; that they repeat nobody notices.
        let mut maker = Maker::new(SEED + 1);
        let small: Vec<Vec<u8>> = (0..self.sizes.large.min(5000)).map(|_| maker.small_message()).collect();
        let big_mail = |number: usize| &self.mail[number][..];
        let small_mail = |number: usize| &small[number % small.len()][..];
        let listed = matches!(service.kind, Kind::Node | Kind::Mdbox);
        let large_count = if listed { self.sizes.large } else { 0 };
        if service.kind != Kind::Node {
            dovecot::import(&service.dir, &big, (0..self.sizes.big).map(big_mail))?;
            return dovecot::import(&service.dir, &large, (0..large_count).map(small_mail));
        }
        deliver_all(service, &big, self.sizes.big, &big_mail)?;
        deliver_all(service, &large, large_count, &small_mail)
    }

    /// A session on the mailbox that is read.
    pub(crate) fn on_big(&self, service: &Service) -> Result<Imap, String> {
        Imap::selected(service.imap(), &big(), PASSWORD, "INBOX")
    }
}

/// Delivers so many messages to one user.
fn deliver_all<'m>(
    service: &Service,
    user: &str,
    count: usize,
    mail: &(impl Fn(usize) -> &'m [u8] + Sync),
) -> Result<(), String> {
    in_threads(FILLERS, count, |numbers| {
        let mut lmtp = Lmtp::connect(service.lmtp())?;
        numbers.into_iter().try_for_each(|number| lmtp.deliver(user, mail(number)))
    })
}

/// Signs in; the password is everybody's.
pub(crate) fn sign_in(address: SocketAddr, user: &str) -> Result<Imap, String> {
    Imap::sign_in(address, user, PASSWORD)
}

/// Divides `count` numbers among threads, each of which does `work` for its own.
pub(crate) fn in_threads(
    threads: usize,
    count: usize,
    work: impl Fn(Vec<usize>) -> Result<(), String> + Sync,
) -> Result<(), String> {
    let work = &work;
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads.min(count))
            .map(|first| scope.spawn(move || work((first..count).step_by(threads).collect())))
            .collect();
        let ended =
            handles.into_iter().map(|handle| handle.join().unwrap_or_else(|_| Err("a client panicked".to_owned())));
        // All are waited for, and the first error is told.
        ended.collect::<Vec<_>>().into_iter().collect::<Result<Vec<()>, String>>().map(|_| ())
    })
}
