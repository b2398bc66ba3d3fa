//! The one place that asks the machine what time it is.

use std::time::{SystemTime, UNIX_EPOCH};

use terms::{Clock, UnixMillis};

/// The machine's clock. It may be set back: who needs order counts instead.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else takes as an argument")]
        let now = SystemTime::now();
        // Before 1970, or after the year 292 million: held at the ends of the range.
        UnixMillis(match now.duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |millis| -millis),
        })
    }
}
