//! The law on pages: written into a directory by `law render`, and as a node's HTTP door shows it.

use std::path::Path;
use std::process::ExitCode;

use desk::{Desk, DeskLaw, LawInUse};
use durable::{Disk, RealDisk, Visibility};
use pages::law::{Book, Reader};
use rules::{HomeFacts, LawSet};

use crate::client;

/// Writes every page into `into`, over what older pages there are; the set in `law`, or the one that is built in.
pub(super) fn render(into: &Path, law: Option<&Path>) -> Result<ExitCode, String> {
    let files = super::files_of(law)?;
    let set = LawSet::load(&files).map_err(|errors| errors.to_string())?;
    // Where made-up facts begin matters to the form alone, and files have none.
    let home = "IE".parse().map_err(|error| format!("{error}"))?;
    let book = Book::new(set, &files, home, "Europe/Dublin".to_owned()).map_err(|errors| errors.to_string())?;
    let paths = book.paths();
    for path in &paths {
        let page = book.page(path, Reader::File).ok_or_else(|| format!("{path}: the page could not be made"))?;
        put(&into.join(path), &page.text)?;
    }
    client::say(format_args!("{} files in {}, of the law set {}", paths.len(), into.display(), book.digest()));
    client::say(format_args!("Begin with {}", into.join("index.html").display()));
    Ok(ExitCode::SUCCESS)
}

fn put(path: &Path, text: &str) -> Result<(), String> {
    let wrong = |error: std::io::Error| format!("{}: {error}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(wrong)?;
    }
    RealDisk.write_atomic(path, text.as_bytes(), Visibility::Shared).map_err(wrong)
}

/// The law set in use at the desk of a home, as a book.
///
/// # Errors
/// The set does not load. Cases that cannot be read keep nobody from the rules: the book is then without cases, and the
/// debug log says why.
pub(crate) fn book(desk: &Desk, home: &HomeFacts) -> Result<Book, String> {
    bound(desk.law_in_use().map_err(|error| error.to_string())?, home)
}

/// The same of a law room that has no desk yet.
///
/// # Errors
/// As [`book`].
pub(crate) fn book_of(law: &DeskLaw, home: &HomeFacts) -> Result<Book, String> {
    bound(law.in_use().map_err(|error| error.to_string())?, home)
}

fn bound(LawInUse { files, adopted_by, signed }: LawInUse, home: &HomeFacts) -> Result<Book, String> {
    let set = LawSet::load(&files).map_err(|errors| errors.to_string())?;
    let open = |files: &[(String, String)]| Book::new(set.clone(), files, home.home.clone(), home.zone.clone());
    let book = open(&files).or_else(|errors| {
        tracing::error!("the pages of the law show no cases: {errors}");
        open(&[])
    });
    Ok(book.map_err(|errors| errors.to_string())?.signed(adopted_by, signed))
}
