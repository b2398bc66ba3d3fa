//! Real mail goes in and comes out: the whole corpus beside the checkout, by the program, byte for byte, none lost.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::{Demo, corpus, files};

/// How often each content occurs among the files that `keep` keeps.
fn contents(dir: &Path, keep: impl Fn(&Path) -> bool) -> BTreeMap<Vec<u8>, usize> {
    let mut found = BTreeMap::new();
    for path in files(dir).into_iter().filter(|path| keep(path)) {
        *found.entry(std::fs::read(path).unwrap()).or_default() += 1;
    }
    found
}

#[test]
fn the_corpus_comes_back_as_it_went_in() {
    let Some(corpus) = corpus() else {
        println!("skipped: the corpus is not beside the checkout");
        return;
    };
    let scratch = tempfile::tempdir().unwrap();
    let demo = Demo::start(&scratch.path().join("demo"), &[]);
    let password = "an archivist's password";
    demo.ask("IE", &["account", "add", "archive@ie.example"], password).unwrap();
    let source = contents(&corpus, |_| true);
    let total: usize = source.values().sum();
    let import = || {
        let args = ["import", "--account", "archive@ie.example", corpus.to_str().unwrap()];
        demo.ask("IE", &args, "").unwrap()
    };
    let first = import();
    assert_eq!(first["failed"], 0, "{first}");
    assert_eq!(first["imported"], total, "{first}");
    let again = import();
    assert_eq!(
        (&again["imported"], &again["already_in"]),
        (&0.into(), &total.into()),
        "a second run brings nothing twice"
    );

    let target = scratch.path().join("export");
    let args = ["export", "--account", "archive@ie.example", target.to_str().unwrap()];
    let wrong = demo.ask("IE", &args, "not the password").unwrap_err();
    assert!(wrong.contains("password"), "{wrong}");
    let exported = demo.ask("IE", &args, password).unwrap();
    assert_eq!(exported["exported"], total, "{exported}");
    let back = contents(&target, |path| path.extension().is_some_and(|ending| ending == "eml"));
    assert!(back == source, "{} different contents went in, {} came back", source.len(), back.len());
    assert!(demo.interrupt().success());
}
