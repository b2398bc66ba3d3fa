//! Points in time.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z, without leap seconds. Calendars are left to `rules` and the crates above
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// Whole seconds, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This moment plus `millis`, saturating at the ends of the range.
    pub fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// RFC 3339 in UTC with seconds, e.g. `2026-11-23T05:19:19Z`.
    pub fn rfc3339(self) -> String {
        let (year, month, day) = civil(self.seconds().div_euclid(86_400));
        let second = self.seconds().rem_euclid(86_400);
        format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
    }

    /// Reads the form that [`rfc3339`](Self::rfc3339) writes, and no other.
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
        let days = days_of(number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let seconds = number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19)?;
        let moment = Self((days * 86_400 + seconds) * 1000);
        (moment.rfc3339() == text).then_some(moment)
    }
}

/// A moment as RFC 3339 text in JSON, for results that people and scripts read: `#[serde(with = "terms::rfc3339")]`.
/// Fractions of a second are dropped.
pub mod rfc3339 {
    use serde::{Deserialize, Deserializer, Serializer, de};

    use super::UnixMillis;

    /// Writes the moment.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(moment: &UnixMillis, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&moment.rfc3339())
    }

    /// Reads the moment.
    ///
    /// # Errors
    /// A text of another form.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UnixMillis, D::Error> {
        let text = String::deserialize(deserializer)?;
        UnixMillis::from_rfc3339(&text).ok_or_else(|| de::Error::custom("not a moment like 2026-11-23T05:19:19Z"))
    }
}

/// Days since 1970-01-01 of a proleptic Gregorian date (the same source, `days_from_civil`).
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    year.div_euclid(400) * 146_097 + day_of_era - 719_468
}

/// The proleptic Gregorian date of a day counted from 1970-01-01 (H. Hinnant, "chrono-compatible low-level date
/// algorithms", `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_411_159, "2026-11-23T05:19:19Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(UnixMillis(seconds * 1000).rfc3339(), text);
            assert_eq!(UnixMillis::from_rfc3339(text), Some(UnixMillis(seconds * 1000)));
        }
        for wrong in ["", "2026-11-23", "2026-02-30T00:00:00Z", "2026-11-23T05:19:19.5Z", "2026-11-23T05:19:19+01:00"] {
            assert_eq!(UnixMillis::from_rfc3339(wrong), None, "{wrong}");
        }
    }
}
