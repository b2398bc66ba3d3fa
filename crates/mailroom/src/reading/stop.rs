//! Work for a client that is gone ends early.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use imap::Refusal;

/// Ends the work of one connection: the server that sees the connection break calls [`now`](Self::now), and what a backend is doing
/// for it ends at the next message, item or key. Clones share one state.
#[derive(Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// The client is gone. There is no way back.
    pub fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Refuses once the client is gone; nobody hears it.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        if self.0.load(Ordering::Relaxed) { Err(Refusal::Unavailable) } else { Ok(()) }
    }
}
