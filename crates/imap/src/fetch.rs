//! The items of a FETCH and their values (RFC 9051 section 6.4.5).

use std::ops::Range;
use std::sync::Arc;

use terms::UnixMillis;

use crate::cursor::{Bad, Cursor};
use crate::flag::Flags;
use crate::section::Section;

/// An item of a message that the backend must provide. UID and FLAGS are not items: each [`FetchRow`] has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchItem {
    /// `INTERNALDATE`; answered by [`FetchValue::Moment`].
    InternalDate,
    /// `RFC822.SIZE`; answered by [`FetchValue::Number`].
    Size,
    /// `ENVELOPE`; answered by [`FetchValue::Wire`].
    Envelope,
    /// `BODY`; answered by [`FetchValue::Wire`].
    Body,
    /// `BODYSTRUCTURE`; answered by [`FetchValue::Wire`].
    BodyStructure,
    /// `BODY[section]<partial>` and `RFC822…`; answered by [`FetchValue::Octets`] or [`FetchValue::Nil`].
    Section(Section, Option<Partial>),
    /// `BINARY[part]<partial>`; answered by [`FetchValue::Octets`], [`FetchValue::Nil`] or [`FetchValue::UnknownEncoding`].
    Binary(Vec<u32>, Option<Partial>),
    /// `BINARY.SIZE[part]`; answered by [`FetchValue::Number`], [`FetchValue::Nil`] or [`FetchValue::UnknownEncoding`].
    BinarySize(Vec<u32>),
}

/// `partial = "<" number64 "." nz-number64 ">"`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partial {
    /// The offset of the first octet.
    pub origin: u64,
    /// The maximum number of octets, above 0.
    pub length: u64,
}

impl Partial {
    /// `[partial]`
    pub(crate) fn parse(cursor: &mut Cursor<'_>) -> Result<Option<Self>, Bad> {
        if !cursor.eat(b'<') {
            return Ok(None);
        }
        let origin = cursor.number64()?;
        cursor.expect(b'.')?;
        let length = cursor.number64()?;
        cursor.expect(b'>')?;
        if length == 0 {
            return Err(Bad("partial fetch of zero octets"));
        }
        Ok(Some(Self { origin, length }))
    }

    /// The selected range of a text of `total` octets, truncated at its end and empty beyond it (RFC 9051 section
    /// 6.4.5).
    pub fn within(self, total: usize) -> Range<usize> {
        let bound = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).min(total);
        bound(self.origin)..bound(self.origin.saturating_add(self.length))
    }
}

/// One message of a FETCH.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct FetchRow {
    pub uid: u32,
    pub flags: Flags,
    /// A value for each requested item, in that order.
    pub values: Vec<FetchValue>,
}

/// The answer to an [`FetchItem`].
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub enum FetchValue {
    /// A point in time.
    Moment(UnixMillis),
    Number(u64),
    /// IMAP text in wire format, including literals: an envelope, a body structure.
    Wire(Vec<u8>),
    /// A string of octets.
    Octets(Octets),
    /// There is no such part.
    Nil,
    /// The part has a Content-Transfer-Encoding that we cannot decode.
    UnknownEncoding,
}

/// A range of shared bytes, so that parts of a message in memory are not copied.
#[derive(Clone)]
pub struct Octets {
    bytes: Arc<Vec<u8>>,
    range: Range<usize>,
}

impl Octets {
    /// The `range` of `bytes`, truncated at their end.
    pub fn slice(bytes: Arc<Vec<u8>>, range: Range<usize>) -> Self {
        let end = range.end.min(bytes.len());
        Self { range: range.start.min(end)..end, bytes }
    }

    /// The `range` of these octets, truncated at their end.
    pub fn cut(&self, range: Range<usize>) -> Self {
        let start = self.range.start.saturating_add(range.start).min(self.range.end);
        let end = self.range.start.saturating_add(range.end).clamp(start, self.range.end);
        Self { bytes: self.bytes.clone(), range: start..end }
    }

    /// Whether both are of the same bytes in memory.
    pub(crate) fn shares(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.bytes, &other.bytes)
    }

    /// The bytes in memory that these octets keep there: all that they are a range of.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// All octets.
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(self.range.clone()).unwrap_or_default()
    }
}

impl From<Vec<u8>> for Octets {
    fn from(bytes: Vec<u8>) -> Self {
        let range = 0..bytes.len();
        Self { bytes: Arc::new(bytes), range }
    }
}

impl std::fmt::Debug for Octets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Octets({})", self.range.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_is_truncated_at_the_end() {
        for (origin, length, total, want) in [
            (0, 2048, 1500, 0..1500),
            (1500, 1, 1500, 1500..1500),
            (9999, 5, 10, 10..10),
            (2, 3, 10, 2..5),
            (1, u64::MAX, 4, 1..4),
        ] {
            assert_eq!(Partial { origin, length }.within(total), want);
        }
    }
}
