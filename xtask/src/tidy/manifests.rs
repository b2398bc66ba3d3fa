//! What a `Cargo.toml` says: the reading of manifests that other rules share, and the rule that every crate says
//! what it is in one line and takes version, edition, licence and lints from the workspace.

use crate::tidy::Findings;
use crate::tree::{File, Tree};

/// How a crate uses another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// In what is shipped, or in building it.
    Ships,
    /// In tests only.
    Tests,
}

/// The manifest of one crate of the workspace.
pub(crate) struct Manifest<'a> {
    pub(crate) file: &'a File,
    table: toml::Table,
}

impl<'a> Manifest<'a> {
    /// Every crate's manifest. The root's, and one that is not TOML (cargo says so itself), are left out.
    pub(crate) fn all(tree: &'a Tree) -> impl Iterator<Item = Self> {
        tree.files()
            .filter(|file| file.path.ends_with("/Cargo.toml"))
            .filter_map(|file| Some(Self { file, table: file.text.parse().ok()? }))
    }

    /// Every dependency by the name of its package, for every platform.
    pub(crate) fn dependencies(&self) -> Vec<(String, Use)> {
        let mut found = Vec::new();
        let mut tables = vec![&self.table];
        let platforms = self.table.get("target").and_then(toml::Value::as_table);
        tables.extend(platforms.into_iter().flat_map(toml::Table::values).filter_map(toml::Value::as_table));
        for table in tables {
            for (key, how) in
                [("dependencies", Use::Ships), ("build-dependencies", Use::Ships), ("dev-dependencies", Use::Tests)]
            {
                for (name, value) in table.get(key).and_then(toml::Value::as_table).into_iter().flatten() {
                    let package = value.get("package").and_then(toml::Value::as_str);
                    found.push((package.unwrap_or(name).to_owned(), how));
                }
            }
        }
        found
    }

    /// The line that names a dependency, for the message.
    pub(crate) fn line_of(&self, name: &str) -> usize {
        let names = |line: &str| line.starts_with(name) || line.contains(&format!("package = \"{name}\""));
        self.file.text.lines().position(names).map_or(0, |at| at + 1)
    }
}

/// What every crate takes from the workspace.
const INHERITED: [&str; 5] = ["version", "edition", "rust-version", "license", "publish"];

pub(crate) fn check(tree: &Tree, found: &mut Findings) {
    for manifest in Manifest::all(tree) {
        let file = manifest.file;
        let package = manifest.table.get("package").and_then(toml::Value::as_table);
        let text = |key: &str| package.and_then(|package| package.get(key)).and_then(toml::Value::as_str);
        if text("description").is_none_or(|description| description.trim().is_empty()) {
            found.at(file, 0, "no description: say in one line what this crate is");
        }
        for key in INHERITED {
            let inherits = package.and_then(|package| package.get(key)?.get("workspace")?.as_bool());
            if inherits != Some(true) {
                found.at(file, 0, format!("`{key}` does not come from the workspace (`{key}.workspace = true`)"));
            }
        }
        if manifest.table.get("lints").and_then(|lints| lints.get("workspace")?.as_bool()) != Some(true) {
            found.at(file, 0, "the workspace's lints do not apply (`[lints] workspace = true`)");
        }
        if let Some(room) = file.room()
            && text("name") != Some(room)
        {
            found.at(file, 0, format!("the crate in crates/{room} is called otherwise"));
        }
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, value) in manifest.table.get(kind).and_then(toml::Value::as_table).into_iter().flatten() {
                if value.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
                    let says =
                        format!("`{name}` has a version of its own: list it in the root and write `workspace = true`");
                    found.at(file, manifest.line_of(name), says);
                }
            }
        }
    }
}
