//! The contents of a package, read once. Of messages and sidecars only digests are kept, so that a package of any size
//! can be checked; the few other files are kept in memory.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use crate::bag;
use crate::digests::{Digester, Digests};
use crate::listing::Sidecar;
use crate::tarball::{read_tar, refused};

/// The maximum size of a file kept in memory. The listing is the largest, at about 700 bytes per item, so this allows
/// more than 300,000 items.
const KEPT_SIZE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Folders in our bags are at most three deep.
const DEPTH_MAX: usize = 8;

/// What a sidecar says of its item.
pub(super) struct SidecarSays {
    pub(super) number: u64,
    pub(super) id: String,
    pub(super) original_sha256: Option<String>,
}

/// Everything that the checks look at.
pub(super) struct Contents {
    /// The kind of container, for the report.
    pub(super) container: String,
    /// The folder's name in the tar file; `None` for an unpacked folder, which may have been renamed.
    pub(super) name: Option<String>,
    /// The time of all files in the tar file, in Unix seconds.
    pub(super) mtime: Option<u64>,
    /// Every file, by its path relative to the bag.
    pub(super) files: BTreeMap<String, Digests>,
    /// The contents of the files that are neither messages nor sidecars.
    pub(super) kept: BTreeMap<String, Vec<u8>>,
    /// The sidecars that could be parsed.
    pub(super) sidecars: BTreeMap<String, SidecarSays>,
}

impl Contents {
    fn empty() -> Self {
        Self {
            container: String::new(),
            name: None,
            mtime: None,
            files: BTreeMap::new(),
            kept: BTreeMap::new(),
            sidecars: BTreeMap::new(),
        }
    }

    /// Reads a tar file.
    pub(super) fn of_tar(input: impl Read) -> Result<Self, String> {
        let mut contents = Self::empty();
        let mtime = read_tar(input, |path, _, body| {
            let (name, path) = path.split_once('/').ok_or_else(|| refused("a file outside the bag's folder"))?;
            if contents.name.get_or_insert_with(|| name.to_owned()) != name {
                return Err(refused("files in two folders"));
            }
            contents.take(path, body)
        })
        .map_err(|error| format!("it cannot be read in canonical form to its end: {error}"))?;
        contents.mtime = Some(mtime);
        contents.container = format!("a complete tar file of {} files", contents.files.len());
        Ok(contents)
    }

    /// Reads an unpacked bag.
    pub(super) fn of_folder(root: &Path) -> Result<Self, String> {
        let mut contents = Self::empty();
        contents.folder(root, "", 0).map_err(|error| format!("it cannot be read: {error}"))?;
        contents.container = format!("a folder of {} files", contents.files.len());
        Ok(contents)
    }

    fn folder(&mut self, folder: &Path, below: &str, depth: usize) -> io::Result<()> {
        if depth > DEPTH_MAX {
            return Err(refused("folders nested too deeply for a bag"));
        }
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().into_string().map_err(|_| refused("a file name that is not UTF-8"))?;
            let path = format!("{below}{name}");
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.folder(&entry.path(), &format!("{path}/"), depth + 1)?;
            } else if kind.is_file() {
                self.take(&path, &mut fs::File::open(entry.path())?)?;
            } else {
                return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{path} is not a regular file")));
            }
        }
        Ok(())
    }

    fn take(&mut self, path: &str, body: &mut dyn Read) -> io::Result<()> {
        let keep = !path.starts_with("data/messages/");
        let (mut digester, mut kept, mut buffer) = (Digester::new(), Vec::new(), vec![0; 64 * 1024]);
        loop {
            let len = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            digester.update(&buffer[..len]);
            if keep {
                kept.extend_from_slice(&buffer[..len]);
                if kept.len() as u64 > KEPT_SIZE_BYTES_MAX {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{path} is too large")));
                }
            }
        }
        if self.files.insert(path.to_owned(), digester.finish()).is_some() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{path} occurs twice")));
        }
        if path.starts_with("data/sidecar/") {
            if let Ok(Sidecar { format, number, id, original_sha256, .. }) = serde_json::from_slice(&kept)
                && format == crate::listing::SIDECAR_FORMAT
            {
                self.sidecars.insert(path.to_owned(), SidecarSays { number, id, original_sha256 });
            }
        } else if keep {
            self.kept.insert(path.to_owned(), kept);
        }
        Ok(())
    }

    /// The bytes of a kept file.
    pub(super) fn bytes(&self, path: &str) -> Result<&[u8], String> {
        self.kept.get(path).map(Vec::as_slice).ok_or_else(|| format!("{path} is missing"))
    }

    /// The text of a kept file.
    pub(super) fn text(&self, path: &str) -> Result<&str, String> {
        std::str::from_utf8(self.bytes(path)?).map_err(|_| format!("{path} is not UTF-8"))
    }

    /// The value of a label in `bag-info.txt`.
    pub(super) fn info(&self, label: &str) -> Result<&str, String> {
        self.text(bag::INFO)?
            .lines()
            .find_map(|line| line.strip_prefix(label)?.strip_prefix(": "))
            .ok_or_else(|| format!("{} has no {label}", bag::INFO))
    }
}
