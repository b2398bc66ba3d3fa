//! `[store]` of `node.toml`: how large segments grow, when the space of deleted mail is reclaimed, and how fast
//! (docs/space.md).

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use store::{CompactionPlan, Settings};

use super::InvalidConfig;

/// What segments may grow to. Below a megabyte a few messages with attachments fill one, and each costs a sync of its own;
/// above four gigabytes the space of deleted mail would come back in pieces that a small disk cannot hold twice.
const SEGMENT_BYTES: RangeInclusive<u64> = 1 << 20..=4 << 30;

/// The segments. The defaults are those of [`CompactionPlan`] and [`Settings`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// A segment takes no further batch when it has this many bytes, from 1 MiB to 4 GiB. Those that are there already stay
    /// as they are.
    pub segment_bytes: u64,
    /// A segment is rewritten when so many hundredths of it are dead, 1 to 100; at 100 only what is wholly dead goes.
    pub rewrite_dead_percent: u8,
    /// How many bytes a second are rewritten, at most; 0 for no limit.
    pub rewrite_bytes_per_second: u64,
}

impl Default for StoreConfig {
    fn default() -> Self {
        let CompactionPlan { dead_percent, bytes_per_second } = CompactionPlan::default();
        Self {
            segment_bytes: Settings::default().segment_bytes,
            rewrite_dead_percent: dead_percent,
            rewrite_bytes_per_second: bytes_per_second,
        }
    }
}

impl StoreConfig {
    /// When segments are rewritten, and how fast.
    pub fn plan(&self) -> CompactionPlan {
        CompactionPlan { dead_percent: self.rewrite_dead_percent, bytes_per_second: self.rewrite_bytes_per_second }
    }

    /// The store's sizes.
    pub fn settings(&self) -> Settings {
        Settings { segment_bytes: self.segment_bytes, ..Settings::default() }
    }

    /// What is impossible in it.
    pub(super) fn check(&self) -> Result<(), InvalidConfig> {
        let (least, most) = (SEGMENT_BYTES.start(), SEGMENT_BYTES.end());
        if !SEGMENT_BYTES.contains(&self.segment_bytes) {
            let problem = format!("from {least} (1 MiB) to {most} (4 GiB)");
            return Err(InvalidConfig::setting("store.segment_bytes", problem));
        }
        if !(1..=100).contains(&self.rewrite_dead_percent) {
            return Err(InvalidConfig::setting("store.rewrite_dead_percent", "from 1 to 100"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a `[store]` of these lines becomes.
    fn read(lines: &str) -> Result<StoreConfig, String> {
        let config: StoreConfig = toml::from_str(lines).map_err(|error| error.to_string())?;
        config.check().map(|()| config).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_impossible_is_refused_in_words() {
        let usual = read("").unwrap();
        assert_eq!((usual.segment_bytes, usual.settings().segment_bytes), (256 << 20, 256 << 20));
        for bytes in [1_048_576_u64, 4_294_967_296] {
            let set = read(&format!("segment_bytes = {bytes}")).unwrap();
            assert_eq!((set.settings().segment_bytes, set.plan()), (bytes, CompactionPlan::default()));
        }
        let words = "store.segment_bytes: from 1048576 (1 MiB) to 4294967296 (4 GiB)";
        for (lines, refused) in [
            ("segment_bytes = 1048575", words),
            ("segment_bytes = 0", words),
            ("segment_bytes = 4294967297", words),
            ("segment_bytes = -1", "invalid value"),
            ("segment_byte = 1048576", "unknown field"),
            ("rewrite_dead_percent = 0", "store.rewrite_dead_percent: from 1 to 100"),
            ("rewrite_dead_percent = 101", "store.rewrite_dead_percent: from 1 to 100"),
        ] {
            let said = read(lines).unwrap_err();
            assert!(said.contains(refused), "{lines}: {said}");
        }
    }
}
