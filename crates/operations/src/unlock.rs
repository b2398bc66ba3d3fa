//! Unlocking a running node: two key holders, the node's own passphrase, or the PIN of its token.

use serde::{Deserialize, Serialize};
use terms::OfficerName;
use vault::Vault;

use crate::error::{OperationError, RequestError};
use crate::handle::NodeHandle;
use crate::node::Note;
use crate::operation::{Operation, Progress, SecretText};
use crate::status::Lock;

/// One key holder's part in unlocking the node, or all of it with the node's own passphrase.
#[derive(Debug, Serialize, Deserialize)]
pub struct Unlock {
    /// Who types; nobody when it is the node's own passphrase.
    pub holder: Option<OfficerName>,
    /// What was typed.
    pub passphrase: SecretText,
}

/// Unlocks the node by its token, with a PIN that somebody typed.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct UnlockByToken {
    pub pin: SecretText,
}

/// How the node stands after a part in unlocking it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnlockResult {
    /// [`Lock::Locked`] while a second key holder is awaited.
    pub vault: Lock,
}

impl Operation for Unlock {
    type Target = NodeHandle;
    type Output = UnlockResult;
    type Error = OperationError;

    fn run(self, handle: &NodeHandle, _: &mut dyn FnMut(Progress)) -> Result<UnlockResult, OperationError> {
        handle.must_run()?;
        match handle.closed.unlock_by_hand(self.holder.as_ref(), &self.passphrase.0)? {
            None => Ok(UnlockResult { vault: Lock::Locked }),
            Some(vault) => handle.unlocked(vault),
        }
    }
}

impl Operation for UnlockByToken {
    type Target = NodeHandle;
    type Output = UnlockResult;
    type Error = OperationError;

    fn run(self, handle: &NodeHandle, _: &mut dyn FnMut(Progress)) -> Result<UnlockResult, OperationError> {
        handle.must_run()?;
        let vault = handle.closed.unlock_by_typed_pin(&self.pin.0)?;
        handle.unlocked(vault)
    }
}

impl NodeHandle {
    /// Unlocking ends with the process: it is for a node whose doors are open.
    fn must_run(&self) -> Result<(), RequestError> {
        if self.closed.host.has_doors() { Ok(()) } else { Err(RequestError::NotRunning) }
    }

    fn unlocked(&self, vault: Vault) -> Result<UnlockResult, OperationError> {
        self.open_rooms(vault)?;
        self.closed.host.note(Note::Unlocked);
        Ok(UnlockResult { vault: Lock::Unlocked })
    }
}
