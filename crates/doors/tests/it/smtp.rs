//! The SMTP and LMTP doors over real sockets, with a real store behind them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::support::Room;
use doors::smtp::{self, Protocol, SmtpConfig};
use doors::tls::Identity;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use vault::Part;

/// A door with a room behind it.
struct Door {
    room: Room,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
    client: Arc<ClientConfig>,
}

async fn door(protocol: Protocol, addresses: &[&[&str]]) -> Door {
    door_with(protocol, addresses, 1_000_000, doors::Shares::default()).await
}

async fn door_with(
    protocol: Protocol,
    addresses: &[&[&str]],
    message_size_bytes_max: u64,
    shares: doors::Shares,
) -> Door {
    let room = Room::new(addresses);
    let dir = room.dir.path().join("tls");
    let now = terms::Clock::now(&durable::SystemClock);
    let clock = world::ManualClock::at(now);
    let identity = Identity::load_or_create(&durable::RealDisk, &dir, "mail.ie.example", &clock).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&std::fs::read(dir.join("ca.pem")).unwrap()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let client = Arc::new(client.with_root_certificates(roots).with_no_client_auth());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let config = SmtpConfig { protocol, message_size_bytes_max, tls: Some(identity.server_config().unwrap()), shares };
    let (stop, shutdown) = watch::channel(false);
    let task = tokio::spawn(smtp::serve(listener, config, room.mailroom.clone(), shutdown));
    Door { room, address, stop, task, client }
}

/// A client's end.
struct Client<S>(S);

impl Client<TcpStream> {
    async fn connect(door: &Door) -> Self {
        let mut client = Self(TcpStream::connect(door.address).await.unwrap());
        client.hears("220 mail.ie.example ").await;
        client
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    async fn says(&mut self, octets: &str) {
        self.0.write_all(octets.as_bytes()).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// Reads one reply, all its lines, and holds its beginning against what is expected.
    async fn hears(&mut self, expected: &str) {
        let reply = self.reply(expected).await;
        assert!(reply.starts_with(expected), "{reply} instead of {expected}");
    }

    async fn reply(&mut self, expected: &str) -> String {
        let mut reply = Vec::new();
        let complete = |reply: &[u8]| {
            reply.ends_with(b"\r\n")
                && reply[..reply.len() - 2]
                    .rsplit(|b| *b == b'\n')
                    .next()
                    .is_some_and(|last| last.get(3) == Some(&b' '))
        };
        while !complete(&reply) {
            let octet = tokio::time::timeout(Duration::from_secs(20), self.0.read_u8()).await;
            reply.push(octet.unwrap().unwrap_or_else(|_| panic!("closed instead of {expected}")));
        }
        String::from_utf8(reply).unwrap()
    }

    async fn is_closed(&mut self) {
        let mut rest = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(20), self.0.read_to_end(&mut rest)).await.unwrap();
        assert!(read.is_ok() && rest.is_empty(), "{:?}", String::from_utf8_lossy(&rest));
    }

    /// Command and reply, several times.
    async fn dialogue(&mut self, lines: &[(&str, &str)]) {
        for (line, reply) in lines {
            self.says(&format!("{line}\r\n")).await;
            self.hears(reply).await;
        }
    }
}

const LETTER: &str = "Subject: hello\r\n\r\n.. a dot\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_tls() {
    let door = door(Protocol::Smtp, &[&["ann@ie.example"]]).await;
    let mut client = Client::connect(&door).await;
    client.dialogue(&[("EHLO mx.example", "250-mail.ie.example"), ("STARTTLS", "220 2.0.0 ")]).await;
    let name = ServerName::try_from("mail.ie.example").unwrap();
    let stream = tokio_rustls::TlsConnector::from(door.client.clone()).connect(name, client.0).await.unwrap();
    let mut client = Client(stream);
    client
        .dialogue(&[
            ("EHLO mx.example", "250-mail.ie.example"),
            ("MAIL FROM:<x@y.example> SIZE=30", "250 "),
            ("RCPT TO:<nobody@ie.example>", "550 5.1.1 "),
            ("RCPT TO:<ann@ie.example>", "250 "),
            ("DATA", "354 "),
            (&format!("{LETTER}."), "250 2.0.0 "),
            ("QUIT", "221 "),
        ])
        .await;
    client.is_closed().await;
    assert_eq!(door.room.parts("ann@ie.example", Part::Original), [LETTER.replace("..", ".").as_bytes()]);
    let prefix = String::from_utf8(door.room.parts("ann@ie.example", Part::Prefix).remove(0)).unwrap();
    assert!(prefix.contains("with ESMTPS id ") && prefix.contains(" tls TLS_AES_"), "{prefix}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_said_before_tls_is_heard_after() {
    let door = door(Protocol::Smtp, &[&["ann@ie.example"]]).await;
    let mut client = Client::connect(&door).await;
    client.says("EHLO mx.example\r\n").await;
    client.hears("250-").await;
    client.says("STARTTLS\r\nEHLO evil.example\r\nMAIL FROM:<evil@evil.example>\r\nRCPT TO:<ann@ie.example>\r\n").await;
    client.hears("220 ").await;
    let name = ServerName::try_from("mail.ie.example").unwrap();
    let stream = tokio_rustls::TlsConnector::from(door.client.clone()).connect(name, client.0).await.unwrap();
    let mut client = Client(stream);
    client.dialogue(&[("RCPT TO:<ann@ie.example>", "503 5.5.1 "), ("NOOP", "250 2.0.0 OK")]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lmtp_answers_for_each() {
    let door = door(Protocol::Lmtp, &[&["ann@ie.example"], &["bob@ie.example", "postmaster@ie.example"]]).await;
    let mut client = Client::connect(&door).await;
    client.dialogue(&[("EHLO mta", "500 "), ("LHLO mta", "250-")]).await;
    client
        .says("MAIL FROM:<>\r\nRCPT TO:<ann@ie.example>\r\nRCPT TO:<Postmaster>\r\nRCPT TO:<no@ie.example>\r\nDATA\r\n")
        .await;
    for reply in ["250 2.1.0", "250 2.1.5", "250 2.1.5", "550 5.1.1", "354 "] {
        client.hears(reply).await;
    }
    client.says(&format!("{LETTER}.\r\nQUIT\r\n")).await;
    for reply in ["250 2.0.0", "250 2.0.0", "221 "] {
        client.hears(reply).await;
    }
    client.is_closed().await;
    let prefix = String::from_utf8(door.room.parts("bob@ie.example", Part::Prefix).remove(0)).unwrap();
    assert!(prefix.starts_with("Return-Path: <>\r\n") && prefix.contains("with LMTP id "), "{prefix}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_smuggled_message_hears_no_and_is_kept_nowhere() {
    let door = door(Protocol::Smtp, &[&["ann@ie.example"]]).await;
    let mut client = Client::connect(&door).await;
    client
        .dialogue(&[
            ("EHLO mx.example", "250-"),
            ("MAIL FROM:<x@y.example>", "250 "),
            ("RCPT TO:<ann@ie.example>", "250 "),
            ("DATA", "354 "),
        ])
        .await;
    let inner = "MAIL FROM:<admin@ie.example>\r\nRCPT TO:<ann@ie.example>\r\nDATA\r\nSubject: forged\r\n\r\nx";
    client.says(&format!("Subject: outer\r\n\r\nx\n.\r\n{inner}\r\n.\r\n{inner}")).await;
    client.hears("554 5.5.2 ").await;
    client.is_closed().await;
    assert!(door.room.inbox("ann@ie.example").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_and_all_kept() {
    const CLIENTS: usize = 20;
    const EACH: usize = 10;
    let door = Arc::new(door(Protocol::Smtp, &[&["ann@ie.example"], &["bob@ie.example"]]).await);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..CLIENTS {
        let door = door.clone();
        tasks.spawn(async move {
            let mut client = Client::connect(&door).await;
            client.dialogue(&[("EHLO mx.example", "250-")]).await;
            for message in 0..EACH {
                client.says("MAIL FROM:<>\r\nRCPT TO:<ann@ie.example>\r\nRCPT TO:<bob@ie.example>\r\nDATA\r\n").await;
                for reply in ["250 ", "250 ", "250 ", "354 "] {
                    client.hears(reply).await;
                }
                let body = format!("line {number} {message}\r\n").repeat(1000);
                client.says(&format!("Subject: {number} {message}\r\n\r\n{body}.\r\n")).await;
                client.hears("250 2.0.0 ").await;
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    for address in ["ann@ie.example", "bob@ie.example"] {
        let mut subjects: Vec<_> = door
            .room
            .parts(address, Part::Original)
            .into_iter()
            .map(|original| String::from_utf8(original).unwrap().lines().next().unwrap().to_owned())
            .collect();
        subjects.sort();
        subjects.dedup();
        assert_eq!(subjects.len(), CLIENTS * EACH);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_node_says_so() {
    let door = door(Protocol::Smtp, &[&["ann@ie.example"]]).await;
    let mut idle = Client::connect(&door).await;
    let mut sending = Client::connect(&door).await;
    sending
        .dialogue(&[
            ("EHLO mx", "250-"),
            ("MAIL FROM:<>", "250 "),
            ("RCPT TO:<ann@ie.example>", "250 "),
            ("DATA", "354 "),
        ])
        .await;
    sending.says("Subject: half\r\n").await;
    door.stop.send(true).unwrap();
    for client in [&mut idle, &mut sending] {
        client.hears("421 4.3.2 ").await;
        client.is_closed().await;
    }
    drop((idle, sending));
    tokio::time::timeout(Duration::from_secs(5), door.task).await.unwrap().unwrap();
    assert!(TcpStream::connect(door.address).await.is_err());
    assert!(door.room.inbox("ann@ie.example").is_empty(), "half a message is none");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hangs_up_in_mid_message_leaves_nothing() {
    let door = door(Protocol::Smtp, &[&["ann@ie.example"]]).await;
    for end in ["", "\r\n", "\r\n.", "\r\n.\r"] {
        let mut client = Client::connect(&door).await;
        client
            .dialogue(&[
                ("HELO mx", "250 "),
                ("MAIL FROM:<>", "250 "),
                ("RCPT TO:<ann@ie.example>", "250 "),
                ("DATA", "354 "),
            ])
            .await;
        client.says(&format!("Subject: half{end}")).await;
        client.0.shutdown().await.unwrap();
        client.is_closed().await;
    }
    assert!(door.room.inbox("ann@ie.example").is_empty());
}

/// Who does nothing makes way for one who comes; who has delivered stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_peers_keep_nobody_out() {
    let shares = doors::Shares { connections_max: 10, trusted_peers: Vec::new(), ..doors::Shares::default() };
    let door = door_with(Protocol::Smtp, &[&["ann@ie.example"]], 1_000_000, shares).await;
    let mut busy = Client::connect(&door).await;
    let message = [
        ("EHLO mx.example", "250-"),
        ("MAIL FROM:<>", "250 "),
        ("RCPT TO:<ann@ie.example>", "250 "),
        ("DATA", "354 "),
        ("Subject: x\r\n\r\nx\r\n.", "250 "),
    ];
    busy.dialogue(&message).await;
    let mut silent = Vec::new();
    for _ in 0..9 {
        silent.push(Client::connect(&door).await);
    }
    for client in &mut silent {
        client.says("EH").await;
    }
    // All nine have just come; a second later they have done nothing for long enough.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let mut comes = Client::connect(&door).await;
    comes.dialogue(&message).await;
    silent[0].hears("421 4.7.0 ").await;
    silent[0].is_closed().await;
    busy.dialogue(&message[1..]).await;
    silent[1].says("LO mx.example\r\n").await;
    silent[1].hears("250-").await;
}

/// Large messages that come slowly take their pool, and no more: small mail goes in, and one that comes quickly is taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_sent_large_messages_keep_nobody_out() {
    const HALF: usize = 24 << 20;
    let size = 2 * HALF as u64;
    let door = door_with(Protocol::Smtp, &[&["ann@ie.example"]], size, doors::Shares::default()).await;
    let begin =
        [("EHLO mx.example", "250-"), ("MAIL FROM:<>", "250 "), ("RCPT TO:<ann@ie.example>", "250 "), ("DATA", "354 ")];
    let lines = format!("{}\r\n", "x".repeat(998)).repeat(HALF / 1000);
    let mut half_sent = Vec::new();
    for _ in 0..12 {
        let mut client = Client::connect(&door).await;
        client.dialogue(&begin).await;
        client.says("Subject: half\r\n\r\n").await;
        client.says(&lines).await;
        half_sent.push(client);
    }
    let mut small = Client::connect(&door).await;
    small.dialogue(&begin).await;
    small.dialogue(&[("Subject: small\r\n\r\nx\r\n.", "250 ")]).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut quick = Client::connect(&door).await;
    quick.dialogue(&begin).await;
    quick.says(&lines).await;
    quick.dialogue(&[("x\r\n.", "250 ")]).await;
    // Each hears at its end what became of it, and the same connection goes on.
    let mut refused = 0;
    for client in &mut half_sent {
        client.says("x\r\n.\r\n").await;
        let reply = client.reply("the end").await;
        assert!(reply.starts_with("250 ") || reply.starts_with("452 4.3.1 "), "{reply}");
        refused += usize::from(reply.starts_with("452 "));
    }
    assert!((1..12).contains(&refused), "{refused} of 12 had to give way");
    half_sent[0].dialogue(&begin[1..]).await;
    half_sent[0].dialogue(&[("Subject: again\r\n\r\nx\r\n.", "250 ")]).await;
}
