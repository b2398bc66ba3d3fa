//! Owners' indexes: a file opens for its owner, block by block, and for nobody else.

use terms::AccountId;
use vault::{INDEX_BLOCK_OVERHEAD, IndexFileId, IndexKey, VaultError};

use crate::desk::{Desk, PASSWORD, variant};

fn key(desk: &Desk, account: AccountId) -> IndexKey {
    let session = desk.vault.sign_in(account, &PASSWORD.into()).unwrap();
    desk.vault.index_key(&session).unwrap()
}

/// A file of two blocks and its list.
fn file(desk: &Desk, key: &IndexKey) -> (IndexFileId, [Vec<u8>; 3]) {
    let mut sealer = key.begin(&*desk.entropy);
    let id = sealer.id();
    let mut blocks = [Vec::new(), Vec::new(), Vec::new()];
    assert_eq!(sealer.seal(b"one", &mut blocks[1]).unwrap(), 1);
    assert_eq!(sealer.seal(b"one", &mut blocks[2]).unwrap(), 2);
    sealer.seal_list(b"the list", &mut blocks[0]);
    (id, blocks)
}

#[test]
fn a_file_opens_for_its_owner_at_every_sign_in() {
    let desk = Desk::new("IE", 1);
    let (id, blocks) = file(&desk, &key(&desk, desk.account));
    let opener = key(&desk, desk.account).open(&id).unwrap();
    assert_eq!(opener.open_list(&blocks[0]).unwrap(), b"the list");
    assert_eq!(opener.open(1, &blocks[1]).unwrap(), b"one");
    assert_eq!(opener.open(2, &blocks[2]).unwrap(), b"one");
    assert_ne!(blocks[1], blocks[2]);
    assert_eq!(blocks[1].len(), 3 + INDEX_BLOCK_OVERHEAD);
}

#[test]
fn nothing_else_opens() {
    let desk = Desk::new("IE", 1);
    let mine = key(&desk, desk.account);
    let (id, blocks) = file(&desk, &mine);
    let refused = |opened: Result<Vec<u8>, VaultError>| assert_eq!(variant(&opened.unwrap_err()), "IndexDoesNotOpen");

    let stranger = AccountId([9; 16]);
    desk.vault.create_account(stranger, &PASSWORD.into()).unwrap();
    assert!(key(&desk, stranger).open(&id).is_err());
    // Anyone who forges the commitment of another key still opens nothing.
    let theirs = key(&desk, stranger);
    let forged = IndexFileId { salt: id.salt, commitment: theirs.begin(&*desk.entropy).id().commitment };
    assert!(theirs.open(&forged).is_err() && mine.open(&forged).is_err());

    let opener = mine.open(&id).unwrap();
    refused(opener.open(2, &blocks[1]));
    refused(opener.open(1, &blocks[0]));
    refused(opener.open_list(&blocks[1]));
    refused(opener.open(1, &blocks[1][1..]));
    refused(opener.open(1, b""));
    for at in 0..blocks[1].len() {
        let mut flipped = blocks[1].clone();
        flipped[at] ^= 1;
        refused(opener.open(1, &flipped));
    }
    let (other, others) = file(&desk, &mine);
    assert_ne!(other.salt, id.salt);
    refused(opener.open(1, &others[1]));
}

#[test]
fn no_key_without_a_session() {
    let desk = Desk::new("IE", 1);
    let other = Desk::new("DE", 2);
    let session = other.vault.sign_in(other.account, &PASSWORD.into()).unwrap();
    assert_eq!(variant(&desk.vault.index_key(&session).unwrap_err()), "SessionOver");
}
