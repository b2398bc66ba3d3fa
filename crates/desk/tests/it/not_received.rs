//! Demands that are not accepted at all: no case is opened, and nothing is recorded.

use crate::house::House;

fn check(what: &str, replace: &[(&str, &str)], says: &str) {
    let house = House::new();
    let text = house.demand("ie-s75-order", replace);
    let error = house.desk().serve(&text).unwrap_err().to_string();
    assert!(error.contains(says), "{what}: {error}");
    house.desk().what_if(&text, None).unwrap_err();
    assert_eq!(house.ledger_size(), 0, "{what}");
    assert_eq!(house.files("cases"), Vec::<String>::new(), "{what}");
}

#[test]
fn a_demand_that_no_package_could_answer_is_not_accepted() {
    let account = r#"accounts = ["aoife@ie.example"]"#;
    check("names nobody", &[(account, "accounts = []")], "accounts");
    check("no address", &[(account, r#"accounts = ["aoife"]"#)], "line 8");
    check("no reference", &[("\"DMD-2026-0117\"", "\" \"")], "reference");
    check("a reference of two lines", &[("\"DMD-2026-0117\"", "\"a\\nb\"")], "reference");
    check(
        "no authority",
        &[("\"An Garda Síochána, on an order of the District Court, Dublin Metropolitan District\"", "\"\"")],
        "authority",
    );
    check("no key", &[("age1", "age2")], "age_recipient");
    check("an unknown item", &[(r#"items = ["content"]"#, r#"items = ["everything"]"#)], "everything");
    check("an unknown field", &[("[asks]", "[asks]\nhaste = true")], "haste");
    check("dates in the wrong order", &[("until = 2026-03-31", "until = 2026-02-01")], "asks.until");
}
