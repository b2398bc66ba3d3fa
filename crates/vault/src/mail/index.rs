//! How an owner's index is sealed (docs/formats/index.md): files of many blocks, each block one AES-GCM text.
//!
//! What is in an index is derived from mail, so it is sealed to nobody but the owner: its key comes of the account's
//! private key, and dies with it. A file has a key of its own, from a salt that is never used again; a block's nonce is
//! its number in the file, which is counted here, so that no caller can repeat one.

use std::fmt;

use terms::{AccountId, Entropy};

use crate::crypto::{AeadKey, Key32, Prk, TAG_LEN, same};
use crate::{MailError, VaultError};

/// The format's number, bound into every block.
const FORMAT: u8 = 1;

/// The number of the block that a file's list of blocks is sealed as. The others are counted from 1.
const LIST: u32 = 0;

/// Bytes that sealing adds to each block.
pub const INDEX_BLOCK_OVERHEAD: usize = TAG_LEN;

/// The key of an owner's index; it opens no mail. Got by [`Vault::index_key`](crate::Vault::index_key). Wiped when
/// dropped; `Debug` prints the account's id only.
pub struct IndexKey {
    account: AccountId,
    key: Key32,
}

impl fmt::Debug for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IndexKey({})", self.account)
    }
}

/// What a file says of its key in the clear: enough to find out whether a key is the right one, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexFileId {
    /// Random, one for each file.
    pub salt: [u8; 16],
    /// Names the file's key: one ciphertext opens under one key only.
    pub commitment: [u8; 32],
}

/// The key of one file, its commitment, and what is bound into every block.
struct FileKey {
    aead: AeadKey,
    commitment: [u8; 32],
    aad: [u8; 17],
}

impl FileKey {
    fn nonce(number: u32) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce[8..].copy_from_slice(&number.to_be_bytes());
        nonce
    }
}

impl IndexKey {
    pub(crate) fn new(account: AccountId, key: Key32) -> Self {
        Self { account, key }
    }

    /// Whose index it opens.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// Whether both are the key of one index: not so when the account's pair was replaced in between.
    pub fn is(&self, other: &Self) -> bool {
        self.account == other.account && same(self.key.as_ref(), other.key.as_ref())
    }

    fn file(&self, salt: &[u8; 16]) -> FileKey {
        let okm = Prk::from_uniform(&self.key).expand::<64>(&[b"bailiwick/index-file/v1", salt]);
        let (mut key, mut commitment, mut aad) = (Key32::default(), [0; 32], [0; 17]);
        key.copy_from_slice(&okm[..32]);
        commitment.copy_from_slice(&okm[32..]);
        aad[0] = FORMAT;
        aad[1..].copy_from_slice(&self.account.0);
        FileKey { aead: AeadKey::new(&key), commitment, aad }
    }

    /// Begins a new file.
    pub fn begin(&self, entropy: &dyn Entropy) -> IndexSealer {
        let mut salt = [0; 16];
        entropy.fill(&mut salt);
        IndexSealer { salt, key: self.file(&salt), last: LIST }
    }

    /// What opens the blocks of a file that was sealed before.
    ///
    /// # Errors
    /// `MailError::IndexDoesNotOpen` when it was sealed with another key.
    pub fn open(&self, file: &IndexFileId) -> Result<IndexOpener, VaultError> {
        let key = self.file(&file.salt);
        if same(&key.commitment, &file.commitment) {
            Ok(IndexOpener(key))
        } else {
            Err(VaultError::Mail(MailError::IndexDoesNotOpen))
        }
    }
}

/// Seals the blocks of one file, each once. Its numbers are counted from 1.
pub struct IndexSealer {
    salt: [u8; 16],
    key: FileKey,
    last: u32,
}

impl IndexSealer {
    /// What the file says of its key.
    pub fn id(&self) -> IndexFileId {
        IndexFileId { salt: self.salt, commitment: self.key.commitment }
    }

    /// Appends the next block, sealed, to `out`; returns its number.
    ///
    /// # Errors
    /// `MailError::TooLong` after 2^32 blocks.
    pub fn seal(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<u32, VaultError> {
        let number = self.last.checked_add(1).ok_or(VaultError::Mail(MailError::TooLong))?;
        self.last = number;
        self.key.aead.seal_into(FileKey::nonce(number), &self.key.aad, plain, out);
        Ok(number)
    }

    /// Appends the list of blocks, sealed, to `out`. The last thing that is sealed: it names all others.
    pub fn seal_list(self, plain: &[u8], out: &mut Vec<u8>) {
        self.key.aead.seal_into(FileKey::nonce(LIST), &self.key.aad, plain, out);
    }
}

/// Opens the blocks of one file.
pub struct IndexOpener(FileKey);

impl IndexOpener {
    /// The plaintext of block `number`.
    ///
    /// # Errors
    /// `MailError::IndexDoesNotOpen` when a bit is not as it was sealed, or it is another block.
    pub fn open(&self, number: u32, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut out = Vec::with_capacity(sealed.len());
        let opened = self.0.aead.open_into(FileKey::nonce(number), &self.0.aad, sealed, &mut out);
        opened.map_err(|_| VaultError::Mail(MailError::IndexDoesNotOpen))?;
        Ok(out)
    }

    /// The plaintext of the list of blocks.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_list(&self, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.open(LIST, sealed)
    }
}
