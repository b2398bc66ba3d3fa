//! What people read of `fsck`.

use std::fmt::Write;

use operations::fsck::{AccountChecked, Findings, NodeChecked};

pub(crate) fn node(checked: &NodeChecked) -> String {
    let mut text = format!(
        "{} accounts, {} messages, {} commits, {} segments with {} bytes, {} of them without a message; {} index files, {} \
         vault files, {} ledger entries",
        checked.accounts,
        checked.messages,
        checked.commits,
        checked.segments,
        checked.pack_bytes,
        checked.pack_bytes.saturating_sub(checked.live_bytes),
        checked.index_files,
        checked.vault_files,
        checked.ledger_entries,
    );
    findings(&mut text, &checked.findings);
    text
}

pub(crate) fn account(checked: &AccountChecked) -> String {
    let mut text = format!(
        "{} messages opened, {} bytes; {} index files with {} of them",
        checked.messages, checked.bytes, checked.index_files, checked.indexed,
    );
    findings(&mut text, &checked.findings);
    text
}

fn findings(text: &mut String, found: &Findings) {
    for damage in &found.damages {
        let _ = write!(text, "\ndamaged  {}\n         {}\n         {}", damage.text, damage.means, damage.remedy);
    }
    for what in &found.unchecked {
        let _ = write!(text, "\nunknown  {what}");
    }
    for note in &found.notes {
        let _ = write!(text, "\nnote     {note}");
    }
    text.push_str(match (found.damages.len(), found.unchecked.len()) {
        (0, 0) => "\nNo damage found.",
        (0, _) => "\nNo damage found in what was checked.",
        _ => "\nEverything not named here is intact and in service. docs/fsck.md says what to do about each.",
    });
}
