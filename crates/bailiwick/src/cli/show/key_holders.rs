//! What people read of `node key-holders …`.

use std::path::Path;

use operations::key_holders::{KeyHolders, KeyHoldersSet};
use terms::OfficerName;

pub(crate) fn list(shown: &KeyHolders) -> String {
    if shown.holders.is_empty() {
        return "This node has no key holders.".to_owned();
    }
    let names: Vec<&str> = shown.holders.iter().map(OfficerName::as_str).collect();
    format!("Any two of these unlock the node: {}.", names.join(", "))
}

pub(crate) fn set(set: &KeyHoldersSet, node: &Path) -> String {
    let how = if set.token_stays {
        "The token still unlocks the node; when it cannot, any two key holders do"
    } else {
        "From its next start, any two key holders unlock the node"
    };
    format!(
        "{how}: bailiwick node unlock --node {} --holder NAME\nEarlier key holders can no longer unlock it. The node's \
         passphrase, which you typed, still does: keep it away from this machine. Its file, if there was one, is overwritten; \
         copies and backups of that file are not.\nLedger entry {}.",
        node.display(),
        set.entry
    )
}
