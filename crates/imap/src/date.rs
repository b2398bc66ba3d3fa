//! Dates and times in IMAP's notation.

use std::fmt;

use terms::UnixMillis;

use crate::cursor::{Bad, Cursor};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY_MILLIS: i64 = 86_400_000;

/// A calendar day, counted from 1970-01-01. SEARCH compares days "disregarding time and timezone" (RFC 9051
/// section 6.4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(pub i64);

impl Date {
    /// The day of `moment` in UTC.
    pub fn of(moment: UnixMillis) -> Self {
        Self(moment.0.div_euclid(DAY_MILLIS))
    }

    /// The day of a Gregorian date; `None` if there is no such day.
    pub fn from_civil(year: i64, month: u32, day: u32) -> Option<Self> {
        let length = match month {
            2 if year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        (1..=length).contains(&day).then(|| Self(days(year, i64::from(month), i64::from(day))))
    }

    /// `date = date-text / DQUOTE date-text DQUOTE` (RFC 9051 section 9).
    pub(crate) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, Bad> {
        let quoted = cursor.eat(b'"');
        let day = cursor.digits(1, 2)?;
        let date = parse_month_year(cursor, day)?;
        if quoted {
            cursor.expect(b'"')?;
        }
        Ok(date)
    }
}

/// `"-" date-month "-" date-year`, after a day that is already parsed.
fn parse_month_year(cursor: &mut Cursor<'_>, day: u32) -> Result<Date, Bad> {
    cursor.expect(b'-')?;
    let name = cursor.take(3)?;
    let month =
        MONTHS.iter().position(|month| month.as_bytes().eq_ignore_ascii_case(name)).ok_or(Bad("invalid month"))?;
    cursor.expect(b'-')?;
    let year = cursor.digits(4, 4)?;
    Date::from_civil(i64::from(year), month as u32 + 1, day).ok_or(Bad("invalid date"))
}

/// `date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE` (RFC 9051 section 9).
pub(crate) fn parse_date_time(cursor: &mut Cursor<'_>) -> Result<UnixMillis, Bad> {
    cursor.expect(b'"')?;
    // date-day-fixed is SP DIGIT or 2DIGIT; a single digit without the space is common and unambiguous.
    let _ = cursor.eat(b' ');
    let day = cursor.digits(1, 2)?;
    let date = parse_month_year(cursor, day)?;
    cursor.expect(b' ')?;
    let hour = cursor.digits(2, 2)?;
    cursor.expect(b':')?;
    let minute = cursor.digits(2, 2)?;
    cursor.expect(b':')?;
    let second = cursor.digits(2, 2)?;
    cursor.expect(b' ')?;
    let east = if cursor.eat(b'+') {
        1
    } else {
        cursor.expect(b'-')?;
        -1
    };
    let zone = cursor.digits(4, 4)?;
    cursor.expect(b'"')?;
    // 60 is a leap second; Unix time folds it into the next minute.
    if hour > 23 || minute > 59 || second > 60 || zone / 100 > 23 || zone % 100 > 59 {
        return Err(Bad("invalid time"));
    }
    let zone_seconds = east * (i64::from(zone / 100) * 3600 + i64::from(zone % 100) * 60);
    let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second) - zone_seconds;
    Ok(UnixMillis(date.0 * DAY_MILLIS + seconds * 1000))
}

/// Days from 1970-01-01 (H. Hinnant, "chrono-compatible low-level date algorithms", `days_from_civil`).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let shifted = (month + 9) % 12;
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// A time as `date-time`, in UTC: `"17-Jul-1996 02:44:25 +0000"` with its quotes.
pub(crate) struct DateTime(pub(crate) UnixMillis);

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `rfc3339` is the only conversion from time to calendar date. A time that `date-year = 4DIGIT` cannot express
        // becomes the epoch.
        let text = self.0.rfc3339();
        let text = if text.len() == "YYYY-MM-DDThh:mm:ssZ".len() { text } else { UnixMillis(0).rfc3339() };
        let field = |range| text.get(range).unwrap_or_default();
        let month = field(5..7).parse::<usize>().ok().and_then(|month| MONTHS.get(month.wrapping_sub(1)));
        write!(
            f,
            "\"{:>2}-{}-{} {} +0000\"",
            field(8..10).trim_start_matches('0'),
            month.unwrap_or(&MONTHS[0]),
            field(0..4),
            field(11..19),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Result<UnixMillis, Bad> {
        parse_date_time(&mut Cursor::new(text.as_bytes()))
    }

    #[test]
    fn moments_both_ways() {
        for (text, millis, said) in [
            ("\"01-Jan-1970 00:00:00 +0000\"", 0, "\" 1-Jan-1970 00:00:00 +0000\""),
            ("\" 7-Feb-1994 21:52:25 -0800\"", 760_686_745_000, "\" 8-Feb-1994 05:52:25 +0000\""),
            ("\"29-Feb-2000 23:59:59 +0130\"", 951_863_399_000, "\"29-Feb-2000 22:29:59 +0000\""),
            ("\"30-oct-2026 10:00:00 +0000\"", 1_793_354_400_000, "\"30-Oct-2026 10:00:00 +0000\""),
        ] {
            assert_eq!(moment(text), Ok(UnixMillis(millis)), "{text}");
            assert_eq!(DateTime(UnixMillis(millis)).to_string(), said);
        }
        for bad in
            ["\"31-Feb-2000 00:00:00 +0000\"", "\"1-Jan-70 00:00:00 +0000\"", "\"01-Jan-1970 24:00:00 +0000\"", ""]
        {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn days_agree_with_moments() {
        for year in [1970, 1999, 2000, 2024, 2100] {
            for month in 1..=12 {
                let date = Date::from_civil(year, month, 28).unwrap();
                let text = UnixMillis(date.0 * DAY_MILLIS).rfc3339();
                assert_eq!(text, format!("{year}-{month:02}-28T00:00:00Z"));
            }
        }
    }
}
