//! The control door: how the command line reaches a running node.
//!
//! A Unix socket in the node's own directory, readable by the node's user alone. One request per connection: a line of
//! JSON in, then lines of JSON out: any number of `progress`, at last one `ok` or `error`. When no node runs, the command
//! line opens the node's directory itself and calls the same [`Control`]: both ways do the same things.
//!
//! Passphrases pass through this socket, never through a command line or the environment.

mod account;
pub mod keys;
pub mod officers;

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use terms::{OfficerName, Secret};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};

pub use account::{AccountAct, AccountRequest, Shown};

/// The longest request: a demand's text is the longest thing in one (see [`DEMAND_BYTES_MAX`]), and JSON may double it.
const REQUEST_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The longest demand file. Form 1 of Regulation (EU) 2023/1543 with every annex filled is below 200 KB.
pub const DEMAND_BYTES_MAX: usize = 1024 * 1024;

/// What the command line asks of a node.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Request {
    /// What the node is and how it fares.
    Status,
    /// One person's part in unlocking the node by hand.
    NodeUnlock {
        /// Who types; nobody when it is the node's own passphrase.
        holder: Option<OfficerName>,
        /// What was typed.
        passphrase: Phrase,
    },
    /// Unlocks the node by its token, with a PIN that somebody types.
    NodeUnlockToken {
        /// The PIN.
        pin: Phrase,
    },
    /// Gives the space of deleted mail back.
    Compact,
    /// Checks what is stored, without any owner.
    Fsck,
    /// Checks one account for its owner.
    FsckAccount {
        /// The address.
        address: String,
        /// What the owner shows.
        shown: Shown,
        /// The index is dropped and made anew afterwards.
        repair_index: bool,
    },
    /// About one account and its owner's secrets.
    Account(AccountRequest),
    /// The accounts of this home.
    AccountList,
    /// The end, the backup and the replacement of keys.
    Keys(keys::KeysRequest),
    /// Backups of the whole node, and what follows a restoration.
    Backup(BackupRequest),
    /// The officers and their keys.
    Officers(officers::OfficersRequest),
    /// Brings mail in from files that the node can read.
    Import {
        /// Whose mail it becomes.
        address: String,
        /// The mailbox under which it goes.
        mailbox: String,
        /// Absolute path of an mbox, a Maildir, a folder of `.eml`, or one file.
        source: String,
    },
    /// Writes an account's mail out as files.
    Export {
        /// Whose mail.
        address: String,
        /// The owner's password: nobody else exports.
        password: Phrase,
        /// A code of the owner's app or a recovery code, where codes are on.
        code: Option<Phrase>,
        /// Absolute path of an empty or earlier export's directory.
        target: String,
    },
    /// Opens a case for a demand.
    DemandServe {
        /// The demand file's text.
        text: String,
    },
    /// A line for each case.
    CaseList,
    /// One case in full.
    CaseShow {
        /// The case's number.
        case: u64,
    },
    /// Whether there is an order for the officer to approve.
    CaseApprovable {
        /// The case's number.
        case: u64,
        /// The officer.
        officer: OfficerName,
    },
    /// An officer approves the case's order.
    CaseApprove {
        /// The case's number.
        case: u64,
        /// The officer.
        officer: OfficerName,
        /// The officer's own passphrase.
        passphrase: Phrase,
    },
    /// Collects what the clearance opens and seals the package.
    CaseCollect {
        /// The case's number.
        case: u64,
    },
    /// Writes the letter that says why nothing, or not all, is handed over.
    CaseRefuse {
        /// The case's number.
        case: u64,
    },
    /// The proof tree of a case's decision.
    LawExplain {
        /// The case's number.
        case: u64,
    },
    /// A case decided again, with the set of its day and with the one in use.
    LawReplay {
        /// The case's number.
        case: u64,
    },
    /// Which recorded cases two sets decide differently.
    LawDiff {
        /// The one.
        old: LawName,
        /// The other.
        new: LawName,
    },
    /// Takes a law set into use.
    LawAdopt {
        /// Its files: path and text.
        files: Vec<(String, String)>,
        /// Counsel's signed note.
        note: String,
    },
    /// Takes counsel's signature under one rule.
    LawConfirm {
        /// Counsel's signed note.
        note: String,
    },
    /// Decides a demand without opening a case.
    LawDecide {
        /// The demand file's text.
        text: String,
        /// The day of the what-if, `YYYY-MM-DD`; the demand's own or today when absent.
        on: Option<String>,
    },
}

/// Where a backup of keys goes.
#[derive(Debug, Serialize, Deserialize)]
pub struct KeysTarget {
    /// Absolute path of the folder for the backups.
    pub target: String,
    /// Absolute path of the folder for the days' keys.
    pub periods: Option<String>,
    /// After how many days a day's key is destroyed.
    pub window_days: u32,
}

/// What is asked about backups.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackupRequest {
    /// Backs the node up.
    Run {
        /// To which place; the only one when absent.
        to: Option<String>,
        /// The keys too.
        keys: Option<KeysTarget>,
    },
    /// Lets the desk of a restored node work again.
    OpenDesk {
        /// Who: two officers.
        hands: Vec<officers::ShownHand>,
    },
}

/// A law set that the command line names.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LawName {
    /// One that the node has had in use, by its digest.
    Digest(String),
    /// These files: path and text.
    Files(Vec<(String, String)>),
}

/// A passphrase on its way to the node: wiped when dropped, prints nothing.
#[derive(Clone)]
pub struct Phrase(pub Secret<String>);

impl std::fmt::Debug for Phrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Phrase(…)")
    }
}

impl Serialize for Phrase {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for Phrase {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Secret::new(String::deserialize(deserializer)?)))
    }
}

/// What a node answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// How far a long job is.
    Progress(Progress),
    /// The job is done.
    Ok(Outcome),
    /// The job is not done; the text says whose fault it is and what comes next.
    Error(String),
}

/// How far a long job is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Messages done.
    pub done: u64,
    /// Messages in all.
    pub total: u64,
    /// Messages that failed.
    pub failed: u64,
    /// Bytes done.
    pub bytes: u64,
}

/// The result of a request: text for a person, and the same as data for a script.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// What to print.
    pub text: String,
    /// What `--json` prints.
    pub data: serde_json::Value,
}

/// What carries a request out. Blocking; called on a thread that may block.
pub trait Control: Send + Sync {
    /// Does what `request` says, reporting the progress of long jobs.
    ///
    /// # Errors
    /// A sentence for the person at the command line.
    fn handle(&self, request: Request, progress: &mut dyn FnMut(Progress)) -> Result<Outcome, String>;
}

/// Binds the control socket at `path`, replacing one that a dead process left, with mode 0600.
///
/// # Errors
/// The operating system's; a path over about 100 bytes is refused by it, and the error says so.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    // 108 bytes with the final NUL: `sun_path` in unix(7).
    if path.as_os_str().len() > 107 {
        return Err(io::Error::other(format!(
            "the path of the control socket is longer than 107 bytes, which the system does not allow: {}. \
             Use a shorter directory",
            path.display()
        )));
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers requests until `shutdown` turns true.
pub async fn serve(listener: UnixListener, control: Arc<dyn Control>, mut shutdown: watch::Receiver<bool>) {
    loop {
        let stream = tokio::select! {
            () = crate::told(&mut shutdown) => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => {
                    // Out of descriptors: wait for some to be closed rather than spin.
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let control = control.clone();
        tokio::spawn(async move {
            // A client that went away in mid-answer is no matter for the node: the job itself is done or not done.
            let _ = answer(stream, control).await;
        });
    }
}

async fn answer(stream: UnixStream, control: Arc<dyn Control>) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    // Octets: a request that is no text is to be told so.
    let mut line = Vec::new();
    BufReader::new(read.take(REQUEST_BYTES_MAX)).read_until(b'\n', &mut line).await?;
    let line = Secret::new(line);
    let (replies, mut inbox) = mpsc::channel::<Reply>(16);
    tokio::task::spawn_blocking(move || {
        let result = serde_json::from_slice::<Request>(line.expose())
            .map_err(|error| format!("the request is not understood: {error}"))
            .and_then(|request| {
                // Progress is news, not a duty: a full channel drops it.
                control.handle(request, &mut |progress| drop(replies.try_send(Reply::Progress(progress))))
            });
        let _ = replies.blocking_send(match result {
            Ok(outcome) => Reply::Ok(outcome),
            Err(text) => Reply::Error(text),
        });
    });
    while let Some(reply) = inbox.recv().await {
        let mut text = serde_json::to_vec(&reply).map_err(io::Error::other)?;
        text.push(b'\n');
        write.write_all(&text).await?;
    }
    write.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nothing;

    impl Control for Nothing {
        fn handle(&self, _: Request, _: &mut dyn FnMut(Progress)) -> Result<Outcome, String> {
            Ok(Outcome { text: "done".to_owned(), data: serde_json::Value::Null })
        }
    }

    #[tokio::test]
    async fn whatever_is_asked_is_answered() {
        for (asked, said) in [
            (&b"{\"do\":\"status\"}\n"[..], r#"{"ok":{"text":"done","data":null}}"#),
            (b"{\"do\":\"status\"}", r#"{"ok":{"text":"done","data":null}}"#),
            (b"\n", r#"{"error":"the request is not understood"#),
            (b"", r#"{"error":"the request is not understood"#),
            (b"\xff\xfe\n", r#"{"error":"the request is not understood"#),
            (&b"[".repeat(1_000_000), r#"{"error":"the request is not understood"#),
        ] {
            let (mut client, node) = UnixStream::pair().unwrap();
            let node = tokio::spawn(answer(node, Arc::new(Nothing)));
            client.write_all(asked).await.unwrap();
            client.shutdown().await.unwrap();
            let mut answered = String::new();
            client.read_to_string(&mut answered).await.unwrap();
            assert!(answered.starts_with(said) && answered.ends_with('\n'), "{answered}");
            node.await.unwrap().unwrap();
        }
    }
}
