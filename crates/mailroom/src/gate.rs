//! The gate to the mailroom: closed while the node is locked, and opened once.
//!
//! Everything that serves clients listens all the same. A node that did not listen would look broken; one that says
//! "locked, try again" leaves each message in its sender's queue, where it belongs until somebody can seal it.

use std::sync::{Arc, OnceLock};

use crate::lanes::Lanes;
use crate::mailroom::Mailroom;

/// The mailroom, or nothing while the node is locked. Clones share one state.
#[derive(Clone)]
pub struct MailroomGate {
    hostname: Arc<str>,
    mailroom: Arc<OnceLock<Mailroom>>,
    lanes: Lanes,
}

impl MailroomGate {
    /// The gate of a locked node. `hostname` is the name under which the node greets clients meanwhile.
    pub fn locked(hostname: &str) -> Self {
        Self { hostname: hostname.into(), mailroom: Arc::default(), lanes: Lanes::default() }
    }

    /// Opens it, also for connections that are already established. Only the first call counts.
    pub fn open(&self, mailroom: Mailroom) {
        let _ = self.mailroom.set(mailroom);
    }

    /// The mailroom, unless the node is locked.
    pub fn mailroom(&self) -> Option<&Mailroom> {
        self.mailroom.get()
    }

    /// Where work that may wait is done.
    pub fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    /// The name under which the node greets clients.
    pub fn hostname(&self) -> &Arc<str> {
        &self.hostname
    }
}

impl From<Mailroom> for MailroomGate {
    fn from(mailroom: Mailroom) -> Self {
        let gate = Self::locked(&mailroom.hostname);
        gate.open(mailroom);
        gate
    }
}
