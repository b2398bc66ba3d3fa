//! zstd with contexts that are used again: creating one costs more than packing a record.
//!
//! A context keeps a copy of what it packed last, in memory of the C library. So a node drops those that nobody uses
//! ([`forget_unused`]), and the library overwrites what is freed (docs/processes.md).

use std::sync::{Mutex, MutexGuard, PoisonError};

use zstd::bulk::{Compressor, Decompressor};

/// The level for what is packed while a client waits. On records of a kilobyte it compresses a tenth less than the default and
/// takes a few microseconds.
const QUICK_LEVEL: i32 = 1;

static PACKERS: Pool<Compressor<'static>> = Pool::new();
static UNPACKERS: Pool<Decompressor<'static>> = Pool::new();

/// Contexts that nobody uses now, each with whether it was used since the last look.
struct Pool<T>(Mutex<Vec<(bool, T)>>);

impl<T> Pool<T> {
    const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(bool, T)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does some work with a context: the one that was used last, or a new one.
    fn with<R>(&self, make: impl FnOnce() -> Option<T>, work: impl FnOnce(&mut T) -> R) -> Option<R> {
        let last = self.idle().pop().map(|(_, context)| context);
        let mut context = last.or_else(make)?;
        let result = work(&mut context);
        self.idle().push((true, context));
        Some(result)
    }

    fn forget_unused(&self) {
        let unused: Vec<_> = self.idle().extract_if(.., |(used, _)| !std::mem::take(used)).collect();
        drop(unused);
    }
}

/// Drops the contexts that were not used since the last call.
pub fn forget_unused() {
    PACKERS.forget_unused();
    UNPACKERS.forget_unused();
}

/// The bytes as a zstd frame; `None` if that is not shorter.
pub(crate) fn pack(octets: &[u8]) -> Option<Vec<u8>> {
    let make = || Compressor::new(QUICK_LEVEL).ok();
    let packed = PACKERS.with(make, |packer| packer.compress(octets).ok())??;
    (packed.len() < octets.len()).then_some(packed)
}

/// The `plain_bytes` bytes of a zstd frame; `None` if it is invalid, or has more.
pub(crate) fn unpack(packed: &[u8], plain_bytes: usize) -> Option<Vec<u8>> {
    let make = || Decompressor::new().ok();
    let plain = UNPACKERS.with(make, |unpacker| unpacker.decompress(packed, plain_bytes).ok())??;
    Some(plain).filter(|plain| plain.len() == plain_bytes)
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
        assert_eq!(unpack(&packed, octets.len()).unwrap(), octets, "it works again after a failure");
        assert_eq!(pack(b"short"), None);
    }

    #[test]
    fn what_nobody_uses_goes() {
        let pool: Pool<u32> = Pool::new();
        let use_one = |made| pool.with(|| Some(made), |one| *one).unwrap();
        assert_eq!((use_one(1), use_one(2)), (1, 1), "the first one is used again");
        pool.forget_unused();
        assert_eq!(use_one(3), 1, "it was used since the look before");
        pool.forget_unused();
        pool.forget_unused();
        assert_eq!(use_one(4), 4);
    }
}
