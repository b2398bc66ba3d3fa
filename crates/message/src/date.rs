//! Dates in headers (RFC 5322 sections 3.3 and 4.3), parsed tolerantly.
//!
//! The pieces of a date can be recognized in any order, so this parses pieces rather than a grammar: `Thu, 22 Aug 2002
//! 18:26:25 +0700`, `Aug 22 12:36:23 2002` of an mbox, `2002-08-22T12:36:23Z`.

use terms::UnixMillis;

use crate::header::{first, header_len, header_values};

/// A calendar day by the sender's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day {
    /// 1 to 9999.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to the length of the month.
    pub day: u8,
}

/// A day and a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The local day.
    pub day: Day,
    /// Seconds since local midnight.
    pub second_of_day: u32,
    /// The zone's offset from UTC in minutes; 0 if it is missing.
    pub zone_minutes: i32,
}

impl Moment {
    /// The moment in UTC.
    pub fn unix(self) -> UnixMillis {
        let seconds = self.day.days_since_1970() * 86_400 + i64::from(self.second_of_day);
        UnixMillis((seconds - i64::from(self.zone_minutes) * 60) * 1000)
    }
}

impl Day {
    /// Days since 1970-01-01 (H. Hinnant, "chrono-compatible low-level date algorithms", `days_from_civil`).
    pub fn days_since_1970(self) -> i64 {
        let month = i64::from(self.month);
        let year = i64::from(self.year) - i64::from(month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + i64::from(self.day) - 1;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
    }

    fn checked(year: u32, month: u32, day: u32) -> Option<Self> {
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=days).contains(&day) {
            return None;
        }
        Some(Self { year: year.try_into().ok()?, month: month.try_into().ok()?, day: day.try_into().ok()? })
    }
}

/// The day of the Date field, disregarding time and zone (RFC 9051 section 6.4.4, SENTSINCE and the like).
pub fn sent_date(view: &[u8]) -> Option<Day> {
    Some(sent_moment(view)?.day)
}

/// The moment of the Date field.
pub fn sent_at(view: &[u8]) -> Option<UnixMillis> {
    Some(sent_moment(view)?.unix())
}

fn sent_moment(view: &[u8]) -> Option<Moment> {
    parse_date(&first(&view[..header_len(view)], "Date")?)
}

/// When the last hop received the message: the date of the topmost Received field that has one.
pub fn received_at(view: &[u8]) -> Option<UnixMillis> {
    header_values(view, "Received").find_map(|value| {
        let date = value.rsplit(|b| *b == b';').next()?;
        if date.len() == value.len() { None } else { Some(parse_date(date)?.unix()) }
    })
}

/// Parses a date with its pieces in any order; `None` if it has no valid day.
pub fn parse_date(value: &[u8]) -> Option<Moment> {
    let mut pieces = Pieces::default();
    for word in without_comments(value).split(|b| b.is_ascii_whitespace() || *b == b',') {
        pieces.word(word);
    }
    let day = Day::checked(pieces.year?, pieces.month?, pieces.day?)?;
    Some(Moment {
        day,
        second_of_day: pieces.second_of_day.unwrap_or(0),
        zone_minutes: pieces.zone_minutes.unwrap_or(0),
    })
}

fn without_comments(value: &[u8]) -> Vec<u8> {
    let mut depth = 0usize;
    let mut out = Vec::with_capacity(value.len());
    for &byte in value {
        match byte {
            b'(' => depth += 1,
            b')' if depth > 0 => {
                depth -= 1;
                out.push(b' ');
            }
            _ if depth == 0 => out.push(byte),
            _ => {}
        }
    }
    out
}

#[derive(Default)]
struct Pieces {
    year: Option<u32>,
    month: Option<u32>,
    day: Option<u32>,
    second_of_day: Option<u32>,
    zone_minutes: Option<i32>,
}

impl Pieces {
    fn word(&mut self, word: &[u8]) {
        let Some(head) = word.first() else { return };
        if matches!(head, b'+' | b'-') {
            self.zone(word);
        } else if word.contains(&b':') {
            self.time(word);
        } else if word.contains(&b'-') {
            // 2002-08-22, or 22-Aug-2002.
            let parts: Vec<&[u8]> = word.split(|b| *b == b'-').collect();
            match parts.as_slice() {
                [year, month, day] if year.len() == 4 => {
                    self.year = self.year.or_else(|| number(year));
                    self.month = self.month.or_else(|| number(month));
                    self.day = self.day.or_else(|| number(day));
                }
                _ => parts.into_iter().for_each(|part| self.word(part)),
            }
        } else if head.is_ascii_digit() {
            self.number(word);
        } else {
            self.name(word);
        }
    }

    /// `12:36`, `12:36:23`, `2002-08-22T12:36:23.5+01:00`.
    fn time(&mut self, word: &[u8]) {
        let word = match word.iter().position(|b| matches!(b, b'T' | b't')) {
            Some(at) if word[..at].contains(&b'-') => {
                self.word(&word[..at]);
                &word[at + 1..]
            }
            _ => word,
        };
        let is_clock = |b: &u8| b.is_ascii_digit() || matches!(b, b':' | b'.');
        let (clock, zone) = word.split_at(word.iter().position(|b| !is_clock(b)).unwrap_or(word.len()));
        let mut parts = clock.split(|b| matches!(b, b':' | b'.')).map(number);
        let hour = parts.next().flatten();
        let minute = parts.next().flatten();
        let second = parts.next().flatten().unwrap_or(0);
        if let (Some(hour @ 0..24), Some(minute @ 0..60), 0..=60) = (hour, minute, second)
            && self.second_of_day.is_none()
        {
            self.second_of_day = Some(hour * 3600 + minute * 60 + second);
        }
        match zone.first() {
            Some(b'+' | b'-') => self.zone(zone),
            Some(_) => self.name(zone),
            None => {}
        }
    }

    /// `+0700`, `-05:00`.
    fn zone(&mut self, word: &[u8]) {
        let digits: Vec<u8> = word[1..].iter().copied().filter(|b| *b != b':').collect();
        let Some(value) = number(&digits).and_then(|value| i32::try_from(value).ok()) else { return };
        let minutes = if digits.len() <= 2 { value * 60 } else { value / 100 * 60 + value % 100 };
        if minutes < 24 * 60 && self.zone_minutes.is_none() {
            self.zone_minutes = Some(if word[0] == b'-' { -minutes } else { minutes });
        }
    }

    /// Four digits are a year; otherwise the first number is the day and the second the year (RFC 5322 section 4.3: two
    /// digits below 50 are in this century, other two-digit and three-digit numbers in the last).
    fn number(&mut self, word: &[u8]) {
        let Some(value) = number(word) else { return };
        if word.len() <= 2 && self.day.is_none() {
            self.day = Some(value);
        } else if self.year.is_none() {
            self.year = match word.len() {
                1 | 2 if value < 50 => Some(value + 2000),
                1..=3 => Some(value + 1900),
                4 => Some(value),
                _ => None,
            };
        }
    }

    /// A month, a zone (RFC 5322 section 4.3 `obs-zone`), or the name of a day, which is redundant.
    fn name(&mut self, word: &[u8]) {
        const MONTHS: &[u8] = b"janfebmaraprmayjunjulaugsepoctnovdec";
        let word = word.to_ascii_lowercase();
        if let Some(start) = word.get(..3)
            && let Some(month) = MONTHS.chunks(3).position(|month| month == start)
        {
            self.month = self.month.or_else(|| u32::try_from(month + 1).ok());
            return;
        }
        let hours = match word.as_slice() {
            b"ut" | b"utc" | b"gmt" | b"z" => 0,
            b"edt" => -4,
            b"est" | b"cdt" => -5,
            b"cst" | b"mdt" => -6,
            b"mst" | b"pdt" => -7,
            b"pst" => -8,
            b"bst" | b"cet" | b"met" => 1,
            b"cest" | b"eet" => 2,
            _ => return,
        };
        self.zone_minutes = self.zone_minutes.or(Some(hours * 60));
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 4 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_written_in_the_field() {
        for (text, expected) in [
            ("Thu, 22 Aug 2002 18:26:25 +0700", "2002-08-22T11:26:25Z"),
            ("Thu Aug 22 12:36:23 2002", "2002-08-22T12:36:23Z"),
            ("22 Aug 02 18:26 EST", "2002-08-22T23:26:00Z"),
            ("Thu, 1 Jan 98 00:00:00 GMT (comment (nested))", "1998-01-01T00:00:00Z"),
            ("2002-08-22T12:36:23.5+01:00", "2002-08-22T11:36:23Z"),
            ("22-Aug-2002 12:36:23 -0430", "2002-08-22T17:06:23Z"),
            ("Fri, 29 Feb 2002 10:00:00 +0000", ""),
            ("Tue, 30 June 1998 23:59:60 Z", "1998-07-01T00:00:00Z"),
            ("Aug 22, 2002", "2002-08-22T00:00:00Z"),
            ("tomorrow", ""),
            ("", ""),
        ] {
            let read = parse_date(text.as_bytes()).map(|moment| moment.unix().rfc3339()).unwrap_or_default();
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn the_last_hop_gives_the_arrival() {
        let view = b"Received: by a; nonsense\r\nReceived: from b; by c;\r\n Thu, 22 Aug 2002 18:26:25 +0700\r\n\r\n";
        assert_eq!(received_at(view).map(UnixMillis::rfc3339).as_deref(), Some("2002-08-22T11:26:25Z"));
        assert_eq!(sent_date(view), None);
    }
}
