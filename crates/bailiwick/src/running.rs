//! A node that runs: its doors are open from the start, its rooms from the moment at which its vault is unlocked.

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use doors::control::keys::KeysRequest;
use doors::control::{Control, Outcome, Progress, Request};
use mailroom::Opening;
use serde_json::json;
use terms::{OfficerName, Secret};
use vault::{Vault, VaultState};

use crate::hands;
use crate::node::{ClosedNode, Node, NodeError};

/// A running node, locked or not.
pub(crate) struct Running {
    pub(crate) closed: ClosedNode,
    pub(crate) mail: Opening,
    node: OnceLock<Arc<Node>>,
    /// Held while the rooms are opened: two people may type at the same time.
    opening: Mutex<()>,
}

/// What looking after the vault has found.
pub(crate) enum Looked {
    /// It is there.
    Well,
    /// It was gone, and another was started.
    Restarted,
}

impl Running {
    /// The node in `dir`; its vault's process runs and is locked.
    ///
    /// # Errors
    /// As [`ClosedNode::take`].
    pub(crate) fn start(dir: &Path) -> Result<Self, NodeError> {
        let closed = ClosedNode::take(dir)?;
        let mail = Opening::locked(&closed.config.hostname);
        Ok(Self { closed, mail, node: OnceLock::new(), opening: Mutex::new(()) })
    }

    /// The node, when its rooms are open.
    pub(crate) fn node(&self) -> Option<&Arc<Node>> {
        self.node.get()
    }

    /// Unlocks the vault by what needs nobody, and opens the rooms. `false` when that is for people to do.
    ///
    /// # Errors
    /// The vault's, or a room's.
    pub(crate) fn unlock_unattended(&self) -> Result<bool, NodeError> {
        let vault = self.closed.unlock_unattended()?;
        let unlocked = vault.is_some();
        vault.map_or(Ok(()), |vault| self.open_rooms(vault))?;
        Ok(unlocked)
    }

    /// Opens the rooms over an unlocked vault. Those that are open already go on with it.
    fn open_rooms(&self, vault: Vault) -> Result<(), NodeError> {
        let _turn = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if self.node.get().is_none() {
            let node = Arc::new(self.closed.open_rooms(vault)?);
            for trouble in node.desk.troubles() {
                tracing::error!("{trouble}");
            }
            self.mail.open(node.mailroom.clone());
            let _ = self.node.set(Arc::clone(&node));
            // What was interrupted goes on; mail does not wait for it.
            std::thread::spawn(move || node.look_after_keys());
        }
        Ok(())
    }

    /// Starts the vault's process again when it is gone, and unlocks it when that needs nobody.
    ///
    /// # Errors
    /// It does not start, or does not unlock.
    pub(crate) fn look_after_vault(&self) -> Result<Looked, NodeError> {
        match self.closed.gate.state() {
            VaultState::Unlocked => Ok(Looked::Well),
            VaultState::Away => {
                self.closed.restart_vault()?;
                self.unlock_unattended()?;
                Ok(Looked::Restarted)
            }
            // Whoever started it again could not unlock it; or it waits for people.
            VaultState::Locked => self.unlock_unattended().map(|_| Looked::Well),
        }
    }

    /// What does not hold for the vault's process.
    pub(crate) fn vault_lacks(&self) -> Vec<String> {
        let confinement = self.closed.gate.confinement();
        confinement.ok().flatten().map(|confinement| confinement.lacks()).unwrap_or_default()
    }

    /// Somebody's part in unlocking the node.
    fn unlock(&self, holder: Option<&OfficerName>, passphrase: &Secret<String>) -> Result<Outcome, String> {
        let (gate, cost) = (&self.closed.gate, self.closed.config.vault.cost());
        let vault = match holder {
            Some(holder) => gate.unlock_part(holder, passphrase, cost),
            None => gate.unlock(passphrase, cost).map(Some),
        };
        let Some(vault) = vault.map_err(|error| error.to_string())? else {
            let text = "Your part is done. Another one types within ten minutes.".to_owned();
            return Ok(Outcome { text, data: json!({ "vault": "locked" }) });
        };
        self.open_rooms(vault).map_err(|error| error.to_string())?;
        tracing::info!("the node is unlocked");
        Ok(Outcome { text: "The node is unlocked.".to_owned(), data: json!({ "vault": "unlocked" }) })
    }

    /// Unlocks the node by its token, with a PIN that somebody typed.
    fn unlock_by_token(&self, pin: &Secret<String>) -> Result<Outcome, String> {
        let vault = self.closed.unlock_by_typed_pin(pin).map_err(|error| error.to_string())?;
        self.open_rooms(vault).map_err(|error| error.to_string())?;
        tracing::info!("the node is unlocked");
        Ok(Outcome { text: "The node is unlocked.".to_owned(), data: json!({ "vault": "unlocked" }) })
    }

    fn locked_status(&self) -> Outcome {
        let config = &self.closed.config;
        let refused =
            if self.closed.is_pin_refused() { "; the token has refused the PIN, and waits for a person" } else { "" };
        let text = format!(
            "{} ({}), {}\nlocked: it takes mail for nobody and nobody can sign in{refused}",
            config.name, config.jurisdiction, config.hostname
        );
        let data = json!({
            "jurisdiction": config.jurisdiction, "hostname": config.hostname, "vault": "locked",
            "vault_process": self.closed.gate.process_id(), "vault_lacks": self.vault_lacks(),
        });
        Outcome { text, data }
    }
}

impl Control for Running {
    fn handle(&self, request: Request, progress: &mut dyn FnMut(Progress)) -> Result<Outcome, String> {
        let unlocked = self.closed.gate.state() == VaultState::Unlocked;
        match (request, self.node()) {
            (Request::Status, Some(node)) if unlocked => {
                let mut outcome = node.handle(Request::Status, progress)?;
                outcome.text.push_str("\nvault unlocked");
                outcome.data["vault"] = json!("unlocked");
                outcome.data["vault_process"] = json!(self.closed.gate.process_id());
                outcome.data["vault_lacks"] = json!(self.vault_lacks());
                Ok(outcome)
            }
            (Request::Status, _) => Ok(self.locked_status()),
            (Request::NodeUnlock { holder, passphrase }, _) => self.unlock(holder.as_ref(), &passphrase.0),
            (Request::Keys(KeysRequest::HandsList), None) => hands::list(&self.closed.gate),
            (Request::NodeUnlockToken { pin }, _) => self.unlock_by_token(&pin.0),
            (request, Some(node)) => node.handle(request, progress),
            (_, None) => Err("the node is locked: people unlock it (`bailiwick node unlock`)".to_owned()),
        }
    }
}
