//! Calendars of States: zone, weekend, public holidays. Holidays are made by law and changed by it, so each calendar is
//! a dated file and says how far it reaches; beyond that a deadline is marked uncertain rather than guessed.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::errors::{LawError, toml_error};
use crate::rule::Confidence;
use crate::value::{Day, read_day};

/// A calendar.
#[derive(Debug, Clone)]
pub struct Calendar {
    /// Its id, which rules and forums name.
    pub id: String,
    /// The IANA zone of its days.
    pub zone_name: String,
    pub(crate) zone: TimeZone,
    weekend: Vec<jiff::civil::Weekday>,
    /// The first day that it covers.
    pub from: Day,
    /// The last day that it covers.
    pub to: Day,
    /// The public holidays, by day.
    pub holidays: BTreeMap<Day, String>,
    /// Where the holidays were read.
    pub source: String,
    /// What a reader should know; may be empty.
    pub note: String,
    /// How well the holidays were read.
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
    /// How well; a reckoning that needs them says so.
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

/// Why a day is off.
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
            .map_err(|_| fault(format!("`{}` is no IANA time zone; write one such as Europe/Dublin", raw.zone)))?;
        let (from, to) = (day(&raw.from)?, day(&raw.to)?);
        if to < from {
            return Err(fault("`to` is before `from`".to_owned()));
        }
        let mut holidays = BTreeMap::new();
        for holiday in raw.holiday {
            let on = day(&holiday.day)?;
            if on < from || to < on {
                return Err(fault(format!("the holiday {on} is outside the calendar's own span")));
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
            return Err(fault("a week that is all weekend has no working day".to_owned()));
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

    /// Why `day` is no working day; `None` when it is one.
    pub(crate) fn off(&self, day: Day) -> Option<DayOff> {
        if let Some(name) = self.holidays.get(&day) {
            return Some(DayOff::Holiday(name.clone()));
        }
        self.weekend.contains(&day.0.weekday()).then_some(DayOff::Weekend)
    }

    /// Whether the calendar knows the holidays of `day`.
    pub(crate) fn covers(&self, day: Day) -> bool {
        self.from <= day && day <= self.to
    }
}
