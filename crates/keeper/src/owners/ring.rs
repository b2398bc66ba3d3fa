//! The ring of an account: its epoch keys once more, sealed under one symmetric key, so that old mail never costs X25519
//! again (docs/formats/keys.md).
//!
//! The file grows by a piece for each time that new epochs were opened. It is a convenience: the sealed epoch keys in the
//! store stay, and what is torn, lost or of an older account key is opened from those and folded again. So nothing here
//! needs to be repaired, and a failure to write does not fail the sign-in.

use std::collections::HashMap;

use terms::{AccountId, Entropy, EpochId};
use vault::inside::Encoder;
use vault::{MailError, SealedEpochKey, VaultError};
use zeroize::Zeroizing;

use crate::crypto::{AeadKey, Key32, NONCE_ZERO, PrivateKey, Prk, TAG_LEN, sha256};
use crate::files::{Folder, ring_file};

/// "Bailiwick vault epochs", format 1.
const MAGIC: &[u8; 4] = b"BVE\x01";

/// Bytes of the random salt that gives each piece a key of its own.
const SALT_LEN: usize = 24;

/// Bytes of an epoch in a piece: its number, the mark of its sealed key, its key.
const ROW_LEN: usize = 4 + MARK_LEN + 32;

/// Bytes of a mark.
const MARK_LEN: usize = 16;

/// By what a ring knows to which sealed epoch key its key belongs: the beginning of the SHA-256 of that. The number alone
/// does not say: a database that was restored from last week counts its epochs from last week on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark([u8; MARK_LEN]);

impl Mark {
    pub(crate) fn of(sealed: &SealedEpochKey) -> Self {
        let mut mark = [0; MARK_LEN];
        mark.copy_from_slice(&sha256(&[&sealed.0])[..MARK_LEN]);
        Self(mark)
    }
}

/// An epoch key that is open. The key has a place of its own, so that a growing table moves pointers and not keys.
pub(crate) struct OpenEpoch {
    pub(crate) mark: Mark,
    pub(crate) key: Box<Key32>,
    /// Whether the sealed key of this mark was shown in this session: before that the ring's word counts for nothing.
    pub(crate) shown: bool,
}

/// A file of more pieces than this is rewritten in one piece: a piece costs a key derivation at each sign-in.
const PIECES_MAX: usize = 256;

/// The epoch keys that are open.
pub(crate) type Opened = HashMap<EpochId, OpenEpoch>;

/// The ring of one account, as its file has it.
pub(crate) struct Ring<'a> {
    folder: &'a Folder,
    account: AccountId,
    prk: Prk,
}

/// How a ring's file was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// It has this many pieces, and a piece may be appended.
    Whole(usize),
    /// It is not there, torn, or of another account key: it is to be rewritten.
    Worn,
}

impl<'a> Ring<'a> {
    pub(crate) fn new(folder: &'a Folder, account: AccountId, private: &PrivateKey) -> Self {
        Self { folder, account, prk: Prk::extract(b"bailiwick/ring/v1", private.expose()) }
    }

    fn piece_key(&self, salt: &[u8]) -> AeadKey {
        AeadKey::new(&self.prk.expand::<32>(&[b"piece", &self.account.0, salt]))
    }

    fn head(&self) -> Vec<u8> {
        Encoder::new(MAGIC).fixed(&self.account.0).finish()
    }

    /// Adds what the file has to `opened`.
    pub(crate) fn read(&self, opened: &mut Opened) -> Found {
        let Ok(Some(bytes)) = self.folder.read(&ring_file(self.account)) else { return Found::Worn };
        let Some(mut rest) = bytes.strip_prefix(self.head().as_slice()) else { return Found::Worn };
        let mut pieces = 0;
        while !rest.is_empty() {
            let Some((piece, more)) = framed(rest) else { return Found::Worn };
            if self.open(piece, opened).is_none() {
                return Found::Worn;
            }
            rest = more;
            pieces += 1;
        }
        Found::Whole(pieces)
    }

    fn open(&self, piece: &[u8], opened: &mut Opened) -> Option<()> {
        let (salt, text) = piece.split_at_checked(SALT_LEN)?;
        let mut plain = Zeroizing::new(Vec::with_capacity(text.len()));
        self.piece_key(salt).open_into(NONCE_ZERO, &self.head(), text, &mut plain).ok()?;
        for row in plain.chunks_exact(ROW_LEN) {
            let (epoch, row) = row.split_first_chunk::<4>()?;
            let (mark, bytes) = row.split_first_chunk::<MARK_LEN>()?;
            let mut key = Box::new(Key32::default());
            key.copy_from_slice(bytes);
            let open = OpenEpoch { mark: Mark(*mark), key, shown: false };
            opened.insert(EpochId(u32::from_be_bytes(*epoch)), open);
        }
        Some(())
    }

    /// Folds epochs in: appends a piece with `fresh`, or writes the whole file again from all that is `opened`. Durable
    /// when it returns; after an error the file is as it was, or has a torn end, which is read as its absence.
    pub(crate) fn fold(
        &self,
        found: Found,
        fresh: &[EpochId],
        opened: &Opened,
        entropy: &dyn Entropy,
    ) -> Result<Found, VaultError> {
        let file = ring_file(self.account);
        match found {
            Found::Whole(pieces) if pieces < PIECES_MAX => {
                let piece = self.seal(fresh.iter().filter_map(|epoch| opened.get_key_value(epoch)), entropy)?;
                self.folder.append(&file, &piece)?;
                Ok(Found::Whole(pieces + 1))
            }
            Found::Whole(_) | Found::Worn => {
                let whole = [self.head(), self.seal(opened.iter(), entropy)?].concat();
                self.folder.write(&file, &whole)?;
                Ok(Found::Whole(1))
            }
        }
    }

    fn seal<'k>(
        &self,
        rows: impl Iterator<Item = (&'k EpochId, &'k OpenEpoch)>,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, VaultError> {
        let rows: Vec<_> = rows.collect();
        let mut plain = Zeroizing::new(Vec::with_capacity(rows.len() * ROW_LEN));
        for (epoch, open) in rows {
            plain.extend_from_slice(&epoch.0.to_be_bytes());
            plain.extend_from_slice(&open.mark.0);
            plain.extend_from_slice(&open.key[..]);
        }
        let len = u32::try_from(SALT_LEN + plain.len() + TAG_LEN).map_err(|_| VaultError::Mail(MailError::TooLong))?;
        let mut out = len.to_be_bytes().to_vec();
        out.resize(4 + SALT_LEN, 0);
        entropy.fill(&mut out[4..]);
        let key = self.piece_key(&out[4..]);
        key.seal_into(NONCE_ZERO, &self.head(), &plain, &mut out);
        Ok(out)
    }
}

/// The piece at the front, and what follows it.
fn framed(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*len)).ok()?)
}
