//! Computing deadlines, with each step spelled out so that a clerk can follow it with a calendar.

use jiff::Zoned;
use jiff::civil::Date;
use terms::UnixMillis;

use crate::calendar::{Calendar, DayOff};
use crate::decision::Deadline;
use crate::rule::{Confidence, Roll, Start, Term, Unit};
use crate::value::Day;
use crate::zones::{home_zone, moment, months_from, plus_months};

/// Longer than any run of days off; it only bounds the search for the next working day.
const DAYS_OFF_MAX: usize = 60;

/// What a term is computed from.
pub(crate) struct From<'a> {
    pub(crate) received: UnixMillis,
    /// The day of [`Start::Fact`].
    pub(crate) fact_day: Option<Day>,
    /// The term's calendar; `None` if the set has none of that name.
    pub(crate) calendar: Option<&'a Calendar>,
    /// The home's zone, used if there is no calendar.
    pub(crate) home_zone: &'a str,
}

/// The deadline set by `term`, or `None` if it runs from an unknown day.
pub(crate) fn compute(term: &Term, from: &From<'_>, rule: &str) -> Option<Deadline> {
    let mut steps = Vec::new();
    let mut uncertain = None;
    let (zone_name, zone) = match from.calendar {
        Some(calendar) => (calendar.zone_name.clone(), calendar.zone.clone()),
        None => {
            uncertain = Some(format!("there is no calendar `{}`, so days off are unknown", term.calendar));
            home_zone(from.home_zone)
        }
    };
    let received = moment(from.received).to_zoned(zone.clone());
    steps.push(format!("received {} {zone_name}", say(&received)));
    let end = match term.unit {
        Unit::Hours => end_of_hours(term, &received, &mut steps),
        Unit::Days | Unit::WorkingDays | Unit::Months => {
            let last = last_day(term, from, received.date(), &mut steps, &mut uncertain)?;
            let end = last.at(23, 59, 59, 0).to_zoned(zone).ok();
            steps.push(format!("the term ends at the end of {}", say_day(last)));
            end
        }
    };
    // Beyond jiff's calendar (the year 9999): the time of receipt is then the safest answer.
    let end = end.unwrap_or_else(|| {
        uncertain = Some("the term ends beyond the calendar".to_owned());
        received
    });
    Some(Deadline {
        at: UnixMillis(end.timestamp().as_millisecond()),
        purpose: term.purpose,
        what: term.what.clone(),
        utc: UnixMillis(end.timestamp().as_millisecond()).rfc3339(),
        local: end.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        zone: zone_name,
        steps,
        rule: rule.to_owned(),
        uncertain,
    })
}

fn end_of_hours(term: &Term, received: &Zoned, steps: &mut Vec<String>) -> Option<Zoned> {
    let mut start = received.clone();
    if term.start == Start::NextFullHour {
        let past = i64::from(start.minute()) * 60_000
            + i64::from(start.second()) * 1000
            + i64::from(start.subsec_nanosecond()) / 1_000_000;
        if past > 0 {
            start = start.checked_add(jiff::SignedDuration::from_millis(3_600_000 - past)).ok()?;
        }
        steps.push(format!("counted from the next full hour: {}", say(&start)));
    }
    let end = start.checked_add(jiff::SignedDuration::from_hours(term.n)).ok()?;
    steps.push(format!("{} hours have passed at {}", term.n, say(&end)));
    if start.offset() != end.offset() {
        steps.push("the clocks change in between; elapsed hours are counted".to_owned());
    }
    Some(end)
}

fn last_day(
    term: &Term,
    from: &From<'_>,
    received: Date,
    steps: &mut Vec<String>,
    uncertain: &mut Option<String>,
) -> Option<Date> {
    let day_zero = match &term.start {
        Start::Fact(fact) => {
            let day = from.fact_day?;
            let number = u8::from(term.first_day);
            steps.push(format!("counted from {} ({fact}): that day is day {number}", say_day(day.0)));
            day.0
        }
        Start::DayAfterReceipt => {
            steps
                .push(format!("the day of receipt is not counted; day 1 is {}", say_day(Day(received).plus_days(1).0)));
            received
        }
        Start::Receipt | Start::NextFullHour => {
            if term.first_day {
                steps.push(format!("the day of receipt is counted: day 1 is {}", say_day(received)));
            }
            received
        }
    };
    // Where the first day counts, a term in days runs as if from the day before.
    let day_zero = match term.unit {
        Unit::Days | Unit::WorkingDays if term.first_day => Day(day_zero).plus_days(-1).0,
        _ => day_zero,
    };
    let mut last = match term.unit {
        Unit::WorkingDays => working_days_after(day_zero, term.n, from.calendar),
        Unit::Months if term.first_day => months_from(Day(day_zero), term.n).0,
        Unit::Months => plus_months(Day(day_zero), term.n).0,
        Unit::Days | Unit::Hours => Day(day_zero).plus_days(term.n).0,
    };
    steps.push(match term.unit {
        Unit::WorkingDays => format!("working day {} is {}", term.n, say_day(last)),
        Unit::Months if term.first_day => {
            format!("{} month(s), the first day included, end on {}", term.n, say_day(last))
        }
        Unit::Months => format!("{} month(s) later is {}", term.n, say_day(last)),
        Unit::Days | Unit::Hours => format!("day {} is {}", term.n, say_day(last)),
    });
    let needs_holidays = term.roll == Roll::NextWorkingDay || term.unit == Unit::WorkingDays;
    if let Some(calendar) = from.calendar.filter(|_| needs_holidays) {
        if calendar.confidence != Confidence::Read {
            steps.push(format!(
                "the holidays of the calendar `{}` have not been verified in the statute ({}); check dates near a holiday",
                calendar.id,
                calendar.confidence.as_str()
            ));
        }
        if term.roll == Roll::NextWorkingDay {
            for _ in 0..DAYS_OFF_MAX {
                let Some(off) = calendar.off(Day(last)) else { break };
                let next = Day(last).plus_days(1).0;
                let why = match off {
                    DayOff::Weekend => "a weekend".to_owned(),
                    DayOff::Holiday(name) => format!("a holiday, {name}"),
                };
                steps.push(format!("{} is {why}; the term is extended to {}", say_day(last), say_day(next)));
                last = next;
            }
        }
        if !calendar.covers(Day(last)) || !calendar.covers(Day(day_zero)) {
            *uncertain = Some(format!(
                "the calendar `{}` covers holidays only from {} to {}",
                calendar.id, calendar.from, calendar.to
            ));
        }
    }
    Some(last)
}

fn working_days_after(day_zero: Date, n: i64, calendar: Option<&Calendar>) -> Date {
    let mut day = Day(day_zero);
    // A term is at most `load::TERM_MAX` long, so this terminates.
    for _ in 0..n {
        day = day.plus_days(1);
        for _ in 0..DAYS_OFF_MAX {
            if calendar.is_none_or(|calendar| calendar.off(day).is_none()) {
                break;
            }
            day = day.plus_days(1);
        }
    }
    day.0
}

fn say(at: &Zoned) -> String {
    at.strftime("%a %-d %b %Y %H:%M:%S %:z").to_string()
}

fn say_day(day: Date) -> String {
    day.strftime("%a %-d %b %Y").to_string()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::rule::DeadlinePurpose;

    const CALENDAR: &str = "id = \"ie\"\nzone = \"Europe/Dublin\"\nweekend = [\"saturday\", \"sunday\"]\n\
        from = 2026-01-01\nto = 2027-12-31\nsource = \"for the test\"\nconfidence = \"read\"\n\
        holiday = [{ day = 2026-10-26, name = \"October Holiday\" }, { day = 2026-12-25, name = \"Christmas Day\" }]\n";

    /// One line each: the term, the receipt, the local end, and what the steps must say.
    #[test]
    fn a_table_of_terms() {
        use Roll::{NextWorkingDay, None as Stays};
        use Start::{DayAfterReceipt, NextFullHour, Receipt};
        use Unit::{Days, Hours, Months, WorkingDays};
        let calendar = Calendar::parse("ie.toml", CALENDAR).unwrap();
        let fact = || Start::Fact("preserved_until".to_owned());
        for (n, unit, start, roll, received, fact_day, local, says) in [
            // Elapsed hours count, not wall clock time.
            (8, Hours, Receipt, Stays, "2026-03-29T00:30:00Z", "", "2026-03-29T09:30:00+01:00", "the clocks change"),
            (8, Hours, Receipt, Stays, "2026-10-24T23:30:00Z", "", "2026-10-25T07:30:00+00:00", "the clocks change"),
            (8, Hours, Receipt, Stays, "2026-07-01T09:00:00Z", "", "2026-07-01T18:00:00+01:00", "8 hours have passed"),
            (8, Hours, NextFullHour, Stays, "2026-07-01T09:00:01Z", "", "2026-07-01T19:00:00+01:00", "next full hour"),
            (8, Hours, NextFullHour, Stays, "2026-07-01T09:00:00Z", "", "2026-07-01T18:00:00+01:00", "next full hour"),
            // Terms in hours are never extended, even if they end on a Sunday.
            (8, Hours, Receipt, NextWorkingDay, "2026-11-22T09:00:00Z", "", "2026-11-22T17:00:00+00:00", "8 hours"),
            // The local day of receipt counts: this is 2 September in Dublin.
            (10, Days, DayAfterReceipt, Stays, "2026-09-01T23:30:00Z", "", "2026-09-12T23:59:59+01:00", "not counted"),
            (
                10,
                Days,
                DayAfterReceipt,
                NextWorkingDay,
                "2026-09-02T09:00:00Z",
                "",
                "2026-09-14T23:59:59+01:00",
                "a weekend",
            ),
            // Saturday, Sunday, and the holiday on Monday.
            (
                10,
                Days,
                DayAfterReceipt,
                NextWorkingDay,
                "2026-10-14T09:00:00Z",
                "",
                "2026-10-27T23:59:59+00:00",
                "October Holiday",
            ),
            (14, Days, Receipt, Stays, "2026-02-20T12:00:00Z", "", "2026-03-06T23:59:59+00:00", "day 14"),
            (90, Days, Receipt, Stays, "2026-01-31T12:00:00Z", "", "2026-05-01T23:59:59+01:00", "day 90"),
            (
                90,
                Days,
                fact(),
                Stays,
                "2026-04-20T12:00:00Z",
                "2026-05-01",
                "2026-07-30T23:59:59+01:00",
                "(preserved_until)",
            ),
            (60, Days, Receipt, Stays, "2026-08-18T12:00:00Z", "", "2026-10-17T23:59:59+01:00", "day 60"),
            (
                30,
                Days,
                fact(),
                Stays,
                "2026-10-01T12:00:00Z",
                "2026-10-17",
                "2026-11-16T23:59:59+00:00",
                "(preserved_until)",
            ),
            (1, Months, Receipt, Stays, "2026-01-31T12:00:00Z", "", "2026-02-28T23:59:59+00:00", "month"),
            (2, WorkingDays, Receipt, Stays, "2026-12-24T12:00:00Z", "", "2026-12-29T23:59:59+00:00", "working day 2"),
            (
                0,
                Days,
                fact(),
                NextWorkingDay,
                "2026-12-01T12:00:00Z",
                "2026-12-25",
                "2026-12-28T23:59:59+00:00",
                "Christmas Day",
            ),
        ] {
            let what = format!("{n} {unit:?} {start:?} {received}");
            let term = Term {
                purpose: DeadlinePurpose::AnswerBy,
                what: "answer".to_owned(),
                n,
                unit,
                calendar: "ie".to_owned(),
                start,
                first_day: false,
                roll,
            };
            let received: Timestamp = received.parse().unwrap();
            let from = From {
                received: UnixMillis(received.as_millisecond()),
                fact_day: fact_day.parse().ok(),
                calendar: Some(&calendar),
                home_zone: "Europe/Dublin",
            };
            let deadline = compute(&term, &from, "test.rule").unwrap();
            assert_eq!(deadline.local, local, "{what}: {:#?}", deadline.steps);
            let utc: Timestamp = deadline.utc.parse().unwrap();
            assert_eq!(utc, local.parse::<Timestamp>().unwrap(), "{what}");
            assert!(deadline.steps.iter().any(|step| step.contains(says)), "{what}: {:#?}", deadline.steps);
            assert_eq!(deadline.uncertain, None, "{what}");
        }
    }

    /// Periods that begin with the day: one line each, with the first day (of receipt, or of the order) and the last.
    #[test]
    fn a_table_of_terms_whose_first_day_counts() {
        use Roll::{NextWorkingDay, None as Stays};
        use Unit::{Days, Months, WorkingDays};
        let calendar = Calendar::parse("ie.toml", CALENDAR).unwrap();
        for (n, unit, roll, first, last) in [
            // The day before the corresponding one.
            (3, Months, Stays, "2026-06-15", "2026-09-14T23:59:59+01:00"),
            (3, Months, Stays, "2026-03-01", "2026-05-31T23:59:59+01:00"),
            (12, Months, Stays, "2024-02-29", "2025-02-28T23:59:59+00:00"),
            (1, Months, Stays, "2026-01-01", "2026-01-31T23:59:59+00:00"),
            // No corresponding day: the last day of the month, in leap years and others.
            (3, Months, Stays, "2026-11-30", "2027-02-28T23:59:59+00:00"),
            (3, Months, Stays, "2027-11-30", "2028-02-29T23:59:59+00:00"),
            (3, Months, Stays, "2027-11-29", "2028-02-28T23:59:59+00:00"),
            (1, Months, Stays, "2026-01-31", "2026-02-28T23:59:59+00:00"),
            (1, Months, Stays, "2026-01-29", "2026-02-28T23:59:59+00:00"),
            (1, Months, Stays, "2026-01-28", "2026-02-27T23:59:59+00:00"),
            (1, Months, Stays, "2026-05-31", "2026-06-30T23:59:59+01:00"),
            // Over both changes of clocks the last day ends at local midnight.
            (14, Days, Stays, "2026-03-20", "2026-04-02T23:59:59+01:00"),
            (14, Days, Stays, "2026-10-20", "2026-11-02T23:59:59+00:00"),
            (28, Days, Stays, "2028-02-10", "2028-03-08T23:59:59+00:00"),
            (1, Days, Stays, "2026-06-15", "2026-06-15T23:59:59+01:00"),
            // It ends on Christmas Day, a Friday, and is extended over the weekend.
            (7, Days, NextWorkingDay, "2026-12-19", "2026-12-28T23:59:59+00:00"),
            // A first day that is a day off is not a working day.
            (2, WorkingDays, Stays, "2026-06-15", "2026-06-16T23:59:59+01:00"),
            (2, WorkingDays, Stays, "2026-06-14", "2026-06-16T23:59:59+01:00"),
        ] {
            let day: Day = first.parse().unwrap();
            let received: Timestamp = format!("{first}T12:00:00Z").parse().unwrap();
            for start in [Start::Receipt, Start::Fact("order_made".to_owned())] {
                let what = format!("{n} {unit:?} from {first}, {start:?}");
                let term = Term {
                    purpose: DeadlinePurpose::AnswerBy,
                    what: "answer".to_owned(),
                    n,
                    unit,
                    calendar: "ie".to_owned(),
                    start,
                    first_day: true,
                    roll,
                };
                let from = From {
                    received: UnixMillis(received.as_millisecond()),
                    fact_day: Some(day),
                    calendar: Some(&calendar),
                    home_zone: "Europe/Dublin",
                };
                let deadline = compute(&term, &from, "test.rule").unwrap();
                assert_eq!(deadline.local, last, "{what}: {:#?}", deadline.steps);
                assert!(deadline.steps.iter().any(|step| step.contains("day 1")), "{what}: {:#?}", deadline.steps);
            }
        }
    }

    #[test]
    fn days_outside_the_calendar_are_marked_uncertain() {
        let calendar = Calendar::parse("ie.toml", CALENDAR).unwrap();
        let term = |unit, roll| Term {
            purpose: DeadlinePurpose::AnswerBy,
            what: "answer".to_owned(),
            n: 10,
            unit,
            calendar: "ie".to_owned(),
            start: Start::Receipt,
            first_day: false,
            roll,
        };
        let at = |day: &str, calendar| {
            let received: Timestamp = format!("{day}T12:00:00Z").parse().unwrap();
            let received = UnixMillis(received.as_millisecond());
            From { received, fact_day: None, calendar, home_zone: "Europe/Dublin" }
        };
        let sure = |term: &Term, from: &From<'_>| compute(term, from, "test.rule").unwrap().uncertain.is_none();
        let (rolls, counts) = (term(Unit::Days, Roll::NextWorkingDay), term(Unit::WorkingDays, Roll::None));
        let plain = term(Unit::Days, Roll::None);
        for (term, day, known) in [
            (&rolls, "2026-06-01", true),
            (&rolls, "2027-12-25", false),
            (&counts, "2027-12-30", false),
            (&counts, "2025-12-30", false),
            (&plain, "2027-12-25", true),
        ] {
            assert_eq!(sure(term, &at(day, Some(&calendar))), known, "{day} {term:?}");
        }
        assert!(!sure(&plain, &at("2026-06-01", None)), "uncertain without a calendar");
        let fact = Term { start: Start::Fact("preserved_until".to_owned()), ..plain };
        assert_eq!(compute(&fact, &at("2026-06-01", Some(&calendar)), "test.rule"), None, "an unknown start");
    }
}
