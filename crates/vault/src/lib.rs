//! The handle to a node's keys, and the proofs of authority: sealing, signing in, officers, clearances.
//!
//! Stored mail opens for two things only, and both are made here: a [`SignedIn`], which the owner's password makes, and
//! a [`Clearance`], which two officers make together when the home's ledger has both approvals. There is no third way,
//! and none of the calls below returns a private key, a share or the service key: those are in the vault's own process,
//! which runs the crate `keeper`. This crate does not know that one.
//!
//! * [`EpochSealer`] seals arriving mail to an account's public key; it needs no secret and cannot open what it sealed.
//! * [`MessageKey`] opens the parts of one message.
//! * [`VaultGate`] is a vault that may be locked; [`Vault`] is the handle to the node's keys once it is unlocked, and makes
//!   the proofs. Each of their calls is a message ([`calls`] is the list, and says how to add one).
//! * [`Order`], [`Approval`], [`ProvenApproval`] lead to a [`Clearance`].
//!
//! The bytes are in `docs/formats/keys.md` and `docs/formats/message.md`; who can and cannot do what is in
//! `docs/threat-model.md`. All cryptography is in `crypto/`, here and in the keeper.

mod backup;
pub mod calls;
mod confinement;
mod cost;
mod crypto;
mod encode;
mod error;
mod founding;
mod handle;
pub mod inside;
mod mail;
mod memory;
mod officers;
mod owners;
mod rotations;
mod token;
mod transport;
mod wire;

pub use backup::KeyBackup;
pub use confinement::Confinement;
pub use cost::{CostProfile, GUESS_TARGET_MILLIS};
pub use crypto::SystemEntropy;
pub use error::{FileError, MailError, OfficerError, OrderError, OwnerError, RotationError, UnlockError, VaultError};
pub use founding::Founding;
pub use handle::{BegunAct, ScramExchange, SealedSoon, Vault, VaultGate, VaultState};
pub use mail::epoch::{AccountPublicKey, EpochSealer, SealedEpochKey};
pub use mail::index::{INDEX_BLOCK_OVERHEAD, IndexFileId, IndexKey, IndexOpener, IndexSealer};
pub use mail::message::{KeyAsk, MessageKey, Part, plain_len, sealed_len};
pub use memory::MemoryUse;
pub use officers::act::{Act, ActId, ActedBy, OfficerProof, SignedAct, act_statement};
pub use officers::approval::{Approval, OpenedShare, ProvenApproval, SealedShare, ShareId, approval_statement};
pub use officers::clearance::Clearance;
pub use officers::escrow::Sweep;
pub use officers::officer::{OfficerPublic, POWERLESS_MILLIS};
pub use officers::order::Order;
pub use owners::custody::{Custody, CustodyRow, TABLE as CUSTODY_TABLE, UnknownCustody};
pub use owners::network::Network;
pub use owners::otpauth::otpauth;
pub use owners::scopes::{APP_PASSWORDS_MAX, NAME_BYTES_MAX, Scopes};
pub use owners::scram::{ChannelBinding, ExchangeId, ScramError, scram_user};
pub use owners::secrets::{
    AccountGuard, AppPasswordInfo, Attempt, Claim, OwnerProof, OwnerSecrets, PendingReset, RECOVERY_CODES,
    REMEMBERED_MILLIS, SEEN_DAYS, SessionInfo,
};
pub use owners::session_token::{SESSION_MILLIS_MAX, SESSIONS_MAX, SessionToken};
pub use owners::sign_in::{SessionId, SignedIn};
pub use rotations::Rotations;
pub use token::{Token, TokenError, TokenKey};
pub use transport::{ALLOCATOR, NODE_OOM_SCORE_ADJ, VaultProgram};
