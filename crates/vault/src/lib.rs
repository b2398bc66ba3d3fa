//! Keys and proofs of right: sealing, signing in, officers, clearances.
//!
//! Stored mail opens for two things only, and both are made here: a [`SignedIn`], which the owner's password makes, and
//! a [`Clearance`], which two officers make together when the home's ledger has both approvals. There is no third way,
//! and none of the calls below returns a private half, a share or the service key.
//!
//! * [`EpochSealer`] seals arriving mail to an account's public half; it needs no secret and cannot open what it sealed.
//! * [`MessageKey`] opens the parts of one message.
//! * [`Vault`] is the way to the node's keys, which the keeper holds (`keeper.rs`), and makes the proofs. Each of its calls
//!   is a message (`calls.rs` is the list, and says how to add one).
//! * [`Order`], [`Approval`], [`ProvenApproval`] lead to a [`Clearance`].
//!
//! The octets are in `docs/formats/keys.md` and `docs/formats/message.md`; who can and cannot do what is in
//! `docs/threat-model.md`. All cryptography is in `crypto/`.

mod account;
mod act;
mod approval;
mod calls;
mod clearance;
mod crypto;
mod custody;
mod encode;
mod epoch;
mod error;
mod folder;
mod hands;
mod index;
mod keeper;
mod kept;
mod line;
mod link;
mod message;
mod network;
mod node;
mod officer;
mod order;
mod otpauth;
mod paper;
pub mod process;
mod ring;
mod scram;
mod secrets;
mod seen;
mod service;
mod sign_in;
mod strongroom;
mod throttle;
pub mod token;
mod vault;
mod wire;

// The stage of the tests in tests/it, for those that need to look behind the public calls.
#[cfg(test)]
pub(crate) use crate as room;
#[cfg(test)]
#[path = "../tests/it/desk.rs"]
#[allow(dead_code, clippy::unwrap_used, reason = "shared with tests/it, which uses all of it")]
mod desk;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
mod shredded;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
mod thief;

pub use account::RECOVERY_CODES;
pub use account::app_password::{APP_PASSWORDS_MAX, NAME_BYTES_MAX, Scopes};
pub use account::session::{SESSION_MILLIS_MAX, SESSIONS_MAX, SessionToken};
pub use act::{Act, ActedBy, Hand, SignedAct, act_statement};
pub use approval::{Approval, OpenedShare, ProvenApproval, SealedShare, approval_statement};
pub use clearance::Clearance;
pub use crypto::{CostProfile, GUESS_TARGET, SystemEntropy};
pub use custody::{Custody, CustodyRow, TABLE as CUSTODY_TABLE, UnknownCustody};
pub use epoch::{AccountPublicKey, EpochSealer, SealedEpochKey};
pub use error::VaultError;
pub use index::{INDEX_BLOCK_OVERHEAD, IndexFileId, IndexKey, IndexOpener, IndexSealer};
pub use keeper::Founding;
pub use keeper::escrow::Sweep;
pub use keeper::pairs::Rotations;
pub use keeper::periods::KeyBackup;
pub use keeper::sessions::REMEMBERED_MILLIS;
pub use line::VaultProgram;
pub use message::{KeyAsk, MessageKey, Part, plain_len, sealed_len};
pub use network::Network;
pub use officer::{OfficerPublic, POWERLESS_MILLIS};
pub use order::Order;
pub use otpauth::otpauth;
pub use scram::{ChannelBinding, ScramError, scram_user};
pub use secrets::{AccountGuard, AppPasswordInfo, Attempt, Claim, OwnerProof, OwnerSecrets, PendingReset, SessionInfo};
pub use seen::SEEN_DAYS;
pub use sign_in::SignedIn;
pub use token::{Token, TokenError, TokenKey};
pub use vault::{BegunAct, ScramExchange, SealedSoon, Vault, VaultGate, VaultState};
