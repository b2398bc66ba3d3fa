//! The what-if: a form with every fact, and what the rules conclude from those that were chosen. Nothing is recorded and
//! nothing follows: the facts exist in the link only.

use std::collections::BTreeSet;

use askama::Template;
use rules::{About, FactDef, Facts, Kind, Mode, Start};
use terms::Category;

use super::decided::DecisionView;
use super::form::{self, COPIES_MAX, Fault, Faults, Form, ITEMS_MAX, UNKNOWN};
use super::site::{Frame, HTML, LawSite, Medium, Page, text};
use super::{set, words};
use crate::web::headers::CACHE_REVALIDATE;

/// Facts that belong together on the form, by how their names begin. The rest come under the last heading.
const GROUPS: &[(&str, &[&str])] = &[
    ("The demand", &["instrument", "forum", "legal_basis", "served_by", "stated_", "pattern"]),
    ("Issuer and verification", &["issuer_", "validator_", "verified_"]),
    ("Offence and emergency", &["offence_", "emergency"]),
    ("The provider", &["provider_", "addressee_", "conflict_"]),
    ("The user", &["user_", "subject_", "owner_"]),
    ("Other authorities", &["enforcing_", "gov_", "delay_"]),
    ("Non-disclosure", &["silence_"]),
    ("Preservation", &["preserve"]),
    ("Other facts", &[""]),
];

/// A field of the form.
struct Field {
    name: String,
    label: String,
    hint: String,
    /// Shown beside the field when what was typed cannot be read.
    fault: String,
    control: Control,
    typed: String,
    /// Its texts are long.
    is_wide: bool,
}

enum Control {
    /// A list: value and text.
    Choice(Vec<(String, String)>),
    Day,
    Number,
    Text,
}

struct Group {
    title: &'static str,
    fields: Vec<Field>,
}

/// An item or a copy: its first field, its ticked boxes and its facts.
struct Row {
    title: String,
    head: Field,
    name: Option<Field>,
    ticks: Vec<(&'static str, bool)>,
    ticks_name: String,
    ticks_fault: String,
    fields: Vec<Field>,
}

#[derive(Template)]
#[template(path = "law/what-if.html")]
struct WhatIfPage<'a> {
    frame: Frame<'a>,
    begun_from: Option<(String, String)>,
    faults: Vec<(String, String, String)>,
    top: Vec<Field>,
    groups: Vec<Group>,
    /// Facts that no rule of the chosen instrument reads.
    idle: Vec<Field>,
    items: Vec<Row>,
    copies: Vec<Row>,
    starts: Vec<(String, String)>,
    decision: Option<DecisionView>,
}

#[derive(Template)]
#[template(path = "law/what-if-file.html")]
struct NoFormPage<'a> {
    frame: Frame<'a>,
}

impl LawSite {
    pub(super) fn what_if(&self, medium: Medium<'_>) -> Option<Page> {
        let query = match medium {
            Medium::Served(query) => query,
            Medium::File => {
                return page(text(NoFormPage { frame: self.frame("", "what-if") })?, Some(CACHE_REVALIDATE), false);
            }
        };
        let (form, faults, facts) = self.read(query);
        let decision = facts.map(|facts| self.decide(&facts, Mode::WhatIf));
        let is_refused = !faults.is_empty();
        let begun_from = self.begun_from(&form);
        let html = text(WhatIfPage {
            frame: self.frame("", "what-if"),
            faults: self.fault_list(&faults),
            top: top(&form, &faults, &self.home.0.to_string(), &self.home.1),
            groups: self.groups(&form, &faults, true),
            idle: self.groups(&form, &faults, false).into_iter().flat_map(|group| group.fields).collect(),
            items: self.item_rows(&form, &faults),
            copies: self.copy_rows(&form, &faults),
            starts: self.starts(),
            decision: decision.map(|decision| self.decision_view(&decision, "")),
            begun_from,
        })?;
        page(html, None, is_refused)
    }

    /// What was typed, what is wrong with it, and the facts that it makes.
    fn read(&self, query: &str) -> (Form, Faults, Option<Facts>) {
        let whole = |fault: Fault| Faults::from([(String::new(), fault)]);
        let form = match Form::read(query) {
            Ok(form) => form,
            Err(fault) => return (Form::default(), whole(fault), None),
        };
        let case = form.typed("case");
        let form = match self.cases.iter().find(|known| known.id == case) {
            Some(known) => Form::of(&self.law, &known.facts),
            None if !case.is_empty() => return (Form::default(), whole(Fault::NoSuchCase), None),
            None if form.is_empty() => return (form, Faults::new(), None),
            None => form,
        };
        match form.facts(&self.law, &self.home.0, &self.home.1) {
            Ok(facts) => (form, Faults::new(), Some(Facts { signed: self.signed.clone(), ..facts })),
            Err(faults) => (form, faults, None),
        }
    }

    fn begun_from(&self, form: &Form) -> Option<(String, String)> {
        let number = self.cases.iter().position(|case| case.id == form.typed("case"))?;
        let case = self.cases.get(number)?;
        Some((self.case_path(number), format!("{}: {}", case.id, case.title)))
    }

    /// A case for each instrument, to begin from.
    fn starts(&self) -> Vec<(String, String)> {
        let instruments = &self.law.vocabulary().instruments;
        let start = |word: &rules::Word| {
            let value = rules::Value::Word(word.name.clone());
            let case = self
                .cases
                .iter()
                .find(|case| case.facts.known.get("instrument").is_some_and(|known| known.value == value))?;
            Some((form::link(&case.id), set::capital(&word.means)))
        };
        instruments.iter().filter_map(start).collect()
    }

    fn fault_list(&self, faults: &Faults) -> Vec<(String, String, String)> {
        let label = |name: &str| match name.rsplit_once('.') {
            Some((_, fact)) => {
                self.law.vocabulary().fact(fact).map_or_else(|| words::spaced(fact), |def| def.question.clone())
            }
            None => match name {
                "on" => "Law as of".to_owned(),
                "received" => "Time of receipt".to_owned(),
                "known" => "Only rules in this set on".to_owned(),
                "home" => "The home".to_owned(),
                "zone" => "The home's time zone".to_owned(),
                _ if name.starts_with('i') => "What is requested".to_owned(),
                _ => "The copies".to_owned(),
            },
        };
        faults
            .iter()
            .map(|(name, fault)| {
                let label = if name.is_empty() { "The form".to_owned() } else { label(name) };
                (name.clone(), label, fault.to_string())
            })
            .collect()
    }

    fn groups(&self, form: &Form, faults: &Faults, read: bool) -> Vec<Group> {
        let reads = self.facts_read(form.typed("f.instrument"));
        let mut groups: Vec<Group> = GROUPS.iter().map(|(title, _)| Group { title, fields: Vec::new() }).collect();
        for def in self.law.vocabulary().facts() {
            if def.about != About::Demand || !form::has_field(def) {
                continue;
            }
            let is_read = reads.as_ref().is_none_or(|reads| reads.contains(&def.name));
            // What was typed, or is wrong, stays in sight.
            let name = format!("f.{}", def.name);
            let is_shown = is_read || !form.typed(&name).is_empty() || faults.contains_key(&name);
            if is_shown != read {
                continue;
            }
            let place = GROUPS.iter().position(|(_, heads)| heads.iter().any(|head| def.name.starts_with(head)));
            if let Some(group) = place.and_then(|place| groups.get_mut(place)) {
                group.fields.push(self.field(form, faults, "f", def));
            }
        }
        groups.retain(|group| !group.fields.is_empty());
        groups
    }

    /// The facts that some rule reads which this instrument can meet; `None` when none is chosen.
    fn facts_read(&self, instrument: &str) -> Option<BTreeSet<String>> {
        if instrument.is_empty() || instrument == UNKNOWN {
            return None;
        }
        let mut read: BTreeSet<String> = BTreeSet::from(["instrument".to_owned()]);
        for rule in self.law.rules().iter().filter(|rule| set::names(rule, instrument) != Some(false)) {
            for condition in &rule.when {
                read.insert(condition.fact.clone());
                read.extend(condition.other_fact().map(str::to_owned));
            }
            if !rule.binds.is_empty() {
                read.insert("forum".to_owned());
            }
            let terms = rule.deadline.iter().chain(&rule.follow_ups);
            read.extend(terms.filter_map(|term| match &term.start {
                Start::Fact(fact) => Some(fact.clone()),
                _ => None,
            }));
            read.extend(rule.silence.iter().filter_map(|silence| silence.until.clone()));
        }
        Some(read)
    }

    fn field(&self, form: &Form, faults: &Faults, prefix: &str, def: &FactDef) -> Field {
        let vocabulary = self.law.vocabulary();
        let name = format!("{prefix}.{}", def.name);
        // A demand asks for future mail explicitly; one that says nothing asks for what is there.
        let future = (def.name == "item_future").then_some(rules::Value::Bool(false));
        let silent = def.when_silent.as_ref().or(future.as_ref()).map(ToString::to_string);
        let open = silent.as_ref().map_or_else(|| "not known".to_owned(), |text| format!("if not mentioned: {text}"));
        let choice = |options: Vec<(String, String)>| {
            let mut all = vec![(String::new(), open.clone())];
            all.extend(options);
            if silent.is_some() {
                all.push((UNKNOWN.to_owned(), "not known".to_owned()));
            }
            // A typed value that is not among them is kept, so that the error message next to it makes sense.
            let typed = form.typed(&name);
            if !all.iter().any(|(value, _)| value == typed) {
                all.push((typed.to_owned(), typed.to_owned()));
            }
            Control::Choice(all)
        };
        let (control, hint) = match &def.kind {
            Kind::Bool => {
                (choice(vec![("yes".to_owned(), "yes".to_owned()), ("no".to_owned(), "no".to_owned())]), String::new())
            }
            Kind::Word(list) => {
                let option = |word: &String| {
                    let means = match def.name.as_str() {
                        "instrument" | "forum" => vocabulary.means(word),
                        _ => None,
                    };
                    (word.clone(), means.map_or_else(|| words::spaced(word), |means| format!("{word}: {means}")))
                };
                (choice(list.iter().map(option).collect()), String::new())
            }
            Kind::Day if silent.is_none() => (Control::Day, String::new()),
            Kind::Day => (Control::Text, format!("a date such as 2026-11-23, or “{UNKNOWN}”; {open}")),
            Kind::Int => {
                let hint = silent.as_ref().map(|text| format!("a number, or “{UNKNOWN}”; {text} if left empty"));
                (if silent.is_none() { Control::Number } else { Control::Text }, hint.unwrap_or_default())
            }
            Kind::Place => (Control::Text, "a code such as IE or US-NY".to_owned()),
            Kind::Places => {
                (Control::Text, format!("codes separated by commas, such as IE, US; or “{}”", form::NOTHING))
            }
            Kind::Words(list) => (Control::Text, format!("some of {}; or “{}”", list.join(", "), form::NOTHING)),
        };
        Field {
            label: def.question.clone(),
            hint,
            fault: fault(faults, &name),
            control,
            typed: form.typed(&name).to_owned(),
            is_wide: ["instrument", "forum"].contains(&def.name.as_str()),
            name,
        }
    }

    fn item_rows(&self, form: &Form, faults: &Faults) -> Vec<Row> {
        let mut options = vec![(String::new(), "–".to_owned())];
        let items = &self.law.vocabulary().items;
        options.extend(items.iter().map(|item| {
            (item.name.clone(), format!("{} ({}): {}", words::spaced(&item.name), item.category.as_str(), item.means))
        }));
        let shown = (form.rows('i', ITEMS_MAX) + 1).clamp(2, ITEMS_MAX);
        (1..=shown)
            .map(|place| {
                let name = format!("i{place}");
                let mut options = options.clone();
                let typed = form.typed(&name);
                if !options.iter().any(|(value, _)| value == typed) {
                    options.push((typed.to_owned(), typed.to_owned()));
                }
                Row {
                    title: format!("Item {place}"),
                    head: plain(form, faults, &name, "What is requested?", "", Control::Choice(options)),
                    name: Some(plain(
                        form,
                        faults,
                        &format!("{name}.name"),
                        "A name, if the item is requested twice",
                        "",
                        Control::Text,
                    )),
                    ticks: Vec::new(),
                    ticks_name: String::new(),
                    ticks_fault: String::new(),
                    fields: self.row_fields(form, faults, &name, About::Item),
                }
            })
            .collect()
    }

    fn copy_rows(&self, form: &Form, faults: &Faults) -> Vec<Row> {
        let shown = (form.rows('c', COPIES_MAX) + 1).clamp(1, COPIES_MAX);
        (1..=shown)
            .map(|place| {
                let name = format!("c{place}");
                let ticks_name = format!("{name}.holds");
                let ticked = |category: Category| (category.as_str(), form.is_ticked(&ticks_name, category.as_str()));
                Row {
                    title: format!("Copy {place}"),
                    head: plain(form, faults, &name, "Name", "for example: mailbox", Control::Text),
                    name: None,
                    ticks: Category::ALL.into_iter().map(ticked).collect(),
                    ticks_fault: fault(faults, &ticks_name),
                    ticks_name,
                    fields: self.row_fields(form, faults, &name, About::Copy),
                }
            })
            .collect()
    }

    fn row_fields(&self, form: &Form, faults: &Faults, prefix: &str, about: About) -> Vec<Field> {
        let defs = self.law.vocabulary().facts().iter().filter(|def| def.about == about && form::has_field(def));
        defs.map(|def| self.field(form, faults, prefix, def)).collect()
    }
}

/// The fields that are not facts: the day, the moment, the home.
fn top(form: &Form, faults: &Faults, home: &str, zone: &str) -> Vec<Field> {
    let local = "local time such as 2026-09-02T09:30; noon if left empty";
    vec![
        plain(form, faults, "on", "Law as of which date?", "usually the day of receipt", Control::Day),
        plain(form, faults, "received", "When was it received?", local, Control::Text),
        plain(form, faults, "home", "Where does the mailbox live?", &format!("{home} if left empty"), Control::Text),
        plain(form, faults, "zone", "In which time zone?", &format!("{zone} if left empty"), Control::Text),
        plain(
            form,
            faults,
            "known",
            "Only rules that were in this set on",
            "to see what was known when a decision was made",
            Control::Day,
        ),
    ]
}

fn plain(form: &Form, faults: &Faults, name: &str, label: &str, hint: &str, control: Control) -> Field {
    Field {
        name: name.to_owned(),
        label: label.to_owned(),
        hint: hint.to_owned(),
        fault: fault(faults, name),
        typed: form.typed(name).to_owned(),
        is_wide: matches!(control, Control::Choice(_)),
        control,
    }
}

/// What is wrong with a field; empty when nothing is.
fn fault(faults: &Faults, name: &str) -> String {
    faults.get(name).map(Fault::to_string).unwrap_or_default()
}

fn page(text: String, cache: Option<&'static str>, is_refused: bool) -> Option<Page> {
    Some(Page { media_type: HTML, text, cache, is_refused })
}
