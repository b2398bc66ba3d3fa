//! The IMAP servers: sockets, time and memory around the machine of the `imap` room.
//!
//! A connection is one task: it does what the session's steps say (`imap/connection.rs`). Whatever the session needs of
//! the mail is done by a [`mailroom::reading::ImapBackend`], in a [lane](mailroom::lanes) if it may wait. Who may come in, and how much memory
//! unfinished messages and unread answers may take, is counted as in the SMTP server.

mod connection;

use std::sync::Arc;
use std::time::Duration;

use mailroom::MailroomGate;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use self::connection::Connection;
use crate::admission::{Admission, Shares};
use crate::tls::InUse;

/// How long open sessions may take to end once the node stops; each is sent `BYE` at its next pause.
const GRACE: Duration = Duration::from_secs(3);

/// How long to wait when the system has no more sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The settings of an IMAP server.
#[derive(Clone)]
pub struct ImapConfig {
    /// The node's certificate.
    pub tls: Arc<ServerConfig>,
    /// The same, for the hash by which a client may bind its sign-in to the connection.
    pub identity: InUse,
    /// TLS from the first octet (RFC 8314); otherwise STARTTLS, and no sign-in before it.
    pub implicit_tls: bool,
    /// The largest message that APPEND takes, in octets.
    pub message_size_bytes_max: u64,
    /// Passwords are accepted without TLS from this machine itself, where nobody can eavesdrop: for a proxy or webmail beside
    /// the node.
    pub loopback_without_tls: bool,
    /// What the door, a peer and an account may take.
    pub shares: Shares,
}

/// What all connections of a server share.
struct Door {
    config: ImapConfig,
    tls: TlsAcceptor,
    mail: MailroomGate,
    admission: Arc<Admission>,
}

/// Lets owners read at `listener` until `shutdown` turns true; then sends `BYE` to every client, waits a few seconds and returns.
/// Whatever was answered with `OK` is durable. While the node is locked, sign-ins fail with `NO [UNAVAILABLE]`.
pub async fn serve(
    listener: TcpListener,
    config: ImapConfig,
    mail: impl Into<MailroomGate>,
    mut shutdown: watch::Receiver<bool>,
) {
    let tls = TlsAcceptor::from(config.tls.clone());
    let admission = Admission::new(config.shares.clone());
    let door = Arc::new(Door { config, tls, mail: mail.into(), admission });
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            _ = shutdown.wait_for(|stop| *stop) => break,
            accepted = listener.accept() => accepted,
        };
        // Those that have ended are taken off the list.
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, peer)) => {
                // Answers are gathered already; waiting for more would only delay them.
                let _ = stream.set_nodelay(true);
                let peer = peer.ip().to_canonical();
                connections.spawn(Connection::new(door.clone(), peer, shutdown.clone()).run(stream));
            }
            Err(error) => {
                // Out of descriptors, mostly: nothing is gained by asking again at once.
                tracing::warn!(%error, "cannot accept connections at the moment");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(GRACE, async { while connections.join_next().await.is_some() {} }).await;
}
