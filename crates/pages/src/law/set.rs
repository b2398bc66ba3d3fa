//! The set from several sides: the first page, by instrument, by State, what is not confirmed, and the words, routes and
//! calendars that rules refer to.

use askama::Template;
use rules::{About, Calendar, FactDef, Kind, Pattern, PlaceSet, RouteDef, Rule, Test, Topic, Value, Vocabulary, Word};

use super::picture::PictureView;
use super::rule::{CaseRow, RuleTable, is_of};
use super::site::{Frame, LawSite, text};
use super::words;

/// A line of a list that leads somewhere.
pub(super) struct Entry {
    pub(super) path: String,
    pub(super) name: String,
    pub(super) about: String,
    pub(super) rules: usize,
    pub(super) unconfirmed: usize,
}

#[derive(Template)]
#[template(path = "law/front.html")]
struct FrontPage<'a> {
    frame: Frame<'a>,
    cases: usize,
    failing: usize,
    states: Vec<Entry>,
    instruments: Vec<Entry>,
    pictures: Vec<PictureView<'a>>,
    days: usize,
    day_last: String,
    day_last_path: String,
}

#[derive(Template)]
#[template(path = "law/entries.html")]
struct EntriesPage<'a> {
    frame: Frame<'a>,
    title: &'static str,
    lead: &'static str,
    column: &'static str,
    entries: Vec<Entry>,
}

#[derive(Template)]
#[template(path = "law/tables.html")]
struct TablesPage<'a> {
    frame: Frame<'a>,
    title: String,
    word: &'a str,
    lead: String,
    tables: Vec<RuleTable>,
    cases: Vec<CaseRow>,
}

#[derive(Template)]
#[template(path = "law/words.html")]
struct WordsPage<'a> {
    frame: Frame<'a>,
    vocabulary: &'a Vocabulary,
    facts: Vec<FactRow<'a>>,
    sets: Vec<&'a PlaceSet>,
    lists: Vec<(&'static str, &'a [Word])>,
}

struct FactRow<'a> {
    fact: &'a FactDef,
    about: &'static str,
    kind: String,
    silent: Option<String>,
    rules: usize,
}

#[derive(Template)]
#[template(path = "law/routes.html")]
struct RoutesPage<'a> {
    frame: Frame<'a>,
    routes: Vec<RouteRow<'a>>,
}

struct RouteRow<'a> {
    route: &'a RouteDef,
    force: String,
    asks: String,
    confidence: &'static str,
    is_unconfirmed: bool,
    rules: Vec<(String, &'a str)>,
}

#[derive(Template)]
#[template(path = "law/calendars.html")]
struct CalendarsPage<'a> {
    frame: Frame<'a>,
    /// Each with whether it is not confirmed, and how it was read.
    calendars: Vec<(&'a Calendar, bool, &'static str)>,
}

impl LawSite {
    pub(super) fn front(&self) -> Option<String> {
        let day_last = self.days.last().copied();
        text(FrontPage {
            frame: self.frame("", "front"),
            cases: self.cases.len(),
            failing: self.answers().outcomes.iter().filter(|told| !told.failures.is_empty()).count(),
            states: self.state_entries(),
            instruments: self.instrument_entries(),
            pictures: self.pictures.iter().map(|picture| self.picture_view(picture)).collect(),
            days: self.days.len(),
            day_last: day_last.map(|day| day.to_string()).unwrap_or_default(),
            day_last_path: day_last.map_or_else(|| "days.html".to_owned(), words::day_page),
        })
    }

    pub(super) fn instruments(&self) -> Option<String> {
        text(EntriesPage {
            frame: self.frame("", "instruments"),
            title: "By instrument",
            lead: "The legal kind of a demand. Each instrument lists the rules that name it; rules that name no \
                   instrument apply to all.",
            column: "Instrument",
            entries: self.instrument_entries(),
        })
    }

    pub(super) fn states_list(&self) -> Option<String> {
        text(EntriesPage {
            frame: self.frame("", "states"),
            title: "By State",
            lead: "The State or union whose law a rule states. The provider's own rules never override law.",
            column: "State or union",
            entries: self.state_entries(),
        })
    }

    fn instrument_entries(&self) -> Vec<Entry> {
        let entry = |word: &Word| {
            let rules = || self.law.rules().iter().filter(|rule| names(rule, &word.name) == Some(true));
            Entry {
                path: words::instrument_page(&word.name),
                name: word.name.clone(),
                about: word.means.clone(),
                rules: rules().count(),
                unconfirmed: rules().filter(|rule| self.is_unconfirmed(rule)).count(),
            }
        };
        self.law.vocabulary().instruments.iter().map(entry).collect()
    }

    fn state_entries(&self) -> Vec<Entry> {
        let entry = |state: String| {
            let rules = || self.law.rules().iter().filter(|rule| words::state_of(&rule.file) == state);
            let files = self.law.files().iter().filter(|file| words::state_of(&file.path) == state);
            let titles: Vec<_> = files.map(|file| without_state(&file.title)).collect();
            Entry {
                path: words::state_page(&state),
                about: titles.join("; "),
                rules: rules().count(),
                unconfirmed: rules().filter(|rule| self.is_unconfirmed(rule)).count(),
                name: words::state_name(&state).to_owned(),
            }
        };
        self.states().into_iter().map(entry).collect()
    }

    pub(super) fn instrument_page(&self, name: &str) -> Option<String> {
        let word = self.law.vocabulary().instruments.iter().find(|word| words::plain(&word.name) == name)?;
        let table = |title: String, note: &str, wanted: &dyn Fn(&Rule) -> bool| {
            let rows = self.law.rules().iter().filter(|rule| wanted(rule)).map(|rule| self.rule_row(rule)).collect();
            RuleTable { title, note: note.to_owned(), rows }
        };
        let mut tables: Vec<_> = [Topic::Disclosure, Topic::Silence, Topic::Challenge, Topic::Time, Topic::Note]
            .into_iter()
            .map(|topic| {
                let wanted = |rule: &Rule| is_of(rule, topic) && names(rule, &word.name) == Some(true);
                table(words::topic(topic).to_owned(), "", &wanted)
            })
            .collect();
        tables.push(table(
            "Rules for every instrument".to_owned(),
            "These rules name no instrument, or exclude some; their conditions say when they apply.",
            &|rule| names(rule, &word.name).is_none(),
        ));
        tables.retain(|table| !table.rows.is_empty());
        let is_its = |case: &&rules::Case| {
            let value = case.facts.known.get("instrument").map(|known| &known.value);
            value == Some(&Value::Word(word.name.clone()))
        };
        let numbers = self.cases.iter().enumerate().filter(|(_, case)| is_its(case)).map(|(number, _)| number);
        text(TablesPage {
            frame: self.frame("../", "instruments"),
            title: capital(&word.means),
            word: &word.name,
            lead: String::new(),
            tables,
            cases: numbers.filter_map(|number| self.case_row(number)).collect(),
        })
    }

    pub(super) fn state_page(&self, name: &str) -> Option<String> {
        let state = self.states().into_iter().find(|state| words::plain(state) == name)?;
        let files = self.law.files().iter().filter(|file| words::state_of(&file.path) == state);
        let tables = files.map(|file| RuleTable {
            title: capital(without_state(&file.title)),
            note: file.note.trim().to_owned(),
            rows: self.law.rules().iter().filter(|r| r.file == file.path).map(|r| self.rule_row(r)).collect(),
        });
        let is_its = |case: &rules::Case| words::state_of(&case.file) == state;
        let numbers = self.cases.iter().enumerate().filter(|(_, case)| is_its(case)).map(|(number, _)| number);
        text(TablesPage {
            frame: self.frame("../", "states"),
            title: words::state_name(&state).to_owned(),
            word: "",
            lead: String::new(),
            tables: tables.filter(|table| !table.rows.is_empty()).collect(),
            cases: numbers.filter_map(|number| self.case_row(number)).collect(),
        })
    }

    pub(super) fn unconfirmed_list(&self) -> Option<String> {
        let table = |state: String| {
            let rules = self.law.rules().iter().filter(|r| self.is_unconfirmed(r) && words::state_of(&r.file) == state);
            RuleTable {
                rows: rules.map(|rule| self.rule_row(rule)).collect(),
                title: words::state_name(&state).to_owned(),
                note: String::new(),
            }
        };
        text(TablesPage {
            frame: self.frame("", "unconfirmed"),
            title: "Unconfirmed rules".to_owned(),
            word: "",
            lead: "These rules have not been checked against the primary source. Until counsel has signed such a rule, no \
                   disclosure is based on it, and counsel decides. It can still prevent a disclosure."
                .to_owned(),
            tables: self.states().into_iter().map(table).filter(|table| !table.rows.is_empty()).collect(),
            cases: Vec::new(),
        })
    }

    pub(super) fn word_list(&self) -> Option<String> {
        let vocabulary = self.law.vocabulary();
        text(WordsPage {
            frame: self.frame("", "words"),
            facts: vocabulary.facts().iter().map(|fact| self.fact_row(fact)).collect(),
            sets: self.law.place_sets().collect(),
            lists: vec![
                ("Outcomes", &vocabulary.outcomes),
                ("Actions", &vocabulary.actions),
                ("Effects of a rule", &vocabulary.effects),
                ("Categories", &vocabulary.categories),
                ("Instruments", &vocabulary.instruments),
                ("Flags", &vocabulary.flags),
            ],
            vocabulary,
        })
    }

    fn fact_row<'a>(&self, fact: &'a FactDef) -> FactRow<'a> {
        FactRow {
            about: match fact.about {
                About::Demand => "the demand",
                About::Item => "an item",
                About::Copy => "a copy",
            },
            kind: kind(&fact.kind),
            silent: fact.when_silent.as_ref().map(Value::to_string),
            rules: self.law.rules().iter().filter(|r| r.when.iter().any(|c| c.fact == fact.name)).count(),
            fact,
        }
    }

    pub(super) fn route_list(&self) -> Option<String> {
        text(RoutesPage {
            frame: self.frame("", "routes"),
            routes: self.law.routes().iter().map(|route| self.route_row(route)).collect(),
        })
    }

    fn route_row<'a>(&'a self, route: &'a RouteDef) -> RouteRow<'a> {
        let rules = self.law.rules().iter().filter(|rule| rule.redirect.contains(&route.kind));
        RouteRow {
            force: words::force(&route.in_force),
            asks: words::categories(&route.asks),
            confidence: words::confidence_short(route.confidence),
            is_unconfirmed: route.confidence < rules::Confidence::Read,
            rules: rules.map(|rule| (self.rule_path(&rule.id), rule.id.as_str())).collect(),
            route,
        }
    }

    pub(super) fn calendar_list(&self) -> Option<String> {
        let row = self.law.calendars().map(|calendar| {
            let read = calendar.confidence;
            (calendar, read < rules::Confidence::Read, words::confidence_short(read))
        });
        text(CalendarsPage { frame: self.frame("", "calendars"), calendars: row.collect() })
    }
}

/// Whether a rule names the instrument; `None` when it lets every instrument through, or all but some.
pub(super) fn names(rule: &Rule, instrument: &str) -> Option<bool> {
    let is = |pattern: &Pattern| matches!(pattern, Pattern::Value(Value::Word(word)) if word == instrument);
    rule.when.iter().filter(|condition| condition.fact == "instrument").find_map(|condition| match &condition.test {
        Test::OneOf(words) => Some(words.iter().any(is)),
        Test::NoneOf(words) if words.iter().any(is) => Some(false),
        _ => None,
    })
}

fn kind(kind: &Kind) -> String {
    match kind {
        Kind::Bool => "yes or no".to_owned(),
        Kind::Int => "a number".to_owned(),
        Kind::Day => "a date".to_owned(),
        Kind::Place => "a State".to_owned(),
        Kind::Places => "States".to_owned(),
        Kind::Word(words) if words.len() > 15 => "a term (see below)".to_owned(),
        Kind::Word(words) => format!("one of: {}", words.join(", ")),
        Kind::Words(words) => format!("some of: {}", words.join(", ")),
    }
}

/// A file's title without the State that stands before its colon.
fn without_state(title: &str) -> &str {
    title.split_once(": ").map_or(title, |(_, rest)| rest)
}

/// The text with a capital letter.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
