//! The terms that rules may use. They are data (`law/vocabulary.toml`), parsed here; a vocabulary that lacks a term
//! required by the engine or the demand format is rejected.

use std::collections::BTreeMap;

use serde::Deserialize;
use terms::Category;

use crate::condition::FactIndex;
use crate::decision::{Action, Outcome};
use crate::errors::{LawError, toml_error};
use crate::facts::{Known, Provenance};
use crate::rule::Effect;
use crate::value::{Day, Kind, Value};

/// What a fact is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// The demand, its issuer, the provider, the user.
    Demand,
    /// One requested item.
    Item,
    /// One stored copy.
    Copy,
}

/// A declared fact.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct FactDef {
    pub name: String,
    /// What it is about.
    pub about: About,
    /// Its type.
    pub kind: Kind,
    /// The question to ask if it is missing.
    pub question: String,
    /// The value to use if nobody enters it: for facts about the content of a demand, where its silence is an answer.
    /// It is added, with that provenance, when facts are collected; the decision itself never assumes anything.
    pub when_silent: Option<Value>,
    /// For a `bool` that says whether another fact is known: that fact. It is added when facts are collected, so that a
    /// rule can use a fact only if it is known, without raising a question otherwise.
    pub known_of: Option<String>,
    /// For a `day` that is the last of a term: the fact it runs from, and the months. Computed when facts are
    /// collected, unless the day itself was entered.
    pub computed: Option<ComputedDay>,
}

/// How a day is computed from another: `{ from = "order_made", months = 3, first_day = true }`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComputedDay {
    /// The fact with the first day.
    pub from: String,
    /// How many months later.
    pub months: Months,
    /// Whether the first day counts as the first of the term.
    #[serde(default)]
    pub first_day: bool,
}

/// A number of months: fixed by law, or stated in the demand.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Months {
    /// A fixed number.
    Number(u16),
    /// The value of this fact, an `int`.
    Fact(String),
}

/// An item a demand can ask for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ItemDef {
    /// The word.
    pub name: String,
    pub category: Category,
    /// What it means.
    pub means: String,
}

/// A forum.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForumDef {
    /// The word.
    pub name: String,
    /// What it means.
    pub means: String,
    /// The forum that contains it.
    #[serde(default)]
    pub within: Option<String>,
    /// The calendar of its days.
    pub calendar: String,
}

/// A word and what it means.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Word {
    /// The word.
    pub name: String,
    /// What it means.
    pub means: String,
}

/// The words of a law set.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Vocabulary {
    pub(crate) facts: Vec<FactDef>,
    by_name: BTreeMap<String, FactIndex>,
    /// The facts about the demand, an item, a copy, each in order of name.
    by_about: [Vec<(String, FactIndex)>; 3],
    /// Items, in the file's order.
    pub items: Vec<ItemDef>,
    pub instruments: Vec<Word>,
    pub forums: Vec<ForumDef>,
    /// Flags that a rule may set.
    pub flags: Vec<Word>,
    pub categories: Vec<Word>,
    pub effects: Vec<Word>,
    pub outcomes: Vec<Word>,
    pub actions: Vec<Word>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawVocabulary {
    fact: Vec<toml::Spanned<RawFact>>,
    item: Vec<ItemDef>,
    instrument: Vec<Word>,
    forum: Vec<ForumDef>,
    flag: Vec<Word>,
    category: Vec<Word>,
    effect: Vec<Word>,
    outcome: Vec<Word>,
    action: Vec<Word>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFact {
    name: String,
    about: About,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    values: Vec<String>,
    question: String,
    when_silent: Option<toml::Value>,
    known_of: Option<String>,
    computed: Option<ComputedDay>,
}

/// Facts that the engine and the demand format use by name, with their types: every vocabulary must declare them.
const NEEDED: &[(&str, About, &str)] = &[
    ("instrument", About::Demand, "word"),
    ("forum", About::Demand, "word"),
    ("day", About::Demand, "day"),
    ("received_day", About::Demand, "day"),
    ("legal_basis_named", About::Demand, "bool"),
    ("issuer_state", About::Demand, "place"),
    ("issuer_type", About::Demand, "word"),
    ("validator_type", About::Demand, "word"),
    ("validator_verified_how", About::Demand, "word"),
    ("verified_how", About::Demand, "word"),
    ("asked_from", About::Demand, "day"),
    ("asked_until", About::Demand, "day"),
    ("provider_parents", About::Demand, "places"),
    ("offence_state", About::Demand, "place"),
    ("offence_sentence_months_max", About::Demand, "int"),
    ("silence_source", About::Demand, "word"),
    ("silence_issued", About::Demand, "day"),
    ("silence_months", About::Demand, "int"),
    ("silence_until", About::Demand, "day"),
    ("silence_indefinite", About::Demand, "bool"),
    ("provider_established", About::Demand, "places"),
    ("provider_subject_to", About::Demand, "places"),
    ("addressee_state", About::Demand, "place"),
    ("conflict_law_states", About::Demand, "places"),
    ("item", About::Item, "word"),
    ("item_future", About::Item, "bool"),
    ("copy_stored", About::Copy, "places"),
    ("copy_exclusive", About::Copy, "bool"),
    ("copy_controlled_from", About::Copy, "places"),
    ("copy_holder_established", About::Copy, "place"),
    ("copy_holder_role", About::Copy, "word"),
];

impl ComputedDay {
    fn day(&self, known: &crate::facts::FactMap) -> Option<Day> {
        let value = |name: &str| known.get(name).map(|known| &known.value);
        let Some(Value::Day(from)) = value(&self.from) else { return None };
        let months = match &self.months {
            Months::Number(months) => i64::from(*months),
            Months::Fact(name) => match value(name) {
                Some(Value::Int(months)) => *months,
                _ => return None,
            },
        };
        let last = if self.first_day { crate::zones::months_from } else { crate::zones::plus_months };
        Some(last(*from, months))
    }
}

impl Vocabulary {
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, Vec<LawError>> {
        let raw: RawVocabulary = toml::from_str(text).map_err(|error| vec![toml_error(file, text, &error)])?;
        let mut errors = Vec::new();
        let mut fault = |line: Option<usize>, what: String| {
            errors.push(LawError { file: file.to_owned(), line, rule: None, what });
        };
        let mut vocabulary = Self {
            items: raw.item,
            instruments: raw.instrument,
            forums: raw.forum,
            flags: raw.flag,
            categories: raw.category,
            effects: raw.effect,
            outcomes: raw.outcome,
            actions: raw.action,
            ..Self::default()
        };
        for spanned in raw.fact {
            let line = Some(crate::errors::line_at(text, spanned.span().start));
            let fact = spanned.into_inner();
            match vocabulary.kind(&fact) {
                Ok(kind) => {
                    let read = fact.when_silent.as_ref().map(|raw| Value::read(&kind, raw)).transpose();
                    let when_silent = read.unwrap_or_else(|what| {
                        fault(line, format!("the fact `{}`: when_silent: {what}", fact.name));
                        None
                    });
                    let index = FactIndex(vocabulary.facts.len());
                    if vocabulary.by_name.insert(fact.name.clone(), index).is_some() {
                        fault(line, format!("the fact `{}` is declared twice", fact.name));
                    }
                    vocabulary.facts.push(FactDef {
                        name: fact.name,
                        about: fact.about,
                        kind,
                        question: fact.question,
                        when_silent,
                        known_of: fact.known_of,
                        computed: fact.computed,
                    });
                }
                Err(what) => fault(line, format!("the fact `{}`: {what}", fact.name)),
            }
        }
        for def in &vocabulary.facts {
            let Some(other) = &def.known_of else { continue };
            let fits = vocabulary.fact(other).is_some_and(|other| {
                // A fact with `when_silent` is always known, so `known_of` makes no sense for it.
                other.about == def.about && other.when_silent.is_none() && other.known_of.is_none()
            });
            if def.kind != Kind::Bool || def.when_silent.is_some() || !fits {
                let what = "known_of requires a bool without when_silent, and a fact about the same subject that may be unknown";
                fault(None, format!("the fact `{}`: {what}", def.name));
            }
        }
        for def in vocabulary.facts.iter().filter(|def| !vocabulary.can_be_computed(def)) {
            let what =
                "computed requires a day, from another day and a number of months (or an int) about the same subject";
            fault(None, format!("the fact `{}`: {what}", def.name));
        }
        for (name, about, kind) in NEEDED {
            let found = vocabulary.fact(name).map(|def| (def.about, kind_name(&def.kind)));
            if found != Some((*about, kind)) {
                fault(None, format!("the engine requires a fact `{name}` of type {kind} about {about:?}; declare it"));
            }
        }
        let effects = Effect::ALL.map(Effect::as_str);
        let outcomes = Outcome::ALL.map(Outcome::as_str);
        let actions = Action::ALL.map(Action::as_str);
        let categories = Category::ALL.map(Category::as_str);
        for (kind, declared, known) in [
            ("effect", &vocabulary.effects, effects.as_slice()),
            ("outcome", &vocabulary.outcomes, outcomes.as_slice()),
            ("action", &vocabulary.actions, actions.as_slice()),
            ("category", &vocabulary.categories, categories.as_slice()),
        ] {
            let declared: Vec<_> = declared.iter().map(|word| word.name.as_str()).collect();
            for word in known.iter().filter(|word| !declared.contains(word)) {
                fault(None, format!("the {kind} `{word}` has no [[{kind}]] entry with its meaning; add one"));
            }
            for word in declared.iter().filter(|word| !known.contains(word)) {
                fault(None, format!("unknown {kind} `{word}`; expected one of: {}", known.join(", ")));
            }
        }
        for forum in &vocabulary.forums {
            if forum.within.as_ref().is_some_and(|outer| !vocabulary.forums.iter().any(|f| f.name == *outer)) {
                fault(None, format!("the forum `{}` is within a forum that is not declared", forum.name));
            }
        }
        for (name, index) in &vocabulary.by_name {
            if let Some(def) = vocabulary.facts.get(index.0) {
                vocabulary.by_about[def.about as usize].push((name.clone(), *index));
            }
        }
        if errors.is_empty() { Ok(vocabulary) } else { Err(errors) }
    }

    /// The facts about `about`, in order of name, so that they can be merged with facts by name without look-ups.
    pub(crate) fn about(&self, about: About) -> &[(String, FactIndex)] {
        &self.by_about[about as usize]
    }

    fn can_be_computed(&self, def: &FactDef) -> bool {
        let Some(computed) = &def.computed else { return true };
        let about = |name: &str, kind: &Kind| {
            self.fact(name).is_some_and(|other| other.about == def.about && other.kind == *kind)
        };
        let months = match &computed.months {
            Months::Number(_) => true,
            Months::Fact(name) => about(name, &Kind::Int),
        };
        def.kind == Kind::Day && about(&computed.from, &Kind::Day) && months
    }

    fn kind(&self, fact: &RawFact) -> Result<Kind, String> {
        let names = |words: &[Word]| words.iter().map(|word| word.name.clone()).collect::<Vec<_>>();
        let words = || match fact.name.as_str() {
            "instrument" => Ok(names(&self.instruments)),
            "forum" => Ok(self.forums.iter().map(|forum| forum.name.clone()).collect()),
            "item" => Ok(self.items.iter().map(|item| item.name.clone()).collect()),
            _ if fact.values.is_empty() => Err("a word needs its `values`".to_owned()),
            _ => Ok(fact.values.clone()),
        };
        match fact.kind.as_str() {
            "word" => words().map(Kind::Word),
            "words" => words().map(Kind::Words),
            _ if !fact.values.is_empty() => Err("`values` is allowed only for word and words".to_owned()),
            "bool" => Ok(Kind::Bool),
            "int" => Ok(Kind::Int),
            "day" => Ok(Kind::Day),
            "place" => Ok(Kind::Place),
            "places" => Ok(Kind::Places),
            other => Err(format!("unknown type `{other}`; expected bool, int, day, word, words, place or places")),
        }
    }

    /// The declaration of a fact.
    pub fn fact(&self, name: &str) -> Option<&FactDef> {
        self.by_name.get(name).and_then(|index| self.facts.get(index.0))
    }

    /// Adds to `map` what follows from the facts entered, and the values for facts that were not entered.
    pub fn fill_silence(&self, map: &mut crate::facts::FactMap, about: About, except: &[String]) {
        for def in self.facts.iter().filter(|def| def.about == about && !except.contains(&def.name)) {
            let day = def.computed.as_ref().and_then(|computed| computed.day(map));
            if let Some(day) = day {
                map.entry(def.name.clone()).or_insert(Known::computed(Value::Day(day)));
            }
        }
        for def in self.facts.iter().filter(|def| def.about == about && !except.contains(&def.name)) {
            if let Some(other) = &def.known_of {
                let known = Known { value: Value::Bool(map.contains_key(other)), from: Provenance::Computed };
                map.entry(def.name.clone()).or_insert(known);
            } else if let Some(value) = &def.when_silent {
                let known = || Known { value: value.clone(), from: Provenance::Silence };
                map.entry(def.name.clone()).or_insert_with(known);
            }
        }
    }

    /// All facts, in the file's order.
    pub fn facts(&self) -> &[FactDef] {
        &self.facts
    }

    pub(crate) fn index(&self, name: &str) -> Option<FactIndex> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn find(&self, name: &str) -> Option<(FactIndex, Kind)> {
        let index = self.index(name)?;
        self.facts.get(index.0).map(|def| (index, def.kind.clone()))
    }

    /// The declaration of an item.
    pub fn item(&self, name: &str) -> Option<&ItemDef> {
        self.items.iter().find(|item| item.name == name)
    }

    /// The declaration of a forum.
    pub fn forum(&self, name: &str) -> Option<&ForumDef> {
        self.forums.iter().find(|forum| forum.name == name)
    }

    /// The meaning of a word: an instrument, a forum, an item, a flag, a category, an effect, an outcome, an action.
    pub fn means(&self, word: &str) -> Option<&str> {
        let words = [&self.instruments, &self.flags, &self.categories, &self.effects, &self.outcomes, &self.actions];
        let mut all = words
            .into_iter()
            .flatten()
            .map(|word| (&word.name, &word.means))
            .chain(self.forums.iter().map(|forum| (&forum.name, &forum.means)))
            .chain(self.items.iter().map(|item| (&item.name, &item.means)));
        all.find(|(name, _)| *name == word).map(|(_, means)| means.as_str())
    }

    /// `forum` and every forum that contains it, innermost first.
    pub(crate) fn forums_around<'v>(&'v self, forum: &str) -> Vec<&'v str> {
        let mut around: Vec<&str> = Vec::new();
        let mut at = self.forum(forum);
        // This ends even if `within` is circular.
        while let Some(def) = at.filter(|def| !around.contains(&def.name.as_str())) {
            around.push(&def.name);
            at = def.within.as_deref().and_then(|outer| self.forum(outer));
        }
        around
    }

    /// Whether `forum` is `outer` or within it.
    pub(crate) fn forum_within(&self, forum: &str, outer: &str) -> bool {
        let mut at = Some(forum);
        // At most as many steps as there are forums, even if `within` is circular.
        for _ in 0..=self.forums.len() {
            match at {
                Some(name) if name == outer => return true,
                Some(name) => at = self.forum(name).and_then(|def| def.within.as_deref()),
                None => return false,
            }
        }
        false
    }
}

fn kind_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Bool => "bool",
        Kind::Int => "int",
        Kind::Day => "day",
        Kind::Word(_) => "word",
        Kind::Words(_) => "words",
        Kind::Place => "place",
        Kind::Places => "places",
    }
}
