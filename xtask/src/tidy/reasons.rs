//! Every outside crate is explained in `docs/decisions/`, and at least one of our crates uses it.

use std::collections::BTreeSet;

use crate::markdown;
use crate::tidy::Findings;
use crate::tidy::manifests::Manifest;
use crate::tree::Tree;

pub(crate) fn check(tree: &Tree, found: &mut Findings) {
    let Some(root) = tree.file("Cargo.toml") else { return };
    let Ok(table) = root.text.parse::<toml::Table>() else { return };
    let listed = table.get("workspace").and_then(|workspace| workspace.get("dependencies")?.as_table());
    let explained: BTreeSet<&str> = tree
        .files()
        .filter(|file| file.path.starts_with("docs/decisions/"))
        .flat_map(|file| markdown::inline_code(&file.text))
        .map(|code| code.text)
        .collect();
    let used: BTreeSet<String> =
        Manifest::all(tree).flat_map(|manifest| manifest.dependencies()).map(|(name, _)| name).collect();
    for (name, _) in listed.into_iter().flatten().filter(|(_, value)| value.get("path").is_none()) {
        let line = root.text.lines().position(|line| line.starts_with(&format!("{name} "))).map_or(0, |at| at + 1);
        if !explained.contains(name.as_str()) {
            found.at(root, line, format!("no page of docs/decisions/ says why `{name}`"));
        }
        if !used.contains(name) {
            found.at(root, line, format!("no crate uses `{name}`"));
        }
    }
}
