//! Opening a package into a folder, for those without `age` and `tar`.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, BufReader};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::DisclosureError;
use crate::bag;
use crate::key::AgeIdentity;
use crate::tarball::read_tar;
use crate::verify::unsealed;

/// Opens the sealed package at `package` into the folder `into`, which is made, and returns the bag's folder in it.
/// Nothing is overwritten, nothing is synced, and nobody else on the machine may read what was sealed. It checks the seal and the form of the tar file; [`verify`](crate::verify()) checks the rest.
///
/// # Errors
/// [`DisclosureError::Unseal`], [`DisclosureError::File`]. What was written before an error stays.
pub fn unpack(package: &Path, identity: &AgeIdentity, into: &Path) -> Result<PathBuf, DisclosureError> {
    let failure = |source| DisclosureError::File { path: package.to_owned(), source };
    let tar = unsealed(BufReader::new(fs::File::open(package).map_err(failure)?), identity)
        .map_err(DisclosureError::Unseal)?;
    let mut folder = None;
    read_tar(tar, |path, _, body| {
        let (name, below) =
            path.split_once('/').filter(|(name, below)| bag::is_name(name) && is_plain(below)).ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidData, format!("{path} leads out of the package's folder"))
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
    folder.ok_or_else(|| DisclosureError::Unseal("there is nothing in it".to_owned()))
}

/// Whether a path stays where it is put: names of ours, one below the other.
fn is_plain(path: &str) -> bool {
    path.split('/').all(bag::is_name)
}
