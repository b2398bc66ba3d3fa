//! Where mail comes from: mbox files, Maildirs, folders of message files. Only reads; independent of the store.
//!
//! Every regular file in a folder is a message and is kept byte for byte, whatever its contents: an importer that selects loses mail.
//!
//! Links below the source are not followed, and only files and folders are opened. A node
//! can read more than the owner of a Maildir: through a link, `cur/1` could be the node's own key file, and end up in the
//! owner's mailbox. A link to a parent folder would never end, and opening a FIFO would block.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use durable::{About, Files};
use message::mbox;
use store::FlagSet;
use terms::UnixMillis;

use super::report::Failure;

/// One message to import.
#[derive(Clone)]
pub(super) struct Item {
    pub(super) file: Arc<Path>,
    /// Where in the file; `None` for all of it.
    pub(super) range: Option<Range<u64>>,
    /// The mailbox below the plan's; `None` for the plan's own.
    pub(super) folder: Option<Arc<str>>,
    pub(super) flags: FlagSet,
    /// When it arrived, according to the source.
    pub(super) arrived: Arrived,
    /// Its size in bytes.
    pub(super) size: u64,
}

/// What a source says about a message's arrival.
#[derive(Clone, Copy)]
pub(super) enum Arrived {
    /// As the container says: the file time in a Maildir, the `From ` line in an mbox.
    At(UnixMillis),
    /// As the message says; otherwise the file's time.
    InMessage(Option<UnixMillis>),
}

/// The contents of a source.
#[derive(Default)]
pub(super) struct Found {
    pub(super) items: Vec<Item>,
    /// What could not be listed.
    pub(super) failures: Vec<Failure>,
}

impl Found {
    /// Whether `path` is a folder. A link to one is not, and is reported as skipped.
    fn is_dir(&mut self, files: &dyn Files, path: &Path) -> bool {
        let is_folder = is_dir(files, path);
        // What a link leads to may be seen, not opened.
        if !is_folder && path.is_dir() {
            self.failures.push(Failure::new(path, None, &NO_FILE));
        }
        is_folder
    }
}

/// Why something in a source is skipped.
const NO_FILE: &str = "neither a file nor a folder; links are not followed";

/// Scans `source` and lists its messages in the order of their import.
///
/// A folder with two of `cur`, `new` and `tmp` is a Maildir; any other folder is message files, below it too. A file is an mbox when it begins
/// with a `From ` line, unless it is called `.eml`: such files often have a `From ` line in front. An empty file
/// is an mbox without messages.
///
/// `source` itself may be a link: the operator chose it.
pub(super) fn find(files: &dyn Files, source: &Path) -> io::Result<Found> {
    let mut found = Found::default();
    let source = &files.resolve(source)?;
    let kind = files.about(source)?;
    if kind.is_dir {
        if ["cur", "new", "tmp"].iter().filter(|name| is_dir(files, &source.join(name))).count() >= 2 {
            maildir(files, source, None, &mut found)?;
        } else {
            folder(files, source, &mut found)?;
        }
    } else if is_mbox(files, source)? {
        mbox(files, source, &mut found)?;
    } else {
        found.items.push(whole_file(files, source)?);
    }
    Ok(found)
}

/// Opens a regular file only: what was one when it was listed may have been replaced since.
fn open(files: &dyn Files, path: &Path) -> io::Result<File> {
    let listed = files.about(path)?;
    if !listed.is_file {
        return Err(io::Error::other(NO_FILE));
    }
    let file = files.open(path)?;
    if !About::of(&file.metadata()?).is_same_file(&listed) {
        return Err(io::Error::other("the file was replaced while it was being opened"));
    }
    Ok(file)
}

fn is_dir(files: &dyn Files, path: &Path) -> bool {
    files.about(path).is_ok_and(|kind| kind.is_dir)
}

/// Reads one message.
pub(super) fn read(files: &dyn Files, item: &Item) -> io::Result<Vec<u8>> {
    let mut file = open(files, &item.file)?;
    file.seek(SeekFrom::Start(item.range.as_ref().map_or(0, |range| range.start)))?;
    let mut bytes = Vec::new();
    // One more byte shows that a file has grown; an mbox may grow after this message.
    file.take(item.size + u64::from(item.range.is_none())).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != item.size {
        return Err(io::Error::other("the file's length has changed; run the import again"));
    }
    Ok(bytes)
}

fn is_mbox(files: &dyn Files, file: &Path) -> io::Result<bool> {
    if file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("eml")) {
        return Ok(false);
    }
    let mut head = Vec::with_capacity(5);
    open(files, file)?.take(5).read_to_end(&mut head)?;
    Ok(head.is_empty() || head == b"From ")
}

fn mbox(files: &dyn Files, source: &Path, found: &mut Found) -> io::Result<()> {
    let file: Arc<Path> = source.into();
    let fallback = modified(&files.about(source)?);
    for item in mbox::Splitter::new(open(files, source)?) {
        let item = item?;
        found.items.push(Item {
            file: Arc::clone(&file),
            size: item.range.end - item.range.start,
            folder: None,
            flags: mbox_flags(&item.original),
            arrived: item.postmarked_at().map_or(Arrived::InMessage(fallback), Arrived::At),
            range: Some(item.range),
        });
    }
    Ok(())
}

/// How much of a message is searched for flags, in bytes: mbox programs write them near the top.
const FLAGS_WITHIN_LEN_MAX: usize = 64 * 1024;

/// `Status` and `X-Status`, in which mbox programs keep flags. Other programs use fields with these names too.
fn mbox_flags(original: &[u8]) -> FlagSet {
    let view = message::view(&original[..original.len().min(FLAGS_WITHIN_LEN_MAX)]);
    let mut flags = FlagSet::none();
    for name in ["Status", "X-Status"] {
        let values = message::header_values(&view, name).filter(|value| value.iter().all(|b| b"RONUAFDT".contains(b)));
        for flag in values.flat_map(|value| value.into_owned()) {
            flags.system |= match flag {
                b'R' => FlagSet::SEEN,
                b'A' => FlagSet::ANSWERED,
                b'F' => FlagSet::FLAGGED,
                b'D' => FlagSet::DELETED,
                b'T' => FlagSet::DRAFT,
                _ => 0,
            };
        }
    }
    flags
}

/// Every regular file below `dir`, by name.
fn folder(files: &dyn Files, dir: &Path, found: &mut Found) -> io::Result<()> {
    for path in files.entries(dir)? {
        let kind = match files.about(&path) {
            Ok(kind) => kind,
            Err(error) => {
                found.failures.push(Failure::new(&path, None, &error));
                continue;
            }
        };
        let outcome = if kind.is_dir {
            folder(files, &path, found)
        } else if kind.is_file {
            whole_file(files, &path).map(|item| found.items.push(item))
        } else {
            Err(io::Error::other(NO_FILE))
        };
        if let Err(error) = outcome {
            found.failures.push(Failure::new(&path, None, &error));
        }
    }
    Ok(())
}

fn whole_file(files: &dyn Files, path: &Path) -> io::Result<Item> {
    let about = files.about(path)?;
    Ok(Item {
        file: path.into(),
        range: None,
        folder: None,
        flags: FlagSet::none(),
        arrived: Arrived::InMessage(modified(&about)),
        size: about.size_bytes,
    })
}

/// A Maildir and the Maildirs below it: `.Lists.Rust` (Maildir++) and `Lists/Rust` (plain folders) are both `Lists/Rust`.
/// `tmp` is skipped: what is there was never delivered.
fn maildir(files: &dyn Files, dir: &Path, name: Option<&str>, found: &mut Found) -> io::Result<()> {
    let keywords = keywords(files, dir);
    let folder: Option<Arc<str>> = name.map(Into::into);
    let mut items = Vec::new();
    for (place, is_new) in [("cur", false), ("new", true)] {
        let place = dir.join(place);
        if !found.is_dir(files, &place) {
            continue;
        }
        for path in files.entries(&place)? {
            let Some(file_name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else { continue };
            if file_name.starts_with('.') || is_dir(files, &path) {
                continue;
            }
            match whole_file(files, &path) {
                Ok(mut item) => {
                    item.folder.clone_from(&folder);
                    if !is_new {
                        item.flags = maildir_flags(&file_name, &keywords);
                    }
                    if let Arrived::InMessage(Some(modified)) = item.arrived {
                        item.arrived = Arrived::At(modified);
                    }
                    items.push(item);
                }
                Err(error) => found.failures.push(Failure::new(&path, None, &error)),
            }
        }
    }
    // The UIDs will follow the order of arrival.
    items.sort_by_key(|item| match item.arrived {
        Arrived::At(time) => time,
        Arrived::InMessage(_) => UnixMillis::default(),
    });
    found.items.append(&mut items);
    for path in files.entries(dir)? {
        let Some(below) = path.file_name().and_then(|name| folder_name(&name.to_string_lossy())) else { continue };
        if found.is_dir(files, &path) {
            let below = name.map_or(below.clone(), |name| format!("{name}/{below}"));
            if is_maildir(files, &path) || has_maildir_below(files, &path) {
                maildir(files, &path, Some(&below), found)?;
            }
        }
    }
    Ok(())
}

/// Whether a folder within a Maildir is also one. Programs create all three directories; archives omit empty ones.
fn is_maildir(files: &dyn Files, dir: &Path) -> bool {
    is_dir(files, &dir.join("cur")) || is_dir(files, &dir.join("new"))
}

/// Whether a folder that is not a Maildir leads to one: Dovecot's `fs` layout has such levels.
fn has_maildir_below(files: &dyn Files, dir: &Path) -> bool {
    let leads = |path: &PathBuf| is_dir(files, path) && (is_maildir(files, path) || has_maildir_below(files, path));
    files.entries(dir).is_ok_and(|below| below.iter().any(leads))
}

/// The mailbox that a directory within a Maildir represents; `None` for the Maildir's own three.
fn folder_name(directory: &str) -> Option<String> {
    if matches!(directory, "cur" | "new" | "tmp") {
        return None;
    }
    let levels = match directory.strip_prefix('.') {
        Some(dotted) => dotted.replace('.', "/"),
        None => directory.to_owned(),
    };
    let levels = modified_utf7(&levels).unwrap_or(levels);
    let name = levels.split('/').filter(|level| !level.is_empty()).collect::<Vec<_>>().join("/");
    (!name.is_empty()).then_some(name)
}

/// Mailbox names in Maildirs are in IMAP4rev1's modified UTF-7 (RFC 3501 section 5.1.3) with most programs.
fn modified_utf7(name: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = name;
    while let Some(shift) = rest.find('&') {
        out.push_str(&rest[..shift]);
        let (coded, tail) = rest[shift + 1..].split_once('-')?;
        rest = tail;
        if coded.is_empty() {
            out.push('&');
            continue;
        }
        let bytes = data_encoding::BASE64_NOPAD.decode(coded.replace(',', "/").as_bytes()).ok()?;
        let units: Vec<u16> =
            bytes.chunks(2).map(|unit| unit.iter().fold(0, |unit, b| unit << 8 | u16::from(*b))).collect();
        out.push_str(&String::from_utf16(&units).ok()?);
    }
    out.push_str(rest);
    Some(out)
}

/// What follows `:2,` in a Maildir file name; some file systems have no colon, and programs use `;` or `!` there.
fn maildir_flags(file_name: &str, keywords: &[Option<String>]) -> FlagSet {
    let mut flags = FlagSet::none();
    let Some(at) = [":2,", ";2,", "!2,"].iter().find_map(|mark| file_name.rfind(mark)) else { return flags };
    for flag in file_name[at + 3..].bytes() {
        match flag {
            b'S' => flags.system |= FlagSet::SEEN,
            b'R' => flags.system |= FlagSet::ANSWERED,
            b'F' => flags.system |= FlagSet::FLAGGED,
            b'T' => flags.system |= FlagSet::DELETED,
            b'D' => flags.system |= FlagSet::DRAFT,
            b'P' => flags = flags.and_keyword("$Forwarded"),
            b'a'..=b'z' => {
                if let Some(Some(keyword)) = keywords.get(usize::from(flag - b'a')) {
                    flags = flags.and_keyword(keyword);
                }
            }
            // Until the next marker, such as Dovecot's `,S=1234`.
            b',' => break,
            _ => {}
        }
    }
    flags
}

/// The longest keywords file, in bytes: 26 lines.
const KEYWORDS_LEN_MAX: u64 = 64 * 1024;

/// The names of the letters a to z in a Maildir's file names (Dovecot's `dovecot-keywords`: `0 $Junk`).
fn keywords(files: &dyn Files, dir: &Path) -> Vec<Option<String>> {
    let mut out = vec![None; 26];
    let mut text = String::new();
    let read =
        open(files, &dir.join("dovecot-keywords")).map(|file| file.take(KEYWORDS_LEN_MAX).read_to_string(&mut text));
    // A Maildir may lack this file; one that cannot be read names nothing.
    if !matches!(read, Ok(Ok(_))) {
        return out;
    }
    for line in text.lines() {
        if let Some((index, keyword)) = line.split_once(' ')
            && let Some(slot) = index.parse::<usize>().ok().and_then(|index| out.get_mut(index))
            && !keyword.is_empty()
            && keyword.bytes().all(|b| b.is_ascii_graphic() && !b"(){%*\"\\]".contains(&b))
        {
            *slot = Some(keyword.to_owned());
        }
    }
    out
}

fn modified(about: &About) -> Option<UnixMillis> {
    about.modified_millis.map(UnixMillis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_folders() {
        for (directory, expected) in [
            ("cur", None),
            (".Sent", Some("Sent")),
            (".Lists.Rust", Some("Lists/Rust")),
            (".Entw&APw-rfe", Some("Entwürfe")),
            (".A & B", Some("A & B")),
            (".A &- B", Some("A & B")),
            ("Archive", Some("Archive")),
            (".", None),
        ] {
            assert_eq!(folder_name(directory).as_deref(), expected, "{directory}");
        }
    }

    #[test]
    fn flags_in_file_names() {
        let keywords = [None, Some("$Junk".to_owned())];
        for (name, system, words) in [
            ("1.x.host", 0, vec![]),
            ("1.x.host:2,", 0, vec![]),
            ("1.x.host:2,FRS", FlagSet::FLAGGED | FlagSet::ANSWERED | FlagSet::SEEN, vec![]),
            ("1.x.host,S=12:2,DTPab", FlagSet::DRAFT | FlagSet::DELETED, vec!["$Forwarded", "$Junk"]),
            ("1.x.host!2,S", FlagSet::SEEN, vec![]),
        ] {
            let flags = maildir_flags(name, &keywords);
            assert_eq!(flags.system, system, "{name}");
            assert_eq!(flags.keywords.iter().collect::<Vec<_>>(), words, "{name}");
        }
    }
}
