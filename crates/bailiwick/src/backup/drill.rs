//! A restoration for practice: the whole of it, into a folder beside the backups that goes away again, with the time that it
//! took. A backup that was never restored is a hope.

use std::path::Path;

use doors::control::{Outcome, Progress};
use terms::Secret;
use vault::KeyBackup;

use super::place::said;
use super::restore::{self, Plan};

/// Restores the newest backup at a place into a folder there, looks at everything, says how it went, and removes the folder.
/// Also says whether all was as it should be.
pub(super) fn drill(
    from: &Path,
    keys: KeyBackup,
    passphrase: Secret<String>,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Outcome, bool), String> {
    // In the same place: it lies in the home, and has room for the mail.
    let folder = tempfile::Builder::new().prefix("drill-").tempdir_in(from).map_err(said(from))?;
    let to = folder.path().join("node");
    let plan = Plan { from: from.to_owned(), to, keys, passphrase, ledger: None };
    let restored = restore::restore(&plan, progress);
    folder.close().map_err(said(from))?;
    let restored = restored?;
    let rate = restored.bytes as f64 / 1_000_000.0 / restored.seconds.max(0.001);
    let sound = restored.damages.is_empty();
    let mut text = format!(
        "The backup of {} was restored and looked at in {:.1} s: {} accounts, {} messages, {} bytes of segments, {rate:.0} MB/s. \
         It is removed again.",
        restored.backup_at, restored.seconds, restored.accounts, restored.messages, restored.bytes
    );
    for damage in &restored.damages {
        text.push_str(&format!("\n  {damage}"));
    }
    Ok((Outcome { text, data: restored.data() }, sound))
}
