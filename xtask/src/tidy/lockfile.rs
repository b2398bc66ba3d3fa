//! Every crate of `Cargo.lock` is one of ours, or comes from crates.io with its checksum.

use crate::tidy::Findings;
use crate::tree::Tree;

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(crate) fn check(tree: &Tree, found: &mut Findings) {
    let Some(file) = tree.file("Cargo.lock") else {
        found.missing("Cargo.lock", 0, "there is none: the versions that were tested are not on record");
        return;
    };
    let Ok(lock) = file.text.parse::<toml::Table>() else {
        found.at(file, 0, "no TOML");
        return;
    };
    for package in lock.get("package").and_then(toml::Value::as_array).into_iter().flatten() {
        let text = |key: &str| package.get(key).and_then(toml::Value::as_str);
        let name = text("name").unwrap_or_default();
        let line = file.text.lines().position(|line| line == format!("name = \"{name}\"")).map_or(0, |at| at + 1);
        match text("source") {
            None => {
                let ours = |path: String| tree.file(&path).is_some();
                if !ours(format!("crates/{name}/Cargo.toml")) && !ours(format!("{name}/Cargo.toml")) {
                    found.at(file, line, format!("`{name}` has no source and is not one of our crates"));
                }
            }
            Some(CRATES_IO) if text("checksum").is_some() => {}
            Some(CRATES_IO) => found.at(file, line, format!("`{name}` has no checksum")),
            Some(source) => found.at(file, line, format!("`{name}` comes from {source}")),
        }
    }
}
