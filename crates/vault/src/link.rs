//! The way from a node to its vault: a request goes in, an answer comes out, both encoded.
//!
//! A test's vault is in the same process. It is asked through the same octets, so that every test tests them.

use std::sync::Arc;

use crate::VaultError;
use crate::calls::{self, Call};
use crate::line::Line;
use crate::strongroom::Strongroom;
use crate::wire::{self, frame};

/// A way to one vault. Clones lead to the same.
#[derive(Clone)]
pub(crate) enum Link {
    /// To a vault in this process.
    Here(Arc<Strongroom>),
    /// To a process of its own.
    There(Arc<Line>),
}

impl Link {
    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// What the vault answers; [`VaultError::Away`], [`VaultError::Garbled`].
    pub(crate) fn call<C: Call>(&self, call: C) -> Result<C::Answer, VaultError> {
        let request = calls::request(&call);
        let answered = match self {
            Self::Here(room) => wire::from_bytes(&room.answer(&request[frame::HEAD_LEN..])[frame::HEAD_LEN..]),
            Self::There(line) => wire::from_bytes(&line.ask(request)?),
        };
        answered.unwrap_or(Err(VaultError::Garbled))
    }

    /// Tells without waiting for an answer: for what is closed or dropped.
    pub(crate) fn tell<C: Call>(&self, call: C) {
        let request = calls::request(&call);
        match self {
            Self::Here(room) => drop(room.answer(&request[frame::HEAD_LEN..])),
            Self::There(line) => line.tell(request),
        }
    }
}

/// For tests that look behind the calls.
#[cfg(test)]
#[allow(clippy::panic, reason = "a test that cannot go on should stop")]
impl Link {
    pub(crate) fn room(&self) -> &Strongroom {
        match self {
            Self::Here(room) => room,
            Self::There(_) => panic!("the vault is elsewhere"),
        }
    }
}
