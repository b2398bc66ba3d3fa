//! The vault's process, as the node's parent looks after it: started again when it has died, and unlocked when that needs nobody.

use std::os::fd::AsFd;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use operations::node::{ClosedNode, NodeError};
use operations::parent::OpenRooms;
use vault::VaultState;

use super::{Parent, RESTART_WAIT, RESTART_WAIT_MAX, RunError};
use crate::words::ToNode;

/// Says what does not hold for the vault's process.
pub(super) fn say_confinement(closed: &ClosedNode) {
    match closed.gate.confinement() {
        Ok(Some(confinement)) => {
            for lack in confinement.lacks() {
                tracing::warn!("the vault's process: {lack}");
            }
        }
        Ok(None) => {}
        Err(error) => tracing::error!("the vault's process: {error}"),
    }
}

/// Unlocks the vault at the start of the node, by what needs nobody.
pub(super) fn unlock_at_start(parent: &Parent) -> Result<(), RunError> {
    match parent.closed.unlock_unattended() {
        Ok(Some(_)) => {}
        Ok(None) => tracing::warn!("the node is locked; unlock it with `bailiwick node unlock`"),
        // A token may be plugged in later: a node without it is locked, and ends no more than one that waits for people.
        Err(NodeError::Token(error)) => tracing::error!("the node is locked: {error}"),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Looks after the vault, all the time. Meanwhile the doors say "try again"; earlier sessions are over: their owners sign in again.
pub(super) fn look_after_vault(parent: &Parent) {
    let mut wait = RESTART_WAIT;
    loop {
        std::thread::sleep(wait);
        if parent.stopping.load(Ordering::SeqCst) {
            return;
        }
        match look(parent) {
            Ok(false) => wait = RESTART_WAIT,
            Ok(true) => {
                tracing::error!("the vault's process died and was restarted; find out why");
                wait = (wait * 4).min(RESTART_WAIT_MAX);
            }
            Err(NodeError::Token(error)) => {
                tracing::error!("the node is locked: {error}");
                wait = (wait * 4).min(RESTART_WAIT_MAX);
            }
            Err(error) => {
                tracing::error!("the vault is unavailable: {error}");
                wait = (wait * 4).min(RESTART_WAIT_MAX);
            }
        }
    }
}

/// One look; whether the vault's process was started again.
fn look(parent: &Parent) -> Result<bool, NodeError> {
    let _turn = parent.vault_turn.lock().unwrap_or_else(PoisonError::into_inner);
    let restarted = match parent.closed.gate.state() {
        VaultState::Unlocked => return Ok(false),
        VaultState::Away => {
            let end = parent.closed.restart_vault_for_two()?;
            let process = parent.closed.gate.process_id().unwrap_or_default();
            parent.node.tell(&ToNode::Vault { process }, &[end.as_fd()]);
            true
        }
        // It was started again and could not be unlocked; or it waits for people.
        VaultState::Locked => false,
    };
    if parent.closed.unlock_unattended()?.is_some() {
        parent.rooms_open();
    }
    Ok(restarted)
}

impl Parent {
    /// The vault is unlocked: the node's own process opens its rooms, or goes on with those that are open.
    pub(super) fn rooms_open(&self) {
        if let Err(error) = self.node.ask(OpenRooms {}) {
            tracing::error!("the node does not open: {error}");
        }
    }
}
