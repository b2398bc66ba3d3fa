//! The mailroom as the doors find it: shut while the node is locked, and opened once.
//!
//! The doors listen all the same. A node that did not listen would look broken; one that says "locked, try again" keeps
//! every sender's mail in the sender's queue, where it belongs until somebody can seal it.

use std::sync::{Arc, OnceLock};

use crate::mailroom::Mailroom;

/// The mailroom, or the lack of it. Clones are of the same one.
#[derive(Clone)]
pub struct Opening {
    hostname: Arc<str>,
    mailroom: Arc<OnceLock<Mailroom>>,
}

impl Opening {
    /// Shut. `hostname` is the name with which the doors greet meanwhile.
    pub fn shut(hostname: &str) -> Self {
        Self { hostname: hostname.into(), mailroom: Arc::default() }
    }

    /// Opens it, for connections that are open too. Only the first time counts.
    pub fn open(&self, mailroom: Mailroom) {
        let _ = self.mailroom.set(mailroom);
    }

    /// The mailroom, unless the node is locked.
    pub fn mailroom(&self) -> Option<&Mailroom> {
        self.mailroom.get()
    }

    /// The name with which the doors greet.
    pub fn hostname(&self) -> &Arc<str> {
        &self.hostname
    }
}

impl From<Mailroom> for Opening {
    fn from(mailroom: Mailroom) -> Self {
        let opening = Self::shut(&mailroom.hostname);
        opening.open(mailroom);
        opening
    }
}
