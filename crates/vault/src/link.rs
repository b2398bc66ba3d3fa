//! The way from a node to its vault: a request goes in, an answer comes out, both encoded.
//!
//! A test's vault is in the same process. It is asked through the same octets, so that every test tests them.

use std::sync::Arc;

use crate::VaultError;
use crate::calls::{self, Call};
use crate::strongroom::Strongroom;
use crate::wire;

/// A way to one vault. Clones lead to the same.
#[derive(Clone)]
pub(crate) struct Link(Arc<Strongroom>);

impl Link {
    /// To a vault in this process.
    pub(crate) fn here(room: Strongroom) -> Self {
        Self(Arc::new(room))
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// What the vault answers; [`VaultError::Garbled`].
    pub(crate) fn call<C: Call>(&self, call: C) -> Result<C::Answer, VaultError> {
        let answer = self.0.answer(&calls::request(&call));
        wire::from_bytes::<Result<C::Answer, VaultError>>(&answer).ok_or(VaultError::Garbled)?
    }

    /// Tells without caring for the answer: for what is closed or dropped.
    pub(crate) fn tell<C: Call>(&self, call: C) {
        let _ = self.call(call);
    }
}

/// For tests that look behind the calls.
#[cfg(test)]
impl Link {
    pub(crate) fn room(&self) -> &Strongroom {
        &self.0
    }
}
