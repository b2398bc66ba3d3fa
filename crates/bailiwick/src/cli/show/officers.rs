//! What people read of `officer …`.

use std::fmt::Write;

use operations::officers::{ActDone, OfficerList, OfficerPassphraseChanged};
use operations::operation::SecretText;
use vault::Act;

pub(crate) fn list(list: &OfficerList) -> String {
    let mut text = String::new();
    for officer in &list.officers {
        let power = if officer.approves {
            format!("can approve, since {}", officer.enrolled)
        } else {
            format!("enrolled, can approve from {} on", officer.in_power)
        };
        let _ = writeln!(
            text,
            "{:<16} {power}  key {}",
            officer.officer.as_str(),
            &officer.key[..officer.key.len().min(16)]
        );
    }
    text
}

pub(crate) fn passphrase_changed(changed: &OfficerPassphraseChanged) -> String {
    format!("{} approves with the new passphrase from now on.", changed.officer)
}

pub(crate) fn done(done: &ActDone) -> String {
    let mut text = what(&done.what, &done.by.join(" and "));
    let _ = write!(text, "\nLedger entry {}, digest {}.", done.entry, done.digest);
    for (number, words) in (1..).zip(&done.paper_shares) {
        let _ = write!(text, "\n\n{}", envelope(&done.home, number, done.paper_shares.len(), words));
    }
    text
}

/// What was done, for the people in the room.
fn what(act: &Act, by: &str) -> String {
    let old_shares = "Earlier paper shares open nothing that is stored from now on: destroy them, and print new ones.";
    match act {
        Act::Enrol { officer } => format!(
            "{officer} is enrolled by {by}, and cannot approve anything for 72 hours. New shares are dealt.\n{old_shares}"
        ),
        Act::Remove { officer } => format!(
            "{officer} is removed by {by}. The escrow key is replaced, every account is sealed to the new one, and new shares \
             are dealt: the share that {officer} keeps fits nothing any more.\n{old_shares}\nEarlier backups can be opened \
             with the old shares until the backups' keys are destroyed."
        ),
        Act::RotateEscrow => format!(
            "The escrow key is replaced by {by}; every account is sealed to the new one, and new shares are dealt.\n\
             {old_shares}"
        ),
        Act::PrintShares { count } => {
            format!("New shares are dealt by {by}, {count} of them on paper, below. They are not shown again.")
        }
        Act::Drill => format!("The shares of {by} combine to the escrow key. Nothing was opened."),
        Act::BeginReset { .. } | Act::FinishReset { .. } | Act::RotateAccount { .. } => format!("Agreed by {by}."),
    }
}

/// What goes into one envelope and what is written on it.
fn envelope(home: &str, number: usize, count: usize, words: &SecretText) -> String {
    format!(
        "---- paper share {number} of {count}, home {home} ----\n{}\n----\n\
         Copy it by hand, check each word, seal it in its own tamper-evident envelope, and write on the envelope:\n\
         \"Bailiwick {home}, share {number} of {count}. Together with one officer or one more share it makes officers, who can\n\
         open mail 72 hours later. Open before witnesses only, and tell the other officers.\"\n\
         Keep each share in a different place and with a different person, none with an officer. Leave no copy on a machine.",
        words.expose()
    )
}
