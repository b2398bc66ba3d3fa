//! Numbers in an index: unsigned LEB128, zigzag for signed, and readers that trust nothing.

/// Appends a number: seven bits per byte, least significant first.
pub(super) fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a signed number.
pub(super) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Reads an encoding. Everything is `None` if it ends too early or is impossible.
pub(super) struct Reader<'b>(pub(super) &'b [u8]);

impl<'b> Reader<'b> {
    pub(super) fn number(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..63).step_by(7) {
            let (&octet, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(octet & 0x7f) << shift;
            if octet & 0x80 == 0 {
                return Some(value);
            }
        }
        // The tenth byte has one bit of the number.
        let (&octet, rest) = self.0.split_first()?;
        self.0 = rest;
        (octet <= 1).then_some(value | u64::from(octet) << 63)
    }

    pub(super) fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    pub(super) fn signed(&mut self) -> Option<i64> {
        let value = self.number()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A count of items that take at least one byte each.
    pub(super) fn count(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok().filter(|count| *count <= self.0.len())
    }

    pub(super) fn octet(&mut self) -> Option<u8> {
        let (&octet, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(octet)
    }

    pub(super) fn raw(&mut self, len: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(numbers: Vec<u64>, signed: Vec<i64>) {
            let mut out = Vec::new();
            numbers.iter().for_each(|&number| put(&mut out, number));
            signed.iter().for_each(|&value| put_signed(&mut out, value));
            let mut input = Reader(&out);
            for &number in &numbers {
                prop_assert_eq!(input.number(), Some(number));
            }
            for &value in &signed {
                prop_assert_eq!(input.signed(), Some(value));
            }
            prop_assert!(input.end().is_some());
        }

        #[test]
        fn garbage_is_refused_without_harm(bytes: Vec<u8>) {
            let mut input = Reader(&bytes);
            while input.number().is_some() {}
            let _ = Reader(&bytes).count();
            let _ = Reader(&bytes).signed();
        }
    }
}
