//! What people read of `node token …`.

use std::path::Path;

use operations::token::{TokenAdded, TokenRemoved};

pub(crate) fn added(added: &TokenAdded, node: &Path) -> String {
    format!(
        "The token {:?} unlocks the vault. {}\nThe node's passphrase, which you typed, still does: keep it away from this \
         machine. Its file, if there was one, is overwritten; copies and backups of that file are not.\nLedger entry {}.",
        added.token,
        after_a_start(node, added.attended),
        added.entry
    )
}

pub(crate) fn removed(removed: &TokenRemoved) -> String {
    let after = if removed.to_file {
        "The passphrase is in secrets/passphrase again and unlocks the node at each start."
    } else {
        "After each start two key holders unlock it: bailiwick node unlock --holder NAME"
    };
    format!(
        "The token {:?} no longer unlocks the vault. {after}\nIt still opens earlier copies of the vault's folder: replace the \
         service key (`node rotate service`) if anyone else may have one. Its key stays in the token; remove it with the \
         token's own tools.\nLedger entry {}.",
        removed.removed, removed.entry
    )
}

/// What is to be done after a start of the node.
pub(crate) fn after_a_start(node: &Path, attended: bool) -> String {
    if attended {
        return format!(
            "Someone types the token's PIN after each start: bailiwick node unlock --node {} --token",
            node.display()
        );
    }
    "The token unlocks it at each start. Anyone who copies the disk may have the PIN but not the token, and can open nothing."
        .to_owned()
}
