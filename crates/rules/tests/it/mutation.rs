//! A rule that can be removed, or whose dates can be moved, without a failing case is not covered by the cases.

use std::collections::BTreeSet;

use rules::{Change, LawSet, Unheld};

use crate::support::{files, here};

type Files = Vec<(String, String)>;

/// Whether the set still loads and every case still passes.
fn unnoticed(files: &Files) -> bool {
    let Ok(law) = LawSet::load(files) else { return false };
    let Ok(cases) = rules::read_cases(&law, files) else { return false };
    rules::check(&law, &cases).cases.iter().all(|case| case.failures.is_empty())
}

/// The files with one law file changed.
fn changed(files: &Files, path: &str, change: impl FnOnce(&mut toml::Table)) -> Files {
    let mut files = files.clone();
    let (_, text) = files.iter_mut().find(|(name, _)| name == path).unwrap();
    let mut table: toml::Table = text.parse().unwrap();
    change(&mut table);
    *text = toml::to_string(&table).unwrap();
    files
}

fn rules_in(table: &toml::Table) -> Vec<toml::Table> {
    let rules = table.get("rule").and_then(toml::Value::as_array);
    rules.into_iter().flatten().map(|rule| rule.as_table().unwrap().clone()).collect()
}

/// Every rule: (file, position, table).
fn every_rule(files: &Files) -> Vec<(String, usize, toml::Table)> {
    let decide =
        |path: &str| !path.contains("cases/") && !path.starts_with("calendars") && !path.starts_with("examples");
    files
        .iter()
        .filter(|(path, _)| decide(path) && path != "vocabulary.toml")
        .flat_map(|(path, text)| {
            let rules = rules_in(&text.parse().unwrap());
            rules.into_iter().enumerate().map(|(at, rule)| (path.clone(), at, rule)).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn a_rule_removed_from_its_file_makes_a_case_fail() {
    let files = files();
    let mut unheld = BTreeSet::new();
    // A sample by way of the files; all of them, in memory, are in the test below.
    for (path, at, rule) in every_rule(&files).into_iter().step_by(17) {
        let id = rule["id"].as_str().unwrap().to_owned();
        let gone = changed(&files, &path, |table| {
            table.get_mut("rule").unwrap().as_array_mut().unwrap().remove(at);
        });
        // Others may name it in what they override.
        let gone: Files = gone
            .into_iter()
            .map(|(path, text)| {
                let named = format!("\"{id}\"");
                let lines = text.lines().map(|line| {
                    if line.starts_with("overrides") || line.starts_with("conflicts_with") {
                        line.replace(&format!("{named}, "), "").replace(&format!(", {named}"), "").replace(&named, "")
                    } else {
                        line.to_owned()
                    }
                });
                let text = lines.collect::<Vec<_>>().join("\n");
                (path, text)
            })
            .collect();
        assert!(LawSet::load(&gone).is_ok(), "{id}: {}", LawSet::load(&gone).unwrap_err());
        if unnoticed(&gone) {
            unheld.insert(id);
        }
    }
    assert_eq!(unheld, BTreeSet::new(), "no case fails without these");
}

/// Changes that no case catches yet. The list may only get shorter.
const DAYS_NOT_HELD: &str = "tests/it/days-not-held.txt";

#[test]
fn removed_rules_and_moved_dates_make_a_case_fail() {
    let files = files();
    let law = LawSet::load(&files).unwrap();
    let cases = rules::read_cases(&law, &files).unwrap();
    let mut unheld = rules::unheld(&law, &cases);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        // As `bailiwick law days --write` does; what is left is for a person.
        for (path, text) in rules::proposed_cases(&law, &cases, &unheld).files {
            std::fs::write(here("../../../law").join(path), text).unwrap();
        }
        let files = crate::support::files();
        unheld = rules::unheld(&law, &rules::read_cases(&law, &files).unwrap());
    }
    let unheld: BTreeSet<String> = unheld.iter().map(ToString::to_string).collect();
    let known = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(DAYS_NOT_HELD);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        let lines: Vec<_> = unheld.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(&known, lines.concat()).unwrap();
    }
    let known = std::fs::read_to_string(known).unwrap_or_default();
    let known: BTreeSet<String> = known.lines().map(str::to_owned).collect();
    let new: Vec<_> = unheld.difference(&known).collect();
    assert!(new.is_empty(), "no case catches these; `bailiwick law days` proposes some: {new:#?}");
}

/// Changes made to the loaded set equal those of an edited file.
#[test]
fn a_change_in_memory_equals_a_change_of_the_file() {
    let files = files();
    let law = LawSet::load(&files).unwrap();
    let cases = rules::read_cases(&law, &files).unwrap();
    let in_memory = rules::unheld(&law, &cases);
    // A sample, by way of the files.
    for (path, at, rule) in every_rule(&files).into_iter().step_by(23) {
        let id = rule["id"].as_str().unwrap().to_owned();
        let force = rule["in_force"].as_table().unwrap();
        for (end, later) in [("from", true), ("from", false), ("to", true), ("to", false)] {
            let Some(day) = force.get(end).map(|day| day.to_string().parse::<rules::Day>().unwrap()) else { continue };
            let by = if later { 1 } else { -1 };
            let moved = changed(&files, &path, |table| {
                let rule = table.get_mut("rule").unwrap().as_array_mut().unwrap()[at].as_table_mut().unwrap();
                let force = rule.get_mut("in_force").unwrap().as_table_mut().unwrap();
                force.insert(end.into(), toml::Value::Datetime(day.plus_days(by).to_string().parse().unwrap()));
            });
            let change = if end == "from" { Change::First(later) } else { Change::Last(later) };
            let expected = in_memory.contains(&Unheld { rule: id.clone(), change });
            assert_eq!(unnoticed(&moved), expected, "{id} {end} {by:+}");
        }
    }
}
