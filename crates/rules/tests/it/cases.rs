//! Every case under `law/**/cases`, and the findings of the check.

use rules::{Facts, Mode, Outcome, WitnessOf};

use crate::support::{files, law};

#[test]
fn every_case_decides_as_expected_and_every_rule_has_one() {
    let law = law();
    let cases = rules::read_cases(&law, &files()).unwrap_or_else(|errors| panic!("{errors}"));
    let report = rules::check(&law, &cases);
    assert!(report.passes(), "{report}");
    assert!(cases.len() >= 100, "case files are missing");
}

/// Removes one fact from one map.
fn forget(facts: &Facts, at: usize, name: &str) -> Facts {
    let mut facts = facts.clone();
    let items = facts.items.len();
    match at {
        0 => facts.known.remove(name),
        at if at <= items => facts.items[at - 1].known.remove(name),
        at => facts.copies[at - 1 - items].known.remove(name),
    };
    facts
}

#[test]
fn removing_any_fact_of_any_case_never_changes_the_answer() {
    let law = law();
    let cases = rules::read_cases(&law, &files()).unwrap();
    let mut asked = 0;
    for case in &cases {
        let knowing = rules::decide(&law, &case.facts, Mode::WhatIf);
        let maps = std::iter::once(&case.facts.known)
            .chain(case.facts.items.iter().map(|item| &item.known))
            .chain(case.facts.copies.iter().map(|copy| &copy.known));
        for (at, name) in maps.enumerate().flat_map(|(at, map)| map.keys().map(move |name| (at, name))) {
            let ignorant = rules::decide(&law, &forget(&case.facts, at, name), Mode::WhatIf);
            for (more, less) in knowing.units.iter().zip(&ignorant.units) {
                let doubt = matches!(less.outcome, Outcome::Conditional | Outcome::ReferCounsel);
                assert!(
                    less.outcome == more.outcome || doubt,
                    "{}: forgetting {name}: {} became {}",
                    case.id,
                    more.outcome,
                    less.outcome
                );
                let changed = less.outcome != more.outcome && less.outcome == Outcome::Conditional;
                if changed {
                    let question = ignorant.questions.iter().any(|question| question.fact == *name);
                    assert!(question, "{}: removing {name} changes the answer, but it is not asked for", case.id);
                    asked += 1;
                }
            }
        }
    }
    assert!(asked > 200, "{asked} facts were asked for");
}

/// The engine decides each witness as the check claims.
#[test]
fn every_witness_is_decided_as_claimed() {
    let law = law();
    let report = rules::check(&law, &[]);
    let mut shown = [0; 4];
    for witness in &report.witnesses {
        let decision = rules::decide(&law, &witness.facts, Mode::WhatIf);
        let unit = &decision.units[0];
        let mut standing: Vec<&str> = unit.rules.iter().map(String::as_str).collect();
        standing.extend(unit.also.iter().map(|node| node.rule.as_str()));
        standing.extend(decision.silence.rules.iter().map(String::as_str));
        standing.extend(decision.challenges.iter().flat_map(|challenge| challenge.rules.iter()).map(String::as_str));
        match &witness.of {
            WitnessOf::Reached(rule) => {
                shown[0] += 1;
                // A challenge is considered only if data would be disclosed or counsel decides.
                let looked_at = law.rule(rule).is_some_and(|rule| rule.effect.topic() != rules::Topic::Challenge);
                assert!(!looked_at || standing.contains(&rule.as_str()), "{rule}: {standing:?}");
            }
            WitnessOf::Contradiction(one, two) => {
                shown[1] += 1;
                if law.rule(one).is_some_and(|rule| rule.effect.topic() == rules::Topic::Disclosure) {
                    assert_eq!(unit.outcome, Outcome::ReferCounsel, "{one} {two}");
                    assert!(standing.contains(&one.as_str()) && standing.contains(&two.as_str()), "{one} {two}");
                }
            }
            WitnessOf::Gap => {
                shown[2] += 1;
                assert_eq!(unit.outcome, Outcome::ReferCounsel);
                assert!(unit.reasons.iter().any(|reason| reason.contains("No rule covers this")), "{:?}", unit.reasons);
            }
            WitnessOf::Broken(id) => {
                shown[3] += 1;
                assert!(unit.outcome.discloses(), "{id}");
            }
        }
    }
    assert!(shown[0] >= law.rules().len() * 9 / 10, "{shown:?}");
}
