//! Every case under `law/**/cases`, and what the check finds.

use rules::{Facts, Mode, Outcome};

use crate::support::{files, law};

#[test]
fn every_case_decides_as_expected_and_every_rule_has_one() {
    let law = law();
    let cases = rules::read_cases(&law, &files()).unwrap_or_else(|errors| panic!("{errors}"));
    let report = rules::check(&law, &cases);
    assert!(report.passes(), "{report}");
    assert!(cases.len() >= 100, "cases are only added");
}

/// Forgets one fact of one map.
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
fn forgetting_any_fact_of_any_case_never_makes_another_answer() {
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
                    assert!(question, "{}: forgetting {name} changes the answer and is not asked for", case.id);
                    asked += 1;
                }
            }
        }
    }
    assert!(asked > 200, "{asked} facts were asked for");
}
