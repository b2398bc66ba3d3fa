//! Law files with an error: each is rejected with file, line, rule and what to do, and nothing is loaded. A case is a
//! file under `tests/bad`: a law file whose first line says what the error must contain.

use rules::LawSet;

use crate::support::{files, here};

#[test]
fn every_error_is_reported() {
    let mut checked = 0;
    let mut paths: Vec<_> = std::fs::read_dir(here("bad")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let expected = text.lines().next().unwrap().trim_start_matches("# ").to_owned();
        let mut set = files();
        // A promise of the house has its file's own name; every other file is one of rules.
        let promise = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("invariant"));
        set.push((if promise { "zz/invariants.toml" } else { "zz/bad.toml" }.to_owned(), text));
        let said = match LawSet::load(&set) {
            Ok(_) => "it was loaded".to_owned(),
            Err(errors) => errors.to_string(),
        };
        assert!(said.contains(&expected), "{}: expected `{expected}`, got:\n{said}", path.display());
        checked += 1;
    }
    assert!(checked >= 18, "case files are missing");
}

#[test]
fn a_vocabulary_must_have_the_words_the_engine_needs() {
    let without: Vec<_> = files()
        .into_iter()
        .map(|(path, text)| (path, text.replace("name = \"copy_stored\"", "name = \"copy_stored_in\"")))
        .collect();
    let said = LawSet::load(&without).unwrap_err().to_string();
    assert!(said.contains("the engine requires a fact `copy_stored` of type places"), "{said}");
    let none: [(&str, &str); 0] = [];
    assert!(LawSet::load(&none).unwrap_err().to_string().contains("exactly one vocabulary.toml"));
}

#[test]
fn a_day_is_computed_from_a_day_and_months() {
    for (good, bad) in [
        ("from = \"order_made\", months = 3", "from = \"offence_serious\", months = 3"),
        ("months = \"silence_months\"", "months = \"silence_source\""),
        ("months = \"silence_months\"", "months = \"silence_month\""),
    ] {
        let mangle = |text: String| {
            assert!(!text.contains("[[fact]]") || text.contains(good), "the vocabulary says `{good}`");
            text.replace(good, bad)
        };
        let files: Vec<_> = files().into_iter().map(|(path, text)| (path, mangle(text))).collect();
        let said = LawSet::load(&files).unwrap_err().to_string();
        assert!(said.contains("computed requires a day, from another day and a number of months"), "{said}");
    }
}

#[test]
fn a_mangled_law_never_panics() {
    // Every law file cut at many places: it loads or it is refused.
    for (path, text) in files().iter().filter(|(path, _)| !path.contains("cases/")) {
        for cut in (0..text.len()).step_by(997).filter(|cut| text.is_char_boundary(*cut)) {
            let mut set: Vec<_> =
                files().into_iter().filter(|(name, _)| name != path && !name.contains("cases/")).collect();
            set.push((path.clone(), text[..cut].to_owned()));
            let _ = LawSet::load(&set).map(|law| law.digest());
        }
    }
}

/// What the check must report, or must not: a case is a file under `tests/check` that is added to the law, with the
/// expectation in its first line.
#[test]
fn every_finding_is_reported() {
    let mut checked = 0;
    let mut paths: Vec<_> = std::fs::read_dir(here("check")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let first = text.lines().next().unwrap().trim_start_matches("# ").to_owned();
        let mut set = files();
        set.push(("zz/more.toml".to_owned(), text));
        let law = LawSet::load(&set).unwrap_or_else(|errors| panic!("{}: {errors}", path.display()));
        let report = rules::check(&law, &rules::read_cases(&law, &set).unwrap());
        let said = report.to_string();
        match first.strip_prefix("not: ") {
            Some(unwanted) => assert!(!said.contains(unwanted), "{}: `{unwanted}` in:\n{said}", path.display()),
            None => {
                assert!(said.contains(&first), "{}: expected `{first}`, got:\n{said}", path.display());
                assert!(!report.passes(), "{}: it must not be adopted", path.display());
            }
        }
        checked += 1;
    }
    assert!(checked >= 8, "case files are missing");
}
