//! zstd with contexts that a thread keeps: making one costs more than packing a record.

use std::cell::RefCell;

use zstd::bulk::{Compressor, Decompressor};

/// The level for what is packed while somebody waits. On records of a kilobyte it is a tenth less dense than the default and
/// takes some microseconds.
const QUICK_LEVEL: i32 = 1;

thread_local! {
    static PACKER: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static UNPACKER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// The octets as a zstd frame; `None` when that is no shorter.
pub(crate) fn pack(octets: &[u8]) -> Option<Vec<u8>> {
    let packed = PACKER.with(|place| {
        let mut place = place.try_borrow_mut().ok()?;
        let packer = match &mut *place {
            Some(packer) => packer,
            None => place.insert(Compressor::new(QUICK_LEVEL).ok()?),
        };
        packer.compress(octets).ok()
    })?;
    (packed.len() < octets.len()).then_some(packed)
}

/// The octets of a zstd frame, `plain_bytes` of them; `None` when it is none, or has more.
pub(crate) fn unpack(packed: &[u8], plain_bytes: usize) -> Option<Vec<u8>> {
    UNPACKER.with(|place| {
        let mut place = place.try_borrow_mut().ok()?;
        let unpacker = match &mut *place {
            Some(unpacker) => unpacker,
            None => place.insert(Decompressor::new().ok()?),
        };
        unpacker.decompress(packed, plain_bytes).ok().filter(|plain| plain.len() == plain_bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let octets = b"the same, ".repeat(50);
        let packed = pack(&octets).unwrap();
        assert_eq!(unpack(&packed, octets.len()).unwrap(), octets);
        assert_eq!(unpack(&packed, octets.len() - 1), None);
        assert_eq!(unpack(&packed, octets.len() + 1), None);
        assert_eq!(unpack(&packed[1..], octets.len()), None);
        assert_eq!(unpack(&packed, octets.len()).unwrap(), octets, "after a failure it goes on");
        assert_eq!(pack(b"short"), None);
    }
}
