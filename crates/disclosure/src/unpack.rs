//! Unpacking a package into a folder without `age` and `tar`.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, BufReader};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::DisclosureError;
use crate::bag;
use crate::key::AgeIdentity;
use crate::tarball::read_tar;
use crate::verify::unsealed;

/// Unpacks the sealed package at `package` into the new folder `into` and returns the bag's folder in it. Nothing is
/// overwritten and nothing is synced; only the current user can read the files. It checks the seal and the structure of
/// the tar file; [`verify`](crate::verify()) checks the rest.
///
/// # Errors
/// [`DisclosureError::Unseal`], [`DisclosureError::File`]. Files written before an error remain.
pub fn unpack(package: &Path, identity: &AgeIdentity, into: &Path) -> Result<PathBuf, DisclosureError> {
    let failure = |source| DisclosureError::File { path: package.to_owned(), source };
    let tar = unsealed(BufReader::new(fs::File::open(package).map_err(failure)?), identity)
        .map_err(DisclosureError::Unseal)?;
    let mut folder = None;
    read_tar(tar, |path, _, body| {
        let (name, below) =
            path.split_once('/').filter(|(name, below)| bag::is_name(name) && is_plain(below)).ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidData, format!("{path} points outside the package's folder"))
            })?;
        let bag = into.join(name);
        let path = bag.join(below);
        folder.get_or_insert(bag);
        if let Some(parent) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        io::copy(body, &mut file).map(drop)
    })
    .map_err(|error| DisclosureError::Unseal(error.to_string()))?;
    folder.ok_or_else(|| DisclosureError::Unseal("it is empty".to_owned()))
}

/// Whether a path consists of plain names only, so that it stays within its folder.
fn is_plain(path: &str) -> bool {
    path.split('/').all(bag::is_name)
}
