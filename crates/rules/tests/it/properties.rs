//! Properties for all facts: totality, determinism, and that missing facts never make an answer more definite.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;
use rules::{
    About, Decision, FactDef, FactMap, Facts, Kind, Known, LawSet, Mode, Outcome, Provenance, RequestedItem, Scope,
    Value,
};
use terms::{Category, UnixMillis};

use crate::support::{files, law};

static LAW: LazyLock<LawSet> = LazyLock::new(law);

/// The law with an additional rule, on an instrument that no demand here uses.
static LARGER: LazyLock<LawSet> = LazyLock::new(|| {
    let mut files = files();
    for (path, text) in &mut files {
        if path == "vocabulary.toml" {
            text.push_str("\n[[instrument]]\nname = \"test_demand\"\nmeans = \"a demand for testing\"\n");
        }
    }
    files.push((
        "zz/more.toml".to_owned(),
        "title = \"More\"\n[[rule]]\nid = \"test.more\"\neffect = \"compels\"\nwhen = { instrument = \"test_demand\" }\n\
         cite = [\"a statute\"]\nsource = \"a book\"\nretrieved = 2026-11-23\nconfidence = \"read\"\n\
         in_force = { from = 1900-01-01 }\nbasis = \"statute\"\nbecause = \"It says so.\"\n"
            .to_owned(),
    ));
    LawSet::load(&files).unwrap_or_else(|errors| panic!("{errors}"))
});

const PLACES: [&str; 9] = ["IE", "US", "US-NY", "DE", "FR", "GB", "CH", "AU", "DK"];

fn value(kind: &Kind) -> BoxedStrategy<Value> {
    let place = || prop::sample::select(PLACES.as_slice()).prop_map(|code| code.parse().unwrap());
    match kind {
        Kind::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Kind::Int => prop_oneof![-1i64..400, any::<i64>()].prop_map(Value::Int).boxed(),
        Kind::Day => (1900i16..2100, 1i8..=12, 1i8..=28)
            .prop_map(|(y, m, d)| Value::Day(rules::Day::new(y, m, d).unwrap()))
            .boxed(),
        Kind::Word(words) => prop::sample::select(words.clone()).prop_map(Value::Word).boxed(),
        Kind::Words(words) => {
            prop::collection::btree_set(prop::sample::select(words.clone()), 0..3).prop_map(Value::Words).boxed()
        }
        Kind::Place => place().prop_map(Value::Place).boxed(),
        Kind::Places => prop::collection::btree_set(place(), 0..3).prop_map(Value::Places).boxed(),
    }
}

/// Some facts about a subject; most are known, and some have the wrong type.
fn map(about: About) -> BoxedStrategy<FactMap> {
    let defs: Vec<FactDef> = LAW.vocabulary().facts().iter().filter(|def| def.about == about).cloned().collect();
    let mut all: BoxedStrategy<Vec<(String, Option<Value>)>> = Just(Vec::new()).boxed();
    for def in defs {
        let one = prop_oneof![
            8 => value(&def.kind).prop_map(Some),
            3 => Just(None),
            1 => any::<bool>().prop_map(|yes| Some(Value::Bool(yes))),
        ];
        all = (all, one)
            .prop_map(move |(mut all, one)| {
                all.push((def.name.clone(), one));
                all
            })
            .boxed();
    }
    all.prop_map(|all| {
        all.into_iter()
            .filter_map(|(name, value)| Some((name, Known { value: value?, from: Provenance::Officer })))
            .collect()
    })
    .boxed()
}

fn facts() -> impl Strategy<Value = Facts> {
    let category = || prop::sample::select(Category::ALL.as_slice());
    let item = (category(), map(About::Item), 0u8..3).prop_map(|(category, known, n)| RequestedItem {
        name: format!("{category} {n}"),
        category,
        known,
    });
    let copy = (prop::collection::btree_set(category(), 0..4), map(About::Copy), 0u8..3)
        .prop_map(|(holds, known, n)| rules::StoredCopy { name: format!("copy {n}"), holds, known });
    let day = (2000i16..2035, 1i8..=12, 1i8..=28).prop_map(|(y, m, d)| rules::Day::new(y, m, d).unwrap());
    (
        map(About::Demand),
        prop::collection::vec(item, 0..3),
        prop::collection::vec(copy, 0..3),
        day,
        prop_oneof![9 => 0i64..4_000_000_000_000, 1 => any::<i64>()],
    )
        .prop_map(|(known, items, copies, on, received)| Facts {
            home: "IE".parse().unwrap(),
            zone: "Europe/Dublin".to_owned(),
            received: UnixMillis(received),
            on,
            known_on: None,
            scope: Scope { from: UnixMillis(0), until: UnixMillis(received) },
            known,
            items,
            copies,
            signed: Vec::new(),
        })
}

/// Whether an outcome is a definite answer.
fn confident(outcome: Outcome) -> bool {
    !matches!(outcome, Outcome::Conditional | Outcome::ReferCounsel | Outcome::Partial)
}

fn outcomes(decision: &Decision) -> Vec<Outcome> {
    decision.units.iter().map(|unit| unit.outcome).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_facts_are_decided_told_and_decided_alike_again(facts in facts(), served in any::<bool>()) {
        let mode = if served { Mode::Service } else { Mode::WhatIf };
        let decision = rules::decide(&LAW, &facts, mode);
        let text = rules::explain(&decision) + &rules::render_decision(&decision);
        prop_assert!(!text.is_empty());
        let kept = serde_json::to_string(&decision).unwrap();
        prop_assert_eq!(serde_json::to_string(&rules::decide(&LAW, &facts, mode)).unwrap(), kept.clone());
        let read: Decision = serde_json::from_str(&kept).unwrap();
        prop_assert_eq!(read, decision);
    }

    #[test]
    fn a_rule_of_another_matter_changes_nothing(facts in facts()) {
        let mut one = rules::decide(&LAW, &facts, Mode::WhatIf);
        let mut two = rules::decide(&LARGER, &facts, Mode::WhatIf);
        // Without a known instrument the new rule may apply, and is asked about.
        if facts.known.get("instrument").is_some_and(|known| matches!(known.value, Value::Word(_))) {
            two.law = one.law;
            prop_assert_eq!(&one, &two);
        }
        one.law = two.law;
    }

    /// Removing a fact turns an answer into a question or leaves it unchanged; it never gives a different answer.
    #[test]
    fn ignorance_is_never_more_confident(facts in facts(), which in any::<prop::sample::Index>()) {
        let knowing = rules::decide(&LAW, &facts, Mode::WhatIf);
        let mut forgetful = facts.clone();
        let mut maps: Vec<&mut FactMap> = vec![&mut forgetful.known];
        maps.extend(forgetful.items.iter_mut().map(|item| &mut item.known));
        maps.extend(forgetful.copies.iter_mut().map(|copy| &mut copy.known));
        let names: Vec<(usize, String)> =
            maps.iter().enumerate().flat_map(|(at, map)| map.keys().map(move |name| (at, name.clone()))).collect();
        prop_assume!(!names.is_empty());
        let (at, name) = which.get(&names);
        maps[*at].remove(name);
        let ignorant = rules::decide(&LAW, &forgetful, Mode::WhatIf);
        for (more, less) in outcomes(&knowing).into_iter().zip(outcomes(&ignorant)) {
            prop_assert!(less == more || !confident(less), "removing {}: {} became {}", name, more, less);
        }
    }

    /// Adding a fact changes `REFER_COUNSEL` only through a rule that needed that fact.
    #[test]
    fn counsel_is_relieved_by_a_rule_that_reads_the_fact(facts in facts(), which in any::<prop::sample::Index>()) {
        let names: Vec<String> = facts.known.keys().cloned().collect();
        prop_assume!(!names.is_empty());
        let name = which.get(&names);
        let mut forgetful = facts.clone();
        forgetful.known.remove(name);
        let knowing = rules::decide(&LAW, &facts, Mode::WhatIf);
        let ignorant = rules::decide(&LAW, &forgetful, Mode::WhatIf);
        for (more, less) in knowing.units.iter().zip(&ignorant.units) {
            if less.outcome == Outcome::ReferCounsel && more.outcome != less.outcome {
                let waited = less.proof.open.iter().any(|open| open.missing.contains(name));
                prop_assert!(waited, "{} changed the outcome to {}, but no rule needed it", name, more.outcome);
            }
        }
    }

    /// For a served demand, nothing is disclosed that a what-if would not disclose.
    #[test]
    fn service_is_never_laxer_than_a_what_if(facts in facts()) {
        let real = outcomes(&rules::decide(&LAW, &facts, Mode::Service));
        let what_if = outcomes(&rules::decide(&LAW, &facts, Mode::WhatIf));
        for (real, what_if) in real.into_iter().zip(what_if) {
            prop_assert!(!real.discloses() || real == what_if);
        }
    }

    /// Content is never compelled or permitted for an unverified sender.
    #[test]
    fn no_answer_to_an_unverified_sender(facts in facts()) {
        let mut facts = facts;
        facts.known.insert("verified_how".to_owned(), Known::demand(Value::Word("sender_domain".to_owned())));
        prop_assert!(outcomes(&rules::decide(&LAW, &facts, Mode::Service)).iter().all(|outcome| !outcome.discloses()));
    }
}

#[test]
fn questions_are_asked_once_each() {
    let facts = Facts {
        home: "IE".parse().unwrap(),
        zone: "Europe/Dublin".to_owned(),
        received: UnixMillis(1_795_411_159_000),
        on: "2026-11-23".parse().unwrap(),
        known_on: None,
        scope: Scope { from: UnixMillis(0), until: UnixMillis(1_795_411_159_000) },
        known: FactMap::new(),
        items: vec![RequestedItem { name: "content".to_owned(), category: Category::Content, known: FactMap::new() }],
        copies: Vec::new(),
        signed: Vec::new(),
    };
    let decision = rules::decide(&LAW, &facts, Mode::Service);
    assert_eq!(decision.outcome, Outcome::Conditional, "a demand without any facts");
    assert_eq!(decision.questions[0].fact, "instrument", "the instrument settles most");
    let asked: BTreeSet<_> = decision.questions.iter().map(|question| (&question.fact, &question.about)).collect();
    assert_eq!(asked.len(), decision.questions.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Law files with moved lines and changed bytes: the set is rejected, or it decides and is checked, and either way
    /// this terminates.
    #[test]
    fn a_scrambled_law_is_refused_or_decides(
        moves in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0u8..4), 1..6),
        facts in facts(),
    ) {
        let all = files();
        let mut set: Vec<(String, String)> = all.iter().filter(|(path, _)| !path.contains("cases/")).cloned().collect();
        for (file, from, to, how) in moves {
            let at = file.index(set.len());
            let mut lines: Vec<String> = set[at].1.lines().map(str::to_owned).collect();
            if lines.is_empty() {
                continue;
            }
            let (from, to) = (from.index(lines.len()), to.index(lines.len()));
            match how {
                0 => lines[to] = lines[from].clone(),
                1 => { lines.remove(to); }
                2 => lines.swap(from, to),
                _ => {
                    let digit = |c: char| if c.is_ascii_digit() { '9' } else { c };
                    lines[to] = lines[to].chars().map(digit).collect();
                }
            }
            set[at].1 = lines.join("\n");
        }
        if let Ok(law) = LawSet::load(&set) {
            let decision = rules::decide(&law, &facts, Mode::Service);
            prop_assert_eq!(decision.law, law.digest());
            prop_assert!(!rules::check(&law, &[]).to_string().is_empty());
        }
    }
}

/// A pathological set is checked with bounded work, and aborted searches are reported.
#[test]
fn checking_a_pathological_set_ends() {
    let mut files = files();
    let yes_or_no = |def: &&FactDef| def.kind == Kind::Bool && def.about == About::Demand;
    let facts: Vec<&str> =
        LAW.vocabulary().facts().iter().filter(yes_or_no).take(5).map(|def| def.name.as_str()).collect();
    let mut text = "title = \"Slow\"\n".to_owned();
    // Each rule leaves out one combination of yes and no, so that whether there is a gap needs all of them.
    for bits in 0..(1_u32 << facts.len()) {
        let when: Vec<String> =
            facts.iter().enumerate().map(|(at, fact)| format!("{fact} = {}", bits >> at & 1 == 1)).collect();
        text.push_str(&format!(
            "[[rule]]\nid = \"test.r{bits}\"\neffect = \"refers\"\nwhen = {{ instrument = \"nsl\", {} }}\n\
             cite = [\"a statute\"]\nsource = \"a book\"\nretrieved = 2026-11-23\nconfidence = \"read\"\n\
             in_force = {{ from = 1900-01-01 }}\nbasis = \"statute\"\nbecause = \"It says so.\"\n",
            when.join(", ")
        ));
    }
    files.push(("zz/slow.toml".to_owned(), text));
    let law = LawSet::load(&files).unwrap();
    let report = rules::check(&law, &[]);
    // Together they cover everything: there is no gap for that instrument, and the check proves it.
    let gap = report.gaps.iter().any(|gap| gap.place.starts_with("nsl,") && !gap.place.contains("silence"));
    let given_up = report.uncovered.iter().any(|finding| finding.what.contains("nsl"));
    assert!(!gap || given_up, "{report}");
}
