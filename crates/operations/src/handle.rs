//! A node in this process, locked or not: its vault's process runs from the start, its rooms are open from the moment at
//! which the vault is unlocked.

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use vault::{Vault, VaultState};

use crate::node::{ClosedNode, Host, Node, NodeError};

/// A node, locked or not.
pub struct NodeHandle {
    /// What there is while it is locked, too.
    pub closed: ClosedNode,
    node: OnceLock<Arc<Node>>,
    /// Held while the rooms are opened: two people may type at the same time.
    opening: Mutex<()>,
}

/// What looking after the vault has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    /// It is there.
    Well,
    /// It was gone, and another was started.
    Restarted,
}

impl NodeHandle {
    /// The node in `dir`, whose lock it takes; its vault's process runs and is locked.
    ///
    /// # Errors
    /// As [`ClosedNode::take`].
    pub fn start(dir: &Path, host: Arc<dyn Host>) -> Result<Self, NodeError> {
        Ok(Self { closed: ClosedNode::take(dir, host)?, node: OnceLock::new(), opening: Mutex::new(()) })
    }

    /// The node, when its rooms are open.
    pub fn node(&self) -> Option<&Arc<Node>> {
        self.node.get()
    }

    /// Whether the vault is unlocked and the rooms are open.
    pub fn is_unlocked(&self) -> bool {
        self.node().is_some() && self.closed.gate.state() == VaultState::Unlocked
    }

    /// Unlocks the vault by what needs nobody, and opens the rooms. `false` when that is for people to do.
    ///
    /// # Errors
    /// The vault's, or a room's.
    pub fn unlock_unattended(&self) -> Result<bool, NodeError> {
        let vault = self.closed.unlock_unattended()?;
        let unlocked = vault.is_some();
        vault.map_or(Ok(()), |vault| self.open_rooms(vault))?;
        Ok(unlocked)
    }

    /// Opens the rooms over an unlocked vault. Those that are open already continue with it.
    pub(crate) fn open_rooms(&self, vault: Vault) -> Result<(), NodeError> {
        let _turn = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if self.node.get().is_none() {
            let node = Arc::new(self.closed.open_rooms(vault)?);
            let _ = self.node.set(Arc::clone(&node));
            self.closed.host.opened(&node);
        }
        Ok(())
    }

    /// Starts the vault's process again when it is gone, and unlocks it when that needs nobody.
    ///
    /// # Errors
    /// It does not start, or does not unlock.
    pub fn look_after_vault(&self) -> Result<Looked, NodeError> {
        match self.closed.gate.state() {
            VaultState::Unlocked => Ok(Looked::Well),
            VaultState::Away => {
                self.closed.restart_vault()?;
                self.unlock_unattended()?;
                Ok(Looked::Restarted)
            }
            // It was started again and could not be unlocked; or it waits for people.
            VaultState::Locked => self.unlock_unattended().map(|_| Looked::Well),
        }
    }

    /// What does not hold for the vault's process.
    pub fn vault_lacks(&self) -> Vec<String> {
        let confinement = self.closed.gate.confinement();
        confinement.ok().flatten().map(|confinement| confinement.lacks()).unwrap_or_default()
    }
}
