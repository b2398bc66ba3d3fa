//! The table of operations: every request that a node answers, once. The request enum of the control socket, the response
//! enum, the dispatch and the typed client follow from it.
//!
//! A line names the module, the request's type, and when it works:
//!
//! | word | means |
//! | --- | --- |
//! | `even_locked` | also while the node is locked: it is done to the [`NodeHandle`] |
//! | `unlocked` | while the node's rooms are open: it is done to the [`Node`] |
//! | `unlocking` | as `unlocked`, to an [`Unlocking`]: a running node's parent does it, with the node's own process for the ledger |
//! | `copied` | as `unlocked`; the ledger and the desk are copied to the places for backups at once, so that a restoration keeps it |
//! | `desk` | as `copied`; refused after a restoration, until two officers have opened the desk |

use serde::{Deserialize, Serialize};

use crate::error::{OperationError, RequestError};
use crate::handle::NodeHandle;
use crate::node::{Node, Note};
use crate::operation::{Operation, Progress};
use crate::unlocking::Unlocking;

/// When an operation works. See the [table](self).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the table of this module says it")]
pub enum Works {
    EvenLocked,
    Unlocked,
    Copied,
    Desk,
}

/// An operation of the table, for a typed client.
pub trait Listed: Operation {
    /// The request as it crosses the control socket.
    fn into_request(self) -> Request;

    /// The result in a response; `None` when the response is another operation's.
    fn output(response: Response) -> Option<Self::Output>;
}

macro_rules! target {
    (even_locked) => {
        NodeHandle
    };
    (unlocked) => {
        Node
    };
    (unlocking) => {
        dyn Unlocking
    };
    (copied) => {
        Node
    };
    (desk) => {
        Node
    };
}

macro_rules! works {
    (even_locked) => {
        Works::EvenLocked
    };
    (unlocked) => {
        Works::Unlocked
    };
    (unlocking) => {
        Works::Unlocked
    };
    (copied) => {
        Works::Copied
    };
    (desk) => {
        Works::Desk
    };
}

macro_rules! operations {
    ($($module:ident { $($name:ident $works:ident),+ $(,)? })+) => {
        /// What is asked of a node.
        #[derive(Debug, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[allow(missing_docs, reason = "each is its request's type")]
        pub enum Request {
            $($($name(crate::$module::$name),)+)+
        }

        /// What a node answers: the result of the request of the same name.
        #[derive(Debug, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[allow(missing_docs, reason = "each is its request's result")]
        #[allow(clippy::large_enum_variant, reason = "one is made for a request, and written to the socket at once")]
        pub enum Response {
            $($($name(<crate::$module::$name as Operation>::Output),)+)+
        }

        impl Request {
            /// When it works.
            pub fn works(&self) -> Works {
                match self {
                    $($(Self::$name(_) => works!($works),)+)+
                }
            }

            /// Does it. Blocks.
            fn run(self, handle: &NodeHandle, progress: &mut dyn FnMut(Progress)) -> Result<Response, OperationError> {
                match self {
                    $($(Self::$name(request) => {
                        let target: &target!($works) = Target::of(handle)?;
                        Ok(Response::$name(Operation::run(request, target, progress)?))
                    })+)+
                }
            }
        }

        $($(impl Listed for crate::$module::$name {
            fn into_request(self) -> Request {
                Request::$name(self)
            }

            fn output(response: Response) -> Option<Self::Output> {
                match response {
                    Response::$name(output) => Some(output),
                    _ => None,
                }
            }
        })+)+
    };
}

operations! {
    status { ShowStatus even_locked }
    parent { OpenRooms even_locked, RecordEntry unlocked }
    unlock { Unlock even_locked, UnlockByToken even_locked }
    key_holders { ListKeyHolders even_locked, SetKeyHolders unlocking }
    token { AddToken unlocking, RemoveToken unlocking }
    passphrase { ChangeNodePassphrase unlocking }
    rotation {
        RotateServiceKey unlocked, RotateSigningKey unlocked, RotateAccountKey unlocked,
        RotateAccountKeyByOfficers unlocked,
    }
    compaction { Compact unlocked }
    fsck { CheckNode unlocked, CheckAccount unlocked }
    accounts { AddAccount unlocked, ListAccounts unlocked, ShowCustody unlocked, SetCustody unlocked, ChangePassword unlocked }
    secrets {
        AddAppPassword unlocked, ListAppPasswords unlocked, RevokeAppPassword unlocked, NewCodeSecret unlocked,
        TurnCodesOn unlocked, TurnCodesOff unlocked, LetPasswordServeMail unlocked, NewRecoveryCodes unlocked,
        UseRecoveryCode unlocked, ListSessions unlocked, EndSessions unlocked,
    }
    reset { BeginReset unlocked, ShowReset unlocked, FinishReset unlocked, StopReset unlocked }
    mailboxes { ShowQuota unlocked, SetQuota unlocked, ListDeleted unlocked, Undelete unlocked }
    closing { CloseAccount copied }
    officers { ListOfficers unlocked, ActOfTwo unlocked, ChangeOfficerPassphrase unlocked }
    keys { BackUpKeys unlocked }
    backup { BackUp unlocked, OpenDesk unlocked }
    transfer { Import unlocked, Export unlocked }
    cases {
        ServeDemand desk, ListCases unlocked, ShowCase unlocked, CheckApprovable desk, ApproveOrder desk, CollectCase desk,
        RefuseCase desk,
    }
    law {
        ExplainDecision unlocked, ReplayDecision unlocked, CompareLaw unlocked, AdoptLaw unlocked, ConfirmRule unlocked,
        DecideWhatIf unlocked,
    }
}

/// What an operation is done to, as far as the node has it.
trait Target {
    fn of(handle: &NodeHandle) -> Result<&Self, RequestError>;
}

impl Target for NodeHandle {
    fn of(handle: &NodeHandle) -> Result<&Self, RequestError> {
        Ok(handle)
    }
}

impl Target for Node {
    fn of(handle: &NodeHandle) -> Result<&Self, RequestError> {
        handle.node().map(AsRef::as_ref).ok_or(RequestError::Locked)
    }
}

impl Target for dyn Unlocking {
    fn of(handle: &NodeHandle) -> Result<&Self, RequestError> {
        <Node as Target>::of(handle).map(|node| node as &Self)
    }
}

/// What a node sends over the control socket, one a line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// How far a long job is.
    Progress(Progress),
    /// It is done: the last line.
    Ok(Box<Response>),
    /// It is not done: the last line.
    Error(OperationError),
}

/// What answers requests.
pub trait Answer: Send + Sync {
    /// Answers a request, reporting the progress of long jobs. Blocks.
    ///
    /// # Errors
    /// What the request's subject says, or why it was not tried.
    fn answer(&self, request: Request, progress: &mut dyn FnMut(Progress)) -> Result<Response, OperationError>;
}

impl Answer for NodeHandle {
    fn answer(&self, request: Request, progress: &mut dyn FnMut(Progress)) -> Result<Response, OperationError> {
        let works = request.works();
        if works == Works::Desk {
            <Node as Target>::of(self)?.desk_is_open()?;
        }
        let response = request.run(self, progress)?;
        if let (Works::Copied | Works::Desk, Some(node)) = (works, self.node())
            && let Err(error) = crate::backup::follow(node)
        {
            node.host.note(Note::NotCopied(error.to_string()));
        }
        Ok(response)
    }
}
