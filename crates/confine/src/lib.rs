//! What a process of a node gives up before it sees a secret or what strangers send (docs/processes.md). What the kernel cannot do is
//! said, not hidden: each function says how far it came, and the node logs that and shows it in its status.
//!
//! All of it is inherited by threads and children and cannot be undone, so it is done on the only thread of a process.

mod calls;
mod files;

use std::io;

use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigSet, Signal};

pub use calls::{Calls, Rules, no_clone3, only};
pub use files::{Folder, restrict_files};

/// What holds for a process that confined itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confined {
    /// How far Landlock goes: [`FULL`], or why not.
    pub files: String,
    /// Whether there is a list of system calls for this processor.
    pub system_calls: bool,
}

/// Landlock has all that was asked for.
pub const FULL: &str = "full";

impl Confined {
    /// What does not hold, in plain words; nothing when all does.
    pub fn lacks(&self) -> Vec<String> {
        let mut lacks = Vec::new();
        if self.files != FULL {
            lacks.push(format!("files of others are not fully blocked (Landlock: {})", self.files));
        }
        if !self.system_calls {
            lacks.push("system calls are not restricted (seccomp is not known for this processor)".to_owned());
        }
        lacks
    }
}

/// No core dump, no look into the memory by processes of the same user, no new privileges by starting a program.
///
/// # Errors
/// What every Linux can do and this one does not.
pub fn harden() -> io::Result<()> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    prctl::set_dumpable(false)?;
    prctl::set_no_new_privs()?;
    Ok(())
}

/// Blocks SIGTERM, SIGINT and SIGHUP: the process ends when its parent says so, and not before. A manager that tells all processes of a
/// service to end would otherwise take the vault from a node that says farewell to its clients.
///
/// # Errors
/// The system's.
pub fn leave_signals_to_parent() -> io::Result<()> {
    Ok(SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]).thread_block()?)
}

/// Closes what a careless ancestor left open, all but standard input, output and error: whatever it is, this process has no use for it.
pub fn close_inherited() {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return };
    let names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    for descriptor in names.iter().filter_map(|name| name.parse::<i32>().ok()) {
        if descriptor > STANDARD_ERROR {
            // The one of the listing itself is closed already.
            let _ = nix::unistd::close(descriptor);
        }
    }
}

/// The last of the three streams that a process has by right.
const STANDARD_ERROR: i32 = 2;

/// Has the kernel kill this process when the thread that started it ends, however it ends. `parent` is that thread's process: when it has
/// ended already, this is an error.
///
/// # Errors
/// The system's; `NotFound` when the parent is gone.
pub fn end_with_parent(parent: u32) -> io::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    if std::os::unix::process::parent_id() != parent {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the process that started this one has ended"));
    }
    Ok(())
}

/// Gives up every file but those of these folders, and every system call that is not on the list.
///
/// # Errors
/// A kernel that takes no filter, although there is a list for the processor.
pub fn confine(folders: &[Folder<'_>], calls: Calls) -> io::Result<Confined> {
    let files = restrict_files(folders);
    Ok(Confined { files, system_calls: only(calls)? })
}
