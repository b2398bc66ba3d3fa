//! ARCHITECTURE.md draws the layers that the table holds: a map that is wrong is worse than none.

use crate::layers::{FOR_TESTS, LAYERS};
use crate::markdown;
use crate::tidy::Findings;
use crate::tree::Tree;

const MAP: &str = "ARCHITECTURE.md";

pub(crate) fn check(tree: &Tree, found: &mut Findings) {
    let Some(file) = tree.file(MAP) else {
        found.missing(MAP, 0, "there is no map");
        return;
    };
    // The drawing is the first block of which a line begins with a layer's number and a room of it.
    let blocks = markdown::blocks(&file.text);
    let drawn: Vec<(u8, Vec<&str>)> = blocks
        .iter()
        .map(|block| {
            let layer = |text: &str| text.split_whitespace().next().and_then(|word| word.parse().ok());
            block.lines.iter().filter_map(|line| Some((layer(line.text)?, words(line.text)))).collect::<Vec<_>>()
        })
        .find(|lines| lines.iter().any(|(layer, words)| rooms_of(*layer).iter().any(|room| words.contains(room))))
        .unwrap_or_default();
    let built: Vec<&str> = tree.rooms().collect();
    for room in built.iter().filter(|room| !FOR_TESTS.contains(room)) {
        let right = LAYERS.iter().find(|(_, rooms)| rooms.contains(room)).map(|(layer, _)| *layer);
        if !drawn.iter().any(|(layer, words)| Some(*layer) == right && words.contains(room)) {
            found.at(file, 0, format!("`{room}` is not drawn in its layer"));
        }
    }
    for room in &built {
        if !markdown::inline_code(&file.text).iter().any(|code| code.text == *room) {
            found.at(file, 0, format!("nothing is said of `{room}`"));
        }
    }
}

fn rooms_of(layer: u8) -> &'static [&'static str] {
    LAYERS.iter().find(|(found, _)| *found == layer).map_or(&[], |(_, rooms)| rooms)
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}
