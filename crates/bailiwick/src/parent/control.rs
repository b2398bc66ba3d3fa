//! What the parent answers at the control socket. Operations on how the node is unlocked it does itself; all others the node's own process
//! does, and what people typed for them goes to the vault, which gives a name for it: the node's own process sees names only.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use durable::Disk;
use operations::config::Config;
use operations::error::{OperationError, RequestError, Room, RoomError};
use operations::node::{ClosedNode, NodeError, Note};
use operations::operation::{Namer, Operation, Progress, with_names};
use operations::parent::{EntryRecorded, OpenRooms, RecordEntry};
use operations::status::Lock;
use operations::table::{Answer, Request, Response};
use operations::unlock::UnlockResult;
use operations::unlocking::Unlocking;
use serde_json::Value;
use vault::{CostProfile, Vault, VaultGate, VaultState};

use super::Parent;
use super::child::{NodeLine, request};
use crate::files_process;
use crate::words::ToNode;

impl Answer for Parent {
    fn answer(&self, asked: Request, progress: &mut dyn FnMut(Progress)) -> Result<Response, OperationError> {
        match asked {
            Request::Unlock(asked) => {
                let vault = {
                    let _turn = self.vault_turn.lock().unwrap_or_else(PoisonError::into_inner);
                    self.closed.unlock_by_hand(asked.holder.as_ref(), &asked.passphrase.0)?
                };
                self.unlocked(vault).map(Response::Unlock)
            }
            Request::UnlockByToken(asked) => {
                let vault = {
                    let _turn = self.vault_turn.lock().unwrap_or_else(PoisonError::into_inner);
                    self.closed.unlock_by_typed_pin(&asked.pin.0)?
                };
                self.unlocked(Some(vault)).map(Response::UnlockByToken)
            }
            Request::SetKeyHolders(asked) => {
                self.unlocking(|house| asked.run(house, progress)).map(Response::SetKeyHolders)
            }
            Request::AddToken(asked) => self.unlocking(|house| asked.run(house, progress)).map(Response::AddToken),
            Request::RemoveToken(asked) => {
                self.unlocking(|house| asked.run(house, progress)).map(Response::RemoveToken)
            }
            Request::ChangeNodePassphrase(asked) => {
                self.unlocking(|house| asked.run(house, progress)).map(Response::ChangeNodePassphrase)
            }
            asked if asked.is_for_parent() => {
                Err(RequestError::NotUnderstood("only the node's parent asks this".to_owned()).into())
            }
            asked => self.pass_on(asked, progress),
        }
    }
}

impl Parent {
    /// After somebody typed: `None` while a second key holder is awaited.
    fn unlocked(&self, vault: Option<Vault>) -> Result<UnlockResult, OperationError> {
        if vault.is_none() {
            return Ok(UnlockResult { vault: Lock::Locked });
        }
        self.node.ask(OpenRooms {})?;
        tracing::info!("{}", Note::Unlocked);
        Ok(UnlockResult { vault: Lock::Unlocked })
    }

    /// Does something about how the node is unlocked.
    fn unlocking<T>(
        &self,
        work: impl FnOnce(&(dyn Unlocking + 'static)) -> Result<T, OperationError>,
    ) -> Result<T, OperationError> {
        if self.closed.gate.state() != VaultState::Unlocked {
            return Err(RequestError::Locked.into());
        }
        let vault = self.closed.gate.vault().map_err(NodeError::from)?;
        let done = work(&House { closed: self.closed.clone(), node: self.node.clone(), vault });
        self.tell_settings();
        done
    }

    /// Tells the node's own process what `node.toml` says now.
    pub(super) fn tell_settings(&self) {
        match std::fs::read_to_string(Config::path(&self.closed.dir)) {
            Ok(settings) => self.node.tell(&ToNode::Settings(settings), &[]),
            Err(error) => tracing::error!("node.toml cannot be read: {error}"),
        }
    }

    /// Has the node's own process answer, with names in place of secrets.
    fn pass_on(&self, asked: Request, progress: &mut dyn FnMut(Progress)) -> Result<Response, OperationError> {
        asked.check_secrets()?;
        let places = asked.places(&self.closed.config);
        let no_process = |error: io::Error| RequestError::NoProcess(error.to_string());
        let socket = if places.is_empty() { None } else { Some(files_process::start(&places).map_err(no_process)?) };
        let kept = Kept { gate: self.closed.gate.clone(), names: Arc::default() };
        let answered =
            self.node.request(request(asked), socket.as_ref(), progress, |write| with_names(kept.namer(), write));
        drop(kept);
        answered
    }
}

/// Secrets that the vault keeps while a request is answered.
struct Kept {
    gate: VaultGate,
    /// The names, by nothing but their order.
    names: Arc<Mutex<BTreeMap<usize, String>>>,
}

impl Kept {
    fn namer(&self) -> Namer {
        let (gate, names) = (self.gate.clone(), self.names.clone());
        Box::new(move |secret| {
            let name = gate.keep_secret(secret).ok()?;
            let mut names = names.lock().unwrap_or_else(PoisonError::into_inner);
            let at = names.len();
            names.insert(at, name.clone());
            Some(name)
        })
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let names: Vec<String> = self.names.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        if !names.is_empty() {
            let _ = self.gate.forget_kept(&names);
        }
    }
}

/// The node, for what is done about its unlocking: the parent has all of it but the ledger.
struct House {
    closed: Arc<ClosedNode>,
    node: Arc<NodeLine>,
    vault: Vault,
}

impl Unlocking for House {
    fn dir(&self) -> &Path {
        &self.closed.dir
    }

    fn disk(&self) -> &dyn Disk {
        self.closed.disk()
    }

    fn gate(&self) -> &VaultGate {
        &self.closed.gate
    }

    fn vault(&self) -> &Vault {
        &self.vault
    }

    fn cost(&self) -> CostProfile {
        self.closed.config.vault.cost()
    }

    fn record(&self, kind: &str, more: Value) -> Result<u64, RoomError> {
        let recorded = self.node.ask(RecordEntry { kind: kind.to_owned(), more });
        recorded
            .map(|EntryRecorded { entry }| entry)
            .map_err(|error| RoomError { room: Room::Ledger, message: error.to_string() })
    }
}
