//! A picture of the law over time as inline SVG: one band per forum, its answers drawn from the first day to the last,
//! and what happened as numbered lines. The tables below it say the same to readers who cannot see it.

use askama::Template;
use rules::{Day, Outcome, Picture, PictureEvent, PictureRow, Span};

use super::site::{Frame, LawSite, text};
use super::words;

// In the picture's own units, 1000 to its width (`timeline.html`): it scales to the screen and to a printed page.

/// Where the bands begin; their names are to the left.
const LEFT: i64 = 210;
/// Where they end.
const RIGHT: i64 = 992;
/// Where the first band begins; above it are the numbers of the events.
const TOP: i64 = 84;
/// The height of a band.
const BAND: i64 = 40;
/// From one band to the next.
const STEP: i64 = 52;
/// The size of an event's number.
const DOT: i64 = 22;
/// How high numbers may pile up where events follow each other closely.
const LEVELS: i64 = 3;
/// What a letter of a label takes, so that a label is drawn only where it fits.
const LETTER: i64 = 8;

/// A picture, with everything in its place.
pub(super) struct PictureView<'a> {
    pub(super) picture: &'a Picture,
    pub(super) path: String,
    pub(super) case_path: String,
    pub(super) height: i64,
    pub(super) bottom: i64,
    pub(super) bands: Vec<Band<'a>>,
    pub(super) marks: Vec<Mark<'a>>,
    pub(super) years: Vec<(i64, String)>,
    pub(super) legend: Vec<Legend>,
}

pub(super) struct Band<'a> {
    pub(super) name: &'a str,
    pub(super) y: i64,
    pub(super) text_y: i64,
    pub(super) pieces: Vec<Piece>,
}

pub(super) struct Piece {
    pub(super) x: i64,
    pub(super) width: i64,
    pub(super) middle: i64,
    pub(super) look: &'static str,
    pub(super) label: String,
    pub(super) from: String,
    pub(super) from_path: String,
    pub(super) until: String,
    pub(super) outcome: &'static str,
    pub(super) is_contested: bool,
    pub(super) is_conflict: bool,
    pub(super) rules: Vec<(String, String)>,
    pub(super) unconfirmed: String,
}

pub(super) struct Mark<'a> {
    pub(super) number: usize,
    pub(super) x: i64,
    pub(super) y: i64,
    pub(super) event: &'a PictureEvent,
    pub(super) is_unconfirmed: bool,
    pub(super) confidence: &'static str,
}

pub(super) struct Legend {
    pub(super) look: &'static str,
    pub(super) letter: &'static str,
    pub(super) outcome: &'static str,
    pub(super) means: String,
}

#[derive(Template)]
#[template(path = "law/picture.html")]
struct PicturePage<'a> {
    frame: Frame<'a>,
    view: PictureView<'a>,
}

impl LawSite {
    pub(super) fn picture_page(&self, name: &str) -> Option<String> {
        let picture = self.pictures.iter().find(|picture| words::plain(&picture.id) == name)?;
        text(PicturePage { frame: self.frame("../", "front"), view: self.picture_view(picture) })
    }

    pub(super) fn picture_view<'a>(&self, picture: &'a Picture) -> PictureView<'a> {
        let scale = Scale::new(picture);
        let bands: Vec<_> = picture.rows.iter().zip(0..).map(|(row, place)| self.band(&scale, row, place)).collect();
        let bottom = TOP + STEP * i64::try_from(bands.len()).unwrap_or(0);
        let shown = |outcome: &Outcome| picture.rows.iter().flat_map(|row| &row.spans).any(|s| s.outcome == *outcome);
        let legend = |outcome: Outcome| Legend {
            look: words::outcome_look(outcome),
            letter: letter(outcome),
            outcome: outcome.as_str(),
            means: self.law.vocabulary().means(outcome.as_str()).unwrap_or_default().to_owned(),
        };
        let case = self.cases.iter().position(|case| case.id == picture.case);
        PictureView {
            picture,
            path: words::picture_page(&picture.id),
            case_path: case.map_or_else(|| "cases.html".to_owned(), |number| self.case_path(number)),
            height: bottom + 28,
            bottom,
            bands,
            marks: marks(&scale, &picture.events),
            years: scale.years(),
            legend: Outcome::ALL.into_iter().filter(shown).map(legend).collect(),
        }
    }

    fn band<'a>(&self, scale: &Scale, row: &'a PictureRow, place: i64) -> Band<'a> {
        let y = TOP + STEP * place;
        Band {
            name: &row.name,
            y,
            text_y: y + BAND / 2 + 6,
            pieces: row.spans.iter().map(|span| self.piece(scale, span)).collect(),
        }
    }

    fn piece(&self, scale: &Scale, span: &Span) -> Piece {
        let x = scale.x(span.from);
        let width = (scale.x(span.until.plus_days(1)) - x).max(2);
        let star = if span.unconfirmed.is_empty() { "" } else { "*" };
        let labels = [words::outcome_short(span.outcome), letter(span.outcome)].map(|label| format!("{label}{star}"));
        let fits = |label: &String| i64::try_from(label.len()).is_ok_and(|letters| letters * LETTER + 4 <= width);
        let label = labels.into_iter().find(fits).unwrap_or_default();
        Piece {
            x,
            width,
            middle: x + width / 2,
            look: words::outcome_look(span.outcome),
            label,
            from: span.from.to_string(),
            from_path: self.law_of(span.from),
            until: span.until.to_string(),
            outcome: span.outcome.as_str(),
            is_contested: span.contested,
            is_conflict: span.conflict,
            rules: span.rules.iter().map(|id| (self.rule_path(id), id.clone())).collect(),
            unconfirmed: span.unconfirmed.iter().cloned().collect::<Vec<_>>().join(", "),
        }
    }
}

/// An outcome where a word does not fit.
fn letter(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Compelled => "C",
        Outcome::Permitted => "P",
        Outcome::NotCompelledBarred => "B",
        Outcome::NotCompelledRedirect => "N",
        Outcome::Partial => "½",
        Outcome::Conditional => "M",
        Outcome::ReferCounsel => "?",
    }
}

/// Days to places.
struct Scale {
    from: Day,
    until: Day,
    days: i64,
}

impl Scale {
    fn new(picture: &Picture) -> Self {
        let (from, until) = (picture.from, picture.until);
        Self { from, until, days: from.days_until(until).saturating_add(1).max(1) }
    }

    fn x(&self, day: Day) -> i64 {
        LEFT + self.from.days_until(day).clamp(0, self.days) * (RIGHT - LEFT) / self.days
    }

    /// The first days of the years shown whose labels fit.
    fn years(&self) -> Vec<(i64, String)> {
        let first = self.from.year();
        let years = (first..=self.until.year()).filter_map(|year| Day::new(year, 1, 1).map(|day| (day, year)));
        let inside = years.filter(|(day, _)| self.from <= *day && *day <= self.until).take(60);
        inside.map(|(day, year)| (self.x(day), year.to_string())).collect()
    }
}

/// The events' numbers, moved up where they would cover each other.
fn marks<'a>(scale: &Scale, events: &'a [PictureEvent]) -> Vec<Mark<'a>> {
    let mut ends = [i64::MIN; LEVELS as usize];
    let mut out = Vec::new();
    for (number, event) in (1..).zip(events) {
        let x = scale.x(event.day);
        let level = ends.iter().position(|end| *end <= x).unwrap_or(0);
        if let Some(end) = ends.get_mut(level) {
            *end = x + DOT + 2;
        }
        out.push(Mark {
            number,
            x,
            y: TOP - 20 - i64::try_from(level).unwrap_or(0) * (DOT + 2),
            event,
            is_unconfirmed: event.confidence < rules::Confidence::Read,
            confidence: words::confidence_short(event.confidence),
        });
    }
    out
}
