//! What the parent reads and holds for the node's own process: listening sockets, certificate and key.

use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd};

use doors::tls::{self, IdentityParts};
use operations::config::Listen;
use operations::node::ClosedNode;

use super::RunError;

/// How many connections the system completes before the node has taken them: as many as tokio asks for.
const BACKLOG: i32 = 1024;

/// The listening sockets, in the order of [`Listen::all`]. They stay open while the node's own process is started again: who connects
/// then is served when it is there.
pub(super) struct Doors(Vec<TcpListener>);

impl Doors {
    /// Listens at all of them.
    pub(super) fn open(listen: &Listen) -> Result<Self, RunError> {
        let one = |(door, address)| {
            let listener = TcpListener::bind(address).and_then(|listener| {
                rustix::net::listen(&listener, BACKLOG)?;
                Ok(listener)
            });
            listener.map_err(|error: io::Error| match error.kind() {
                io::ErrorKind::AddrInUse => RunError::PortTaken { door, address },
                io::ErrorKind::PermissionDenied => RunError::PortDenied { door, address },
                _ => RunError::Port { door, address, error },
            })
        };
        listen.all().into_iter().map(one).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn files(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.0.iter().map(AsFd::as_fd)
    }
}

/// The certificate that the node shows, and its key.
pub(super) struct Identity(tls::Identity);

impl Identity {
    /// Reads the files; what is missing or about to expire is made.
    pub(super) fn load(node: &ClosedNode) -> Result<Self, RunError> {
        let hostname = &node.config.hostname;
        let loaded = tls::Identity::load_or_create(node.disk(), &node.dir.join("tls"), hostname, &durable::SystemClock)
            .and_then(|identity| identity.server_config().map(|_| identity));
        loaded.map(Self).map_err(|error| RunError::Tls(error.to_string()))
    }

    pub(super) fn parts(&self) -> IdentityParts {
        self.0.to_parts()
    }
}
