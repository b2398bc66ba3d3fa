//! What the vault's process gives up before it holds a secret. What the kernel cannot do is said, not hidden: the report
//! goes to the node, which logs it and shows it in its status (docs/vault-process.md says what holds without each).

use std::io;
use std::path::Path;

use confine::{Calls, Confined, Folder};
use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};
use nix::unistd::geteuid;
use vault::Confinement;

/// How much memory must be lockable before all is locked: with less, the first Argon2id would find none. The kernel counts what is
/// mapped, used or not: the program, the stacks, reserves, the memory of Argon2id, and the longest messages on the socket.
const LOCKABLE_BYTES_MIN: u64 = 1 << 30;

/// Gives up everything that is not needed to serve the vault in `dir`. On the only thread of the process: threads inherit it.
///
/// # Errors
/// What every Linux can do and this one does not: core dumps off, no new privileges, a filter that is refused.
pub(super) fn confine(dir: &Path) -> io::Result<Confinement> {
    confine::harden()?;
    // The vault ends when its parent closes the socket, and not before.
    confine::leave_signals_to_parent()?;
    let locked_memory = lock_memory();
    let Confined { files, system_calls } = confine::confine(&[Folder::Write(dir)], Calls::Files)?;
    Ok(Confinement { files, system_calls, no_core: true, no_new_privileges: true, locked_memory })
}

/// Locks all memory, now and to come, as it comes into use (`MCL_ONFAULT`, Linux 4.4): what is reserved and holds nothing takes none.
/// Where the limit allows it.
fn lock_memory() -> String {
    let hard = getrlimit(Resource::RLIMIT_MEMLOCK).map_or(0, |(_, hard)| hard);
    // As much as we may.
    let _ = setrlimit(Resource::RLIMIT_MEMLOCK, hard, hard);
    if !geteuid().is_root() && hard != RLIM_INFINITY && hard < LOCKABLE_BYTES_MIN {
        return format!("the limit is {} KiB, and {} are needed", hard / 1024, LOCKABLE_BYTES_MIN / 1024);
    }
    let in_use = MlockAllFlags::from_bits_retain(libc::MCL_ONFAULT);
    match mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE | in_use) {
        Ok(()) => Confinement::ALL.to_owned(),
        Err(error) => error.to_string(),
    }
}
