//! What people read of `backup …` and `restore`.

use std::fmt::Write;

use operations::backup::{BackedUp, Drilled, Restored};
use operations::keys::KeysBackedUp;

pub(crate) fn backed_up(done: &BackedUp) -> String {
    let mut text = format!(
        "Backup {}: {} accounts, {} segments; {} new bytes copied in {:.1} s to {}.",
        done.backup,
        done.accounts,
        done.segments,
        done.bytes_written,
        done.seconds,
        done.dir.display()
    );
    match &done.keys {
        Some(keys) => {
            let _ = write!(text, "\n{}", keys_backed_up(keys));
        }
        None => text.push_str("\nIt does not include the keys: back them up with `backup keys`, to another place."),
    }
    text
}

pub(crate) fn keys_backed_up(done: &KeysBackedUp) -> String {
    format!(
        "The keys are backed up in {}, under the key of day {}. {} older day keys are destroyed; a closed account cannot be \
         decrypted from any backup after {} days.",
        done.file.display(),
        done.day,
        done.destroyed.len(),
        done.window_days
    )
}

pub(crate) fn restored(done: &Restored) -> String {
    let mut text = format!(
        "The node is restored in {} from the backup of {}: {} accounts, {} messages, {} bytes, in {:.1} s.\n{} cases hold mail; {} \
         accounts are closed again. The old ledger is kept up to entry {}, in ledger-before; the new one is {}.\nMail service \
         resumes at start; disclosures stay disabled until two officers run `node open-desk`.\n",
        done.dir.display(),
        done.backup_at,
        done.accounts,
        done.messages,
        done.bytes,
        done.seconds,
        done.cases_held,
        done.closed_again,
        done.ledger_before,
        done.ledger
    );
    if done.damages.is_empty() {
        text.push_str("No damage found.");
    } else {
        let _ = write!(text, "{} things differ from before:", done.damages.len());
        damages(&mut text, &done.damages);
    }
    text
}

pub(crate) fn drilled(done: &Drilled) -> String {
    let done = &done.restored;
    let rate = done.bytes as f64 / 1_000_000.0 / done.seconds.max(0.001);
    let mut text = format!(
        "The backup of {} was restored and verified in {:.1} s: {} accounts, {} messages, {} bytes of segments, {rate:.0} MB/s. \
         The restored copy is removed again.",
        done.backup_at, done.seconds, done.accounts, done.messages, done.bytes
    );
    damages(&mut text, &done.damages);
    text
}

fn damages(text: &mut String, damages: &[String]) {
    for damage in damages {
        let _ = write!(text, "\n  {damage}");
    }
}
