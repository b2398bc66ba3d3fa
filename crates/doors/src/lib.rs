//! The servers of the mail protocols and of the control socket. A door reads bytes, feeds a protocol machine, does what the
//! machine needs through the mailroom, and writes what the machine says. Web pages are in `pages`.

mod admission;
pub mod control;
mod held;
pub mod imap;
pub mod smtp;
pub mod tls;
mod wire;

pub use admission::{Admission, CONNECTIONS_MAX, CONNECTIONS_PER_PEER_MAX, Entry, GiveWay, Shares};
pub use held::Held;

/// Waits until shutdown is requested, or its sender is gone.
pub async fn told(shutdown: &mut tokio::sync::watch::Receiver<bool>) {
    // The value's guard must not live on: it would tie this future to one thread.
    let _ = shutdown.wait_for(|stop| *stop).await.map(drop);
}
