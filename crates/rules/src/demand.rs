//! The demand as a file: what the document served says, entered once, in the terms of the vocabulary. Together with the
//! node's declared facts it becomes [`Facts`]. What neither states is unknown.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use terms::{Address, Category, Jurisdiction, UnixMillis};

use crate::errors::DemandError;
use crate::facts::{FactMap, Facts, Known, Provenance, RequestedItem, Scope, StoredCopy};
use crate::home::{Entity, HomeFacts, OWN_COPIES};
use crate::law::LawSet;
use crate::value::{Day, Value, read_day};
use crate::vocabulary::About;
use crate::zones;

/// A demand. `docs/law.md` specifies the format.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Demand {
    /// The authority's reference.
    pub reference: String,
    /// The kind of legal process, as named in the vocabulary.
    pub instrument: String,
    /// The forum, where the instrument has one.
    #[serde(default)]
    pub forum: Option<String>,
    /// The legal basis stated in the demand, in its own words.
    #[serde(default)]
    pub legal_basis: Option<String>,
    /// The accounts named; a case is opened for each.
    pub accounts: Vec<Address>,
    /// When the demand was served, for what-ifs only. A real demand's time of receipt is taken from the node's clock.
    #[serde(default)]
    pub served: Option<toml::value::Datetime>,
    /// The authority that sent it.
    pub authority: Authority,
    /// Who issued it.
    pub issuer: Issuer,
    /// Who validated it, if the instrument requires that.
    #[serde(default)]
    pub validator: Option<Validator>,
    /// What it asks for.
    pub asks: Asks,
    #[serde(default)]
    pub offence: Option<Offence>,
    /// What it says about non-disclosure.
    #[serde(default)]
    pub silence: Option<DemandedSilence>,
    /// How the package is to be delivered.
    pub delivery: Delivery,
    /// Further facts in the vocabulary, by name, as established by an officer.
    #[serde(default)]
    pub facts: toml::Table,
}

/// The authority that sent the demand and receives the letters.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Authority {
    pub name: String,
    pub state: Jurisdiction,
}

/// Who issued the demand.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// Name and office.
    pub name: String,
    /// The office, as named in the vocabulary (`issuer_type`).
    #[serde(rename = "type")]
    pub office: String,
    /// How the demand's origin was verified (`verified_how`); unknown until an officer has done so.
    #[serde(default)]
    pub verified: Option<String>,
}

/// Who validated the demand.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validator {
    /// Name and office.
    pub name: String,
    /// The office, as named in the vocabulary (`validator_type`).
    #[serde(rename = "type")]
    pub office: String,
    /// How the validation was verified (`validator_verified_how`); if omitted, together with the document that contains
    /// it.
    #[serde(default)]
    pub verified: Option<String>,
}

/// What is asked for.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asks {
    /// Items in the vocabulary; the name of a category requests all of it.
    pub items: Vec<String>,
    /// First arrival time: a day (from its start, in the home's zone) or a moment.
    #[serde(default)]
    pub from: Option<toml::value::Datetime>,
    /// Last arrival time: a day (inclusive) or a moment (exclusive). `None`: until receipt.
    #[serde(default)]
    pub until: Option<toml::value::Datetime>,
}

/// The offence under investigation.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offence {
    /// In words.
    pub what: String,
    /// Where it was committed.
    #[serde(default)]
    pub state: Option<Jurisdiction>,
    /// The maximum sentence, in months.
    #[serde(default)]
    pub sentence_months_max: Option<u32>,
}

/// What the demand says about telling the owner.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemandedSilence {
    /// The source of the duty (`silence_source`).
    pub source: String,
    /// When the duty was ordered.
    #[serde(default)]
    pub issued: Option<toml::value::Datetime>,
    /// Its length in months.
    #[serde(default)]
    pub months: Option<u32>,
    /// Its last day, if the demand states one.
    #[serde(default)]
    pub until: Option<toml::value::Datetime>,
    /// Whether it is indefinite.
    #[serde(default)]
    pub indefinite: Option<bool>,
}

/// How the package is to be delivered.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// The age recipient it is sealed to, `age1…`.
    pub age_recipient: String,
    /// The contact: name, address, telephone.
    pub contact: String,
}

impl Demand {
    /// Parses a demand file.
    ///
    /// # Errors
    /// A missing or unknown table or field, with its line.
    pub fn parse(text: &str) -> Result<Self, DemandError> {
        toml::from_str(text).map_err(|error| {
            let line = error
                .span()
                .map_or(String::new(), |span| format!("line {}: ", crate::errors::line_at(text, span.start)));
            DemandError::new(format!("{line}{}", error.message()))
        })
    }

    /// When the demand was served according to the file, for a what-if; a day means its noon in `zone`.
    ///
    /// # Errors
    /// An invalid date.
    pub fn served_at(&self, zone: &str) -> Result<Option<UnixMillis>, DemandError> {
        self.served
            .as_ref()
            .map(|served| match read_day(served) {
                Ok(day) => Ok(what_if_moment(day, zone)),
                Err(_) => moment("served", served, zone, Edge::Start),
            })
            .transpose()
    }

    /// Everything known about this demand for one of its accounts, received at `received`.
    ///
    /// # Errors
    /// A word that is not in the vocabulary, an account that the demand does not name, an invalid date.
    pub fn facts(
        &self,
        law: &LawSet,
        home: &HomeFacts,
        account: &Address,
        received: UnixMillis,
    ) -> Result<Facts, DemandError> {
        if !self.accounts.contains(account) {
            return Err(DemandError::new("the demand does not name this account; check the address in the demand"));
        }
        if !zones::knows_zone(&home.zone) {
            return Err(DemandError::new(format!("the home's zone `{}` is not an IANA time zone", home.zone)));
        }
        let scope = self.scope(home, received)?;
        let mut builder =
            Builder { law, known: FactMap::new(), every_item: FactMap::new(), every_copy: FactMap::new() };
        self.say(&mut builder)?;
        if self.asks.from.is_some() {
            let from = zones::local_day(scope.from, &home.zone);
            builder.demand("asked_from", Value::Day(from))?;
        }
        if self.asks.until.is_some() {
            // The last moment requested.
            let until = zones::local_day(UnixMillis(scope.until.0.saturating_sub(1)), &home.zone);
            builder.demand("asked_until", Value::Day(until))?;
        }
        builder.provider(home)?;
        builder.table(&home.facts, Provenance::Home, "the home's facts")?;
        let user = home.users.get(&account.canonical()).or_else(|| home.users.get("*"));
        if let Some(user) = user {
            builder.table(user, Provenance::Home, "the home's facts about the user")?;
        }
        builder.table(&self.facts, Provenance::Officer, "[facts]")?;
        builder.fill_silence();
        let copies = builder.copies(home)?;
        let items = builder.items(&self.asks, scope, received)?;
        let until = UnixMillis(scope.until.0.min(received.0)).max(scope.from);
        Ok(Facts {
            home: home.home.clone(),
            zone: home.zone.clone(),
            received,
            on: zones::local_day(received, &home.zone),
            known_on: None,
            scope: Scope { from: scope.from, until },
            known: builder.known,
            items,
            copies,
            signed: Vec::new(),
        })
    }

    /// The arrival times requested, not yet limited to the time before receipt.
    fn scope(&self, home: &HomeFacts, received: UnixMillis) -> Result<Scope, DemandError> {
        let from = match &self.asks.from {
            Some(from) => moment("asks.from", from, &home.zone, Edge::Start)?,
            None => UnixMillis(0),
        };
        let until = match &self.asks.until {
            Some(until) => moment("asks.until", until, &home.zone, Edge::End)?,
            None => received,
        };
        if until <= from {
            return Err(DemandError::new("`asks.until` must be after `asks.from`; check both dates in the demand"));
        }
        Ok(Scope { from, until })
    }

    /// What the demand itself says.
    fn say(&self, builder: &mut Builder<'_>) -> Result<(), DemandError> {
        let word = |text: &str| Value::Word(text.to_owned());
        builder.demand("instrument", word(&self.instrument))?;
        if let Some(forum) = &self.forum {
            builder.demand("forum", word(forum))?;
        }
        builder.demand("legal_basis_named", Value::Bool(self.legal_basis.is_some()))?;
        builder.demand("issuer_state", Value::Place(self.authority.state.clone()))?;
        builder.demand("issuer_type", word(&self.issuer.office))?;
        builder.demand("validator_type", word(self.validator.as_ref().map_or("none", |v| v.office.as_str())))?;
        if let Some(verified) = self.validator.as_ref().and_then(|validator| validator.verified.as_ref()) {
            builder.demand("validator_verified_how", word(verified))?;
        }
        if let Some(verified) = &self.issuer.verified {
            builder.demand("verified_how", word(verified))?;
        }
        if let Some(offence) = &self.offence {
            if let Some(state) = &offence.state {
                builder.demand("offence_state", Value::Place(state.clone()))?;
            }
            if let Some(months) = offence.sentence_months_max {
                builder.demand("offence_sentence_months_max", Value::Int(i64::from(months)))?;
            }
        }
        if let Some(silence) = &self.silence {
            builder.demand("silence_source", word(&silence.source))?;
            let day = |name: &str, raw: &toml::value::Datetime| {
                read_day(raw).map_err(|error| DemandError::new(format!("silence.{name}: {error}")))
            };
            let issued = silence.issued.as_ref().map(|raw| day("issued", raw)).transpose()?;
            let until = silence.until.as_ref().map(|raw| day("until", raw)).transpose()?;
            if let Some(issued) = issued {
                builder.demand("silence_issued", Value::Day(issued))?;
            }
            if let Some(months) = silence.months {
                builder.demand("silence_months", Value::Int(i64::from(months)))?;
            }
            // If the demand states months and no day, the vocabulary says how to compute the day.
            if let Some(until) = until {
                builder.demand("silence_until", Value::Day(until))?;
            }
            if let Some(indefinite) = silence.indefinite {
                builder.demand("silence_indefinite", Value::Bool(indefinite))?;
            } else if until.is_some() || (issued.is_some() && silence.months.is_some()) {
                builder.put("silence_indefinite", Known::computed(Value::Bool(false)))?;
            }
        }
        Ok(())
    }
}

/// `Debug` prints only the type: a demand names people and must not end up in a log line.
macro_rules! prints_nothing {
    ($($name:ident)+) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )+};
}
prints_nothing!(Demand Authority Issuer Validator Asks Offence DemandedSilence Delivery);

/// The moment at which a what-if on `day` is decided: its noon in `zone`, far from midnight.
pub fn what_if_moment(day: Day, zone: &str) -> UnixMillis {
    zones::start_of(day, zone).plus_millis(12 * 3_600_000)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Edge {
    Start,
    End,
}

/// Parses a day or moment. A day at the end of a range is included.
fn moment(field: &str, raw: &toml::value::Datetime, zone: &str, edge: Edge) -> Result<UnixMillis, DemandError> {
    if let Ok(day) = read_day(raw) {
        let day = if edge == Edge::End { day.plus_days(1) } else { day };
        return Ok(zones::start_of(day, zone));
    }
    raw.to_string().parse::<jiff::Timestamp>().map(|at| UnixMillis(at.as_millisecond())).map_err(|_| {
        DemandError::new(format!(
            "{field}: `{raw}` is neither a day (2026-11-23) nor a moment with its offset (2026-11-23T09:30:00+01:00)"
        ))
    })
}

/// Collects facts, checking each against the vocabulary.
struct Builder<'a> {
    law: &'a LawSet,
    known: FactMap,
    every_item: FactMap,
    every_copy: FactMap,
}

impl Builder<'_> {
    fn demand(&mut self, fact: &str, value: Value) -> Result<(), DemandError> {
        self.put(fact, Known::demand(value))
    }

    fn put(&mut self, fact: &str, known: Known) -> Result<(), DemandError> {
        let def = self.law.vocabulary().fact(fact).ok_or_else(|| {
            DemandError::new(format!("`{fact}` is not a fact in law/vocabulary.toml; correct the name"))
        })?;
        if !known.value.is_of(&def.kind) {
            return Err(DemandError::new(format!("{fact} = `{}`: expected {}", known.value, def.kind.describe())));
        }
        let map = match def.about {
            About::Demand => &mut self.known,
            About::Item => &mut self.every_item,
            About::Copy => &mut self.every_copy,
        };
        map.insert(fact.to_owned(), known);
        Ok(())
    }

    fn table(&mut self, table: &toml::Table, from: Provenance, whose: &str) -> Result<(), DemandError> {
        for (name, raw) in table {
            let def = self.law.vocabulary().fact(name).ok_or_else(|| {
                DemandError::new(format!("{whose}: `{name}` is not a fact in law/vocabulary.toml; correct the name"))
            })?;
            let value =
                Value::read(&def.kind, raw).map_err(|what| DemandError::new(format!("{whose}: `{name}`: {what}")))?;
            self.put(name, Known { value, from })?;
        }
        Ok(())
    }

    fn fill_silence(&mut self) {
        let vocabulary = self.law.vocabulary();
        vocabulary.fill_silence(&mut self.known, About::Demand, &[]);
        vocabulary.fill_silence(&mut self.every_item, About::Item, &[]);
        vocabulary.fill_silence(&mut self.every_copy, About::Copy, &[]);
    }

    fn provider(&mut self, home: &HomeFacts) -> Result<(), DemandError> {
        let established = home.entities.iter().map(|entity| entity.established.clone()).collect();
        self.put("provider_established", Known::home(Value::Places(established)))?;
        let subject = home.entities.iter().flat_map(|entity| entity.subject_to.iter().cloned()).collect();
        self.put("provider_subject_to", Known::home(Value::Places(subject)))?;
        let parents = home.entities.iter().filter_map(|entity| entity.parent_established.clone()).collect();
        self.put("provider_parents", Known::home(Value::Places(parents)))?;
        // The home's own law is always at risk.
        let at_risk = BTreeSet::from([home.home.clone()]);
        self.put("conflict_law_states", Known::computed(Value::Places(at_risk)))?;
        let addressee = home.entities.iter().find(|e| e.designated).or_else(|| runs_store(home));
        if let Some(addressee) = addressee {
            self.put("addressee_state", Known::home(Value::Place(addressee.established.clone())))?;
        }
        Ok(())
    }

    /// The two parts of the home's own store, which hold different data, and the copies stored elsewhere.
    fn copies(&self, home: &HomeFacts) -> Result<Vec<StoredCopy>, DemandError> {
        let control: BTreeSet<Jurisdiction> = home
            .entities
            .iter()
            .filter(|entity| entity.controls_store || entity.runs_store)
            .flat_map(|entity| entity.subject_to.iter().cloned())
            .collect();
        let here = BTreeSet::from([home.home.clone()]);
        let own = [
            (OWN_COPIES[0], BTreeSet::from([Category::Content, Category::Traffic])),
            (OWN_COPIES[1], BTreeSet::from([Category::Subscriber, Category::Identification])),
        ];
        let mut copies = Vec::new();
        for (name, holds) in own {
            let exclusive = home.copies.iter().all(|copy| copy.holds.is_disjoint(&holds));
            copies.push(self.copy(name, holds, &here, exclusive, &control, runs_store(home)));
        }
        for declared in &home.copies {
            let holder = home.entities.iter().find(|entity| entity.name == declared.held_by).ok_or_else(|| {
                DemandError::new(format!(
                    "the copy `{}` names a holder that is not a declared entity; declare it",
                    declared.name
                ))
            })?;
            copies.push(self.copy(
                &declared.name,
                declared.holds.clone(),
                &declared.stored,
                false,
                &holder.subject_to,
                Some(holder),
            ));
        }
        Ok(copies)
    }

    fn copy(
        &self,
        name: &str,
        holds: BTreeSet<Category>,
        stored: &BTreeSet<Jurisdiction>,
        exclusive: bool,
        control: &BTreeSet<Jurisdiction>,
        holder: Option<&Entity>,
    ) -> StoredCopy {
        let mut known = FactMap::new();
        let mut put = |fact: &str, value: Value| {
            known.insert(fact.to_owned(), Known::home(value));
        };
        put("copy_stored", Value::Places(stored.clone()));
        put("copy_exclusive", Value::Bool(exclusive));
        put("copy_controlled_from", Value::Places(control.clone()));
        if let Some(holder) = holder {
            put("copy_holder_established", Value::Place(holder.established.clone()));
            if let Some(role) = &holder.role {
                put("copy_holder_role", Value::Word(role.clone()));
            }
        }
        known.extend(self.every_copy.clone());
        StoredCopy { name: name.to_owned(), holds, known }
    }

    fn items(&self, asks: &Asks, scope: Scope, received: UnixMillis) -> Result<Vec<RequestedItem>, DemandError> {
        let mut items = Vec::new();
        for word in &asks.items {
            let def = self.law.vocabulary().item(word).ok_or_else(|| {
                let all: Vec<_> = self.law.vocabulary().items.iter().map(|item| item.name.as_str()).collect();
                DemandError::new(format!("asks.items: `{word}` is not one of: {}", all.join(", ")))
            })?;
            let mut item = |name: String, future: bool| {
                let mut known = FactMap::new();
                known.insert("item".to_owned(), Known::demand(Value::Word(word.clone())));
                known.insert("item_future".to_owned(), Known::computed(Value::Bool(future)));
                known.extend(self.every_item.clone());
                items.push(RequestedItem { name, category: def.category, known });
            };
            if scope.from < received {
                item(word.clone(), false);
            }
            if scope.until > received {
                item(format!("{word}, arriving later"), true);
            }
        }
        if items.is_empty() {
            return Err(DemandError::new("`asks.items` is empty; list what the demand asks for"));
        }
        Ok(items)
    }
}

fn runs_store(home: &HomeFacts) -> Option<&Entity> {
    home.entities.iter().find(|entity| entity.runs_store)
}
