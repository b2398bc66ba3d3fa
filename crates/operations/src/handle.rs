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

impl NodeHandle {
    /// The node in `dir`, whose lock it takes; its vault's process runs and is locked.
    ///
    /// # Errors
    /// As [`ClosedNode::take`].
    pub fn start(dir: &Path, host: Arc<dyn Host>) -> Result<Self, NodeError> {
        Ok(Self::over(ClosedNode::take(dir, host)?))
    }

    /// A node whose vault may be unlocked already.
    pub fn over(closed: ClosedNode) -> Self {
        Self { closed, node: OnceLock::new(), opening: Mutex::new(()) }
    }

    /// Opens the rooms over a vault that somebody has unlocked.
    ///
    /// # Errors
    /// It is locked; a room's.
    pub fn open_unlocked(&self) -> Result<(), NodeError> {
        self.open_rooms(self.closed.gate.vault()?)
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

    /// What does not hold for the vault's process.
    pub fn vault_lacks(&self) -> Vec<String> {
        let confinement = self.closed.gate.confinement();
        confinement.ok().flatten().map(|confinement| confinement.lacks()).unwrap_or_default()
    }
}
