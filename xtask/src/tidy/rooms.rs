//! A room uses rooms of lower layers only; tests may use the test world, too. Who may use which outside crate is a
//! table as well.

use crate::layers::{self, Beside, FOR_TESTS, KEPT, NEIGHBOURS};
use crate::tidy::Findings;
use crate::tidy::manifests::{Manifest, Use};
use crate::tree::Tree;

pub(crate) fn check(tree: &Tree, found: &mut Findings) {
    let rooms: Vec<&str> = tree.rooms().collect();
    for manifest in Manifest::all(tree) {
        let Some(room) = manifest.file.room() else { continue };
        let for_tests = FOR_TESTS.contains(&room);
        if !for_tests && layers::layer(room).is_none() && beside(room).is_none() {
            found.at(manifest.file, 0, format!("`{room}` has no place in xtask/src/layers.rs"));
        }
        for (used, how) in manifest.dependencies() {
            let line = manifest.line_of(&used);
            if rooms.contains(&used.as_str()) || layers::layer(&used).is_some() {
                if !for_tests && !may_use(room, &used, how) {
                    found.at(manifest.file, line, complaint(room, &used));
                }
            } else if how == Use::Ships
                && let Some(kept) = KEPT.iter().find(|kept| kept.crates.iter().any(|name| fits(name, &used)))
                && !kept.rooms.contains(&room)
            {
                found.at(manifest.file, line, format!("`{used}` is not for `{room}`: {}", kept.why));
            }
        }
    }
}

fn may_use(room: &str, used: &str, how: Use) -> bool {
    if let Some(beside) = beside(room) {
        return beside.uses.contains(&used) || (how == Use::Tests && FOR_TESTS.contains(&used));
    }
    if let Some(beside) = beside(used) {
        return beside.used_by.contains(&room) || how == Use::Tests;
    }
    let lower = layers::layer(used) < layers::layer(room) && layers::layer(used).is_some();
    let neighbour = NEIGHBOURS.iter().any(|(user, of, _)| *user == room && *of == used);
    lower || neighbour || (how == Use::Tests && FOR_TESTS.contains(&used))
}

fn beside(room: &str) -> Option<&'static Beside> {
    layers::BESIDE.iter().find(|beside| beside.room == room)
}

fn complaint(room: &str, used: &str) -> String {
    let place = |room: &str| match layers::layer(room) {
        Some(layer) => format!("`{room}` ({layer})"),
        None if beside(room).is_some() => format!("`{room}` (beside)"),
        None => format!("`{room}` (tests only)"),
    };
    let why = beside(used).map_or("a room uses rooms of lower layers only", |beside| beside.why);
    format!("{} must not use {}: {why}", place(room), place(used))
}

/// Whether the table's name means this crate.
fn fits(name: &str, used: &str) -> bool {
    if name.ends_with('-') { used.starts_with(name) } else { used == name }
}
