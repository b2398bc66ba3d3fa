//! The binary encoding of changes and snapshots: unsigned LEB128, zigzag for signed, length before bytes.
//!
//! What is read here was sealed by this node's own service key, but nothing is trusted: a length that exceeds
//! the remaining input is an error before anything is allocated.

use crate::values::uid_set::UidSet;

/// Builds an encoding.
#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn byte(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    pub(crate) fn signed(&mut self, value: i64) {
        self.number(((value << 1) ^ (value >> 63)) as u64);
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.raw(text.as_bytes());
    }

    /// Count, then for each range the distance from the end of the previous one, and its length minus one.
    pub(crate) fn uids(&mut self, set: &UidSet) {
        self.number(set.ranges().len() as u64);
        let mut after = 0;
        for &(first, last) in set.ranges() {
            self.number(u64::from(first) - after);
            self.number(u64::from(last - first));
            after = u64::from(last) + 1;
        }
    }
}

/// The bytes are not an encoding: cut short, or out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Reads an encoding.
pub(crate) struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Fails if anything is left over.
    pub(crate) fn end(self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed) }
    }

    /// The remaining bytes.
    pub(crate) fn rest(self) -> &'b [u8] {
        self.0
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        let (&first, rest) = self.0.split_first().ok_or(Malformed)?;
        self.0 = rest;
        Ok(first)
    }

    pub(crate) fn number(&mut self) -> Result<u64, Malformed> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if shift == 63 && part > 1 {
                return Err(Malformed);
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed)
    }

    pub(crate) fn small(&mut self) -> Result<u32, Malformed> {
        u32::try_from(self.number()?).map_err(|_| Malformed)
    }

    pub(crate) fn signed(&mut self) -> Result<i64, Malformed> {
        let value = self.number()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A count of items that take at least one byte each.
    pub(crate) fn count(&mut self) -> Result<usize, Malformed> {
        let count = usize::try_from(self.number()?).map_err(|_| Malformed)?;
        if count > self.0.len() { Err(Malformed) } else { Ok(count) }
    }

    pub(crate) fn raw(&mut self, len: usize) -> Result<&'b [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn id(&mut self) -> Result<[u8; 16], Malformed> {
        self.raw(16)?.try_into().map_err(|_| Malformed)
    }

    pub(crate) fn text(&mut self) -> Result<String, Malformed> {
        let len = self.count()?;
        String::from_utf8(self.raw(len)?.to_vec()).map_err(|_| Malformed)
    }

    pub(crate) fn uids(&mut self) -> Result<UidSet, Malformed> {
        let mut ranges = Vec::with_capacity(self.count()?);
        let mut after = 0_u64;
        for _ in 0..ranges.capacity() {
            let first = after.checked_add(self.number()?).ok_or(Malformed)?;
            let last = first.checked_add(self.number()?).ok_or(Malformed)?;
            let pair = (u32::try_from(first).map_err(|_| Malformed)?, u32::try_from(last).map_err(|_| Malformed)?);
            ranges.push(pair);
            after = last + 1;
        }
        Ok(UidSet::of_ranges(ranges))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(numbers: Vec<u64>, signed: Vec<i64>, text: String, uids: Vec<u32>) {
            let set = UidSet::of(&uids);
            let mut out = Writer::default();
            numbers.iter().for_each(|&n| out.number(n));
            signed.iter().for_each(|&n| out.signed(n));
            out.text(&text);
            out.uids(&set);
            let bytes = out.finish();
            let mut input = Reader::new(&bytes);
            for &n in &numbers {
                prop_assert_eq!(input.number(), Ok(n));
            }
            for &n in &signed {
                prop_assert_eq!(input.signed(), Ok(n));
            }
            prop_assert_eq!(input.text().unwrap(), text);
            prop_assert_eq!(input.uids().unwrap(), set);
            prop_assert_eq!(input.end(), Ok(()));
        }

        #[test]
        fn garbage_is_refused_without_harm(bytes: Vec<u8>) {
            let _ = Reader::new(&bytes).uids();
            let _ = Reader::new(&bytes).text();
            let _ = Reader::new(&bytes).signed();
        }
    }
}
