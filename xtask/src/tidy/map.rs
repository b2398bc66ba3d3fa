//! ARCHITECTURE.md draws exactly the rooms that the table of layers has, each in its layer, and says something about
//! each one that is built: a map that is wrong is worse than none.

use crate::layers::{BESIDE, FOR_TESTS, LAYERS};
use crate::markdown::{self, Block};
use crate::tidy::Findings;
use crate::tree::Tree;

const MAP: &str = "ARCHITECTURE.md";

/// How the line of the rooms beside the layers begins.
const ASIDE: &str = "beside";

/// A room of the drawing.
#[derive(Debug)]
struct Drawn<'a> {
    /// None beside the layers.
    layer: Option<u8>,
    room: &'a str,
    /// Whether it is drawn without brackets.
    is_built: bool,
    line: usize,
}

pub(crate) fn check(tree: &Tree, found: &mut Findings) {
    let Some(file) = tree.file(MAP) else {
        found.missing(MAP, 0, "there is no map");
        return;
    };
    // The drawing is the first block that draws a room.
    let blocks = markdown::blocks(&file.text);
    let drawn = blocks.iter().map(drawn).find(|drawn| !drawn.is_empty()).unwrap_or_default();
    let built: Vec<&str> = tree.rooms().collect();
    for (layer, room) in table() {
        if !drawn.iter().any(|drawn| (drawn.layer, drawn.room) == (layer, room)) {
            found.at(file, 0, format!("`{room}` is not drawn in its layer"));
        }
    }
    for Drawn { layer, room, is_built, line } in &drawn {
        if !table().any(|right| right == (*layer, *room)) {
            found.at(file, *line, format!("`{room}` belongs elsewhere: see xtask/src/layers.rs"));
        }
        if *is_built != built.contains(room) {
            found.at(file, *line, format!("`{room}`: what is not built stands in brackets, what is built does not"));
        }
    }
    for room in &built {
        if !markdown::inline_code(&file.text).iter().any(|code| code.text == *room) {
            found.at(file, 0, format!("nothing is said of `{room}`"));
        }
        if !FOR_TESTS.contains(room) && !table().any(|(_, right)| right == *room) {
            found.at(file, 0, format!("`{room}` has no place in the table of layers"));
        }
    }
}

/// Every room that has a place, with its layer.
fn table() -> impl Iterator<Item = (Option<u8>, &'static str)> {
    let layers = LAYERS.iter().flat_map(|(layer, rooms)| rooms.iter().map(|room| (Some(*layer), *room)));
    layers.chain(BESIDE.iter().map(|beside| (None, beside.room)))
}

/// The rooms of a block. Its lines have columns, with two spaces and more between; a column is rooms if each of its
/// words is one. What follows the rooms is what they are.
fn drawn<'a>(block: &Block<'a>) -> Vec<Drawn<'a>> {
    let mut found = Vec::new();
    for line in &block.lines {
        let mut columns = line.text.split("  ").map(str::trim).filter(|column| !column.is_empty());
        let layer = match columns.next() {
            Some(ASIDE) => None,
            Some(number) => match number.parse() {
                Ok(number) => Some(number),
                Err(_) => continue,
            },
            None => continue,
        };
        for column in columns {
            let bare = |word: &'a str| word.trim_matches(['(', ')']);
            if !column.split_whitespace().all(|word| table().any(|(_, room)| room == bare(word))) {
                break;
            }
            let rooms = column.split_whitespace();
            found.extend(rooms.map(|word| Drawn {
                layer,
                room: bare(word),
                is_built: word == bare(word),
                line: line.line,
            }));
        }
    }
    found
}
