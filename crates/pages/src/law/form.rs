//! The form of a what-if: the fields of a query, read into facts. Every fact of the vocabulary has a field; an empty
//! field is an unknown fact, or what the vocabulary says it means if a demand does not mention it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rules::{
    About, Day, FactDef, FactMap, Facts, Kind, Known, LawSet, Provenance, RequestedItem, Scope, StoredCopy, Value,
    knows_zone, local_day, local_moment, local_time, what_if_moment,
};
use terms::{Category, Jurisdiction, UnixMillis};

use crate::web::form::{FormError, Limits, fields};

/// The longest query that is read: four times what every fact of the set with its longest value takes.
pub(crate) const QUERY_BYTES_MAX: usize = 32 * 1024;
/// Fields of a query; a single value that is too long is reported beside its field. Ticked boxes come more than once.
const LIMITS: Limits = Limits { fields_max: 1000, field_bytes_max: QUERY_BYTES_MAX, may_repeat: true };
/// The longest value of a field, in characters.
const VALUE_CHARS_MAX: usize = 300;
/// The most items of a form; more would be another demand.
pub(super) const ITEMS_MAX: usize = 8;
/// The most copies of a form.
pub(super) const COPIES_MAX: usize = 6;
/// What is typed for a fact that is not known although the vocabulary gives its silence a meaning.
pub(super) const UNKNOWN: &str = "unknown";
/// What is typed for a set that is known to be empty.
pub(super) const NOTHING: &str = "none";
/// Facts that the engine or the form's own fields set.
const SET_ELSEWHERE: [&str; 3] = ["day", "received_day", "item"];

/// What was typed, by the name of the field. A name may come more than once (ticked boxes).
#[derive(Debug, Default, Clone)]
pub(super) struct Form {
    typed: BTreeMap<String, Vec<String>>,
}

/// What is wrong, by the name of the field; under an empty name what is wrong with the query as a whole.
pub(super) type Faults = BTreeMap<String, Fault>;

/// What is wrong with a field, or with the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    Form(FormError),
    NoSuchCase,
    UnknownField(String),
    TooLong,
    NotADay,
    NoDay,
    NotAMoment,
    NotAZone,
    NotAHome(String),
    NotAPlace,
    NotANumber,
    NotYesOrNo,
    /// What the vocabulary allows.
    Expected(String),
    NoItem,
    ItemNotChosen,
    UnknownItem,
    ItemTwice,
    CopyWithoutName,
    CopyTwice,
    UnknownCategory,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form(error) => return error.fmt(f),
            Self::UnknownField(name) => {
                return write!(
                    f,
                    "The form has no field “{name}”. It may be a fact of another law set. Remove it from the link."
                );
            }
            Self::TooLong => return write!(f, "Enter at most {VALUE_CHARS_MAX} characters."),
            Self::NotAHome(what) => return write!(f, "{what}."),
            Self::Expected(what) => return write!(f, "Expected {what}."),
            Self::NoSuchCase => "There is no such case.",
            Self::NotADay => "This is not a calendar date. Enter one such as 2026-11-23.",
            Self::NoDay => "As of which date should the law apply? Enter a date such as 2026-11-23.",
            Self::NotAMoment => {
                "This is not a date and time. Enter one such as 2026-09-02T09:30, in local time or with its UTC offset."
            }
            Self::NotAZone => "This is not a time zone. Enter one such as Europe/Dublin.",
            Self::NotAPlace => "Enter States by their codes, such as IE or US-NY; separate several with commas.",
            Self::NotANumber => "Enter a whole number.",
            Self::NotYesOrNo => "Choose yes or no, or leave it open.",
            Self::NoItem => "Nothing is requested yet. Choose at least one item.",
            Self::ItemNotChosen => "Choose the item that is requested, or clear the row.",
            Self::UnknownItem => "This item is not in the vocabulary. Choose one from the list.",
            Self::ItemTwice => "This item is requested twice. Give one of the two its own name.",
            Self::CopyWithoutName => "Give this copy a name, or clear the row.",
            Self::CopyTwice => "Two copies have this name. Rename one.",
            Self::UnknownCategory => "Choose from subscriber, identification, traffic and content.",
        })
    }
}

/// The link that fills the form with the facts of a case.
pub(super) fn link(case: &str) -> String {
    let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("case", case).finish();
    format!("what-if.html?{query}")
}

/// Whether a fact has a field.
pub(super) fn has_field(def: &FactDef) -> bool {
    !SET_ELSEWHERE.contains(&def.name.as_str())
}

impl Form {
    /// Reads a query. Bytes that are not UTF-8 become a character that no field accepts.
    pub(super) fn read(query: &str) -> Result<Self, Fault> {
        let mut form = Self::default();
        for (name, value) in fields(query.as_bytes(), LIMITS).map_err(Fault::Form)? {
            form.typed.entry(name).or_default().push(value.expose().trim().to_owned());
        }
        Ok(form)
    }

    /// The form that, sent as it is, decides `facts`. What the form has no field for is left out: where a value comes
    /// from, counsel's signatures, the times of arrival.
    pub(super) fn of(law: &LawSet, facts: &Facts) -> Self {
        let mut form = Self::default();
        form.put("on", facts.on.to_string());
        if facts.received != what_if_moment(facts.on, &facts.zone) {
            form.put("received", local_time(facts.received, &facts.zone));
        }
        form.put("home", facts.home.to_string());
        form.put("zone", facts.zone.clone());
        form.put("known", facts.known_on.map(|day| day.to_string()).unwrap_or_default());
        form.put_facts(law, "f", About::Demand, &facts.known);
        for (item, place) in facts.items.iter().zip(1..) {
            let row = format!("i{place}");
            let word = item.known.get("item").map(|known| known.value.to_string()).unwrap_or_default();
            if item.name != item_name(&word, &item.known) {
                form.put(&format!("{row}.name"), item.name.clone());
            }
            form.put(&row, word);
            form.put_facts(law, &row, About::Item, &item.known);
        }
        for (copy, place) in facts.copies.iter().zip(1..) {
            let row = format!("c{place}");
            form.put(&row, copy.name.clone());
            copy.holds.iter().for_each(|category| form.put(&format!("{row}.holds"), category.as_str().to_owned()));
            form.put_facts(law, &row, About::Copy, &copy.known);
        }
        form
    }

    fn put(&mut self, name: &str, value: String) {
        self.typed.entry(name.to_owned()).or_default().push(value);
    }

    fn put_facts(&mut self, law: &LawSet, prefix: &str, about: About, known: &FactMap) {
        for def in law.vocabulary().facts().iter().filter(|def| def.about == about && has_field(def)) {
            let text = match known.get(&def.name) {
                Some(Known { from: Provenance::Silence, .. }) => String::new(),
                // Computed as the value that an empty field has anyway.
                Some(Known { value: Value::Bool(false), .. }) if def.name == "item_future" => String::new(),
                Some(known) => spell(&known.value),
                None if def.when_silent.is_some() || def.name == "item_future" => UNKNOWN.to_owned(),
                None => String::new(),
            };
            self.put(&format!("{prefix}.{}", def.name), text);
        }
    }

    /// The form as a query.
    #[cfg(test)]
    pub(super) fn query(&self) -> String {
        let mut out = form_urlencoded::Serializer::new(String::new());
        for (name, values) in &self.typed {
            for value in values {
                out.append_pair(name, value);
            }
        }
        out.finish()
    }

    /// What was typed into a field; empty when nothing was.
    pub(super) fn typed(&self, name: &str) -> &str {
        self.typed.get(name).and_then(|values| values.last()).map_or("", String::as_str)
    }

    /// Whether a box was ticked.
    pub(super) fn is_ticked(&self, name: &str, value: &str) -> bool {
        self.typed.get(name).is_some_and(|values| values.iter().any(|ticked| ticked == value))
    }

    /// Whether nothing at all was typed.
    pub(super) fn is_empty(&self) -> bool {
        self.typed.values().flatten().all(String::is_empty)
    }

    /// How many rows of `kind` (`i` or `c`) have something in them, counted to the last.
    pub(super) fn rows(&self, kind: char, max: usize) -> usize {
        (1..=max).rev().find(|place| self.has_row(&format!("{kind}{place}"))).unwrap_or(0)
    }

    fn has_row(&self, row: &str) -> bool {
        let inside = format!("{row}.");
        let mut fields = self.typed.iter().filter(|(name, _)| *name == row || name.starts_with(&inside));
        fields.any(|(_, values)| values.iter().any(|value| !value.is_empty()))
    }

    /// The facts that were typed. `home` and `zone` apply where those fields are empty.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub(super) fn facts(&self, law: &LawSet, home: &Jurisdiction, zone: &str) -> Result<Facts, Faults> {
        let mut reading = Reading { form: self, law, faults: Faults::new(), read: BTreeSet::new() };
        let facts = reading.facts(home, zone);
        reading.refuse_the_rest();
        match facts {
            Some(facts) if reading.faults.is_empty() => Ok(facts),
            _ => Err(reading.faults),
        }
    }
}

/// The name of an item without a name of its own, as a demand would call it.
fn item_name(word: &str, known: &FactMap) -> String {
    let is_future = known.get("item_future").is_some_and(|known| known.value == Value::Bool(true));
    if is_future { format!("{word}, arriving later") } else { word.to_owned() }
}

/// A value as it is typed.
fn spell(value: &Value) -> String {
    match value {
        Value::Words(words) if words.is_empty() => NOTHING.to_owned(),
        Value::Places(places) if places.is_empty() => NOTHING.to_owned(),
        other => other.to_string(),
    }
}

/// The reading of a form: what was read so far, and what was wrong with it.
struct Reading<'a> {
    form: &'a Form,
    law: &'a LawSet,
    faults: Faults,
    read: BTreeSet<String>,
}

impl Reading<'_> {
    /// What was typed into a field, at most [`VALUE_CHARS_MAX`] of it.
    fn take(&mut self, name: &str) -> String {
        self.read.insert(name.to_owned());
        let typed = self.form.typed(name);
        if typed.chars().count() > VALUE_CHARS_MAX {
            self.fault(name, Fault::TooLong);
            return String::new();
        }
        typed.to_owned()
    }

    fn fault(&mut self, name: &str, fault: Fault) {
        self.faults.entry(name.to_owned()).or_insert(fault);
    }

    fn facts(&mut self, home: &Jurisdiction, zone: &str) -> Option<Facts> {
        let zone = match self.take("zone") {
            typed if typed.is_empty() => zone.to_owned(),
            typed if knows_zone(&typed) => typed,
            _ => {
                self.fault("zone", Fault::NotAZone);
                zone.to_owned()
            }
        };
        let home = match self.take("home") {
            typed if typed.is_empty() => home.clone(),
            typed => typed.parse().unwrap_or_else(|error| {
                self.fault("home", Fault::NotAHome(format!("{error}")));
                home.clone()
            }),
        };
        let days = self.days(&zone);
        let known_on = self.day("known");
        let (known, _) = self.fact_map("f", About::Demand);
        let items = self.items();
        let copies = self.copies();
        // Only after everything was read, so that every fault is reported and not just the first.
        let (on, received) = days?;
        Some(Facts {
            home,
            zone,
            received,
            on,
            known_on,
            scope: Scope { from: UnixMillis(0), until: received },
            known,
            items,
            copies,
            signed: Vec::new(),
        })
    }

    /// The day whose law is asked for, and the moment of receipt: its noon, unless another is typed.
    fn days(&mut self, zone: &str) -> Option<(Day, UnixMillis)> {
        let on = self.day("on");
        let typed = self.take("received");
        let received = match (typed.as_str(), on) {
            ("", None) => None,
            ("", Some(day)) => Some(what_if_moment(day, zone)),
            (text, _) => local_moment(text, zone),
        };
        match (on, received) {
            (Some(day), Some(moment)) => Some((day, moment)),
            (None, Some(moment)) if !self.faults.contains_key("on") => Some((local_day(moment, zone), moment)),
            (_, None) if !typed.is_empty() => {
                self.fault("received", Fault::NotAMoment);
                None
            }
            _ => {
                self.fault("on", Fault::NoDay);
                None
            }
        }
    }

    fn day(&mut self, name: &str) -> Option<Day> {
        let typed = self.take(name);
        if typed.is_empty() {
            return None;
        }
        match typed.parse() {
            Ok(day) => Some(day),
            Err(_) => {
                self.fault(name, Fault::NotADay);
                None
            }
        }
    }

    /// The facts of one kind that were typed, with what the silence of the others means; and whether any was typed.
    fn fact_map(&mut self, prefix: &str, about: About) -> (FactMap, bool) {
        let (law, mut known, mut unknown, mut any) = (self.law, FactMap::new(), Vec::new(), false);
        for def in law.vocabulary().facts().iter().filter(|def| def.about == about && has_field(def)) {
            let name = format!("{prefix}.{}", def.name);
            let typed = self.take(&name);
            any |= !typed.is_empty();
            match typed.as_str() {
                "" => {}
                UNKNOWN | "?" if !is_word(&def.kind, UNKNOWN) => unknown.push(def.name.clone()),
                text => match value(&def.kind, text) {
                    Ok(value) => {
                        known.insert(def.name.clone(), Known { value, from: Provenance::Officer });
                    }
                    Err(fault) => self.fault(&name, fault),
                },
            }
        }
        law.vocabulary().fill_silence(&mut known, about, &unknown);
        if about == About::Item && !unknown.iter().any(|name| name == "item_future") {
            known.entry("item_future".to_owned()).or_insert(Known::computed(Value::Bool(false)));
        }
        (known, any)
    }

    fn items(&mut self) -> Vec<RequestedItem> {
        let mut items: Vec<RequestedItem> = Vec::new();
        for place in 1..=ITEMS_MAX {
            let row = format!("i{place}");
            let word = self.take(&row);
            let name = self.take(&format!("{row}.name"));
            let (mut known, any) = self.fact_map(&row, About::Item);
            if word.is_empty() {
                if any || !name.is_empty() {
                    self.fault(&row, Fault::ItemNotChosen);
                }
                continue;
            }
            let Some(def) = self.law.vocabulary().item(&word) else {
                self.fault(&row, Fault::UnknownItem);
                continue;
            };
            let name = if name.is_empty() { item_name(&word, &known) } else { name };
            if items.iter().any(|item| item.name == name) {
                self.fault(&row, Fault::ItemTwice);
            }
            known.insert("item".to_owned(), Known { value: Value::Word(word), from: Provenance::Officer });
            items.push(RequestedItem { name, category: def.category, known });
        }
        if items.is_empty() && !self.faults.keys().any(|name| name.starts_with('i')) {
            self.fault("i1", Fault::NoItem);
        }
        items
    }

    fn copies(&mut self) -> Vec<StoredCopy> {
        let mut copies: Vec<StoredCopy> = Vec::new();
        for place in 1..=COPIES_MAX {
            let row = format!("c{place}");
            let name = self.take(&row);
            let holds = self.holds(&format!("{row}.holds"));
            let (known, any) = self.fact_map(&row, About::Copy);
            if name.is_empty() {
                if any || !holds.is_empty() {
                    self.fault(&row, Fault::CopyWithoutName);
                }
                continue;
            }
            if copies.iter().any(|copy| copy.name == name) {
                self.fault(&row, Fault::CopyTwice);
            }
            let holds = if holds.is_empty() { Category::ALL.into_iter().collect() } else { holds };
            copies.push(StoredCopy { name, holds, known });
        }
        copies
    }

    fn holds(&mut self, name: &str) -> BTreeSet<Category> {
        self.read.insert(name.to_owned());
        let mut holds = BTreeSet::new();
        for ticked in self.form.typed.get(name).into_iter().flatten().filter(|ticked| !ticked.is_empty()) {
            match Category::ALL.into_iter().find(|category| category.as_str() == ticked) {
                Some(category) => drop(holds.insert(category)),
                None => self.fault(name, Fault::UnknownCategory),
            }
        }
        holds
    }

    /// A field that the form does not have is refused: otherwise what was meant by it would silently not count.
    fn refuse_the_rest(&mut self) {
        let rest =
            self.form.typed.keys().find(|name| !self.read.contains(*name) && !["go", "case"].contains(&name.as_str()));
        if let Some(name) = rest {
            let shown: String = name.chars().take(60).collect();
            self.fault("", Fault::UnknownField(shown));
        }
    }
}

fn is_word(kind: &Kind, word: &str) -> bool {
    matches!(kind, Kind::Word(words) | Kind::Words(words) if words.iter().any(|known| known == word))
}

/// Reads what was typed as a value of its kind.
fn value(kind: &Kind, typed: &str) -> Result<Value, Fault> {
    let parts = || typed.split(',').map(str::trim).filter(|part| !part.is_empty());
    let place = |code: &str| code.to_uppercase().parse::<Jurisdiction>().map_err(|_| Fault::NotAPlace);
    let value = match kind {
        Kind::Bool => match typed {
            "yes" => Value::Bool(true),
            "no" => Value::Bool(false),
            _ => return Err(Fault::NotYesOrNo),
        },
        Kind::Int => Value::Int(typed.parse().map_err(|_| Fault::NotANumber)?),
        Kind::Day => Value::Day(typed.parse().map_err(|_| Fault::NotADay)?),
        Kind::Word(_) => Value::Word(typed.to_owned()),
        Kind::Words(words) if typed == NOTHING && !words.iter().any(|word| word == NOTHING) => {
            Value::Words(BTreeSet::new())
        }
        Kind::Words(_) => Value::Words(parts().map(str::to_owned).collect()),
        Kind::Place => Value::Place(place(typed)?),
        Kind::Places if typed == NOTHING => Value::Places(BTreeSet::new()),
        Kind::Places => Value::Places(parts().map(place).collect::<Result<_, _>>()?),
    };
    if value.is_of(kind) { Ok(value) } else { Err(Fault::Expected(kind.describe())) }
}

#[cfg(test)]
mod tests;
