//! No circle of imports between files of different folders of a crate: files in a loop can only be understood, tested or moved together. Files of one folder may depend on each other: a folder is read as a
//! whole.

use std::collections::{BTreeMap, BTreeSet};

use crate::modules::{Arrows, Modules};
use crate::tidy::Findings;
use crate::tree::Tree;

pub(crate) fn check(tree: &Tree, found: &mut Findings) {
    for modules in Modules::of_crates(tree) {
        let (folders, arrows) = (modules.folders(), modules.arrows());
        let mut seen = BTreeSet::new();
        for start in folders.keys() {
            if seen.contains(start) {
                continue;
            }
            let circle: BTreeSet<&str> =
                reached(start, &arrows).into_iter().filter(|other| reached(other, &arrows).contains(start)).collect();
            seen.extend(circle.iter().copied());
            if let Some(shortest) = shortest_between_folders(&circle, &folders, &arrows) {
                let files = circle.len();
                found.missing(shortest[0], 0, format!("{}; {files} files are tied together", told(&shortest, &arrows)));
            }
        }
    }
}

/// Every file that can be reached along the arrows.
fn reached<'a>(start: &str, arrows: &Arrows<'a>) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![start];
    while let Some(from) = open.pop() {
        for (_, to) in arrows.keys().filter(|(tail, _)| *tail == from) {
            if reached.insert(*to) {
                open.push(to);
            }
        }
    }
    reached
}

/// The shortest circle that leaves a folder, starting with the arrow that does.
fn shortest_between_folders<'a>(
    circle: &BTreeSet<&'a str>,
    folders: &BTreeMap<&'a str, String>,
    arrows: &Arrows<'a>,
) -> Option<Vec<&'a str>> {
    arrows
        .keys()
        .filter(|(from, to)| circle.contains(from) && circle.contains(to) && folders.get(from) != folders.get(to))
        .filter_map(|(from, to)| Some([vec![*from], way(to, from, circle, arrows)?].concat()))
        .min_by_key(Vec::len)
}

/// The shortest path from one file to another inside the circle, ends included.
fn way<'a>(from: &'a str, to: &str, circle: &BTreeSet<&'a str>, arrows: &Arrows<'a>) -> Option<Vec<&'a str>> {
    let mut ways = vec![vec![from]];
    let mut seen = BTreeSet::from([from]);
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            let last = *way.last()?;
            if last == to {
                return Some(way);
            }
            for (_, next) in arrows.keys().filter(|(tail, head)| *tail == last && circle.contains(head)) {
                if seen.insert(*next) {
                    longer.push([way.as_slice(), &[*next]].concat());
                }
            }
        }
        ways = longer;
    }
    None
}

fn told(circle: &[&str], arrows: &Arrows<'_>) -> String {
    let ties: Vec<String> = circle
        .windows(2)
        .map(|pair| {
            let names = arrows.get(&(pair[0], pair[1])).into_iter().flatten();
            format!("{} takes {} from {}", pair[0], names.map(String::as_str).collect::<Vec<_>>().join(", "), pair[1])
        })
        .collect();
    format!("a circle of imports: {}", ties.join("; "))
}
