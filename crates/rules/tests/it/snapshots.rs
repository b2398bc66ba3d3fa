//! What people read, as files, so that a change of wording, proof tree or computation shows in the diff.
//! `UPDATE_SNAPSHOTS=1 cargo test -p rules` rewrites them.

use rules::{Decision, Mode};

use crate::demands::on;
use crate::support::{files, here, law};

fn hold(name: &str, decision: &Decision) {
    for (kind, text) in [("explain", rules::explain(decision)), ("show", rules::render_decision(decision))] {
        // The digest changes with every word of the law.
        let text: String =
            text.lines().filter(|line| !line.starts_with("law set ")).map(|l| format!("{l}\n")).collect();
        let wide = text.lines().find(|line| line.chars().count() > 100);
        assert_eq!(wide, None, "{name}.{kind} is at most 100 columns wide");
        let path = here("explain").join(format!("{name}.{kind}.txt"));
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == text, "{} differs; look at it and run again with UPDATE_SNAPSHOTS=1\n{text}", path.display());
    }
}

#[test]
fn the_story() {
    hold("warrant-2014", &on("examples/us-warrant.toml", "2014-08-01", Mode::WhatIf));
    hold("warrant-2016", &on("examples/us-warrant.toml", "2016-07-15", Mode::WhatIf));
    hold("warrant-2018", &on("examples/us-warrant.toml", "2018-03-24", Mode::WhatIf));
    hold("warrant-2026", &on("examples/us-warrant.toml", "2026-11-23", Mode::Service));
    hold("order-2026", &on("examples/ie-s75-order.toml", "2026-11-23", Mode::Service));
}

#[test]
fn questions_deadlines_and_silence() {
    let law = law();
    for case in rules::read_cases(&law, &files()).unwrap() {
        if ["S19", "S21", "S29", "S33", "S45", "holder-unknown"].contains(&case.id.as_str()) {
            hold(&case.id.to_lowercase(), &rules::decide(&law, &case.facts, case.mode));
        }
    }
}
