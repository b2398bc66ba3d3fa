//! The BagIt bag (RFC 8493): its files and manifests, and what the home signs.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::digests::Digests;
use crate::tarball::TarWriter;

pub(crate) const DECLARATION: &str = "bagit.txt";
pub(crate) const INFO: &str = "bag-info.txt";
pub(crate) const SIGNATURE: &str = "signature.note";
pub(crate) const README: &str = "data/README.txt";
pub(crate) const ITEMS: &str = "data/items.json";
pub(crate) const DECISION: &str = "data/decision.json";
pub(crate) const DECISION_TEXT: &str = "data/decision.txt";
pub(crate) const CUSTODY: &str = "data/custody.json";
pub(crate) const CERTIFICATE: &str = "data/certificate.txt";
pub(crate) const VKEY: &str = "data/ledger/vkey";
pub(crate) const CHECKPOINT: &str = "data/ledger/checkpoint";

/// Section 2.1.1 of the RFC, byte for byte.
pub(crate) const DECLARATION_TEXT: &str = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";

/// The tag files that the home signs. The tag manifests cover these and the signature.
pub(crate) const SIGNED: [&str; 4] = [DECLARATION, INFO, Algorithm::Sha256.manifest(), Algorithm::Sha512.manifest()];

/// The first line of what is signed. It is never a log's origin, so a package's signature cannot pass for a checkpoint.
const STATEMENT: &str = "bailiwick/package/v1";

pub(crate) fn original_path(number: u64) -> String {
    format!("data/messages/{number:06}.eml")
}

pub(crate) fn sidecar_path(number: u64) -> String {
    format!("data/sidecar/{number:06}.json")
}

/// The body of a ledger entry, byte for byte as committed to.
pub(crate) fn body_path(index: u64) -> String {
    format!("data/ledger/{index:06}.json")
}

/// The salt of its commitment, in hexadecimal with a newline.
pub(crate) fn salt_path(index: u64) -> String {
    format!("data/ledger/{index:06}.salt")
}

pub(crate) fn proof_path(index: u64) -> String {
    format!("data/ledger/{index:06}.tlog-proof")
}

/// A manifest's algorithm. Section 2.4 requires SHA-512 and also names SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Sha256,
    Sha512,
}

impl Algorithm {
    pub(crate) const ALL: [Self; 2] = [Self::Sha256, Self::Sha512];

    pub(crate) const fn manifest(self) -> &'static str {
        match self {
            Self::Sha256 => "manifest-sha256.txt",
            Self::Sha512 => "manifest-sha512.txt",
        }
    }

    pub(crate) const fn tag_manifest(self) -> &'static str {
        match self {
            Self::Sha256 => "tagmanifest-sha256.txt",
            Self::Sha512 => "tagmanifest-sha512.txt",
        }
    }

    fn of(self, digests: &Digests) -> &str {
        match self {
            Self::Sha256 => &digests.sha256,
            Self::Sha512 => &digests.sha512,
        }
    }
}

/// A manifest of `files`, sorted by path, in the format of `sha256sum -c`. Our paths need no escaping.
pub(crate) fn manifest<'f>(algorithm: Algorithm, files: impl IntoIterator<Item = (&'f String, &'f Digests)>) -> String {
    files.into_iter().map(|(path, digests)| format!("{}  {path}\n", algorithm.of(digests))).collect()
}

/// Whether a path is part of the payload (section 2.1.2).
pub(crate) fn is_payload(path: &str) -> bool {
    path.starts_with("data/")
}

/// Whether a path is one of the two tag manifests, which no other manifest covers.
pub(crate) fn is_tag_manifest(path: &str) -> bool {
    Algorithm::ALL.iter().any(|algorithm| algorithm.tag_manifest() == path)
}

/// What the home signs: name and SHA-256 of the tag files, in the format of `sha256sum`.
pub(crate) fn statement(name: &str, files: &BTreeMap<String, Digests>) -> String {
    let lines: String = SIGNED
        .iter()
        .filter_map(|path| files.get(*path).map(|digests| format!("{}  {path}\n", digests.sha256)))
        .collect();
    format!("{STATEMENT}\n{name}\n{lines}")
}

/// The name in a signed statement.
pub(crate) fn statement_name(statement: &str) -> Option<&str> {
    let mut lines = statement.lines();
    (lines.next() == Some(STATEMENT)).then(|| lines.next()).flatten()
}

/// Whether the body of a ledger entry contains a digest.
pub(crate) fn names(body: &[u8], digest: &terms::Digest) -> bool {
    let digest = digest.to_string();
    body.windows(digest.len()).any(|window| window == digest.as_bytes())
}

/// Whether a text is a valid package name.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// Writes a bag into a tar file and keeps the digests of its files.
pub(crate) struct BagWriter<W> {
    tar: TarWriter<W>,
    name: String,
    files: BTreeMap<String, Digests>,
}

impl<W: Write> BagWriter<W> {
    pub(crate) fn new(out: W, name: &str, mtime: u64) -> Self {
        Self { tar: TarWriter::new(out, mtime), name: name.to_owned(), files: BTreeMap::new() }
    }

    /// Writes one file; `path` is relative to the bag.
    pub(crate) fn file(&mut self, path: &str, bytes: &[u8]) -> io::Result<Digests> {
        self.tar.file(&format!("{}/{path}", self.name), bytes)?;
        let digests = Digests::of(bytes);
        self.files.insert(path.to_owned(), digests.clone());
        Ok(digests)
    }

    /// The files written so far.
    pub(crate) fn files(&self) -> &BTreeMap<String, Digests> {
        &self.files
    }

    /// `Payload-Oxum` (section 2.2.2): the number of bytes and files in the payload.
    pub(crate) fn payload_oxum(&self) -> String {
        payload_oxum(&self.files)
    }

    /// Completes the tar file.
    pub(crate) fn finish(self) -> io::Result<W> {
        self.tar.finish()
    }
}

pub(crate) fn payload_oxum(files: &BTreeMap<String, Digests>) -> String {
    let payload = || files.iter().filter(|(path, _)| is_payload(path));
    let bytes: u64 = payload().map(|(_, digests)| digests.size_bytes).sum();
    format!("{bytes}.{}", payload().count())
}
