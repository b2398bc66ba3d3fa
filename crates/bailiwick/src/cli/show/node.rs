//! What people read of `node …`.

use std::fmt::Write;
use std::path::Path;

use operations::backup::DeskOpened;
use operations::compaction::Compaction;
use operations::config::Unlock;
use operations::found::{NodeMade, Tuned};
use operations::passphrase::NodePassphraseChanged;
use operations::rotation::{ServiceKeyRotated, SigningKeyRotated};
use operations::status::{Lock, NodeStatus, Packs, RoomsStatus, Rotating, quarantined};
use operations::unlock::UnlockResult;

use super::token::after_a_start;

pub(crate) fn status(status: &NodeStatus) -> String {
    let mut text = format!("{} ({}), {}\n", status.name, status.jurisdiction, status.hostname);
    match &status.rooms {
        Some(open) => rooms(&mut text, open),
        None => {
            text.push_str("locked: mail is deferred and nobody can sign in");
            if status.pin_refused {
                text.push_str("; the token has refused the PIN, and a person must type it (`node unlock --token`)");
            }
        }
    }
    if status.vault == Lock::Unlocked {
        text.push_str("\nvault unlocked");
    }
    for (whose, of) in [("node", status.memory), ("vault", status.vault_memory)] {
        if let Some(of) = of {
            let _ = write!(
                text,
                "\nmemory of the {whose}: {} MB ({} MB of its own, {} MB locked)",
                mb(of.resident_bytes),
                mb(of.anonymous_bytes),
                mb(of.locked_bytes)
            );
        }
    }
    text
}

fn rooms(text: &mut String, open: &RoomsStatus) {
    let signed = match &open.law_signed_by {
        Some(counsel) => format!("signed by {counsel}"),
        None => "built in: no counsel has signed it".to_owned(),
    };
    let _ = write!(
        text,
        "{} accounts, {} officers, {} ledger entries\nlaw set {}, {signed}\nstore {}",
        open.accounts, open.officers, open.ledger_size, open.law, open.store
    );
    if !open.quarantined_accounts.is_empty() {
        let _ = write!(text, "\n{}", quarantined(&open.quarantined_accounts));
    }
    let _ = write!(text, "\n{}", packs(&open.packs));
    rotating(text, &open.rotating);
}

fn rotating(text: &mut String, rotating: &Rotating) {
    if rotating.service {
        text.push_str("\nservice key: being replaced; the node continues this by itself");
    }
    if rotating.escrow {
        text.push_str("\nescrow key: being replaced; two officers must continue this (`node rotate escrow`)");
    }
    if rotating.signing {
        text.push_str("\nsigning key: being replaced; the node continues this by itself");
    }
    if rotating.accounts_under_way > 0 {
        let _ = write!(text, "\nkeys of {} accounts: being replaced", rotating.accounts_under_way);
    }
    let waiting = rotating.accounts.saturating_sub(rotating.accounts_under_way);
    if waiting > 0 {
        let _ = write!(text, "\nkeys of {waiting} accounts: being replaced, once their owners sign in");
    }
}

fn mb(bytes: u64) -> u64 {
    bytes / 1_000_000
}

fn packs(packs: &Packs) -> String {
    let Some(looked) = packs.looked else {
        return "packs not examined since the start (first after five minutes, or by `node compact`)".to_owned();
    };
    let mut text = format!(
        "packs {} MB in {} segments, {} MB of deleted mail, as of {looked}; {} MB reclaimed since the start",
        mb(packs.bytes),
        packs.segments,
        mb(packs.dead_bytes),
        mb(packs.freed_bytes)
    );
    if packs.waiting_bytes > 0 {
        let _ = write!(text, "; {} MB are freed after their last reader", mb(packs.waiting_bytes));
    }
    if !packs.damaged.is_empty() {
        let damaged: Vec<String> = packs.damaged.iter().map(ToString::to_string).collect();
        let _ = write!(text, "\nsegments kept because a record in them is damaged: {}; run fsck", damaged.join(", "));
    }
    text
}

pub(crate) fn compacted(done: &Compaction) -> String {
    let mut text = format!(
        "{} segments emptied, {} MB; {} MB of that rewritten",
        done.segments,
        mb(done.bytes_emptied),
        mb(done.bytes_rewritten)
    );
    if done.packs.waiting_bytes > 0 {
        text.push_str("\nWhat is still being read is freed within a minute of its last reader.");
    }
    text
}

pub(crate) fn unlocked(result: &UnlockResult) -> String {
    match result.vault {
        Lock::Unlocked => "The node is unlocked.".to_owned(),
        Lock::Locked => "Your part is done. A second key holder must type theirs within ten minutes.".to_owned(),
    }
}

pub(crate) fn desk_opened(opened: &DeskOpened) -> String {
    format!("The desk is open again, by {}. Ledger entry {}.", opened.by.join(" and "), opened.entry)
}

pub(crate) fn service_key(rotated: &ServiceKeyRotated) -> String {
    format!("The service key is number {}; the previous one is overwritten.", rotated.generation)
}

pub(crate) fn signing_key(rotated: &SigningKeyRotated) -> String {
    format!(
        "The ledger is signed by a new key, and the previous one is overwritten:\n  {}\nGive it to everyone who checks this \
         ledger. The file `keys` beside the ledger leads from the old key to it, signed by both.\nLedger entry {}.",
        rotated.new, rotated.entry
    )
}

pub(crate) fn passphrase_changed(changed: &NodePassphraseChanged) -> String {
    let mut text =
        "The new passphrase is in effect. The old one opens older copies of the vault's folder and older backups of \
                    keys, and nothing else."
            .to_owned();
    if let Some(file) = &changed.file {
        let _ = write!(text, "\nIt is in {}.", file.display());
    }
    let _ = write!(text, "\nLedger entry {}.", changed.entry);
    text
}

pub(crate) fn tuned(tuned: &Tuned, node: &Path) -> String {
    let cost = tuned.cost;
    format!(
        "Argon2id: {} KiB, {} passes, {} lanes. Set in {}/node.toml; it applies to what is sealed after the next start.",
        cost.memory_kib,
        cost.passes,
        cost.lanes,
        node.display()
    )
}

/// What the people in the room are told when a node was made: what there is now, and what to write down.
pub(crate) fn made(made: &NodeMade) -> String {
    let dir = made.dir.display();
    let mut text =
        format!("The keys of {} are made.\n\nOfficers, any two of whom can open mail for a case:\n", made.jurisdiction);
    for officer in &made.officers {
        let _ = writeln!(text, "  {:<16} key {}", officer.officer.as_str(), officer.key);
    }
    let passphrase = match made.unlock {
        Unlock::PassphraseFile => "the node's passphrase (secrets/passphrase)",
        Unlock::ByHand | Unlock::Token => "the node's passphrase, shown below",
    };
    let _ = write!(
        text,
        "Ledger:\n  {}\n\n\
         Write down, each in a separate place:\n\
         1. Each officer: their own passphrase, seen by nobody else.\n\
         2. The operator: {passphrase}, away from this disk and its backups.\n\
         3. Everyone: the officers' keys and the ledger's key as printed here; compare them before you rely on them.\n\
         Then: `officer drill --by A --by B` proves that two shares combine; `officer recovery print --by A --by B` puts\n\
         shares on paper in case all officers but one are lost. The ledger records both.\n\n\
         The node is ready in {dir}. Check {dir}/node.toml, above all [home]: what you declare there decides cases.\n",
        made.ledger_key
    );
    if made.key_holders {
        let _ = writeln!(
            text,
            "Two of the key holders unlock it after a start: bailiwick node unlock --node {dir} --holder NAME"
        );
    }
    if made.unlock == Unlock::Token {
        let _ = writeln!(text, "{}", after_a_start(&made.dir, made.token_attended));
    }
    let _ = match &made.passphrase {
        Some(passphrase) => writeln!(
            text,
            "Write this down, seal it, and keep it away from the machine. It unlocks the node when nothing else does, and is \
             shown only now:\n    {}",
            passphrase.expose()
        ),
        None => {
            writeln!(text, "If you can, move {dir}/secrets/passphrase to a place that backups of {dir} do not reach.")
        }
    };
    let _ = write!(text, "Run it with: bailiwick node run --node {dir}");
    text
}
