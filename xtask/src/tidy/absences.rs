//! What a room must not touch: the fences of `xtask/src/layers.rs` against what each shipped file says.

use crate::layers::{Around, FENCES, Fence};
use crate::rust::{self, Spoken};
use crate::tidy::Findings;
use crate::tree::Tree;

pub(crate) fn check(tree: &Tree, found: &mut Findings) {
    for file in tree.files().filter(|file| file.is_program_source()) {
        let Some(room) = file.room() else { continue };
        let tokens = rust::tokens(&file.text);
        let spoken = rust::spoken_paths(&tokens);
        for fence in FENCES.iter().filter(|fence| fence.encloses(room, &file.path)) {
            for path in &spoken {
                if let Some(name) = fence.names.iter().find(|name| speaks(path, name)) {
                    found.at(file, path.line, format!("`{name}` in `{room}`: {}", fence.why));
                }
            }
        }
    }
}

impl Fence {
    fn encloses(&self, room: &str, path: &str) -> bool {
        match self.around {
            Around::Rooms(rooms) => rooms.contains(&room),
            Around::AllBut(rooms) => !rooms.contains(&room),
            Around::AllButFiles(paths) => !paths.iter().any(|start| path.starts_with(start)),
        }
    }
}

/// Whether a path in the code goes through a forbidden one: a macro by its last word and its `!`, a type wherever its
/// name occurs, anything else (a module, a crate) at the head of a longer path.
fn speaks(path: &Spoken, name: &str) -> bool {
    let Spoken { segments, bang, .. } = path;
    if let Some(name) = name.strip_suffix('!') {
        return *bang && segments.last().is_some_and(|segment| segment == name);
    }
    let wanted: Vec<&str> = name.split("::").collect();
    match wanted[..] {
        [name] if name.starts_with(char::is_uppercase) => segments.iter().any(|segment| segment == name),
        [name] => segments.len() > 1 && segments[0] == name,
        _ => segments.len() >= wanted.len() && segments.iter().zip(&wanted).all(|(segment, wanted)| segment == wanted),
    }
}
