//! What a node's parent asks of the node's own process, and nobody else may: `bailiwick node run` consists of both (docs/processes.md).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::accounts::{AccountError, AddAccount, ChangePassword, check_password};
use crate::error::OperationError;
use crate::handle::NodeHandle;
use crate::keys::KeysError;
use crate::node::Node;
use crate::operation::{Operation, Progress};
use crate::reset::FinishReset;
use crate::secrets::UseRecoveryCode;
use crate::table::Request;

/// Opens the rooms over a vault that the parent has unlocked.
#[derive(Debug, Serialize, Deserialize)]
pub struct OpenRooms {}

/// The rooms are open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomsOpened {}

impl Operation for OpenRooms {
    type Target = NodeHandle;
    type Output = RoomsOpened;
    type Error = OperationError;

    fn run(self, handle: &NodeHandle, _: &mut dyn FnMut(Progress)) -> Result<RoomsOpened, OperationError> {
        handle.open_unlocked()?;
        Ok(RoomsOpened {})
    }
}

/// Records an entry of the house in the ledger, for an act that the parent does.
#[derive(Debug, Serialize, Deserialize)]
pub struct RecordEntry {
    /// What is done.
    pub kind: String,
    /// More fields.
    pub more: Value,
}

/// It is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryRecorded {
    /// The entry's number.
    pub entry: u64,
}

impl Operation for RecordEntry {
    type Target = Node;
    type Output = EntryRecorded;
    type Error = KeysError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<EntryRecorded, KeysError> {
        Ok(EntryRecorded { entry: node.record(&self.kind, self.more)? })
    }
}

impl Request {
    /// Looks at new passwords where they can be seen: the node's own process gets names in their place.
    ///
    /// # Errors
    /// One is too short.
    pub fn check_secrets(&self) -> Result<(), AccountError> {
        match self {
            Self::AddAccount(AddAccount { password: new, .. })
            | Self::ChangePassword(ChangePassword { new, .. })
            | Self::UseRecoveryCode(UseRecoveryCode { new, .. })
            | Self::FinishReset(FinishReset { new, .. }) => check_password(&new.0),
            _ => Ok(()),
        }
    }

    /// Whether only a node's parent may ask this.
    pub fn is_for_parent(&self) -> bool {
        matches!(self, Self::OpenRooms(_) | Self::RecordEntry(_))
    }
}
