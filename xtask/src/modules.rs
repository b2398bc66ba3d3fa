//! The modules of a crate: which file is which module, what it defines, and from which other files of the crate it uses
//! names.
//!
//! It follows `use`, re-exports and paths in the code down to the file that defines a name. It does not know types, so a
//! method call is not an arrow. Neither is declaring a module or re-exporting its names (`pub use`): a façade depends on
//! nothing that it shows.

use std::collections::{BTreeMap, BTreeSet};

use crate::rust::{self, Kind, Token};
use crate::tree::{File, Tree};

/// How many re-exports are followed: a longer chain would be one that names itself.
const HOPS_MAX: usize = 16;

/// The place of a module in its crate: `["rows", "write"]` for `crate::rows::write`, nothing for the root.
type Path = Vec<String>;

/// One crate's modules that end up in the program.
pub(crate) struct Modules<'a> {
    modules: BTreeMap<Path, Module<'a>>,
}

struct Module<'a> {
    file: &'a File,
    /// Names of what is defined here, including in inline modules.
    defines: BTreeSet<&'a str>,
    imports: Vec<Import>,
    /// Paths of two parts or more in the code, except in `use`.
    spoken: Vec<Vec<String>>,
    words: BTreeSet<&'a str>,
}

/// One name that a `use` brings in; `*` for all.
struct Import {
    name: String,
    path: Vec<String>,
    is_public: bool,
}

/// What a path leads to.
enum Target {
    Module(Path),
    Item(Path, String),
}

/// The arrows between the files of a crate: from, to, and the names that the first takes from the second.
pub(crate) type Arrows<'a> = BTreeMap<(&'a str, &'a str), BTreeSet<String>>;

impl<'a> Modules<'a> {
    /// The modules of each crate of the tree, and of the automation.
    pub(crate) fn of_crates(tree: &'a Tree) -> Vec<Self> {
        let mut crates: BTreeMap<&str, Vec<&File>> = BTreeMap::new();
        for file in tree.files().filter(|file| file.is_program_source() || is_automation(file)) {
            if let Some((root, _)) = file.path.split_once("/src/") {
                crates.entry(root).or_default().push(file);
            }
        }
        crates.into_values().map(|files| Self::new(&files)).collect()
    }

    fn new(files: &[&'a File]) -> Self {
        let mut modules = BTreeMap::new();
        let mut tests_only: Vec<Path> = Vec::new();
        for file in files {
            let path = path_of(file);
            let tokens: Vec<Token<'a>> =
                rust::tokens(&file.text).into_iter().filter(|token| token.kind != Kind::Comment).collect();
            for window in tokens.windows(3) {
                if window[0].text == "mod" && window[0].in_test && window[2].text == ";" {
                    tests_only
                        .push(path.iter().map(String::as_str).chain([window[1].text]).map(str::to_owned).collect());
                }
            }
            modules.insert(path, Module::read(file, tokens));
        }
        modules.retain(|path, _| !tests_only.iter().any(|tests| path.starts_with(tests)));
        Self { modules }
    }

    /// The files, each with its folder: `a.rs` and `a/mod.rs` belong to the folder `a` when it has files.
    pub(crate) fn folders(&self) -> BTreeMap<&'a str, String> {
        let folder = |path: &Path| {
            let has_files = self.modules.keys().any(|other| other.len() > path.len() && other.starts_with(path));
            let depth = if has_files { path.len() } else { path.len().saturating_sub(1) };
            path[..depth].join("/")
        };
        self.modules.iter().map(|(path, module)| (module.file.path.as_str(), folder(path))).collect()
    }

    /// Every arrow between two different files.
    pub(crate) fn arrows(&self) -> Arrows<'a> {
        let mut arrows = Arrows::new();
        for (at, module) in &self.modules {
            let mut add = |target: Option<Target>| {
                if let Some(Target::Item(to, name)) = target
                    && to != *at
                    && let Some(other) = self.modules.get(&to)
                {
                    arrows.entry((module.file.path.as_str(), other.file.path.as_str())).or_default().insert(name);
                }
            };
            for import in &module.imports {
                if import.is_public && !module.words.contains(import.name.as_str()) {
                    continue;
                }
                let Some(path) = self.absolute(at, &import.path, 0) else { continue };
                match self.resolve(&path, 0) {
                    Some(Target::Module(to)) if import.name == "*" && !import.is_public => {
                        add(Some(Target::Item(to, "*".to_owned())));
                    }
                    target => add(target),
                }
            }
            for spoken in &module.spoken {
                add(self.absolute(at, spoken, 0).and_then(|path| self.resolve(&path, 0)));
            }
        }
        arrows
    }

    /// The path from the crate's root that `spoken` means in the module `at`; `None` for other crates.
    fn absolute(&self, at: &Path, spoken: &[String], hops: usize) -> Option<Path> {
        let (first, rest) = spoken.split_first()?;
        let mut path = match first.as_str() {
            "crate" => Path::new(),
            "self" => at.clone(),
            "super" => {
                let supers = spoken.iter().take_while(|segment| *segment == "super").count();
                let up = at.get(..at.len().checked_sub(supers)?)?.to_vec();
                return Some([up, spoken[supers..].to_vec()].concat());
            }
            name => {
                let child = [at.as_slice(), &spoken[..1]].concat();
                if self.modules.contains_key(&child) {
                    child
                } else {
                    let import = self.modules.get(at)?.imports.iter().find(|import| import.name == name)?;
                    if hops > HOPS_MAX || import.path.first() == spoken.first() && import.path.len() == 1 {
                        return None;
                    }
                    self.absolute(at, &import.path, hops + 1)?
                }
            }
        };
        path.extend_from_slice(rest);
        Some(path)
    }

    /// Follows a path from the root to a module, or to the module that defines the first name that is an item.
    fn resolve(&self, path: &[String], hops: usize) -> Option<Target> {
        let mut at = Path::new();
        for segment in path {
            at.push(segment.clone());
            if !self.modules.contains_key(&at) {
                at.pop();
                return self.item(&at, segment, hops);
            }
        }
        Some(Target::Module(at))
    }

    fn item(&self, at: &Path, name: &str, hops: usize) -> Option<Target> {
        let module = self.modules.get(at)?;
        if module.defines.contains(name) || hops > HOPS_MAX {
            return Some(Target::Item(at.clone(), name.to_owned()));
        }
        if let Some(import) = module.imports.iter().find(|import| import.name == name) {
            return self.resolve(&self.absolute(at, &import.path, 0)?, hops + 1);
        }
        for glob in module.imports.iter().filter(|import| import.name == "*") {
            if let Some(Target::Module(shown)) =
                self.absolute(at, &glob.path, 0).and_then(|path| self.resolve(&path, 0))
                && shown != *at
                && let Some(other) = self.modules.get(&shown)
                && (other.defines.contains(name) || other.imports.iter().any(|import| import.name == name))
            {
                return self.item(&shown, name, hops + 1);
            }
        }
        None
    }
}

impl<'a> Module<'a> {
    fn read(file: &'a File, tokens: Vec<Token<'a>>) -> Self {
        const DEFINING: [&str; 9] = ["fn", "struct", "enum", "trait", "type", "const", "static", "union", "mod"];
        let shipped: Vec<Token<'a>> = tokens.into_iter().filter(|token| !token.in_test).collect();
        let (mut imports, mut code) = (Vec::new(), Vec::new());
        let mut at = 0;
        while at < shipped.len() {
            if shipped[at].kind == Kind::Word && shipped[at].text == "use" {
                let is_public = at > 0 && matches!(shipped[at - 1].text, "pub" | ")");
                let end = at + shipped[at..].iter().take_while(|token| token.text != ";").count();
                brought_in(&shipped[at + 1..end], &[], is_public, &mut imports);
                at = end;
            } else {
                code.push(shipped[at]);
            }
            at += 1;
        }
        let mut defines = BTreeSet::new();
        for pair in code.windows(3) {
            let named = pair[1].kind == Kind::Word && DEFINING.contains(&pair[0].text);
            // `mod x;` is another file.
            if named && !(pair[0].text == "mod" && pair[2].text == ";") {
                defines.insert(pair[1].text);
            }
            if pair[0].text == "macro_rules" {
                defines.insert(pair[2].text);
            }
        }
        let words = code.iter().filter(|token| token.kind == Kind::Word).map(|token| token.text).collect();
        let spoken = rust::spoken_paths(&code).into_iter().map(|spoken| spoken.segments);
        Self { file, defines, imports, spoken: spoken.filter(|path| path.len() > 1).collect(), words }
    }
}

/// Reads the tree of a `use`, from after the keyword to before the semicolon.
fn brought_in(tree: &[Token<'_>], before: &[String], is_public: bool, imports: &mut Vec<Import>) {
    let mut path = before.to_vec();
    let mut at = 0;
    while let Some(token) = tree.get(at) {
        match token.text {
            "{" => {
                let inside = &tree[at + 1..rust::closing(tree, at).saturating_sub(1).max(at + 1)];
                for branch in branches(inside) {
                    brought_in(branch, &path, is_public, imports);
                }
                return;
            }
            "*" => {
                imports.push(Import { name: "*".to_owned(), path, is_public });
                return;
            }
            "as" => break,
            ":" => {}
            "self" if !path.is_empty() => {}
            word => path.push(word.to_owned()),
        }
        at += 1;
    }
    let alias = tree.get(at).and_then(|_| tree.get(at + 1)).map(|token| token.text.to_owned());
    if let Some(name) = alias.or_else(|| path.last().cloned()) {
        imports.push(Import { name, path, is_public });
    }
}

/// The parts between commas, ignoring commas in inner braces.
fn branches<'t, 'a>(tokens: &'t [Token<'a>]) -> Vec<&'t [Token<'a>]> {
    let (mut found, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (at, token) in tokens.iter().enumerate() {
        match token.text {
            "{" => depth += 1,
            "}" => depth = depth.saturating_sub(1),
            "," if depth == 0 => {
                found.push(&tokens[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(&tokens[start..]);
    found
}

fn is_automation(file: &File) -> bool {
    file.path.starts_with("xtask/src/") && file.has_extension("rs")
}

fn path_of(file: &File) -> Path {
    let inside = file.path.split_once("/src/").map_or(file.path.as_str(), |(_, inside)| inside);
    let mut path: Path = inside.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if path.last().is_some_and(|last| last == "mod") || path.len() == 1 && matches!(path[0].as_str(), "lib" | "main") {
        path.pop();
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(files: &[(&str, &str)], expected: &[&str]) {
        let tree = Tree::new(files.iter().map(|(path, text)| (format!("crates/x/src/{path}"), (*text).to_owned())));
        let crates = Modules::of_crates(&tree);
        let short = |path: &str| path.trim_start_matches("crates/x/src/").to_owned();
        let found: Vec<String> = crates[0]
            .arrows()
            .into_iter()
            .map(|((from, to), names)| {
                format!("{} {} {}", short(from), short(to), names.into_iter().collect::<Vec<_>>().join(","))
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn follows_names_to_the_file_that_defines_them() {
        let lib = ("lib.rs", "mod a; mod b; pub use a::Thing; pub use b::*;");
        let a = ("a.rs", "pub struct Thing; pub fn make() {}");
        check(&[lib, a, ("b.rs", "use crate::Thing;")], &["b.rs a.rs Thing"]);
        check(&[lib, a, ("b.rs", "use crate::a; fn f() { a::make(); }")], &["b.rs a.rs make"]);
        check(&[lib, a, ("b.rs", "fn f() { super::a::make(); std::fs::read(); }")], &["b.rs a.rs make"]);
        check(&[lib, a, ("b.rs", "use crate::{a::{self as c, make}, Thing as T};")], &["b.rs a.rs Thing,make"]);
        check(&[lib, a, ("b.rs", "use super::*; fn f(t: Thing) {}")], &["b.rs lib.rs *"]);
        check(&[lib, a, ("b.rs", "#[cfg(test)] mod tests { use crate::Thing; }")], &[]);
        check(&[lib, ("a.rs", "use crate::made;"), ("b.rs", "pub fn made() {}")], &["a.rs b.rs made"]);
        check(&[("lib.rs", "mod a; pub use a::Thing; fn f(t: Thing) {}"), a], &["lib.rs a.rs Thing"]);
        check(&[("lib.rs", "#[cfg(test)] mod a;"), ("a.rs", "use crate::Thing;"), ("a/b.rs", "use super::x;")], &[]);
    }
}
