//! Calendars of States: time zone, weekend, public holidays. Holidays are set and changed by law, so each calendar is a
//! dated file with a stated range; outside it a deadline is marked uncertain rather than guessed.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::errors::{LawError, toml_error};
use crate::rule::Confidence;
use crate::value::{Day, read_day};

/// A State's calendar.
#[derive(Debug, Clone)]
pub struct Calendar {
    /// The id used by rules and forums.
    pub id: String,
    /// The IANA time zone of its days.
    pub zone_name: String,
    pub(crate) zone: TimeZone,
    weekend: Vec<jiff::civil::Weekday>,
    /// The first day that it covers.
    pub from: Day,
    /// The last day that it covers.
    pub to: Day,
    /// The public holidays, by day.
    pub holidays: BTreeMap<Day, String>,
    /// The source of the holidays.
    pub source: String,
    /// A note for readers; may be empty.
    pub note: String,
    /// How well that source was read.
    pub confidence: Confidence,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCalendar {
    id: String,
    zone: String,
    weekend: Vec<RawWeekday>,
    from: toml::value::Datetime,
    to: toml::value::Datetime,
    source: String,
    /// How well the source was read; computations that depend on it say so.
    confidence: Confidence,
    #[serde(default)]
    note: String,
    holiday: Vec<RawHoliday>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum RawWeekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHoliday {
    day: toml::value::Datetime,
    name: String,
}

/// Why a day is not a working day.
pub(crate) enum DayOff {
    Weekend,
    Holiday(String),
}

impl Calendar {
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, LawError> {
        let fault = |what: String| LawError { file: file.to_owned(), line: None, rule: None, what };
        let raw: RawCalendar = toml::from_str(text).map_err(|error| toml_error(file, text, &error))?;
        let day = |when: &toml::value::Datetime| read_day(when).map_err(fault);
        let zone = TimeZone::get(&raw.zone)
            .map_err(|_| fault(format!("`{}` is not an IANA time zone such as Europe/Dublin", raw.zone)))?;
        let (from, to) = (day(&raw.from)?, day(&raw.to)?);
        if to < from {
            return Err(fault("`to` is before `from`".to_owned()));
        }
        let mut holidays = BTreeMap::new();
        for holiday in raw.holiday {
            let on = day(&holiday.day)?;
            if on < from || to < on {
                return Err(fault(format!("the holiday {on} is outside the calendar's range")));
            }
            holidays.insert(on, holiday.name);
        }
        let weekend = raw
            .weekend
            .into_iter()
            .map(|day| match day {
                RawWeekday::Monday => jiff::civil::Weekday::Monday,
                RawWeekday::Tuesday => jiff::civil::Weekday::Tuesday,
                RawWeekday::Wednesday => jiff::civil::Weekday::Wednesday,
                RawWeekday::Thursday => jiff::civil::Weekday::Thursday,
                RawWeekday::Friday => jiff::civil::Weekday::Friday,
                RawWeekday::Saturday => jiff::civil::Weekday::Saturday,
                RawWeekday::Sunday => jiff::civil::Weekday::Sunday,
            })
            .collect::<Vec<_>>();
        if weekend.len() >= 7 {
            return Err(fault("the weekend covers the whole week".to_owned()));
        }
        Ok(Self {
            id: raw.id,
            zone_name: raw.zone,
            zone,
            weekend,
            from,
            to,
            holidays,
            confidence: raw.confidence,
            source: raw.source,
            note: raw.note,
        })
    }

    /// Why `day` is not a working day; `None` if it is one.
    pub(crate) fn off(&self, day: Day) -> Option<DayOff> {
        if let Some(name) = self.holidays.get(&day) {
            return Some(DayOff::Holiday(name.clone()));
        }
        self.weekend.contains(&day.0.weekday()).then_some(DayOff::Weekend)
    }

    /// Whether `day` is within the calendar's range.
    pub(crate) fn covers(&self, day: Day) -> bool {
        self.from <= day && day <= self.to
    }
}
