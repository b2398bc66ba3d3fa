//! One record of a segment: a sealed part of a message behind a header that a reader can check without any key.

use terms::{AccountId, MessageId};
use vault::Part;

/// The length of a record's header, in bytes.
pub(crate) const RECORD_HEADER_BYTES: usize = 52;

const MAGIC: &[u8; 4] = b"bwr\x01";

/// What a record's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) account: AccountId,
    pub(crate) id: MessageId,
    pub(crate) part: u8,
    /// The length of the sealed bytes that follow.
    pub(crate) len: u32,
    /// CRC-32C of the sealed bytes.
    pub(crate) checksum: u32,
}

/// Why bytes are not the expected record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordError {
    /// The header is invalid, or its checksum is wrong.
    Header,
    /// The bytes do not match the header's checksum.
    Body,
    /// The header belongs to another message, part or length than requested.
    Other,
}

impl std::fmt::Display for RecordError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Header => "the record's header is damaged",
            Self::Body => "the record's bytes do not match its checksum",
            Self::Other => "there is another record",
        })
    }
}

impl Record {
    fn encode(&self) -> [u8; RECORD_HEADER_BYTES] {
        let mut out = [0; RECORD_HEADER_BYTES];
        out[0..4].copy_from_slice(MAGIC);
        out[4..8].copy_from_slice(&self.len.to_be_bytes());
        out[8..24].copy_from_slice(&self.account.0);
        out[24..40].copy_from_slice(&self.id.0);
        out[40] = self.part;
        out[44..48].copy_from_slice(&self.checksum.to_be_bytes());
        let checksum = crc32c::crc32c(&out[..48]);
        out[48..52].copy_from_slice(&checksum.to_be_bytes());
        out
    }

    /// Reads a header.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let bytes: &[u8; RECORD_HEADER_BYTES] =
            bytes.get(..RECORD_HEADER_BYTES).and_then(|bytes| bytes.try_into().ok()).ok_or(RecordError::Header)?;
        let number = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        if &bytes[..4] != MAGIC || number(48) != crc32c::crc32c(&bytes[..48]) || bytes[41..44] != [0; 3] {
            return Err(RecordError::Header);
        }
        let id = |at: usize| {
            let mut id = [0; 16];
            id.copy_from_slice(&bytes[at..at + 16]);
            id
        };
        Ok(Self {
            account: AccountId(id(8)),
            id: MessageId(id(24)),
            part: bytes[40],
            len: number(4),
            checksum: number(44),
        })
    }

    /// Whether `sealed` is what the header announces.
    pub(crate) fn check(&self, sealed: &[u8]) -> Result<(), RecordError> {
        let fits = sealed.len() == self.len as usize && crc32c::crc32c(sealed) == self.checksum;
        if fits { Ok(()) } else { Err(RecordError::Body) }
    }
}

/// Appends to `out` a header, followed by what `seal` appends. `None` when a record cannot be that long.
pub(crate) fn frame<E>(
    account: AccountId,
    id: MessageId,
    part: Part,
    out: &mut Vec<u8>,
    seal: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<Option<()>, E> {
    let start = out.len();
    out.extend_from_slice(&[0; RECORD_HEADER_BYTES]);
    seal(out)?;
    let (header, sealed) = out[start..].split_at_mut(RECORD_HEADER_BYTES);
    let Ok(len) = u32::try_from(sealed.len()) else { return Ok(None) };
    let record = Record { account, id, part: part as u8, len, checksum: crc32c::crc32c(sealed) };
    header.copy_from_slice(&record.encode());
    Ok(Some(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_byte_is_noticed() {
        let mut bytes = Vec::new();
        let seal = |out: &mut Vec<u8>| {
            out.extend_from_slice(b"sealed");
            Ok::<(), ()>(())
        };
        frame(AccountId([1; 16]), MessageId([2; 16]), Part::Prefix, &mut bytes, seal).unwrap().unwrap();
        let record = Record::decode(&bytes).unwrap();
        assert_eq!((record.account, record.id, record.part), (AccountId([1; 16]), MessageId([2; 16]), 2));
        assert_eq!(record.check(b"sealed"), Ok(()));
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x40;
            let seen = Record::decode(&flipped).and_then(|record| record.check(&flipped[RECORD_HEADER_BYTES..]));
            assert!(seen.is_err(), "byte {at}");
        }
        for len in 0..RECORD_HEADER_BYTES {
            assert_eq!(Record::decode(&bytes[..len]), Err(RecordError::Header));
        }
    }
}
