//! What the keeper needs of this crate and nobody else may name: the wire, the encoding, the cryptography that both sides
//! use, and the way to a vault that answers in this process. `xtask/src/layers.rs` holds every other crate to that.

use std::sync::Arc;

use terms::{AccountId, Clock};

pub use crate::crypto::{
    AeadKey, DoesNotOpen, HYBRID_OVERHEAD, Key32, Lent, NONCE_ZERO, Prk, TAG_LEN, hmac, random_key, same, seal_hybrid,
    sha256, verify,
};
pub use crate::encode::{Decoder, Encoder};
pub use crate::mail::epoch::{EPOCH_FORMAT, epoch_info, seal_epoch};
pub use crate::mail::message::derive_key;
pub use crate::officers::clearance::Cleared;
pub use crate::owners::scram::{First, Flag, printable_text};
pub use crate::token::{HelperAnswer, HelperAsk, Job, TokenAsk, answer_info};
pub use crate::transport::{Asked, Backend, Link};
pub use crate::wire::{Out, Wire, deposit, frame, from_bytes, to_frame};
pub use crate::wire_struct;

use crate::{KeyAsk, MessageKey, OpenedShare, ShareId, Vault, VaultGate};

/// The way to a vault in this process.
pub fn gate(backend: Arc<dyn Backend>, clock: Arc<dyn Clock>) -> VaultGate {
    VaultGate::over(Link::here(backend), clock)
}

/// The way to a vault, call by call.
pub fn link(gate: &VaultGate) -> &Link {
    gate.link()
}

/// What answers an unlocked vault's calls, when it is in this process.
pub fn backend(vault: &Vault) -> Option<Arc<dyn Backend>> {
    vault.link().backend()
}

/// A message key of its bytes: for those who look for keys where none should be.
pub fn message_key(account: AccountId, ask: KeyAsk, key: Key32) -> MessageKey {
    MessageKey::from_parts(account, ask, key)
}

/// The bytes of a message key.
pub fn message_key_bytes(key: &MessageKey) -> &[u8; 32] {
    key.expose()
}

/// Under which id the keeper has what an officer's passphrase opened.
pub fn share_id(opened: &OpenedShare) -> ShareId {
    opened.id()
}
