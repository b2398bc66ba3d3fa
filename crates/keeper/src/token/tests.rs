//! The file and the questions, with a token in software. A real module is called in the tests of the program.

use std::path::Path;
use std::sync::Arc;

use durable::{Disk, Visibility};
use vault::inside::{TokenAsk, answer_info, link};
use vault::{FileError, SystemEntropy, TokenKey, UnlockError, VaultError, VaultGate, VaultState};

use crate::crypto::oaep::soft::SoftToken;
use crate::crypto::seal_hybrid;
use crate::desk::{Desk, NODE_PASSPHRASE, cheap};

const FILE: &str = "vault/node.token";

/// The desk's vault after a restart: locked.
fn gate(desk: &Desk) -> VaultGate {
    crate::here(Arc::new(desk.disk.clone()), "vault".into(), desk.clock.clone(), desk.entropy.clone())
}

fn key(token: &SoftToken) -> TokenKey {
    TokenKey { id: vec![7; 16], public: token.public() }
}

fn added() -> (Desk, SoftToken) {
    let (desk, token) = (Desk::new("IE", 1), SoftToken::new());
    gate(&desk).add_token(&NODE_PASSPHRASE.into(), &key(&token)).unwrap();
    (desk, token)
}

/// What the helper answers.
fn answer(token: &SoftToken, ask: &TokenAsk) -> Option<Vec<u8>> {
    let secret = token.open(&ask.sealed)?;
    seal_hybrid(&ask.to, &answer_info(&ask.to), &secret, &SystemEntropy).ok()
}

fn take(gate: &VaultGate, sealed: Vec<u8>) -> Result<(), VaultError> {
    link(gate).take_token(&sealed, cheap())
}

fn unlock(gate: &VaultGate, token: &SoftToken) -> Result<(), VaultError> {
    let ask = link(gate).ask_token()?;
    take(gate, answer(token, &ask).unwrap_or_default())
}

#[test]
fn the_token_unlocks_it() {
    let (desk, token) = added();
    let sealed = desk.vault.service_seal("x", b"text").unwrap();
    let gate = gate(&desk);
    unlock(&gate, &token).unwrap();
    assert_eq!(gate.vault().unwrap().service_open("x", &sealed).unwrap(), b"text");
    // It is unlocked, and is asked whether the token would.
    unlock(&gate, &token).unwrap();
    assert!(matches!(unlock(&gate, &SoftToken::new()), Err(VaultError::Unlock(UnlockError::TokenAnswer))));
}

#[test]
fn nothing_else_does() {
    let (desk, token) = added();
    assert!(matches!(unlock(&gate(&Desk::new("IE", 2)), &token), Err(VaultError::Unlock(UnlockError::NoTokenKey))));
    let gate = gate(&desk);
    assert!(matches!(unlock(&gate, &SoftToken::new()), Err(VaultError::Unlock(UnlockError::TokenAnswer))));
    // Each answer is for one question: not for the next, and not twice.
    let first = link(&gate).ask_token().unwrap();
    let second = link(&gate).ask_token().unwrap();
    assert_ne!(first.to, second.to);
    let [first, second] = [first, second].map(|ask| answer(&token, &ask).unwrap());
    assert!(matches!(take(&gate, first), Err(VaultError::Unlock(UnlockError::TokenAnswer))));
    assert!(
        matches!(take(&gate, second), Err(VaultError::Unlock(UnlockError::TokenAnswer))),
        "a wrong answer ends the question"
    );
    assert_eq!(gate.state(), VaultState::Locked);
    let wrong = gate.add_token(&"wrong".into(), &key(&token)).unwrap_err();
    assert!(matches!(wrong, VaultError::Unlock(UnlockError::WrongPassphrase)));
    let none = TokenKey { id: Vec::new(), public: vec![1; 300] };
    assert!(matches!(
        gate.add_token(&NODE_PASSPHRASE.into(), &none),
        Err(VaultError::Unlock(UnlockError::TokenKeyUnusable))
    ));
    unlock(&gate, &token).unwrap();
}

#[test]
fn another_token_takes_its_place() {
    let (desk, token) = added();
    let other = SoftToken::new();
    gate(&desk).add_token(&NODE_PASSPHRASE.into(), &key(&other)).unwrap();
    assert!(unlock(&gate(&desk), &token).is_err());
    unlock(&gate(&desk), &other).unwrap();
}

/// Every byte of the file counts.
#[test]
fn a_changed_file_unlocks_nothing() {
    let (desk, token) = added();
    let whole = desk.disk.read(Path::new(FILE)).unwrap();
    let write = |bytes: &[u8]| desk.disk.write_atomic(Path::new(FILE), bytes, Visibility::Private).unwrap();
    for at in (0..whole.len()).step_by(13) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        write(&bytes);
        assert!(matches!(unlock(&gate(&desk), &token), Err(VaultError::Files(FileError::Damaged { .. }))), "byte {at}");
    }
    for len in [0, 31, 32, 40, whole.len() - 33] {
        // Cut, with a sum that is right.
        let mut bytes = whole[..len].to_vec();
        bytes.extend_from_slice(&crate::crypto::sha256(&[&bytes]));
        write(&bytes);
        assert!(unlock(&gate(&desk), &token).is_err(), "{len}");
    }
    write(&whole);
    unlock(&gate(&desk), &token).unwrap();
}

/// Another service key is sealed to the same token, which is not there; at every moment it unlocks.
#[test]
fn it_unlocks_before_during_and_after_a_rotation() {
    let (desk, token) = added();
    let mut files = vec![desk.disk.read(Path::new(FILE)).unwrap()];
    desk.vault.begin_service_rotation(&NODE_PASSPHRASE.into()).unwrap();
    unlock(&gate(&desk), &token).unwrap();
    files.push(desk.disk.read(Path::new(FILE)).unwrap());
    desk.vault.reseal_own_files().unwrap();
    desk.clock.advance(60_000);
    desk.vault.finish_service_rotation().unwrap();
    unlock(&gate(&desk), &token).unwrap();
    files.push(desk.disk.read(Path::new(FILE)).unwrap());
    files.dedup();
    assert_eq!(files.len(), 3, "resealed each time");
    // The token and the file from before the rotation open the previous key, which is not the node's any more.
    desk.disk.write_atomic(Path::new(FILE), &files[0], Visibility::Private).unwrap();
    assert!(unlock(&gate(&desk), &token).is_err());
}

/// Anyone who exchanges the file gets no key of a rotation: it is refused before anything is sealed to it.
#[test]
fn an_exchanged_file_gets_no_new_key() {
    let (desk, _) = added();
    let (other, token) = (Desk::new("IE", 3), SoftToken::new());
    gate(&other).add_token(&NODE_PASSPHRASE.into(), &key(&token)).unwrap();
    let theirs = other.disk.read(Path::new(FILE)).unwrap();
    desk.disk.write_atomic(Path::new(FILE), &theirs, Visibility::Private).unwrap();
    let refused = desk.vault.begin_service_rotation(&NODE_PASSPHRASE.into()).unwrap_err();
    assert!(matches!(refused, VaultError::Files(FileError::Damaged { .. })));
    assert_eq!(desk.disk.read(Path::new(FILE)).unwrap(), theirs);
    assert_eq!(desk.vault.service_generations().unwrap(), [1]);
}

#[test]
fn a_token_that_was_removed_unlocks_nothing() {
    let (desk, token) = added();
    let gate = gate(&desk);
    let asked = link(&gate).ask_token().unwrap();
    assert!(matches!(gate.check_passphrase(&"wrong".into()), Err(VaultError::Unlock(UnlockError::WrongPassphrase))));
    assert!(matches!(gate.remove_token(&"wrong".into()), Err(VaultError::Unlock(UnlockError::WrongPassphrase))));
    assert!(desk.disk.exists(Path::new(FILE)));
    let before = desk.disk.read(Path::new(FILE)).unwrap();
    gate.check_passphrase(&NODE_PASSPHRASE.into()).unwrap();
    gate.remove_token(&NODE_PASSPHRASE.into()).unwrap();
    assert!(!desk.disk.image().contains(&before), "overwritten where it lay");
    // Also an answer to an earlier question.
    let late = take(&gate, answer(&token, &asked).unwrap()).unwrap_err();
    assert!(matches!(late, VaultError::Unlock(UnlockError::TokenAnswer)), "{late}");
    assert!(matches!(unlock(&gate, &token), Err(VaultError::Unlock(UnlockError::NoTokenKey))));
    gate.remove_token(&NODE_PASSPHRASE.into()).unwrap();
    assert_eq!(gate.state(), VaultState::Locked, "showing the passphrase for this unlocks nothing");
}
