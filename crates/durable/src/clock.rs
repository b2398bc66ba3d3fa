//! The one place that reads the machine's clock.

use std::time::{SystemTime, UNIX_EPOCH};

use terms::{Clock, UnixMillis};

/// The machine's clock. It may be set back, so code that needs an order must use a counter instead.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        #[expect(clippy::disallowed_methods, reason = "this is the clock that all other code takes as an argument")]
        let now = SystemTime::now();
        // Beyond the range of i64 (the year 292 million): saturate.
        UnixMillis(match now.duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |millis| -millis),
        })
    }
}
