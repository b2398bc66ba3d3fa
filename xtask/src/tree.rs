//! The project's files as text in memory, so that a rule can be tried on a tree that exists only in a test.

use std::path::{Path, PathBuf};
use std::process::Command;

/// One file of the project.
#[derive(Debug)]
pub(crate) struct File {
    /// Path from the project's root, with `/` between its parts.
    pub(crate) path: String,
    /// The text; empty when the bytes are not UTF-8 (sample mail is not).
    pub(crate) text: String,
}

impl File {
    /// Whether the name ends in `.extension`.
    pub(crate) fn has_extension(&self, extension: &str) -> bool {
        self.path.rsplit('/').next().is_some_and(|name| {
            name.rsplit_once('.').is_some_and(|(stem, found)| !stem.is_empty() && found == extension)
        })
    }

    /// The room (crate directory) that this file is part of: `imap` for `crates/imap/src/lib.rs`.
    pub(crate) fn room(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split_once('/').map(|(room, _)| room)
    }

    /// Whether this is Rust that ends up in the program, as opposed to a test of it.
    pub(crate) fn is_program_source(&self) -> bool {
        self.has_extension("rs")
            && self.path.starts_with("crates/")
            && self.path.split('/').nth(2) == Some("src")
            && !self.path.split('/').any(|part| part == "tests" || part == "tests.rs" || part.ends_with("_tests.rs"))
    }

    /// Whether this file is a case of the rules themselves: a small tree that breaks them on purpose.
    pub(crate) fn is_case(&self) -> bool {
        self.path.starts_with("xtask/cases/")
    }
}

/// All files, in the order of their paths.
#[derive(Debug)]
pub(crate) struct Tree {
    files: Vec<File>,
}

impl Tree {
    /// A tree made of paths and texts.
    pub(crate) fn new(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut files: Vec<File> = files.into_iter().map(|(path, text)| File { path, text }).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Self { files }
    }

    /// The project's own tree: what git tracks or would track; without git, everything but build results.
    pub(crate) fn of_project() -> Self {
        let root = root();
        let paths = listed_by_git(&root).unwrap_or_else(|| walked(&root));
        Self::new(paths.into_iter().filter_map(|path| {
            let bytes = std::fs::read(root.join(&path)).ok()?;
            Some((path, String::from_utf8(bytes).unwrap_or_default()))
        }))
    }

    /// Every file.
    pub(crate) fn files(&self) -> impl Iterator<Item = &File> {
        self.files.iter()
    }

    /// The file at exactly this path.
    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.binary_search_by(|file| file.path.as_str().cmp(path)).ok().and_then(|at| self.files.get(at))
    }

    /// Whether the path names a file or a directory of the tree. A directory may end in `/`.
    pub(crate) fn holds(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let inside = format!("{path}/");
        path.is_empty() || self.file(path).is_some() || self.files.iter().any(|file| file.path.starts_with(&inside))
    }

    /// The names of the directories in `crates/` that hold a manifest.
    pub(crate) fn rooms(&self) -> impl Iterator<Item = &str> {
        self.files.iter().filter(|file| file.path.ends_with("/Cargo.toml")).filter_map(File::room)
    }
}

/// The project's root directory.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

fn listed_by_git(root: &Path) -> Option<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let mut paths: Vec<String> =
        String::from_utf8(output.stdout).ok()?.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    paths.dedup();
    (!paths.is_empty()).then_some(paths)
}

fn walked(root: &Path) -> Vec<String> {
    const SKIPPED: [&str; 4] = [".git", "target", "demo-data", "__pycache__"];
    let mut found = Vec::new();
    let mut open = vec![String::new()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(root.join(&directory)).into_iter().flatten().flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = if directory.is_empty() { name.clone() } else { format!("{directory}/{name}") };
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !SKIPPED.contains(&name.as_str()) => open.push(path),
                Ok(kind) if kind.is_file() => found.push(path),
                _ => {}
            }
        }
    }
    found
}
