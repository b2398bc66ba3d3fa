//! Which law set decides, how another comes into use, and what recorded cases make of it.

use desk::{CounselKey, LawChoice, LawFiles, rule_text, set_text};
use rules::LawSet;
use world::Fault;

use crate::house::{House, counsel, law_files};

/// The house's set with one more comment in a file: another digest, the same law.
fn newer() -> LawFiles {
    changed("us/silence.toml", |text| format!("{text}\n# read again\n"))
}

fn changed(file: &str, change: impl Fn(&str) -> String) -> LawFiles {
    let change =
        |(path, text): &(String, String)| (path.clone(), if path == file { change(text) } else { text.clone() });
    law_files().iter().map(change).collect()
}

fn signed(files: &LawFiles) -> String {
    counsel().sign_note(&set_text(LawSet::load(files).unwrap().digest())).unwrap()
}

#[test]
fn a_set_comes_into_use_by_counsels_signature_and_the_ledger() {
    let mut house = House::new();
    let (before, entries) = (house.desk().law_digest(), house.ledger_size());
    assert_eq!(house.desk().law_adopted_by(), None, "nobody signed the set that comes with the program");
    house.desk().adopt(&newer(), &signed(&newer())).unwrap();
    let after = LawSet::load(&newer()).unwrap().digest();
    assert_ne!(before, after);
    assert_eq!((house.desk().law_digest(), house.ledger_size()), (after, entries + 1));
    house.restart().unwrap();
    assert_eq!(house.desk().law_digest(), after);
    assert_eq!(house.desk().law_adopted_by().as_deref(), Some("counsel.example"));
    let kept = house.disk_list("law");
    for digest in [before, after] {
        assert!(kept.contains(&format!("{digest}.json")), "every set ever in use is kept: {kept:?}");
    }
}

#[test]
fn what_is_not_adopted() {
    let house = House::new();
    let (before, entries) = (house.desk().law_digest(), house.ledger_size());
    let stranger = CounselKey::from_seed("counsel.example", terms::Secret::new([8; 32])).unwrap();
    let digest = LawSet::load(&newer()).unwrap().digest();
    let failing =
        changed("ie/cases/s75-order.toml", |text| text.replace("outcome = \"COMPELLED\"", "outcome = \"PERMITTED\""));
    let broken = changed("us/silence.toml", |text| text.replace("effect = ", "effekt = "));
    let without: LawFiles = law_files().iter().filter(|(path, _)| !path.contains("cases/")).cloned().collect();
    assert_ne!(failing, *law_files());
    for (files, note, expected) in [
        (newer(), signed(law_files()), "the signature is not that of counsel.example"),
        (newer(), stranger.sign_note(&set_text(digest)).unwrap(), "the signature is not that of counsel.example"),
        (newer(), counsel().sign_note(&rule_text("us.warshak", digest)).unwrap(), "the signature is not that"),
        (newer(), String::new(), "the signature is not that"),
        (failing.clone(), signed(&failing), "outcome: expected PERMITTED, got COMPELLED"),
        (without.clone(), signed(&without), "only when it has cases"),
        (broken, signed(&newer()), "us/silence.toml:"),
    ] {
        let said = house.desk().adopt(&files, &note).unwrap_err().to_string();
        assert!(said.contains(expected), "expected `{expected}`, got: {said}");
    }
    assert_eq!((house.desk().law_digest(), house.ledger_size()), (before, entries), "nothing happened");
}

#[test]
fn while_the_ledger_takes_nothing_no_set_comes_into_use() {
    let mut house = House::new();
    let before = house.desk().law_digest();
    for how in [Fault::Failed, Fault::FailedButPersisted] {
        house.ledger.fail(Some(how));
        assert!(house.desk().adopt(&newer(), &signed(&newer())).is_err());
        assert_eq!(house.desk().law_digest(), before);
        house.ledger.fail(None);
        house.restart().unwrap();
        assert_eq!(house.desk().law_digest(), before);
    }
    house.desk().adopt(&newer(), &signed(&newer())).unwrap();
}

#[test]
fn a_rule_that_counsel_signed_supports_a_disclosure() {
    let mut house = House::new();
    let order = house.demand("ie-s75-order", &[("\"ie_s75_order\"", "\"ie_s63_order\"")]);
    let outcome = |house: &House, text: &str| {
        let case = house.serve(text);
        let explained = house.desk().explain(case).unwrap();
        let text = rules::explain(&explained.decision);
        assert!(text.contains("ie.1994.s63"), "{text}");
        explained.decision.outcome.as_str().to_owned()
    };
    assert_eq!(outcome(&house, &order), "REFER_COUNSEL");
    let law = LawSet::load(law_files()).unwrap();
    let note = |rule: &str, of: &str| counsel().sign_note(&rule_text(rule, law.rule(of).unwrap().digest())).unwrap();
    // The signature of one rule does not confirm another, nor an older one.
    assert!(house.desk().confirm(&note("ie.1994.s63", "us.warshak")).is_err());
    assert!(house.desk().confirm(&note("no.such.rule", "us.warshak")).is_err());
    let entries = house.ledger_size();
    house.desk().confirm(&note("ie.1994.s63", "ie.1994.s63")).unwrap();
    assert_eq!(house.ledger_size(), entries + 1);
    house.restart().unwrap();
    // The same demand, served again, is another case.
    assert_eq!(outcome(&house, &order), "COMPELLED");
}

#[test]
fn a_case_replays_under_the_law_of_its_day_and_shows_what_today_changes() {
    let house = House::new();
    let case = house.serve(&house.order());
    let replayed = house.desk().replay(case).unwrap();
    assert!(replayed.as_recorded && replayed.differs_from_record.is_empty(), "{:?}", replayed.differs_from_record);
    assert_eq!(replayed.difference, []);
    // A new set in which that rule was repealed before the demand came.
    let repealed: LawFiles = changed("ie/assistance.toml", |text| {
        let at = text.find("id = \"ie.2008.s75\"").unwrap();
        let (head, tail) = text.split_at(at);
        let end = tail.find("in_force = { from = ").unwrap();
        let (rule, rest) = tail.split_at(end);
        let line = rest.find(" }").unwrap();
        format!("{head}{rule}{}, to = 2019-12-31{}", &rest[..line], &rest[line..])
    })
    .into_iter()
    .filter(|(path, _)| !path.contains("cases/"))
    .collect();
    let old = LawChoice::Digest(house.desk().law_digest().to_string());
    let diff = house.desk().law_diff(&old, &LawChoice::Files(repealed)).unwrap();
    let [changed] = diff.cases.as_slice() else { panic!("{} cases", diff.cases.len()) };
    let (old_outcome, new_outcome) = (rules::Outcome::Compelled, rules::Outcome::ReferCounsel);
    let whole = rules::Difference::Outcome { old: old_outcome, new: new_outcome };
    assert_eq!(changed.difference[0], whole, "{:?}", changed.difference);
    let same = house.desk().law_diff(&old, &LawChoice::Files(newer())).unwrap();
    assert_eq!((same.cases.len(), same.recorded), (0, 1));
    // A set that this node never had.
    let never = LawChoice::Digest("0".repeat(64));
    assert!(house.desk().law_diff(&never, &old).unwrap_err().to_string().contains("never had"));
    assert!(house.desk().law_diff(&LawChoice::Digest("../../etc/passwd".to_owned()), &old).is_err());
    // The adopted set of another day is replayed from the archive.
    house.desk().adopt(&newer(), &signed(&newer())).unwrap();
    let replayed = house.desk().replay(case).unwrap();
    assert!(replayed.as_recorded);
    assert_ne!(replayed.law_of_the_day, replayed.law_today);
}
