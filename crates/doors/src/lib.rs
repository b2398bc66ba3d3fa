//! Listening sockets and wire words. A door reads bytes, feeds a machine, does what the machine needs through the
//! mailroom or the desk, and writes what the machine says.

mod admission;
pub mod control;
pub mod imap;
pub mod smtp;
pub mod tls;
mod wire;

pub use admission::{Admission, CONNECTIONS_MAX, Entry};

/// Waits until the word to stop is given (or nobody is left to give it).
pub async fn told(shutdown: &mut tokio::sync::watch::Receiver<bool>) {
    // The value's guard must not live on: it would tie this future to one thread.
    let _ = shutdown.wait_for(|stop| *stop).await.map(drop);
}
