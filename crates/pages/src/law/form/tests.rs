//! The form decides what `law decide` decides, and refuses what it cannot read beside the field.

use rules::{Decision, Demand, Facts, HomeFacts, LawSet, Mode, UsedFact};

use super::*;
use crate::law::Medium;
use crate::law::tests::{files, site};

fn law() -> LawSet {
    LawSet::load(&files()).unwrap()
}

/// The facts of `facts` after a turn through the form.
fn through(law: &LawSet, facts: &Facts) -> Facts {
    let query = Form::of(law, facts).query();
    let form = Form::read(&query).unwrap();
    form.facts(law, &"ZZ".parse().unwrap(), "UTC").unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// What a decision concludes, without what the form has no field for: who says a fact, and the times of arrival.
fn conclusion(law: &LawSet, facts: &Facts) -> Decision {
    let mut decision = rules::decide(law, facts, Mode::WhatIf);
    decision.facts = Facts { known: FactMap::new(), items: Vec::new(), copies: Vec::new(), ..facts.clone() };
    decision.facts.scope = Scope { from: UnixMillis(0), until: UnixMillis(0) };
    decision
}

#[test]
fn the_form_decides_every_case_as_the_case_is_decided() {
    let law = law();
    let cases = rules::read_cases(&law, &files()).unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let facts = Facts { signed: Vec::new(), ..case.facts };
        let again = through(&law, &facts);
        assert_eq!(conclusion(&law, &again), conclusion(&law, &facts), "{}", case.id);
    }
}

#[test]
fn the_form_decides_the_examples_as_law_decide_does() {
    let (law, files) = (law(), files());
    let text = |path: &str| files.iter().find(|(known, _)| known == path).unwrap().1.clone();
    let home: HomeFacts = toml::from_str(&text("examples/home-ie.toml")).unwrap();
    let mut examples = 0;
    for (path, text) in files.iter().filter(|(path, _)| path.starts_with("examples/") && !path.contains("home-")) {
        let demand = Demand::parse(text).unwrap_or_else(|error| panic!("{path}: {error}"));
        for day in ["2014-08-01", "2016-07-15", "2018-04-01", "2026-09-02"] {
            let received = what_if_moment(day.parse().unwrap(), &home.zone);
            let facts = demand.facts(&law, &home, demand.accounts.first().unwrap(), received).unwrap();
            assert_eq!(conclusion(&law, &through(&law, &facts)), conclusion(&law, &facts), "{path} on {day}");
            examples += 1;
        }
    }
    assert!(examples >= 8, "{examples}");
}

#[test]
fn a_page_shows_the_decision_of_its_query() {
    let site = site();
    for case in &site.cases {
        let query = Form::of(&site.law, &case.facts).query();
        let page = site.page("what-if.html", Medium::Served(&query)).unwrap();
        let facts = Facts { signed: Vec::new(), ..case.facts.clone() };
        let decision = rules::decide(&site.law, &facts, Mode::WhatIf);
        assert!(!page.is_refused, "{}", case.id);
        assert!(page.text.contains(&format!("<p class=\"word\">{}</p>", decision.outcome)), "{}", case.id);
        let steps = decision.deadlines.iter().map(|deadline| &deadline.local);
        assert!(steps.clone().all(|local| page.text.contains(local.as_str())), "{}", case.id);
        let used = |fact: &UsedFact| page.text.contains(&format!("<code>{}</code>", fact.fact));
        let nodes = decision.units.iter().flat_map(|unit| &unit.proof.applied);
        assert!(nodes.flat_map(|node| &node.facts).all(used), "{}", case.id);
    }
}

#[test]
fn what_cannot_be_read_is_told_beside_the_field() {
    let site = site();
    for (query, field, told) in [
        ("on=yesterday&i1=content", "on", "not a calendar date"),
        ("i1=content", "on", "As of which date"),
        ("on=2016-02-30&i1=content", "on", "not a calendar date"),
        ("on=2016-07-15&received=noon&i1=content", "received", "not a date and time"),
        ("on=2016-07-15&zone=Mars/Olympus&i1=content", "zone", "not a time zone"),
        ("on=2016-07-15&home=ireland&i1=content", "home", "a country code"),
        ("on=2016-07-15", "i1", "at least one item"),
        ("on=2016-07-15&i1=everything", "i1", "not in the vocabulary"),
        ("on=2016-07-15&i1=content&i2=content", "i2", "requested twice"),
        ("on=2016-07-15&i1=content&i2.item_refused=yes", "i2", "Choose the item"),
        ("on=2016-07-15&i1=content&c1=a&c2=a", "c2", "Two copies"),
        ("on=2016-07-15&i1=content&c1.copy_stored=IE", "c1", "Give this copy a name"),
        ("on=2016-07-15&i1=content&c1=a&c1.holds=gold", "c1.holds", "traffic and content"),
        ("on=2016-07-15&i1=content&f.instrument=letter_of_marque", "f.instrument", "Expected one of"),
        ("on=2016-07-15&i1=content&f.user_us_person=maybe", "f.user_us_person", "yes or no"),
        ("on=2016-07-15&i1=content&f.user_residence=Éire", "f.user_residence", "by their codes"),
        ("on=2016-07-15&i1=content&f.silence_months=1e9", "f.silence_months", "whole number"),
        ("on=2016-07-15&i1=content&f.silence_months=99999999999999999999", "f.silence_months", "whole number"),
        ("on=2016-07-15&i1=content&f.silence_until=2016-13-01", "f.silence_until", "not a calendar date"),
    ] {
        let page = site.page("what-if.html", Medium::Served(query)).unwrap();
        assert!(page.is_refused, "{query}");
        assert!(!page.text.contains("class=\"outcome"), "{query}: decided all the same");
        assert!(page.text.contains(&format!("href=\"#{field}\"")), "{query}");
        let beside = page.text.split("class=\"fault\"").skip(1).any(|rest| {
            rest.split("</p>").next().unwrap().contains(told)
                && (field.contains("holds") || rest.contains(&format!("id=\"{field}\"")))
        });
        assert!(beside, "{query}: nothing beside {field}");
    }
}

#[test]
fn hostile_input_is_escaped_or_refused() {
    let site = site();
    let evil = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E";
    let many: String = (0..2000).map(|n| format!("a{n}=1&")).collect();
    for query in [
        format!("on={evil}"),
        format!("on=2016-07-15&i1={evil}"),
        format!("on=2016-07-15&i1=content&c1={evil}"),
        format!("on=2016-07-15&i1=content&i1.name={evil}"),
        format!("on=2016-07-15&i1=content&f.instrument={evil}"),
        format!("on=2016-07-15&i1=content&f.provider_established={evil}"),
        format!("on=2016-07-15&i1=content&{evil}={evil}"),
        format!("on=2016-07-15&i1=content&f.no_such_fact={evil}"),
        format!("case={evil}"),
        format!("on=2016-07-15&i1=content&c1={}", "x".repeat(5000)),
        format!("on={}", "x".repeat(QUERY_BYTES_MAX)),
        many,
        "&&&===%%%%zz%ff%00".to_owned(),
        "on=2016-07-15&i1=content&f.%ff=%ff".to_owned(),
        "on=-009999-01-01&i1=content".to_owned(),
        "on=9999-12-31&i1=content&f.instrument=epoc&f.emergency=life".to_owned(),
        "on=2016-07-15&received=9999-12-31T23:59:59Z&i1=content".to_owned(),
    ] {
        let page = site.page("what-if.html", Medium::Served(&query)).unwrap();
        let shown = query.get(..80).unwrap_or(&query);
        assert!(!page.text.contains("<script") && !page.text.contains("alert(1)</"), "{shown}");
        assert!(page.text.len() < 2_000_000, "{shown}: {} bytes", page.text.len());
    }
    let unknown = site.page("what-if.html", Medium::Served("on=2016-07-15&i1=content&f.no_such_fact=1")).unwrap();
    assert!(unknown.is_refused && unknown.text.contains("no_such_fact"), "a field that does not count must be told");
}

#[test]
fn an_empty_form_asks_for_nothing_and_decides_nothing() {
    let page = site().page("what-if.html", Medium::Served("")).unwrap();
    assert!(!page.is_refused && !page.text.contains("class=\"outcome") && page.text.contains("<form method=\"get\""));
    let file = site().page("what-if.html", Medium::File).unwrap();
    assert!(!file.text.contains("<form") && file.text.contains("needs a node"));
}
