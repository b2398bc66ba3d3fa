//! The IMAP doors over real sockets, with a real store behind them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::{NOW, PASSWORD, Room};
use doors::imap::{self, ImapConfig};
use doors::tls::Identity;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use store::FlagSet;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::client::TlsStream;

const ANN: &str = "ann@ie.example";
const MESSAGE_BYTES_MAX: usize = 8 << 20;

/// A door with a room behind it.
struct Door {
    room: Room,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
    client: Arc<ClientConfig>,
}

async fn door(implicit_tls: bool) -> Door {
    door_with(implicit_tls, false).await
}

async fn door_with(implicit_tls: bool, loopback_without_tls: bool) -> Door {
    door_of(implicit_tls, loopback_without_tls, doors::Shares::default()).await
}

async fn door_of(implicit_tls: bool, loopback_without_tls: bool, shares: doors::Shares) -> Door {
    let room = Room::new(&[&[ANN]]);
    let dir = room.dir.path().join("tls");
    let clock = world::ManualClock::at(terms::Clock::now(&durable::SystemClock));
    let identity = Identity::load_or_create(&durable::RealDisk, &dir, "mail.ie.example", &clock).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&std::fs::read(dir.join("ca.pem")).unwrap()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let client = Arc::new(client.with_root_certificates(roots).with_no_client_auth());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let config = ImapConfig {
        tls: identity.server_config().unwrap(),
        identity: identity.in_use().unwrap(),
        implicit_tls,
        message_size_bytes_max: MESSAGE_BYTES_MAX as u64,
        loopback_without_tls,
        shares,
    };
    let (stop, shutdown) = watch::channel(false);
    let task = tokio::spawn(imap::serve(listener, config, room.mailroom.clone(), shutdown));
    Door { room, address, stop, task, client }
}

impl Door {
    fn store(&self, message: &[u8]) {
        let account = self.room.account(ANN);
        let inbox = self.room.mailroom.store.mailbox_named(account, store::INBOX).unwrap().id;
        let incoming = self.room.mailroom.incoming(account, inbox, message.to_vec(), Vec::new(), NOW, FlagSet::none());
        self.room.mailroom.store.append(vec![incoming.unwrap()]).unwrap();
    }

    async fn secure(&self, stream: TcpStream) -> TlsStream<TcpStream> {
        let name = ServerName::try_from("mail.ie.example").unwrap();
        tokio_rustls::TlsConnector::from(self.client.clone()).connect(name, stream).await.unwrap()
    }

    /// A client under TLS, signed in.
    async fn client(&self) -> Client<TlsStream<TcpStream>> {
        let stream = self.secure(TcpStream::connect(self.address).await.unwrap()).await;
        let mut client = Client(BufReader::new(stream));
        assert!(client.line().await.starts_with("* OK [CAPABILITY IMAP4rev1 IMAP4rev2 "));
        assert!(client.ask(&format!("LOGIN {ANN} \"{PASSWORD}\"")).await.starts_with("a OK "));
        client
    }
}

/// A client's end.
struct Client<S>(BufReader<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    async fn says(&mut self, octets: &[u8]) {
        self.0.write_all(octets).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// The next line; empty at the end.
    async fn line(&mut self) -> String {
        let mut line = Vec::new();
        let read = self.0.read_until(b'\n', &mut line);
        tokio::time::timeout(Duration::from_secs(20), read).await.unwrap().unwrap();
        String::from_utf8_lossy(&line).into_owned()
    }

    /// What one command brings.
    async fn ask(&mut self, command: &str) -> String {
        self.says(format!("a {command}\r\n").as_bytes()).await;
        let mut said = String::new();
        loop {
            let line = self.line().await;
            said.push_str(&line);
            if line.is_empty() || line.starts_with("a ") {
                return said;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_password_before_tls_and_nothing_before_it_after() {
    let door = door(false).await;
    let mut client = Client(BufReader::new(TcpStream::connect(door.address).await.unwrap()));
    assert!(client.line().await.contains(" STARTTLS LOGINDISABLED] "));
    let login = format!("LOGIN {ANN} \"{PASSWORD}\"");
    assert!(client.ask(&login).await.starts_with("a NO [PRIVACYREQUIRED] "));
    // What a man in the middle puts behind STARTTLS, in the same packet.
    client.says(b"a STARTTLS\r\ninjected NOOP\r\n").await;
    assert_eq!(client.line().await, "a OK Begin TLS now\r\n");
    let stream = door.secure(client.0.into_inner()).await;
    let mut client = Client(BufReader::new(stream));
    assert!(client.ask("CAPABILITY").await.contains(" AUTH=PLAIN AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-256-PLUS\r\na OK "));
    assert!(client.ask(&login).await.starts_with("a OK "));
    assert!(client.ask("LOGOUT").await.starts_with("* BYE "));
    assert_eq!(client.line().await, "");
}

/// Where the operator says so, a program beside the node signs in without TLS; it is on loopback as this client is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_on_this_machine_needs_no_tls_where_the_operator_says_so() {
    let door = door_with(false, true).await;
    let mut client = Client(BufReader::new(TcpStream::connect(door.address).await.unwrap()));
    assert!(!client.line().await.contains("LOGINDISABLED"));
    assert!(client.ask(&format!("LOGIN {ANN} \"{PASSWORD}\"")).await.starts_with("a OK "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_is_slow_and_short() {
    let door = door(true).await;
    let stream = door.secure(TcpStream::connect(door.address).await.unwrap()).await;
    let mut client = Client(BufReader::new(stream));
    client.line().await;
    let begin = Instant::now();
    let first = client.ask(&format!("LOGIN {ANN} wrong")).await;
    assert_eq!(first, client.ask("LOGIN nobody@ie.example wrong").await);
    assert!(client.ask("LOGIN nonsense wrong").await.starts_with("* BYE "));
    assert_eq!(client.line().await, "");
    assert!(begin.elapsed() > Duration::from_secs(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_wakes() {
    let door = door(true).await;
    let mut client = door.client().await;
    assert!(client.ask("SELECT INBOX").await.contains("* 0 EXISTS\r\n"));
    for count in 1..=3 {
        client.says(b"i IDLE\r\n").await;
        assert_eq!(client.line().await, "+ idling\r\n");
        door.store(b"Subject: wake up\r\n\r\n");
        assert_eq!(client.line().await, format!("* {count} EXISTS\r\n"));
        client.says(b"DONE\r\n").await;
        assert_eq!(client.line().await, "i OK IDLE done\r\n");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_message_goes_in_and_comes_out() {
    let door = door(true).await;
    let mut client = door.client().await;
    let message = [b"Subject: large\r\n\r\n".as_slice(), &b"0123456789abcdef\r\n".repeat(200_000)].concat();
    client.says(format!("a APPEND INBOX {{{}}}\r\n", message.len()).as_bytes()).await;
    assert!(client.line().await.starts_with("+ "));
    client.says(&message).await;
    client.says(b"\r\n").await;
    assert!(client.line().await.starts_with("a OK [APPENDUID "));
    client.says(format!("a APPEND INBOX {{{}}}\r\n", MESSAGE_BYTES_MAX + 1).as_bytes()).await;
    assert!(client.line().await.starts_with("a NO [TOOBIG] "));
    client.ask("SELECT INBOX").await;
    client.says(b"a FETCH 1 BODY.PEEK[]\r\n").await;
    assert_eq!(client.line().await, format!("* 1 FETCH (BODY[] {{{}}}\r\n", message.len()));
    let mut octets = vec![0; message.len()];
    client.0.read_exact(&mut octets).await.unwrap();
    assert!(octets == message);
    assert_eq!(client.line().await, ")\r\n");
    assert_eq!(client.line().await, "a OK FETCH done\r\n");
}

/// A client that asks for much and reads nothing makes the node wait, not grow; others go on meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_holds_nobody_up() {
    let door = door(true).await;
    for _ in 0..40 {
        door.store(&[b"Subject: x\r\n\r\n".as_slice(), &vec![b'x'; 1_000_000]].concat());
    }
    let mut slow = door.client().await;
    slow.ask("SELECT INBOX").await;
    slow.says(b"a FETCH 1:* BODY.PEEK[]\r\n").await;
    let mut quick = door.client().await;
    assert!(quick.ask("SELECT INBOX").await.contains("* 40 EXISTS\r\n"));
    assert!(quick.ask("FETCH 1:* (UID RFC822.SIZE)").await.contains("* 40 FETCH (UID 40 RFC822.SIZE 1000014)\r\n"));
    for number in 1..=40 {
        assert_eq!(slow.line().await, format!("* {number} FETCH (BODY[] {{1000014}}\r\n"));
        let mut octets = vec![0; 1_000_014];
        slow.0.read_exact(&mut octets).await.unwrap();
        assert_eq!(slow.line().await, ")\r\n");
    }
    assert_eq!(slow.line().await, "a OK FETCH done\r\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_hears_that_the_node_stops() {
    let door = door(true).await;
    let mut waiting = door.client().await;
    let mut idling = door.client().await;
    idling.ask("SELECT INBOX").await;
    idling.says(b"i IDLE\r\n").await;
    assert_eq!(idling.line().await, "+ idling\r\n");
    door.stop.send(true).unwrap();
    for client in [&mut waiting, &mut idling] {
        assert_eq!(client.line().await, "* BYE Server shutting down\r\n");
        assert_eq!(client.line().await, "");
    }
    door.task.await.unwrap();
}

/// Handshakes take no places, and the oldest end when there are too many.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_handshakes_keep_nobody_out() {
    let door = door_of(true, false, doors::Shares { connections_max: 4, ..doors::Shares::default() }).await;
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(TcpStream::connect(door.address).await.unwrap());
    }
    let mut client = door.client().await;
    assert!(client.ask("SELECT INBOX").await.contains("a OK "));
    // The first was closed long before its half minute was over.
    let read = tokio::time::timeout(Duration::from_secs(10), silent[0].read(&mut [0; 1])).await;
    assert!(matches!(read, Ok(Ok(0) | Err(_))));
}

/// An owner's half-sent messages take that owner's share; others go on, and who is refused hears why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_sent_appends_take_one_owners_share() {
    let door = door(true).await;
    let half = vec![b'x'; MESSAGE_BYTES_MAX / 2];
    let (mut half_sent, mut refused) = (Vec::new(), 0);
    for _ in 0..24 {
        let mut client = door.client().await;
        client.says(format!("a APPEND INBOX {{{MESSAGE_BYTES_MAX}}}\r\n").as_bytes()).await;
        if client.line().await.starts_with("+ ") {
            let _ = client.0.write_all(&half).await;
            let _ = client.0.flush().await;
            half_sent.push(client);
        }
    }
    // The share is 64 MiB, and these would take 96.
    for client in &mut half_sent {
        let line = tokio::time::timeout(Duration::from_millis(200), client.line()).await;
        refused += usize::from(line.is_ok_and(|line| line.starts_with("* BYE ")));
    }
    assert!((1..24).contains(&refused), "{refused} of 24 had to give way");
    let mut goes_on = door.client().await;
    assert!(goes_on.ask("SELECT INBOX").await.contains("a OK "));
    goes_on.says(b"a APPEND INBOX {15}\r\n").await;
    assert!(goes_on.line().await.starts_with("+ "));
    goes_on.says(b"Subject: x\r\n\r\nx\r\n").await;
    assert!(goes_on.line().await.contains("EXISTS") || goes_on.line().await.contains("OK"));
}
