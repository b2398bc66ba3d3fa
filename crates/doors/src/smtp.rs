//! The SMTP and LMTP servers: sockets, time and memory around the machine of the `smtp` room.
//!
//! A connection is one task: it does what the session's steps say (`smtp/connection.rs`). Who may come in is counted
//! in `admission.rs`, how much memory unfinished messages may take in `held.rs`. What takes memory only is
//! done at once: a known recipient, the usual message for an account in memory. What may wait for the disk or the vault is done in a
//! [lane](mailroom::lanes).

mod connection;

use std::sync::Arc;
use std::time::Duration;

use ::smtp::Farewell;
pub use ::smtp::{MESSAGE_SIZE_BYTES_MAX, Protocol};
use mailroom::MailroomGate;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use self::connection::Connection;
use crate::admission::{Admission, Shares};
use crate::wire::Wire;

/// How long open conversations may take to end once the node stops; each is sent `421` at its next pause.
const GRACE: Duration = Duration::from_secs(3);

/// How long to wait when the system has no more sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The settings of an SMTP or LMTP server.
#[derive(Clone)]
pub struct SmtpConfig {
    /// SMTP for the world, LMTP for the operator's own MTA.
    pub protocol: Protocol,
    /// The largest message in octets; [`MESSAGE_SIZE_BYTES_MAX`] unless the operator says otherwise.
    pub message_size_bytes_max: u64,
    /// For STARTTLS; it is not offered without.
    pub tls: Option<Arc<ServerConfig>>,
    /// What the door, a peer and an account may take.
    pub shares: Shares,
}

/// What all connections of a server share.
struct Door {
    config: SmtpConfig,
    tls: Option<TlsAcceptor>,
    mail: MailroomGate,
    admission: Arc<Admission>,
}

/// Accepts mail at `listener` until `shutdown` turns true; then sends `421` to every client, waits a few seconds and returns.
/// Whatever was answered with `250` is durable; anything else is still with its sender. While the node is locked, it refuses
/// every recipient with `451`.
pub async fn serve(
    listener: TcpListener,
    config: SmtpConfig,
    mail: impl Into<MailroomGate>,
    mut shutdown: watch::Receiver<bool>,
) {
    let tls = config.tls.clone().map(TlsAcceptor::from);
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
                // Replies are gathered already; waiting for more would only delay them.
                let _ = stream.set_nodelay(true);
                let peer = peer.ip().to_canonical();
                let entry = door.admission.enter(peer);
                let farewell = entry.is_none().then_some(Farewell::TooManyConnections);
                let connection = Connection::new(door.clone(), Wire::Plain(stream), peer, entry, shutdown.clone());
                connections.spawn(connection.run(farewell));
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
