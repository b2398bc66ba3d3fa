//! The memory of a process, as it tells it itself.

use crate::wire::wire_struct;

/// What a process takes of the machine's memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryUse {
    /// Resident: all pages of it that are in memory (`Rss`).
    pub resident_bytes: u64,
    /// The same, pages that it shares with other processes divided among them (`Pss`).
    pub share_bytes: u64,
    /// Pages that are in no file: its heap and its stacks (`Anonymous`).
    pub anonymous_bytes: u64,
    /// Pages that are not written to swap (`Locked`).
    pub locked_bytes: u64,
}
wire_struct!(MemoryUse { resident_bytes, share_bytes, anonymous_bytes, locked_bytes });

impl MemoryUse {
    /// Where a process finds it: the sums over all its mappings (Linux 4.14).
    pub const FILE: &str = "/proc/self/smaps_rollup";

    /// From what stands in that file; `None` if it is something else.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
        };
        Some(Self {
            resident_bytes: bytes("Rss")?,
            share_bytes: bytes("Pss")?,
            anonymous_bytes: bytes("Anonymous")?,
            locked_bytes: bytes("Locked")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_are_read() {
        let text = "55a8-7fff ---p 00000000 00:00 0 [rollup]\nRss:                1688 kB\nPss:                 348 kB\n\
                    Pss_Anon:            112 kB\nAnonymous:           112 kB\nLocked:                0 kB\n";
        let memory = MemoryUse::parse(text);
        let kib = |kib: u64| kib * 1024;
        let expected =
            MemoryUse { resident_bytes: kib(1688), share_bytes: kib(348), anonymous_bytes: kib(112), locked_bytes: 0 };
        assert_eq!(memory, Some(expected));
        assert_eq!(MemoryUse::parse("Rss: many kB"), None);
    }
}
