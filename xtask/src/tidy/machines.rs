//! Nothing in the tree depends on the machine it was written on: no path into someone's home, no registry but the
//! public one.

use crate::tidy::Findings;
use crate::tree::{File, Tree};

/// Beginnings of paths that exist on one machine only.
const PLACES: [&str; 5] = ["/work/", "/root/", "/home/", "/Users/", "/tmp/bash_jobs"];

/// Words that point cargo, pip or npm at a private registry.
const REGISTRIES: [&str; 7] =
    ["[source.", "[registries", "replace-with", "index-url", "INDEX_URL", "sparse+http", "GOPROXY"];

/// Sample mail and captured bytes may hold any path; these kinds of files are ours.
const OURS: [&str; 12] = ["rs", "toml", "md", "sh", "py", "html", "css", "js", "json", "yaml", "yml", "lock"];

/// The rule's own words, and the one file whose business is the lists above.
const ABOUT_THIS: &str = "xtask/src/tidy/machines.rs";

pub(crate) fn check(tree: &Tree, found: &mut Findings) {
    for file in tree.files().filter(|file| is_ours(file)) {
        for (offset, line) in file.text.lines().enumerate() {
            for place in PLACES.iter().filter(|place| begins_in(line, place)) {
                found.at(file, offset + 1, format!("`{place}` exists on one machine only"));
            }
            for word in REGISTRIES.iter().filter(|word| line.contains(**word)) {
                found.at(file, offset + 1, format!("`{word}` chooses a registry: that is up to the person who builds"));
            }
        }
    }
}

fn is_ours(file: &File) -> bool {
    let plain = !file.path.rsplit('/').next().unwrap_or_default().contains('.') || file.path.starts_with('.');
    let ours = plain || OURS.iter().any(|extension| file.has_extension(extension));
    ours && !file.is_case() && file.path != ABOUT_THIS
}

/// Whether the path begins there, as opposed to a longer path that contains it.
fn begins_in(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        !line[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}' | '~'))
    })
}
