//! Conversions between moments and the local time of a zone.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use terms::UnixMillis;

use crate::value::Day;

/// The local day of a moment.
pub fn local_day(at: UnixMillis, zone: &str) -> Day {
    Day(moment(at).to_zoned(home_zone(zone).1).date())
}

/// The first moment of a local day.
pub(crate) fn start_of(day: Day, zone: &str) -> UnixMillis {
    let start = day.0.to_zoned(home_zone(zone).1);
    UnixMillis(start.map_or(0, |start| start.timestamp().as_millisecond()))
}

/// Whether `zone` is an IANA zone that this build knows.
pub fn knows_zone(zone: &str) -> bool {
    TimeZone::get(zone).is_ok()
}

/// A moment written as the local time of `zone`, to the second and with its offset: `2026-09-02T09:30:00+01:00`.
pub fn local_time(at: UnixMillis, zone: &str) -> String {
    moment(at).to_zoned(home_zone(zone).1).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// Reads a moment: with its offset (`2026-09-02T09:30:00+01:00`), or as the local time of `zone` (`2026-09-02T09:30`),
/// meaning the earlier one if the clocks show it twice. `None` if it is neither.
pub fn local_moment(text: &str, zone: &str) -> Option<UnixMillis> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(UnixMillis(at.as_millisecond()));
    }
    // Only digits and separators: jiff accepts more formats than a user would expect.
    if text.len() < 16 || !text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b':' | b'T')) {
        return None;
    }
    let local = text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(home_zone(zone).1).ok()?;
    Some(UnixMillis(local.timestamp().as_millisecond()))
}

/// The day `months` later, or the last day of that month if it is shorter.
pub(crate) fn plus_months(day: Day, months: i64) -> Day {
    Day(day.0.saturating_add(jiff::Span::new().try_months(months).unwrap_or_default()))
}

/// The last day of a term of `months` of which `day` itself is the first day: the day before the corresponding one
/// (1 March and three months: 31 May), or the last day of the month where that has no such day (30 November and three
/// months: 28 or 29 February).
pub(crate) fn months_from(day: Day, months: i64) -> Day {
    let corresponding = plus_months(day, months);
    if corresponding.0.day() == day.0.day() { corresponding.plus_days(-1) } else { corresponding }
}

pub(crate) fn home_zone(name: &str) -> (String, TimeZone) {
    TimeZone::get(name).map_or_else(|_| ("UTC".to_owned(), TimeZone::UTC), |zone| (name.to_owned(), zone))
}

pub(crate) fn moment(at: UnixMillis) -> Timestamp {
    Timestamp::from_millisecond(at.0).unwrap_or(if at.0 < 0 { Timestamp::MIN } else { Timestamp::MAX })
}
