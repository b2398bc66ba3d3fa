//! No module is named for being shared: a heap called `util` grows, a noun does not.

use crate::rust::{self, Kind};
use crate::tidy::Findings;
use crate::tree::Tree;

const HEAPS: [&str; 8] = ["common", "util", "utils", "helper", "helpers", "misc", "shared", "stuff"];

pub(crate) fn check(tree: &Tree, found: &mut Findings) {
    for file in tree.files().filter(|file| file.has_extension("rs") && !file.is_case()) {
        let stem = file.path.trim_end_matches(".rs");
        if let Some(heap) = stem.split('/').find(|part| HEAPS.contains(part)) {
            found.at(file, 0, format!("`{heap}` names no thing: call the module after the one noun in it"));
        }
        let tokens: Vec<_> = rust::tokens(&file.text).into_iter().filter(|token| token.kind != Kind::Comment).collect();
        for pair in tokens.windows(2) {
            if let [keyword, name] = pair
                && keyword.text == "mod"
                && HEAPS.contains(&name.text)
            {
                found.at(file, name.line, format!("`{}` names no thing: call it after the one noun in it", name.text));
            }
        }
    }
}
