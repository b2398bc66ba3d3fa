//! What a node may ask of its vault. One declaration for each call, in the file of its subject.
//!
//! # A new call
//!
//! 1. *Declare it* in `crates/vault/src/calls/<subject>.rs`, in the list that [`calls!`](declare) reads:
//!
//!    ```text
//!    /// What it does, what is durable when it returns, and how it refuses.
//!    pub fn account_public_key(account: AccountId) -> AccountPublicKey;
//!    ```
//!
//!    An argument is a number, an id, or a reference (`&OwnerProof`, `&str`, `&[KeyAsk]`, `Option<&Secret<String>>`). The
//!    answer is plain data; every call may also fail with a [`VaultError`]. Passwords and passphrases are
//!    [`terms::Secret`]. No answer holds a private key, a share or the service key: what must stay with the keeper stays
//!    there, under an id (`crates/keeper/src/owners/sessions.rs`). After the answer may stand:
//!
//!    * `, slow`: it computes Argon2id or may wait for long, and so must not hold up the others;
//!    * `, tell`: the node does not wait for the answer;
//!    * `, soon`: the node does something else until it waits for the answer ([`Asked`](crate::inside::Asked)).
//!
//! 2. *Answer it* in the keeper, in the file that has `impl vault::calls::<subject>::Calls` (the compiler names it).
//!
//! The request and its bytes, its number, and the method on [`Vault`](crate::Vault) or [`VaultGate`](crate::VaultGate)
//! follow from the declaration. Where that method is to do more (make a [`SignedIn`](crate::SignedIn) or a
//! [`Clearance`](crate::Clearance), keep something), the declaration says `raw fn` instead of `pub fn`, and the method is
//! written by hand in `crates/vault/src/handle/<subject>.rs`, over `self.link.<call>(…)`.
//!
//! A new refusal is a line in `error.rs`; a new noun gets its line in `wire/nouns.rs`. A test in `crates/keeper/tests/it`
//! calls the public method; the bytes are tested with it.

mod declare;

use std::sync::Arc;

use zeroize::Zeroizing;

use self::declare::{calls, subjects};
use crate::VaultError;
use crate::encode::Decoder;
use crate::wire::to_frame;

subjects! {
    // Answered by a vault that may be locked.
    locked: gate, token;
    // Answered by the keeper, once the vault is unlocked.
    unlocked: accounts, acts, backups, check, clearances, closing, escrow, index, officers, pairs, resets, secrets, service,
        service_rotation, sign_in, signing;
}

/// A frame with a refusal that no call made. Its head is not filled in.
pub fn refusal(error: VaultError) -> Zeroizing<Vec<u8>> {
    to_frame(&Err::<(), _>(error))
}
