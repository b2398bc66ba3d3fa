//! At most one binary of integration tests for a crate, `tests/it`: each one links the crate and all its dependencies
//! again, and linking is most of what a build of the tests costs.

use std::collections::BTreeMap;

use crate::tidy::Findings;
use crate::tree::Tree;

pub(crate) fn check(tree: &Tree, found: &mut Findings) {
    let mut binaries: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for file in tree.files().filter(|file| !file.is_case()) {
        let parts: Vec<&str> = file.path.split('/').collect();
        let name = match parts[..] {
            ["crates", _, "tests", name] => name.strip_suffix(".rs"),
            ["crates", _, "tests", name, "main.rs"] => Some(name),
            _ => None,
        };
        if let Some(name) = name {
            binaries.entry(parts[..2].join("/")).or_default().push(name);
        }
    }
    for (room, names) in binaries {
        if names[..] != ["it"] {
            let says =
                format!("tests/{{{}}}: one binary, `tests/it/main.rs`, with a module for each", names.join(", "));
            found.missing(&format!("{room}/Cargo.toml"), 0, says);
        }
    }
}
