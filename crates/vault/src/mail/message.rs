//! The sealed form of a part of a message (docs/formats/message.md): permanent.
//!
//! A part is a short head and a row of 64 KiB chunks, each sealed by itself in the STREAM construction (V. T. Hoang,
//! R. Reyhanitabar, P. Rogaway, D. Vizár, "Online authenticated-encryption and its nonce-reuse misuse-resistance",
//! CRYPTO 2015), so that memory stays bounded and a piece can be fetched alone, while chunks cannot be swapped, dropped
//! or cut off. The head carries a commitment, because AES-GCM alone would let one ciphertext open under two keys.

use std::fmt;
use std::io;
use std::ops::Range;

use terms::{AccountId, EpochId, MessageId, UnixMillis};

use crate::crypto::{AeadKey, Key32, Prk, TAG_LEN, same};
use crate::{MailError, VaultError};

/// The format's number, the first byte of every sealed part.
const FORMAT: u8 = 1;

/// Format and commitment.
const HEAD_LEN: usize = 1 + 32;

/// Plaintext bytes of a chunk, but the last. 64 KiB: two AES-GCM calls for a mean message, and a partial fetch of a big
/// one reads little more than it wants.
const CHUNK_LEN: usize = 64 * 1024;

/// How many chunks one reader call of [`MessageKey::open_range`] asks for at most: 1 MiB.
const CHUNKS_PER_READ: u64 = 16;

/// Which part of a stored message. Each has a key of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Part {
    /// The bytes that arrived, unchanged.
    Original = 1,
    /// The trace headers that clients see before them.
    Prefix = 2,
    /// The finished answers to what clients ask most: envelope, structure, preview, text.
    Record = 3,
}

/// The sealed length of a part of `plain_len` bytes: head, bytes, and one tag for each chunk (at least one chunk).
pub fn sealed_len(plain_len: u64) -> u64 {
    let chunks = plain_len.div_ceil(CHUNK_LEN as u64).max(1);
    plain_len.saturating_add(HEAD_LEN as u64).saturating_add(chunks.saturating_mul(TAG_LEN as u64))
}

/// The inverse of [`sealed_len`]; `None` for a length that nothing seals to.
pub fn plain_len(sealed: u64) -> Option<u64> {
    let body = sealed.checked_sub(HEAD_LEN as u64)?;
    let chunks = body.div_ceil((CHUNK_LEN + TAG_LEN) as u64).max(1);
    let plain = body.checked_sub(chunks * TAG_LEN as u64)?;
    (sealed_len(plain) == sealed).then_some(plain)
}

/// A message whose key is wanted: as the store's row has it. All three are bound into the key: a wrong one opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyAsk {
    /// The epoch in which it was sealed.
    pub epoch: EpochId,
    /// Which message.
    pub id: MessageId,
    /// When it arrived.
    pub arrival: UnixMillis,
}

/// Opens the parts of one message, and nothing else. `Debug` prints the id only; the key is wiped when dropped.
pub struct MessageKey {
    account: AccountId,
    epoch: EpochId,
    id: MessageId,
    arrival: UnixMillis,
    key: Key32,
}

impl fmt::Debug for MessageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageKey({})", self.id)
    }
}

/// `HKDF-SHA256(ikm = epoch key, salt = id, info = context, account, epoch, arrival)`: the bytes of a message's key.
pub fn derive_key(epoch_key: &Key32, account: AccountId, ask: KeyAsk) -> Key32 {
    Prk::extract(&ask.id.0, epoch_key.as_ref()).expand::<32>(&[
        b"bailiwick/message/v1",
        &account.0,
        &ask.epoch.0.to_be_bytes(),
        &ask.arrival.0.to_be_bytes(),
    ])
}

/// What a part is sealed with.
struct PartKey {
    aead: AeadKey,
    commitment: [u8; 32],
    /// The first 7 bytes of each chunk's nonce.
    prefix: [u8; 7],
    /// Format, account, id, part, chunk, arrival; the chunk is filled in for each.
    aad: [u8; AAD_LEN],
}

const AAD_LEN: usize = 1 + 16 + 16 + 1 + 4 + 8;
const AAD_CHUNK_AT: usize = 1 + 16 + 16 + 1;

impl MessageKey {
    /// The key of a message by its epoch's key.
    pub(crate) fn derive(epoch_key: &Key32, account: AccountId, ask: KeyAsk) -> Self {
        Self::from_parts(account, ask, derive_key(epoch_key, account, ask))
    }

    /// A key that was derived before.
    pub(crate) fn from_parts(account: AccountId, ask: KeyAsk, key: Key32) -> Self {
        Self { account, epoch: ask.epoch, id: ask.id, arrival: ask.arrival, key }
    }

    pub(crate) fn expose(&self) -> &[u8; 32] {
        &self.key
    }

    /// Which message it opens.
    pub fn id(&self) -> MessageId {
        self.id
    }

    /// What was asked for when this key was derived.
    pub fn ask(&self) -> KeyAsk {
        KeyAsk { epoch: self.epoch, id: self.id, arrival: self.arrival }
    }

    fn part(&self, part: Part) -> PartKey {
        let okm = Prk::from_uniform(&self.key).expand::<71>(&[b"bailiwick/part/v1", &[part as u8]]);
        let (mut key, mut commitment, mut prefix) = (Key32::default(), [0; 32], [0; 7]);
        key.copy_from_slice(&okm[..32]);
        commitment.copy_from_slice(&okm[32..64]);
        prefix.copy_from_slice(&okm[64..]);
        let mut aad = [0; AAD_LEN];
        aad[0] = FORMAT;
        aad[1..17].copy_from_slice(&self.account.0);
        aad[17..33].copy_from_slice(&self.id.0);
        aad[33] = part as u8;
        aad[38..].copy_from_slice(&self.arrival.0.to_be_bytes());
        PartKey { aead: AeadKey::new(&key), commitment, prefix, aad }
    }

    /// Appends a sealed part to `out`. The caller sees to it that one key seals one part once: nonces repeat otherwise.
    pub(crate) fn seal_into(&self, part: Part, plain: &[u8], out: &mut Vec<u8>) -> Result<(), VaultError> {
        let len = usize::try_from(sealed_len(plain.len() as u64)).map_err(|_| VaultError::Mail(MailError::TooLong))?;
        let key = self.part(part);
        out.reserve(len);
        out.push(FORMAT);
        out.extend_from_slice(&key.commitment);
        // An empty part is one empty chunk, so that its absence shows.
        let last = plain.len().div_ceil(CHUNK_LEN).max(1) - 1;
        for at in 0..=last {
            let chunk = &plain[at * CHUNK_LEN..plain.len().min((at + 1) * CHUNK_LEN)];
            let (nonce, aad) = key.place(at as u64, at == last).ok_or(VaultError::Mail(MailError::TooLong))?;
            key.aead.seal_into(nonce, &aad, chunk, out);
        }
        Ok(())
    }

    /// The plaintext of a sealed part.
    ///
    /// # Errors
    /// `MailError::MessageDoesNotOpen` when a single bit is not as it was sealed, chunks are missing, added or
    /// swapped, or it was sealed for another account, message, part, epoch or arrival.
    pub fn open(&self, part: Part, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut out = Vec::new();
        self.open_into(part, sealed, &mut out)?;
        Ok(out)
    }

    /// Appends the plaintext of a sealed part to `out`; after an error `out` is as it was.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_into(&self, part: Part, sealed: &[u8], out: &mut Vec<u8>) -> Result<(), VaultError> {
        let refused = || VaultError::Mail(MailError::MessageDoesNotOpen(self.id));
        let plain_len = plain_len(sealed.len() as u64).ok_or_else(refused)?;
        let (head, chunks) = sealed.split_at_checked(HEAD_LEN).ok_or_else(refused)?;
        let key = self.part(part);
        if head[0] != FORMAT || !same(&head[1..], &key.commitment) {
            return Err(refused());
        }
        let before = out.len();
        out.reserve(usize::try_from(plain_len).map_err(|_| VaultError::Mail(MailError::TooLong))?);
        let last = plain_len.div_ceil(CHUNK_LEN as u64).max(1) - 1;
        for (at, chunk) in (0..=last).zip(chunks.chunks(CHUNK_LEN + TAG_LEN)) {
            let opened = key.place(at, at == last).map(|(nonce, aad)| key.aead.open_into(nonce, &aad, chunk, out));
            if !matches!(opened, Some(Ok(()))) {
                out[before..].fill(0);
                out.truncate(before);
                return Err(refused());
            }
        }
        if (out.len() - before) as u64 == plain_len { Ok(()) } else { Err(refused()) }
    }

    /// A range of the plaintext, reading only the head and the chunks that hold it, at most 1 MiB at a time.
    ///
    /// `reader` gives exactly `len` bytes of the sealed part from `offset`; `sealed_len` is the part's length as it was
    /// stored; `range` is held to the plaintext's end. What is returned is exactly what was sealed at that range; that
    /// the rest of the part is still there shows only when the range reaches its end.
    ///
    /// # Errors
    /// `MailError::MessageUnreadable` when the reader fails, and as [`open`](Self::open).
    pub fn open_range(
        &self,
        part: Part,
        reader: &mut dyn FnMut(u64, usize) -> io::Result<Vec<u8>>,
        sealed_len: u64,
        range: Range<u64>,
    ) -> Result<Vec<u8>, VaultError> {
        let refused = || VaultError::Mail(MailError::MessageDoesNotOpen(self.id));
        let mut read = |offset: u64, len: usize| match reader(offset, len) {
            Ok(bytes) if bytes.len() == len => Ok(bytes),
            Ok(_) => Err(refused()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(refused()),
            Err(error) => Err(VaultError::Mail(MailError::MessageUnreadable { id: self.id, error })),
        };
        let plain_len = plain_len(sealed_len).ok_or_else(refused)?;
        let head = read(0, HEAD_LEN)?;
        let key = self.part(part);
        if head[0] != FORMAT || !same(&head[1..], &key.commitment) {
            return Err(refused());
        }

        let (start, end) = (range.start.min(plain_len), range.end.min(plain_len));
        if start >= end && plain_len > 0 {
            return Ok(Vec::new());
        }
        let chunk_len = CHUNK_LEN as u64;
        let last = plain_len.div_ceil(chunk_len).max(1) - 1;
        let (first_wanted, last_wanted) = (start / chunk_len, end.saturating_sub(1) / chunk_len);
        let mut out =
            Vec::with_capacity(usize::try_from(end - start).map_err(|_| VaultError::Mail(MailError::TooLong))?);
        let mut at = first_wanted;
        while at <= last_wanted {
            let until = (at + CHUNKS_PER_READ).min(last_wanted + 1);
            let sealed_chunk = chunk_len + TAG_LEN as u64;
            let from = HEAD_LEN as u64 + at * sealed_chunk;
            let to = sealed_len.min(HEAD_LEN as u64 + until * sealed_chunk);
            let run = read(from, usize::try_from(to - from).map_err(|_| VaultError::Mail(MailError::TooLong))?)?;
            for sealed in run.chunks(CHUNK_LEN + TAG_LEN) {
                let (nonce, aad) = key.place(at, at == last).ok_or_else(refused)?;
                let before = out.len();
                key.aead.open_into(nonce, &aad, sealed, &mut out).map_err(|_| refused())?;
                keep_wanted(&mut out, before, at * chunk_len, start, end);
                at += 1;
            }
        }
        Ok(out)
    }
}

/// Of the chunk at `out[before..]` and stands at `place` in the plaintext, keeps what is in `start..end`.
fn keep_wanted(out: &mut Vec<u8>, before: usize, place: u64, start: u64, end: u64) {
    let len = (out.len() - before) as u64;
    // Both are at most a chunk's length, so they fit.
    let tail = (place + len).saturating_sub(end).min(len) as usize;
    out.truncate(out.len() - tail);
    let lead = (start.saturating_sub(place).min(len) as usize).min(out.len() - before);
    out.drain(before..before + lead);
}

impl PartKey {
    /// Nonce and additional data of chunk `at`: nonce = prefix (7), chunk (4, big-endian), 1 for the last chunk else 0.
    fn place(&self, at: u64, last: bool) -> Option<([u8; 12], [u8; AAD_LEN])> {
        let number = u32::try_from(at).ok()?.to_be_bytes();
        let mut nonce = [0; 12];
        nonce[..7].copy_from_slice(&self.prefix);
        nonce[7..11].copy_from_slice(&number);
        nonce[11] = u8::from(last);
        let mut aad = self.aad;
        aad[AAD_CHUNK_AT..AAD_CHUNK_AT + 4].copy_from_slice(&number);
        Some((nonce, aad))
    }
}
