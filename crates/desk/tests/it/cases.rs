//! What becomes of a demand: one file in `tests/cases` each, and one check.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::house::{House, days, json, told};

/// A case file: a demand of `law/examples` with changes, and what becomes of it.
struct Sheet(toml::Table);

impl Sheet {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(|value| value.as_str())
    }

    fn texts(&self, name: &str) -> Vec<&str> {
        let list = self.0.get(name).and_then(|value| value.as_array());
        list.into_iter().flatten().map(|value| value.as_str().unwrap()).collect()
    }

    fn replace(&self) -> Vec<(&str, &str)> {
        let list = self.0.get("replace").and_then(|value| value.as_array());
        list.into_iter().flatten().map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap())).collect()
    }
}

fn check(file: &Path) {
    let name = file.file_name().unwrap().to_str().unwrap();
    let sheet = Sheet(std::fs::read_to_string(file).unwrap().parse().unwrap());
    let house = House::new();
    house.deliver_spring();
    let case = house.serve(&house.demand(sheet.text("demand").unwrap(), &sheet.replace()));
    let data = house.data(case);
    assert_eq!(data["outcome"], sheet.text("outcome").unwrap(), "{name}: {:#}", data["decision"]["units"]);
    assert_eq!(data["held"], sheet.0["held"].as_bool().unwrap(), "{name}");
    let says = |what: &str, text: &str, key: &str| {
        for words in sheet.texts(key) {
            assert!(text.contains(words), "{name}: {what} does not say `{words}`:\n{text}");
        }
    };
    says("the next action", &json(&house.next(case)), "next");

    // A letter, where the sheet wants it before the package.
    let letter = || match (house.desk().refuse(case), sheet.text("refuse")) {
        (Ok(letter), None) => {
            says("the letter", &letter.letter, "letter");
            assert_eq!(house.desk().refuse(case).unwrap().letter, letter.letter, "{name}: asked again, it is the same");
        }
        (Err(error), Some(words)) => assert!(told(&error).contains(words), "{name}: {error}"),
        (Ok(letter), Some(_)) => panic!("{name}: a letter is written:\n{}", letter.letter),
        (Err(error), None) => panic!("{name}: no letter is written: {error}"),
    };
    let letter_first = sheet.0.get("letter_first").is_some_and(|first| first.as_bool().unwrap());
    if letter_first {
        letter();
    }
    match sheet.text("approve") {
        Some(words) => {
            let before = house.ledger_size();
            let error = told(&house.approve(case, "niamh").unwrap_err());
            assert!(error.contains(words), "{name}: {error}");
            house.desk().collect(case).unwrap_err();
            assert_eq!(house.ledger_size(), before, "{name}");
        }
        None => {
            house.approve_twice(case);
            let package = house.collect(case);
            let categories: BTreeSet<&str> =
                package.items["scope"]["categories"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            assert_eq!(categories, sheet.texts("categories").into_iter().collect(), "{name}");
            let last_day = sheet.0.get("last_day").map_or(30, |day| day.as_integer().unwrap());
            let mail = if categories.contains("content") { days(0, last_day) } else { Vec::new() };
            assert_eq!(package.messages(), mail, "{name}");
        }
    }
    if !letter_first {
        letter();
    }
    says("the last word", &json(&house.next(case)), "last");
    house.events(case);
}

#[test]
fn what_becomes_of_a_demand() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 8);
    for file in files {
        check(&file);
    }
}
