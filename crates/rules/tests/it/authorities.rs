//! Authorities of routes, and the lists of what a set leaves open.

use rules::LawSet;

use crate::support::{files, law};

fn with(change: impl Fn(&str) -> String) -> Result<LawSet, rules::LawErrors> {
    let files: Vec<_> = files()
        .into_iter()
        .map(|(path, text)| if path == "authorities.toml" { (path, change(&text)) } else { (path, text) })
        .collect();
    LawSet::load(&files)
}

#[test]
fn a_route_says_whom_to_ask() {
    let law = law();
    let text = |id: &str| law.routes().iter().find(|route| route.id == id).unwrap().text.clone();
    assert!(text("ie.mlat.s75").contains("51 St. Stephen's Green, Dublin 2"), "{}", text("ie.mlat.s75"));
    assert!(text("ie.mlat.s75").contains("read 2026-12-01 in a secondary source"), "{}", text("ie.mlat.s75"));
    assert!(text("ie.domestic").contains("its address is in the operator's directory"), "{}", text("ie.domestic"));
    assert!(!text("later_demand").contains("Competent authority"), "{}", text("later_demand"));
}

#[test]
fn an_address_is_never_guessed() {
    let without = with(|text| text.replace("address = \"Bundesrain 20, 3003 Bern, Switzerland\"\n", "")).unwrap();
    let route = without.routes().iter().find(|route| route.id == "ch.mlat").unwrap();
    assert!(route.text.ends_with("its address is in the operator's directory."), "{}", route.text);
    for (old, new, said) in [
        ("routes = [\"ch.mlat\"]", "routes = []", "needs `routes`"),
        ("routes = [\"ch.mlat\"]", "routes = [\"ch.post\"]", "names the route `ch.post`, which does not exist"),
        ("id = \"ch.foj\"", "id = \"de.bfj\"", "duplicate authority `de.bfj`"),
        ("address = \"Bundesrain 20, 3003 Bern, Switzerland\"", "address = \" \"", "leave `address` out"),
        ("address = \"Bundesrain 20, 3003 Bern, Switzerland\"", "adress = \"Bern\"", "unknown field `adress`"),
    ] {
        let errors = with(|text| {
            assert!(text.contains(old), "{old}");
            text.replace(old, new)
        });
        let errors = errors.unwrap_err().to_string();
        assert!(errors.contains(said), "{new}: {errors}");
    }
}

#[test]
fn what_a_set_leaves_open_is_listed() {
    let law = with(|text| text.replace("routes = [\"ch.mlat\"]", "routes = [\"ch.domestic\"]")).unwrap();
    let report = rules::check(&law, &[]);
    let lists = |findings: &[rules::Finding], place: &str, what: &str| {
        findings.iter().any(|finding| finding.place == place && finding.what.contains(what))
    };
    assert!(lists(&report.remarks, "authorities.toml", "`ch.mlat` names no authority"));
    assert!(!lists(&report.remarks, "authorities.toml", "`ie.mlat.s75`"));
    let home = |finding: &rules::Finding| finding.what.contains("runs in the calendar of the home");
    assert!(report.remarks.iter().any(|finding| home(finding) && finding.what.contains("house.stated_deadline")));
    assert!(!report.remarks.iter().any(|finding| home(finding) && finding.what.contains("de.owner.month")));
    assert!(lists(&report.unanswered, "DE", "interception: only the provider's own rule house.counsel"));
    assert!(!report.unanswered.iter().any(|finding| finding.what.starts_with("bestandsdaten")));
    let silent: Vec<_> = files()
        .into_iter()
        .map(|(path, text)| {
            let text = text.replace("instrument = \"de_tax_request\"", "instrument = \"ch_intelligence\"");
            (path, text)
        })
        .collect();
    let unanswered = rules::check(&LawSet::load(&silent).unwrap(), &[]).unanswered;
    assert!(lists(&unanswered, "DE", "de_tax_request: no rule in force names it for this home"));
}
