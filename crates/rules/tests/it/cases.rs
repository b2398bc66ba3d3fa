//! Every case under `law/**/cases`, and what the check finds.

use crate::support::{files, law};

#[test]
fn every_case_decides_as_expected_and_every_rule_has_one() {
    let law = law();
    let cases = rules::read_cases(&law, &files()).unwrap_or_else(|errors| panic!("{errors}"));
    let report = rules::check(&law, &cases);
    assert!(report.passes(), "{report}");
    assert!(cases.len() >= 100, "cases are only added");
}
