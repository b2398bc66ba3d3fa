//! A vault and a disk that do not answer: who needs them waits in a lane, and everybody else is served meanwhile. The runtime has two
//! threads, so that two calls that wait on one of them would be enough to stop everything.

use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::support::{self, NOW, PASSWORD, Room};
use doors::imap::{self, ImapConfig};
use doors::smtp::{self, Protocol, SmtpConfig};
use doors::tls::Identity;
use durable::{Disk, RealDisk};
use mailroom::MailroomGate;
use store::FlagSet;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use vault::inside::Backend;
use world::FaultyDisk;
use zeroize::Zeroizing;

const ANN: &str = "ann@ie.example";
const BOB: &str = "bob@ie.example";

/// How long an answer may take that waits for nothing: the machine may be busy with other tests.
const SOON: Duration = Duration::from_secs(10);

/// A vault whose calls wait while it is stalled.
struct StallingVault {
    vault: Arc<dyn Backend>,
    stalled: Mutex<bool>,
    changed: Condvar,
}

impl StallingVault {
    fn stall(&self, stalled: bool) {
        *self.stalled.lock().unwrap() = stalled;
        self.changed.notify_all();
    }
}

impl Backend for StallingVault {
    fn answer(&self, request: &[u8]) -> Zeroizing<Vec<u8>> {
        drop(self.changed.wait_while(self.stalled.lock().unwrap(), |stalled| *stalled).unwrap());
        self.vault.answer(request)
    }
}

/// Both doors of a node with the accounts of Ann and Bob, each with a message; neither account is in memory.
struct Doors {
    smtp: SocketAddr,
    imap: SocketAddr,
    gate: MailroomGate,
    vault: Arc<StallingVault>,
    _stop: watch::Sender<bool>,
    _dir: tempfile::TempDir,
}

async fn doors(disk: Arc<dyn Disk>) -> Doors {
    let room = Room::on(disk.clone(), &[&[ANN], &[BOB]]);
    for address in [ANN, BOB] {
        let account = room.account(address);
        let inbox = room.mailroom.store.mailbox_named(account, store::INBOX).unwrap().id;
        let message = b"Subject: one\r\n\r\nbefore\r\n".to_vec();
        let incoming = room.mailroom.incoming(account, inbox, message, Vec::new(), NOW, FlagSet::none());
        room.mailroom.store.append(vec![incoming.unwrap()]).unwrap();
    }
    let Room { mailroom, dir, clock } = room;
    let backend = vault::inside::backend(&mailroom.vault).unwrap();
    let vault = Arc::new(StallingVault { vault: backend, stalled: Mutex::new(false), changed: Condvar::new() });
    let handle = Arc::new(vault::inside::gate(vault.clone(), clock.clone()).vault().unwrap());
    drop(mailroom);
    let gate = MailroomGate::from(support::open(disk, dir.path(), handle, clock));

    let real_clock = world::ManualClock::at(terms::Clock::now(&durable::SystemClock));
    let tls = dir.path().join("tls");
    let identity = Identity::load_or_create(&RealDisk, &tls, "mail.ie.example", &real_clock).unwrap();
    let (stop, shutdown) = watch::channel(false);
    let smtp_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let imap_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (smtp, imap) = (smtp_listener.local_addr().unwrap(), imap_listener.local_addr().unwrap());
    let smtp_config = SmtpConfig {
        protocol: Protocol::Smtp,
        message_size_bytes_max: 1_000_000,
        tls: None,
        shares: doors::Shares::default(),
    };
    let imap_config = ImapConfig {
        tls: identity.server_config().unwrap(),
        identity: identity.in_use().unwrap(),
        implicit_tls: false,
        message_size_bytes_max: 1_000_000,
        loopback_without_tls: true,
        shares: doors::Shares::default(),
    };
    tokio::spawn(smtp::serve(smtp_listener, smtp_config, gate.clone(), shutdown.clone()));
    tokio::spawn(imap::serve(imap_listener, imap_config, gate.clone(), shutdown));
    Doors { smtp, imap, gate, vault, _stop: stop, _dir: dir }
}

struct Client(BufReader<TcpStream>);

impl Client {
    /// Connects and reads the greeting.
    async fn connect(address: SocketAddr) -> Self {
        let stream = tokio::time::timeout(SOON, TcpStream::connect(address)).await.unwrap().unwrap();
        let mut client = Self(BufReader::new(stream));
        client.hears("").await;
        client
    }

    async fn says(&mut self, line: &str) {
        self.0.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
    }

    /// Reads lines up to one that begins like this.
    async fn hears(&mut self, start: &str) -> String {
        let mut said = String::new();
        loop {
            let at = said.len();
            let read = tokio::time::timeout(SOON, self.0.read_line(&mut said)).await;
            assert!(
                read.is_ok_and(|read| read.is_ok_and(|octets| octets > 0)),
                "{start:?} does not come after {said:?}"
            );
            if said[at..].starts_with(start) {
                return said;
            }
        }
    }

    /// An SMTP client that is asked for a recipient.
    async fn sender(door: SocketAddr) -> Self {
        let mut client = Self::connect(door).await;
        client.says("HELO mx.example").await;
        client.hears("250 ").await;
        client.says("MAIL FROM:<x@y.example>").await;
        client.hears("250 ").await;
        client
    }

    /// An IMAP client of `user` with the INBOX open.
    async fn reader(door: SocketAddr, user: &str) -> Self {
        let mut client = Self::connect(door).await;
        client.says(&format!("a LOGIN {user} \"{PASSWORD}\"")).await;
        client.hears("a OK ").await;
        client.says("b SELECT INBOX").await;
        client.hears("b OK ").await;
        client
    }

    /// What needs neither disk nor vault.
    async fn goes_on(&mut self) {
        self.says("c NOOP").await;
        self.hears("c OK ").await;
        self.says("d FETCH 1:* (FLAGS UID RFC822.SIZE)").await;
        assert!(self.hears("d OK ").await.contains("* 1 FETCH "));
        self.says("e STATUS INBOX (MESSAGES)").await;
        self.hears("e OK ").await;
        self.says("f IDLE").await;
        self.hears("+ ").await;
        self.says("DONE").await;
        self.hears("f OK ").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_vault_stalls_others_are_served() {
    let doors = doors(Arc::new(RealDisk)).await;
    let mut ann = Client::reader(doors.imap, ANN).await;
    let mut idle = Client::reader(doors.imap, ANN).await;
    idle.says("i IDLE").await;
    idle.hears("+ ").await;
    // Prepared before, so that every one of them waits for the vault at the same time.
    let mut strangers = Vec::new();
    for _ in 0..6 {
        strangers.push(Client::sender(doors.smtp).await);
    }
    let mut senders = Vec::new();
    for _ in 0..3 {
        let mut sender = Client::sender(doors.smtp).await;
        sender.says(&format!("RCPT TO:<{BOB}>")).await;
        sender.hears("250 ").await;
        sender.says("DATA").await;
        sender.hears("354 ").await;
        senders.push(sender);
    }
    let mut owners = Vec::new();
    for _ in 0..4 {
        owners.push(Client::connect(doors.imap).await);
    }
    doors.vault.stall(true);
    for (n, stranger) in strangers.iter_mut().enumerate() {
        // The postmaster's address is looked up, too.
        let whom = if n == 0 { "Postmaster".to_owned() } else { format!("nobody{n}@ie.example") };
        stranger.says(&format!("RCPT TO:<{whom}>")).await;
    }
    for sender in &mut senders {
        sender.says("Subject: to an account that is not in memory\r\n\r\nhello\r\n.").await;
    }
    for owner in &mut owners {
        owner.says(&format!("a LOGIN {BOB} \"{PASSWORD}\"")).await;
    }
    // One that reads from the vault in an open mailbox, too.
    let mut reading = Client::connect(doors.imap).await;
    tokio::time::sleep(Duration::from_millis(300)).await;

    ann.goes_on().await;
    let mut sender = Client::sender(doors.smtp).await;
    sender.says(&format!("RCPT TO:<{ANN}>")).await;
    sender.hears("250 ").await;
    reading.says("x CAPABILITY").await;
    reading.hears("x OK ").await;
    idle.says("DONE").await;
    idle.hears("i OK ").await;

    doors.vault.stall(false);
    for stranger in &mut strangers {
        stranger.hears("550 5.1.1 ").await;
    }
    for sender in &mut senders {
        sender.hears("250 2.0.0 ").await;
    }
    for owner in &mut owners {
        owner.hears("a OK ").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_disk_stalls_others_are_served() {
    let disk = FaultyDisk::new();
    let doors = doors(Arc::new(disk.clone())).await;
    let mut ann = Client::reader(doors.imap, ANN).await;
    let mut bobs = Vec::new();
    // More than one owner's share of the threads.
    for _ in 0..12 {
        bobs.push(Client::reader(doors.imap, BOB).await);
    }
    disk.stall_reads(true);
    disk.stall_syncs(true);
    for (n, bob) in bobs.iter_mut().enumerate() {
        let text = if n % 2 == 0 { "g FETCH 1 BODY.PEEK[]" } else { "g STORE 1 +FLAGS (\\Flagged)" };
        bob.says(text).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(doors.gate.lanes().store.threads() <= 9, "one owner fills the lane");

    ann.goes_on().await;
    let mut sender = Client::sender(doors.smtp).await;
    sender.says(&format!("RCPT TO:<{ANN}>")).await;
    sender.hears("250 ").await;
    sender.says("RCPT TO:<nobody@ie.example>").await;
    sender.hears("550 5.1.1 ").await;
    let mut other = Client::connect(doors.imap).await;
    other.says(&format!("a LOGIN {BOB} \"{PASSWORD}\"")).await;
    other.hears("a OK ").await;

    disk.stall_reads(false);
    disk.stall_syncs(false);
    for bob in &mut bobs {
        bob.hears("g OK ").await;
    }
}

/// Wrong passwords from one network: what waits for Argon2id is bounded, and who comes when it is full hears "later".
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_of_guessers_takes_neither_threads_nor_the_store() {
    const GUESSERS: usize = 300;
    let doors = doors(Arc::new(RealDisk)).await;
    let mut ann = Client::reader(doors.imap, ANN).await;
    let mut guessers = Vec::new();
    for _ in 0..GUESSERS {
        guessers.push(Client::connect(doors.imap).await);
    }
    // So that none is over before all have come.
    doors.vault.stall(true);
    for (n, guesser) in guessers.iter_mut().enumerate() {
        guesser.says(&format!("a LOGIN nobody{n}@ie.example wrong")).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    ann.goes_on().await;
    let processors = std::thread::available_parallelism().unwrap().get();
    assert!(doors.gate.lanes().sign_ins.threads() <= 2 * (processors + 1));
    doors.vault.stall(false);
    ann.says("s STORE 1 +FLAGS (\\Flagged)").await;
    ann.hears("s OK ").await;
    let mut later = 0;
    for guesser in &mut guessers {
        later += usize::from(guesser.hears("a NO ").await.starts_with("a NO [UNAVAILABLE] "));
    }
    assert!((GUESSERS / 2..GUESSERS).contains(&later), "{later} of {GUESSERS} were told to come later");
}
