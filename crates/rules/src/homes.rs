//! What a set does not answer, home by home: instruments that no rule mentions there, terms whose State the law does
//! not fix, routes that name no authority. They are listed, for a reviewer to accept or to correct.

use std::collections::BTreeSet;

use terms::Jurisdiction;

use crate::check::Finding;
use crate::condition::{Env, FactIndex, Test, Truth};
use crate::law::LawSet;
use crate::rule::{Basis, Rule, Topic};
use crate::value::{Day, Value};

/// The homes that the set was written for: the States whose authorities it knows.
pub(crate) fn homes(law: &LawSet) -> BTreeSet<Jurisdiction> {
    law.authorities().iter().map(|authority| authority.state.clone()).collect()
}

/// The instruments on which no rule of law speaks in a home, each with the reason.
pub(crate) fn unanswered(law: &LawSet) -> Vec<Finding> {
    let Some(addressee) = law.vocabulary().index("addressee_state") else { return Vec::new() };
    let day = law.rules().iter().map(|rule| rule.in_force.from).max();
    let (Some(day), homes) = (day, homes(law)) else { return Vec::new() };
    let mut out = Vec::new();
    for home in &homes {
        for instrument in &law.vocabulary().instruments {
            let speaks = |rule: &&Rule| {
                rule.effect.topic() == Topic::Disclosure
                    && rule.in_force.covers(day)
                    && names(rule, &instrument.name)
                    && may_be_in(law, rule, (addressee, home), day)
            };
            let rules: Vec<&Rule> = law.rules().iter().filter(speaks).collect();
            if rules.iter().any(|rule| rule.basis != Basis::Policy) {
                continue;
            }
            let why = match rules.first() {
                Some(rule) => format!("only the provider's own rule {} mentions it: counsel decides", rule.id),
                None => "no rule in force names it for this home: counsel decides".to_owned(),
            };
            out.push(Finding { place: home.to_string(), what: format!("{}: {why}", instrument.name) });
        }
    }
    out
}

/// Terms that run in the calendar of the home or of the forum, and routes without an authority.
pub(crate) fn open_ends(law: &LawSet) -> Vec<Finding> {
    let mut out = Vec::new();
    for rule in law.rules() {
        for term in rule.deadline.iter().chain(&rule.follow_ups) {
            if law.calendar(&term.calendar).is_none() {
                let what = format!(
                    "{}: the term \"{}\" runs in the calendar of the {}, not in that of a State which the rule names",
                    rule.id,
                    term.purpose.as_str(),
                    term.calendar
                );
                out.push(Finding { place: format!("{}:{}", rule.file, rule.line), what });
            }
        }
    }
    for route in law.routes() {
        if !law.authorities().iter().any(|authority| authority.routes.contains(&route.id)) {
            let what = format!("the route `{}` names no authority: the operator's directory must", route.id);
            out.push(Finding { place: "authorities.toml".to_owned(), what });
        }
    }
    out
}

/// Whether the rule mentions this instrument in particular.
fn names(rule: &Rule, instrument: &str) -> bool {
    rule.when.iter().any(|condition| {
        condition.fact == "instrument"
            && matches!(condition.test, Test::OneOf(_))
            && condition.may_be_instrument(instrument)
    })
}

/// Whether the rule can hold for a company addressed in `home`.
fn may_be_in(law: &LawSet, rule: &Rule, (addressee, home): (FactIndex, &Jurisdiction), day: Day) -> bool {
    let place = Value::Place(home.clone());
    let mut values = vec![None; law.vocabulary().facts().len()];
    if let Some(value) = values.get_mut(addressee.0) {
        *value = Some(&place);
    }
    let env = Env { values, day, sets: &law.sets };
    rule.when.iter().all(|condition| condition.index != addressee || condition.holds(&env) != Truth::False)
}
