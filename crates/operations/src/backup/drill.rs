//! A test restore: the whole of it, into a temporary folder beside the backups, with the time it took. A backup that was never
//! restored is a hope.

use std::path::Path;

use serde::{Deserialize, Serialize};
use terms::Secret;
use vault::KeyBackup;

use super::place::said;
use super::restore::{self, Plan, Restored};
use crate::backup_error::BackupError;
use crate::operation::Progress;

/// A test restore. The node that was restored is gone again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Drilled {
    pub restored: Restored,
}

/// Restores the newest backup at a place into a temporary folder there, looks at everything, and removes the folder.
///
/// # Errors
/// As [`restore`](super::restore); the disk's.
pub fn drill(
    from: &Path,
    keys: KeyBackup,
    passphrase: Secret<String>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Drilled, BackupError> {
    // At the same place: it is in the home, and has space for the mail.
    let folder = tempfile::Builder::new().prefix("drill-").tempdir_in(from).map_err(said(from))?;
    let to = folder.path().join("node");
    let plan = Plan { from: from.to_owned(), to, keys, passphrase, ledger: None };
    let restored = restore::restore(&plan, progress);
    folder.close().map_err(said(from))?;
    Ok(Drilled { restored: restored? })
}
