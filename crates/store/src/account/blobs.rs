//! Where the sealed parts of a message are in the packs.

use vault::{Part, sealed_len};

use crate::account::state::MessageRow;
use crate::pack::RECORD_HEADER_BYTES;

/// Where the sealed parts of a message are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Blobs {
    /// The message's slot: it leads to the current place if the segment is gone.
    pub(crate) slot: u32,
    pub(crate) segment: u32,
    pub(crate) offset: u64,
    /// The plain lengths of original, prefix and record; a part without bytes has no blob.
    pub(crate) plain: [u32; 3],
}

/// The parts in the order in which they are stored.
pub(crate) const PARTS: [Part; 3] = [Part::Original, Part::Prefix, Part::Record];

impl Blobs {
    pub(crate) fn of(row: &MessageRow) -> Self {
        let plain = [row.original_bytes, row.prefix_bytes, row.record_bytes];
        Self { slot: row.slot, segment: row.segment, offset: row.offset, plain }
    }

    /// The total length in bytes of the records of all parts, which are contiguous.
    pub(crate) fn len_bytes(&self) -> u64 {
        let lens = self.plain.iter().filter(|plain| **plain > 0);
        lens.map(|plain| RECORD_HEADER_BYTES as u64 + sealed_len((*plain).into())).sum()
    }

    /// The offset and the sealed length of a part's record; `None` when the part has no bytes.
    pub(crate) fn place(&self, part: Part) -> Option<(u64, u64)> {
        let mut offset = self.offset;
        for (this, &plain) in PARTS.iter().zip(&self.plain).filter(|(_, plain)| **plain > 0) {
            let sealed = sealed_len(plain.into());
            if *this == part {
                return Some((offset, sealed));
            }
            offset += RECORD_HEADER_BYTES as u64 + sealed;
        }
        None
    }
}
