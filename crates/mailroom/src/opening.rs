//! The mailroom as the servers see it: unavailable while the node is locked, then opened once.
//!
//! The servers listen meanwhile. A node that did not listen would look broken; one that says "locked, try again" keeps
//! every sender's mail in the sender's queue until it can be sealed.

use std::sync::{Arc, OnceLock};

use crate::mailroom::Mailroom;

/// The mailroom, if it is open. Clones share one state.
#[derive(Clone)]
pub struct Opening {
    hostname: Arc<str>,
    mailroom: Arc<OnceLock<Mailroom>>,
}

impl Opening {
    /// Not open yet. `hostname` is the name in the servers' greetings meanwhile.
    pub fn locked(hostname: &str) -> Self {
        Self { hostname: hostname.into(), mailroom: Arc::default() }
    }

    /// Opens it, also for existing connections. Only the first call has an effect.
    pub fn open(&self, mailroom: Mailroom) {
        let _ = self.mailroom.set(mailroom);
    }

    /// The mailroom, unless the node is locked.
    pub fn mailroom(&self) -> Option<&Mailroom> {
        self.mailroom.get()
    }

    /// The name in the servers' greetings.
    pub fn hostname(&self) -> &Arc<str> {
        &self.hostname
    }
}

impl From<Mailroom> for Opening {
    fn from(mailroom: Mailroom) -> Self {
        let opening = Self::locked(&mailroom.hostname);
        opening.open(mailroom);
        opening
    }
}
