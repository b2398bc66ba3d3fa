//! What people read of `ledger verify` and `package verify`.

use std::fmt::Write;

use operations::verify::{LedgerVerified, PackageVerified};

pub(crate) fn ledger(verified: &LedgerVerified) -> String {
    let given = if verified.key_given { "as given" } else { "from the folder: compare it with the published one" };
    let mut text = format!("origin     {}\nkey        {} ({given})\n", verified.origin, verified.key);
    for earlier in &verified.earlier_keys {
        let _ =
            writeln!(text, "before     {} until entry {}, change signed with both keys", earlier.key, earlier.until);
    }
    let _ = write!(
        text,
        "entries    {}, every one read\nroot       {}, computed from the entries and signed in the checkpoint\nfiles      {} \
         tiles and bundles, all in agreement\nwitnesses  ourselves only: compare the root with others who read it",
        verified.entries, verified.root, verified.files
    );
    if let Some(since) = &verified.since {
        let _ = write!(
            text,
            "\nsince      begins with the {} entries that {} signed",
            since.entries,
            since.checkpoint.display()
        );
    }
    if !verified.key_given {
        text.push_str(
            "\nThe key was taken from the directory itself; name the home's published key with --vkey to be sure.",
        );
    }
    text
}

pub(crate) fn package(verified: &PackageVerified) -> String {
    let mut text = String::new();
    for check in &verified.checks {
        let mark = if check.passed { "ok  " } else { "FAIL" };
        let _ = writeln!(text, "{mark}  {:<12} {}", check.name, check.finding);
    }
    let (failed, all) = (verified.checks.iter().filter(|check| !check.passed).count(), verified.checks.len());
    let _ = match failed {
        0 => write!(text, "The package is sound: {all} checks passed."),
        _ => write!(text, "DO NOT RELY ON THIS PACKAGE: {failed} of {all} checks failed."),
    };
    text
}
